"""Attention of many sentences of one length at once: float32 where that is exact enough.

Each sentence is a product of its own inside a stack, so its numbers do not depend on its company.
float32 scores of size S carry errors near 0.3·ε·S·√d (measured over random and nearly equal rows,
d = 50 … 768); below `FLOAT32_SCORES` the weights stay within 1e-6 of a computation in float64, and
exp needs no shift by the row's maximum. Above it, everything is computed in float64.

Where queries and keys are different rows, scores are far smaller than the rows' lengths allow:
there the lengths bound them by `FLOAT32_PRODUCTS`, and the scores themselves by `FLOAT32_SCORES`
once they are known. Weights then stay within 1.2e-6 even of rows made to cancel (7e-7 otherwise).
"""

from collections.abc import Iterator

import numpy as np

from attncli.arrays import BoolArray, FloatArray, IntArray
from attncli.attention.core import attention_scores, masked_softmax
from attncli.attention.products import product

FLOAT32_SCORES = 48.0  # the largest S·√d
FLOAT32_PRODUCTS = 96.0  # the largest |query|·|key|·scale·√d
_BLOCK_FLOATS = 1 << 19  # numbers in work at once: few calls, and the cache still holds them


def exact_in_float32(
    largest_score: FloatArray, d_k: int, limit: float = FLOAT32_SCORES
) -> BoolArray:
    """For each sentence, whether float32 gives its weights to 1e-6. Shapes: (B,) → (B,).

    `largest_score` bounds the sentence's scores from above and, negated, from below.
    """
    fits: BoolArray = largest_score * np.sqrt(d_k) <= limit
    return fits


def small_weights(
    query: FloatArray, key: FloatArray, *, scale: float, mask: BoolArray | FloatArray | None = None
) -> FloatArray:
    """The weights of a stack for whose scores `exact_in_float32` holds.

    Without a mask the softmax takes the exponentials of the scores as they are, without first
    subtracting the largest of each row.

    Shapes: query, key (…, n_tokens, d_k), mask broadcasting to the scores → (…, n_tokens, n_tokens).
    """
    scores = attention_scores(query, key, scale=scale)
    return _unshifted_softmax(scores) if mask is None else masked_softmax(scores, mask)


def attend_float32(
    query: FloatArray,
    key: FloatArray,
    value: FloatArray,
    *,
    scale: float,
    mask: BoolArray | FloatArray | None = None,
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Contextual vectors and weights of a stack with heads, and which sentences are exact (B,).

    Shapes: query, key (B, n_heads, n_tokens, d_k), value (B, n_heads, n_tokens, d_v), mask
    broadcasting to the scores. The lengths of the rows are within `FLOAT32_PRODUCTS`.
    """
    scores = attention_scores(query, key, scale=scale)  # (B, n_heads, n_tokens, n_tokens)
    largest = np.maximum(scores.max(axis=(1, 2, 3)), -scores.min(axis=(1, 2, 3)))  # (B,)
    exact = exact_in_float32(largest, query.shape[-1])
    if mask is None:
        scores[~exact] = 0.0  # they are computed again, and exp must not overflow here
        weights = _unshifted_softmax(scores)
    else:
        weights = masked_softmax(scores, mask)
    return product(weights, value), weights, exact


def _unshifted_softmax(scores: FloatArray) -> FloatArray:
    """The softmax of scores that are known to be moderate, in their place."""
    np.exp(scores, out=scores)
    ones = np.ones((scores.shape[-1], 1), dtype=scores.dtype)
    total = product(scores, ones)  # (…, n_tokens, 1): a product sums short rows twice as fast
    np.divide(total.dtype.type(1), total, out=total)
    scores *= total
    return scores


def sentence_blocks(rows: IntArray, width: int) -> Iterator[slice]:
    """Slices of the sentences (B, n_tokens) that are computed together; `width` numbers a token."""
    n_tokens = rows.shape[1]
    size = max(1, _BLOCK_FLOATS // (n_tokens * (n_tokens + width)))
    for start in range(0, len(rows), size):
        yield slice(start, start + size)
