"""The models that other programs left on this machine: Hugging Face, Ollama, LM Studio, llama.cpp.

A model of a store is called STORE:NAME ("ollama:smollm2:135m", "lmstudio:org/model/file.gguf",
"llama.cpp:file.gguf", "hf:org/name/file.gguf"); a checkpoint in the cache of Hugging Face keeps its
own name. What lies in the folders of ATTN_MODELS goes by its path in there. Nothing is downloaded,
and no name leads out of its store.
"""

import glob
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

from attncli.errors import InputError
from attncli.errors.wording import visible
from attncli.files.paths import at_home, exists, is_file, is_folder
from attncli.models.hub import cache_folder, name_of_repository, snapshot_folder

Source = Literal["huggingface", "ollama", "lmstudio", "llama.cpp", "folder"]
FOLDERS = "ATTN_MODELS"
_OLLAMA_SERVICE = "/usr/share/ollama/.ollama/models"  # of the service that Linux packages start
_OLLAMA_USUAL = ("registry.ollama.ai", "library")
_OLLAMA_TAG = "latest"
_MODEL = "application/vnd.ollama.image.model"
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})", re.ASCII)
_PART = re.compile(r"[\w][\w.-]*", re.ASCII)  # of a name; no part leads upwards
_PORT = re.compile(r":[0-9]{1,5}$", re.ASCII)  # of a registry
# How the name of a part of a model ends: the first of three files is called -00001-of-00003.gguf.
GGUF_PART = re.compile(r"-([0-9]{5})-of-([0-9]{5})\.gguf$")
_MAX_MANIFEST = 1 << 20  # bytes
_MAX_DEPTH = 5  # folders below a store
_MAX_PARTS = 1000  # of a model that are looked for
_MAX_ENTRIES = 100_000  # files and folders that a store is asked for


class StoredModel(NamedTuple):
    """A model of a store: its name, whose it is, its folder or file, its bytes."""

    name: str
    source: Source
    path: Path
    size: int


def stored_models(env: Mapping[str, str] | None = None) -> Iterator[StoredModel | InputError]:
    """Every model of this machine's stores, or why a part of one cannot be read.

    Of each store in the order of its names; a store that is not there has none.
    """
    env = os.environ if env is None else env
    yield from _huggingface(env)
    yield from _ollama(env)
    yield from _in_stores("lmstudio", _lm_studio_stores(env))
    yield from _in_stores("llama.cpp", _llama_cpp_stores(env))
    yield from _folders(env)


def is_of_store(name: str) -> bool:
    """Whether a name is STORE:NAME, and no file or folder is called so."""
    store, _, inner = name.partition(":")
    return bool(inner) and store in _FINDERS and not exists(Path(name))


def stored_file(name: str, env: Mapping[str, str] | None = None) -> Path | None:
    """The folder or file of a model that is called STORE:NAME, or that lies in ATTN_MODELS.

    None for a name of no store. Raises: InputError when its store has no such model.
    """
    env = os.environ if env is None else env
    if not is_of_store(name):
        inside = (_inside(folder, name) for folder in _listed(env))
        return next((path for path in inside if path is not None), None)
    store, _, inner = name.partition(":")
    path = _FINDERS[store](inner, env)
    if path is None:
        raise InputError(
            f"no such model in the store of {store}",
            place=visible(name)[:200],
            hints=("attn model list",),
        )
    return path


def _huggingface(env: Mapping[str, str]) -> Iterator[StoredModel | InputError]:
    hub = cache_folder(env)
    for repository in _entries(hub):
        if isinstance(repository, InputError):
            yield repository
        elif repository.name.startswith("models--"):
            name = name_of_repository(repository)
            try:
                snapshot = _snapshot(repository)
            except InputError as fault:
                yield fault
                continue
            if snapshot is None:
                continue
            if is_file(snapshot / "config.json"):
                yield from _checkpoint(name, "huggingface", snapshot)
            for entry in _gguf_files(snapshot):
                yield _named(f"hf:{name}/", snapshot, entry, "huggingface")


def _huggingface_file(name: str, env: Mapping[str, str]) -> Path | None:
    parts = name.split("/")
    for count in (2, 1):  # org/name, or a name alone
        if len(parts) >= count and all(map(_PART.fullmatch, parts[:count])):
            snapshot = _snapshot(cache_folder(env) / "--".join(("models", *parts[:count])))
            if snapshot is not None:
                file = "/".join(parts[count:])
                return _inside(snapshot, file) if file else snapshot
    return None


