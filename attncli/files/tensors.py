"""The header of a safetensors file, every claim of it checked: the one place where one is read.

Source: the format's own description (https://huggingface.co/docs/safetensors): 8 bytes with the
length of the header, the header in JSON, the tensors without holes or overlaps. Vectors, matrices,
checkpoints and trained models are read by it, packed, mapped or in memory.
"""

import json
import math
import re
from collections import Counter
from itertools import islice
from typing import Any, NamedTuple, TypeGuard

import numpy as np

from attncli.arrays import AnyArray
from attncli.errors import DataError, LimitError
from attncli.errors.wording import quoted
from attncli.files.stream import ByteStream

MAX_HEADER = 100_000_000  # bytes, the limit of the format
_MOST_TENSORS = 10_000
_SMALL_HEADER = 4 << 20  # bytes; a longer one needs tensors of some size
MOST_PARTS = 1 << 19  # texts, commas and brackets of the JSON: fifty for each tensor
_MOST_AXES = 64  # of numpy
_MOST_BYTES = 1 << 62  # of a tensor, its empty axes left out: what numpy can count
_PART = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[,\[{]'  # a text goes to its end, or to that of all
FLOAT_DTYPES = ("F32", "F16", "BF16", "F64")
# What numpy calls each dtype; of those that it does not have, the bits.
_STORED = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "C64": "<c8", "BOOL": "|b1",
    "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "|u1",
    "F8_E4M3": "|u1", "F8_E5M2": "|u1", "F8_E8M0": "|u1",
}  # fmt: skip


class Tensor(NamedTuple):
    """Where a tensor lies: bytes [start, end) of the file."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def read_tensor_header(stream: ByteStream) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors by name, and the metadata; the stream then stands at the first tensor.

    Raises: DataError for a header that is damaged or claims what is not there; LimitError for one
    that is longer than the format allows.
    """
    place = stream.place
    header = _parsed(_header_bytes(stream), place)
    metadata = header.pop("__metadata__", None) or {}
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise DataError("the metadata must be text", place=place)
    _check_count(len(header), place)
    begin = stream.position
    tensors = {name: _tensor(name, about, begin, place) for name, about in header.items()}
    _check_layout(tensors, begin, stream.left(), place)
    return tensors, metadata


def tensor_array(data: Any, tensor: Tensor, rows: Any = None) -> AnyArray:
    """The numbers of a tensor, or only these rows of it, in the bytes of its file.

    It is a read-only view of the bytes where they are aligned; bfloat16 is widened to float32.
    """
    count = math.prod(tensor.shape)
    values = np.frombuffer(data, _STORED[tensor.dtype], count, tensor.start).reshape(tensor.shape)
    if rows is not None:
        values = values[rows]
    if tensor.dtype == "BF16":  # the upper half of a float32
        wide = values.astype(np.uint32)
        wide <<= np.uint32(16)
        return wide.view(np.float32)
    return values if values.flags.aligned else values.copy()


def _header_bytes(stream: ByteStream) -> bytes:
    length = int.from_bytes(stream.exactly(8, "the length of the header"), "little")
    left = stream.left()
    if left is not None and length > left:
        raise DataError(
            f"the header claims {length} bytes, {left} are left: cut off, or no safetensors file",
            place=stream.place,
        )
    if length > MAX_HEADER:
        raise LimitError(
            f"a header of {length} bytes, the limit is {MAX_HEADER}", place=stream.place
        )
    if left is not None and length > _SMALL_HEADER + 16 * (left - length):
        raise DataError(
            f"the header takes {length} bytes, the tensors {left - length}", place=stream.place
        )
    return stream.exactly(length, "the header")


def _parsed(raw: bytes, place: str) -> dict[str, Any]:
    """The object of the header. What would take much more memory than its text is not parsed."""
    _check_count(raw.count(b'"dtype"'), place)
    if has_more_parts(raw, MOST_PARTS):
        raise DataError(
            f"the header has more values than {_MOST_TENSORS} tensors need", place=place
        )
    try:
        header = json.loads(raw.decode("utf-8"), object_pairs_hook=_distinct)
    except _TwiceError as fault:
        raise DataError(f"the header names {fault} twice", place=place) from None
    except (ValueError, RecursionError, MemoryError):
        raise DataError("the header is no JSON", place=place) from None
    if not isinstance(header, dict):
        raise DataError("the header is no JSON object", place=place)
    return header


def has_more_parts(raw: bytes, most: int) -> bool:
    """Whether JSON has more texts, commas and brackets: parsed, each takes many times its bytes."""
    parts = re.finditer(_PART, raw, re.DOTALL)
    return next(islice(parts, most, None), None) is not None


class _TwiceError(ValueError):
    pass


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    parts = dict(pairs)
    if len(parts) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        raise _TwiceError(quoted(counts.most_common(1)[0][0]))
    return parts


def _check_count(tensors: int, place: str) -> None:
    if tensors > _MOST_TENSORS:
        raise DataError(
            f"the header names {tensors} tensors, expected at most {_MOST_TENSORS}", place=place
        )


def _tensor(name: str, about: object, begin: int, place: str) -> Tensor:
    shown = quoted(name)
    if not isinstance(about, dict):
        raise DataError(f"{shown}: no description of a tensor", place=place)
    dtype, shape, offsets = (about.get(key) for key in ("dtype", "shape", "data_offsets"))
    if not isinstance(dtype, str) or dtype not in _STORED:
        raise DataError(f"{shown}: type {quoted(str(dtype))}, expected float32", place=place)
    if not _are_counts(shape) or not _are_counts(offsets) or len(offsets) != 2:
        raise DataError(f"{shown}: its shape or offsets are no counts", place=place)
    if len(shape) > _MOST_AXES:
        raise DataError(f"{shown}: a tensor of rank {len(shape)}", place=place)
    start, end = offsets
    size = int(_STORED[dtype][2:])
    needed = math.prod(shape) * size
    too_large = math.prod(filter(None, shape)) * size >= _MOST_BYTES
    if too_large or needed != end - start:
        sizes = "×".join(map(str, shape)) or "1"
        raise DataError(
            f"{shown}: {sizes if len(sizes) < 80 else f'{sizes[:80]}…'} of {dtype} needs "
            f"{'more than any file has' if too_large else f'{needed} bytes'}, "
            f"its offsets hold {end - start}",
            place=place,
        )
    return Tensor(name, dtype, tuple(shape), begin + start, begin + end)


def _are_counts(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(
        type(part) is int and 0 <= part < _MOST_BYTES for part in value
    )


def _check_layout(tensors: dict[str, Tensor], begin: int, left: int | None, place: str) -> None:
    """Every byte belongs to exactly one tensor."""
    at = begin
    for tensor in sorted(tensors.values(), key=lambda t: (t.start, t.end)):
        if tensor.start != at:
            what = "overlaps the tensor" if tensor.start < at else "leaves a hole"
            raise DataError(
                f"{quoted(tensor.name)} begins at byte {tensor.start - begin} of the data and "
                f"{what} before it, expected byte {at - begin}",
                place=place,
            )
        at = tensor.end
    if left is not None and at - begin != left:
        what = "it is cut off" if at - begin > left else "bytes are left over"
        raise DataError(
            f"the tensors claim {at - begin} bytes, {left} are there: {what}", place=place
        )
