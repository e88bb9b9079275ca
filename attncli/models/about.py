"""What family a model is of, read from the head of its files alone."""

from pathlib import Path

from attncli.files.paths import is_file
from attncli.models.checkpoint import read_json
from attncli.models.families.reading import model_types


def family_of(path: Path) -> str | None:
    """The model_type of a checkpoint folder or the architecture of a GGUF file; None if not said.

    Raises: InputError, DataError, LimitError for a file that cannot be read.
    """
    if is_file(path):
        from attncli.models.gguf.mapped import opened_gguf

        family = opened_gguf(path).header.metadata.get("general.architecture")
    else:
        family = read_json(path / "config.json").get("model_type")
    return family if isinstance(family, str) else None


def reads_family(path: Path, family: str | None) -> bool:
    """Whether models of this family are read here, in the format of this path."""
    if is_file(path):
        from attncli.models.gguf.architectures import ARCHITECTURES

        return family in ARCHITECTURES
    return family in model_types()
