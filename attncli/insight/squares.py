"""A matrix as a small picture: the largest weight of each square of its cells."""

import numpy as np

from attncli.arrays import AnyArray, IntArray

SIDE = 32  # squares along a side, at most


def largest_of_squares(cells: AnyArray, most: int = SIDE) -> AnyArray:
    """The largest of each square of cells, of which there are at `most` so many along a side.

    Shapes: (…, n_tokens, n_keys) → (…, rows, columns).
    """
    rows, columns = (_edges(count, most) for count in cells.shape[-2:])
    largest: AnyArray = np.maximum.reduceat(cells, rows, axis=-2)
    return np.maximum.reduceat(largest, columns, axis=-1)


def _edges(count: int, most: int) -> IntArray:
    """Where the squares begin along an axis of so many cells."""
    edges: IntArray = np.linspace(0, count, min(count, most) + 1).astype(np.intp)
    return np.unique(edges)[:-1]
