"""What `attn batch` wrote as npz → the records of its sentences, one by one.

A sentence that failed gives the record of its error. With `top` only the strongest keys of a row
are there; the others count as zero. Files of before hold no `record_utf8` and do not say which
records have an array: what they hold is read where every record has it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from attncli.arrays import AnyArray
from attncli.checks.records import json_of
from attncli.errors import DataError
from attncli.matrices.long_csv import failed, placed
from attncli.matrices.shapes import check_size
from attncli.matrices.top import spread
from attncli.results.fields import NOT_GIVEN, OPTIONAL_ARRAYS, PARTS, SCHEMA_VERSION

_ARRAYS = {"weights": 4, "contextual": 2, **OPTIONAL_ARRAYS}
_COUNTS = {"m": "n_decoder", "k": "n_keys"}  # the arrays that count other tokens than the rows'
_AXES = ("n", *_COUNTS)
_SHARED = "these numbers do not fit the records: this file does not say which of them have any"


def is_batched_npz(held: Mapping[str, AnyArray]) -> bool:
    """Whether the arrays of an archive are those that batch writes."""
    return {"layout", "n_tokens", "tokens_utf8", "tokens_bytes"} <= set(held)


def npz_records(held: Mapping[str, AnyArray], index: int | None = None) -> Iterator[dict[str, Any]]:
    """The records of flat arrays, or that of `index` alone. Raises: DataError."""
    try:
        yield from _Flat(held).records(index)
    except (KeyError, ValueError, TypeError, IndexError, RecursionError, OverflowError):
        raise DataError("the arrays contradict each other; the file is damaged") from None


class _Flat:
    """The arrays of all records behind each other, and where each record's share begins."""

    def __init__(self, held: Mapping[str, AnyArray]) -> None:
        self._held = held
        self._counts = _sizes(held["n_tokens"])  # tokens of each record, 0 where it failed
        self._others = {  # tokens of decoders, and of columns that are another text's
            axis: _sizes(held[name]) for axis, name in _COUNTS.items() if name in held
        }
        self._shapes = _shapes_of(held["layout"])
        named = [*_ARRAYS, *(f"{part}.{name}" for part in PARTS for name in _ARRAYS)]
        self._names = [name for name in named if name in held and name in self._shapes]
        self._lost: list[str] = []  # arrays whose shares nobody can tell
        self._ends = {name: self._ends_of(name) for name in self._names}
        self._rest = _Texts(held, "record") if "record_utf8" in held else None
        self._first = [0, *accumulate(self._counts)]  # tokens before each record
        old = () if self._rest is not None else ("tokens", "text", "error", "label")
        self._texts = {name: _Texts(held, name) for name in old}

    def records(self, index: int | None) -> Iterator[dict[str, Any]]:
        wanted = range(len(self._counts)) if index is None else [index]
        for at in wanted:
            if at < len(self._counts):
                yield self._record(at)

    def _record(self, at: int) -> dict[str, Any]:
        record = self._old_record(at) if self._rest is None else _parsed(self._rest[at])
        if record.get("type") == "result":
            for name in self._names:
                if name not in self._lost and (share := self._share(name, at)) is not None:
                    part, _, field = name.rpartition(".")
                    (record[part] if part else record)[field] = share
        return record

    def _old_record(self, at: int) -> dict[str, Any]:
        """A record of before, of which a file held its words, its text and its label."""
        texts = self._texts
        place = {"index": at, "line": int(self._held["line"][at]) or None}
        if not self._counts[at]:
            return failed(texts["error"][at], place)
        text = texts["text"][at]
        words = [texts["tokens"][i] for i in range(self._first[at], self._first[at + 1])]
        record: dict[str, Any] = {"type": "result", "schema": SCHEMA_VERSION, **place, "text": text}
        if label := texts["label"][at]:
            record["model"] = {"name": NOT_GIVEN, "label": label}
        if self._lost:
            message = f"{', '.join(self._lost)}: {_SHARED}; left out"
            record["warnings"] = [{"code": "left-out", "message": message, "tokens": []}]
        return record | {"tokens": placed(words, text)}

    def _share(self, name: str, at: int) -> AnyArray | None:
        """A record's share of an array; None where it has none."""
        sizes, ends = self._sizes_of(at), self._ends[name]
        begin, end = ends[at], ends[at + 1]
        if begin == end:
            return None
        part, _, field = name.rpartition(".")
        shape = _shape(self._shapes[name], sizes)
        if len(shape) != _ARRAYS[field]:
            raise ValueError(name)
        array = self._held[name][begin:end].reshape(shape)
        keys = f"{part}.keys" if part else "keys"
        if field == "weights" and keys in self._held:
            columns = "m" if part == "decoder" else "n" if part or "k" not in sizes else "k"
            return spread(self._held[keys][begin:end].reshape(shape), array, sizes[columns])
        return array

    def _sizes_of(self, at: int) -> dict[str, int]:
        """How many tokens a record has, by the letters of shapes."""
        return {"n": self._counts[at], **{axis: of[at] for axis, of in self._others.items()}}

    def _ends_of(self, name: str) -> list[int]:
        """Where each record's share of an array ends: before the first, then of each."""
        if f"{name}_count" in self._held:
            sizes = _sizes(self._held[f"{name}_count"])
        else:
            sizes = [_size(self._shapes[name], n_tokens) for n_tokens in self._counts]  # of before
            if sum(sizes) != self._held[name].size and name != "weights":
                self._lost.append(name)
                return []
        if len(sizes) != len(self._counts) or sum(sizes) != self._held[name].size:
            raise ValueError(name)
        return [0, *accumulate(sizes)]


