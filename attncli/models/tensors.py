"""One safetensors file, mapped: every claim of its header is checked before a byte is used.

The format (https://huggingface.co/docs/safetensors) is 8 bytes with the length of the header, the
header in JSON, then the data. A file is refused unless its tensors cover the data exactly, without
holes or overlaps, and each has as many bytes as its shape and dtype need. Nothing in it is run.
"""

import json
import math
import mmap
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from attncli.arrays import Float32Array
from attncli.attention.products import product
from attncli.errors import DataError, InputError, LimitError
from attncli.errors.wording import quoted, visible
from attncli.files.paths import exists, is_file

MAX_HEADER = 100_000_000  # bytes, the limit of the format
MAX_AXES = 64  # of numpy
_SIZES = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 1),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 2),
    **dict.fromkeys(("U32", "I32", "F32"), 4),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 8),
}
_STORED = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "F64": "<f8"}
FLOAT_DTYPES = tuple(_STORED)


class TensorEntry(NamedTuple):
    """Where a tensor lies: bytes [start, end) of the file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


class TensorFile:
    """A safetensors file whose header was checked; tensors are views of the mapped file.

    `shared` has the names that save_model of safetensors dropped because another tensor is the
    same, and the name that it kept.
    Raises: InputError when it cannot be opened; DataError when it is damaged or lies; LimitError
    when its header is larger than the format allows.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.place = visible(str(path))
        require_file(path)
        try:
            with path.open("rb") as file:
                size = file.seek(0, 2)
                self.entries, self.shared = _read_header(file, size, self.place)
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as fault:
            raise InputError(f"cannot open: {fault.strerror}", place=self.place) from None
        self.size = size

    def expect_unchanged(self) -> None:
        """Raises DataError when the mapped file has another length than when it was opened.

        What lies beyond the end of a mapped file cannot be read: touching it ends the process.
        """
        size = self._map.size()
        if size != self.size:
            raise DataError(
                f"the file had {self.size} bytes and has {size} now: it was changed while it was "
                "used",
                place=self.place,
            )

    def read(self, name: str, rows: Any = None) -> Float32Array:
        """The tensor as float32, or only these rows of it.

        A float32 tensor is a read-only view of the mapped file; of others a copy is made.
        Raises: DataError when its dtype is no float, a number in it is not finite, or the file has
        changed its length.
        """
        self.expect_unchanged()
        entry = self.entries[name]
        if entry.dtype not in _STORED:
            raise DataError(
                f"{quoted(name)} has the dtype {entry.dtype}, expected {', '.join(_STORED)}",
                place=self.place,
            )
        count = math.prod(entry.shape)
        stored = np.frombuffer(self._map, _STORED[entry.dtype], count, entry.start)
        stored = stored.reshape(entry.shape)
        if rows is not None:
            stored = stored[rows]
        values = _float32(stored, entry.dtype)
        if not _all_finite(values):
            at = int(np.flatnonzero(~np.isfinite(values.ravel()))[0])
            raise DataError(f"{quoted(name)}: value {at + 1} is not finite", place=self.place)
        return values


def require_file(path: Path) -> None:
    """Raises InputError for what is there but no file: a folder, a pipe that would block."""
    if exists(path) and not is_file(path):
        raise InputError("cannot open: this is no file", place=visible(str(path)))


def _all_finite(values: Float32Array) -> bool:
    """Whether no number is NaN or infinite: a finite sum of squares tells it without a copy."""
    flat = values.reshape(-1)
    with np.errstate(over="ignore", invalid="ignore"):
        quick = np.isfinite(product(flat, flat))
    return bool(quick) or bool(np.isfinite(flat).all())


def _float32(stored: Any, dtype: str) -> Float32Array:
    if dtype == "BF16":  # the upper half of a float32
        wide = stored.astype(np.uint32)
        wide <<= np.uint32(16)
        return np.asarray(wide.view(np.float32))
    with np.errstate(over="ignore"):  # a float64 too large becomes inf, which is refused
        values = np.asarray(stored, dtype=np.float32)
    return values if values.flags.aligned else values.copy()


def _read_header(file: Any, size: int, place: str) -> tuple[dict[str, TensorEntry], dict[str, str]]:
    if size < 8:
        raise DataError(f"the file has {size} bytes, expected a safetensors file", place=place)
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if length > size - 8:
        raise DataError(
            f"the header claims {length} bytes, the file has {size}: cut off, or no safetensors "
            "file",
            place=place,
        )
    if length > MAX_HEADER:
        raise LimitError(f"a header of {length} bytes, the limit is {MAX_HEADER}", place=place)
    header = _parsed(file.read(length), place)
    metadata = header.pop("__metadata__", None)
    entries = {name: _entry(name, about, place) for name, about in header.items()}
    _check_layout(entries, size - 8 - length, place)
    start = 8 + length
    placed = {
        name: TensorEntry(e.dtype, e.shape, start + e.start, start + e.end)
        for name, e in entries.items()
    }
    return placed, _shared(metadata, placed)


def _shared(metadata: Any, entries: Mapping[str, TensorEntry]) -> dict[str, str]:
    """Which names the metadata gives to tensors that are stored under another."""
    pairs = metadata.items() if isinstance(metadata, dict) else ()
    return {
        name: kept
        for name, kept in pairs
        if isinstance(kept, str) and kept in entries and name not in entries
    }


def _parsed(raw: bytes, place: str) -> dict[str, Any]:
    try:
        header = json.loads(raw.decode("utf-8"), object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as fault:
        why = f": {fault}" if isinstance(fault, _TwiceError) else ""
        raise DataError(f"the header is damaged{why}", place=place) from None
    if not isinstance(header, dict):
        raise DataError("the header is damaged: no list of tensors in it", place=place)
    return header


class _TwiceError(ValueError):
    pass


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise _TwiceError(f"{quoted(counts.most_common(1)[0][0])} is there twice")
    return found


def _natural(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _entry(name: str, about: Any, place: str) -> TensorEntry:
    fields = about if isinstance(about, dict) else {}
    dtype, shape, span = (fields.get(key) for key in ("dtype", "shape", "data_offsets"))
    named = quoted(name)
    if not isinstance(dtype, str) or dtype not in _SIZES:
        raise DataError(f"{named} has the dtype {quoted(str(dtype))}, not known here", place=place)
    if not isinstance(shape, list) or len(shape) > MAX_AXES or not all(map(_natural, shape)):
        raise DataError(f"{named} has a shape that is no list of sizes", place=place)
    if not isinstance(span, list) or len(span) != 2 or not all(map(_natural, span)):
        raise DataError(f"{named} has offsets that are no two positions", place=place)
    start, end = span
    needed = math.prod(shape) * _SIZES[dtype]
    if end - start != needed:
        sizes = "×".join(map(str, shape)) or "1"
        raise DataError(
            f"{named}: the header claims {sizes} of {dtype}, {needed} bytes, "
            f"but {end - start} are stored",
            place=place,
        )
    return TensorEntry(dtype, tuple(shape), start, end)


def _check_layout(entries: dict[str, TensorEntry], stored: int, place: str) -> None:
    at = 0
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].start, item[1].end)):
        if entry.start != at:
            what = (
                "overlaps the tensor before it" if entry.start < at else "leaves a hole before it"
            )
            raise DataError(
                f"{quoted(name)} begins at byte {entry.start} of the data and {what}, "
                f"expected byte {at}",
                place=place,
            )
        at = entry.end
    if at != stored:
        what = "the file is cut off" if at > stored else "bytes are left over"
        raise DataError(f"the tensors need {at} bytes, {stored} are there: {what}", place=place)
