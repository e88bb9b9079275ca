"""Matrices → JSON text by digit tables: the time of a batch goes into printing numbers.

A number with up to six digits after the point is two words of characters, each taken from a table;
numpy fills whole matrices at a few nanoseconds a number, where `json` needs 400 and orjson 25. What
is printed is the float32 value rounded half to even, exactly: its product with 10⁶ has at most 38
bits and is computed in float64.
"""

import math
import threading
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from attncli.arrays import Float32Array, FloatArray
from attncli.results.layout import FULL

Bytes = npt.NDArray[np.uint8]

MAX_DIGITS = 9
TABLE_DIGITS = 6
_BLOCK = 1 << 14  # numbers in work at once: larger arrays cost page faults
_LOT = 1 << 16  # numbers whose text is made together
_COMMA, _OPEN, _CLOSE = (ord(c) for c in ",[]")


class Printed(NamedTuple):
    """Nested lists as text: each is `before` + its text + `after`."""

    before: bytes
    texts: list[bytes]
    after: bytes


def json_matrices(stack: Float32Array, digits: int, *, signed: bool = True) -> list[bytes]:
    """The JSON text of each matrix of a stack, with `digits` after the point (FULL: round trip).

    Shapes: (B, …, rows, columns) → B nested lists. Without `signed`, all numbers are in [0, 1].
    With it, a space stands where a negative number has its minus, as C's "% .6f" prints.

    >>> json_matrices(np.array([[[[[1.0, 0.25]]]]], dtype=np.float32), 4, signed=False)
    [b'[[[[1.0000,0.2500]]]]']
    """
    before, texts, after = json_stacks([stack], digits, signed=signed)
    return [before + text + after for text in texts]


def json_stacks(stacks: Sequence[Float32Array], digits: int, *, signed: bool = True) -> Printed:
    """The same of several stacks, one after the other; (B, …) may differ in B, rows and columns."""
    outer = stacks[0].shape[1:-2]
    matrices = [stack.reshape(-1, *stack.shape[-2:]) for stack in stacks]  # (B·…, rows, columns)
    if digits == FULL or digits > TABLE_DIGITS:
        texts = [_slowly(matrix, digits, signed)[1:] for stack in matrices for matrix in stack]
    elif max(outer, default=1) > 1:
        axis = max(i for i, size in enumerate(outer) if size > 1)
        between = _between(len(outer) - axis)
        texts = [
            text
            for stack in matrices
            for text in _several(stack, outer[axis], between, digits, signed)
        ]
        outer = (*outer[:axis], *([1] * (len(outer) - axis)))
    else:
        texts = [text for lot in _lots(matrices) for text in _by_tables(lot, digits, signed)]
    return _nested(texts, outer)


