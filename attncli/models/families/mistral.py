"""Mistral: the layout of Llama, where every layer may see a window of the last tokens alone.

Source: Jiang et al. 2023 (arXiv:2310.06825), section 2.
"""

from attncli.models.config import DecoderConfig, ModelConfig
from attncli.models.family import Family
from attncli.models.keys import ConfigKeys
from attncli.models.rotary_decoder import (
    FULL,
    SLIDING,
    DecoderTensors,
    UsualSizes,
    layer_types,
    n_layers_of,
    read_decoder,
    ropes,
)

MODEL_TYPES = {"mistral": "mistral"}
_SIZES = UsualSizes(n_kv_heads=8, d_inner=14336, n_positions=4096 * 32)


def read_mistral(model_type: str, keys: ConfigKeys) -> ModelConfig:
    """The configuration of a Mistral. Raises: DataError."""
    count = n_layers_of(keys, _SIZES)
    is_told = "sliding_window" in keys.given
    window = keys.optional_size("sliding_window") if is_told else 4096
    kinds = layer_types(keys, count) or []
    if any(kind != (FULL if window is None else SLIDING) for kind in kinds):
        raise keys.fault(
            "layer_types has other layers than sliding_window says: this is a Ministral"
        )
    decoder = DecoderConfig(windows=(window,) * count, ropes=ropes(keys, [FULL] * count, _SIZES))
    return read_decoder(model_type, "mistral", keys, decoder, _SIZES)


FAMILY = Family(MODEL_TYPES, read_mistral, DecoderTensors)
