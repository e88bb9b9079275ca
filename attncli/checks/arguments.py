"""What a caller from Python gives, checked where it comes in, as files are.

Each function returns the value in the form the rest of the house counts on, or raises an
ArgumentError that says what came and what was expected. Arrays of other libraries are taken as they
are: PyTorch tensors, nested lists, whatever has `__array__` or `__dlpack__` (foreign_arrays.py).
"""

import math
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from attncli.arrays import AnyArray, IntArray
from attncli.errors import ArgumentError, UsageError
from attncli.errors.wording import quoted

_MOST = (1 << 128) - 1
_NUMBERS = {int, float}
_LISTED = ("tolist", "to_list", "to_pylist")  # of numpy and pandas, polars, Arrow
_LONGEST = 60  # characters of a value that a message shows


def described(value: object) -> str:
    """What a value is, for a message; its kind alone, where it cannot even be shown."""
    try:
        return _described(value)
    except Exception:  # a value of somebody else's making
        return "a value that cannot be shown"


def said(value: object) -> str:
    """A value as a text, or what it is where it has none."""
    try:
        return str(value)
    except Exception:  # a value of somebody else's making
        return described(value)


def has(value: object, name: str) -> bool:
    """Whether a value has an attribute and gives it."""
    try:
        getattr(value, name)
    except Exception:  # a value of somebody else's making
        return False
    return True


def _described(value: object) -> str:
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return f"the text {quoted(str.__str__(value)[:_LONGEST])}"
    if isinstance(value, int | float | np.number):
        # Python refuses to write whole numbers of thousands of digits
        is_short = not isinstance(value, int) or abs(value) < 1 << 128
        return f"the number {str(value)[:_LONGEST]}" if is_short else "a long number"
    kind = type(value).__name__
    named = f"{'an' if kind[:1].lower() in 'aeiou' else 'a'} {kind}"
    try:
        shape = getattr(value, "shape", None)
        if isinstance(shape, tuple):
            return f"{named} of the shape {tuple(shape)}"
        if isinstance(value, list | tuple | set | frozenset) and not value:
            return f"an empty {kind}"
    except Exception:  # of its kind all the same
        return named
    return named


def unexpected(value: object, name: str, expected: str) -> ArgumentError:
    """The error for an argument of another kind."""
    return ArgumentError(f"found {described(value)}, expected {expected}", place=name or None)


def text_of(value: object, name: str, expected: str = "a text") -> str:
    """A text. Raises: ArgumentError."""
    if not isinstance(value, str):
        raise unexpected(value, name, expected)
    return str.__str__(value)  # also of a kind of text whose own fails


def texts_of(value: object, name: str, expected: str = "a list of texts") -> list[str]:
    """Texts, one by one: a list, a tuple, an array or a column of them. Raises: ArgumentError."""
    if isinstance(value, str | bytes | Mapping):
        raise unexpected(value, name, expected)
    if (columns := _columns_of(value)) is not None:
        listed = ", ".join(quoted(column) for column in columns[:8])
        way = f"one of them, as table[{columns[0]!r}]" if columns else "a column"
        kind = type(value).__name__
        raise ArgumentError(f"found a {kind} with the columns {listed}, expected {way}", place=name)
    if not isinstance(value, Iterable):
        raise _no_texts(value, name, expected)
    way_out = next((way for way in _LISTED if has(value, way)), None)
    try:
        items = list(value) if way_out is None else getattr(value, way_out)()
    except Exception:  # a sequence of somebody else's making
        raise unexpected(value, name, expected) from None
    if not isinstance(items, list):
        raise unexpected(value, name, expected)
    for place, item in enumerate(items):
        if not isinstance(item, str):
            raise unexpected(item, f"{name}[{place}]", expected)
    return [str.__str__(item) for item in items]


def is_column(value: object) -> bool:
    """Whether this is a list, a tuple, an array of texts, or a column of a table; or a table."""
    if isinstance(value, list | tuple | np.ndarray):
        return True
    if isinstance(value, str | bytes | Mapping):
        return False
    return any(
        has(value, way) for way in ("to_list", "to_pylist", "collect_schema", "columns", "__next__")
    )


def _no_texts(value: object, name: str, expected: str) -> ArgumentError:
    """The error for what is no list of texts; a table that is read when it is asked is named so."""
    if has(value, "collect_schema"):
        kind = type(value).__name__
        message = f"found a {kind}, expected a column of it: table.collect()[COLUMN]"
        return ArgumentError(message, place=name)
    return unexpected(value, name, expected)


def _columns_of(value: Any) -> list[str] | None:
    """The names of the columns of a table of pandas, polars or Arrow; None where it is none."""
    try:
        for way in ("column_names", "columns"):
            if has(value, "shape") and has(value, way) and len(value.shape) == 2:
                return [str(column) for column in getattr(value, way)]
    except Exception:  # a value of somebody else's making
        return None
    return None


def names_of(value: object, name: str) -> frozenset[str]:
    """Names, as `include` takes them. Raises: ArgumentError."""
    return frozenset(texts_of(value, name))


def path_of(value: object, name: str = "path") -> str:
    """A path as a text. Raises: ArgumentError."""
    if not isinstance(value, str | bytes | os.PathLike):
        raise unexpected(value, name, "a path")
    try:
        text = str.__str__(os.fsdecode(value))
    except Exception:  # a path of somebody else's making
        raise unexpected(value, name, "a path") from None
    if not text or "\0" in text:
        raise unexpected(text, name, "a path")
    return text


