"""Several texts, and several results: a list that can be shown, saved and turned into one table."""

from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, Protocol, SupportsIndex, TypeAlias, Unpack, overload

from attncli.arrays import AnyArray
from attncli.checks.arguments import has, one_of_kind, path_of, unexpected
from attncli.errors import AttnError as AttnError
from attncli.errors import EmptyError
from attncli.mechanisms.analyser import Analyser
from attncli.results.result import AttentionResult as AttentionResult

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

    from attncli.settings import FigureChoices

_EXPECTED = "a result, or a list of results (AttentionResult.from_dict makes one of a record)"

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


class Results(list[AttentionResult]):
    """A list of results, in the order of their texts, as `explain` gives it for several texts."""

    @overload
    def __getitem__(self, at: SupportsIndex) -> AttentionResult: ...
    @overload
    def __getitem__(self, at: slice) -> "Results": ...
    def __getitem__(self, at: SupportsIndex | slice) -> "AttentionResult | Results":
        return (
            Results(super().__getitem__(at)) if isinstance(at, slice) else super().__getitem__(at)
        )

    def to_pandas(self) -> "pandas.DataFrame":
        """The tables of all results, one after the other: `index` is the place of the result.

        Columns: index, layer, head, query, key, query_word, key_word, weight.
        Raises: MissingExtraError where pandas is not installed.
        """
        from attncli.results.tables import pandas_table

        return pandas_table(self)

    def to_polars(self) -> "polars.DataFrame":
        """The table of `to_pandas`, of polars. Raises: MissingExtraError."""
        from attncli.results.tables import polars_table

        return polars_table(self)

    def to_arrow(self) -> "pyarrow.Table":
        """The table of `to_pandas`, of Arrow. Raises: MissingExtraError."""
        from attncli.results.tables import arrow_table

        return arrow_table(self)

    def save(
        self,
        path: str | PathLike[str],
        *,
        precision: int | None = None,
        top: int | None = None,
        exclude: Iterable[str] = (),
        notation: Literal["words", "lecture"] = "words",
        **figure: "Unpack[FigureChoices]",
    ) -> None:
        """Writes all results into one file, as `attncli.save` does."""
        from attncli.results.saving import save_results

        save_results(
            several_of(self),
            path_of(path),
            precision=precision,
            top=top,
            exclude=exclude,
            notation=notation,
            figure=figure,
        )

    def _repr_html_(self) -> str:
        """What a notebook shows: each result, one below the other."""
        from attncli.views.notebook import shown_results

        return shown_results(self)

    def _repr_latex_(self) -> str:
        """What a notebook that is printed shows."""
        from attncli.views.notebook import printed_results

        return printed_results(self)

    def __repr__(self) -> str:
        texts = [repr(result.text[:_LONGEST]) for result in self[:3]]
        texts += [f"… {len(self) - 3:,} more"] if len(self) > 3 else []
        return f"Results({', '.join(texts)})"


def results_of(analyser: Analyser, texts: list[str], several: bool) -> Results:
    """The results of texts. Raises: the error of the first that has none; of several it is named."""
    results = Results()
    for place, outcome in enumerate(analyser.outcomes(texts)):
        if isinstance(outcome, AttnError):
            outcome.place = outcome.place or (f"text[{place}]" if several else None)
            raise outcome
        results.append(outcome)
    return results


def several_of(results: Any) -> list[AttentionResult]:
    """One result or several as a list. Raises: ArgumentError, EmptyError."""
    if isinstance(results, AttentionResult):
        return [results]
    given = isinstance(results, Iterable) and not has(results, "shape")
    if not given or isinstance(results, str | bytes | Mapping):
        raise unexpected(results, "results", _EXPECTED)
    several = list(results)
    for place, result in enumerate(several):
        one_of_kind(result, f"results[{place}]", AttentionResult, _EXPECTED)
    if not several:
        raise EmptyError("found no result, expected at least one", place="results")
    return several
