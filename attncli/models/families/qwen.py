"""Qwen2, Qwen2.5 and Qwen3: queries, keys and values with biases, or normed head by head.

Sources: Yang et al. 2024 (arXiv:2407.10671); Qwen Team 2025 (arXiv:2505.09388).
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
    windows,
)

MODEL_TYPES = {"qwen2": "qwen2", "qwen3": "qwen3"}
_QWEN2 = UsualSizes(n_kv_heads=32, d_inner=22016, n_vocab=151936, n_positions=32768)
_QWEN3 = _QWEN2._replace(head_size=128)


def read_qwen(model_type: str, keys: ConfigKeys) -> ModelConfig:
    """The configuration of a Qwen2 or Qwen3. Raises: DataError."""
    is_third = model_type == "qwen3"
    sizes = _QWEN3 if is_third else _QWEN2
    kinds = _kinds(keys, n_layers_of(keys, sizes))
    bias = keys.flag("attention_bias", default=False) if is_third else True
    decoder = DecoderConfig(
        windows=windows(keys, kinds, _window(keys)),
        ropes=ropes(keys, kinds, sizes),
        query_norm="head" if is_third else "none",
        attention_bias=bias,
        output_bias=bias and is_third,
    )
    return read_decoder(model_type, model_type, keys, decoder, sizes)


def _window(keys: ConfigKeys) -> int | None:
    if not keys.flag("use_sliding_window", default=False):
        return None
    return keys.optional_size("sliding_window") if "sliding_window" in keys.given else 4096


def _kinds(keys: ConfigKeys, count: int) -> list[str]:
    """The layers from max_window_layers on slide, unless layer_types says it."""
    if (kinds := layer_types(keys, count)) is not None:
        return kinds
    first = keys.size("max_window_layers", default=28, least=0)
    slides = _window(keys) is not None
    return [SLIDING if slides and layer >= first else FULL for layer in range(count)]


FAMILY = Family(MODEL_TYPES, read_qwen, DecoderTensors)
