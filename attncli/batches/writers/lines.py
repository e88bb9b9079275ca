"""Columns → lines: what a field is in each record, put together record by record.

Where the loops of kernel.c are, they write texts and numbers straight into their places; else each
piece is a text of its own, and all are joined.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, pairwise
from typing import Any

import numpy as np

from attncli.arrays import IntArray
from attncli.arrays.compiled import Kernel, Texts, compiled
from attncli.batches.work import Coming
from attncli.batches.writers.digits import json_stacks
from attncli.batches.writers.long_lines import LONG, line_in_pieces
from attncli.batches.writers.placed_lines import Column, Numbers, PlacedLines


def joined_lines(columns: Sequence[Column], order: IntArray) -> Coming:
    """The lines of the columns, (n,), in an order."""
    if (kernel := compiled()) is not None:
        lines = _placed(kernel, columns, len(order))
        return Coming(lines.length, _pieces(kernel, columns, lines, order))
    pieces = list(zip(*_merged(columns, len(order)), strict=True))
    return Coming.of([b"".join(chain.from_iterable(map(pieces.__getitem__, order.tolist())))])


def _pieces(
    kernel: Kernel, columns: Sequence[Column], lines: PlacedLines, order: IntArray
) -> Iterator[bytes | memoryview]:
    """The text of the lines, piece by piece; one that is longer than a piece comes in several."""
    if lines.longest <= LONG:
        yield from (text for text, _ in lines.written(order))
        return
    for some, size in lines.lots(order):
        if size > LONG:
            yield from line_in_pieces(kernel, columns, int(some[0]))
        else:
            yield from (text for text, _ in lines.written(some))


def separate_lines(columns: Sequence[Column], count: int) -> list[bytes]:
    """Each line for itself."""
    if (kernel := compiled()) is not None:
        return [
            bytes(text[begin:end])
            for text, ends in _placed(kernel, columns, count).written(np.arange(count))
            for begin, end in pairwise([0, *ends.tolist()])
        ]
    return [b"".join(pieces) for pieces in zip(*_merged(columns, count), strict=True)]


def _merged(columns: Sequence[Column], count: int) -> list[Sequence[bytes]]:
    """The columns as bytes; what is the same for all lines is joined to what it follows."""
    merged: list[Sequence[bytes]] = []
    constant = ""
    for column in chain.from_iterable(map(_printed, columns)):
        if isinstance(column, str):
            constant += column
            continue
        if constant:
            merged.append([constant.encode()] * count)
            constant = ""
        parts: Sequence[Any] = column
        is_text = isinstance(next(iter(parts), b""), str)
        merged.append(list(map(str.encode, parts)) if is_text else parts)
    if constant or not merged:
        merged.append([constant.encode()] * count)
    return merged


def _printed(column: Column) -> Sequence[str | Sequence[str] | Sequence[bytes]]:
    """A column as columns of texts."""
    if isinstance(column, Numbers):
        before, texts, after = json_stacks(column.stacks, column.digits, signed=column.signed)
        return [before.decode(), texts, after.decode()]
    if isinstance(column, Texts):
        return [column.listed()]
    return [column]


def _placed(kernel: Kernel, columns: Sequence[Column], count: int) -> PlacedLines:
    """The lines, all of which is known but their text."""
    lines = PlacedLines(kernel, count)
    for column in columns:
        if isinstance(column, Numbers) and not lines.can_print(column):
            for printed in _printed(column):
                lines.add_texts(printed)
        elif isinstance(column, Numbers):
            lines.add_numbers(column)
        else:
            lines.add_texts(column)
    return lines
