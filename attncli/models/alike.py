"""What a name that leads to nothing may stand for: the models of this machine that are called so in short."""

from collections.abc import Iterator, Mapping

from attncli.errors import InputError
from attncli.models.local_stores import StoredModel, stored_models

_MOST = 3
_STORES = ("ollama:", "lmstudio:", "llama.cpp:", "hf:")


def or_in_full(name: str, env: Mapping[str, str] | None = None) -> str:
    """The end of a message: names in full of the models that are called `name` in short, or nothing.

    "ollama:tiny:latest" is tiny and tiny:latest in short, "lmstudio:org/name/FILE.gguf" is FILE.gguf
    and FILE. A store that cannot be read has none.
    """
    stored = (one for one in stored_models(env) if not isinstance(one, InputError))
    meant = [one.name for one in stored if name and name in _short_names(one)]
    return f"; did you mean {' or '.join(meant[:_MOST])}?" if meant else ""


def _short_names(model: StoredModel) -> Iterator[str]:
    """The ends of a name at its slashes, each without its tag and its suffix too."""
    prefix = next((store for store in _STORES if model.name.startswith(store)), "")
    parts = model.name.removeprefix(prefix).split("/")
    for start in range(len(parts)):
        end = "/".join(parts[start:])
        yield from (end, end.removesuffix(".gguf"))
        if prefix == "ollama:":
            yield end.rpartition(":")[0]
