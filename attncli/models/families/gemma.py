"""Gemma 2 and 3: norms around each part, words by √d, windows in most layers, scores with a cap.

The weights of norms are stored less 1. Of a checkpoint that sees pictures too the text's part is
read. Sources: Gemma Team 2024 (arXiv:2408.00118), section 2; 2025 (arXiv:2503.19786), section 2.
"""

import math

from attncli.errors.wording import quoted
from attncli.models.config import DecoderConfig, ModelConfig
from attncli.models.family import Family
from attncli.models.keys import ConfigKeys
from attncli.models.rope import Reach, Rope, expect_rounded_ends, read_rope
from attncli.models.rotary_decoder import (
    FULL,
    SLIDING,
    DecoderTensors,
    UsualSizes,
    head_size,
    layer_types,
    n_layers_of,
    read_decoder,
    ropes,
    windows,
)

MODEL_TYPES = {"gemma2": "gemma2", "gemma3_text": "gemma3", "gemma3": "gemma3"}
_GEMMA2 = UsualSizes(
    n_layers=26,
    n_heads=8,
    n_kv_heads=4,
    d_model=2304,
    d_inner=9216,
    n_vocab=256_000,
    n_positions=8192,
    head_size=256,
    activation="gelu_pytorch_tanh",
    activation_key="hidden_activation",
)
_GEMMA3 = _GEMMA2._replace(n_vocab=262_208, n_positions=131_072)
_GLOBAL, _LOCAL = 1_000_000.0, 10_000.0  # bases of layers that see all, and of those with a window


def read_gemma(model_type: str, keys: ConfigKeys) -> ModelConfig:
    """The configuration of a Gemma 2 or 3. Raises: DataError."""
    keys = keys.within("text_config") or keys
    is_third = MODEL_TYPES[model_type] == "gemma3"
    _refuse_what_is_read_otherwise(model_type, keys)
    sizes = _GEMMA3 if is_third else _GEMMA2
    count = n_layers_of(keys, sizes)
    every = keys.size("sliding_window_pattern", default=6) if is_third else 2
    usual = [SLIDING if (layer + 1) % every else FULL for layer in range(count)]
    kinds = layer_types(keys, count) or usual
    bias = keys.flag("attention_bias", default=False)
    decoder = DecoderConfig(
        windows=windows(keys, kinds, _window(keys)),
        ropes=_ropes(keys, kinds, sizes) if is_third else ropes(keys, kinds, sizes),
        norms="around",
        query_norm="head" if is_third else "none",
        norm_offset=1.0,
        embed_scale=math.sqrt(keys.size("hidden_size", default=sizes.d_model)),
        attention_bias=bias,
        output_bias=bias,
        softcap=None if is_third else _cap(keys, "attn_logit_softcapping", 50.0),
        final_softcap=_cap(keys, "final_logit_softcapping", None if is_third else 30.0),
    )
    return read_decoder(
        model_type,
        MODEL_TYPES[model_type],
        keys,
        decoder,
        sizes,
        score_scale=keys.number("query_pre_attn_scalar", default=256.0) ** -0.5,
        causal=not _sees_all(keys),
    )


def _refuse_what_is_read_otherwise(model_type: str, keys: ConfigKeys) -> None:
    """Raises: DataError for options that transformers has and one of these models does not use."""
    unused = {
        "gemma2": ("use_bidirectional_attention",),
        "gemma3_text": ("attn_logit_softcapping",),
        "gemma3": (
            "attn_logit_softcapping",
            "final_logit_softcapping",
            "use_bidirectional_attention",
        ),
    }
    for name in unused[model_type]:
        if (value := keys.given.get(name)) not in (None, False):
            raise keys.fault(f"{name} is {quoted(str(value))}, expected none in a {model_type}")


def _sees_all(keys: ConfigKeys) -> bool:
    """Whether a token sees later ones too, as in EmbeddingGemma."""
    given = keys.given.get("use_bidirectional_attention")
    return given is not None and keys.flag("use_bidirectional_attention", default=False)


def _window(keys: ConfigKeys) -> int | None:
    """How many tokens a local layer sees: of a model that sees both ways half of them on each side."""
    window = keys.optional_size("sliding_window") if "sliding_window" in keys.given else 4096
    return window // 2 + 1 if window is not None and _sees_all(keys) else window


def _cap(keys: ConfigKeys, name: str, default: float | None) -> float | None:
    return keys.optional_number(name) if name in keys.given else default


def _ropes(keys: ConfigKeys, kinds: list[str], sizes: UsualSizes) -> tuple[Rope, ...]:
    """Two ropes: rope_scaling is for layers that see all, rope_local_base_freq for the others."""
    parameters = keys.within("rope_parameters") or ConfigKeys({}, keys.place, keys.part)
    scaling = keys.within("rope_scaling")
    n_turned = head_size(keys, sizes)
    reach = Reach(keys.size("max_position_embeddings", default=sizes.n_positions))
    bases = {
        FULL: keys.number("rope_theta", default=_GLOBAL),
        SLIDING: keys.number("rope_local_base_freq", default=_LOCAL),
    }
    by_kind: dict[str, Rope] = {}
    for kind in (FULL, SLIDING):
        inner = parameters.within(kind)
        given = {} if inner is None else dict(inner.given)
        if kind == FULL and scaling is not None:
            given |= scaling.given
        own = ConfigKeys(given, keys.place, f"{parameters.part}{kind}.")
        expect_rounded_ends(parameters, own)
        by_kind[kind] = read_rope(own, n_turned, bases[kind], reach)
    return tuple(by_kind[kind] for kind in kinds)


FAMILY = Family(MODEL_TYPES, read_gemma, DecoderTensors, tied=True)
