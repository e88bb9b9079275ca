"""numpy's .npy files, read without numpy's loader: the header is data, never evaluated.

Source: numpy.lib.format (versions 1.0, 2.0 and 3.0).
"""

import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from attncli.arrays import AnyArray, Float32Array
from attncli.errors import DataError, LimitError, RefusedError
from attncli.errors.wording import quoted, size_text
from attncli.files.limits import Limits, check_dim, memory_budget
from attncli.files.stream import PIECE, ByteStream

MAGIC = b"\x93NUMPY"
_LONGEST_HEADER = 10_000
_DESCR = r"""['"]descr['"]\s*:\s*['"]([<>|=]?[A-Za-z][0-9]{0,9})['"]"""
_ANY_DESCR = r"""['"]descr['"]\s*:\s*([^,}]{1,40})"""
_FORTRAN = r"""['"]fortran_order['"]\s*:\s*(True|False)"""
_SHAPE = r"""['"]shape['"]\s*:\s*\(([0-9, L]*)\)"""
_FLOATS = frozenset({"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"})


@dataclass(frozen=True, slots=True)
class NpyHeader:
    """What an array claims to be; `kind` is a type code such as "f4" or "U12"."""

    kind: str
    order: str
    shape: tuple[int, ...]
    fortran: bool

    @property
    def itemsize(self) -> int:
        size = int(self.kind[1:] or "0")
        return 4 * size if self.kind[0] == "U" else size


def read_header(stream: ByteStream, place: str) -> NpyHeader:
    """The header of an array, taken off the stream.

    Raises: DataError when it is damaged or claims more than the stream has; RefusedError for
    arrays of Python objects.
    """
    head = stream.exactly(8, "the header of the array")
    if not head.startswith(MAGIC) or head[6] not in (1, 2, 3):
        raise DataError("no array: expected a .npy header of version 1, 2 or 3", place=place)
    form = "<H" if head[6] == 1 else "<I"
    (length,) = struct.unpack(form, stream.exactly(struct.calcsize(form), "the header"))
    if length > _LONGEST_HEADER:
        raise DataError(
            f"the header claims {length} bytes, expected at most {_LONGEST_HEADER}", place=place
        )
    text = stream.exactly(length, "the header of the array").decode("latin-1")
    header = _parsed(text, place)
    left = stream.left()
    claimed = math.prod(header.shape) * header.itemsize
    if left is not None and claimed > left:
        shape = " × ".join(map(str, header.shape))
        raise DataError(
            f"the header claims {shape} ({size_text(claimed)}), {left} bytes are stored",
            place=place,
        )
    return header


def _parsed(text: str, place: str) -> NpyHeader:
    descr, fortran, shape = (re.search(header, text) for header in (_DESCR, _FORTRAN, _SHAPE))
    if descr is None:
        named = re.search(_ANY_DESCR, text)
        what = f"values of type {quoted(named.group(1).strip())}" if named else "no type of values"
        raise DataError(f"{what}, expected numbers or text", place=place)
    if fortran is None or shape is None or len(re.findall("['\"]shape['\"]", text)) != 1:
        raise DataError("the header of the array is damaged", place=place)
    code = descr.group(1)
    order, kind = (code[0], code[1:]) if code[0] in "<>|=" else ("=", code)
    if kind.startswith("O"):
        raise RefusedError(
            "refused: an array of Python objects can run code when loaded; "
            "save it as np.array(words, dtype=str)",
            place=place,
        )
    parts = [part.strip(" L") for part in shape.group(1).split(",") if part.strip(" L")]
    if len(parts) > 32:
        raise DataError(f"an array of rank {len(parts)}", place=place)
    if not all(part.isdigit() and len(part) < 21 for part in parts):
        raise DataError("the shape of the array is no counts", place=place)
    sizes = tuple(int(part) for part in parts)
    return NpyHeader(kind, order, sizes, fortran.group(1) == "True")


