"""How GPT-2 and DistilGPT-2 store their matrices, and what goes into their first layer.

A linear map is stored input × output (not transposed, unlike BERT's), and the three of attention
side by side as one matrix of width 3·d_model. Source: Radford et al. 2019, "Language Models are
Unsupervised Multitask Learners".
"""

from collections.abc import Iterator

from attncli.arrays import Float32Array, IntArray
from attncli.models.checkpoint import Checkpoint
from attncli.models.config import ModelConfig
from attncli.models.family import Family
from attncli.models.keys import ConfigKeys
from attncli.models.layers import Attention, Block, Feed, LayerNorms, Linear
from attncli.models.stored import StoredTensors
from attncli.models.word_head import WordHead, linear_head

MODEL_TYPES = {"gpt2": "gpt2"}
LANDMARK = "wte.weight"


def read_gpt2(model_type: str, keys: ConfigKeys) -> ModelConfig:
    """The configuration of GPT-2. Raises: DataError."""
    d_model = keys.size("n_embd", "hidden_size", default=768)
    return ModelConfig(
        model_type=model_type,
        family="gpt2",
        n_layers=keys.size("n_layer", "num_hidden_layers", default=12),
        n_heads=keys.size("n_head", "num_attention_heads", default=12),
        d_model=d_model,
        d_inner=keys.size("n_inner", default=4 * d_model),
        n_vocab=keys.size("vocab_size", default=50257),
        n_positions=keys.size("n_positions", "max_position_embeddings", default=1024),
        n_types=0,
        activation=keys.activation("activation_function", "gelu_new"),
        epsilon=keys.epsilon("layer_norm_epsilon", 1e-5),
        causal=keys.flag("is_causal", default=True),
        score_scale=None if keys.flag("scale_attn_weights", default=True) else 1.0,
        scaled_by_layer=keys.flag("scale_attn_by_inverse_layer_idx", default=False),
        norms="before",
    )


class Gpt2Tensors(StoredTensors):
    """The tensors of a GPT-2 checkpoint."""

    def __init__(self, checkpoint: Checkpoint, config: ModelConfig) -> None:
        super().__init__(checkpoint, config, landmark=LANDMARK, layers="h.")

    def embed(self, ids: IntArray, types: IntArray, positions: IntArray) -> Float32Array:
        """Word and position vectors added. Shape (n_rows, d_model)."""
        del types  # GPT-2 knows no segments
        return self.words(ids) + self._read("wpe.weight")[positions]  # (n_rows, d_model)

    def block(self, layer: int) -> Block:
        at = f"{self.layers}{layer}."
        joint, d = self._linear(f"{at}attn.c_attn"), self._config.d_model
        assert joint.bias is not None
        query, key, value = (
            Linear(joint.weight[:, part], joint.bias[part])  # (d_model, d_model)
            for part in (slice(0, d), slice(d, 2 * d), slice(2 * d, 3 * d))
        )
        config = self._config
        return Block(
            Attention(
                query=query,
                key=key,
                value=value,
                output=self._linear(f"{at}attn.c_proj"),
                n_heads=config.n_heads,
                n_kv_heads=config.n_heads,
                scale=config.scale(layer),
                causal=config.causal,
            ),
            Feed(self._linear(f"{at}mlp.c_fc"), self._linear(f"{at}mlp.c_proj"), config.activation),
            attention_norms=LayerNorms(before=self._norm(f"{at}ln_1")),
            feed_norms=LayerNorms(before=self._norm(f"{at}ln_2")),
        )

    def last(self, rows: Float32Array) -> Float32Array:
        """The layer norm after the last layer. Shapes: (n_rows, d_model) → the same."""
        return self._norm("ln_f")(rows)

    def head(self) -> WordHead | None:
        """The head over the vocabulary, None in the base of a model that was saved alone."""
        return linear_head(self._checkpoint, self._config, self.prefix + LANDMARK)

    def _linear(self, name: str, bias: bool = True) -> Linear:
        return Linear(self._read(f"{name}.weight"), self._read(f"{name}.bias"))  # (d_in, d_out)

    def _expected(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        d, inner = self._config.d_model, self._config.d_inner
        yield LANDMARK, (self._config.n_vocab, d)
        yield "wpe.weight", (self._config.n_positions, d)
        yield "ln_f.weight", (d,)
        yield "ln_f.bias", (d,)
        parts: dict[str, tuple[int, ...]] = {
            "ln_1": (d,),
            "ln_2": (d,),
            "attn.c_attn": (d, 3 * d),
            "attn.c_proj": (d, d),
            "mlp.c_fc": (d, inner),
            "mlp.c_proj": (inner, d),
        }
        for layer in range(self._config.n_layers):
            for name, weight in parts.items():
                yield f"{self.layers}{layer}.{name}.weight", weight
                yield f"{self.layers}{layer}.{name}.bias", weight[-1:]


FAMILY = Family(MODEL_TYPES, read_gpt2, Gpt2Tensors, tied=True)
