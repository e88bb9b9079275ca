"""A trained model for PyTorch: tensors with the names and the layout of torch's modules.

docs/training.md has the code that loads such a file. The numbers are those of the model, bit for
bit; only axes are joined and turned. Vectors of words are not among them.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from attncli.arrays import FloatArray
from attncli.files.paths import is_folder
from attncli.files.writing import write_whole
from attncli.models.trained import TrainedModel

FORMAT = 1


def torch_tensors(model: TrainedModel) -> dict[str, FloatArray]:
    """The tensors of a model, all heads of all members joined, float32.

    Shapes: q_proj.weight, k_proj.weight (heads·d_k, d_model); v_proj.weight (heads·d_v, d_model +
    n_landmarks), as nn.Linear (out, in); landmarks (n_landmarks, d_model), landmark_mixing
    (n_landmarks, n_landmarks); position_embedding.weight (max_positions, d_model) or
    relative_bias.weight (2·reach + 3, heads), as nn.Embedding; pool (heads, d_v); of member i
    classifier.i.weight (n_labels, n_heads·d_v) and classifier.i.bias (n_labels,). A model whose
    weights were fitted has no values and no classifier; one without landmarks has none of theirs.
    """
    numbers, a = model.parameters, model.architecture
    tensors = {
        f"{short}_proj.weight": _linear(numbers[f"W_{short}"])
        for short in "qkv"
        if f"W_{short}" in numbers
    }
    if a.positions == "learned":
        tensors["position_embedding.weight"] = numbers["position_table"]
    elif a.positions == "relative":
        tensors["relative_bias.weight"] = numbers["position_table"].T
    if numbers.fixed:
        tensors["landmarks"] = numbers.fixed["landmarks"]
        tensors["landmark_mixing"] = numbers.fixed["mixing"]
    if "pool" in numbers:
        tensors["pool"] = numbers["pool"]
    if "W_out" in numbers:
        for member, (matrix, bias) in enumerate(
            zip(numbers["W_out"], numbers["b_out"], strict=True)
        ):
            tensors[f"classifier.{member}.weight"] = matrix.T
            tensors[f"classifier.{member}.bias"] = bias
    return tensors


def torch_facts(model: TrainedModel) -> dict[str, Any]:
    """What the tensors do not say: sizes, masks, pooling, labels, and which vectors go in."""
    a = model.architecture
    return {
        "format": FORMAT,
        "d_model": a.d_model,
        "heads": a.all_heads,
        "committee": a.committee,
        "d_k": a.d_k,
        "d_v": a.d_model if a.readout == "weights" else a.d_v,
        "scale": model.projections.scale,
        "causal": a.causal,
        "window": a.window,
        "positions": a.positions,
        "landmarks": 0 if a.readout == "weights" else a.landmarks,
        "pooling": "none" if a.readout == "weights" else a.readout,
        "labels": list(model.labels),
        "targets": list(model.targets),
        "reading": model.reading,
        "vectors": model.vectors._asdict(),
        **({} if a.pair is None else {"pair": a.pair}),
    }


def torch_bytes(model: TrainedModel) -> bytes:
    """The content of the file; the same model gives the same bytes.

    The facts are JSON under the key "attention" of the metadata: safetensors writes several keys
    in no fixed order.
    """
    from safetensors.numpy import save

    tensors = {name: np.ascontiguousarray(part) for name, part in torch_tensors(model).items()}
    return save(tensors, {"attention": json.dumps(torch_facts(model), ensure_ascii=False)})


def exported_file(output: str) -> Path:
    """Where an export goes: the file, or model.safetensors in a folder (there, or ending in /)."""
    path = Path(output)
    return path / "model.safetensors" if is_folder(path) or output.endswith(("/", "\\")) else path


def export_for_torch(model: TrainedModel, path: Path) -> None:
    """Writes the file, whole or not at all. Raises: OutputError."""
    write_whole(path, torch_bytes(model))


def _linear(matrices: FloatArray) -> FloatArray:
    """Matrices of heads, (heads, in, out), as the weight of one nn.Linear, (heads·out, in)."""
    heads, rows, columns = matrices.shape
    return matrices.swapaxes(1, 2).reshape(heads * columns, rows)
