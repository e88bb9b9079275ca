"""The forward pass: token ids in, the attention of every layer and head and the hidden states out.

Sentences of any lengths are packed one after the other into matrices of token rows, so that the
linear maps are few large products and nothing is padded to the longest; attention is computed for
all sentences of one length at once, by `attncli.attention.core.attend`. Every pack goes through a
layer before the next layer is read, so that quantized numbers are unpacked once for all sentences.

A sentence's numbers are the same bits whatever it is packed with. Every sentence begins at a
multiple of 12 rows, the rows between are filled and never read, and `attncli.attention.products` makes the
shared products so that no row depends on the others. Where it cannot promise that (several threads,
another BLAS than OpenBLAS), each sentence is computed alone.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import NamedTuple

import numpy as np

from attncli.arrays import BoolArray, Float32Array, IntArray
from attncli.attention.core import attend
from attncli.attention.masks import window_mask
from attncli.attention.products import may_share_rows
from attncli.errors import ShapeError
from attncli.models.ahead import blocks_in_turn
from attncli.models.layers import Attention, Block
from attncli.models.model import TransformerModel
from attncli.models.packing import filled, packs

_WEIGHTS_IN_WORK = 1 << 22  # numbers of the weights that are computed at once, but for one head


class Inputs(NamedTuple):
    """One sentence as the model reads it. Shapes: ids (n,), types (n,)."""

    ids: IntArray
    types: IntArray


class Wanted(NamedTuple):
    """What to keep of a pass.

    `layers` and `heads` are those of which weights and projections are kept, None for all.
    `weights`: their attention weights. `projections`: their queries, keys and values.
    `hidden_states`: the rows before the first layer, and after each up to the highest of `layers`.
    `last`: the rows after the last layer of the model, which its head reads; without it the pass
    ends after the highest of `layers`. Weights and projections of other layers and heads are dropped
    as soon as they are used. `listener` is called with the number of a sentence, a layer and its weights
    (n_heads, n, n), which are not kept: those of the next layer take their place.
    """

    layers: tuple[int, ...] | None = None
    heads: tuple[int, ...] | None = None
    hidden_states: bool = False
    projections: bool = False
    weights: bool = True
    last: bool = False
    listener: Callable[[int, int, Float32Array], None] | None = None


class States(NamedTuple):
    """What one sentence became.

    Shapes, where layers and heads are those that were wanted: weights (n_layers, n_heads, n, n);
    contextual (n, d_model), the rows after the highest of these layers; embeddings (n, d_model),
    those before the first; hidden_states (n_layers + 1, n, d_model); query, key, value (n_layers,
    n_heads, n, d_k); last (n, d_model), the rows after the model's last layer, which its head reads.
    The last five are None unless they are wanted.
    """

    embeddings: Float32Array
    contextual: Float32Array
    weights: Float32Array
    hidden_states: Float32Array | None = None
    query: Float32Array | None = None
    key: Float32Array | None = None
    value: Float32Array | None = None
    last: Float32Array | None = None


class _Group(NamedTuple):
    """Sentences of one length in consecutive rows, with room for what is kept of them.

    `members` are the numbers of the sentences, `n` their tokens, `start` their first row. Shapes:
    weights (b, n_kept, n_heads, n, n), one of n_kept for each layer that is kept, none where no
    weights are; `kept` has query, key and value where they are wanted, (b, n_kept, n_heads, n, d_k).
    `heads` are those that are kept.
    """

    members: list[int]
    n: int
    start: int
    weights: Float32Array
    kept: dict[str, Float32Array]
    heads: tuple[int, ...]

    @property
    def stride(self) -> int:
        """Rows from one sentence to the next."""
        return filled(self.n)

    @property
    def end(self) -> int:
        """The row after the last."""
        return self.start + len(self.members) * self.stride

    def by_head(self, rows: Float32Array, n_heads: int) -> Float32Array:
        """A view of the group's rows by sentence and head.

        Shapes: (n_rows, n_heads·d_k) → (b, n_heads, n, d_k).
        """
        own = rows[self.start : self.end].reshape(len(self.members), self.stride, n_heads, -1)
        return np.swapaxes(own[:, : self.n], 1, 2)

    def sentence(self, rows: Float32Array, number: int) -> Float32Array:
        """The rows of one sentence. Shapes: (n_rows, d_model) → (n, d_model)."""
        start = self.start + number * self.stride
        return rows[start : start + self.n]


def encode(
    model: TransformerModel, sentences: Sequence[Inputs], wanted: Wanted | None = None
) -> list[States]:
    """What each sentence becomes in the model, in the order given.

    Numbers that overflow float32 become inf or NaN in the states of their own sentence alone.
    Raises: ShapeError for a sentence without tokens or longer than the model reads; DataError
    when a tensor that is used holds a number that is not finite, or an id is unknown.
    """
    config, wanted = model.config, wanted or Wanted()
    layers = tuple(range(config.n_layers)) if wanted.layers is None else wanted.layers
    depth = max(layers, default=-1) + 1 if wanted.layers is not None else config.n_layers
    end = config.n_layers if wanted.last else depth
    kept_layers = 0 if not wanted.weights else len(layers) if wanted.listener is None else 1
    with np.errstate(over="ignore", invalid="ignore"):
        packed = [
            _Pack(model, sentences, places, kept_layers, wanted)
            for places in _packs(model, sentences)
        ]
        n_rows = sum(len(pack.rows) for pack in packed)
        with closing(blocks_in_turn(model, end, n_rows)) as blocks:
            for layer in range(end):
                block = next(blocks)
                slots = [slot for slot, chosen in enumerate(layers) if chosen == layer]
                slots = slots if wanted.listener is None else [0 for _ in slots[:1]]
                for pack in packed:
                    pack.rows = _layer(block, pack.rows, pack.groups, slots)  # (n_rows, d_model)
                    if wanted.listener is not None and slots:
                        pack.tell(layer, wanted.listener)
                    if layer == config.n_layers - 1:
                        pack.rows = model.tensors.last(pack.rows)
                    if layer == depth - 1 or (wanted.hidden_states and layer < depth):
                        pack.states.append(pack.rows)
                del block  # before the next one takes memory
    states_of = {at: states for pack in packed for at, states in pack.taken_apart(wanted)}
    return [states_of[at] for at in range(len(sentences))]


class _Pack:
    """Sentences that go through the model in one matrix of rows, and what they have become so far.

    Shapes: rows (n_rows, d_model); states likewise, before the first layer and after those wanted.
    """

    def __init__(
        self,
        model: TransformerModel,
        sentences: Sequence[Inputs],
        places: Sequence[int],
        kept_layers: int,
        wanted: Wanted,
    ) -> None:
        self.groups, n_rows = _grouped(model, sentences, places, kept_layers, wanted)
        self.rows = _embedded(model, sentences, self.groups, n_rows)
        self.states = [self.rows]

    def tell(self, layer: int, listener: Callable[[int, int, Float32Array], None]) -> None:
        """Hands out the weights of a layer, sentence by sentence."""
        for group in self.groups:
            for member, weights in zip(group.members, group.weights, strict=True):
                listener(member, layer, weights[0])

    def taken_apart(self, wanted: Wanted) -> Iterator[tuple[int, States]]:
        """What each sentence became, with its place among all."""
        for group in self.groups:
            for number, member in enumerate(group.members):
                own = [group.sentence(state, number) for state in self.states]
                yield (
                    member,
                    States(
                        embeddings=own[0],
                        contextual=own[-1],
                        weights=group.weights[number],
                        hidden_states=np.stack(own) if wanted.hidden_states else None,
                        last=group.sentence(self.rows, number) if wanted.last else None,
                        **{name: kept[number] for name, kept in group.kept.items()},
                    ),
                )


def _packs(model: TransformerModel, sentences: Sequence[Inputs]) -> list[list[int]]:
    """The places of the sentences that go through the model together. Raises: ShapeError."""
    lengths = [len(sentence.ids) for sentence in sentences]
    for n in lengths:
        if not 0 < n <= model.config.max_tokens:
            raise ShapeError(
                f"a sentence of {n} tokens, expected 1 to {model.config.max_tokens}",
                place=model.place,
            )
    return packs(lengths) if may_share_rows() else [[at] for at in range(len(sentences))]


def _grouped(
    model: TransformerModel,
    sentences: Sequence[Inputs],
    places: Sequence[int],
    kept_layers: int,
    wanted: Wanted,
) -> tuple[list[_Group], int]:
    members: dict[int, list[int]] = {}
    for at in places:
        members.setdefault(len(sentences[at].ids), []).append(at)
    groups, start = [], 0
    heads = tuple(range(model.config.n_heads)) if wanted.heads is None else wanted.heads
    d_k = model.config.d_k
    for n, numbers in sorted(members.items()):
        leading = (len(numbers), kept_layers, len(heads), n)
        weights = np.empty((*leading, n), dtype=np.float32)
        group = _Group(numbers, n, start, weights, {}, heads)
        if wanted.projections:
            for name in ("query", "key", "value"):
                group.kept[name] = np.empty((*leading, d_k), dtype=np.float32)
        groups.append(group)
        start = group.end
    return groups, start


def _embedded(
    model: TransformerModel, sentences: Sequence[Inputs], groups: list[_Group], n_rows: int
) -> Float32Array:
    columns = np.zeros((3, n_rows), dtype=np.intp)  # ids, types, positions
    for group in groups:
        for number, member in enumerate(group.members):
            sentence, start = sentences[member], group.start + number * group.stride
            own = columns[:, start : start + group.n]
            own[:] = sentence.ids, sentence.types, model.positions(sentence.ids)
    ids, types, positions = columns
    model.check_ids(ids, types)
    return model.tensors.embed(ids, types, positions)  # (n_rows, d_model)


def _layer(
    block: Block, rows: Float32Array, groups: list[_Group], slots: list[int]
) -> Float32Array:
    """One layer, kept in these slots of each group. Shapes: rows (n_rows, d_model) → the same."""

    def attended(rows: Float32Array) -> Float32Array:
        return _attended(block.attention, rows, groups, slots)

    rows = block.attention_norms.added(rows, attended)
    return block.feed_norms.added(rows, block.feed)


def _attended(
    layer: Attention, rows: Float32Array, groups: list[_Group], slots: list[int]
) -> Float32Array:
    """Attention of every head, then the output map. Shapes: (n_rows, d_model) → the same."""
    projected = {"query": layer.query(rows), "key": layer.key(rows), "value": layer.value(rows)}
    if layer.query_norm is not None and layer.key_norm is not None:
        projected["query"] = layer.query_norm(projected["query"])
        projected["key"] = layer.key_norm(projected["key"])
    counts = {"query": layer.n_heads, "key": layer.n_kv_heads, "value": layer.n_kv_heads}
    joined = np.zeros_like(projected["query"])  # (n_rows, n_heads·d_k)
    for group in groups:
        heads = {
            name: group.by_head(values, counts[name]) for name, values in projected.items()
        }  # each (b, n_heads or n_kv_heads, n, d_k)
        if layer.rope is not None:
            heads["query"] = layer.rope.turned(heads["query"])
            heads["key"] = layer.rope.turned(heads["key"])
        _attend_by_head(layer, heads, group, group.by_head(joined, layer.n_heads), slots)
        for slot in slots:
            for name, kept in group.kept.items():
                own = [head * counts[name] // layer.n_heads for head in group.heads]
                kept[:, slot] = heads[name][:, own]
    return layer.output(joined)


def _attend_by_head(
    layer: Attention,
    heads: dict[str, Float32Array],
    group: _Group,
    contextual: Float32Array,
    slots: list[int],
) -> None:
    """Attention of a group, a few heads at a time, so that what is not kept is never large.

    Shapes: each of `heads` (b, n_heads or n_kv_heads, n, d_k); fills `contextual`, (b, n_heads, n,
    d_k), and these `slots` of the weights that are kept.
    """
    mask = _mask(layer, group.n)
    at_once = max(_WEIGHTS_IN_WORK // (len(group.members) * group.n**2), 1)
    shared = layer.n_heads // layer.n_kv_heads
    for start in range(0, layer.n_heads, at_once):
        some = range(start, min(start + at_once, layer.n_heads))
        queries = slice(some.start, some.stop)
        keys = queries if shared == 1 else [head // shared for head in some]
        contextual[:, queries], weights = attend(
            heads["query"][:, queries],
            heads["key"][:, keys],
            heads["value"][:, keys],
            mask=mask if mask is None or mask.ndim == 2 else mask[queries],
            causal=layer.causal,
            scale=layer.scale,
            softcap=layer.softcap,
        )
        for slot in slots if group.weights.shape[1] else ():
            if group.heads == tuple(some):
                group.weights[:, slot] = weights
                continue
            for at, head in enumerate(group.heads):
                if head in some:
                    group.weights[:, slot, at] = weights[:, head - start]


def _mask(layer: Attention, n: int) -> BoolArray | Float32Array | None:
    """Which keys are near enough, or what is added to the scores; None when neither is.

    Shape (n, n), or (n_heads, n, n) of what is added.
    """
    if layer.bias is not None:
        return layer.bias(n, n)
    if layer.window is None or layer.window >= n:
        return None
    return window_mask(n, n, layer.window - 1)
