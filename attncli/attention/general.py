"""General attention: query = key = value = the embeddings, no parameters.

weights = softmax(scale/τ · X·Xᵀ), contextual = weights·X. The scores are symmetric, the weights are
not; permuting the tokens permutes the result.
"""

import math

import numpy as np

from attncli.arrays import FloatArray
from attncli.settings import Score


def score_scale(score: Score, dim: int) -> float:
    """The factor on the products: 1/√d for scaled, 1 for dot and cosine."""
    return 1.0 / math.sqrt(dim) if score == "scaled" else 1.0


def unit_rows(rows: FloatArray) -> FloatArray:
    """Each row divided by its Euclidean length; a row of zeros stays zeros.

    Shapes: (…, d) → (…, d). The largest entry is divided out first, so that no square overflows.
    """
    peak = np.abs(rows).max(axis=-1, keepdims=True, initial=0.0)  # (…, 1)
    shrunk = rows / np.where(peak == 0, rows.dtype.type(1), peak)
    lengths = np.sqrt((shrunk * shrunk).sum(axis=-1, keepdims=True))  # (…, 1)
    return shrunk / np.where(lengths == 0, rows.dtype.type(1), lengths)


def matching_rows(embeddings: FloatArray, score: Score) -> FloatArray:
    """The rows whose products are the scores: the embeddings, of unit length for cosine.

    Shapes: (…, n_tokens, d_model) → (…, n_tokens, d_model).
    """
    return unit_rows(embeddings) if score == "cosine" else embeddings
