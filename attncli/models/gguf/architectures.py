"""What each architecture of GGUF is in the words of Hugging Face: the keys of its config.json.

A file says sizes; what an architecture always does (where it norms, which layers slide, which have
no rope) must be known. Sources: ggml-org/llama.cpp, gguf-py and conversion; the papers are those
of `families`.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from attncli.errors import DataError
from attncli.errors.wording import quoted
from attncli.models.gguf.mapped import GgufSource
from attncli.models.gguf.metadata import Metadata
from attncli.models.gguf.names import (
    AROUND,
    BERT,
    GATED_T5,
    JOINED,
    MODERN_BERT,
    PERMUTED,
    PLAIN,
    T5,
    TensorLayout,
)
from attncli.models.gguf.refusing import expect_activation_of_t5, refuse_what_is_not_computed
from attncli.models.gguf.scaling import factors_of, rope_scaling_of
from attncli.models.gguf.windows import (
    expect_same_base,
    expect_same_in_windows,
    kinds_of_layers,
    window_of_gemma,
)
from attncli.models.near_families import found_family

_HEADS, _KEY_LENGTH = "attention.head_count", "attention.key_length"
_INNER, _EPSILON = "feed_forward_length", "attention.layer_norm_epsilon"
_GATED = {"geglu": "gelu", "swiglu": "silu", "reglu": "relu"}  # what files call them besides
_SPECIAL_SCALE = {"gemma2": 46, "gemma3": 62}  # layers of the model of 27 billion


class GgufArchitecture(NamedTuple):
    """How a file of an architecture is read; `keys` gives what config.json would say."""

    layout: TensorLayout
    keys: Callable[[Metadata, GgufSource], Mapping[str, Any]]

    def layout_of(self, file: GgufSource) -> TensorLayout:
        """What the tensors of a file are called: where T5 has gates, one of its matrices is another."""
        return GATED_T5 if self.layout is T5 and _is_gated_t5(file) else self.layout


def architecture_of(metadata: Metadata) -> GgufArchitecture:
    """The architecture that a file names.

    Raises: DataError for one that is not read here, or a part of a model.
    """
    name = metadata.text("general.architecture")
    kind = metadata.text("general.type", "model")
    if kind != "model":
        raise DataError(f"this GGUF file is {quoted(kind)}, expected a model", place=metadata.place)
    if name not in ARCHITECTURES:
        raise DataError(
            f"{found_family('architecture', quoted(name), name)}, expected one of "
            f"{', '.join(ARCHITECTURES)}",
            place=metadata.place,
        )
    refuse_what_is_not_computed(metadata.of_architecture(), name)
    return ARCHITECTURES[name]


def _llama(metadata: Metadata, file: GgufSource) -> dict[str, Any]:
    """Llama, and what has its layout: Mistral, TinyLlama, SmolLM2."""
    return _common(metadata, file, "llama") | {
        "attention_bias": _has(file, "attn_q.bias"),
        "mlp_bias": _has(file, "ffn_up.bias"),
    }


def _qwen2(metadata: Metadata, file: GgufSource) -> dict[str, Any]:
    return _common(metadata, file, "qwen2")


def _qwen3(metadata: Metadata, file: GgufSource) -> dict[str, Any]:
    return _common(metadata, file, "qwen3") | {"attention_bias": _has(file, "attn_q.bias")}


def _gemma2(metadata: Metadata, file: GgufSource) -> dict[str, Any]:
    keys = _common(metadata, file, "gemma2") | _scaled(metadata, "gemma2")
    caps = {"attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0}
    for name, usual in caps.items():
        keys[name] = metadata.number(name, usual) or None
    expect_same_base(metadata)
    return keys | window_of_gemma(metadata, usual=4096, every=2)


def _gemma3(metadata: Metadata, file: GgufSource) -> dict[str, Any]:
    keys = _common(metadata, file, "gemma3_text") | _scaled(metadata, "gemma3")
    if metadata.number("rope.freq_base", 0.0) == 0.0:
        keys["rope_theta"] = 1_000_000.0
    return keys | {
        "rope_local_base_freq": metadata.number("rope.freq_base_swa", 10_000.0),
        "attn_logit_softcapping": metadata.number("attn_logit_softcapping", 0.0) or None,
        "final_logit_softcapping": metadata.number("final_logit_softcapping", 0.0) or None,
        **window_of_gemma(metadata, usual=None, every=6),
    }


def _phi3(metadata: Metadata, file: GgufSource) -> dict[str, Any]:
    keys = _common(metadata, file, "phi3", partial=True)
    first = metadata.whole("rope.scaling.original_context_length", keys["max_position_embeddings"])
    keys |= {
        "original_max_position_embeddings": first,
        "sliding_window": metadata.whole("attention.sliding_window", 0) or None,
        "partial_rotary_factor": metadata.whole("rope.dimension_count", _d_k(metadata))
        / _d_k(metadata),
    }
    factors = {name: factors_of(file, f"rope_factors_{name}.weight") for name in ("short", "long")}
    if factors["short"] is None or factors["long"] is None:
        if metadata.text("rope.scaling.type", "none") == "longrope":
            raise metadata.fault("rope.scaling.type", "is longrope, but its tensors are missing")
        if metadata.number("rope.scaling.attn_factor", 1.0) != 1:
            raise metadata.fault("rope.scaling.attn_factor", "is expected of a longrope alone")
    else:
        keys["rope_scaling"] = {
            "rope_type": "longrope",
            "short_factor": factors["short"],
            "long_factor": factors["long"],
            "attention_factor": metadata.optional_number("rope.scaling.attn_factor"),
        }
    return keys


def _olmo2(metadata: Metadata, file: GgufSource) -> dict[str, Any]:
    return _common(metadata, file, "olmo2") | {"attention_bias": _has(file, "attn_q.bias")}


def _smollm3(metadata: Metadata, file: GgufSource) -> dict[str, Any]:
    return _common(metadata, file, "smollm3") | {
        "no_rope_layer_interval": 4,
        "attention_bias": _has(file, "attn_q.bias"),
    }


def _common(
    metadata: Metadata, file: GgufSource, model_type: str, *, partial: bool = False
) -> dict[str, Any]:
    """What every decoder says. Raises: DataError for experts, or a rope of a part of a head."""
    if metadata.whole("expert_count", 0):
        raise metadata.fault("expert_count", "is more than 0: models of experts are not read here")
    heads, inner = (_needed(metadata, key) for key in (_HEADS, _INNER))
    d_k, turned = _d_k(metadata), metadata.optional_whole("rope.dimension_count")
    if turned not in (None, d_k) and not partial:
        raise metadata.fault("rope.dimension_count", f"is {turned}, expected {d_k}, all of a head")
    if metadata.whole("attention.value_length", d_k) != d_k:
        raise metadata.fault("attention.value_length", f"is not {d_k}, the width of keys")
    expect_same_in_windows(metadata, d_k)
    return {
        "model_type": model_type,
        "vocab_size": _rows(file, "token_embd.weight"),
        "hidden_size": metadata.whole("embedding_length"),
        "num_hidden_layers": metadata.whole("block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": metadata.same("attention.head_count_kv", heads),
        "head_dim": d_k,
        "intermediate_size": inner,
        "max_position_embeddings": metadata.whole("context_length"),
        "rms_norm_eps": metadata.number("attention.layer_norm_rms_epsilon"),
        "rope_theta": metadata.number("rope.freq_base", 10_000.0),
        "is_causal": metadata.flag("attention.causal", True),
        "rope_scaling": rope_scaling_of(metadata, file, partial=partial),
        "tie_word_embeddings": "output.weight" not in file.header.tensors,
    }


def _bert(metadata: Metadata, file: GgufSource) -> dict[str, Any]:
    """BERT, and RoBERTa, whose first positions, which no token has, are cut when a file is written."""
    types = file.header.tensors.get("token_types.weight")
    return _of_encoder(metadata, file, "bert") | {
        "type_vocab_size": 0 if types is None else types.shape[0],
        "hidden_act": "gelu",
        "layer_norm_eps": metadata.number(_EPSILON),
        "pad_token_id": 0,
    }


def _modern_bert(metadata: Metadata, file: GgufSource) -> dict[str, Any]:
    """A window on both sides in two of three layers, or as the file says."""
    kinds = kinds_of_layers(metadata)
    every = 3 if kinds else metadata.whole("attention.sliding_window_pattern", 3)
    activation = metadata.text("hidden_activation", "gelu")
    return _of_encoder(metadata, file, "modernbert") | {
        "norm_eps": metadata.number(_EPSILON),
        "hidden_activation": _GATED.get(activation, activation),
        "local_attention": metadata.whole("attention.sliding_window"),
        "global_attn_every_n_layers": every,
        "layer_types": kinds,
        "rope_scaling": rope_scaling_of(metadata, file, partial=False),
        "global_rope_theta": metadata.number("rope.freq_base", 160_000.0),
        "local_rope_theta": metadata.number("rope.freq_base_swa", 10_000.0),
        "attention_bias": _has(file, "attn_qkv.bias"),
        "mlp_bias": _has(file, "ffn_up.bias"),
        "norm_bias": _has(file, "ffn_norm.bias"),
    }


def _of_encoder(metadata: Metadata, file: GgufSource, model_type: str) -> dict[str, Any]:
    """What encoders alone say."""
    if metadata.flag("attention.causal", False):
        raise metadata.fault("attention.causal", "is true, expected an encoder")
    heads, d_k = _needed(metadata, _HEADS), _width_of_heads(metadata)
    for key, same in (
        (_KEY_LENGTH, d_k),
        ("attention.value_length", d_k),
        ("rope.dimension_count", d_k),
        ("attention.head_count_kv", heads),
    ):
        if metadata.same(key, same) != same:
            raise metadata.fault(key, f"is not {same}, as in every encoder")
    expect_same_in_windows(metadata, d_k)
    return {
        "model_type": model_type,
        "vocab_size": _rows(file, "token_embd.weight"),
        "hidden_size": metadata.whole("embedding_length"),
        "num_hidden_layers": metadata.whole("block_count"),
        "num_attention_heads": heads,
        "intermediate_size": _needed(metadata, _INNER),
        "max_position_embeddings": metadata.whole("context_length"),
    }


def _t5(metadata: Metadata, file: GgufSource) -> dict[str, Any]:
    """Files do not say the activation: with gates it is GELU, else ReLU, as llama.cpp has it.

    Nor that they are a UMT5, each of whose layers has a bias of distances.
    """
    gated = _is_gated_t5(file)
    expect_activation_of_t5(metadata, gated=gated)
    layers = metadata.whole("block_count")
    rms = "attention.layer_norm_rms_epsilon"
    return {
        "model_type": "umt5" if "enc.blk.1.attn_rel_b.weight" in file.header.tensors else "t5",
        "vocab_size": _rows(file, "token_embd.weight"),
        "d_model": metadata.whole("embedding_length"),
        "d_kv": _d_k(metadata),
        "d_ff": _needed(metadata, _INNER),
        "num_layers": layers,
        "num_decoder_layers": metadata.whole("decoder_block_count", layers),
        "num_heads": _needed(metadata, _HEADS),
        "n_positions": metadata.whole("context_length", 512),
        "relative_attention_num_buckets": metadata.whole("attention.relative_buckets_count", 32),
        "layer_norm_epsilon": metadata.number(rms if metadata.has(rms) else _EPSILON),
        "feed_forward_proj": "gated-gelu" if gated else "relu",
        "decoder_start_token_id": metadata.whole("decoder_start_token_id", 0),
        "tie_word_embeddings": "output.weight" not in file.header.tensors,
    }


def _needed(metadata: Metadata, key: str) -> int:
    """A whole number, given alone or for each layer. Raises: DataError where there is none."""
    value = metadata.same(key, None)
    if value is None:
        raise metadata.fault(key, "is missing, expected a whole number")
    return value


def _t5_encoder(metadata: Metadata, file: GgufSource) -> dict[str, Any]:
    return _t5(metadata, file) | {"is_encoder_decoder": False}


def _rows(file: GgufSource, name: str) -> int:
    """How many rows a tensor has. Raises: DataError where there is none."""
    tensor = file.header.tensors.get(name)
    if tensor is None:
        raise DataError(f"the tensor {quoted(name)} is missing", place=file.place)
    return tensor.shape[0]


def _d_k(metadata: Metadata) -> int:
    """The width of a head. Raises: DataError where the heads do not divide the width evenly."""
    if (own := metadata.same(_KEY_LENGTH, None)) is not None:
        if own < 1:
            raise metadata.fault(_KEY_LENGTH, f"is {own}, expected a number above 0")
        return own
    return _width_of_heads(metadata)


def _width_of_heads(metadata: Metadata) -> int:
    """The width of the model over its heads. Raises: DataError where that is no whole number."""
    width, heads = metadata.whole("embedding_length"), metadata.same(_HEADS, None)
    if not heads or heads < 0 or width % heads:
        raise metadata.fault(_HEADS, f"is {heads}, which does not divide the width {width} evenly")
    return width // heads


def _scaled(metadata: Metadata, family: str) -> dict[str, Any]:
    """What Gemma divides scores by the root of: the width of a head, or of the model over its heads."""
    if metadata.whole("block_count") != _SPECIAL_SCALE[family]:
        return {"query_pre_attn_scalar": _d_k(metadata)}
    heads = metadata.same(_HEADS, None) or 1
    return {"query_pre_attn_scalar": metadata.whole("embedding_length") / heads}


def _has(file: GgufSource, part: str) -> bool:
    """Whether the first layer has a tensor."""
    return f"blk.0.{part}" in file.header.tensors


def _is_gated_t5(file: GgufSource) -> bool:
    return "enc.blk.0.ffn_gate.weight" in file.header.tensors


ARCHITECTURES: Mapping[str, GgufArchitecture] = {
    "llama": GgufArchitecture(PERMUTED, _llama),
    "qwen2": GgufArchitecture(PLAIN, _qwen2),
    "qwen3": GgufArchitecture(PLAIN, _qwen3),
    "gemma2": GgufArchitecture(AROUND, _gemma2),
    "gemma3": GgufArchitecture(AROUND, _gemma3),
    "phi3": GgufArchitecture(JOINED, _phi3),
    "olmo2": GgufArchitecture(PLAIN, _olmo2),
    "smollm3": GgufArchitecture(PERMUTED, _smollm3),
    "bert": GgufArchitecture(BERT, _bert),
    "modern-bert": GgufArchitecture(MODERN_BERT, _modern_bert),
    "t5": GgufArchitecture(T5, _t5),
    "t5encoder": GgufArchitecture(T5, _t5_encoder),
}
