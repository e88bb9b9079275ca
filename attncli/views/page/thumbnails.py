"""Every head as a small picture of palette steps."""

import numpy as np

from attncli.arrays import IntArray
from attncli.results.result import AttentionResult
from attncli.views.palette import palette_steps

THUMBNAIL = 32  # cells of a side


def thumbnails(result: AttentionResult) -> IntArray:
    """Every head as a small picture of palette steps: the largest weight of each square of cells.

    Shape (n_layers, n_heads, rows, columns), uint8; both are at most 32.
    """
    rows, columns = map(_edges, result.weights.shape[-2:])
    largest = np.maximum.reduceat(result.weights, rows, axis=-2)
    return palette_steps(np.maximum.reduceat(largest, columns, axis=-1)).astype(np.uint8)


def _edges(count: int) -> IntArray:
    """Where the squares begin along an axis of so many cells."""
    edges: IntArray = np.linspace(0, count, min(count, THUMBNAIL) + 1).astype(np.intp)
    return np.unique(edges)[:-1]
