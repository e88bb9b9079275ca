"""Llama 2 and 3, TinyLlama, SmolLM2: the layout that most decoders follow.

Sources: Touvron et al. 2023 (arXiv:2307.09288); Grattafiori et al. 2024 (arXiv:2407.21783).
"""

from attncli.models.config import DecoderConfig, ModelConfig
from attncli.models.family import Family
from attncli.models.keys import ConfigKeys
from attncli.models.rotary_decoder import (
    FULL,
    DecoderTensors,
    UsualSizes,
    n_layers_of,
    read_decoder,
    ropes,
)

MODEL_TYPES = {"llama": "llama"}
_SIZES = UsualSizes()


def read_llama(model_type: str, keys: ConfigKeys) -> ModelConfig:
    """The configuration of a Llama. Raises: DataError."""
    count, bias = n_layers_of(keys, _SIZES), keys.flag("attention_bias", default=False)
    decoder = DecoderConfig(
        windows=(None,) * count,
        ropes=ropes(keys, [FULL] * count, _SIZES),
        attention_bias=bias,
        output_bias=bias,
        feed_bias=keys.flag("mlp_bias", default=False),
    )
    return read_decoder(model_type, "llama", keys, decoder, _SIZES)


FAMILY = Family(MODEL_TYPES, read_llama, DecoderTensors)
