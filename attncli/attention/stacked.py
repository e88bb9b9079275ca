"""Attention of many sentences of one length at once: float32 where that is exact enough.

Each sentence is a product of its own inside a stack, so its numbers do not depend on its company.
float32 scores of size S carry errors near 0.3·ε·S·√d (measured over random and nearly equal rows,
d = 50 … 768); below `FLOAT32_SCORES` the weights stay within 1e-6 of a computation in float64, and
exp needs no shift by the row's maximum. Above it, everything is computed in float64.
"""

from collections.abc import Iterator

import numpy as np

from attncli.arrays import BoolArray, Float32Array, FloatArray, IntArray
from attncli.attention.core import attend

FLOAT32_SCORES = 48.0  # the largest S·√d
_BLOCK_FLOATS = 1 << 17  # numbers in work at once: they stay in the processor's cache
_LONG = 1024  # tokens; a longer sentence is computed by blocks of its rows
_BLOCK_ROWS = 256


def exact_in_float32(largest_score: FloatArray, d_k: int) -> BoolArray:
    """For each sentence, whether float32 gives its weights to 1e-6. Shapes: (B,) → (B,).

    `largest_score` bounds the sentence's scores from above and, negated, from below.
    """
    fits: BoolArray = largest_score * np.sqrt(d_k) <= FLOAT32_SCORES
    return fits


def attend_stack(
    query: FloatArray,
    key: FloatArray,
    value: FloatArray,
    *,
    scale: float,
    mask: BoolArray | FloatArray | None = None,
    small: bool = False,
) -> tuple[FloatArray, FloatArray]:
    """Contextual vectors and weights of a stack. With `small`, scores are known to be moderate.

    Shapes: query, key (…, n_tokens, d_k), value (…, n_tokens, d_v), mask broadcasting to the
    scores → contextual (…, n_tokens, d_v), weights (…, n_tokens, n_tokens), in the inputs' dtype.
    """
    if mask is not None or not small:
        return attend(query, key, value, mask=mask, scale=scale)
    weights: FloatArray = np.matmul(query, np.swapaxes(key, -1, -2))  # (…, n_tokens, n_tokens)
    weights *= weights.dtype.type(scale)
    np.exp(weights, out=weights)
    total = np.add.reduce(weights, axis=-1, keepdims=True)  # (…, n_tokens, 1)
    np.divide(total.dtype.type(1), total, out=total)
    weights *= total
    return np.matmul(weights, value), weights  # (…, n_tokens, d_v)


def attend_long(
    query: FloatArray,
    key: FloatArray,
    value: FloatArray,
    *,
    scale: float,
    mask: BoolArray | FloatArray | None = None,
) -> tuple[FloatArray, Float32Array]:
    """The same for one long sentence, by blocks of rows; the weights are kept as float32 only."""
    n_tokens = query.shape[-2]
    weights = np.empty((*query.shape[:-1], n_tokens), dtype=np.float32)
    contextual = np.empty((*query.shape[:-1], value.shape[-1]), dtype=value.dtype)
    for start in range(0, n_tokens, _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        part = mask
        if mask is not None and mask.ndim >= 2 and mask.shape[-2] > 1:
            part = mask[..., rows, :]
        contextual[..., rows, :], weights[..., rows, :] = attend(
            query[..., rows, :], key, value, mask=part, scale=scale
        )
    return contextual, weights


def is_long(n_tokens: int) -> bool:
    """Whether a sentence is computed by blocks of its rows."""
    return n_tokens > _LONG


def blocks(rows: IntArray, width: int) -> Iterator[slice]:
    """Slices of the sentences (B, n_tokens) that are computed together; `width` numbers a token."""
    n_tokens = rows.shape[1]
    size = max(1, _BLOCK_FLOATS // (n_tokens * (n_tokens + width)))
    for start in range(0, len(rows), size):
        yield slice(start, start + size)
