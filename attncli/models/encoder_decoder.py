"""A decoder reads a text and, in each layer, what an encoder made of another one.

Source: Vaswani et al. 2017 (arXiv:1706.03762), section 3.2.3.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from attncli.arrays import Float32Array, IntArray
from attncli.attention.core import attend, attention_scores
from attncli.errors import ShapeError
from attncli.models.config import ModelConfig
from attncli.models.family import ModelTensors
from attncli.models.layers import Attention


class Decoded(NamedTuple):
    """What a text became in a decoder.

    Shapes: embeddings, contextual (n_q, d_model), before the first layer and after the last;
    weights (n_layers, n_heads, n_q, n_q) of the decoder's own tokens, cross (n_layers, n_heads, n_q,
    n_k) of the encoder's; hidden_states (n_layers + 1, n_q, d_model). `own` and `other` are the
    queries, keys, values and scores of both, where they are kept.
    """

    embeddings: Float32Array
    contextual: Float32Array
    weights: Float32Array
    cross: Float32Array
    hidden_states: Float32Array
    own: "Stages | None" = None
    other: "Stages | None" = None


class Stages(NamedTuple):
    """What weights are made of. Shapes: query (n_layers, n_heads, n_q, d_k), key and value (…, n_k, d_k),
    scores (…, n_q, n_k), before what may not be seen is masked.
    """

    query: Float32Array
    key: Float32Array
    value: Float32Array
    scores: Float32Array

    @classmethod
    def of(cls, layers: "list[_Reading]") -> "Stages":
        """Those of all layers."""
        return cls(*map(np.stack, zip(*(layer.stages() for layer in layers), strict=True)))


def decode(
    tensors: ModelTensors,
    config: ModelConfig,
    ids: IntArray,
    source: Float32Array,
    listener: Callable[[int, Float32Array, Float32Array], None] | None = None,
    *,
    stages: bool = False,
) -> Decoded:
    """What a decoder makes of a text, beside what its encoder made of another.

    `ids` (n_q,) begin with the id that the decoder starts with; `source` (n_k, d_model) is the last
    hidden state of the encoder. Numbers that overflow float32 become inf or NaN. A `listener` is given
    each layer, its weights (n_heads, n_q, n_q) and those across; then none are kept, and zeros of one
    layer and one head stand in their place. With `stages` queries, keys, values and scores are kept.
    Raises: ShapeError for a text without tokens or longer than the model reads; DataError for a
    tensor that holds a number that is not finite.
    """
    n, places = len(ids), np.arange(len(ids))
    if not 0 < n <= config.max_tokens:
        raise ShapeError(f"a text of {n} tokens, expected 1 to {config.max_tokens}")
    kept = (config.n_layers, config.n_heads) if listener is None else (1, 1)
    weights = np.zeros((*kept, n, n), dtype=np.float32)
    cross = np.zeros((*kept, n, len(source)), dtype=np.float32)
    readings: tuple[list[_Reading], list[_Reading]] = ([], [])
    with np.errstate(over="ignore", invalid="ignore"):
        rows = tensors.embed(ids, np.zeros(n, dtype=np.intp), places)  # (n_q, d_model)
        states = [rows]
        for layer in range(config.n_layers):
            block = tensors.block(layer)
            assert block.cross is not None
            own = _Reading(block.attention, None, keeps=stages)
            rows = block.attention_norms.added(rows, own)
            other = _Reading(block.cross.attention, source, keeps=stages)
            rows = block.cross.norms.added(rows, other)
            rows = block.feed_norms.added(rows, block.feed)
            if listener is None:
                weights[layer], cross[layer] = own.weights, other.weights
            else:
                listener(layer, own.weights, other.weights)
            if stages:
                readings[0].append(own)
                readings[1].append(other)
            states.append(tensors.last(rows) if layer == config.n_layers - 1 else rows)
        held = [Stages.of(layers) for layers in readings if layers]
    return Decoded(states[0], states[-1], weights, cross, np.stack(states), *held)


class _Reading:
    """Attention of rows to themselves, or to others; keeps its weights (n_heads, n_q, n_k).

    With `keeps` the queries, keys and values that it computed are kept too.
    """

    weights: Float32Array

    def __init__(self, layer: Attention, others: Float32Array | None, *, keeps: bool) -> None:
        self._layer, self._others, self._keeps = layer, others, keeps
        self._kept: tuple[Float32Array, ...] = ()

    def __call__(self, rows: Float32Array) -> Float32Array:
        """Shapes: (n_q, d_model) → the same."""
        layer = self._layer
        read = rows if self._others is None else self._others
        query = _by_head(layer.query(rows), layer.n_heads)
        key = _by_head(layer.key(read), layer.n_kv_heads)
        value = _by_head(layer.value(read), layer.n_kv_heads)
        if self._keeps:
            self._kept = (query, key, value)
        contextual, weights = attend(
            query,
            key,
            value,
            mask=None if layer.bias is None else layer.bias(len(rows), len(read)),
            causal=layer.causal,
            scale=layer.scale,
        )
        self.weights = np.asarray(weights, dtype=np.float32)
        joined = np.ascontiguousarray(np.swapaxes(contextual, 0, 1), dtype=np.float32)
        return layer.output(joined.reshape(len(rows), -1))

    def stages(self) -> tuple[Float32Array, ...]:
        """Queries, keys, values, and the scores before a mask. Shapes: as `Stages`, of this layer."""
        query, key, value = self._kept
        scores = attention_scores(query, key, scale=self._layer.scale)  # (n_heads, n_q, n_k)
        if self._layer.bias is not None:
            scores = scores + self._layer.bias(scores.shape[-2], scores.shape[-1])
        return query, key, value, np.asarray(scores, dtype=np.float32)


def _by_head(rows: Float32Array, n_heads: int) -> Float32Array:
    """Shapes: (n, n_heads·d_k) → (n_heads, n, d_k)."""
    return np.swapaxes(rows.reshape(len(rows), n_heads, -1), 0, 1)
