"""Downloading a file of the gensim-data catalog: the data only, never the code that lies beside it.

A mirror serves `NAME/NAME.gz` (large files in parts `NAME.gz_00`, `NAME.gz_01`, …) and, if it has one,
a catalog `list.json`. A file must have every checksum that is known of it: the one that was given, of
`NAME/NAME.gz.sha256`, and those of the catalog (`sha256`, the MD5 `checksum` that gensim-data
publishes, and of parts `checksum-0`, `checksum-1`, …).
"""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from attncli.errors import Blank, DataError, UsageError, command_line, field_name, setting
from attncli.errors.wording import did_you_mean, quoted, visible
from attncli.files.access import Say, Tick
from attncli.files.downloading import NotThereError, pieces

MIRROR = "https://github.com/piskvorky/gensim-data/releases/download"
CATALOG = "https://raw.githubusercontent.com/piskvorky/gensim-data/master/list.json"
_LARGEST_LIST = 4 << 20
_LARGEST_FILE = 16 << 30
_MOST_PARTS = 100
_HEX = re.compile(r"[0-9a-fA-F]{64}")


class Fetched(NamedTuple):
    """A file as it was downloaded and checked."""

    path: Path
    url: str
    sha256: str


class Digests:
    """The checksums of some bytes."""

    def __init__(self) -> None:
        self._made = {"sha256": hashlib.sha256(), "md5": hashlib.md5(usedforsecurity=False)}

    def update(self, piece: bytes) -> None:
        """Adds bytes."""
        for made in self._made.values():
            made.update(piece)

    def check(self, expected: list[tuple[str, str]], place: str) -> None:
        """Raises: DataError when one of these (kind, value) is another one."""
        for kind, value in expected:
            found = self._made[kind].hexdigest()
            if found != value:
                raise DataError(
                    f"its {kind} is {found}, expected {quoted(value, 70)}; nothing is kept",
                    place=place,
                )

    @property
    def sha256(self) -> str:
        return self._made["sha256"].hexdigest()


def download(
    name: str,
    folder: Path,
    *,
    mirror: str = MIRROR,
    sha256: str | None = None,
    say: Say = lambda kind, text: None,
    tick: Tick = lambda done, total: None,
) -> Fetched:
    """The data file of a name, downloaded into `folder` and checked.

    Raises: UsageError (no such name, no web address), InputError (it cannot be reached), DataError (its
    checksum is another one, none is known, or it ends early), LimitError, RefusedError.
    """
    base = mirror.rstrip("/")
    if not _is_web_address(base):
        raise UsageError(
            f"found {quoted(mirror)}, expected http:// or https://", place=field_name("mirror")
        )
    if sha256 is not None and not _HEX.fullmatch(sha256):
        raise UsageError("expected 64 hexadecimal digits", place=field_name("sha256"))
    facts = _facts(name, base)
    urls = _urls(name, base, facts)
    whole = _of_the_whole(name, base, facts, sha256)
    of_parts = _of_parts(facts, len(urls))
    if not whole and not all(of_parts):
        raise DataError(
            "no checksum is published for it",
            place=name,
            hints=(command_line(f"vectors fetch {name}", sha256=Blank("HEX")),),
        )
    path, digests = folder / f"{name}.gz", Digests()
    with path.open("wb") as file:
        for url, expected in zip(urls, of_parts, strict=True):
            _append(url, file.write, digests, expected, tick)
    digests.check(whole, name)
    if not any(kind == "sha256" for kind, _ in whole):
        say("warning", f"{name}: only an MD5 is published; demand its SHA-256 from now on: "
            f"{setting(sha256=digests.sha256)}")  # fmt: skip
    return Fetched(path, urls[0], digests.sha256)


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # half an IPv6 address, a port that is no number
        return False


def _facts(name: str, base: str) -> dict[str, Any]:
    """What the catalog says of a name; nothing when the mirror has no catalog."""
    raw = _small(CATALOG if base == MIRROR else f"{base}/list.json")
    if raw is None:
        return {}
    try:
        models = json.loads(raw)["models"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DataError("the catalog is damaged", place=visible(base)) from None
    if not isinstance(models, dict) or not isinstance(models.get(name), dict):
        known = ", ".join(sorted(map(str, models))[:12]) if isinstance(models, dict) else ""
        meant = did_you_mean(name, map(str, models)) if isinstance(models, dict) else ""
        raise UsageError(
            f"the catalog has no vectors {quoted(name)}; it has {visible(known)}{meant}"
        )
    facts: dict[str, Any] = models[name]
    return facts


def _of_the_whole(
    name: str, base: str, facts: dict[str, Any], sha256: str | None
) -> list[tuple[str, str]]:
    """The checksums that are known of the whole file."""
    known = [("sha256", sha256), ("sha256", facts.get("sha256")), ("md5", facts.get("checksum"))]
    beside = _small(f"{base}/{name}/{name}.gz.sha256") or b""
    found = _HEX.match(beside.decode("ascii", "replace").strip())
    known.append(("sha256", found.group() if found else None))
    return _given(known)


def _of_parts(facts: dict[str, Any], count: int) -> list[list[tuple[str, str]]]:
    """The checksums that are known of each part."""
    if count == 1:
        return [[]]
    return [
        _given([("sha256", facts.get(f"sha256-{i}")), ("md5", facts.get(f"checksum-{i}"))])
        for i in range(count)
    ]


def _given(known: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    return [(kind, value.lower()) for kind, value in known if isinstance(value, str) and value]


def _urls(name: str, base: str, facts: dict[str, Any]) -> list[str]:
    """Where the file lies, or its parts. Raises: DataError when the number of parts is invalid."""
    parts = str(facts.get("parts", "1"))
    if (
        not parts.isascii()
        or not parts.isdigit()
        or len(parts) > 3
        or not 0 < int(parts) <= _MOST_PARTS
    ):
        raise DataError(f"the catalog says {quoted(parts)} parts", place=name)
    if int(parts) == 1:
        return [f"{base}/{name}/{name}.gz"]
    return [f"{base}/{name}/{name}.gz_0{part}" for part in range(int(parts))]


def _append(
    url: str,
    write: Callable[[bytes], object],
    digests: Digests,
    expected: list[tuple[str, str]],
    tick: Tick,
) -> None:
    """Adds the bytes of an address, and checks them."""
    own, done, total = Digests(), 0, list[int]()
    for piece in pieces(url, _LARGEST_FILE, total.append):
        write(piece)
        own.update(piece)
        digests.update(piece)
        done += len(piece)
        tick(done, total[0] if total else None)
    own.check(expected, visible(url))


def _small(url: str) -> bytes | None:
    """A small file, or None when there is none."""
    try:
        return b"".join(pieces(url, _LARGEST_LIST))
    except NotThereError:
        return None
