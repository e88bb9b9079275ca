"""A text that goes on token by token: what each layer made of the earlier ones is kept.

Of a token nothing later changes in a causal model, so its keys and values are computed once and
every further token costs one row. That holds while positions turn as before: some ropes turn all of
them otherwise once a text is longer than the model was trained on, and then the text is read anew.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from attncli.arrays import BoolArray, Float32Array
from attncli.arrays.memory import available_memory
from attncli.attention.core import attend
from attncli.attention.products import product
from attncli.errors import NumericError
from attncli.models.layers import Attention, Block, Feed, Linear
from attncli.models.model import TransformerModel

_BYTES = 4  # of a number
_ROOM = 64  # tokens that are made room for at once, at least


class Continued(NamedTuple):
    """The ids that a model wrote, and whether it ended its text by itself."""

    ids: tuple[int, ...]
    has_ended: bool


class _RowLinear(Linear):
    """A linear map of the rows of one text alone, which need not be the same bits beside others."""

    def __call__(self, rows: Float32Array) -> Float32Array:
        """Shapes: (n_rows, d_in) → (n_rows, d_out)."""
        out = product(rows, self.weight)
        return np.asarray(out if self.bias is None else out + self.bias)


class _Kept:
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


class KeptText:
    """A text as a causal model has read it so far.

    Raises: DataError for a tensor that holds a number that is not finite, or an id that is unknown.
    """

    def __init__(self, model: TransformerModel) -> None:
        self._model = model
        self._blocks: dict[int, Block] = {}
        available = available_memory()
        self._room = None if available is None else available // (2 * _BYTES)
        self.ids: list[int] = []
        self._layers: list[_Kept] = []

    def read(self, ids: Sequence[int], weights: list[Float32Array] | None = None) -> Float32Array:
        """Reads on: the hidden states of these tokens after the last layer.

        Shape (m, d_model), where the text had to be read anew of all n tokens so far. `weights` is
        given those of each layer, (n_heads, m, n).
        """
        model = self._model
        if not self._turns_as_before(len(self.ids) + len(ids)):
            ids, self.ids = [*self.ids, *ids], []
        start = len(self.ids)
        if start == 0:
            self._layers = [_Kept() for _ in range(model.config.n_layers)]
        self.ids += ids
        every = np.array(self.ids)
        types = np.zeros(len(ids), dtype=np.intp)
        model.check_ids(every[start:], types)
        with np.errstate(over="ignore", invalid="ignore"):
            positions = model.positions(every)[start:]
            rows = model.tensors.embed(every[start:], types, positions)  # (m, d_model)
            for layer in range(model.config.n_layers):
                block = self._block(layer)
                reading = _Reading(block.attention, self._layers[layer], start)
                rows = block.attention_norms.added(rows, reading)
                rows = block.feed_norms.added(rows, block.feed)
                if weights is not None:
                    weights.append(reading.weights)
            return model.tensors.last(rows)  # (m, d_model)

    def _turns_as_before(self, n: int) -> bool:
        """Whether a text of n tokens turns the earlier ones as they were turned."""
        before, decoder = len(self.ids), self._model.config.decoder
        if before == 0 or decoder is None:
            return True
        ropes = {id(rope): rope for rope in decoder.ropes if rope is not None}
        return all(
            np.array_equal(long[before - 1], short[before - 1])
            for rope in ropes.values()
            for long, short in zip(rope.tables(n), rope.tables(before), strict=True)
        )

    def _block(self, layer: int) -> Block:
        """A layer, kept for the next token while half of the memory that was free has room for it."""
        if (kept := self._blocks.get(layer)) is not None:
            return kept
        block = self._model.block(layer)
        alone = block._replace(attention=_alone(block.attention), feed=_feed_alone(block.feed))
        if self._room is None or self._room >= block.size:
            self._blocks[layer] = alone
            self._room = None if self._room is None else self._room - block.size
        return alone


class _Reading:
    """Attention of new rows to all so far; keeps its weights (n_heads, m, n)."""

    weights: Float32Array

    def __init__(self, layer: Attention, kept: _Kept, start: int) -> None:
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
            mask=_seen(len(rows), start, layer.window),
            scale=layer.scale,
            softcap=layer.softcap,
        )
        self.weights = np.asarray(weights, dtype=np.float32)  # (n_heads, m, n)
        return layer.output(np.swapaxes(contextual, 0, 1).reshape(len(rows), -1))


def continued(
    model: TransformerModel, ids: Sequence[int], count: int, ends: frozenset[int]
) -> Continued:
    """What the model writes after these ids: the likeliest token, time after time, `count` at most.

    A token of `ends` ends it and is not among them; of equally likely ones the first is taken.
    Raises: NumericError when logits overflow float32.
    """
    head = model.head
    assert head is not None
    available = available_memory()
    if count > 1 and available is not None and head.numbers * 2 * _BYTES < available:
        head.keep(head.numbers)
    text, written = KeptText(model), list[int]()
    last = text.read(ids)
    while True:
        logits = head.logits(last[-1:])[0]  # (n_vocab,)
        if not np.isfinite(logits).all():
            raise NumericError("the logits of the vocabulary overflow float32")
        likeliest = int(logits.argmax())
        if likeliest in ends:
            return Continued(tuple(written), True)
        written.append(likeliest)
        if len(written) == count:
            return Continued(tuple(written), False)
        last = text.read([likeliest])


def _split(rows: Float32Array, n_heads: int) -> Any:
    """Shapes: (m, n_heads·d_k) → (n_heads, m, d_k)."""
    return np.swapaxes(rows.reshape(len(rows), n_heads, -1), 0, 1)


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


def _alone(layer: Attention) -> Attention:
    return layer._replace(
        query=_RowLinear(*layer.query),
        key=_RowLinear(*layer.key),
        value=_RowLinear(*layer.value),
        output=_RowLinear(*layer.output),
    )


def _feed_alone(feed: Feed) -> Feed:
    gate = None if feed.gate is None else _RowLinear(*feed.gate)
    return feed._replace(inner=_RowLinear(*feed.inner), outer=_RowLinear(*feed.outer), gate=gate)
