"""The choices of a caller, each checked against the type and the bounds of its setting."""

from collections.abc import Mapping
from types import NoneType
from typing import Any, get_args, get_type_hints

from attncli.checks.arguments import choice_of, count_of, flag_of, number_of, seed_of, text_of
from attncli.errors import UsageError
from attncli.settings import MechanismSettings

_BOUNDS = {
    "window": (0, None),
    "dim": (1, 65536),
    "heads": (1, 256),
    "d_k": (1, 4096),
    "d_v": (1, 4096),
}


def checked_choices(choices: Mapping[str, Any]) -> dict[str, Any]:
    """The choices, each a value that its setting may have. Raises: ArgumentError, UsageError."""
    hints = get_type_hints(MechanismSettings)
    return {name: _choice(name, value, hints) for name, value in choices.items()}


def _choice(name: str, value: Any, hints: Mapping[str, Any]) -> Any:
    if name not in hints:
        raise UsageError(f"found it, expected one of {', '.join(hints)}", place=name)
    parts = get_args(hints[name])
    if value is None and NoneType in parts:
        return None
    if str in parts and int in parts:
        return value if isinstance(value, str) else count_of(value, name)
    if parts and all(isinstance(part, str) for part in parts):
        return choice_of(value, name, parts)
    kind = parts[0] if parts else hints[name]
    if kind is int:
        least, most = _BOUNDS.get(name, (1, None))
        return seed_of(value) if name == "seed" else count_of(value, name, least, most)
    checks: dict[Any, Any] = {bool: flag_of, float: number_of, str: text_of}
    return checks[kind](value, name)