def _snapshot(repository: Path) -> Path | None:
    try:
        return snapshot_folder(repository)
    except OSError as fault:
        reason = f"cannot read this model: {(fault.strerror or '').lower()}"
        raise InputError(reason, place=visible(str(repository))[:200]) from None


def _ollama(env: Mapping[str, str]) -> Iterator[StoredModel | InputError]:
    for store in _ollama_stores(env):
        manifests = store / "manifests"
        for path in _files(manifests):
            if isinstance(path, InputError):
                yield path
                continue
            parts = path.relative_to(manifests).parts
            try:
                blob = _blob(store, path)
            except InputError as fault:
                yield fault
                continue
            if len(parts) == 4 and blob is not None:
                registry, space, model, tag = parts
                usual = (registry, space) == _OLLAMA_USUAL
                name = f"{model}:{tag}" if usual else f"{registry}/{space}/{model}:{tag}"
                yield StoredModel(f"ollama:{name}", "ollama", blob, blob.stat().st_size)


def _ollama_file(name: str, env: Mapping[str, str]) -> Path | None:
    path, _, tag = name.rpartition(":") if ":" in name.rpartition("/")[2] else (name, "", "")
    parts = [*path.split("/"), tag or _OLLAMA_TAG]
    parts = [*_OLLAMA_USUAL[: 4 - len(parts)], *parts]
    if len(parts) != 4 or not all(map(_PART.fullmatch, (_PORT.sub("", parts[0]), *parts[1:]))):
        return None
    for store in _ollama_stores(env):
        manifest = store.joinpath("manifests", *parts)
        if is_file(manifest):
            return _blob(store, manifest)
    return None


def _ollama_stores(env: Mapping[str, str]) -> list[Path]:
    if env.get("OLLAMA_MODELS"):
        return [at_home(env["OLLAMA_MODELS"])]
    return [at_home("~/.ollama/models"), Path(_OLLAMA_SERVICE)]


def _blob(store: Path, manifest: Path) -> Path | None:
    """The file of weights that a manifest names; None where it names none.

    Raises: InputError for a manifest that is damaged, or whose file is gone.
    """
    place = visible(str(manifest))[:200]
    try:
        with manifest.open("rb") as file:
            raw = file.read(_MAX_MANIFEST + 1)
        if len(raw) > _MAX_MANIFEST:
            raise ValueError("too long")
        layers = json.loads(raw)["layers"]
        digests = [layer["digest"] for layer in layers if layer["mediaType"] == _MODEL]
        match = _DIGEST.fullmatch(digests[0]) if digests else None
    except OSError as fault:
        raise InputError(f"cannot open: {(fault.strerror or '').lower()}", place=place) from None
    except (ValueError, LookupError, TypeError, RecursionError):
        raise InputError("this is no manifest of Ollama", place=place) from None
    if not digests:
        return None
    if match is None:
        raise InputError("its digest is none of sha256", place=place)
    blob = store / "blobs" / f"sha256-{match[1]}"
    if not is_file(blob):
        raise InputError(f"its file blobs/{blob.name[:16]}… is not there", place=place)
    return blob


def _in_stores(kind: Source, stores: Sequence[Path]) -> Iterator[StoredModel | InputError]:
    for store in stores:
        for entry in _gguf_files(store):
            yield _named(f"{kind}:", store, entry, kind)


def _lm_studio_stores(env: Mapping[str, str]) -> list[Path]:
    return [at_home("~/.lmstudio/models"), at_home("~/.cache/lm-studio/models")]


def _llama_cpp_stores(env: Mapping[str, str]) -> list[Path]:
    if env.get("LLAMA_CACHE"):
        return [at_home(env["LLAMA_CACHE"])]
    bases = [env.get("XDG_CACHE_HOME") or "~/.cache", "~/Library/Caches", env.get("LOCALAPPDATA")]
    return [at_home(base) / "llama.cpp" for base in bases if base]


