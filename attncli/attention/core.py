"""Attention as pure functions: scores, softmax, weights, contextual vectors. numpy only.

`attend` is what every mechanism computes: general attention with query = key = value = the
embeddings, task-specific attention and transformers with projections of them. `float32.py` computes
the same for many sentences at once where float32 is exact enough.

Source: Vaswani et al. 2017, "Attention Is All You Need" (arXiv:1706.03762), equation 1; the
soft cap on scores is from Gemma Team 2024 (arXiv:2408.00118), section 2; shared key/value heads
are from Ainslie et al. 2023 (arXiv:2305.13245).
"""

import math

import numpy as np

from attncli.arrays import BoolArray, FloatArray
from attncli.arrays.compiled import compiled
from attncli.attention.masks import causal_mask
from attncli.attention.products import product
from attncli.errors import ArgumentError, NumericError, ShapeError

_MANY = 1 << 12  # numbers for which the compiled loops are looked for


def attention_scores(
    query: FloatArray, key: FloatArray, *, scale: float | None = None, softcap: float | None = None
) -> FloatArray:
    """Scores before masks and softmax: scale · query·keyᵀ, then softcap · tanh(score / softcap).

    Shapes: query (…, n_q, d_k), key (…, n_k, d_k) → (…, n_q, n_k). `scale` None is 1/√d_k.
    The dtype of the inputs is kept.
    """
    scores: FloatArray = product(query, np.swapaxes(key, -1, -2))  # (…, n_q, n_k)
    if scale is None:
        scale = 1.0 / math.sqrt(query.shape[-1])
    if scale != 1.0:
        scores *= scores.dtype.type(scale)
    if softcap is not None:
        scores /= scores.dtype.type(softcap)
        np.tanh(scores, out=scores)
        scores *= scores.dtype.type(softcap)
    return scores


def masked(scores: FloatArray, mask: BoolArray | FloatArray | None) -> FloatArray:
    """Scores with the mask applied: −inf where a boolean mask is False, else scores + mask.

    Shapes: scores (…, n_q, n_k), mask broadcasting to it → (…, n_q, n_k).
    """
    if mask is None:
        return scores
    if mask.dtype == np.bool_:
        return np.where(mask, scores, scores.dtype.type(-np.inf))
    forbidden = np.isneginf(mask)
    return np.where(forbidden, scores.dtype.type(-np.inf), scores + mask.astype(scores.dtype))


def softmax(scores: FloatArray, *, may_be_empty: bool = True) -> FloatArray:
    """Weights of each row: exp(score − row maximum) / sum. A row of −inf only becomes zeros.

    Shapes: (…, n_q, n_k) → (…, n_q, n_k); computed in place of `scores`, which is overwritten.
    With `may_be_empty` False the caller knows that every row has a finite score.

    >>> softmax(np.array([[0.0, 0.0]]))
    array([[0.5, 0.5]])
    """
    if scores.shape[-1] == 0:
        return scores
    if scores.size > _MANY and (kernel := compiled()) is not None and kernel.shift_all(scores):
        return _normalized(scores, may_be_empty=may_be_empty)
    peak = scores.max(axis=-1, keepdims=True)  # (…, n_q, 1)
    if may_be_empty:
        peak[np.isneginf(peak)] = 0.0
    scores -= peak
    return _normalized(scores, may_be_empty=may_be_empty)


def masked_softmax(scores: FloatArray, mask: BoolArray | FloatArray) -> FloatArray:
    """`softmax(masked(scores, mask))`, to the last bit; `scores` may be overwritten.

    Shapes: scores (…, n_q, n_k), mask broadcasting to it → (…, n_q, n_k).
    """
    kernel = compiled()
    if kernel is not None and kernel.shift_rows(scores, mask):
        return _normalized(scores, may_be_empty=True)
    return softmax(masked(scores, mask))


def _normalized(scores: FloatArray, *, may_be_empty: bool) -> FloatArray:
    """The exponentials of each row over their sum, in place. Shapes: (…, n_q, n_k)."""
    np.exp(scores, out=scores)
    total = scores.sum(axis=-1, keepdims=True)  # (…, n_q, 1)
    if may_be_empty:
        total[total == 0.0] = 1.0
    scores /= total
    return scores


