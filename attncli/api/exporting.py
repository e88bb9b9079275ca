"""A trained model → a file for PyTorch."""

from os import PathLike
from pathlib import Path

from attncli.checks.arguments import path_of
from attncli.errors import UsageError
from attncli.errors.wording import visible
from attncli.files.apart import OutputFile, expect_writable
from attncli.models.named import find_model, is_transformer
from attncli.models.torch_export import export_for_torch, exported_file
from attncli.models.trained import TrainedModel


def export_model(model: str | PathLike[str] | TrainedModel, output: str | PathLike[str]) -> Path:
    """Writes the attention of a trained model as safetensors for PyTorch; gives the file's path.

    Tensors have the names and the layout of torch's modules: `q_proj.weight` of all heads joined,
    (out, in). Metadata have the rest as JSON under the key "attention": heads, scale, masks,
    pooling, labels, and the name and SHA-256 of the vectors, which are not exported. docs/training.md
    has the code that loads it. An `output` that is a folder gets model.safetensors.
    Raises: UsageError for a transformer, or an output that is the model; what reading a model
    raises; OutputError.
    """
    named = None if isinstance(model, TrainedModel) else path_of(model, "model")
    file = exported_file(path_of(output, "output"))
    if named is not None and is_transformer(named):
        raise UsageError(
            "found a transformer or a folder, expected a file that attn train wrote: PyTorch reads "
            "the others as they are",
            place=visible(named)[:200],
        )
    expect_writable([OutputFile("output", str(file))], [named])
    trained = model if isinstance(model, TrainedModel) else find_model(str(named))
    export_for_torch(trained, file)
    return file
