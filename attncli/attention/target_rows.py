"""What one token of each sentence attends to: a row of weights a head, and its sums of embeddings.

A read-out of one token needs neither the other rows nor keys and values: with q = x·W_q the scores
are (q·W_kᵀ)·Xᵀ, and the sums weights·X go through W_v afterwards, as in training. All is float64,
and every product is of one sentence, so that its numbers do not depend on its company.
"""

from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from attncli.arrays import BoolArray, FloatArray, IntArray
from attncli.attention.core import masked, softmax
from attncli.attention.landmarks import with_likeness
from attncli.attention.positions import distance_index, reach_of
from attncli.attention.products import product
from attncli.attention.projections import Projections, own_mask, with_positions


class TargetRows:
    """The rows of target tokens in a layer whose positions do not rotate queries and keys."""

    def __init__(self, layer: Projections) -> None:
        self.layer = layer
        scale = layer.scale / layer.temperature
        W_q = layer.W_q.astype(np.float64) * scale  # (n_heads, d_model, d_k)
        self._W_q = np.ascontiguousarray(W_q.swapaxes(0, 1)).reshape(layer.d_model, -1)
        self._biases = lru_cache(maxsize=32)(self._biases_of)
        self._keys = np.ascontiguousarray(layer.W_k.swapaxes(1, 2), dtype=np.float64)

    @property
    def adds_positions(self) -> bool:
        """Whether what a target asks depends on its place."""
        return self.layer.positions in ("sinusoidal", "learned")

    def asked(self, embeddings: FloatArray, places: IntArray) -> FloatArray:
        """What each target looks for in embeddings. Shapes: (B, d_model), (B,) → (B, n_heads, d_model)."""
        rows = embeddings.astype(np.float64)
        if self.adds_positions:
            longest = np.zeros((int(places.max(initial=0)) + 1, rows.shape[1]))
            rows = rows + with_positions(longest, self.layer)[places]
        query = product(rows[:, None], self._W_q)  # (B, 1, n_heads·d_k)
        query = query.reshape(len(rows), self.layer.n_heads, 1, self.layer.d_k)
        asked: FloatArray = product(query, self._keys)[:, :, 0]
        return asked

    @property
    def width(self) -> int:
        """How many sums a head has: d_model, with landmarks d_model + n_landmarks."""
        return int(self.layer.W_v.shape[1])

    def sums(
        self,
        asked: FloatArray,
        embeddings: FloatArray,
        places: IntArray,
        out: FloatArray | None = None,
    ) -> FloatArray:
        """The embeddings summed by the weights of each head's target row.

        Shapes: asked (B, n_heads, d_model), embeddings (B, n_tokens, d_model), places (B,)
        → (B, n_heads, width).
        """
        plain = embeddings.astype(np.float64)
        placed = with_positions(plain, self.layer)
        scores = product(asked, placed.swapaxes(1, 2))  # (B, n_heads, n_tokens)
        bias, mask = self._bias_and_mask(placed.shape[1], places)
        if bias is not None:
            scores += bias
        weights = softmax(masked(scores, mask), may_be_empty=False)
        valued = with_likeness(placed, plain, self.layer.landmarks)
        summed: FloatArray = product(weights, valued, out)
        return summed

    def _bias_and_mask(
        self, n_tokens: int, places: IntArray
    ) -> tuple[FloatArray | None, BoolArray | None]:
        """The rows of the targets: (B, n_heads, n_tokens) and (B, 1, n_tokens), or None."""
        biases, mask = self._biases(n_tokens), own_mask(self.layer, n_tokens)
        return (
            None if biases is None else biases[places],
            None if mask is None else mask[places][:, None],
        )

    def _biases_of(self, n_tokens: int) -> FloatArray | None:
        """The rows of relative positions of every place, (n_tokens, n_heads, n_tokens), or None.

        They are windows of one row that holds every distance: n_tokens² numbers are not in memory.
        """
        table = self.layer.position_table
        if self.layer.positions != "relative" or table is None:
            return None
        distances = distance_index(np.array(n_tokens - 1), 2 * n_tokens - 1, reach_of(table))
        every = table[:, distances].astype(np.float64)  # (n_heads, 2·n_tokens − 1)
        windows = sliding_window_view(every, n_tokens, axis=1)  # (n_heads, n_tokens, n_tokens)
        return windows.swapaxes(0, 1)[::-1]
