"""A long line piece by piece: its text is never there as a whole.

The weights of a text of 20,000 tokens are 1.6 GB, and 3.6 GB as JSON.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from attncli.arrays import Float32Array
from attncli.arrays.compiled import Kernel, Texts
from attncli.batches.writers.digits import json_matrices
from attncli.batches.writers.placed_lines import Column, Numbers, PlacedLines, characters_of

LONG = 1 << 20  # characters of a line that are written at once
_ROWS = 1 << 19  # characters of rows that are
_COMMA = ord(",")


def line_in_pieces(
    kernel: Kernel, columns: Sequence[Column], line: int
) -> Iterator[bytes | memoryview]:
    """The text of one line of the columns; each piece stays until the next is asked for."""
    for column in columns:
        if isinstance(column, str):
            yield column.encode()
        elif isinstance(column, Numbers):
            yield from _numbers(kernel, column, line)
        elif isinstance(column, Texts):
            begin = int(column.ends[line - 1]) if line else 0
            yield column.text[begin : int(column.ends[line])].data
        else:
            part = column[line]
            yield part.encode() if isinstance(part, str) else part


def _numbers(kernel: Kernel, column: Numbers, line: int) -> Iterator[bytes | memoryview]:
    """The array of a line as nested lists."""
    ends = np.cumsum([len(stack) for stack in column.stacks])
    number = int(np.searchsorted(ends, line, side="right"))
    stack = column.stacks[number]
    array = np.ascontiguousarray(stack[line - int(ends[number])])  # counted from the stack's end
    fits = PlacedLines(kernel, 1).can_print(column) and bool(
        kernel.fit(array[None], column.digits, signed=column.signed)[0]
    )
    if fits:
        yield from _nested(kernel, array, column)
    else:
        yield from json_matrices(array[None], column.digits, signed=column.signed)


def _nested(kernel: Kernel, array: Float32Array, column: Numbers) -> Iterator[bytes | memoryview]:
    """Numbers that can be printed, (…, rows, columns), as nested lists."""
    if array.ndim == 2:
        yield from _matrix(kernel, array, column)
        return
    for number, part in enumerate(array):
        yield b"," if number else b"["
        yield from _nested(kernel, part, column)
    yield b"]"


def _matrix(kernel: Kernel, matrix: Float32Array, column: Numbers) -> Iterator[bytes | memoryview]:
    """The list of a matrix, some rows at a time."""
    step = max(1, _ROWS // characters_of(matrix[:1], column.digits, column.signed))
    for begin in range(0, len(matrix), step):
        lines = PlacedLines(kernel, 1)
        lines.add_numbers(column._replace(stacks=[matrix[None, begin : begin + step]]))
        for text, _ in lines.written(np.zeros(1, dtype=np.int64)):
            if begin:
                text[0] = _COMMA  # in the place of the bracket
            yield text[:-1]
    yield b"]"
