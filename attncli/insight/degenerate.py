"""Matrices that show nothing: nearly one key a row, or nearly the same weight everywhere."""

from typing import Literal, TypeAlias

import numpy as np

from attncli.arrays import BoolArray, FloatArray, IntArray

ONE_KEY = 0.98  # a weight above this in every row
UNIFORM = 0.02  # all weights of every row within this, and none more than twice another

Degenerate: TypeAlias = Literal["one-key", "uniform"]


class RowsSeen:
    """How a matrix is degenerate of which some rows are seen at a time."""

    def __init__(self) -> None:
        self._is_empty = self._is_one_key = self._is_uniform = True

    def see(self, weights: FloatArray, mask: BoolArray | None = None) -> bool:
        """Sees some of the rows, and says whether another could still change what they are.

        Shapes: weights and mask (…, n_rows, n_tokens), the first axes 1. Equal columns may be one.
        """
        if not (self._is_one_key or self._is_uniform):
            return False
        weights = weights.reshape(-1, weights.shape[-1])
        if mask is not None:
            rows = mask.sum(axis=-1) >= 2  # (n_rows,)
            weights, mask = weights[rows], mask[rows]
        if not len(weights) or weights.shape[-1] < 2:
            return True
        self._is_empty = False
        self._is_one_key = self._is_one_key and bool((weights.max(axis=-1) > ONE_KEY).all())
        if self._is_uniform:
            highest = _shown(weights, mask, -np.inf).max(axis=-1)
            lowest = _shown(weights, mask, np.inf).min(axis=-1)
            alike = (highest - lowest <= UNIFORM) & (highest <= 2 * lowest)  # of many all are small
            self._is_uniform = bool(alike.all())
        return self._is_one_key or self._is_uniform

    @property
    def kind(self) -> Degenerate | None:
        """How all rows together are degenerate, or None."""
        if self._is_empty:
            return None
        return "one-key" if self._is_one_key else "uniform" if self._is_uniform else None


def _shown(weights: FloatArray, mask: BoolArray | None, other: float) -> FloatArray:
    """The weights of keys that are seen, `other` for those that are not."""
    return weights if mask is None else np.where(mask, weights, other)


def degenerate(weights: FloatArray, mask: BoolArray | None = None) -> Degenerate | None:
    """How a matrix is degenerate, or None. Rows with fewer than two keys to see do not count.

    Shapes: weights and mask (n_tokens, n_tokens).

    >>> degenerate(np.eye(3))
    'one-key'
    """
    rows = RowsSeen()
    rows.see(weights, mask)
    return rows.kind


def degenerate_in(weights: FloatArray, mask: BoolArray | None = None) -> dict[int, Degenerate]:
    """Which matrices of a stack are degenerate, and how. Shapes: weights (B, n_tokens, n_tokens)."""
    suspects = _suspects(weights) if mask is None else _masked_suspects(weights, mask)
    kinds = {int(i): degenerate(weights[i], mask) for i in suspects}
    return {i: kind for i, kind in kinds.items() if kind is not None}


def _suspects(weights: FloatArray) -> IntArray:
    """Few matrices of a stack among which are all degenerate ones, by a look at a few rows."""
    n_tokens = weights.shape[-1]
    if n_tokens < 2:
        return np.arange(0)
    highest = weights.reshape(len(weights), -1).max(axis=1)  # (B,)
    some = weights[:, :: max(1, n_tokens // 3)].max(axis=-1)  # (B, 2 to 5)
    return np.flatnonzero((highest <= 1.0 / n_tokens + 2 * UNIFORM) | (some.min(axis=1) > ONE_KEY))


def _masked_suspects(weights: FloatArray, mask: BoolArray) -> IntArray:
    """The same where only some keys are seen."""
    counts = mask.sum(axis=-1)  # (n_tokens,)
    rows = np.flatnonzero(counts >= 2)
    if not len(rows):
        return np.arange(0)
    peaks = weights.max(axis=-1)[:, rows]  # (B, rows)
    level = (peaks <= 1.0 / counts[rows] + 2 * UNIFORM).all(axis=-1)
    return np.flatnonzero(level | (peaks.min(axis=-1) > ONE_KEY))
