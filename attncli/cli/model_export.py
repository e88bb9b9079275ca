"""`attn model export`: what attn train learned, for PyTorch."""

from typing import Annotated

from attncli.cli import options as opt
from attncli.cli.options import OUTPUT, option
from attncli.cli.terminal import say_written


def export_to_torch(
    model: Annotated[str, opt.argument("MODEL", "A file of attn train, or idioms.")],
    output: Annotated[
        str,
        option(
            OUTPUT,
            "FILE|DIR",
            "Where it goes; a folder gets model.safetensors.",
            "--output",
            "-o",
        ),
    ],
    quiet: opt.Quiet = False,
) -> None:
    """Write what attn train learned as safetensors for PyTorch.

    Tensors are named and laid out as torch has them: q_proj.weight, all heads joined, (out, in).
    The documentation of attn train has ten lines of torch that read it. Vectors of words stay where
    they are; the file has their name and SHA-256.

    \b
    Examples:
      attn model export idioms -o idioms-torch.safetensors
      attn model export grades.safetensors -o exported/
    """
    from attncli.api.exporting import export_model

    say_written(str(export_model(model, output)), quiet=quiet)
