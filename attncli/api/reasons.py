"""Why weights are what they are: vectors, scale, temperature and symmetry, beside the lecture's notes."""

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Unpack, overload

from attncli.api.explain import Explained, explain
from attncli.api.several import Results, Texts
from attncli.checks.arguments import names_of
from attncli.errors import UsageError
from attncli.insight.why import NEEDED, Why, why_of
from attncli.results.cards import Card, Facts, ShowsCard, as_html, as_latex, some_of
from attncli.results.result import AttentionResult

if TYPE_CHECKING:
    from attncli.models.trained import TrainedModel


@dataclass(frozen=True, slots=True, repr=False)
class Reasons(ShowsCard):
    """Why the weights of a result are what they are: the numbers, and what each line of them says."""

    result: AttentionResult
    numbers: Why
    lines: Mapping[str, str]

    def __str__(self) -> str:
        return "\n".join(f"{name:13}{line}" for name, line in self.lines.items())

    def __repr__(self) -> str:
        return f"Reasons({self.result.text!r}, {self.lines['weights']})"

    def card(self) -> Card:
        """What a notebook shows: the six lines, below the sentence and its mechanism."""
        from attncli.views.facts import facts_line

        return Card(self.result.text, facts_line(self.result), [Facts(self.lines)])


class ReasonsOfSeveral(list[Reasons]):
    """The reasons of several sentences, in their order; a notebook shows them one below the other."""

    def __repr__(self) -> str:
        return f"ReasonsOfSeveral({some_of([repr(each.result.text) for each in self], 3)})"

    def _repr_html_(self) -> str:
        return "".join(as_html(reasons.card()) for reasons in self)

    def _repr_latex_(self) -> str:
        return "".join(as_latex(reasons.card()) for reasons in self)


@overload
def why(
    text: str | AttentionResult,
    model: "str | PathLike[str] | TrainedModel | None" = None,
    **given: Unpack[Explained],
) -> Reasons: ...
@overload
def why(
    text: Texts | Results,
    model: "str | PathLike[str] | TrainedModel | None" = None,
    **given: Unpack[Explained],
) -> ReasonsOfSeveral: ...
def why(
    text: str | Texts | AttentionResult | Results,
    model: "str | PathLike[str] | TrainedModel | None" = None,
    **given: Unpack[Explained],
) -> Reasons | ReasonsOfSeveral:
    """Why the weights of a sentence are what they are, in six lines.

    Of several sentences a list. `model` and the other names are those of `explain`; a result that is
    at hand must hold the fields embeddings, query, key and scores. The lines are about the first
    head of general or task-specific attention: the first word's weights, the vectors, the scale, the
    temperature at which the mean self-weight is that of the lecture's notes, the symmetry of scores,
    and how to see the notes' own weights.
    Raises: UsageError for a transformer, or choices beside a result; DataError where a result lacks a
    field; what `explain` raises.

    >>> why("money bank grows").lines["weights"]
    'money → itself: 0.779 here, 0.7 in the notes'
    """
    if isinstance(text, AttentionResult | Results):
        if model is not None or given:
            raise UsageError(
                "found a choice beside a result, which is computed already; expected one of them",
                place="model" if model is not None else min(given),
            )
        return reasons_of(text) if isinstance(text, AttentionResult) else _of_several(text)
    given["include"] = {*names_of(given.get("include", ()), "include"), *NEEDED}
    if isinstance(text, str):
        return reasons_of(explain(text, model, **given))
    return _of_several(explain(text, model, **given))


def _of_several(results: Results) -> ReasonsOfSeveral:
    return ReasonsOfSeveral(map(reasons_of, results))


def reasons_of(result: AttentionResult) -> Reasons:
    """Why the weights of a result are what they are, beside those of the lecture's notes.

    Raises: UsageError, DataError where the result does not say.
    """
    from attncli.models.shipped import weights_of_notes
    from attncli.views.why import why_texts

    numbers = why_of(result, weights_of_notes(result.words))
    return Reasons(result, numbers, why_texts(result, numbers))
