"""A matrix as a small picture: the largest weight of each square of its cells."""

import numpy as np

from attncli.arrays import Float32Array, IntArray

SIDE = 32  # squares along a side, at most


def largest_of_squares(weights: Float32Array) -> Float32Array:
    """The largest weight of each square. Shapes: (…, n_tokens, n_keys) → (…, rows, columns)."""
    rows, columns = map(_edges, weights.shape[-2:])
    largest: Float32Array = np.maximum.reduceat(weights, rows, axis=-2)
    return np.maximum.reduceat(largest, columns, axis=-1)


def _edges(count: int) -> IntArray:
    """Where the squares begin along an axis of so many cells."""
    edges: IntArray = np.linspace(0, count, min(count, SIDE) + 1).astype(np.intp)
    return np.unique(edges)[:-1]
