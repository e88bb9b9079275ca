"""Downloading a file of the gensim-data catalogue: the data only, never the code that lies beside it.

A mirror serves `NAME/NAME.gz` (in parts `NAME.gz_00`, `NAME.gz_01`, … for large files) and, if it has
one, a catalogue `list.json` with checksums. What a file must hash to is taken from --sha256, from
`NAME/NAME.gz.sha256`, or from the catalogue (sha256, else the md5 that gensim-data publishes).
"""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from attncli.errors import DataError, InputError, LimitError, UsageError
from attncli.escape import quoted, visible

MIRROR = "https://github.com/piskvorky/gensim-data/releases/download"
CATALOGUE = "https://raw.githubusercontent.com/piskvorky/gensim-data/master/list.json"
_PIECE = 1 << 18
_LARGEST_LIST = 4 << 20
_LARGEST_FILE = 16 << 30
_TIMEOUT = 30.0
_HEX = re.compile(r"[0-9a-fA-F]{64}")


def download(
    name: str,
    folder: Path,
    *,
    mirror: str = MIRROR,
    sha256: str | None = None,
    say: Callable[[str, str], None] = lambda kind, text: None,
    tick: Callable[[int, int | None], None] = lambda done, total: None,
) -> Path:
    """The data file of a name, downloaded into `folder` and checked.

    Raises: UsageError (no such name, no web address), InputError (it cannot be reached), DataError (its
    checksum is another one, or none is known).
    """
    base = mirror.rstrip("/")
    if urlsplit(base).scheme not in ("http", "https"):
        raise UsageError(f"found {quoted(mirror)}, expected http:// or https://", place="--mirror")
    if sha256 is not None and not _HEX.fullmatch(sha256):
        raise UsageError("expected 64 hexadecimal digits", place="--sha256")
    facts = _facts(name, base)
    kind, expected = _expected(name, base, facts, sha256)
    path = folder / f"{name}.gz"
    digests = {"sha256": hashlib.sha256(), "md5": hashlib.md5(usedforsecurity=False)}
    done = 0
    with path.open("wb") as file:
        for url in _urls(name, base, facts):
            done = _append(url, file.write, list(digests.values()), done, tick)
    found = digests[kind].hexdigest()
    if found != expected:
        path.unlink()
        raise DataError(f"its {kind} is {found}, expected {expected}; nothing is kept", place=name)
    if kind == "md5":
        say("warning", f"{name}: only an MD5 is published; its SHA-256 is "
            f"{digests['sha256'].hexdigest()}")  # fmt: skip
    return path


def _facts(name: str, base: str) -> dict[str, Any]:
    """What the catalogue says of a name; nothing when the mirror has no catalogue."""
    raw = _small(CATALOGUE if base == MIRROR else f"{base}/list.json")
    if raw is None:
        return {}
    try:
        models = json.loads(raw)["models"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DataError("the catalogue is damaged", place=visible(base)) from None
    if not isinstance(models, dict) or not isinstance(models.get(name), dict):
        known = ", ".join(sorted(map(str, models))[:12]) if isinstance(models, dict) else ""
        raise UsageError(f"the catalogue has no vectors {quoted(name)}; it has {visible(known)}")
    found: dict[str, Any] = models[name]
    return found


def _expected(name: str, base: str, facts: dict[str, Any], sha256: str | None) -> tuple[str, str]:
    """The kind of checksum and its value. Raises: DataError when none is known."""
    if sha256 is not None:
        return "sha256", sha256.lower()
    beside = _small(f"{base}/{name}/{name}.gz.sha256")
    if beside is not None:
        found = _HEX.match(beside.decode("ascii", "replace").strip())
        if found is not None:
            return "sha256", found.group().lower()
    for kind, value in (("sha256", facts.get("sha256")), ("md5", facts.get("checksum"))):
        if isinstance(value, str) and value:
            return kind, value.lower()
    raise DataError(
        "no checksum is published for it",
        place=name,
        hints=(f"attn vectors fetch {name} --sha256 HEX",),
    )


def _urls(name: str, base: str, facts: dict[str, Any]) -> list[str]:
    parts = str(facts.get("parts", "1"))
    count = int(parts) if parts.isdigit() and len(parts) < 3 else 1
    if count <= 1:
        return [f"{base}/{name}/{name}.gz"]
    return [f"{base}/{name}/{name}.gz_{part:02d}" for part in range(count)]


def _append(
    url: str,
    write: Callable[[bytes], object],
    digests: list[Any],
    done: int,
    tick: Callable[[int, int | None], None],
) -> int:
    """Adds the bytes of an address; returns how many there are now."""
    with _open(url) as answer:
        length = answer.headers.get("Content-Length", "")
        total = done + int(length) if length.isdigit() else None
        start = done
        while piece := _read(answer, url):
            write(piece)
            for digest in digests:
                digest.update(piece)
            done += len(piece)
            tick(done, total)
            if done > _LARGEST_FILE:
                raise LimitError("more than 16 GiB", place=visible(url))
    if length.isdigit() and done - start != int(length):
        raise DataError("the download ended early", place=visible(url))
    return done


def _read(answer: Any, url: str) -> bytes:
    try:
        piece: bytes = answer.read(_PIECE)
    except OSError as fault:
        raise InputError(f"cannot read: {fault}", place=visible(url)) from None
    return piece


def _small(url: str) -> bytes | None:
    """A small file, or None when there is none."""
    try:
        with _open(url) as answer:
            data = _read(answer, url)
            while len(data) <= _LARGEST_LIST and (more := _read(answer, url)):
                data += more
    except InputError as fault:
        if "404" in fault.message:
            return None
        raise
    if len(data) > _LARGEST_LIST:
        raise LimitError("the catalogue is larger than 4 MiB", place=visible(url))
    return data


def _open(url: str) -> Any:
    request = Request(url, headers={"User-Agent": "attn"})  # noqa: S310  (http and https only)
    try:
        return urlopen(request, timeout=_TIMEOUT)  # noqa: S310  (checked by the caller)
    except HTTPError as fault:
        fault.close()
        raise InputError(f"the server answers {fault.code}", place=visible(url)) from None
    except (URLError, OSError, ValueError) as fault:
        reason = getattr(fault, "reason", fault)
        raise InputError(f"cannot be reached: {reason}", place=visible(url)) from None
