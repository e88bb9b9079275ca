"""Several texts, and several results: a list that can be shown, saved and turned into one table."""

from collections.abc import Iterator
from typing import Any, Protocol, SupportsIndex, TypeAlias, overload

from attncli.arrays import AnyArray
from attncli.errors import AttnError as AttnError
from attncli.errors import field_name
from attncli.mechanisms.analyser import Analyser
from attncli.results import Tables
from attncli.results.result import AttentionResult as AttentionResult

_LONGEST = 60  # characters of a text in a line


class Column(Protocol):
    """A column of a table: of pandas, polars."""

    def to_list(self) -> list[Any]:
        """Its values."""


class ArrowColumn(Protocol):
    """A column of Arrow."""

    def to_pylist(self) -> list[Any]:
        """Its values."""


Texts: TypeAlias = list[str] | tuple[str, ...] | Iterator[str] | Column | ArrowColumn | AnyArray


class Results(list[AttentionResult], Tables):
    """A list of results, in the order of their texts, as `explain` gives it for several texts."""

    @overload
    def __getitem__(self, at: SupportsIndex) -> AttentionResult: ...
    @overload
    def __getitem__(self, at: slice) -> "Results": ...
    def __getitem__(self, at: SupportsIndex | slice) -> "AttentionResult | Results":
        return (
            Results(super().__getitem__(at)) if isinstance(at, slice) else super().__getitem__(at)
        )

    def __repr__(self) -> str:
        texts = [repr(result.text[:_LONGEST]) for result in self[:3]]
        texts += [f"… {len(self) - 3:,} more"] if len(self) > 3 else []
        return f"Results({', '.join(texts)})"


def results_of(
    analyser: Analyser, texts: list[str], several: bool, pairs: list[str] | None = None
) -> Results:
    """The results of texts, each beside its second one where there are `pairs`.

    Raises: the error of the first that has none; of several it is named.
    """
    results = Results()
    outcomes = (
        analyser.outcomes(texts)
        if pairs is None
        else analyser.pairs(list(zip(texts, pairs, strict=True)))
    )
    for place, outcome in enumerate(outcomes):
        if isinstance(outcome, AttnError):
            if pairs is not None and outcome.place == field_name("pair"):
                outcome.place = f"pair[{place}]"
            outcome.place = outcome.place or (f"text[{place}]" if several else None)
            raise outcome
        results.append(outcome)
    return results
