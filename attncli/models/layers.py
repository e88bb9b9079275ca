"""The parts of a transformer layer: linear maps, norms, activations, and what joins them.

Everything is float32, works on rows of tokens, and may overwrite its input where it says so.
"""

from typing import NamedTuple, Protocol

import numpy as np

from attncli.arrays import Float32Array
from attncli.attention.products import shared_product
from attncli.models.activations import activate
from attncli.models.relative import RelativeBias
from attncli.models.rope import Rope


class Map(Protocol):
    """What makes other rows of rows of tokens. Shapes: (n_rows, d_in) → (n_rows, d_out)."""

    def __call__(self, rows: Float32Array) -> Float32Array:
        """The other rows."""


class Linear(NamedTuple):
    """x·weight + bias. Shapes: weight (d_in, d_out), bias (d_out,) or None."""

    weight: Float32Array
    bias: Float32Array | None = None

    def __call__(self, rows: Float32Array) -> Float32Array:
        """Shapes: (n_rows, d_in), of packed sentences (see `forward`) → (n_rows, d_out)."""
        out = shared_product(rows, self.weight)  # (n_rows, d_out)
        if self.bias is not None:
            out += self.bias
        return np.asarray(out)


class Norm(NamedTuple):
    """Layer norm: each row centered, divided by its deviation, scaled, and shifted by a bias if any.

    Source: Ba et al. 2016 (arXiv:1607.06450), equation 4.
    """

    weight: Float32Array
    bias: Float32Array | None
    epsilon: float

    def __call__(self, rows: Float32Array) -> Float32Array:
        """Shapes: (n_rows, d) → (n_rows, d)."""
        centered = rows - rows.mean(axis=-1, keepdims=True)  # (n_rows, d)
        # numpy sums a row pairwise, ten times more exact here than one running sum
        variance = np.square(centered).mean(axis=-1, keepdims=True)  # (n_rows, 1)
        centered /= np.sqrt(variance + np.float32(self.epsilon))
        centered *= self.weight
        if self.bias is not None:
            centered += self.bias
        return np.asarray(centered)


class RMSNorm(NamedTuple):
    """Each row divided by the root of its mean square, and scaled.

    Source: Zhang and Sennrich 2019 (arXiv:1910.07467), equation 4.
    """

    weight: Float32Array
    epsilon: float

    def __call__(self, rows: Float32Array) -> Float32Array:
        """Shapes: (…, d) → (…, d), or (…, n·d) → the same, where each d numbers are a row."""
        parts = rows.reshape(*rows.shape[:-1], -1, self.weight.size)
        mean = np.square(parts).mean(axis=-1, keepdims=True)
        return np.asarray(parts / np.sqrt(mean + np.float32(self.epsilon)) * self.weight).reshape(
            rows.shape
        )


class LayerNorms(NamedTuple):
    """Where a part of a layer is normed: what it reads, what it gives, the sum of both.

    BERT norms the sum, GPT-2 and Llama what a part reads, OLMo 2 what it gives, Gemma both.
    """

    before: Map | None = None
    after: Map | None = None
    sum: Map | None = None

    def added(self, rows: Float32Array, part: Map) -> Float32Array:
        """rows + part(rows), with the norms. Shapes: (n_rows, d_model) → the same."""
        out = part(rows if self.before is None else self.before(rows))
        if self.after is not None:
            out = self.after(out)
        out += rows
        return out if self.sum is None else self.sum(out)


class Attention(NamedTuple):
    """The matrices of a layer's attention, and how its scores are made.

    Shapes: query d_model → n_heads·d_k; key, value d_model → n_kv_heads·d_k; output back. Query head
    h reads the key and value head h // (n_heads / n_kv_heads). `window` None: no limit; else a token
    sees itself and window − 1 before it (on each side, where it is not causal). `rope` None: queries
    and keys are not turned; `bias` None: nothing is added to the scores.
    """

    query: Linear
    key: Linear
    value: Linear
    output: Linear
    n_heads: int
    n_kv_heads: int
    scale: float
    causal: bool
    window: int | None = None
    softcap: float | None = None
    rope: Rope | None = None
    query_norm: Map | None = None
    key_norm: Map | None = None
    bias: RelativeBias | None = None

    @property
    def size(self) -> int:
        """How many numbers the matrices hold."""
        return sum(part.weight.size for part in (self.query, self.key, self.value, self.output))


class Feed(NamedTuple):
    """outer(f(inner(x))), or with a gate outer(f(gate(x)) ∘ inner(x)); f is the activation.

    Source of the gate: Shazeer 2020 (arXiv:2002.05202), equation 6.
    """

    inner: Linear
    outer: Linear
    activation: str
    gate: Linear | None = None

    def __call__(self, rows: Float32Array) -> Float32Array:
        """Shapes: (n_rows, d_model) → the same."""
        if self.gate is None:
            return self.outer(activate(self.inner(rows), self.activation))
        hidden = activate(self.gate(rows), self.activation)
        hidden *= self.inner(rows)
        return self.outer(hidden)


class CrossPart(NamedTuple):
    """The part of a decoder's layer that reads the encoder: its matrices and its norms."""

    attention: Attention
    norms: LayerNorms


class Block(NamedTuple):
    """One layer: attention, then the feed-forward part, each added to what it reads.

    A decoder that follows an encoder has `cross` between them.
    """

    attention: Attention
    feed: Feed
    attention_norms: LayerNorms
    feed_norms: LayerNorms
    cross: CrossPart | None = None

    @property
    def size(self) -> int:
        """How many numbers the matrices hold."""
        feed = (self.feed.inner, self.feed.outer, self.feed.gate)
        own = self.attention.size + sum(part.weight.size for part in feed if part is not None)
        return own + (0 if self.cross is None else self.cross.attention.size)
