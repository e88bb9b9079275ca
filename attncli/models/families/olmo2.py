"""OLMo 2: norms on what a part gives instead of on what it reads; whole queries and keys normed.

Source: OLMo Team 2024 (arXiv:2501.00656), section 3.
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

MODEL_TYPES = {"olmo2": "olmo2"}
_SIZES = UsualSizes(n_vocab=50304, epsilon=1e-5)


def read_olmo2(model_type: str, keys: ConfigKeys) -> ModelConfig:
    """The configuration of an OLMo 2. Raises: DataError."""
    count, bias = n_layers_of(keys, _SIZES), keys.flag("attention_bias", default=False)
    decoder = DecoderConfig(
        windows=(None,) * count,
        ropes=ropes(keys, [FULL] * count, _SIZES),
        norms="after",
        query_norm="all",
        attention_bias=bias,
        output_bias=bias,
    )
    return read_decoder(model_type, "olmo2", keys, decoder, _SIZES)


FAMILY = Family(MODEL_TYPES, read_olmo2, DecoderTensors)
