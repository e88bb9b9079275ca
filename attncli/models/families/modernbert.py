"""ModernBERT: an encoder whose positions turn, whose layers see all or a window on both sides.

Norms come before each part and have no bias; the first layer's attention reads the normed vectors
of the words as they are. Query, key and value lie in one matrix, and so do the gate and what it
gates. Source: Warner et al. 2024 (arXiv:2412.13663), section 2.1.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from attncli.arrays import Float32Array, IntArray
from attncli.models.checkpoint import Checkpoint
from attncli.models.config import DecoderConfig, ModelConfig
from attncli.models.family import Family
from attncli.models.keys import ConfigKeys
from attncli.models.layers import Attention, Block, Feed, LayerNorms, Linear, Norm
from attncli.models.rope import Reach, Rope, expect_rounded_ends, read_rope
from attncli.models.rotary_decoder import FULL, SLIDING, layer_types
from attncli.models.stored import StoredTensors
from attncli.models.word_head import MaskedNames, WordHead, masked_head

MODEL_TYPES = {"modernbert": "modernbert"}
LANDMARK = "embeddings.tok_embeddings.weight"
_FIRST_NORM, _LAST_NORM = "embeddings.norm", "final_norm"
_HEAD = MaskedNames("head.dense", "head.norm", "decoder.weight", ("decoder.bias",))
# What says whether a bias of the head is there, what is taken where it does not, and the bias.
_HEAD_BIASES = (
    ("classifier_bias", False, "head.dense.bias"),
    ("norm_bias", False, "head.norm.bias"),
    ("decoder_bias", True, "decoder.bias"),
)
_BASES = {FULL: ("global_rope_theta", 160_000.0), SLIDING: ("local_rope_theta", 10_000.0)}


def read_modernbert(model_type: str, keys: ConfigKeys) -> ModelConfig:
    """The configuration of a ModernBERT. Raises: DataError."""
    count = keys.size("num_hidden_layers", default=22)
    every = keys.size("global_attn_every_n_layers", default=3)
    usual = [SLIDING if layer % every else FULL for layer in range(count)]
    kinds = layer_types(keys, count) or usual
    n_heads = keys.size("num_attention_heads", default=12)
    d_model = keys.size("hidden_size", default=768)
    if d_model % n_heads:
        raise keys.fault(
            f"num_attention_heads is {n_heads}, which does not divide the width {d_model} evenly"
        )
    n_positions = keys.size("max_position_embeddings", default=8192)
    if (d_k := keys.size("head_dim", default=d_model // n_heads)) != d_model // n_heads:
        raise keys.fault(f"head_dim is {d_k}, expected {d_model // n_heads}, hidden_size ÷ heads")
    side = keys.size(
        "sliding_window", default=keys.size("local_attention", default=128) // 2, least=0
    )
    by_kind = _ropes(keys, d_model // n_heads, Reach(n_positions))
    bias = keys.flag("attention_bias", default=False)
    return ModelConfig(
        model_type=model_type,
        family="modernbert",
        n_layers=count,
        n_heads=n_heads,
        d_model=d_model,
        d_inner=keys.size("intermediate_size", default=1152),
        n_vocab=keys.size("vocab_size", default=50_368),
        n_positions=n_positions,
        n_types=0,
        activation=keys.activation("hidden_activation", "gelu"),
        epsilon=keys.epsilon("norm_eps", 1e-5),
        causal=False,
        norms="before",
        positions="rope",
        decoder=DecoderConfig(
            windows=tuple(side + 1 if kind == SLIDING else None for kind in kinds),
            ropes=tuple(by_kind[kind] for kind in kinds),
            attention_bias=bias,
            output_bias=bias,
            feed_bias=keys.flag("mlp_bias", default=False),
            norm_bias=keys.flag("norm_bias", default=False),
            joined=True,
            head_activation=keys.activation("classifier_activation", "gelu"),
            head_unused=tuple(
                bias for name, usual, bias in _HEAD_BIASES if not keys.flag(name, default=usual)
            ),
        ),
    )


def _ropes(keys: ConfigKeys, n_turned: int, reach: Reach) -> dict[str, Rope]:
    """The rope of each kind of layer: of rope_parameters, or of the two bases of older files."""
    parameters = keys.within("rope_parameters") or ConfigKeys({}, keys.place, keys.part)
    if parameters.given and not any(kind in parameters.given for kind in _BASES):
        raise keys.fault(f"rope_parameters has none of {', '.join(_BASES)}, expected them")
    scaling = keys.within("rope_scaling")
    ropes: dict[str, Rope] = {}
    for kind, (name, usual) in _BASES.items():
        inner = parameters.within(kind)
        given = {} if inner is None else dict(inner.given)
        given |= {} if scaling is None else scaling.given
        own = ConfigKeys(given, keys.place, f"{parameters.part}{kind}.")
        expect_rounded_ends(parameters, own)
        ropes[kind] = read_rope(own, n_turned, keys.number(name, default=usual), reach)
    return ropes


class ModernBertTensors(StoredTensors):
    """The tensors of a ModernBERT checkpoint."""

    def __init__(self, checkpoint: Checkpoint, config: ModelConfig) -> None:
        assert config.decoder is not None
        self._choices = config.decoder
        super().__init__(checkpoint, config, landmark=LANDMARK, layers="layers.")

    def embed(self, ids: IntArray, types: IntArray, positions: IntArray) -> Float32Array:
        """The words' vectors, normed. Shape (n_rows, d_model)."""
        del types, positions  # positions turn queries and keys instead
        return self._norm(_FIRST_NORM)(self.words(ids))

    def block(self, layer: int) -> Block:
        at = f"{self.layers}{layer}."
        return Block(
            self._attention(f"{at}attn.", layer),
            self._feed(f"{at}mlp."),
            LayerNorms(before=self._norm(f"{at}attn_norm") if layer else None),
            LayerNorms(before=self._norm(f"{at}mlp_norm")),
        )

    def last(self, rows: Float32Array) -> Float32Array:
        """The norm after the last layer. Shapes: (n_rows, d_model) → the same."""
        return self._norm(_LAST_NORM)(rows)

    def head(self) -> WordHead | None:
        """The head that fills masked places, None where there is none.

        A classifier has a part of the same name, but no decoder.
        """
        stored = any(self._checkpoint.find(f"decoder.{part}") for part in ("weight", "bias"))
        if not stored and "ModernBertForMaskedLM" not in self._config.architectures:
            return None
        words, choices = self.prefix + LANDMARK, self._choices
        return masked_head(
            self._checkpoint,
            self._config,
            words,
            _HEAD,
            choices.head_activation,
            choices.head_unused,
        )

    def _attention(self, at: str, layer: int) -> Attention:
        config, choices = self._config, self._choices
        query, key, value = self._parts(f"{at}Wqkv", 3, choices.attention_bias)
        return Attention(
            query=query,
            key=key,
            value=value,
            output=self._parts(f"{at}Wo", 1, choices.output_bias)[0],
            n_heads=config.n_heads,
            n_kv_heads=config.n_heads,
            scale=config.scale(layer),
            causal=False,
            window=choices.windows[layer],
            rope=choices.ropes[layer],
        )

    def _feed(self, at: str) -> Feed:
        bias = self._choices.feed_bias
        gate, inner = self._parts(f"{at}Wi", 2, bias)
        return Feed(inner, self._parts(f"{at}Wo", 1, bias)[0], self._config.activation, gate)

    def _parts(self, name: str, count: int, has_bias: bool) -> list[Linear]:
        """The linear maps of equal widths that lie in one matrix, one below the other."""
        weight, bias = self._linear(name, has_bias)  # (d_in, all)
        ends = np.linspace(0, weight.shape[1], count + 1, dtype=np.intp)
        return [
            Linear(weight[:, start:end], None if bias is None else bias[start:end])
            for start, end in pairwise(ends)
        ]

    def _norm(self, name: str, bias: bool = True) -> Norm:
        return super()._norm(name, self._choices.norm_bias)

    def _expected(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        config, choices = self._config, self._choices
        d, inner = config.d_model, config.d_inner
        yield LANDMARK, (config.n_vocab, d)
        for name in (_FIRST_NORM, _LAST_NORM):
            yield from _shapes(name, (d,), choices.norm_bias)
        for layer in range(config.n_layers):
            at = f"{self.layers}{layer}."
            for name in ("attn_norm", "mlp_norm") if layer else ("mlp_norm",):
                yield from _shapes(f"{at}{name}", (d,), choices.norm_bias)
            yield from _shapes(f"{at}attn.Wqkv", (3 * d, d), choices.attention_bias)
            yield from _shapes(f"{at}attn.Wo", (d, d), choices.output_bias)
            yield from _shapes(f"{at}mlp.Wi", (2 * inner, d), choices.feed_bias)
            yield from _shapes(f"{at}mlp.Wo", (d, inner), choices.feed_bias)


def _shapes(
    name: str, weight: tuple[int, ...], has_bias: bool
) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield f"{name}.weight", weight
    if has_bias:
        yield f"{name}.bias", weight[:1]


FAMILY = Family(MODEL_TYPES, read_modernbert, ModernBertTensors, tied=True)
