"""The strongest keys of each row, as lists instead of a matrix."""

from collections.abc import Sequence

import numpy as np
from rich.segment import Segment

from attncli.arrays import FloatArray
from attncli.views.ink import Ink, Line, left, width_of


def strongest(row: FloatArray, top: int) -> tuple[list[int], list[int]]:
    """The `top` keys of the largest weights, largest first, and the keys that are left.

    Shapes: row (n_keys,). Equal weights keep the order of the sentence.
    """
    order = np.argsort(-row, kind="stable").tolist()
    return order[:top], order[top:]


def strongest_lines(
    words: Sequence[str],
    weights: FloatArray,
    ink: Ink,
    shown: Sequence[int],
    *,
    top: int,
    width: int = 80,
    precision: int = 3,
    keys: Sequence[str] | None = None,
) -> list[Line]:
    """For each shown row its strongest keys with their weights, and what the others get together.

    The `keys` are the words where they are no others. Shapes: weights (n_tokens, n_keys).
    """
    most = min(16, max(4, (width - precision - 9) // 2))
    labels = [ink.word(text, most) for text in words]
    heads = labels if keys is None else [ink.word(text, most) for text in keys]
    indent = max((width_of(labels[i]) for i in shown), default=0)
    lines: list[Line] = []
    for query in shown:
        kept, rest = strongest(weights[query], top)
        parts = [(f" {weights[query, key]:.{precision}f} ", key) for key in kept]
        line: Line = [Segment("  " + left(labels[query], indent) + " ")]
        used = indent + 3
        cells = [(heads[key], ink.weight(text, float(weights[query, key]))) for text, key in parts]
        if rest:
            others = float(weights[query][rest].sum(dtype=np.float64))
            cells.append(
                (
                    "1 other" if len(rest) == 1 else f"{len(rest)} others",
                    Segment(f" {others:.{precision}f} "),
                )
            )
        for label, cell in cells:
            size = width_of(label) + len(cell.text) + 2
            if used + size > width and used > indent + 3:
                lines.append(line)
                line, used = [Segment(" " * (indent + 3))], indent + 3
            line += [Segment(label), cell, Segment("  ")]
            used += size
        lines.append(line)
    return lines
