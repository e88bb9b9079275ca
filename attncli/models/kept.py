"""What is kept of a text that is read token by token: keys, values, and the layers that made them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from attncli.arrays import BoolArray, Float32Array
from attncli.arrays.memory import available_memory
from attncli.attention.core import attend
from attncli.attention.products import product
from attncli.models.layers import Attention, Block, Feed, Linear
from attncli.models.word_head import WordHead

_BYTES = 4  # of a number
_ROOM = 64  # tokens that are made room for at once, at least


class RowLinear(Linear):
    """A linear map of the rows of one text alone, which need not be the same bits beside others."""

    def __call__(self, rows: Float32Array) -> Float32Array:
        """Shapes: (n_rows, d_in) → (n_rows, d_out)."""
        out = product(rows, self.weight)
        return np.asarray(out if self.bias is None else out + self.bias)


class KeptRows:
    """The keys and values of one layer, with room for more. Shapes: (n_kv_heads, room, d_k)."""

    def __init__(self) -> None:
        self._arrays: dict[str, Float32Array] = {}

    def extended(self, name: str, start: int, rows: Float32Array) -> Float32Array:
        """All rows so far, `rows` (n_kv_heads, m, d_k) from place `start` on. Shape (…, start + m, d_k)."""
        end = start + rows.shape[1]
        array = self._arrays.get(name)
        if array is None or array.shape[1] < end:
            room = max(2 * start, end + _ROOM)
            larger = np.empty((rows.shape[0], room, rows.shape[2]), dtype=np.float32)
            if array is not None:
                larger[:, :start] = array[:, :start]
            self._arrays[name] = array = larger
        array[:, start:end] = rows
        return array[:, :end]


class KeptReading:
    """Attention of the new rows of a text to all so far; keeps its weights (n_heads, m, n)."""

    weights: Float32Array

    def __init__(self, layer: Attention, kept: KeptRows, start: int) -> None:
        self._layer, self._kept, self._start = layer, kept, start

    def __call__(self, rows: Float32Array) -> Float32Array:
        """Shapes: (m, d_model) → the same."""
        layer, start = self._layer, self._start
        query, key, value = layer.query(rows), layer.key(rows), layer.value(rows)
        if layer.query_norm is not None and layer.key_norm is not None:
            query, key = layer.query_norm(query), layer.key_norm(key)
        query = _split(query, layer.n_heads)  # (n_heads, m, d_k)
        key, value = _split(key, layer.n_kv_heads), _split(value, layer.n_kv_heads)
        if layer.rope is not None:
            query, key = layer.rope.turned(query, start), layer.rope.turned(key, start)
        contextual, weights = attend(
            query,
            self._kept.extended("key", start, key),
            self._kept.extended("value", start, value),
            mask=_added(layer, len(rows), start),
            scale=layer.scale,
            softcap=layer.softcap,
        )
        self.weights = np.asarray(weights, dtype=np.float32)  # (n_heads, m, n)
        return layer.output(_joined(contextual))


class OtherReading:
    """Attention of rows to those of another text, whose keys and values are made once.

    `others` (n_k, d_model) is the other text; keeps its weights (n_heads, m, n_k).
    """

    weights: Float32Array

    def __init__(self, layer: Attention, others: Float32Array) -> None:
        self._layer = layer
        self._key = _split(layer.key(others), layer.n_kv_heads)  # (n_heads, n_k, d_k)
        self._value = _split(layer.value(others), layer.n_kv_heads)

    def __call__(self, rows: Float32Array) -> Float32Array:
        """Shapes: (m, d_model) → the same."""
        layer = self._layer
        query = _split(layer.query(rows), layer.n_heads)  # (n_heads, m, d_k)
        contextual, weights = attend(query, self._key, self._value, scale=layer.scale)
        self.weights = np.asarray(weights, dtype=np.float32)  # (n_heads, m, n_k)
        return layer.output(_joined(contextual))


class KeptBlocks:
    """Layers for one text alone, kept for the next token while half of the memory that was free has room.

    `read` gives the matrices of a layer, counted from 0.
    """

    def __init__(self, read: Callable[[int], Block]) -> None:
        self._read = read
        self._blocks: dict[int, Block] = {}
        available = available_memory()
        self._room = None if available is None else available // (2 * _BYTES)

    def __call__(self, layer: int) -> Block:
        """The matrices of a layer. Raises: DataError when its file is damaged or has changed."""
        if (kept := self._blocks.get(layer)) is not None:
            return kept
        block = self._read(layer)
        alone = block._replace(
            attention=_alone(block.attention),
            feed=_feed_alone(block.feed),
            cross=block.cross and block.cross._replace(attention=_alone(block.cross.attention)),
        )
        if self._room is None or self._room >= block.size:
            self._blocks[layer] = alone
            self._room = None if self._room is None else self._room - block.size
        return alone


def keep_head(head: WordHead, count: int) -> None:
    """Keeps the whole head for `count` tokens, where twice of it fits in the memory that is free."""
    available = available_memory()
    if count > 1 and available is not None and head.numbers * 2 * _BYTES < available:
        head.keep(head.numbers)


def _alone(layer: Attention) -> Attention:
    return layer._replace(
        query=RowLinear(*layer.query),
        key=RowLinear(*layer.key),
        value=RowLinear(*layer.value),
        output=RowLinear(*layer.output),
    )


def _feed_alone(feed: Feed) -> Feed:
    gate = None if feed.gate is None else RowLinear(*feed.gate)
    return feed._replace(inner=RowLinear(*feed.inner), outer=RowLinear(*feed.outer), gate=gate)


def _split(rows: Float32Array, n_heads: int) -> Any:
    """Shapes: (m, n_heads·d_k) → (n_heads, m, d_k)."""
    return np.swapaxes(rows.reshape(len(rows), n_heads, -1), 0, 1)


def _joined(contextual: Any) -> Float32Array:
    """Shapes: (n_heads, m, d_k) → (m, n_heads·d_k)."""
    rows = np.swapaxes(contextual, 0, 1)
    return np.asarray(rows.reshape(len(rows), -1), dtype=np.float32)


def _added(layer: Attention, m: int, start: int) -> BoolArray | Float32Array | None:
    """What bars or shifts the scores of m tokens from `start` on. Shape (…, m, start + m) or None."""
    seen = _seen(m, start, layer.window)
    if layer.bias is None:
        return seen
    bias = layer.bias(m, start + m, start)  # (n_heads, m, start + m)
    return bias if seen is None else np.where(seen, bias, np.float32(-np.inf))


def _seen(m: int, start: int, window: int | None) -> BoolArray | None:
    """Which tokens the m from `start` on see: themselves and earlier ones within the window.

    Shape (m, start + m), or None where it is all of them.
    """
    n = start + m
    if m == 1 and (window is None or window >= n):
        return None
    behind = np.arange(start, n)[:, None] - np.arange(n)[None, :]  # (m, n)
    seen: BoolArray = (behind >= 0) & (behind < (n if window is None else window))
    return seen
