"""The header of a safetensors file, every claim of it checked.

Source: the format's own description (huggingface/safetensors): 8 bytes of length, a JSON header, the
tensors without holes or overlaps. The header is at most 100 MB and every claim is checked.
"""

import json
import math
import struct
from dataclasses import dataclass
from typing import Any, TypeGuard

from attncli.errors import DataError
from attncli.errors.wording import quoted
from attncli.files.stream import ByteStream

_LONGEST_HEADER = 100_000_000
_MOST_TENSORS = 10_000
_SMALL_HEADER = 4 << 20  # a longer one needs tensors of some size
SIZES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8,
    "U32": 4, "U16": 2, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tensor:
    """Where a tensor lies in the bytes after the header."""

    name: str
    kind: str
    shape: tuple[int, ...]
    start: int
    end: int


def read_tensor_header(stream: ByteStream) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors by name, and the metadata; the stream then stands at the first tensor.

    Raises: DataError for a header that is damaged or claims what is not there.
    """
    place = stream.place
    (length,) = struct.unpack("<Q", stream.exactly(8, "the length of the header"))
    left = stream.left()
    if length > _LONGEST_HEADER or (left is not None and length > left):
        raise DataError(
            f"the header claims {length} bytes, {left if left is not None else 'fewer'} are left",
            place=place,
        )
    if left is not None and length > _SMALL_HEADER + 16 * (left - length):
        raise DataError(
            f"the header takes {length} bytes, the tensors {left - length}", place=place
        )
    raw = stream.exactly(length, "the header")
    _check_count(raw.count(b'"dtype"'), place)
    try:
        parsed = json.loads(raw.decode("utf-8"), object_pairs_hook=_distinct)
    except (ValueError, RecursionError, MemoryError):
        raise DataError("the header is no JSON, or names a tensor twice", place=place) from None
    if not isinstance(parsed, dict):
        raise DataError("the header is no JSON object", place=place)
    metadata = parsed.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise DataError("the metadata must be text", place=place)
    _check_count(len(parsed), place)
    tensors = {name: _tensor(name, value, place) for name, value in parsed.items()}
    _check_layout(tensors, stream.left(), place)
    return tensors, metadata


def _check_count(tensors: int, place: str) -> None:
    if tensors > _MOST_TENSORS:
        raise DataError(
            f"the header names {tensors} tensors, expected at most {_MOST_TENSORS}", place=place
        )


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _tensor(name: str, value: object, place: str) -> Tensor:
    shown = quoted(name)
    if not isinstance(value, dict):
        raise DataError(f"{shown}: no description of a tensor", place=place)
    kind, shape, offsets = value.get("dtype"), value.get("shape"), value.get("data_offsets")
    if not isinstance(kind, str) or kind not in SIZES:
        raise DataError(f"{shown}: type {quoted(str(kind))}, expected float32", place=place)
    if not _counts(shape) or not _counts(offsets) or len(offsets) != 2:
        raise DataError(f"{shown}: its shape or offsets are no counts", place=place)
    if len(shape) > 64:
        raise DataError(f"{shown}: a tensor of rank {len(shape)}", place=place)
    start, end = offsets
    if math.prod(shape) * SIZES[kind] != end - start:
        raise DataError(
            f"{shown}: the shape {tuple(shape)} needs {math.prod(shape) * SIZES[kind]} bytes, "
            f"its offsets hold {end - start}",
            place=place,
        )
    return Tensor(name, kind, tuple(shape), start, end)


def _counts(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(
        type(part) is int and 0 <= part < 1 << 62 for part in value
    )


def _check_layout(tensors: dict[str, Tensor], left: int | None, place: str) -> None:
    """Every byte belongs to exactly one tensor."""
    at = 0
    for tensor in sorted(tensors.values(), key=lambda t: (t.start, t.end)):
        if tensor.start != at:
            what = "overlap" if tensor.start < at else "leave a hole"
            raise DataError(f"the tensors {what} at byte {at} of the data", place=place)
        at = tensor.end
    if left is not None and at != left:
        raise DataError(f"the tensors claim {at} bytes, {left} are stored", place=place)
