"""A result as JSON: one object on one line, numbers as the shortest text that round-trips float32."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from attncli.arrays import Float32Array, FloatArray
from attncli.errors import AttnError
from attncli.errors.wording import harmless_json
from attncli.results.fields import PARTS, SCHEMA_VERSION
from attncli.results.result import AttentionResult

# A record with fewer numbers than this is written by the standard library: importing orjson would
# take longer than it saves.
_FEW = 1000
_MANY = 1 << 18  # numbers of an array that are turned into text at once

_quoted: Callable[[str], str] = json.encoder.encode_basestring  # what the encoder does with a text
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_encode_lines = json.JSONEncoder(ensure_ascii=False, separators=("\n", ":")).encode


def result_json(
    result: AttentionResult, include: Iterable[str] = (), exclude: Iterable[str] = ()
) -> str:
    """The record of a result as one line of JSON, without the newline."""
    return record_json(result.to_record(include, exclude))


def shaped(record: dict[str, Any], precision: int | None, top: int | None) -> dict[str, Any]:
    """A record with numbers of `precision` digits, and with `top` its strongest keys only.

    As in `attn batch`, "top" then stands in the place of "weights": {"keys": …, "weights": …}.
    """
    entries: dict[str, Any] = {}
    for name, value in record.items():
        if name == "weights" and top is not None:
            from attncli.results.top import strongest_of_rows

            keys, kept = strongest_of_rows(value, top)
            entries["top"] = {"keys": keys.tolist(), "weights": shortest(_rounded(kept, precision))}
        elif name in PARTS:
            entries[name] = shaped(value, precision, top)
        else:
            entries[name] = _rounded(value, precision) if isinstance(value, np.ndarray) else value
    return entries


def _rounded(array: Any, precision: int | None) -> Any:
    return array if precision is None else rounded_to(array, precision)


def rounded_to(array: Float32Array, digits: int) -> FloatArray:
    """Numbers rounded to so many digits after the point, as float64."""
    return np.round(array.astype(np.float64), digits) + 0.0  # no minus zero


def record_json(record: dict[str, Any]) -> str:
    """A record whose values may be float32 arrays, as one line of JSON."""
    numbers = sum(array.size for array in _arrays(record))
    return harmless_json(_by_standard_library(record) if numbers < _FEW else _by_orjson(record))


def result_parts(
    result: AttentionResult,
    include: Iterable[str] = (),
    exclude: Iterable[str] = (),
    *,
    precision: int | None = None,
    top: int | None = None,
) -> Iterator[str]:
    """The text of `result_json` in parts: a large record is never whole in memory."""
    return record_parts(shaped(result.to_record(include, exclude), precision, top))


def record_parts(record: dict[str, Any]) -> Iterator[str]:
    """The text of `record_json` in parts."""
    if not any(array.size > _MANY for array in _arrays(record)):
        yield record_json(record)
        return
    for place, (name, value) in enumerate(record.items()):
        key = _encode(name)
        yield f"{',' if place else '{'}{key}:"
        if isinstance(value, np.ndarray):
            yield from _array_parts(value)
        elif name in PARTS:
            yield from record_parts(value)
        else:
            yield harmless_json(_by_orjson({name: value})[len(key) + 2 : -1])
    yield "}"


def plain_json(value: Any) -> str:
    """A value without arrays as JSON, with nothing in it that a terminal would obey."""
    return harmless_json(_quoted(value) if type(value) is str else _encode(value))


def plain_json_texts(texts: Sequence[str]) -> list[str]:
    """Each text as `plain_json` writes it, made together."""
    whole = _encode_lines(texts)[1:-1]
    quoted = whole.split("\n") if texts else []  # no JSON text holds a line break
    return quoted if harmless_json(whole) is whole else list(map(harmless_json, quoted))


def error_record(error: AttnError, index: int, line: int | None) -> dict[str, Any]:
    """The record of a sentence that failed among others."""
    return {
        "type": "error",
        "schema": SCHEMA_VERSION,
        "index": index,
        "line": line,
        "code": error.name,
        "message": error.message,
    }


def shortest(array: Any) -> Any:
    """An array as nested lists of the floats nearest to the shortest texts of its float32 values."""
    if array.ndim > 1:
        return [shortest(row) for row in array]
    return [float(str(value)) for value in array]


def _arrays(record: Mapping[str, Any]) -> Iterator[Any]:
    """The arrays of a record and of its parts."""
    for name, value in record.items():
        if isinstance(value, np.ndarray):
            yield value
        elif name in PARTS:
            yield from _arrays(value)


def _with_arrays(record: Mapping[str, Any], made: Callable[[Any], Any]) -> dict[str, Any]:
    """A record whose arrays, those of its parts too, are what is `made` of them."""
    return {
        name: made(value)
        if isinstance(value, np.ndarray)
        else _with_arrays(value, made)
        if name in PARTS
        else value
        for name, value in record.items()
    }


def _by_standard_library(record: dict[str, Any]) -> str:
    plain = _with_arrays(record, shortest)
    return json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _by_orjson(record: dict[str, Any]) -> str:
    import orjson

    contiguous = _with_arrays(record, np.ascontiguousarray)
    try:
        return orjson.dumps(contiguous, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    except TypeError:  # half of a surrogate pair in a text
        return _by_standard_library(record)


def _array_parts(array: Any) -> Iterator[str]:
    """An array as JSON, in parts of at most _MANY numbers where its axes allow it."""
    if array.size <= _MANY or array.ndim == 1:
        yield _by_orjson({"": array})[4:-1]
        return
    for place, row in enumerate(array):
        yield "," if place else "["
        yield from _array_parts(row)
    yield "]"