def attend(
    query: FloatArray,
    key: FloatArray,
    value: FloatArray,
    *,
    mask: BoolArray | FloatArray | None = None,
    causal: bool = False,
    scale: float | None = None,
    softcap: float | None = None,
) -> tuple[FloatArray, FloatArray]:
    """The contextual vectors and the weights: weights = softmax(scores), contextual = weights·value.

    Shapes:
        query (…, n_q, d_k), key (…, n_k, d_k), value (…, n_k, d_v)
        → contextual (…, n_q, d_v), weights (…, n_q, n_k). Leading axes broadcast.
    `attncli.attend` checks what a caller gives, calls this, and says what each option is.
    Raises: ShapeError when the shapes do not fit together, ArgumentError for a mask with NaN.
    Source: arXiv:1706.03762, equation 1.

    >>> x = np.eye(2)
    >>> contextual, weights = attend(x, x, x, causal=True)
    >>> weights[0]
    array([1., 0.])
    """
    if scale is not None:
        expect_finite_scale(scale)
    _check(query, key, value)
    query, key, value = _widened(query), _widened(key), _widened(value)
    key, value = _shared_heads(query, key), _shared_heads(query, value)
    _check_leading(query, key, value)
    scores = attention_scores(query, key, scale=scale, softcap=softcap)  # (…, n_q, n_k)
    allowed = _joined(mask, causal, scores.shape[-2], scores.shape[-1])
    if allowed is None:
        weights = softmax(scores, may_be_empty=False)  # (…, n_q, n_k)
    else:
        _check_mask(allowed, scores)
        weights = softmax(masked(scores, allowed))  # (…, n_q, n_k)
        return _weighted_sum(weights, value), weights
    return product(weights, value), weights  # (…, n_q, d_v)


def expect_finite_scale(scale: float) -> None:
    """Raises: NumericError for a scale that is not finite."""
    if not math.isfinite(scale):
        raise NumericError(f"the scale is {scale}, expected a finite number", place="scale")


def _check(query: FloatArray, key: FloatArray, value: FloatArray) -> None:
    if min(query.ndim, key.ndim, value.ndim) < 2:
        raise ShapeError(
            "query, key and value need at least two axes (n_tokens, d), "
            f"got {query.shape}, {key.shape} and {value.shape}"
        )
    if query.shape[-1] == 0:
        raise ShapeError(f"found query {query.shape}, expected a d_k of at least 1", place="query")
    if query.shape[-1] != key.shape[-1]:
        raise ShapeError(
            f"query and key must have the same d_k: query {query.shape}, key {key.shape}"
        )
    if key.shape[-2] != value.shape[-2]:
        raise ShapeError(
            f"key and value must have the same n_k: key {key.shape}, value {value.shape}"
        )


def _check_leading(query: FloatArray, key: FloatArray, value: FloatArray) -> None:
    leading = [array.shape[:-2] for array in (query, key, value)]
    if leading[0] == leading[1] == leading[2]:
        return
    try:
        np.broadcast_shapes(*leading)
    except ValueError:
        raise ShapeError(
            "the leading axes of query, key and value must broadcast: "
            f"query {query.shape}, key {key.shape}, value {value.shape}"
        ) from None


def _widened(array: FloatArray) -> FloatArray:
    """float16 as float32 (300 products of 60 overflow it), integers as float64, others as is."""
    if array.dtype == np.float16:
        return array.astype(np.float32)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _shared_heads(query: FloatArray, shared: FloatArray) -> FloatArray:
    if query.ndim < 3 or shared.ndim < 3 or shared.shape[-3] in (1, query.shape[-3]):
        return shared
    groups, rest = divmod(query.shape[-3], shared.shape[-3])
    if rest:
        if query.shape[-3] == 1:
            return shared
        raise ShapeError(
            f"{query.shape[-3]} query heads cannot share {shared.shape[-3]} key/value heads evenly"
        )
    return np.repeat(shared, groups, axis=-3)  # (…, n_heads, n_k, d)


def _joined(
    mask: BoolArray | FloatArray | None, causal: bool, n_q: int, n_k: int
) -> BoolArray | FloatArray | None:
    if mask is not None and mask.dtype.kind not in "bf":
        raise ShapeError(f"the mask must be boolean or of floats, got {mask.dtype}")
    if mask is not None and mask.dtype.kind == "f" and not (mask < np.inf).all():
        raise ArgumentError("the mask holds NaN or +∞, expected numbers to be added, −∞ to hide")
    if not causal:
        return mask
    triangle = causal_mask(n_q, n_k)  # (n_q, n_k)
    if mask is None:
        return triangle
    if mask.dtype == np.bool_:
        return np.logical_and(mask, triangle)
    return np.where(triangle, mask, mask.dtype.type(-np.inf))


def _check_mask(mask: BoolArray | FloatArray, scores: FloatArray) -> None:
    try:
        fits = np.broadcast_shapes(mask.shape, scores.shape) == scores.shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"the mask must broadcast to the scores {scores.shape}, got {mask.shape}")


def _weighted_sum(weights: FloatArray, value: FloatArray) -> FloatArray:
    """weights·value, where a value that is not finite counts only in rows that see it."""
    contextual: FloatArray
    finite = np.isfinite(value)
    if finite.all():
        contextual = product(weights, value)  # (…, n_q, d_v)
        return contextual
    contextual = product(weights, np.where(finite, value, value.dtype.type(0)))  # (…, n_q, d_v)
    seen = product((weights != 0).astype(weights.dtype), (~finite).astype(weights.dtype))
    contextual[seen > 0] = np.nan
    return contextual
