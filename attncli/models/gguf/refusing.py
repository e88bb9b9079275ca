"""Keys of a GGUF file that change the numbers and are not computed here: each is refused by its name.

llama.cpp reads some of them for every architecture, others for those that are stored under the name
of one that is read here, such as the windows of OLMo 3 in files of `olmo2`. Source: ggml-org/llama.cpp.
"""

from collections.abc import Collection, Mapping

from attncli.errors.wording import quoted
from attncli.models.gguf.metadata import Metadata

_WINDOWS = ("gemma2", "gemma3", "phi3", "modern-bert")  # that read their length
_DECODERS = ("gemma2", "gemma3", "phi3")  # of those with windows
_CAPS = ("gemma2", "gemma3")
# Each with the values that change nothing, and the architectures that compute it or refuse it themselves.
_NOT_COMPUTED: Mapping[str, tuple[tuple[float, ...], Collection[str]]] = {
    "attention.chunk_size": ((0.0,), ()),
    "attention.clamp_kqv": ((0.0,), ()),
    "attention.max_alibi_bias": ((0.0,), ()),
    "attention.output_scale": ((0.0, 1.0), ()),
    "attention.scale": ((0.0,), ()),
    "attention.shared_kv_layers": ((0.0,), ()),
    "attention.sliding_window": ((0.0,), _WINDOWS),
    "attention.temperature_length": ((0.0,), ()),
    "attention.temperature_scale": ((0.0,), ()),
    "attn_logit_softcapping": ((0.0,), _CAPS),
    "embedding_length_per_layer_input": ((0.0,), ()),
    "embedding_scale": ((0.0, 1.0), ()),
    "final_logit_softcapping": ((0.0,), _CAPS),
    "logit_scale": ((0.0, 1.0), ()),
    "residual_scale": ((0.0, 1.0), ()),
    "rope.scaling.alpha": ((0.0,), ()),
    "rope.scaling.attn_factor": ((1.0,), ("phi3",)),
    "rope.scaling.yarn_attn_factor": ((1.0,), ()),
    "rope.scaling.yarn_ext_factor": ((-1.0, 1.0), ()),
    "rope.scaling.yarn_log_multiplier": ((0.0,), ()),
}
# What hidden_activation may say where it is not read: what the architecture computes.
_SILU, _GELU = ("silu", "swish", "swiglu"), ("gelu", "geglu", "gelu_pytorch_tanh", "gelu_new")
_ACTIVATIONS: Mapping[str, Collection[str]] = {
    **dict.fromkeys(("llama", "qwen2", "qwen3", "phi3", "olmo2", "smollm3"), _SILU),
    **dict.fromkeys(("gemma2", "gemma3", "bert"), _GELU),
}


def refuse_what_is_not_computed(metadata: Metadata, architecture: str) -> None:
    """Raises: DataError for a key that changes the numbers of what is not read here.

    `metadata` are those of the architecture. A window that is as long as the model reads is none.
    """
    for key, (unchanged, known) in _NOT_COMPUTED.items():
        value = None if architecture in known else metadata.optional_number(key)
        if value is None or value in unchanged or _is_all(metadata, key, value):
            continue
        raise metadata.fault(key, f"is {value:g}, expected none: it is not computed here")
    if architecture in _DECODERS and not metadata.flag("attention.causal", True):
        raise metadata.fault("attention.causal", "is false beside windows, expected a decoder")
    if (computed := _ACTIVATIONS.get(architecture)) is not None:
        _expect_activation(metadata, computed)
    if metadata.flag("use_parallel_residual", False):
        raise metadata.fault("use_parallel_residual", "is true, expected layers of one path")


def expect_activation_of_t5(metadata: Metadata, *, gated: bool) -> None:
    """Raises: DataError where a T5 says another activation than the one that it is read with."""
    _expect_activation(metadata, _GELU if gated else ("relu",))


def _expect_activation(metadata: Metadata, computed: Collection[str]) -> None:
    given = metadata.text("hidden_activation", "")
    if given and given not in computed:
        raise metadata.fault(
            "hidden_activation", f"is {quoted(given)}, expected one of {', '.join(computed)}"
        )


def _is_all(metadata: Metadata, key: str, value: float) -> bool:
    """Whether a window is as long as a text may be."""
    return key == "attention.sliding_window" and value >= metadata.whole("context_length")
