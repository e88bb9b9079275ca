"""The weight matrix as a heat map: rows are queries, columns are keys, the number in each cell.

A matrix wider than the terminal goes into blocks of columns with the row labels repeated. One with
very many tokens shows its first and last ones and says how many are hidden. No digit is ever cut.
"""

from collections.abc import Sequence

import numpy as np
from rich.segment import Segment

from attncli.arrays import FloatArray
from attncli.errors import field_name
from attncli.views.ink import Ink, Line, left, right, width_of, wrapped
from attncli.views.numbers import scale_digits

MAX_SHOWN = 64  # tokens of a matrix on a terminal, unless all are asked for
_LABEL = 16  # columns of a row label at most
_HEADING = 10  # columns of a column heading at most


def shown_tokens(n_tokens: int, *, everything: bool = False, limit: int = MAX_SHOWN) -> list[int]:
    """The positions that are shown: all, or the first and the last `limit` / 2."""
    if everything or n_tokens <= limit:
        return list(range(n_tokens))
    half = limit // 2
    return [*range(half), *range(n_tokens - half, n_tokens)]


def hidden_lines(n_tokens: int, shown: int, ink: Ink, width: int) -> list[Line]:
    """The note below a matrix from which words are hidden."""
    note = (
        f"  {n_tokens - shown} of {n_tokens} words are hidden (the middle ones): "
        f"{field_name('full')} shows all, {field_name('json')} gives all"
    )
    return [[ink.dim(part)] for part in wrapped(note, width, 2)]


def matrix_lines(
    words: Sequence[str],
    weights: FloatArray,
    ink: Ink,
    *,
    width: int = 80,
    precision: int = 3,
    everything: bool = False,
    keys: Sequence[str] | None = None,
) -> list[Line]:
    """The heat map of one matrix; its columns are the `keys` where they are other words.

    Shapes: weights (n_tokens, n_keys).
    """
    keys = words if keys is None else keys
    shown = shown_tokens(len(words), everything=everything)
    places = shown_tokens(len(keys), everything=everything)
    cell = precision + 2  # "0." and the digits
    labels, heads, indent = _labels(words, keys, shown, ink, width, precision)
    lines: list[Line] = []
    for columns in _blocks(places, heads, cell, max(width - indent - 3, 1)):
        if lines:
            lines.append([])
        lines += _block(labels, heads, weights, shown, columns, ink, indent, precision)
    if len(shown) < len(words):
        lines += hidden_lines(len(words), len(shown), ink, width)
    elif len(places) < len(keys):
        lines += hidden_lines(len(keys), len(places), ink, width)
    return lines


def fits(
    words: Sequence[str], ink: Ink, width: int, precision: int, keys: Sequence[str] | None = None
) -> bool:
    """Whether the heat map of these words, and perhaps other keys, is one block of columns."""
    keys = words if keys is None else keys
    if len(keys) * (precision + 4) > width:
        return False
    _, heads, indent = _labels(words, keys, range(len(words)), ink, width, precision)
    return len(_blocks(range(len(keys)), heads, precision + 2, max(width - indent - 3, 1))) <= 1


def legend(ink: Ink) -> Line:
    """The scale of the colors."""
    if ink.colors is None:
        return []
    digits = 1 if (ink.low, ink.high) == (0, 1) else scale_digits(ink.high - ink.low)
    values = np.linspace(ink.low, ink.high, 6)
    steps = [ink.weight(f" {value:.{digits}f} ", value) for value in values]
    return [ink.dim("  scale "), *steps]


def _labels(
    words: Sequence[str],
    keys: Sequence[str],
    shown: Sequence[int],
    ink: Ink,
    width: int,
    precision: int,
) -> tuple[list[str], list[str], int]:
    """The labels of rows and of columns, and how wide those of the shown rows are."""
    labels = [ink.word(text, min(_LABEL, max(4, width // 2 - 3))) for text in words]
    indent = max((width_of(labels[i]) for i in shown), default=0)
    room = max(4, width - indent - 5)
    heads = [ink.word(text, min(max(_HEADING, precision + 2), room)) for text in keys]
    return labels, heads, indent


def _blocks(
    shown: Sequence[int], heads: Sequence[str], cell: int, room: int
) -> list[list[tuple[int, int]]]:
    """The columns in blocks that fit, each column with its width."""
    blocks: list[list[tuple[int, int]]] = []
    used = room
    for position in shown:
        size = max(cell, width_of(heads[position])) + 2
        if used + size > room or not blocks:
            blocks.append([])
            used = 0
        blocks[-1].append((position, size))
        used += size
    return blocks


def _block(
    labels: Sequence[str],
    heads: Sequence[str],
    weights: FloatArray,
    shown: Sequence[int],
    columns: Sequence[tuple[int, int]],
    ink: Ink,
    indent: int,
    precision: int,
) -> list[Line]:
    headings = [right(heads[at], size - 1) + " " for at, size in columns]
    lines: list[Line] = [[Segment(" " * (indent + 3)), ink.bold("".join(headings))]]
    for position, query in enumerate(shown):
        if position and query != shown[position - 1] + 1:
            lines.append([ink.dim("  …")])
        row = weights[query].tolist()
        label = Segment("  " + left(labels[query], indent) + " ")
        cells = [
            (f"{row[key]:.{precision}f}".rjust(size - 1) + " ", row[key]) for key, size in columns
        ]
        if ink.colors is None:
            lines.append([label, Segment("".join(text for text, _ in cells))])
        else:
            lines.append([label, *(ink.weight(text, weight) for text, weight in cells)])
    return lines