def choice_of(value: object, name: str, allowed: Iterable[str]) -> str:
    """One of a few names. Raises: UsageError for another text, ArgumentError for no text."""
    text = text_of(value, name)
    if text not in allowed:
        raise UsageError(f"found {quoted(text)}, expected one of {', '.join(allowed)}", place=name)
    return text


def flag_of(value: object, name: str) -> bool:
    """True or False. Raises: ArgumentError."""
    if not isinstance(value, bool | np.bool_):
        raise unexpected(value, name, "True or False")
    return bool(value)


def number_of(
    value: object, name: str, expected: str = "a number", *, finite: bool = True
) -> float:
    """A number. Raises: UsageError for one that is not finite and has to be, ArgumentError."""
    kinds = (int, float, np.integer, np.floating)
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise unexpected(value, name, expected)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    except Exception:  # a number of somebody else's making
        raise unexpected(value, name, expected) from None
    if finite and not math.isfinite(number):
        raise UsageError(f"found {described(value)}, expected {expected}", place=name)
    return number


def count_of(value: object, name: str, least: int | None = 0, most: int | None = None) -> int:
    """A whole number of at most 128 bits. Raises: UsageError for one out of bounds, ArgumentError."""
    number = _whole(value, name, least, most)
    if not -_MOST <= number <= _MOST:
        raise UsageError(f"found {described(number)}, expected one of at most 128 bits", place=name)
    return number


def _whole(value: object, name: str, least: int | None, most: int | None) -> int:
    lower = "" if least is None else f" of {least:,} or more"
    expected = "a whole number" + (lower if most is None else f" from {least:,} to {most:,}")
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise unexpected(value, name, expected)
    try:
        number = int(value)
    except Exception:  # a number of somebody else's making
        raise unexpected(value, name, expected) from None
    if (least is not None and number < least) or (most is not None and number > most):
        raise UsageError(f"found {described(number)}, expected {expected}", place=name)
    return number


def counts_of(value: object, name: str) -> tuple[int, ...]:
    """Whole numbers, one by one: a list, a tuple, a range, an array. Raises: ArgumentError."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise unexpected(value, name, "several whole numbers, as (0, 1)")
    try:
        items = list(value)
    except Exception:  # a sequence of somebody else's making
        raise unexpected(value, name, "several whole numbers, as (0, 1)") from None
    return tuple(count_of(item, f"{name}[{at}]", None) for at, item in enumerate(items))


def seed_of(value: object) -> int:
    """A seed. Raises: UsageError for one of more than 256 bits, ArgumentError."""
    number = _whole(value, "seed", None, None)
    if number.bit_length() > 256:
        raise UsageError("found a longer number, expected one of at most 256 bits", place="seed")
    return number


def array_of(value: object, name: str, expected: str = "an array of numbers") -> AnyArray:
    """Numbers as an array of floats, whole numbers or truth values.

    Raises: ArgumentError for anything else: None, texts, lists of unequal lengths, objects.
    """
    masked = sys.modules.get("numpy.ma")  # slow to import, and not there where nothing is masked
    if masked and isinstance(value, masked.MaskedArray) and masked.is_masked(value):
        raise ArgumentError(f"found masked numbers, expected {expected}", place=name or None)
    if isinstance(value, np.ndarray) and value.dtype.kind != "V":
        array = np.asarray(value)
    elif value is None or isinstance(value, str | bytes | Mapping | set | frozenset):
        raise unexpected(value, name, expected)
    else:
        array = _converted(value, name, expected)
    if array.dtype.kind not in "fiub":
        kind = quoted(str(array.dtype)[:_LONGEST])
        raise ArgumentError(
            f"found values of the type {kind}, expected numbers: {expected}", place=name or None
        )
    return array


def row_numbers(value: object, n_rows: int) -> IntArray:
    """Numbers of rows of a matrix, (n,). Raises: ArgumentError; UsageError for a row beyond it."""
    rows = array_of(value, "rows", "a list of whole numbers")
    if not rows.size:
        return np.zeros(0, dtype=np.intp)
    if rows.dtype.kind not in "iu" or rows.ndim != 1:
        raise unexpected(value, "rows", "a list of whole numbers")
    low, high = int(rows.min()), int(rows.max())
    if low < 0 or high >= n_rows:
        beyond = low if low < 0 else high
        raise UsageError(f"found the row {beyond:,}, expected 0 to {n_rows - 1:,}", place="rows")
    return rows.astype(np.intp, copy=False)


def one_of_kind(value: Any, name: str, kind: Any, expected: str) -> Any:
    """A value of this class, or of one of several. Raises: ArgumentError."""
    if not isinstance(value, kind):
        raise unexpected(value, name, expected)
    return value


def _converted(value: Any, name: str, expected: str) -> AnyArray:
    try:
        if isinstance(value, list) and _NUMBERS.issuperset(map(type, value)):
            return np.asarray(value)
        from attncli.checks.foreign_arrays import as_numpy

        return as_numpy(value)
    except (MemoryError, KeyboardInterrupt):
        raise
    except Exception as fault:  # whatever the array's own library raises
        if isinstance(value, list | tuple):
            message = "found lists of unequal lengths or no numbers, expected a rectangular array"
            raise ArgumentError(message, place=name or None) from None
        reason = " ".join(said(fault).split())[:120]
        raise ArgumentError(
            f"found {described(value)} that numpy cannot read ({reason}), expected {expected}",
            place=name or None,
        ) from None
