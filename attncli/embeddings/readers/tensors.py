"""safetensors files: a matrix, with its words in the metadata or in a file beside it.

The header is read and checked by `attncli.files.tensors`.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from attncli.arrays import Float32Array
from attncli.embeddings.protocols import encoded_word
from attncli.embeddings.readers.finite import check_finite
from attncli.embeddings.readers.npz import words_beside
from attncli.embeddings.readers.reading import OpenedVectors, VectorBlock
from attncli.errors import DataError
from attncli.errors.wording import quoted
from attncli.files.limits import Limits, check_dim
from attncli.files.npy import as_float32
from attncli.files.stream import PIECE, ByteStream
from attncli.files.tensors import (
    FLOAT_DTYPES,
    MOST_PARTS,
    Tensor,
    has_more_parts,
    read_tensor_header,
    tensor_array,
)

_MATRIX_NAMES = ("vectors", "embeddings", "embedding.weight", "embeddings.weight", "weight")
_WORDS_KEYS = ("words", "vocab", "vocabulary", "tokens")


def choose_matrix(tensors: dict[str, Tensor], place: str) -> Tensor:
    """The tensor that holds the vectors. Raises: DataError when none or several could."""
    for name in _MATRIX_NAMES:
        if name in tensors:
            return tensors[name]
    flat = [t for t in tensors.values() if len(t.shape) == 2 and t.dtype in FLOAT_DTYPES]
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
    if tensor.dtype not in FLOAT_DTYPES:
        raise DataError(f"type {tensor.dtype}, expected F32, F16, BF16 or F64", place=where)
    if len(tensor.shape) != 2 or 0 in tensor.shape:
        raise DataError(f"shape {tensor.shape}, expected (words, values)", place=where)
    check_dim(tensor.shape[1], limits, where)


def tensor_rows(stream: ByteStream, tensor: Tensor) -> Iterator[Float32Array]:
    """The rows of a matrix in blocks. The stream must not have passed its start."""
    stream.skip(tensor.start - stream.position, "a tensor")
    rows, columns = tensor.shape
    row_bytes = (tensor.end - tensor.start) // rows
    at_once = max(1, PIECE // row_bytes)
    for start in range(0, rows, at_once):
        count = min(at_once, rows - start)
        raw = stream.exactly(count * row_bytes, "the vectors")
        yield as_float32(tensor_array(raw, tensor._replace(shape=(count, columns), start=0)))


def words_of(
    metadata: dict[str, str], rows: int, path: Path, limits: Limits, place: str
) -> list[bytes]:
    """The words of this many rows in the metadata (a JSON list, or one a line), or in a file beside it."""
    key = next((key for key in _WORDS_KEYS if key in metadata), None)
    if key is None:
        return words_beside(path, limits)[0]
    text = metadata[key]
    if text.lstrip().startswith("["):
        most = 2 * rows + MOST_PARTS  # of each vector its word and a comma
        try:
            is_long = has_more_parts(text.encode("utf-8", "surrogatepass"), most)
            listed = None if is_long else json.loads(text)
        except (ValueError, RecursionError):
            listed = None
        if not isinstance(listed, list) or not all(isinstance(word, str) for word in listed):
            raise DataError(f"metadata {quoted(key)}: expected a list of {rows} words", place=place)
    else:
        listed = text.removesuffix("\n").split("\n")
    return [encoded_word(word) for word in listed]


def read_tensors(stream: ByteStream, path: Path, limits: Limits) -> OpenedVectors:
    """The vectors of a safetensors file. Raises: DataError, LimitError."""
    place = stream.place
    tensors, metadata = read_tensor_header(stream)
    tensor = choose_matrix(tensors, place)
    check_tensor(tensor, limits, place)
    words = words_of(metadata, tensor.shape[0], path, limits, place)
    if len(words) != tensor.shape[0]:
        raise DataError(f"{len(words)} words, but {tensor.shape[0]} vectors", place=place)
    blocks = _blocks(stream, tensor, words, limits)
    return OpenedVectors("safetensors", tensor.shape[1], blocks, [], len(words))


def _blocks(
    stream: ByteStream, tensor: Tensor, words: list[bytes], limits: Limits
) -> Iterator[VectorBlock]:
    done = 0
    for values in tensor_rows(stream, tensor):
        block = VectorBlock(words[done : done + len(values)], values)
        check_finite(block, done, stream.place, limits)
        done += len(values)
        yield block