class _Texts:
    """Texts of one kind: their bytes behind each other, and each one's number of bytes."""

    def __init__(self, held: Mapping[str, AnyArray], name: str) -> None:
        self._bytes = _bytes_of(held[f"{name}_utf8"])
        self._ends = [0, *accumulate(_sizes(held[f"{name}_bytes"]))]
        if self._ends[-1] != len(self._bytes):
            raise ValueError(name)

    def __getitem__(self, at: int) -> str:
        return self._bytes[self._ends[at] : self._ends[at + 1]].decode("utf-8", "surrogateescape")


def _bytes_of(array: AnyArray) -> bytes:
    """The bytes that an array holds as numbers."""
    if array.dtype != np.uint8:
        raise ValueError
    return array.tobytes()


def _sizes(array: AnyArray) -> list[int]:
    """Numbers of tokens, bytes or values: none is negative."""
    if array.dtype.kind not in "iu" or array.ndim != 1 or (array.size and int(array.min()) < 0):
        raise ValueError
    return [int(size) for size in array.tolist()]


def _shapes_of(layout: AnyArray) -> dict[str, list[Any]]:
    """The shapes of the shares: numbers, "n" for tokens, [K] for at most K tokens; "m" and "k" are
    tokens of a decoder and of columns of another text, [K, "k"] at most K of those.
    """
    shapes = json.loads(_bytes_of(layout))
    for shape in shapes.values():
        if not isinstance(shape, list) or not all(map(_is_size, shape)):
            raise ValueError
    return dict(shapes)


def _is_size(size: Any) -> bool:
    if isinstance(size, list):
        named = len(size) == 1 or (len(size) == 2 and size[1] in _AXES)
        return named and type(size[0]) is int and size[0] > 0
    return size in _AXES or (type(size) is int and 0 <= size < 1 << 31)


def _shape(listed: Sequence[Any], counts: Mapping[str, int]) -> tuple[int, ...]:
    """The shape of a record's share; `counts` has its tokens by the letters of shapes."""
    shape = tuple(
        min(size[0], counts[size[1] if len(size) > 1 else "n"])
        if isinstance(size, list)
        else counts[size]
        if isinstance(size, str)
        else size
        for size in listed
    )
    check_size(shape)
    return shape


def _size(listed: Sequence[Any], n_tokens: int) -> int:
    return int(np.prod(_shape(listed, {"n": n_tokens}))) if n_tokens else 0


def _parsed(text: str) -> dict[str, Any]:
    record = json_of(text)
    if not isinstance(record, dict):
        raise TypeError
    return record
