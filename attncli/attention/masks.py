"""Boolean masks: True where a query (row) may attend to a key (column)."""

import numpy as np

from attncli.arrays import BoolArray


def causal_mask(n_q: int, n_k: int) -> BoolArray:
    """Query i sees keys 0…i (aligned top-left). Shape (n_q, n_k).

    >>> causal_mask(2, 3).astype(int)
    array([[1, 0, 0],
           [1, 1, 0]])
    """
    return np.tri(n_q, n_k, dtype=np.bool_)  # (n_q, n_k)


def window_mask(n_q: int, n_k: int, window: int) -> BoolArray:
    """Query i sees keys i−window … i+window. Shape (n_q, n_k)."""
    distance = np.arange(n_q)[:, None] - np.arange(n_k)[None, :]  # (n_q, n_k)
    near: BoolArray = np.abs(distance) <= window
    return near


def self_mask(n_tokens: int) -> BoolArray:
    """Every token but the query itself may be seen. Shape (n_tokens, n_tokens)."""
    return ~np.eye(n_tokens, dtype=np.bool_)


def attention_mask(
    n_tokens: int, *, causal: bool = False, window: int | None = None, see_self: bool = True
) -> BoolArray | None:
    """The masks of a sentence joined into one, or None when everything may be seen.

    Shape (n_tokens, n_tokens).
    """
    mask: BoolArray | None = None
    if causal:
        mask = causal_mask(n_tokens, n_tokens)
    if window is not None:
        near = window_mask(n_tokens, n_tokens, window)
        mask = near if mask is None else mask & near
    if not see_self:
        others = self_mask(n_tokens)
        mask = others if mask is None else mask & others
    return mask
