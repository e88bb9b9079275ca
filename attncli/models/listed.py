"""The models of this machine, each with a name that opens it and nothing else."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from attncli.errors import AttnError, InputError
from attncli.models.folders import find_checkpoint
from attncli.models.local_stores import StoredModel, stored_models
from attncli.models.shipped import shipped_names


def listed_models(env: Mapping[str, str] | None = None) -> Iterator[StoredModel | InputError]:
    """The models of the stores, or why a part of one cannot be read.

    A model whose name means another one here is called by its store, or by its path: two folders of
    ATTN_MODELS may hold a model of one name, and a name may have a line break in it.
    """
    listed = set[tuple[str, Path]]()
    for model in stored_models(env):
        if isinstance(model, InputError):
            yield model
            continue
        names = (model.name, f"hf:{model.name}", str(model.path))
        name = next((name for name in names if _opens(name, model.path, env)), str(model.path))
        if (name, model.path) not in listed:
            listed.add((name, model.path))
            yield model._replace(name=name)


def _opens(name: str, path: Path, env: Mapping[str, str] | None) -> bool:
    try:
        return name not in shipped_names() and find_checkpoint(name, env).folder == path
    except AttnError:
        return False
