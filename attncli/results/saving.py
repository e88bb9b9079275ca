"""Results written to a file, the choices checked as a caller from Python gives them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from attncli.checks.arguments import choice_of, count_of, names_of
from attncli.results.figures import checked_figure
from attncli.results.result import DEFAULT_FIELDS, ON_REQUEST, OPTIONAL_FIELDS, AttentionResult
from attncli.settings import Notation


def save_results(
    results: Sequence[AttentionResult],
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
    request = FileRequest(
        precision=None if precision is None else count_of(precision, "precision", 1, 9),
        top=None if top is None else count_of(top, "top"),
        fields=(tuple(n for n in OPTIONAL_FIELDS if n not in left_out), tuple(left_out)),
        notation=notation,
        figure=asked,
    )
    write_results(file, results, request)
