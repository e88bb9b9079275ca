"""A decoder reads a text and, in each layer, what an encoder made of another one.

Source: Vaswani et al. 2017 (arXiv:1706.03762), section 3.2.3.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from attncli.arrays import Float32Array, IntArray
from attncli.attention.core import attend
from attncli.errors import ShapeError
from attncli.models.config import ModelConfig
from attncli.models.family import ModelTensors
from attncli.models.layers import Attention


class Decoded(NamedTuple):
    """What a text became in a decoder.

    Shapes: embeddings, contextual (n_q, d_model), before the first layer and after the last;
    weights (n_layers, n_heads, n_q, n_q) of the decoder's own tokens, cross (n_layers, n_heads, n_q,
    n_k) of the encoder's; hidden_states (n_layers + 1, n_q, d_model).
    """

    embeddings: Float32Array
    contextual: Float32Array
    weights: Float32Array
    cross: Float32Array
    hidden_states: Float32Array


def decode(
    tensors: ModelTensors,
    config: ModelConfig,
    ids: IntArray,
    source: Float32Array,
    listener: Callable[[int, Float32Array, Float32Array], None] | None = None,
) -> Decoded:
    """What a decoder makes of a text, beside what its encoder made of another.

    `ids` (n_q,) begin with the id that the decoder starts with; `source` (n_k, d_model) is the last
    hidden state of the encoder. Numbers that overflow float32 become inf or NaN. A `listener` is given
    each layer, its weights (n_heads, n_q, n_q) and those across; then none are kept, and zeros of one
    layer and one head stand in their place.
    Raises: ShapeError for a text without tokens or longer than the model reads; DataError for a
    tensor that holds a number that is not finite.
    """
    n, places = len(ids), np.arange(len(ids))
    if not 0 < n <= config.max_tokens:
        raise ShapeError(f"a text of {n} tokens, expected 1 to {config.max_tokens}")
    kept = (config.n_layers, config.n_heads) if listener is None else (1, 1)
    weights = np.zeros((*kept, n, n), dtype=np.float32)
    cross = np.zeros((*kept, n, len(source)), dtype=np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        rows = tensors.embed(ids, np.zeros(n, dtype=np.intp), places)  # (n_q, d_model)
        states = [rows]
        for layer in range(config.n_layers):
            block = tensors.block(layer)
            assert block.cross is not None
            own = _Reading(block.attention, None)
            rows = block.attention_norms.added(rows, own)
            other = _Reading(block.cross.attention, source)
            rows = block.cross.norms.added(rows, other)
            rows = block.feed_norms.added(rows, block.feed)
            if listener is None:
                weights[layer], cross[layer] = own.weights, other.weights
            else:
                listener(layer, own.weights, other.weights)
            states.append(tensors.last(rows) if layer == config.n_layers - 1 else rows)
    return Decoded(states[0], states[-1], weights, cross, np.stack(states))


class _Reading:
    """Attention of rows to themselves, or to others; keeps its weights (n_heads, n_q, n_k)."""

    weights: Float32Array

    def __init__(self, layer: Attention, others: Float32Array | None) -> None:
        self._layer, self._others = layer, others

    def __call__(self, rows: Float32Array) -> Float32Array:
        """Shapes: (n_q, d_model) → the same."""
        layer = self._layer
        read = rows if self._others is None else self._others
        contextual, weights = attend(
            _by_head(layer.query(rows), layer.n_heads),
            _by_head(layer.key(read), layer.n_kv_heads),
            _by_head(layer.value(read), layer.n_kv_heads),
            mask=None if layer.bias is None else layer.bias(len(rows), len(read)),
            causal=layer.causal,
            scale=layer.scale,
        )
        self.weights = np.asarray(weights, dtype=np.float32)
        joined = np.ascontiguousarray(np.swapaxes(contextual, 0, 1), dtype=np.float32)
        return layer.output(joined.reshape(len(rows), -1))


def _by_head(rows: Float32Array, n_heads: int) -> Float32Array:
    """Shapes: (n, n_heads·d_k) → (n_heads, n, d_k)."""
    return np.swapaxes(rows.reshape(len(rows), n_heads, -1), 0, 1)
