"""What differs between results."""

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from attncli.api.view import read
from attncli.checks.arguments import number_of
from attncli.errors import UsageError
from attncli.results.result import AttentionResult
from attncli.results.saving import several_of
from attncli.settings import TOLERANCE

if TYPE_CHECKING:
    from attncli.insight.difference import Differences


def diff(
    first: AttentionResult | Sequence[AttentionResult] | str | PathLike[str],
    second: AttentionResult | Sequence[AttentionResult] | str | PathLike[str],
    *,
    tol: float = TOLERANCE,
) -> "Differences":
    """What differs between results or files of them, pair by pair; equal pairs have no changes.

    >>> [pair.changes for pair in diff(explain("river bank"), explain("river bank"))]
    [()]
    """
    from attncli.insight.difference import differences

    tolerance = number_of(tol, "tol")
    if tolerance < 0:
        raise UsageError(f"found {tolerance:g}, expected a number of 0 or more", place="tol")
    return differences(_read_or_given(first), _read_or_given(second), tolerance)


def _read_or_given(results: Any) -> list[AttentionResult]:
    return read(results) if isinstance(results, str | PathLike) else several_of(results)
