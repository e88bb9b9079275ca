"""The local cache of Hugging Face: its folder, and the folders of models and revisions in it.

Nothing is downloaded, and what a file of the cache says leads to nowhere else.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from attncli.files.paths import at_home, is_file, is_folder

_COMMIT = re.compile(r"[A-Za-z0-9][\w-]*", re.ASCII)
_LONGEST_COMMIT = 200  # bytes


def cache_folder(env: Mapping[str, str]) -> Path:
    """The folder of the Hugging Face cache.

    Source: the environment variables of huggingface_hub: HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE,
    HF_HOME, XDG_CACHE_HOME.
    """
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if env.get(name):
            return at_home(env[name])
    if env.get("HF_HOME"):
        return at_home(env["HF_HOME"]) / "hub"
    base = env.get("XDG_CACHE_HOME") or "~/.cache"
    return at_home(base) / "huggingface" / "hub"


def repositories(hub: Path, name: str) -> list[Path]:
    """The folders of a model in a cache: one of "org/name", of "name" alone whoever made it."""
    exact = hub / f"models--{name.replace('/', '--')}"
    if is_folder(exact):
        return [exact]
    return [] if "/" in name else sorted(hub.glob(f"models--*--{name}"))


def snapshot_folder(repository: Path, revision: str = "") -> Path | None:
    """The folder of a revision (a branch, a tag or a commit), or of the newest one that is whole.

    Whole is one with a config.json, or with a GGUF file, which may lie in a folder of its own.
    """
    snapshots = repository / "snapshots"
    wanted = [revision] if revision else ["main"]
    for reference in wanted:
        file = repository / "refs" / reference
        commit = _commit(file) if is_file(file) else reference
        if _is_whole(snapshots / commit):
            return snapshots / commit
    if revision or not is_folder(snapshots):
        return None
    whole = [folder for folder in snapshots.iterdir() if _is_whole(folder)]
    return max(whole, key=lambda folder: folder.stat().st_mtime, default=None)


def _is_whole(folder: Path) -> bool:
    patterns = ("*.gguf", "*/*.gguf")  # models in several files have a folder for each quantization
    some = (path for pattern in patterns for path in folder.glob(pattern))
    return is_file(folder / "config.json") or any(map(is_file, some))


def name_of_repository(repository: Path) -> str:
    """The name of a model from its folder in a cache: "org/name"."""
    return repository.name.removeprefix("models--").replace("--", "/")


def _commit(reference: Path) -> str:
    """The commit that a reference names; nothing that could lead out of the snapshots."""
    with reference.open("rb") as file:
        text = file.read(_LONGEST_COMMIT).decode("ascii", "replace").strip()
    return text if _COMMIT.fullmatch(text) else "no commit"
