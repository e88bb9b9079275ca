"""Every head as a small picture of palette steps."""

import numpy as np

from attncli.arrays import IntArray
from attncli.insight.heads import MappedResult
from attncli.insight.squares import largest_of_squares
from attncli.results.result import AttentionResult
from attncli.views.palette import palette_steps


def thumbnails(result: AttentionResult) -> IntArray:
    """Every head as a small picture of palette steps: the largest weight of each square of cells.

    Shape (n_layers, n_heads, rows, columns), uint8; both are at most 32.
    """
    largest = (
        result.of_page.largest
        if isinstance(result, MappedResult) and result.of_page is not None
        else largest_of_squares(result.weights)
    )
    return palette_steps(largest).astype(np.uint8)
