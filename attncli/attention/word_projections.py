"""Queries, keys and values of single words: made once a word, gathered for every sentence.

A projection is linear, so that positions that are added to embeddings need no second one:
(x + p)·W = x·W + p·W. With landmarks the rows are [X F], of which values alone see F. Everything
here is float32; `WordProjections.fits` tells where that is exact enough.
"""

import numpy as np

from attncli.arrays import BoolArray, Float32Array, IntArray
from attncli.attention.float32 import FLOAT32_PRODUCTS, attend_float32, exact_in_float32
from attncli.attention.landmarks import with_likeness
from attncli.attention.products import product
from attncli.attention.projections import (
    Projections,
    TaskAttention,
    biased,
    joined_heads,
    own_mask,
    relative_bias,
    turned,
    with_positions,
)

_SURE = 0.99 * FLOAT32_PRODUCTS  # more than lengths of two products can differ


class WordProjections:
    """A layer's projections as columns side by side: queries, keys, values, and their lengths.

    `width` columns a word: n_heads·d_k of queries, as many of keys, n_heads·d_v of values, then the
    length of each head's query and of each head's key.
    """

    def __init__(self, layer: Projections) -> None:
        self.layer = layer
        wide = [w.swapaxes(0, 1).reshape(w.shape[1], -1) for w in (layer.W_q, layer.W_k, layer.W_v)]
        self._ends = np.cumsum([part.shape[1] for part in wide]).tolist()
        rows = layer.W_v.shape[1]  # d_model + n_landmarks
        self._matrix = np.zeros((rows, self._ends[2]), dtype=np.float32)
        for end, part in zip(self._ends, wide, strict=True):
            self._matrix[: len(part), end - part.shape[1] : end] = part
        landmarks = layer.landmarks
        self._landmarks = None if landmarks is None else landmarks.astype(np.float32)
        self._asking = np.ascontiguousarray(self._matrix[: layer.d_model, : self._ends[1]])
        self.width = self._ends[2] + 2 * layer.n_heads
        self._placed: Float32Array | None = None

    def of_words(self, vectors: Float32Array) -> Float32Array:
        """The columns of each word, computed alone: (n, d_model) → (n, width)."""
        alone = vectors[:, None, :]
        rows = with_likeness(alone, alone, self._landmarks)  # (n, 1, d_model + n_landmarks)
        columns = product(rows, self._matrix)[:, 0]  # (n, columns)
        lengths = self._lengths(columns)
        lengths[~np.isfinite(columns).all(axis=1)] = np.inf
        return np.concatenate([columns, lengths], axis=1)

    def longest(self, vectors: Float32Array) -> Float32Array:
        """The length of each word's longest query or key: (n, d_model) → (n, 1)."""
        columns = product(vectors[:, None, :], self._asking)[:, 0]  # (n, 2·n_heads·d_k)
        longest: Float32Array = self._lengths(columns).max(axis=1, keepdims=True)
        longest[~np.isfinite(longest)] = np.inf
        return longest

    def surely_fits(self, longest: Float32Array, rows: IntArray) -> BoolArray:
        """For each sentence, whether `fits` need not be asked: it would say yes.

        Shapes: `longest` (n, 1) of the words, rows (B, n_tokens) → (B,).
        """
        lengths = longest[:, 0].take(rows).max(axis=1)  # (B,)
        if self.layer.positions in ("sinusoidal", "learned"):
            lengths = lengths + self._lengths(self._of_places(rows.shape[1])).max()
        largest = lengths * lengths * (self.layer.scale / self.layer.temperature)
        return exact_in_float32(largest, self.layer.d_k, _SURE)

    def fits(self, table: Float32Array, rows: IntArray) -> BoolArray:
        """For each sentence, whether float32 may be tried. Shapes: rows (B, n_tokens) → (B,).

        What is made of such a sentence is finite.
        """
        heads = self.layer.n_heads
        lengths = table[:, self._ends[2] :].take(rows, axis=0).max(axis=1)  # (B, 2·n_heads)
        if self.layer.positions in ("sinusoidal", "learned"):
            lengths = lengths + self._lengths(self._of_places(rows.shape[1])).max(axis=0)
        scale = self.layer.scale / self.layer.temperature
        largest = (lengths[:, :heads] * lengths[:, heads:]).max(axis=1) * scale  # (B,)
        return exact_in_float32(largest, self.layer.d_k, FLOAT32_PRODUCTS)

    def attended(self, table: Float32Array, rows: IntArray) -> tuple[TaskAttention, BoolArray]:
        """The stages of a stack, and which sentences float32 was exact enough for (B,).

        Shapes: table (n, width), the columns of the words; rows (B, n_tokens).
        """
        n_tokens, layer = rows.shape[1], self.layer
        query, key, value = self._gathered(table, rows)
        query, key = turned(query, key, layer)
        bias = relative_bias(layer, n_tokens)
        mask = biased(bias, own_mask(layer, n_tokens))
        scale = layer.scale / layer.temperature
        heads, weights, exact = attend_float32(query, key, value, scale=scale, mask=mask)
        contextual = joined_heads(heads, layer)
        stages = TaskAttention(query, key, value, bias, weights, contextual, scale)
        return stages, exact

    def _gathered(
        self, table: Float32Array, rows: IntArray
    ) -> tuple[Float32Array, Float32Array, Float32Array]:
        """Query, key and value of each token: three of (B, n_heads, n_tokens, d)."""
        columns = table.take(rows, axis=0)  # (B, n_tokens, width)
        if self.layer.positions in ("sinusoidal", "learned"):
            columns[..., : self._ends[2]] += self._of_places(rows.shape[1])
        shape = (*rows.shape, self.layer.n_heads, -1)
        q_end, k_end, v_end = self._ends
        return (
            columns[..., :q_end].reshape(shape).swapaxes(1, 2),
            columns[..., q_end:k_end].reshape(shape).swapaxes(1, 2),
            columns[..., k_end:v_end].reshape(shape).swapaxes(1, 2),
        )

    def _lengths(self, columns: Float32Array) -> Float32Array:
        """The length of each head's query and key: (n, columns) → (n, 2·n_heads)."""
        heads = columns[:, : self._ends[1]].reshape(len(columns), 2 * self.layer.n_heads, -1)
        lengths: Float32Array = np.sqrt(np.square(heads).sum(axis=2))
        return lengths

    def _of_places(self, n_tokens: int) -> Float32Array:
        """What positions add to the columns, (n_tokens, columns)."""
        if self._placed is None or len(self._placed) < n_tokens:
            nothing = np.zeros((2 * n_tokens, self.layer.d_model))
            added = with_positions(nothing, self.layer).astype(np.float32)
            own = self._matrix[: self.layer.d_model]
            self._placed = product(added[:, None, :], own)[:, 0]
        return self._placed[:n_tokens]
