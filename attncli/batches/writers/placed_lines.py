"""Columns as the loops of kernel.c take them, which write texts and numbers straight into their places."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from attncli.arrays import AnyArray, Float32Array, IntArray
from attncli.arrays.compiled import Kernel, LineColumn, Texts, address
from attncli.batches.writers.digits import TABLE_DIGITS, json_matrices
from attncli.results.layout import FULL

_MOST_LISTS = 2  # around a matrix
_AT_ONCE = 1 << 19  # characters: what was written is still in the processor's cache when it is read


class Numbers(NamedTuple):
    """Arrays that are printed: of stacks, one after the other. Shapes: (B, …, rows, columns) each."""

    stacks: Sequence[Float32Array]
    digits: int
    signed: bool


# A piece of a line: the same for all lines, or one for each.
Column: TypeAlias = str | Sequence[str] | Sequence[bytes] | Texts | Numbers


class PlacedLines:
    """Lines in the making: a column after the other is added, then they are written."""

    def __init__(self, kernel: Kernel, count: int) -> None:
        self._kernel = kernel
        self._columns: list[LineColumn] = []
        self._held: list[AnyArray] = []  # what the columns have the addresses of
        self._sizes = np.zeros(count, dtype=np.int64)  # the characters of each line

    def can_print(self, column: Numbers) -> bool:
        """Whether the loops know how: fixed digits, and no list of lists of lists of matrices."""
        stacks = column.stacks
        return (
            column.digits != FULL
            and column.digits <= TABLE_DIGITS
            and 3 <= stacks[0].ndim <= 3 + _MOST_LISTS
            and all(stack.size and stack.dtype == np.float32 for stack in stacks)
        )

    def add_texts(self, column: str | Sequence[str] | Sequence[bytes] | Texts) -> None:
        """What all lines have, or the text of each."""
        if isinstance(column, str):
            text = self._kept(np.frombuffer(column.encode(), dtype=np.uint8))
            self._columns.append(LineColumn(text=address(text), size=len(text)))
            self._sizes += len(text)
            return
        text, ends = column if isinstance(column, Texts) else _behind_each_other(column)
        self._columns.append(_of_texts(self._kept(text), self._kept(ends)))
        self._sizes += np.diff(ends, prepend=0)

    def add_numbers(self, column: Numbers) -> None:
        """The array of each line; one that holds a number without a place is printed here."""
        stacks = [np.ascontiguousarray(stack) for stack in column.stacks]
        digits, signed = column.digits, column.signed
        addresses = np.concatenate([_addresses(self._kept(stack)) for stack in stacks])
        fit = np.concatenate([self._kernel.fit(stack, digits, signed=signed) for stack in stacks])
        texts = [b""] * len(fit) if not fit.all() else []
        if texts:
            singles = [stack[i : i + 1] for stack in stacks for i in range(len(stack))]
            for i in np.flatnonzero(~fit).tolist():
                (texts[i],) = json_matrices(singles[i], digits, signed=signed)
            addresses[~fit] = 0
        text, ends = _behind_each_other(texts)
        line = _of_texts(self._kept(text), self._kept(ends))
        line.arrays = address(self._kept(addresses))
        sizes = [len(stack) for stack in stacks]
        line.n_rows, line.n_columns = (
            address(self._kept(np.repeat([stack.shape[axis] for stack in stacks], sizes)))
            for axis in (-2, -1)
        )
        outer = stacks[0].shape[1:-2]
        line.n_lists, line.n_matrices = (1, 1, *outer)[-2:]
        line.depth, line.n_digits, line.is_signed = len(outer), digits, signed
        self._columns.append(line)
        printed = np.repeat([characters_of(stack[0], digits, signed) for stack in stacks], sizes)
        self._sizes += np.where(fit, printed, np.diff(ends, prepend=0) if texts else 0)

    @property
    def length(self) -> int:
        """The characters of all lines."""
        return int(self._sizes.sum())

    def lots(self, order: IntArray) -> Iterator[tuple[IntArray, int]]:
        """Lines in an order, so many at a time as are written together, and their characters."""
        for begin, end, size in _lots(self._sizes[order]):
            yield order[begin:end], size

    @property
    def longest(self) -> int:
        """The characters of the longest line."""
        return int(self._sizes.max(initial=0))

    def written(self, order: IntArray) -> Iterator[tuple[memoryview, IntArray]]:
        """The lines in an order, some at a time, and where each of these ends.

        They stay until the next are asked for.
        """
        lots = _lots(self._sizes[order])
        yield from self._kernel.write_lines(self._columns, order, lots)  # until then all is held

    def _kept(self, array: AnyArray) -> AnyArray:
        self._held.append(array)
        return array


def _lots(sizes: IntArray) -> Iterator[tuple[int, int, int]]:
    """Lines of so many characters as lots of moderate size: begin, end, characters."""
    ends = np.cumsum(sizes)
    begin, before = 0, 0
    while begin < len(sizes):
        end = max(begin + 1, int(np.searchsorted(ends, before + _AT_ONCE, side="right")))
        yield begin, end, int(ends[end - 1]) - before
        begin, before = end, int(ends[end - 1])


def _behind_each_other(texts: Sequence[str] | Sequence[bytes]) -> Texts:
    """Texts as one."""
    parts: Sequence[Any] = texts
    if parts and isinstance(parts[0], str):
        joined = "".join(parts)
        parts = parts if joined.isascii() else list(map(str.encode, parts))
        whole = joined.encode()
    else:
        whole = b"".join(parts)
    ends = np.cumsum(np.fromiter(map(len, parts), np.int64, len(parts)))
    return Texts(np.frombuffer(whole, dtype=np.uint8), ends)


def _of_texts(text: AnyArray, ends: IntArray) -> LineColumn:
    return LineColumn(text=address(text), ends=address(ends))


def _addresses(stack: Float32Array) -> IntArray:
    """Where the array of each line begins, (B,)."""
    begins: IntArray = address(stack) + np.arange(len(stack), dtype=np.int64) * stack[0].nbytes
    return begins


def characters_of(numbers: Float32Array, digits: int, signed: bool) -> int:
    """The characters of a line's numbers (…, rows, columns), as kernel.c prints them."""
    *outer, n_rows, n_columns = numbers.shape
    size: int = 1 + n_rows * (2 + n_columns * (digits + 3 + signed))
    for count in reversed(outer):
        size = 1 + count * (size + 1)
    return size
