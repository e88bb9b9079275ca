"""BART and Marian: an encoder and a decoder that norm what each part gives back, with biases everywhere.

BART learned its positions, from row 2 of their table, and norms the vectors of the words; Marian's
positions are sines in the first half and cosines in the second, and it norms nothing before the
first layer. A table of positions that a file of Marian has is used in their place. Sources: Lewis
et al. 2020 (arXiv:1910.13461), section 2.1; Junczys-Dowmunt et al. 2018 (arXiv:1804.00344); the
positions, Vaswani et al. 2017 (arXiv:1706.03762), section 3.5.
"""

import math
from collections.abc import Iterator
from functools import cached_property, partial

import numpy as np

from attncli.arrays import Float32Array, IntArray
from attncli.models.checkpoint import Checkpoint
from attncli.models.config import ModelConfig, SidesConfig
from attncli.models.family import Family
from attncli.models.keys import ConfigKeys
from attncli.models.layers import Attention, Block, CrossPart, Feed, LayerNorms
from attncli.models.stored import StoredSide

MODEL_TYPES = {"bart": "bart", "marian": "marian"}
_LANDMARK = "encoder.layers.0.self_attn.q_proj.weight"
_SHARED, _POSITIONS, _FIRST_NORM = (
    "shared.weight",
    "embed_positions.weight",
    "layernorm_embedding",
)
_EPSILON = 1e-5
_FIRST_ROW = 2  # of BART's table of positions


def read_bart(model_type: str, keys: ConfigKeys) -> ModelConfig:
    """The configuration of a BART or Marian. Raises: DataError."""
    if not keys.flag("is_causal", default=True):
        raise keys.fault("is_causal is false, expected a decoder that sees earlier tokens alone")
    is_marian = model_type == "marian"
    d_model = keys.size("d_model", "hidden_size", default=1024)
    n_vocab = keys.size("vocab_size", default=58_101 if is_marian else 50_265)
    offset = 0 if is_marian else _FIRST_ROW
    n_heads = keys.size("decoder_attention_heads", default=16)
    if d_model % n_heads:
        raise keys.fault(
            f"decoder_attention_heads is {n_heads}, which does not divide the width {d_model} evenly"
        )
    return ModelConfig(
        model_type=model_type,
        family=model_type,
        n_layers=keys.size("encoder_layers", "num_hidden_layers", default=12),
        n_heads=keys.size("encoder_attention_heads", "num_attention_heads", default=16),
        d_model=d_model,
        d_inner=keys.size("encoder_ffn_dim", default=4096),
        n_vocab=n_vocab,
        n_positions=keys.size("max_position_embeddings", default=1024) + offset,
        n_types=0,
        activation=keys.activation("activation_function", "gelu"),
        epsilon=_EPSILON,
        causal=False,
        position_offset=offset,
        positions="sinusoidal" if is_marian else "learned",
        sides=SidesConfig(
            n_layers=keys.size("decoder_layers", default=12),
            n_heads=n_heads,
            d_inner=keys.size("decoder_ffn_dim", default=4096),
            n_vocab=_n_target_vocab(keys, n_vocab) if is_marian else n_vocab,
            start=keys.size(
                "decoder_start_token_id", default=n_vocab - 1 if is_marian else 2, least=0
            ),
            embed_scale=math.sqrt(d_model) if keys.flag("scale_embedding", default=False) else 1.0,
        ),
    )


def _n_target_vocab(keys: ConfigKeys, n_vocab: int) -> int:
    """How many words the decoder of a Marian has: those of the encoder where both share a matrix."""
    shares = keys.flag("share_encoder_decoder_embeddings", default=True)
    tied = keys.flag("tie_word_embeddings", default=True)
    return n_vocab if shares and tied else keys.size("decoder_vocab_size", default=n_vocab)


