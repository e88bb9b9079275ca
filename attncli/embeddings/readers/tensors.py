"""safetensors files: a matrix, with its words in the metadata or in a file beside it.

Source: the format's own description (huggingface/safetensors): 8 bytes of length, a JSON header, the
tensors without holes or overlaps. The header is at most 100 MB and every claim is checked.
"""

import json
import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from attncli.arrays import Float32Array
from attncli.embeddings.readers.finite import check_finite
from attncli.embeddings.readers.limits import Limits, check_dim
from attncli.embeddings.readers.npy import as_float32
from attncli.embeddings.readers.npz import words_beside
from attncli.embeddings.readers.reading import Block, Reading, encoded_word
from attncli.embeddings.readers.stream import PIECE, ByteStream
from attncli.errors import DataError
from attncli.escape import quoted

_LONGEST_HEADER = 100_000_000
_MOST_TENSORS = 10_000
_SMALL_HEADER = 4 << 20  # a longer one needs tensors of some size
_SIZES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U64": 8,
    "U32": 4, "U16": 2, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1,
}  # fmt: skip
_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
_MATRIX_NAMES = ("vectors", "embeddings", "embedding.weight", "embeddings.weight", "weight")
_WORDS_KEYS = ("words", "vocab", "vocabulary", "tokens")


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
    if not isinstance(kind, str) or kind not in _SIZES:
        raise DataError(f"{shown}: type {quoted(str(kind))}, expected float32", place=place)
    if not _counts(shape) or not _counts(offsets) or len(offsets) != 2:
        raise DataError(f"{shown}: its shape or offsets are no counts", place=place)
    if len(shape) > 64:
        raise DataError(f"{shown}: a tensor of rank {len(shape)}", place=place)
    start, end = offsets
    if math.prod(shape) * _SIZES[kind] != end - start:
        raise DataError(
            f"{shown}: the shape {tuple(shape)} needs {math.prod(shape) * _SIZES[kind]} bytes, "
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


def choose_matrix(tensors: dict[str, Tensor], place: str) -> Tensor:
    """The tensor that holds the vectors. Raises: DataError when none or several could."""
    for name in _MATRIX_NAMES:
        if name in tensors:
            return tensors[name]
    flat = [t for t in tensors.values() if len(t.shape) == 2 and t.kind in _DTYPES]
    if len(flat) != 1:
        shown = ", ".join(quoted(name) for name in list(tensors)[:6]) or "nothing"
        raise DataError(
            f"cannot tell which tensor holds the vectors (it holds {shown}), expected "
            "one named vectors",
            place=place,
        )
    return flat[0]


def check_tensor(tensor: Tensor, limits: Limits, place: str) -> None:
    """Raises: DataError when it is no matrix of floats, LimitError when it is too wide."""
    where = f"{place}: {quoted(tensor.name)}"
    if tensor.kind not in _DTYPES:
        raise DataError(f"type {tensor.kind}, expected F32, F16, BF16 or F64", place=where)
    if len(tensor.shape) != 2 or 0 in tensor.shape:
        raise DataError(f"shape {tensor.shape}, expected (words, values)", place=where)
    check_dim(tensor.shape[1], limits, where)


def tensor_rows(stream: ByteStream, tensor: Tensor, data_start: int) -> Iterator[Float32Array]:
    """The rows of a matrix in blocks. The stream must not have passed its start."""
    _skip(stream, data_start + tensor.start - stream.position)
    rows, columns = tensor.shape
    size = _SIZES[tensor.kind]
    at_once = max(1, PIECE // (columns * size))
    for start in range(0, rows, at_once):
        count = min(at_once, rows - start)
        raw = stream.exactly(count * columns * size, "the vectors")
        yield _floats(raw, tensor.kind).reshape(count, columns)


def _floats(raw: bytes, kind: str) -> Float32Array:
    values = np.frombuffer(raw, dtype=_DTYPES[kind])
    if kind == "BF16":  # the upper half of a float32
        return (values.astype(np.uint32) << 16).view(np.float32)
    return as_float32(values)


def _skip(stream: ByteStream, n: int) -> None:
    while n > 0:
        n -= len(stream.exactly(min(n, PIECE), "a tensor"))


def words_of(metadata: dict[str, str], path: Path, limits: Limits, place: str) -> list[bytes]:
    """The words in the metadata (a JSON list, or one a line), or in a file beside it."""
    key = next((key for key in _WORDS_KEYS if key in metadata), None)
    if key is None:
        return words_beside(path, limits)[0]
    text = metadata[key]
    if text.lstrip().startswith("["):
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
            raise DataError(f"metadata {quoted(key)}: expected a list of words", place=place)
    else:
        found = text.removesuffix("\n").split("\n")
    return [encoded_word(word) for word in found]


def read_tensors(stream: ByteStream, path: Path, limits: Limits) -> Reading:
    """The vectors of a safetensors file. Raises: DataError, LimitError."""
    place = stream.place
    tensors, metadata = read_tensor_header(stream)
    data_start = stream.position
    tensor = choose_matrix(tensors, place)
    check_tensor(tensor, limits, place)
    words = words_of(metadata, path, limits, place)
    if len(words) != tensor.shape[0]:
        raise DataError(f"{len(words)} words, but {tensor.shape[0]} vectors", place=place)
    blocks = _blocks(stream, tensor, data_start, words, limits)
    return Reading("safetensors", tensor.shape[1], blocks, [], len(words))


def _blocks(
    stream: ByteStream, tensor: Tensor, data_start: int, words: list[bytes], limits: Limits
) -> Iterator[Block]:
    done = 0
    for values in tensor_rows(stream, tensor, data_start):
        block = Block(words[done : done + len(values)], values)
        check_finite(block, done, stream.place, limits)
        done += len(values)
        yield block
