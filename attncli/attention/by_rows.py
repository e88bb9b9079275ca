"""Attention of one long sentence by blocks of its rows: weights that nobody keeps are a block at a time."""

from collections.abc import Callable

import numpy as np

from attncli.arrays import BoolArray, Float32Array, FloatArray
from attncli.attention.core import attend
from attncli.attention.float32 import small_weights
from attncli.attention.products import product

MOST_ROWS = 256  # of a block
_BLOCK_WEIGHTS = 1 << 21  # 16 MiB as float64
_ROWS_STEP = 32
_LONG = 1024  # tokens


def is_long(n_tokens: int) -> bool:
    """Whether a sentence is computed by blocks of its rows."""
    return n_tokens > _LONG


def _block_rows(n_tokens: int) -> int:
    """How many rows of a long sentence are computed together."""
    fitting = _BLOCK_WEIGHTS // n_tokens // _ROWS_STEP * _ROWS_STEP
    return min(MOST_ROWS, max(_ROWS_STEP, fitting))


def attend_long(
    query: FloatArray,
    key: FloatArray,
    value: FloatArray,
    *,
    scale: float,
    mask: BoolArray | None = None,
    small: bool = False,
    keep: bool = True,
    see: Callable[[FloatArray, BoolArray | None], object] | None = None,
) -> tuple[FloatArray, Float32Array | None]:
    """New vectors and weights of long sentences; weights are kept as float32, or not at all.

    `small` says that `exact_in_float32` holds for the scores. `see` is shown each block of weights,
    (…, n_rows, n_tokens), with the rows of the mask.
    Shapes: query, key (…, n_tokens, d_k), value (…, n_tokens, d_v), mask (n_tokens, n_tokens)
    → (…, n_tokens, d_v), (…, n_tokens, n_tokens).
    """
    n_tokens = query.shape[-2]
    kept = np.empty((*query.shape[:-1], n_tokens), dtype=np.float32) if keep else None
    contextual = np.empty((*query.shape[:-1], value.shape[-1]), dtype=value.dtype)
    step = _block_rows(n_tokens)
    for start in range(0, n_tokens, step):
        rows = slice(start, start + step)
        asking, seen = query[..., rows, :], None if mask is None else mask[rows]
        if small:
            weights = small_weights(asking, key, scale=scale, mask=seen)
            contextual[..., rows, :] = product(weights, value)
        else:
            contextual[..., rows, :], weights = attend(asking, key, value, mask=seen, scale=scale)
        if see is not None:
            see(weights, seen)
        if kept is not None:
            kept[..., rows, :] = weights
    return contextual, kept
