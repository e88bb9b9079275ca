"""What names an entry of the cache: a file as it is now, or a content, and how it is read."""

import json
import os
import stat
from pathlib import Path
from typing import Any

from attncli.files.paths import listed

_PIECE = 64 << 10


def key_of(path: Path, options: str) -> str | None:
    """The name of a file's entry: what the file is now, and how it is read.

    None for what is no regular file (a pipe): it cannot be known again.
    """
    blake2b = _blake2b()
    digest = blake2b(options.encode("utf-8", "surrogateescape"), digest_size=16)
    for part in _sources(path):
        try:
            with part.open("rb") as file:
                state = os.fstat(file.fileno())
                if not stat.S_ISREG(state.st_mode):
                    return None
                name = part.name.encode("utf-8", "surrogateescape")
                digest.update(
                    b"%d %d %d %d %d\0%s\0"
                    % (
                        state.st_size,
                        state.st_mtime_ns,
                        state.st_ctime_ns,
                        state.st_ino,
                        len(name),
                        name,
                    )
                )
                for at in _places(state.st_size):
                    file.seek(at)
                    digest.update(file.read(_PIECE))
        except (OSError, ValueError):
            return None
    key: str = digest.hexdigest()
    return key


def key_of_content(name: str, sha256: str, options: str) -> str:
    """The name of an entry of what was downloaded: its name, its content, and how it is read."""
    found: str = _blake2b()(f"{name}\0{sha256}\0{options}".encode(), digest_size=16).hexdigest()
    return found


def _blake2b() -> Any:
    """hashlib's function without hashlib, which would load OpenSSL for a sentence."""
    try:
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b
    return blake2b


def _places(size: int) -> tuple[int, ...]:
    """Where to look into a file: all of a small one, else its head, middle and tail."""
    if size <= 3 * _PIECE:
        return tuple(range(0, size, _PIECE))
    return 0, size // 2, size - _PIECE


def _sources(path: Path) -> list[Path]:
    """The file, and those beside it that belong to it (the arrays of gensim, lists of words)."""
    if os.path.isdir(path):  # noqa: PTH112  (Path raises for long names)
        from attncli.embeddings.readers.static_model import static_files

        return list(static_files(path) or [])
    beside: list[Path] = []
    try:
        with path.open("rb") as file:
            head = file.read(9)
    except (OSError, ValueError):
        return [path]
    is_tensors = head[5:9] == b"\0\0\0{"  # safetensors, whatever its first byte
    if head[:1] == b"\x80" and not is_tensors:
        beside = listed(path.parent, _escaped(path.name) + ".*.npy")
    elif head.startswith(b"\x93NUMPY") or is_tensors:
        from attncli.embeddings.readers.npz import word_file

        words = word_file(path)
        beside = [] if words is None else [words]
    return [path, *beside]


def _escaped(name: str) -> str:
    from glob import escape

    return escape(name)


def options_text(options: dict[str, Any]) -> str:
    """Reading options as text, the same for the same options."""
    return json.dumps(options, sort_keys=True)
