"""T5, FLAN-T5, mT5 and UMT5: an encoder and a decoder whose scores have a bias of the distance.

Norms come before each part and only scale; no map has a bias, scores are not divided. The bias is
stored in the first layer of each side and serves all of them, but in UMT5 each layer has its own;
what the decoder reads of the encoder has none. Sources: Raffel et al. 2020 (arXiv:1910.10683),
section 2.1; gates and heads of other widths are those of T5 1.1, Shazeer 2020 (arXiv:2002.05202);
UMT5: Chung et al. 2023 (arXiv:2304.09151).
"""

from collections.abc import Iterator
from functools import partial

from attncli.arrays import Float32Array, IntArray
from attncli.errors.wording import quoted
from attncli.models.checkpoint import Checkpoint
from attncli.models.config import ModelConfig, SidesConfig
from attncli.models.family import Family
from attncli.models.keys import ConfigKeys
from attncli.models.layers import Attention, Block, CrossPart, Feed, LayerNorms, Linear, RMSNorm
from attncli.models.relative import RelativeBias
from attncli.models.stored import StoredSide

MODEL_TYPES = {"t5": "t5", "mt5": "t5", "umt5": "t5"}
_FIRST = "block.0.layer.0.SelfAttention"
_BIAS = "layer.0.SelfAttention.relative_attention_bias.weight"
_MAX_POSITIONS = 512  # what the published ones were trained with


def read_t5(model_type: str, keys: ConfigKeys) -> ModelConfig:
    """The configuration of a T5. Raises: DataError."""
    is_multilingual = model_type != "t5"
    activation, gated = _activation(keys, "gated-gelu" if is_multilingual else "relu")
    n_buckets, max_distance = _distances(keys)
    n_layers = keys.size("num_layers", "num_hidden_layers", default=8 if is_multilingual else 6)
    has_decoder = keys.flag("is_encoder_decoder", default=True)  # an encoder is saved alone too
    if not has_decoder and _generates(keys):
        raise keys.fault(
            "is_encoder_decoder is false beside architectures of a class with a decoder, expected true"
        )
    if not keys.flag("is_causal", default=True):
        raise keys.fault("is_causal is false, expected a decoder that sees earlier tokens alone")
    d_model = keys.size("d_model", "hidden_size", default=512)
    n_heads = keys.size("num_heads", "num_attention_heads", default=6 if is_multilingual else 8)
    d_inner = keys.size("d_ff", default=1024 if is_multilingual else 2048)
    n_vocab = keys.size("vocab_size", default=250_112 if is_multilingual else 32_128)
    pad = keys.size("pad_token_id", default=0, least=0)
    return ModelConfig(
        model_type=model_type,
        family="t5",
        n_layers=n_layers,
        n_heads=n_heads,
        d_model=d_model,
        d_inner=d_inner,
        n_vocab=n_vocab,
        n_positions=keys.size("n_positions", default=_MAX_POSITIONS),
        n_types=0,
        activation=activation,
        epsilon=keys.epsilon("layer_norm_epsilon", 1e-6),
        causal=False,
        score_scale=1.0,
        norms="before",
        head_size=keys.size("d_kv", "head_dim", default=64),
        positions="relative",
        sides=SidesConfig(
            n_layers=keys.size("num_decoder_layers", default=n_layers) if has_decoder else 0,
            n_heads=n_heads,
            d_inner=d_inner,
            n_vocab=n_vocab,
            start=keys.size("decoder_start_token_id", default=pad, least=0),
            gated=gated,
            n_buckets=n_buckets,
            max_distance=max_distance,
            head_scale=d_model**-0.5 if model_type != "mt5" and _scales_head(keys) else 1.0,
        ),
    )


def _generates(keys: ConfigKeys) -> bool:
    """Whether the checkpoint was saved from a class with a decoder and a head."""
    names = keys.given.get("architectures")
    every = names if isinstance(names, list) else []
    return any(isinstance(name, str) and name.endswith("ConditionalGeneration") for name in every)


def _scales_head(keys: ConfigKeys) -> bool:
    """Whether the head reads states ÷ √d_model: as transformers 5 says, or as tied heads of before did."""
    tied = keys.flag("tie_word_embeddings", default=True)
    return keys.flag("scale_decoder_outputs", default=tied)


def _activation(keys: ConfigKeys, usual: str) -> tuple[str, bool]:
    """The activation, and whether a gate is before it. Raises: DataError for one not known."""
    projection = keys.given.get("feed_forward_proj") or usual
    gated = isinstance(projection, str) and projection.startswith("gated-")
    name = "gelu_new" if projection == "gated-gelu" else str(projection).removeprefix("gated-")
    for key, same in (("dense_act_fn", name), ("is_gated_act", gated)):  # written beside it
        if (beside := keys.given.get(key)) not in (None, same):
            raise keys.fault(
                f"{key} is {quoted(str(beside))}, expected {same}, as feed_forward_proj has it"
            )
    inner = ConfigKeys({"feed_forward_proj": name}, keys.place, keys.part)
    return inner.activation("feed_forward_proj", "relu"), gated


