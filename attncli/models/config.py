"""config.json, checked: what kind of transformer a checkpoint is, and its sizes.

Keys and their defaults are those of Hugging Face transformers. What would change the numbers and
is not computed here (another family, relative positions, quantization) is refused, never ignored.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from attncli.errors import DataError
from attncli.errors.wording import quoted, visible
from attncli.models.checkpoint import read_json
from attncli.models.layers import ACTIVATIONS

# model_type → the family whose layout it has.
FAMILIES = {
    "bert": "bert",
    "roberta": "roberta",
    "xlm-roberta": "roberta",
    "camembert": "roberta",
    "distilbert": "distilbert",
    "gpt2": "gpt2",
}
_MAX_SIZE = 1 << 24


class ModelConfig(NamedTuple):
    """What the forward pass needs to know. `max_tokens` is the longest input, special tokens
    included; `position_offset` is the position of the first token.
    """

    model_type: str
    family: str
    n_layers: int
    n_heads: int
    d_model: int
    d_inner: int
    n_vocab: int
    n_positions: int
    n_types: int
    activation: str
    epsilon: float
    causal: bool
    position_offset: int = 0
    scaled: bool = True
    scaled_by_layer: bool = False

    @property
    def d_k(self) -> int:
        """The width of a head's queries, keys and values."""
        return self.d_model // self.n_heads

    @property
    def max_tokens(self) -> int:
        """The longest input in tokens, special tokens included."""
        return self.n_positions - self.position_offset

    @property
    def norm_first(self) -> bool:
        """Whether layer norm comes before attention (GPT-2) or after it (BERT)."""
        return self.family == "gpt2"

    def scale(self, layer: int) -> float:
        """The factor on the scores of a layer, counted from 0: 1/√d_k unless config.json differs."""
        scale = 1.0 / math.sqrt(self.d_k) if self.scaled else 1.0
        return scale / (layer + 1) if self.scaled_by_layer else scale


def read_config(path: Path) -> ModelConfig:
    """The configuration in this config.json.

    Raises: InputError when it cannot be read; DataError when the family is not known, a value is
    out of range, or it asks for something that is not computed here.
    """
    return _Reader(read_json(path), visible(str(path))).config()


class _Reader:
    """The keys of one config.json; every fault names the key."""

    def __init__(self, given: Mapping[str, Any], place: str) -> None:
        self._given = given
        self._place = place

    def config(self) -> ModelConfig:
        model_type = self._given.get("model_type")
        if not isinstance(model_type, str) or model_type not in FAMILIES:
            named = quoted(model_type) if isinstance(model_type, str) else "no model_type"
            known = ", ".join(FAMILIES)
            raise self._fault(f"found the family {named}, expected one of {known}")
        family = FAMILIES[model_type]
        self._refuse_what_is_not_computed()
        config = {"gpt2": self._gpt2, "distilbert": self._distilbert}.get(family, self._bert)(
            model_type, family
        )
        if config.d_model % config.n_heads:
            raise self._fault(
                f"{config.n_heads} heads do not divide the width {config.d_model} evenly"
            )
        if config.max_tokens < 1:
            raise self._fault(
                f"{config.n_positions} positions leave no room after the first "
                f"{config.position_offset}"
            )
        return config

    def _bert(self, model_type: str, family: str) -> ModelConfig:
        pad_default = 0 if family == "bert" else 1
        pad = self._size("pad_token_id", default=pad_default, least=0)
        return ModelConfig(
            model_type=model_type,
            family=family,
            n_layers=self._size("num_hidden_layers", default=12),
            n_heads=self._size("num_attention_heads", default=12),
            d_model=self._size("hidden_size", default=768),
            d_inner=self._size("intermediate_size", default=3072),
            n_vocab=self._size("vocab_size", default=30522 if family == "bert" else 50265),
            n_positions=self._size("max_position_embeddings", default=512),
            n_types=self._size("type_vocab_size", default=2),
            activation=self._activation("hidden_act", "gelu"),
            epsilon=self._epsilon("layer_norm_eps", 1e-12),
            causal=self._flag("is_decoder", default=False),
            position_offset=pad + 1 if family == "roberta" else 0,
        )

    def _distilbert(self, model_type: str, family: str) -> ModelConfig:
        return ModelConfig(
            model_type=model_type,
            family=family,
            n_layers=self._size("n_layers", "num_hidden_layers", default=6),
            n_heads=self._size("n_heads", "num_attention_heads", default=12),
            d_model=self._size("dim", "hidden_size", default=768),
            d_inner=self._size("hidden_dim", default=3072),
            n_vocab=self._size("vocab_size", default=30522),
            n_positions=self._size("max_position_embeddings", default=512),
            n_types=0,
            activation=self._activation("activation", "gelu"),
            epsilon=1e-12,
            causal=False,
        )

    def _gpt2(self, model_type: str, family: str) -> ModelConfig:
        d_model = self._size("n_embd", "hidden_size", default=768)
        return ModelConfig(
            model_type=model_type,
            family=family,
            n_layers=self._size("n_layer", "num_hidden_layers", default=12),
            n_heads=self._size("n_head", "num_attention_heads", default=12),
            d_model=d_model,
            d_inner=self._size("n_inner", default=4 * d_model),
            n_vocab=self._size("vocab_size", default=50257),
            n_positions=self._size("n_positions", "max_position_embeddings", default=1024),
            n_types=0,
            activation=self._activation("activation_function", "gelu_new"),
            epsilon=self._epsilon("layer_norm_epsilon", 1e-5),
            causal=True,
            scaled=self._flag("scale_attn_weights", default=True),
            scaled_by_layer=self._flag("scale_attn_by_inverse_layer_idx", default=False),
        )

    def _refuse_what_is_not_computed(self) -> None:
        positions = self._given.get("position_embedding_type", "absolute")
        if positions not in ("absolute", None):
            raise self._fault(f"positions of the kind {quoted(str(positions))}, expected absolute")
        if self._given.get("quantization_config"):
            raise self._fault("quantized weights, expected float32, float16 or bfloat16")
        if self._given.get("pruned_heads"):
            raise self._fault("pruned heads, expected the same number of heads in every layer")

    def _value(self, names: tuple[str, ...]) -> tuple[str, Any]:
        for name in names:
            if self._given.get(name) is not None:
                return name, self._given[name]
        return names[0], None

    def _size(self, *names: str, default: int, least: int = 1) -> int:
        name, value = self._value(names)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= _MAX_SIZE:
            raise self._fault(
                f"{name} is {quoted(str(value))}, expected a whole number from {least} to "
                f"{_MAX_SIZE}"
            )
        return value

    def _epsilon(self, name: str, default: float) -> float:
        value = self._given.get(name, default)
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not 0 <= value < 1:
            raise self._fault(f"{name} is {quoted(str(value))}, expected a number from 0 to 1")
        return float(value)

    def _flag(self, name: str, *, default: bool) -> bool:
        value = self._given.get(name, default)
        if not isinstance(value, bool):
            raise self._fault(f"{name} is {quoted(str(value))}, expected true or false")
        return value

    def _activation(self, name: str, default: str) -> str:
        value = self._given.get(name, default)
        if not isinstance(value, str) or value not in ACTIVATIONS:
            raise self._fault(
                f"{name} is {quoted(str(value))}, expected one of {', '.join(ACTIVATIONS)}"
            )
        return value

    def _fault(self, message: str) -> DataError:
        return DataError(message, place=self._place)
