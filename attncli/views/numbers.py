"""Tables of plain numbers for a terminal: no column is cut, wide tables go into blocks."""

from collections.abc import Sequence
from math import floor, log10

import numpy as np
from rich.segment import Segment

from attncli.arrays import FloatArray
from attncli.views.ink import Ink, Line, left, right, width_of


def number_lines(
    rows: Sequence[str],
    columns: Sequence[str],
    values: FloatArray,
    ink: Ink,
    *,
    width: int = 80,
    precision: int = 4,
    names: int = 16,
) -> list[Line]:
    """A table with these row and column names; −∞ is written so.

    Shapes: values (n_rows, n_columns). A table wider than `width` goes into blocks of columns with
    the names of the rows repeated; at least one column a block. A name takes `names` at most.
    """
    texts = [[number(value, precision) for value in row] for row in values.tolist()]
    widest = max((len(text) for row in texts for text in row), default=0)
    labels = [ink.word(text, min(names, max(4, width - widest - 4))) for text in rows]
    indent = max(map(width_of, labels), default=0)
    room = max(4, width - indent - 4)
    heads = [ink.word(text, min(max(12, names - 4), room)) for text in columns]
    sizes = [
        max(width_of(head), *(len(row[at]) for row in texts), 1) + 2
        for at, head in enumerate(heads)
    ]
    lines: list[Line] = []
    for block in column_groups(sizes, width - indent - 2):
        heading = "".join(right(heads[at], sizes[at]) for at in block)
        lines.append([Segment(" " * (indent + 2)), ink.bold(heading)])
        for label, row in zip(labels, texts, strict=True):
            cells = "".join(right(row[at], sizes[at]) for at in block)
            lines.append([Segment("  " + left(label, indent) + cells)])
    return lines


def vector_block(
    label: str, values: FloatArray, ink: Ink, *, width: int = 80, precision: int = 6
) -> list[Line]:
    """All numbers of one vector, as many a line as fit. Shapes: values (d,)."""
    texts = [number(value, precision) for value in values.tolist()]
    size = max(map(len, texts), default=1) + 1
    room = max(1, (width - 4) // size)
    lines: list[Line] = [[Segment("  "), ink.bold(f"{label} =")]]
    for start in range(0, len(texts), room):
        cells = "".join(right(text, size) for text in texts[start : start + room])
        lines.append([Segment("   " + cells)])
    return lines


def number(value: float, precision: int) -> str:
    """A number of fixed digits, −∞ for a masked score; minus zero is zero."""
    if np.isneginf(value):
        return "−∞"
    text = f"{value:.{precision}f}"
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text


def scale_digits(span: float) -> int:
    """The digits after the point by which the numbers beside a scale of colors differ.

    >>> [scale_digits(span) for span in (0.17, 0.05, 0.0013)]
    [3, 3, 4]
    """
    return max(3, 1 - floor(log10(span)))


def column_groups(sizes: Sequence[int], room: int) -> list[list[int]]:
    """Columns in groups that fit into `room`, at least one in each."""
    groups: list[list[int]] = []
    used = room
    for at, size in enumerate(sizes):
        if used + size > room or not groups:
            groups.append([])
            used = 0
        groups[-1].append(at)
        used += size
    return groups