def _folders(env: Mapping[str, str]) -> Iterator[StoredModel | InputError]:
    for folder in _listed(env):
        if not is_folder(folder):
            yield InputError(
                f"no such folder, {FOLDERS} names it", place=visible(str(folder))[:200]
            )
        for path in _files(folder):
            if isinstance(path, InputError):
                yield path
            elif path.name == "config.json":
                inner = path.parent.relative_to(folder)
                name = inner.as_posix() if inner.parts else str(folder)
                yield from _checkpoint(name, "folder", path.parent)
            elif _is_gguf(path):
                yield _named("", folder, path, "folder")


def _listed(env: Mapping[str, str]) -> list[Path]:
    return [at_home(path) for path in env.get(FOLDERS, "").split(os.pathsep) if path]


def _first_inside(stores: list[Path], name: str) -> Path | None:
    return next((path for store in stores if (path := _inside(store, name)) is not None), None)


def _inside(folder: Path, name: str) -> Path | None:
    """The file or folder of a name in a folder; None where none is, or it would lead out."""
    parts = name.split("/")
    if not all(part and part not in (".", "..") and part.isprintable() for part in parts):
        return None
    path = folder.joinpath(*parts)
    if Path(name).is_absolute() or Path(name).drive:
        return None
    return path if is_file(path) or is_file(path / "config.json") else None


def _named(
    prefix: str, store: Path, entry: Path | InputError, source: Source
) -> StoredModel | InputError:
    if isinstance(entry, InputError):
        return entry
    name = prefix + entry.relative_to(store).as_posix()
    parts = [entry]
    if (part := GGUF_PART.search(entry.name)) is not None:
        pattern = f"{glob.escape(entry.name[: part.start()])}-?????-of-{part[2]}.gguf"
        parts = [path for path in entry.parent.glob(pattern) if is_file(path)]
    return StoredModel(name, source, entry, sum(path.stat().st_size for path in parts))


def _gguf_files(folder: Path) -> Iterator[Path | InputError]:
    """The GGUF files of language models below a folder; not the part that sees pictures."""
    for path in _files(folder):
        if isinstance(path, InputError) or _is_gguf(path):
            yield path


def _is_gguf(path: Path) -> bool:
    is_own = path.suffix.lower() == ".gguf" and not path.name.startswith("mmproj")
    return is_own and not _is_later_part(path)


def _is_later_part(path: Path) -> bool:
    """Whether another part of the same model stands for it: the first one that is there."""
    part = GGUF_PART.search(path.name)
    if part is None:
        return False
    start, before = path.name[: part.start()], min(int(part[1]) - 1, _MAX_PARTS)
    names = (f"{start}-{number:05}-of-{part[2]}.gguf" for number in range(1, before + 1))
    return any(is_file(path.with_name(name)) for name in names)


def _checkpoint(name: str, source: Source, folder: Path) -> Iterator[StoredModel | InputError]:
    """The checkpoint of a folder, where its weights are there; their links may lead to nothing."""
    weights = sorted(folder.glob("*.safetensors"))
    if size := sum(path.stat().st_size for path in weights if is_file(path)):
        yield StoredModel(name, source, folder, size)
    elif gone := next((path for path in weights if path.is_symlink()), None):
        place = visible(str(gone))[:200]
        yield InputError("these weights are a link to a file that is not there", place=place)


def _files(folder: Path, depth: int = _MAX_DEPTH) -> Iterator[Path | InputError]:
    """The files below a folder, in the order of their names."""
    for entry in _entries(folder):
        if isinstance(entry, InputError) or is_file(entry):
            yield entry
        elif depth and is_folder(entry) and not entry.name.startswith("."):
            yield from _files(entry, depth - 1)


def _entries(folder: Path) -> Iterator[Path | InputError]:
    """What a folder holds, in the order of names; nothing of one that is not there."""
    if not is_folder(folder):
        return
    try:
        yield from sorted(islice(folder.iterdir(), _MAX_ENTRIES))
    except OSError as fault:
        yield InputError(
            f"cannot read this folder: {(fault.strerror or '').lower()}",
            place=visible(str(folder))[:200],
        )


_FINDERS: Mapping[str, Callable[[str, Mapping[str, str]], Path | None]] = {
    "hf": _huggingface_file,
    "ollama": _ollama_file,
    "lmstudio": lambda name, env: _first_inside(_lm_studio_stores(env), name),
    "llama.cpp": lambda name, env: _first_inside(_llama_cpp_stores(env), name),
}
