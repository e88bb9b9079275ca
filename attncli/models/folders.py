"""Where a checkpoint lies: a folder, or a name in the local cache of Hugging Face.

Nothing is downloaded: a name that is not in the cache is an error that says how to fetch it.
"""

import os
import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from attncli.errors import InputError, UsageError
from attncli.errors.wording import visible
from attncli.files.paths import at_home, exists, is_file, is_folder
from attncli.models.alike import or_in_full
from attncli.models.hub import cache_folder, name_of_repository, repositories, snapshot_folder
from attncli.models.local_stores import GGUF_PART, stored_file

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)?(?:@[\w./-]+)?", re.ASCII)


_HEADER_START = 1 << 16  # bytes; attn train writes its facts at the start of the header
_GGUF = b"GGUF"  # how a file of this format begins
_OLD_SENTENCE_FOLDER = "0_Transformer"  # where sentence-transformers 1 and 2 put the model


class Found(NamedTuple):
    """A checkpoint folder or GGUF file, and the name that messages and records give it."""

    folder: Path
    name: str


def find_checkpoint(given: str, env: Mapping[str, str] | None = None) -> Found:
    """The checkpoint of a folder, a GGUF file, or a name such as gpt2 or org/name@revision.

    A name may be one of another program's store too, or of a folder of ATTN_MODELS: see
    `attncli.models.local_stores`. Raises: InputError when there is none, with the names in full of what
    is called so in short; UsageError for an address.
    """
    return _found(given, env, partial(or_in_full, given, env))


def _found(given: str, env: Mapping[str, str] | None, meant: Callable[[], str]) -> Found:
    """What `find_checkpoint` gives; `meant` tells what a name that leads to nothing may stand for."""
    if "://" in given:
        raise UsageError(
            "found an address, expected a folder: attn reads local files only",
            place=visible(given)[:80],
            hints=["download it first: hf download ORG/NAME"],
        )
    if not given:
        raise InputError("found an empty name, expected a folder with config.json")
    path = at_home(given)
    if is_file(path / "config.json"):
        return Found(path, _folder_name(path))
    if is_file(path / _OLD_SENTENCE_FOLDER / "config.json"):
        return Found(path / _OLD_SENTENCE_FOLDER, _folder_name(path))
    if is_weights_of_checkpoint(path):
        return Found(path.parent, _folder_name(path.parent))
    if is_gguf(path):
        return Found(path, GGUF_PART.sub("", path.name).removesuffix(".gguf"))
    if is_folder(path):
        raise InputError(_why_no_config(path), place=visible(given)[:200])
    if exists(path):
        raise InputError("expected a folder with config.json, or a GGUF file", place=visible(given))
    stored = stored_file(given, env)
    checkpoint = Found(stored, given) if stored is not None else _cached(given, env, meant)
    if is_folder(checkpoint.folder) and not is_file(checkpoint.folder / "config.json"):
        raise InputError(
            "found GGUF files and no config.json, expected the name of one of the files",
            place=visible(given)[:80],
            hints=("attn model list",),
        )
    return checkpoint


def is_checkpoint(given: str, env: Mapping[str, str] | None = None) -> bool:
    """Whether a folder or a cached name is a checkpoint; nothing is read but its place."""
    try:
        _found(given, env, str)  # nobody reads what else it may stand for, which takes time
    except (InputError, UsageError):
        return False
    return True


def is_in_cache(given: str, env: Mapping[str, str] | None = None) -> bool:
    """Whether the cache of Hugging Face has something of this name, be it no checkpoint or several.

    What is the matter with it `find_checkpoint` says.
    """
    name = given.partition("@")[0]
    hub = cache_folder(os.environ if env is None else env)
    try:
        return bool(_NAME.fullmatch(given)) and not exists(given) and bool(repositories(hub, name))
    except OSError:
        return False


def is_weights_of_checkpoint(path: Path) -> bool:
    """Whether this is the model.safetensors of a checkpoint folder, and no model of attn train."""
    if path.name != "model.safetensors" or not is_file(path.parent / "config.json"):
        return False
    if not is_file(path):  # a pipe would block
        return False
    try:
        with path.open("rb") as file:
            start = file.read(_HEADER_START)
    except OSError:  # who opens it for its numbers says why
        return True
    return b'"attn":' not in start


def is_gguf(path: Path) -> bool:
    """Whether a file begins as GGUF files do, or is called so and is no model of attn train either.

    Who reads the latter says what it is.
    """
    if not is_file(path):  # a pipe would block
        return False
    is_named = path.suffix.lower() == ".gguf"
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except OSError:  # who opens it for its numbers says why
        return is_named
    return start.startswith(_GGUF) or (is_named and start[8:] != b"{")


def _why_no_config(folder: Path) -> str:
    """What is wrong with the config.json of a folder, or with the folder."""
    try:
        (folder / "config.json").stat()
    except FileNotFoundError:
        return "no config.json in this folder"
    except OSError as fault:
        return f"cannot open its config.json: {(fault.strerror or '').lower()}"
    return "its config.json is no file"


def _cached(given: str, env: Mapping[str, str] | None, meant: Callable[[], str]) -> Found:
    hub = cache_folder(os.environ if env is None else env)
    name, _, revision = given.partition("@")
    is_name = _NAME.fullmatch(given) and ".." not in given and not revision.startswith("/")
    try:
        folders = repositories(hub, name) if is_name else []
        snapshots = [s for path in folders if (s := snapshot_folder(path, revision)) is not None]
    except OSError as fault:
        place = visible(str(hub))[:200]
        reason = (fault.strerror or "").lower()
        raise InputError(f"cannot read this cache: {reason}", place=place) from None
    if len(folders) > 1:
        named = ", ".join(name_of_repository(path) for path in folders[:4])
        raise InputError(f"it is in the cache more than once: {named}", place=visible(given))
    if not snapshots:
        fetched = is_name and "/" in given and not folders and len(given) < 200
        listed = ["attn model list"] if is_name else []
        hints = [f"hf download {given} puts it there"] if fetched else listed
        raise InputError(
            f"no such folder, and not in the Hugging Face cache {visible(str(hub))[:200]}"
            f"{visible(meant())}",
            place=visible(given)[:80],
            hints=hints,
        )
    return Found(snapshots[0], name_of_repository(folders[0]))


def _folder_name(path: Path) -> str:
    """The name of a folder as it was given; of "." and ".." the one they stand for.

    "." is what the shell calls it: a link keeps its name.
    """
    if path.name not in ("", ".."):
        return path.name
    here = Path(os.environ.get("PWD", ""))
    named = path == Path() and here.is_absolute() and here.resolve() == path.resolve()
    return (here if named else path.resolve()).name