def _lots(stacks: Sequence[Float32Array]) -> Iterator[list[Float32Array]]:
    """The stacks' matrices in lots of moderate size whose rows have the same length."""
    lot: list[Float32Array] = []
    size = 0
    for stack in stacks:
        n_columns = stack.shape[2]
        step = max(1, _LOT // (stack.shape[1] * n_columns))
        for start in range(0, len(stack), step):
            part = stack[start : start + step]
            if lot and (size + part.size > _LOT or lot[0].shape[2] != n_columns):
                yield lot
                lot, size = [], 0
            lot.append(part)
            size += part.size
    if lot:
        yield lot


def _by_tables(lot: list[Float32Array], digits: int, signed: bool) -> list[bytes]:
    """The text of each matrix behind its first bracket."""
    if len(lot) == 1 and len(lot[0]) == 1 and lot[0].size > _LOT:
        return [_of_large(lot[0][0], digits, signed)]
    rows = np.concatenate([part.reshape(-1, part.shape[2]) for part in lot])
    texts, fits = _row_texts(rows, digits, signed)
    counts = np.repeat([part.shape[1] for part in lot], [len(part) for part in lot])
    ends = np.cumsum(counts)  # (matrices,): of their rows
    texts[ends - 1, -1] = _CLOSE
    whole, bounds = texts.tobytes(), (ends * texts.shape[1]).tolist()
    pieces = [whole[begin:end] for begin, end in pairwise([0, *bounds])]
    if not fits:
        for i, matrix in enumerate(matrix for part in lot for matrix in part):
            if not _in_range(matrix, digits, signed):
                pieces[i] = _slowly(matrix, digits, signed)[1:]
    return pieces


def _of_large(matrix: Float32Array, digits: int, signed: bool) -> bytes:
    """The text of a large matrix behind its first bracket, of some rows at a time."""
    if not _in_range(matrix, digits, signed):
        return _slowly(matrix, digits, signed)[1:]
    step = max(1, _LOT // matrix.shape[1])
    pieces: list[bytes] = []
    for start in range(0, len(matrix), step):
        texts, _ = _row_texts(matrix[start : start + step], digits, signed)
        if start + step >= len(matrix):
            texts[-1, -1] = _CLOSE
        pieces.append(texts.tobytes())
    return b"".join(pieces)


def _several(
    stack: Float32Array, count: int, between: bytes, digits: int, signed: bool
) -> Iterator[bytes]:
    """The texts of `count` matrices at a time, joined by `between`. Shapes: (n · count, rows, columns)."""
    _, n_rows, n_columns = stack.shape
    step = max(1, _LOT // (count * n_rows * n_columns)) * count
    for start in range(0, len(stack), step):
        part = stack[start : start + step]
        joined = _side_by_side(part, count, between, digits, signed) if part.size <= _LOT else None
        if joined is None:
            texts = _by_tables([part], digits, signed)
            joined = [between.join(texts[i : i + count]) for i in range(0, len(texts), count)]
        yield from joined


def _side_by_side(
    part: Float32Array, count: int, between: bytes, digits: int, signed: bool
) -> list[bytes] | None:
    """The same where each matrix is written into its place; None where the tables lack a number."""
    n_matrices, n_rows, n_columns = part.shape
    cell, width = _sizes(n_columns, digits, signed)
    size = n_rows * width + len(between)
    filled = _space(n_matrices * size + 8)
    step = max(1, _BLOCK // (n_rows * n_columns))
    for start in range(0, n_matrices, step):
        block = part[start : start + step]
        if not _fill(filled, start * size + 1, (size, width, cell), block, digits, signed):
            return None
    rows = np.ndarray((n_matrices, n_rows, width), np.uint8, filled, 0, (size, width, 1))
    _set_brackets(rows)
    rows[:, -1, -1] = _CLOSE
    flat = filled[: n_matrices * size]
    flat.reshape(n_matrices, size)[:, n_rows * width :] = np.frombuffer(between, np.uint8)
    whole = count * size
    return [flat[i : i + whole - len(between)].tobytes() for i in range(0, len(flat), whole)]


def _in_range(block: Float32Array, digits: int, signed: bool) -> bool:
    """Whether the tables have every number of the block; they have no NaN and no infinity."""
    limit = _limit(digits)
    low, high = block.min(), block.max()  # NaN if any number is
    return bool((low > -limit if signed else low >= 0) and high < limit)


def _limit(digits: int) -> np.float32:
    """What every number of the tables is below."""
    return np.float32(10.0 - 10.0**-digits)


def _row_texts(rows: Float32Array, digits: int, signed: bool) -> tuple[Bytes, bool]:
    """Each row as `[x,x,x],`, valid until the next call, and whether the tables have all numbers.

    Shapes: (R, columns) → (R, bytes).
    """
    n_rows, n_columns = rows.shape
    cell, width = _sizes(n_columns, digits, signed)
    filled = _space(n_rows * width + 8)
    step = max(1, _BLOCK // n_columns)
    fits = True
    for start in range(0, n_rows, step):
        block = rows[start : start + step]
        fits &= _fill(filled, start * width + 1, (width, cell), block, digits, signed)
    texts = filled[: n_rows * width].reshape(n_rows, width)
    _set_brackets(texts)
    return texts, fits


def _sizes(n_columns: int, digits: int, signed: bool) -> tuple[int, int]:
    """How many characters a number and a row take."""
    cell = digits + 3 + signed  # sign, "d.", digits, separator
    return cell, n_columns * cell + 2


def _set_brackets(texts: Bytes) -> None:
    """Puts rows (…, width) into brackets, with a comma behind each."""
    texts[..., 0] = _OPEN
    texts[..., -2] = _CLOSE
    texts[..., -1] = _COMMA


def _fill(
    filled: Bytes,
    begin: int,
    strides: tuple[int, ...],
    block: Float32Array,
    digits: int,
    signed: bool,
) -> bool:
    """Writes a block's numbers and their commas; whether the tables have each of them. Each stride is
    longer than all that stands inside it.

    A number that they do not have is printed the slow way later. It must not reach the conversion:
    what a float outside the integer's range becomes is another number on every processor.
    """
    fits = _in_range(block, digits, signed)
    if not fits:
        most = np.nextafter(_limit(digits), np.float32(0))  # so that the others keep their value
        block = np.nan_to_num(block, nan=0.0).clip(-most if signed else 0, most)
    scaled = block.astype(np.float64)
    scaled *= 10.0**digits
    np.rint(scaled, out=scaled)
    units = scaled.astype(np.int32)
    heads, tails = _tables(digits, signed)
    if signed:
        minus = units >> 31  # −1 or 0
        minus &= len(heads) // 2
        np.abs(units, out=units)
    upper = units // len(tails)
    units -= upper * len(tails)
    if signed:
        upper += minus
    # In ascending order each head is laid over what the one before it left behind.
    place = np.ndarray(block.shape, heads.dtype, filled, begin, strides)
    place[...] = heads.take(upper, mode="clip")
    behind = begin + strides[-1] - tails.itemsize
    np.ndarray(block.shape, tails.dtype, filled, behind, strides)[...] = tails.take(
        units, mode="clip"
    )
    return fits


_kept = threading.local()


def _space(size: int) -> Bytes:
    """Room for `size` characters, the same in every call: fresh pages cost more than the digits."""
    room: Bytes | None = getattr(_kept, "room", None)
    if room is None or len(room) < size:
        room = _kept.room = np.empty(max(size, 1 << 16), dtype=np.uint8)
    return room[:size]


@cache
def _tables(digits: int, signed: bool) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Words for the characters up to the last one or three digits, and for these and a comma.

    With `signed`, the second half of the heads is for negative numbers.
    """
    rest = 3 if digits >= 3 else 1
    first = digits - rest
    point = [f"{i // 10**first}.{i % 10**first:0{first}d}" for i in range(10 ** (first + 1))]
    head = [sign + text[: first + 2] for sign in (" -" if signed else ("",)) for text in point]
    tail = [f"{i:0{rest}d}," for i in range(10**rest)]
    return _words(head, "<u8"), _words(tail, f"<u{rest + 1}")


def _words(texts: list[str], kind: str) -> npt.NDArray[Any]:
    return np.array([int.from_bytes(text.encode(), "little") for text in texts], dtype=kind)


def _slowly(matrix: FloatArray, digits: int, signed: bool) -> bytes:
    """A matrix number by number: any size, any number of digits; null for what is not finite."""
    if digits == FULL:
        import orjson

        return orjson.dumps(np.ascontiguousarray(matrix), option=orjson.OPT_SERIALIZE_NUMPY)
    form = f"%{' ' if signed else ''}.{digits}f"
    zero = form % -0.0 if signed else ""
    rows = []
    for row in matrix.tolist():
        texts = [form % value if math.isfinite(value) else "null" for value in row]
        if zero in texts:
            texts = [form % 0.0 if text == zero else text for text in texts]
        rows.append(f"[{','.join(texts)}]")
    return f"[{','.join(rows)}]".encode()


def _nested(texts: list[bytes], outer: tuple[int, ...]) -> Printed:
    """Matrices without their first bracket as nested lists without their first brackets."""
    depth = 1
    for size in reversed(outer):
        if size > 1:
            between = _between(depth)
            texts = [between.join(texts[i : i + size]) for i in range(0, len(texts), size)]
        depth += 1
    return Printed(b"[" * depth, texts, b"]" * (depth - 1))


def _between(depth: int) -> bytes:
    """What stands between matrices, or lists of them, that are so deep, without their first brackets."""
    return b"]" * (depth - 1) + b"," + b"[" * depth
