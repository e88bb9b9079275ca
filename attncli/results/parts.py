"""What is asked of a part of a result from Python, checked where the part is made."""

from collections.abc import Mapping
from typing import Any, get_args

from attncli.checks.arguments import (
    choice_of,
    counts_of,
    flag_of,
    names_of,
    one_of_kind,
    texts_of,
)
from attncli.results.names import Axis
from attncli.results.result import AttentionResult
from attncli.settings import Which


def choices_of_part(choices: Mapping[str, Any]) -> dict[str, Any]:
    """The choices of a part, lists and arrays as tuples. Raises: ArgumentError, UsageError.

    >>> choices_of_part({"heads": [0, 2], "merge": True})
    {'heads': (0, 2), 'merge': True}
    """
    return {name: _CHECKS[name](value, f"part.{name}") for name, value in choices.items()}


def expect_result(value: object) -> None:
    """Raises: ArgumentError for what is no result."""
    one_of_kind(value, "result", AttentionResult, "a result")


def _numbers(value: Any, name: str) -> tuple[int, ...] | None:
    return None if value is None else counts_of(value, name)


def _axes(value: Any, name: str) -> tuple[str, ...]:
    return tuple(choice_of(axis, name, get_args(Axis)) for axis in texts_of(value, name))


_CHECKS: Mapping[str, Any] = {
    "layers": _numbers,
    "heads": _numbers,
    "merge": flag_of,
    "hide": lambda value, name: tuple(texts_of(value, name)),
    "hide_special": flag_of,
    "over": _axes,
    "how": lambda value, name: choice_of(value, name, ("mean", "max")),
    "asked": names_of,
    "which": lambda value, name: None if value is None else choice_of(value, name, get_args(Which)),
    "shown": flag_of,
}
