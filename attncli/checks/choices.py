"""The choices of a caller, each checked against the type and the bounds of its setting."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import fields
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np

from attncli.checks.arguments import (
    array_of,
    choice_of,
    count_of,
    flag_of,
    number_of,
    path_of,
    seed_of,
    text_of,
    texts_of,
    unexpected,
)
from attncli.errors import UsageError
from attncli.errors.wording import did_you_mean, visible

_MOST = 2**63 - 1  # a number that JSON, arrays and seeds hold
# What a part of a result is chosen by, in the words of the command and of Python.
_OF_A_PART = {
    "layer": "layers=(0,)",
    "layers": "layers=(0,)",
    "head": "heads=(0,)",
    "heads": "heads=(0,)",
    "hide": 'hide=("special",)',
    "merge": "merge=True",
    "agg": 'over=("heads",)',
}
_BOUNDS: dict[str, tuple[int, int | None]] = {
    "window": (0, None),
    "dim": (1, 65536),
    "d_k": (1, 4096),
    "d_v": (1, 4096),
    "landmarks": (0, 1024),
    "committee": (1, 4096),
    "directions": (1, 1_000_000),
    "complete": (1, 4096),
    "reach": (0, 4096),
    "epochs": (1, 1_000_000),
    "batch_size": (1, 4096),
    "patience": (0, None),
    "workers": (1, 1024),
    "chunk": (1, 1_000_000),
}


def expect_names(
    choices: Collection[str], function: Callable[..., Any], optional: Collection[str]
) -> None:
    """Raises: UsageError for a name that is neither of a parameter of the function nor optional.

    It says the name that was probably meant, then all that the function takes.
    """
    unknown = [name for name in choices if name not in optional]
    if unknown:
        from inspect import Parameter, signature

        takes = signature(function).parameters.values()
        own = [parameter.name for parameter in takes if parameter.kind != Parameter.VAR_KEYWORD]
        raise _no_such_name(unknown[0], dict.fromkeys([*own, *sorted(optional)]))


def _no_such_name(name: str, names: Collection[str]) -> UsageError:
    meant = did_you_mean(name, names) or "."
    hints: tuple[str, ...] = ()
    if name in _OF_A_PART:
        part = f"attncli.Part({_OF_A_PART[name]})"
        if "part" in names:
            hints = (f"part={part} chooses a part of the results",)
        elif "results" in names or "palette" in names:
            hints = (f"{part}.of(result) is a part of a result, and is saved as one",)
    return UsageError(
        f"no argument is called so{meant} Expected one of {', '.join(names)}",
        place=visible(name),
        hints=hints,
    )


def checked_choices(
    choices: Mapping[str, Any],
    kind: type,
    *,
    matrices: Collection[str] = (),
    most_heads: int = 256,
) -> dict[str, Any]:
    """The choices, each a value that its field of the settings `kind` may have.

    `matrices` are the fields that take one of numbers too. Raises: ArgumentError, UsageError.
    """
    types = get_type_hints(kind)
    hints = {field.name: types[field.name] for field in fields(kind)}
    bounds = _BOUNDS | {"heads": (1, most_heads)}
    return {
        name: _matrix(value, name) if name in matrices else _choice(name, value, hints, bounds)
        for name, value in choices.items()
    }


def _choice(
    name: str, value: Any, hints: Mapping[str, Any], bounds: Mapping[str, tuple[int, int | None]]
) -> Any:
    if name not in hints:
        raise _no_such_name(name, hints)
    if get_origin(hints[name]) is tuple:
        return tuple(texts_of(value, name))
    parts = get_args(hints[name])
    if value is None and NoneType in parts:
        return None
    if str in parts and int in parts:
        return text_of(value, name) if isinstance(value, str) else count_of(value, name)
    if parts and all(isinstance(part, str) for part in parts):
        return choice_of(value, name, parts)
    kind = parts[0] if parts else hints[name]
    if get_origin(kind) is Literal:
        return choice_of(value, name, get_args(kind))
    if kind is int:
        least, most = bounds.get(name, (1, None))
        return seed_of(value) if name == "seed" else count_of(value, name, least, most or _MOST)
    checks: dict[Any, Any] = {bool: flag_of, float: number_of, str: text_of}
    return checks[kind](value, name)


def _matrix(value: Any, name: str) -> str | None:
    """A matrix as a text that is read back to the same numbers; a text stays as it is.

    Raises: ArgumentError, UsageError for numbers that are not finite.
    """
    if value is None or isinstance(value, str):
        return None if value is None else text_of(value, name)
    if name == "matrices":
        return path_of(value, name)
    expected = "a matrix of numbers: rows, or rows for each head"
    array = array_of(value, name, expected)
    if array.ndim not in (2, 3) or not array.size:
        raise unexpected(value, name, expected)
    if not np.isfinite(array).all():
        raise UsageError("found a number that is not finite, expected finite ones", place=name)
    heads = array.astype(np.float64).reshape(-1, *array.shape[-2:]).tolist()
    return "|".join(";".join(",".join(map(repr, row)) for row in rows) for rows in heads)
