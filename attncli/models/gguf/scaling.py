"""How the rope of a GGUF file is scaled, as the keys of a config.json say it.

Source: ggml-org/llama.cpp, which reads a factor without a type as a linear one.
"""

from typing import Any

from attncli.errors import DataError
from attncli.errors.wording import quoted
from attncli.models.gguf.mapped import GgufSource
from attncli.models.gguf.metadata import Metadata
from attncli.models.gguf.unpacking import dequantized

_FACTOR = "rope.scaling.factor"
_FIRST_FACTOR = "rope.scale_linear"  # as the first files had it


def rope_scaling_of(
    metadata: Metadata, file: GgufSource, *, partial: bool
) -> dict[str, Any] | None:
    """How the rope is scaled, linearly where a factor has no type, as llama.cpp takes it.

    Llama 3.1 has a factor for each pair of numbers, as a tensor. Raises: DataError.
    """
    factors = factors_of(file, "rope_freqs.weight")
    given = metadata.number(_FACTOR, 0.0) or metadata.number(_FIRST_FACTOR, 0.0) or 1.0
    kind = metadata.text("rope.scaling.type", "none" if given == 1 else "linear")
    if factors is not None:
        if given != 1 and kind != "none":
            raise metadata.fault(_FACTOR, f"is {given:g} beside rope_freqs.weight, expected none")
        return {
            "rope_type": "longrope",
            "short_factor": factors,
            "long_factor": factors,
            "factor": 1.0,
            "attention_factor": 1.0,
        }
    if kind == "none" or (kind == "longrope" and partial):  # whose factors are tensors
        return None
    if kind not in ("linear", "yarn"):
        raise metadata.fault("rope.scaling.type", f"is {quoted(kind)}, expected linear or yarn")
    scaling: dict[str, Any] = {
        "rope_type": kind,
        "factor": given if metadata.has(_FIRST_FACTOR) else metadata.number(_FACTOR),
        "original_max_position_embeddings": metadata.optional_whole(
            "rope.scaling.original_context_length"
        ),
    }
    for name in ("beta_fast", "beta_slow"):
        if metadata.has(f"rope.scaling.yarn_{name}"):
            scaling[name] = metadata.number(f"rope.scaling.yarn_{name}")
    return scaling


def factors_of(file: GgufSource, name: str) -> list[float] | None:
    """The numbers of a small tensor, None where there is none."""
    tensor = file.header.tensors.get(name)
    if tensor is None:
        return None
    if len(tensor.shape) != 1 or tensor.shape[0] > 1 << 16:
        raise DataError(f"{quoted(name)} is no list of factors", place=file.place)
    factors: list[float] = dequantized(file.blocks(tensor), tensor.quantization)[0].tolist()
    return factors
