"""Results written to a file, the choices checked as a caller from Python gives them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from attncli.checks.arguments import (
    choice_of,
    count_of,
    has,
    names_of,
    one_of_kind,
    unexpected,
)
from attncli.errors import EmptyError
from attncli.results.fields import DEFAULT_FIELDS, ON_REQUEST, OPTIONAL_FIELDS
from attncli.results.figures import checked_figure
from attncli.results.result import AttentionResult
from attncli.settings import Notation

_EXPECTED = "a result, or a list of results (AttentionResult.from_dict makes one of a record)"


def save_results(
    results: AttentionResult | Sequence[AttentionResult],
    file: str,
    *,
    precision: int | None,
    top: int | None,
    exclude: Iterable[str],
    notation: Notation,
    figure: Mapping[str, Any],
) -> None:
    """Writes results in the format of the suffix, as `attncli.save` says.

    Raises: ArgumentError, UsageError, MissingExtraError, OutputError.
    """
    from attncli.views.files import FileRequest, write_results

    choice_of(notation, "notation", get_args(Notation))
    asked, left_out = checked_figure(figure), names_of(exclude, "exclude")
    for name in left_out:
        choice_of(name, "exclude", (*ON_REQUEST, *DEFAULT_FIELDS))
    several = several_of(results)
    request = FileRequest(
        precision=None if precision is None else count_of(precision, "precision", 1, 9),
        top=None if top is None else count_of(top, "top"),
        fields=(_held(several, left_out), tuple(left_out)),
        notation=notation,
        figure=asked,
    )
    write_results(file, several, request)


def _held(results: Sequence[AttentionResult], left_out: Iterable[str]) -> tuple[str, ...]:
    """The optional fields that one of these results holds, or a part of it, and that are wanted."""
    parts = [p for r in results for p in (r, r.decoder, r.cross) if p is not None]
    wanted = (name for name in OPTIONAL_FIELDS if name not in left_out)
    return tuple(name for name in wanted if any(part.holds(name) for part in parts))


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