def _distances(keys: ConfigKeys) -> tuple[int, int]:
    """How many buckets there are, and the distance where they end. Raises: DataError."""
    n_buckets = keys.size("relative_attention_num_buckets", default=32, least=4)
    end = keys.size("relative_attention_max_distance", default=128)
    if n_buckets % 2 or end <= n_buckets // 2:
        raise keys.fault(
            f"relative_attention_num_buckets is {n_buckets} and relative_attention_max_distance "
            f"{end}, expected an even number of buckets and a distance beyond their half"
        )
    return n_buckets, end


class _Side(StoredSide):
    """One side of a T5."""

    norm = "RMS norm"

    def __init__(self, checkpoint: Checkpoint, config: ModelConfig, name: str) -> None:
        landmark, layers = f"encoder.{_FIRST}.q.weight", f"{name}.block."
        words = ("shared.weight", f"{name}.embed_tokens.weight")
        super().__init__(checkpoint, config, name, landmark=landmark, layers=layers, words=words)
        self._bias = self._bias_of(0)  # missed at once where there is none

    def embed(self, ids: IntArray, types: IntArray, positions: IntArray) -> Float32Array:
        """The words' vectors. Shape (n_rows, d_model)."""
        del types, positions  # the distance of two tokens is added to their score instead
        return self.words(ids)

    def block(self, layer: int) -> Block:
        at = f"{self.layers}{layer}.layer."
        cross = None
        if self._reads_other:
            other = self._attention(f"{at}1.EncDecAttention.", causal=False)
            cross = CrossPart(other, self._norms(f"{at}1"))
        feed = 2 if self._reads_other else 1
        bias = self._bias_of(layer) if self._has_own_biases else self._bias
        return Block(
            self._attention(f"{at}0.SelfAttention.", causal=self._config.causal, bias=bias),
            self._feed(f"{at}{feed}.DenseReluDense."),
            self._norms(f"{at}0"),
            self._norms(f"{at}{feed}"),
            cross,
        )

    def last(self, rows: Float32Array) -> Float32Array:
        """The norm after the last layer. Shapes: (n_rows, d_model) → the same."""
        return self._rms_norm(f"{self._side}final_layer_norm")(rows)

    @property
    def _has_own_biases(self) -> bool:
        """Whether each layer has a bias of distances of its own."""
        return self._config.model_type == "umt5"

    def _bias_of(self, layer: int) -> RelativeBias:
        table = self._read(f"{self.layers}{layer}.{_BIAS}")
        return RelativeBias(table, not self._config.causal, self._sides.max_distance)

    def _attention(self, at: str, *, causal: bool, bias: RelativeBias | None = None) -> Attention:
        query, key, value, output = (self._linear(at + name) for name in "qkvo")
        n_heads = self._config.n_heads
        return Attention(query, key, value, output, n_heads, n_heads, 1.0, causal, bias=bias)

    def _feed(self, at: str) -> Feed:
        outer, activation = self._linear(f"{at}wo"), self._config.activation
        if not self._sides.gated:
            return Feed(self._linear(f"{at}wi"), outer, activation)
        return Feed(self._linear(f"{at}wi_1"), outer, activation, self._linear(f"{at}wi_0"))

    def _linear(self, name: str, bias: bool = False) -> Linear:
        return super()._linear(name, bias)

    def _rms_norm(self, name: str) -> RMSNorm:
        return RMSNorm(self._read(f"{name}.weight"), self._config.epsilon)

    def _norms(self, at: str) -> LayerNorms:
        return LayerNorms(before=self._rms_norm(f"{at}.layer_norm"))

    def _expected(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        config = self._config
        yield self._words, (config.n_vocab, config.d_model)
        for layer in range(config.n_layers if self._has_own_biases else 1):
            yield f"{self.layers}{layer}.{_BIAS}", (self._sides.n_buckets, config.n_heads)
        yield f"{self._side}final_layer_norm.weight", (config.d_model,)
        for layer in range(config.n_layers):
            for name, shape in self._layer_shapes():
                yield f"{self.layers}{layer}.layer.{name}.weight", shape

    def _layer_shapes(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        d, inner = self._config.d_model, self._config.d_inner
        width = self._config.n_heads * self._config.d_k
        parts = ["SelfAttention", *(["EncDecAttention"] if self._reads_other else [])]
        for number, part in enumerate(parts):
            yield f"{number}.layer_norm", (d,)
            for name in "qkv":
                yield f"{number}.{part}.{name}", (width, d)
            yield f"{number}.{part}.o", (d, width)
        at = len(parts)
        yield f"{at}.layer_norm", (d,)
        for name in ("wi_0", "wi_1") if self._sides.gated else ("wi",):
            yield f"{at}.DenseReluDense.{name}", (inner, d)
        yield f"{at}.DenseReluDense.wo", (d, inner)


FAMILY = Family(
    MODEL_TYPES,
    read_t5,
    partial(_Side, name="encoder"),
    tied=True,
    decoder=partial(_Side, name="decoder"),
)