def check_matrix(header: NpyHeader, limits: Limits, place: str) -> None:
    """Raises: DataError when the array is no matrix of numbers; LimitError for a wide one."""
    if header.kind not in _FLOATS:
        raise DataError(f"values of type {quoted(header.kind)}, expected float32", place=place)
    if len(header.shape) != 2:
        raise DataError(f"expected a matrix of rank 2, found rank {len(header.shape)}", place=place)
    if 0 in header.shape:
        raise DataError(f"an empty matrix of shape {header.shape}, expected vectors", place=place)
    check_dim(header.shape[1], limits, place)


def matrix_blocks(
    stream: ByteStream, header: NpyHeader, limits: Limits, place: str
) -> Iterator[Float32Array]:
    """The rows of a matrix in blocks, converted to float32. Shapes: blocks (rows, columns).

    Raises: DataError when the data ends early or a value is no float32.
    """
    rows, columns = header.shape
    dtype = np.dtype(header.order.replace("|", "=") + header.kind)
    if header.fortran and columns > 1 and rows > 1:
        yield from _column_blocks(stream, header, dtype, limits, place)
        return
    width = columns * header.itemsize
    at_once = max(1, PIECE // width)
    for start in range(0, rows, at_once):
        count = min(at_once, rows - start)
        raw = stream.exactly(count * width, "the matrix")
        yield as_float32(np.frombuffer(raw, dtype=dtype).reshape(count, columns))


def _column_blocks(
    stream: ByteStream, header: NpyHeader, dtype: np.dtype[Any], limits: Limits, place: str
) -> Iterator[Float32Array]:
    """A matrix in column order has to be held whole."""
    rows, columns = header.shape
    needed = rows * columns * 4
    if needed > memory_budget(limits):
        raise LimitError(f"a matrix in column order needs {size_text(needed)} at once", place=place)
    matrix: Float32Array | None = None
    for column in range(columns):
        raw = stream.exactly(rows * header.itemsize, "the matrix")
        if matrix is None:
            matrix = np.empty((rows, columns), dtype=np.float32)
        matrix[:, column] = as_float32(np.frombuffer(raw, dtype=dtype)[:, None])[:, 0]
    if matrix is not None:
        for start in range(0, rows, 8192):
            yield matrix[start : start + 8192]


def as_float32(values: AnyArray) -> Float32Array:
    """The same values as float32 of this machine; too large ones become infinite."""
    with np.errstate(over="ignore", invalid="ignore"):
        return values.astype(np.float32)


def read_words(stream: ByteStream, header: NpyHeader, limits: Limits, place: str) -> list[bytes]:
    """The words of an array of text, as UTF-8.

    Raises: DataError when it is no list of text, LimitError.
    """
    kind = header.kind
    if kind[0] not in "US" or len(header.shape) != 1:
        raise DataError(
            f"values of type {quoted(kind)} and rank {len(header.shape)}, "
            "expected a list of words (np.array(words, dtype=str))",
            place=place,
        )
    size = header.itemsize
    if size == 0 and header.shape[0]:  # any number of them takes no byte
        raise DataError("words of no letters, expected words", place=place)
    if size > 4 * limits.word:
        raise LimitError(f"words of {size} bytes; the limit is {limits.word}", place=place)
    words: list[bytes] = []
    count = header.shape[0]
    at_once = max(1, PIECE // max(size, 1))
    decode = _decode_wide if kind[0] == "U" else _decode_bytes
    codec = "utf-32-be" if header.order == ">" else "utf-32-le"
    while len(words) < count:
        n = min(at_once, count - len(words))
        raw = stream.exactly(n * size, "the words")
        for i in range(n):
            words.append(decode(raw[i * size : (i + 1) * size], codec, len(words) + 1, place))
    return words


def _decode_wide(raw: bytes, codec: str, number: int, place: str) -> bytes:
    try:
        return raw.decode(codec).rstrip("\0").encode("utf-8")
    except UnicodeError:
        raise DataError(f"item {number} is no text", place=place) from None


def _decode_bytes(raw: bytes, codec: str, number: int, place: str) -> bytes:
    return raw.rstrip(b"\0")
