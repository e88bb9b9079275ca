"""How BERT, RoBERTa and DistilBERT store their matrices, and what goes into their first layer.

A linear map is stored output × input, so it is read transposed. Sources: Devlin et al. 2018
(arXiv:1810.04805), Liu et al. 2019 (arXiv:1907.11692), Sanh et al. 2019 (arXiv:1910.01108).
"""

from collections.abc import Iterator

from attncli.arrays import Float32Array, IntArray
from attncli.models.checkpoint import Checkpoint
from attncli.models.config import ModelConfig
from attncli.models.family import Family
from attncli.models.keys import ConfigKeys
from attncli.models.layers import Attention, Block, Feed, LayerNorms
from attncli.models.stored import StoredTensors
from attncli.models.word_head import MaskedNames, WordHead, masked_head

MODEL_TYPES = {
    "bert": "bert",
    "roberta": "roberta",
    "xlm-roberta": "roberta",
    "camembert": "roberta",
    "distilbert": "distilbert",
}
LANDMARK = "embeddings.word_embeddings.weight"
_WORDS, _POSITIONS, _TYPES, _NORM = (
    "embeddings.word_embeddings.weight",
    "embeddings.position_embeddings.weight",
    "embeddings.token_type_embeddings.weight",
    "embeddings.LayerNorm",
)
_BERT = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "output": "attention.output.dense",
    "inner": "intermediate.dense",
    "outer": "output.dense",
    "norm_attention": "attention.output.LayerNorm",
    "norm_feed": "output.LayerNorm",
}
_DISTILBERT = {
    "query": "attention.q_lin",
    "key": "attention.k_lin",
    "value": "attention.v_lin",
    "output": "attention.out_lin",
    "inner": "ffn.lin1",
    "outer": "ffn.lin2",
    "norm_attention": "sa_layer_norm",
    "norm_feed": "output_layer_norm",
}

_HEADS = {
    "bert": MaskedNames(
        "cls.predictions.transform.dense",
        "cls.predictions.transform.LayerNorm",
        "cls.predictions.decoder.weight",
        ("cls.predictions.decoder.bias", "cls.predictions.bias"),
    ),
    "roberta": MaskedNames(
        "lm_head.dense",
        "lm_head.layer_norm",
        "lm_head.decoder.weight",
        ("lm_head.decoder.bias", "lm_head.bias"),
    ),
    "distilbert": MaskedNames(
        "vocab_transform",
        "vocab_layer_norm",
        "vocab_projector.weight",
        ("vocab_projector.bias",),
    ),
}


def read_bert(model_type: str, keys: ConfigKeys) -> ModelConfig:
    """The configuration of BERT, RoBERTa or DistilBERT. Raises: DataError."""
    family = MODEL_TYPES[model_type]
    return _distilbert(keys) if family == "distilbert" else _bert(model_type, family, keys)


def _bert(model_type: str, family: str, keys: ConfigKeys) -> ModelConfig:
    pad = keys.size("pad_token_id", default=0 if family == "bert" else 1, least=0)
    return ModelConfig(
        model_type=model_type,
        family=family,
        n_layers=keys.size("num_hidden_layers", default=12),
        n_heads=keys.size("num_attention_heads", default=12),
        d_model=keys.size("hidden_size", default=768),
        d_inner=keys.size("intermediate_size", default=3072),
        n_vocab=keys.size("vocab_size", default=30522 if family == "bert" else 50265),
        n_positions=keys.size("max_position_embeddings", default=512),
        n_types=keys.size("type_vocab_size", default=2),
        activation=keys.activation("hidden_act", "gelu"),
        epsilon=keys.epsilon("layer_norm_eps", 1e-12),
        causal=keys.flag("is_decoder", default=False) and keys.flag("is_causal", default=True),
        position_offset=pad + 1 if family == "roberta" else 0,
    )


def _distilbert(keys: ConfigKeys) -> ModelConfig:
    return ModelConfig(
        model_type="distilbert",
        family="distilbert",
        n_layers=keys.size("n_layers", "num_hidden_layers", default=6),
        n_heads=keys.size("n_heads", "num_attention_heads", default=12),
        d_model=keys.size("dim", "hidden_size", default=768),
        d_inner=keys.size("hidden_dim", default=3072),
        n_vocab=keys.size("vocab_size", default=30522),
        n_positions=keys.size("max_position_embeddings", default=512),
        n_types=0,
        activation=keys.activation("activation", "gelu"),
        epsilon=1e-12,
        causal=False,
    )


class BertTensors(StoredTensors):
    """The tensors of a BERT-like checkpoint."""

    def __init__(self, checkpoint: Checkpoint, config: ModelConfig) -> None:
        is_distilled = config.family == "distilbert"
        self._parts = _DISTILBERT if is_distilled else _BERT
        layers = "transformer.layer." if is_distilled else "encoder.layer."
        super().__init__(checkpoint, config, landmark=LANDMARK, layers=layers, words=(_WORDS,))

    def embed(self, ids: IntArray, types: IntArray, positions: IntArray) -> Float32Array:
        """Word, position and segment vectors added, then layer norm. Shape (n_rows, d_model)."""
        rows = self.words(ids).copy()  # (n_rows, d_model)
        if self._config.n_types:
            rows += self._read(_TYPES)[types]
        rows += self._read(_POSITIONS)[positions]
        return self._norm(_NORM)(rows)

    def block(self, layer: int) -> Block:
        at = {part: f"{self.layers}{layer}.{name}" for part, name in self._parts.items()}
        config = self._config
        return Block(
            Attention(
                query=self._linear(at["query"]),
                key=self._linear(at["key"]),
                value=self._linear(at["value"]),
                output=self._linear(at["output"]),
                n_heads=config.n_heads,
                n_kv_heads=config.n_heads,
                scale=config.scale(layer),
                causal=config.causal,
            ),
            Feed(self._linear(at["inner"]), self._linear(at["outer"]), config.activation),
            attention_norms=LayerNorms(sum=self._norm(at["norm_attention"])),
            feed_norms=LayerNorms(sum=self._norm(at["norm_feed"])),
        )

    def head(self) -> WordHead | None:
        """The head that fills masked places, None where there is none."""
        config = self._config
        activation = "gelu" if config.family == "roberta" else config.activation
        return masked_head(
            self._checkpoint, config, self.prefix + _WORDS, _HEADS[config.family], activation
        )

    def _expected(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        d, inner = self._config.d_model, self._config.d_inner
        yield _WORDS, (self._config.n_vocab, d)
        yield _POSITIONS, (self._config.n_positions, d)
        yield f"{_NORM}.weight", (d,)
        yield f"{_NORM}.bias", (d,)
        if self._config.n_types:
            yield _TYPES, (self._config.n_types, d)
        widths = {"inner": (inner, d), "outer": (d, inner)}
        for layer in range(self._config.n_layers):
            for part, name in self._parts.items():
                full = f"{self.layers}{layer}.{name}"
                is_norm = part.startswith("norm")
                weight = (d,) if is_norm else widths.get(part, (d, d))
                yield f"{full}.weight", weight
                yield f"{full}.bias", weight[:1]


FAMILY = Family(MODEL_TYPES, read_bert, BertTensors, tied=True)
