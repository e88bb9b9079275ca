"""Decoders with rotary positions, as Hugging Face stores them: Llama and what came after it.

Each family (see `families`) says in a `DecoderConfig` where it norms, how far each layer sees, how
its queries turn. A linear map is stored output × input, so it is read transposed.
Source: Touvron et al. 2023 (arXiv:2302.13971), section 2.2.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from attncli.arrays import Float32Array, IntArray
from attncli.models.checkpoint import Checkpoint
from attncli.models.config import DecoderConfig, ModelConfig
from attncli.models.keys import ConfigKeys
from attncli.models.layers import Attention, Block, Feed, LayerNorms, Linear, Map, RMSNorm
from attncli.models.rope import Reach, Rope, read_rope
from attncli.models.stored import StoredTensors
from attncli.models.word_head import WordHead, linear_head

LANDMARK = "embed_tokens.weight"
FULL, SLIDING = "full_attention", "sliding_attention"

# Where the norms of a layer are, by the names that files give them: what attention reads, what it
# gives, what the feed-forward part reads, what it gives.
_NORMS = {
    "before": ("input_layernorm", None, "post_attention_layernorm", None),
    "after": (None, "post_attention_layernorm", None, "post_feedforward_layernorm"),
    "around": (
        "input_layernorm",
        "post_attention_layernorm",
        "pre_feedforward_layernorm",
        "post_feedforward_layernorm",
    ),
}


class UsualSizes(NamedTuple):
    """What a family takes where config.json does not say it; `n_kv_heads` None is n_heads."""

    n_layers: int = 32
    n_heads: int = 32
    n_kv_heads: int | None = None
    d_model: int = 4096
    d_inner: int = 11008
    n_vocab: int = 32000
    n_positions: int = 2048
    head_size: int | None = None
    epsilon: float = 1e-6
    activation: str = "silu"
    activation_key: str = "hidden_act"


def read_decoder(
    model_type: str,
    family: str,
    keys: ConfigKeys,
    decoder: DecoderConfig,
    sizes: UsualSizes,
    *,
    score_scale: float | None = None,
    causal: bool = True,
) -> ModelConfig:
    """The configuration of a decoder: sizes from its keys, choices from its family.

    `causal` is what the family says; is_causal, which any may have, lets tokens see later ones too, and
    as many of them as a window has before. Raises: DataError for values that are out of range or do
    not fit together.
    """
    if not keys.flag("is_causal", default=True):
        if not causal:
            raise keys.fault("is_causal is false beside use_bidirectional_attention, expected one")
        causal, seen = False, (None if one is None else one + 1 for one in decoder.windows)
        decoder = decoder._replace(windows=tuple(seen))
    n_heads = keys.size("num_attention_heads", default=sizes.n_heads)
    is_null = "num_key_value_heads" in keys.given  # which is no default of a family, but n_heads
    shared = keys.size(
        "num_key_value_heads", default=n_heads if is_null else sizes.n_kv_heads or n_heads
    )
    if n_heads % shared:
        raise keys.fault(
            f"num_key_value_heads is {shared}, which {n_heads} heads cannot share evenly"
        )
    return ModelConfig(
        model_type=model_type,
        family=family,
        n_layers=keys.size("num_hidden_layers", default=sizes.n_layers),
        n_heads=n_heads,
        d_model=keys.size("hidden_size", default=sizes.d_model),
        d_inner=keys.size("intermediate_size", default=sizes.d_inner),
        n_vocab=keys.size("vocab_size", default=sizes.n_vocab),
        n_positions=keys.size("max_position_embeddings", default=sizes.n_positions),
        n_types=0,
        activation=keys.activation(sizes.activation_key, sizes.activation),
        epsilon=keys.epsilon("rms_norm_eps", sizes.epsilon),
        causal=causal,
        score_scale=score_scale,
        norms=decoder.norms,
        head_size=head_size(keys, sizes),
        n_kv_heads=shared,
        decoder=decoder,
        positions="rope",
    )


def head_size(keys: ConfigKeys, sizes: UsualSizes) -> int:
    """The width of a head: head_dim, else that of the family, else hidden_size over the heads.

    Raises: DataError when the heads do not divide the width evenly.
    """
    width = keys.size("hidden_size", default=sizes.d_model)
    n_heads = keys.size("num_attention_heads", default=sizes.n_heads)
    own = keys.optional_size("head_dim") or (None if "head_dim" in keys.given else sizes.head_size)
    if own is None and width % n_heads:
        raise keys.fault(
            f"num_attention_heads is {n_heads}, which does not divide the width {width} evenly"
        )
    return own or width // n_heads


def n_layers_of(keys: ConfigKeys, sizes: UsualSizes) -> int:
    """How many layers there are."""
    return keys.size("num_hidden_layers", default=sizes.n_layers)


def layer_types(keys: ConfigKeys, count: int) -> list[str] | None:
    """What layer_types says of each layer: full_attention or sliding_attention; None without it.

    Raises: DataError for other kinds.
    """
    kinds = keys.listed("layer_types", count)
    if kinds is None:
        return None
    for kind in kinds[:count]:
        if kind not in (FULL, SLIDING):
            raise keys.fault(
                f"layer_types has {str(kind)[:40]!a}, expected {FULL} and {SLIDING} alone"
            )
    return kinds[:count]


def windows(keys: ConfigKeys, kinds: list[str], window: int | None) -> tuple[int | None, ...]:
    """How far each layer sees. Raises: DataError when sliding layers have no window."""
    if window is None and SLIDING in kinds:
        raise keys.fault(f"layer_types has {SLIDING}, but sliding_window is null")
    return tuple(window if kind == SLIDING else None for kind in kinds)


def ropes(
    keys: ConfigKeys,
    kinds: list[str],
    sizes: UsualSizes,
    theta: float = 10_000.0,
    *,
    n_turned: int | None = None,
    first: int | None = None,
) -> tuple[Rope, ...]:
    """The rope of each layer: rope_scaling, or rope_parameters, the same of all kinds of layers.

    `theta` is the base where nothing says another. Raises: DataError.
    """
    base = keys.number("rope_theta", default=theta)
    inner = keys.within("rope_scaling")
    if inner is None or not inner.given:
        inner = keys.within("rope_parameters")
    n_turned = head_size(keys, sizes) if n_turned is None else n_turned
    reach = Reach(
        keys.size("max_position_embeddings", default=sizes.n_positions),
        first or keys.optional_size("original_max_position_embeddings"),
    )
    none = ConfigKeys({}, keys.place, keys.part)
    share = {"partial_rotary_factor": keys.optional_number("partial_rotary_factor")}

    def rope(kind: str) -> Rope:
        parameters = inner or none
        for part in (FULL, SLIDING):
            if part in parameters.given:
                raise parameters.fault(f"{part} has a rope of its own, expected one of all layers")
        own = ConfigKeys({**share, **parameters.given}, keys.place, parameters.part)
        return read_rope(own, n_turned, base, reach)

    by_kind = {kind: rope(kind) for kind in set(kinds)}
    return tuple(by_kind[kind] for kind in kinds)


class DecoderTensors(StoredTensors):
    """The tensors of a decoder's checkpoint."""

    norm = "RMS norm"

    def __init__(self, checkpoint: Checkpoint, config: ModelConfig) -> None:
        assert config.decoder is not None
        self._decoder = config.decoder
        super().__init__(checkpoint, config, landmark=LANDMARK, layers="layers.")

    def embed(self, ids: IntArray, types: IntArray, positions: IntArray) -> Float32Array:
        """The words' vectors, by a factor in some families. Shape (n_rows, d_model)."""
        del types, positions  # positions turn queries and keys instead
        rows = self.words(ids)
        scale = self._decoder.embed_scale
        return rows if scale == 1.0 else rows * np.float32(scale)

    def block(self, layer: int) -> Block:
        at = f"{self.layers}{layer}."
        norms = [None if name is None else self._rms_norm(at + name) for name in self._norm_names()]
        return Block(
            self._attention(at, layer),
            self._feed(at),
            LayerNorms(before=norms[0], after=norms[1]),
            LayerNorms(before=norms[2], after=norms[3]),
        )

    def last(self, rows: Float32Array) -> Float32Array:
        """The norm after the last layer. Shapes: (n_rows, d_model) → the same."""
        return self._rms_norm("norm")(rows)

    def head(self) -> WordHead | None:
        """The head over the vocabulary, None in the base of a model that was saved alone."""
        return linear_head(self._checkpoint, self._config, self.prefix + LANDMARK)

    def _attention(self, at: str, layer: int) -> Attention:
        config, decoder = self._config, self._decoder
        bias, at = decoder.attention_bias, f"{at}self_attn."
        if decoder.joined:
            query, key, value = self._parts(f"{at}qkv_proj", self._widths())
        else:
            query, key, value = (self._linear(f"{at}{name}_proj", bias) for name in "qkv")
        query_norm, key_norm = (
            None if decoder.query_norm == "none" else self._rms_norm(f"{at}{name}_norm")
            for name in "qk"
        )
        return Attention(
            query=query,
            key=key,
            value=value,
            output=self._linear(f"{at}o_proj", decoder.output_bias),
            n_heads=config.n_heads,
            n_kv_heads=config.n_kv_heads,
            scale=config.scale(layer),
            causal=config.causal,
            window=decoder.windows[layer],
            softcap=decoder.softcap,
            rope=decoder.ropes[layer],
            query_norm=query_norm,
            key_norm=key_norm,
        )

    def _feed(self, at: str) -> Feed:
        bias, at = self._decoder.feed_bias, f"{at}mlp."
        if self._decoder.joined:
            gate, inner = self._parts(f"{at}gate_up_proj", [self._config.d_inner] * 2)
        else:
            gate, inner = (self._linear(f"{at}{name}_proj", bias) for name in ("gate", "up"))
        return Feed(inner, self._linear(f"{at}down_proj", bias), self._config.activation, gate)

    def _parts(self, name: str, widths: list[int]) -> list[Linear]:
        """The linear maps that lie in one matrix, one below the other."""
        weight = self._linear(name, bias=False).weight  # (d_in, all)
        ends = np.cumsum([0, *widths])
        return [Linear(weight[:, a:b]) for a, b in pairwise(ends)]

    def _rms_norm(self, name: str) -> Map:
        weight = self._read(f"{name}.weight")
        if self._decoder.norm_offset:
            weight = weight + np.float32(self._decoder.norm_offset)
        return RMSNorm(weight, self._config.epsilon)

    def _norm_names(self) -> tuple[str | None, ...]:
        return _NORMS[self._decoder.norms]

    def _widths(self) -> list[int]:
        """How many numbers query, key and value have, all heads together."""
        shared = self._config.n_kv_heads * self._config.d_k
        return [self._config.n_heads * self._config.d_k, shared, shared]

    def _expected(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        d = self._config.d_model
        yield LANDMARK, (self._config.n_vocab, d)
        yield "norm.weight", (d,)
        for layer in range(self._config.n_layers):
            for name, shape in self._layer_shapes():
                yield f"{self.layers}{layer}.{name}", shape

    def _layer_shapes(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        config, decoder = self._config, self._decoder
        d, inner, widths = config.d_model, config.d_inner, self._widths()
        for name in filter(None, self._norm_names()):
            yield f"{name}.weight", (d,)
        if decoder.joined:
            yield "self_attn.qkv_proj.weight", (sum(widths), d)
            yield "mlp.gate_up_proj.weight", (2 * inner, d)
        else:
            for name, width in zip("qkv", widths, strict=True):
                yield from _linear_shapes(
                    f"self_attn.{name}_proj", width, d, decoder.attention_bias
                )
            for name in ("gate", "up"):
                yield from _linear_shapes(f"mlp.{name}_proj", inner, d, decoder.feed_bias)
        yield from _linear_shapes("self_attn.o_proj", d, widths[0], decoder.output_bias)
        yield from _linear_shapes("mlp.down_proj", d, inner, decoder.feed_bias)
        for name, width in zip("qk", widths, strict=False):
            if decoder.query_norm != "none":
                each = config.d_k if decoder.query_norm == "head" else width
                yield f"self_attn.{name}_norm.weight", (each,)


def _linear_shapes(
    name: str, d_out: int, d_in: int, bias: bool
) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", (d_out, d_in)
    if bias:
        yield f"{name}.bias", (d_out,)
