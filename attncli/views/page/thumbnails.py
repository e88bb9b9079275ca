"""Every head as a small picture of palette steps."""

import numpy as np

from attncli.arrays import IntArray
from attncli.results.result import AttentionResult
from attncli.views.palette import palette_steps

THUMBNAIL = 32  # cells of a side


def thumbnails(result: AttentionResult) -> IntArray:
    """Every head as a small picture of palette steps: the largest weight of each square of cells.

    Shape (n_layers, n_heads, side, side), uint8; side is at most 32.
    """
    n_tokens = result.weights.shape[-1]
    edges = np.unique(np.linspace(0, n_tokens, min(n_tokens, THUMBNAIL) + 1).astype(int))[:-1]
    rows = np.maximum.reduceat(result.weights, edges, axis=-2)
    return palette_steps(np.maximum.reduceat(rows, edges, axis=-1)).astype(np.uint8)
