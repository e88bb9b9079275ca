"""SmolLM3: the layout of Llama, where every fourth layer has no positions at all.

Source: Yang et al. 2025 (arXiv:2501.18795), section 4, whose layers without positions it has.
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

MODEL_TYPES = {"smollm3": "smollm3"}
_SIZES = UsualSizes(
    n_layers=36,
    n_heads=16,
    n_kv_heads=4,
    d_model=2048,
    n_vocab=128_256,
    n_positions=32768,
)
_THETA = 2_000_000.0


def read_smollm3(model_type: str, keys: ConfigKeys) -> ModelConfig:
    """The configuration of a SmolLM3. Raises: DataError."""
    count = n_layers_of(keys, _SIZES)
    turns = _turns(keys, count)
    window = keys.optional_size("sliding_window")
    has_window = keys.flag("use_sliding_window", default=False) and window is not None
    slides = [has_window and not turned for turned in turns]
    kinds = layer_types(keys, count) or [SLIDING if slide else FULL for slide in slides]
    bias = keys.flag("attention_bias", default=False)
    every = ropes(keys, kinds, _SIZES, _THETA)
    decoder = DecoderConfig(
        windows=windows(keys, kinds, window),
        ropes=tuple(rope if turned else None for rope, turned in zip(every, turns, strict=True)),
        attention_bias=bias,
        output_bias=bias,
        feed_bias=keys.flag("mlp_bias", default=False),
    )
    return read_decoder(model_type, "smollm3", keys, decoder, _SIZES)


def _turns(keys: ConfigKeys, count: int) -> list[bool]:
    """Which layers turn their queries: no_rope_layers has a 1 for each, in spite of its name."""
    given = keys.listed("no_rope_layers", count)
    if given is None:
        every = keys.size("no_rope_layer_interval", default=4)
        return [bool((layer + 1) % every) for layer in range(count)]
    if not all(one in (0, 1) for one in given):
        raise keys.fault("no_rope_layers has other values than 0 and 1")
    return [bool(one) for one in given[:count]]


FAMILY = Family(MODEL_TYPES, read_smollm3, DecoderTensors, tied=True)
