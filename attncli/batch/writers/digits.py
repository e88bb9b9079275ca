"""Matrices → JSON text by digit tables: the time of a batch goes into printing numbers.

A number with up to six digits after the point is eight characters in one 64-bit word, taken from
two tables; numpy fills whole matrices at a few nanoseconds a number, where `json` needs 400 and
orjson 25. What is printed is the float32 value rounded half to even, exactly: its product with 10⁶
has at most 38 bits and is computed in float64.
"""

import threading
from functools import cache

import numpy as np
import numpy.typing as npt

from attncli.arrays import Float32Array, FloatArray

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]

FULL = 0  # digits: as many as float32 needs to be read back
MAX_DIGITS = 9
_TABLE_DIGITS = 6
_BLOCK = 1 << 13  # numbers in work at once: larger arrays cost page faults
_COMMA, _OPEN, _CLOSE, _SPACE, _MINUS = (ord(c) for c in ",[] -")


def json_matrices(stack: Float32Array, digits: int, *, signed: bool = True) -> list[bytes]:
    """The JSON text of each matrix of a stack, with `digits` after the point (FULL: round trip).

    Shapes: (B, …, rows, columns) → B nested lists. Without `signed`, all numbers are in [0, 1].
    With it, a space stands where a negative number has its minus, as C's "% .6f" prints.

    >>> json_matrices(np.array([[[[[1.0, 0.25]]]]], dtype=np.float32), 4, signed=False)
    [b'[[[[1.0000,0.2500]]]]']
    """
    outer = stack.shape[1:-2]
    matrices = stack.reshape(-1, *stack.shape[-2:])  # (B·…, rows, columns)
    if digits == FULL or digits > _TABLE_DIGITS:
        texts = [_slowly(matrix, digits, signed) for matrix in matrices]
    else:
        texts = _by_tables(matrices, digits, signed)
    return _nested(texts, outer)


def _by_tables(matrices: Float32Array, digits: int, signed: bool) -> list[bytes]:
    n_columns = matrices.shape[-1]
    fits = np.ones(len(matrices), dtype=np.bool_)
    if signed:
        limit = np.float32(10.0 - 10.0**-digits)  # above it, one digit before the point is too few
        fits = np.maximum(matrices.max(axis=(1, 2)), -matrices.min(axis=(1, 2))) < limit
    rows = _row_texts(matrices.reshape(-1, n_columns), digits, signed)
    rows = rows.reshape(len(matrices), -1)  # (matrices, n_rows · width)
    rows[:, -1] = _CLOSE
    flat, width = rows.tobytes(), rows.shape[1]
    return [
        b"[" + flat[i * width : (i + 1) * width]
        if fits[i]
        else _slowly(matrices[i], digits, signed)
        for i in range(len(matrices))
    ]


def _row_texts(rows: Float32Array, digits: int, signed: bool) -> Bytes:
    """Each row as `[x,x,x],`, valid until the next call. Shapes: (R, columns) → (R, bytes)."""
    n_rows, n_columns = rows.shape
    cell = digits + 3 + signed  # sign, "d.", digits, separator
    width = n_columns * cell + 2
    filled = _space(n_rows * width + 8)
    step = max(1, _BLOCK // n_columns)
    for start in range(0, n_rows, step):
        block = rows[start : start + step]
        begin = start * width
        _fill(filled, begin, width, cell, block, digits, signed)
    texts = filled[: n_rows * width].reshape(n_rows, width)
    texts[:, 0] = _OPEN
    texts[:, -2] = _CLOSE
    texts[:, -1] = _COMMA
    return texts


def _fill(
    filled: Bytes,
    begin: int,
    width: int,
    cell: int,
    block: Float32Array,
    digits: int,
    signed: bool,
) -> None:
    shape, strides = block.shape, (width, cell)
    scaled = block.astype(np.float64)
    scaled *= 10.0**digits
    np.rint(scaled, out=scaled)
    with np.errstate(invalid="ignore"):  # numbers too large are printed the slow way later
        units = scaled.astype(np.int32)
    if signed:
        signs = (units < 0).view(np.uint8)
        signs *= _MINUS - _SPACE
        signs += _SPACE
        np.abs(units, out=units)
    head, tail = _tables(digits)
    upper = units // len(tail)
    units -= upper * len(tail)
    words = head.take(upper, mode="clip")
    words |= tail.take(units, mode="clip")
    # In ascending order each word is laid over what the one before it left behind.
    np.ndarray(shape, "<u8", filled, begin + 1 + signed, strides)[...] = words
    if signed:
        np.ndarray(shape, np.uint8, filled, begin + 1, strides)[...] = signs
    np.ndarray(shape, np.uint8, filled, begin + cell, strides)[...] = _COMMA


_kept = threading.local()


def _space(size: int) -> Bytes:
    """Room for `size` characters, the same in every call: fresh pages cost more than the digits."""
    room: Bytes | None = getattr(_kept, "room", None)
    if room is None or len(room) < size:
        room = _kept.room = np.empty(max(size, 1 << 16), dtype=np.uint8)
    return room[:size]


@cache
def _tables(digits: int) -> tuple[Words, Words]:
    """Words for the characters up to the third digit after the point, and for those behind it."""
    first = min(digits, 3)
    rest = digits - first
    head = [f"{i // 10**first}.{i % 10**first:0{first}d}" for i in range(10 ** (first + 1))]
    tail = [f"{i:0{rest}d}" if rest else "" for i in range(10**rest)]
    heads = np.array([int.from_bytes(text.encode(), "little") for text in head], dtype=np.uint64)
    tails = np.array([int.from_bytes(text.encode(), "little") for text in tail], dtype=np.uint64)
    return heads, tails << np.uint64(8 * (2 + first))


def _slowly(matrix: FloatArray, digits: int, signed: bool) -> bytes:
    """A matrix number by number: any size, any number of digits."""
    if digits == FULL:
        import orjson

        return orjson.dumps(np.ascontiguousarray(matrix), option=orjson.OPT_SERIALIZE_NUMPY)
    form = f"%{' ' if signed else ''}.{digits}f"
    zero = form % -0.0 if signed else ""
    rows = []
    for row in matrix.tolist():
        texts = [form % value for value in row]
        if zero in texts:
            texts = [form % 0.0 if text == zero else text for text in texts]
        rows.append(f"[{','.join(texts)}]")
    return f"[{','.join(rows)}]".encode()


def _nested(texts: list[bytes], outer: tuple[int, ...]) -> list[bytes]:
    for size in reversed(outer):
        if size == 1:
            texts = [b"[" + text + b"]" for text in texts]
        else:
            groups = [texts[i : i + size] for i in range(0, len(texts), size)]
            texts = [b"[" + b",".join(group) + b"]" for group in groups]
    return texts