class _Side(StoredSide):
    """One side of a BART or Marian."""

    def __init__(self, checkpoint: Checkpoint, config: ModelConfig, name: str) -> None:
        words = (f"{name}.embed_tokens.weight", _SHARED)
        layers = f"{name}.layers."
        super().__init__(checkpoint, config, name, landmark=_LANDMARK, layers=layers, words=words)

    def embed(self, ids: IntArray, types: IntArray, positions: IntArray) -> Float32Array:
        """Word and position vectors added, and normed in BART. Shape (n_rows, d_model)."""
        del types  # neither knows segments
        rows = self.words(ids) * np.float32(self._sides.embed_scale) + self._places(positions)
        return self._norm(self._side + _FIRST_NORM)(rows) if self._is_bart else rows

    def block(self, layer: int) -> Block:
        at = f"{self.layers}{layer}."
        cross = None
        if self._reads_other:
            other = self._attention(f"{at}encoder_attn.", causal=False)
            cross = CrossPart(other, LayerNorms(sum=self._norm(f"{at}encoder_attn_layer_norm")))
        inner, outer = (self._linear(f"{at}{name}") for name in ("fc1", "fc2"))
        return Block(
            self._attention(f"{at}self_attn.", causal=self._config.causal),
            Feed(inner, outer, self._config.activation),
            LayerNorms(sum=self._norm(f"{at}self_attn_layer_norm")),
            LayerNorms(sum=self._norm(f"{at}final_layer_norm")),
            cross,
        )

    @property
    def _is_bart(self) -> bool:
        return self._config.family == "bart"

    def _places(self, positions: IntArray) -> Float32Array:
        """The vectors of places. Shapes: (n_rows,) → (n_rows, d_model)."""
        if self._is_bart:
            return self._read(self._side + _POSITIONS)[positions + _FIRST_ROW]
        if self._has_table:
            return self._read(self._side + _POSITIONS)[positions]
        return self._waves[positions]

    @property
    def _has_table(self) -> bool:
        """Whether the positions are stored: always in BART, in some files of Marian."""
        return self._is_bart or self._checkpoint.has(self.prefix + self._side + _POSITIONS)

    @cached_property
    def _waves(self) -> Float32Array:
        """The positions of Marian. Shape (n_positions, d_model)."""
        d = self._config.d_model
        speeds = 10_000.0 ** -(2 * (np.arange(d) // 2) / d)  # (d_model,)
        angles = np.arange(self._config.n_positions)[:, None] * speeds
        waves = np.concatenate([np.sin(angles[:, ::2]), np.cos(angles[:, 1::2])], axis=1)
        return waves.astype(np.float32)

    def _attention(self, at: str, *, causal: bool) -> Attention:
        config = self._config
        query, key, value, output = (
            self._linear(f"{at}{name}_proj") for name in ("q", "k", "v", "out")
        )
        n_heads = config.n_heads
        return Attention(query, key, value, output, n_heads, n_heads, config.scale(0), causal)

    def _expected(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        config = self._config
        yield self._words, (config.n_vocab, config.d_model)
        if self._has_table:
            yield self._side + _POSITIONS, (config.n_positions, config.d_model)
        if self._is_bart:
            for part in ("weight", "bias"):
                yield f"{self._side}{_FIRST_NORM}.{part}", (config.d_model,)
        for layer in range(config.n_layers):
            for name, weight in self._layer_shapes():
                yield f"{self.layers}{layer}.{name}.weight", weight
                yield f"{self.layers}{layer}.{name}.bias", weight[:1]

    def _layer_shapes(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        d, inner = self._config.d_model, self._config.d_inner
        for part in ("self_attn", *(["encoder_attn"] if self._reads_other else [])):
            for name in ("q", "k", "v", "out"):
                yield f"{part}.{name}_proj", (d, d)
            yield f"{part}_layer_norm", (d,)
        yield "fc1", (inner, d)
        yield "fc2", (d, inner)
        yield "final_layer_norm", (d,)


FAMILY = Family(
    MODEL_TYPES,
    read_bart,
    partial(_Side, name="encoder"),
    tied=True,
    decoder=partial(_Side, name="decoder"),
)
