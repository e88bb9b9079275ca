"""Files, streams and URLs → records' texts, in chunks, whatever they are packed in.

Only LF ends a line; every line is a record, blank ones too, so that records and lines count alike.
What a line is packed in (gzip, bzip2, xz, zstd) is seen from its first bytes, not from its name.
"""

import bz2
import gzip
import hashlib
import io
import lzma
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from glob import glob, has_magic
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

from attncli.batch.chunks import RawText
from attncli.errors import DataError, InputError, LimitError, MissingExtraError
from attncli.escape import visible
from attncli.text.sentences import MAX_LINE, without_mark

_BLOCK = 1 << 18  # bytes
_DAMAGE = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)


@dataclass(slots=True)
class Source:
    """One input: `path` as given ("-" is standard input), read once from start to end.

    `read` counts the bytes taken from the file itself, packed or not; `size` is what it has, None
    when that is not known.
    """

    path: str
    name: str
    stdin: Callable[[], BinaryIO] | None = None
    size: int | None = None
    _raw: "_Counted | None" = field(default=None, repr=False)

    @property
    def read(self) -> int:
        """How many bytes of the input were taken so far."""
        return 0 if self._raw is None else self._raw.count

    def blocks(self) -> Iterator[bytes]:
        """The bytes of the input, unpacked. Raises: InputError, DataError, MissingExtraError."""
        with self._opened() as stream:
            self._raw = _Counted(stream)
            try:
                yield from _unpacked(self._raw, self.name)
            except _DAMAGE:
                raise self._damaged() from None
            except OSError as fault:
                if fault.errno is None:  # what bz2 raises
                    raise self._damaged() from None
                raise InputError(f"cannot read: {_reason(fault)}", place=self.name) from None

    def identity(self) -> dict[str, Any] | None:
        """What this input holds, or None when it can be read only once."""
        path = Path(self.path)
        if self.path == "-" or is_url(self.path) or not path.is_file():
            return None
        try:
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as fault:
            raise InputError(f"cannot read: {_reason(fault)}", place=self.name) from None
        return {"sha256": digest}

    def _opened(self) -> Any:
        if self.path == "-":
            return _kept_open(self.stdin() if self.stdin is not None else io.BytesIO())
        if is_url(self.path):
            return open_url(self.path, "rb")
        try:
            stream = open(self.path, "rb", buffering=0)  # noqa: PTH123, SIM115 - FIFOs are opened once, the caller closes
            self.size = os.fstat(stream.fileno()).st_size or None
            if os.path.isdir(self.path):  # noqa: PTH112 - some systems open folders
                raise IsADirectoryError(None, "is a directory")
        except OSError as fault:
            raise InputError(f"cannot open: {_reason(fault)}", place=self.name) from None
        return stream

    def _damaged(self) -> DataError:
        return DataError("the compressed data is damaged or ends early", place=self.name)


def sources(paths: Sequence[str], stdin: Callable[[], BinaryIO]) -> list[Source]:
    """The inputs of the paths; a pattern such as "part-*.txt" stands for the files it matches.

    Raises: InputError when a pattern matches nothing.
    """
    found: list[Source] = []
    for path in paths:
        if path == "-" or is_url(path) or not has_magic(path) or os.path.exists(path):  # noqa: PTH110
            names = [path]
        else:
            names = sorted(glob(path))  # noqa: PTH207 - absolute patterns too
            if not names:
                raise InputError("no file has such a name", place=visible(path)[:200])
        for name in names:
            shown = "<stdin>" if name == "-" else visible(name)[:200]
            found.append(Source(name, shown, stdin))
    return found


def lines(source: Source, *, max_line: int = MAX_LINE) -> Iterator[list[RawText]]:
    """The lines of an input without their ends, a list for each block read.

    A line over `max_line` bytes is a LimitError in its place; nothing of it is kept.
    Raises: DataError for UTF-16 and UTF-32, and what `Source.blocks` raises.
    """
    carried: list[bytes] = []
    length = 0
    first = True
    for block in source.blocks():
        parts: list[bytes] = block.split(b"\n")
        length += len(parts[0])
        if length <= max_line:
            carried.append(parts[0])
        if len(parts) == 1:
            continue
        begun = _joined(carried, length, max_line)
        if first and isinstance(begun, bytes):
            begun = without_mark(begun, source.name)
        first = False
        carried, length = [parts[-1]], len(parts[-1])
        yield [begun, *parts[1:-1]]
    if length:
        last = _joined(carried, length, max_line)
        yield [without_mark(last, source.name) if first and isinstance(last, bytes) else last]


def is_url(path: str) -> bool:
    """Whether a path names something for fsspec: "s3://…", "memory://…"."""
    scheme, separator, _ = path.partition("://")
    return bool(separator) and scheme.replace("+", "").replace("-", "").isalnum()


def open_url(url: str, mode: str) -> Any:
    """A file behind a URL. Raises: MissingExtraError, InputError."""
    fsspec = require_fsspec(url)
    try:
        return fsspec.open(url, mode).open()
    except ImportError as fault:
        raise InputError(f"cannot open: {fault}", place=visible(url)[:200]) from None
    except (OSError, ValueError) as fault:
        raise InputError(f"cannot open: {_reason(fault)}", place=visible(url)[:200]) from None


def require_fsspec(url: str) -> Any:
    """The package fsspec. Raises: MissingExtraError."""
    try:
        import fsspec
    except ImportError:
        raise MissingExtraError.of("fsspec", f"reading {visible(url)[:80]}") from None
    return fsspec


class _Counted:
    """A stream that counts what was read of it, and can be looked ahead into."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._ahead = b""
        self.count = 0

    def peek(self, size: int) -> bytes:
        while len(self._ahead) < size and (more := self._stream.read(size - len(self._ahead))):
            self._ahead += more
        return self._ahead[:size]

    def read(self, size: int = -1) -> bytes:
        if self._ahead:
            wanted = len(self._ahead) if size < 0 else size
            block, self._ahead = self._ahead[:wanted], self._ahead[wanted:]
        else:
            block = self._stream.read(size) or b""
        self.count += len(block)
        return bytes(block)


class _kept_open:  # noqa: N801 - used as a context manager
    """Standard input, which is not ours to close."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def __enter__(self) -> BinaryIO:
        return self._stream

    def __exit__(self, *_: object) -> None:
        return None


def _unpacked(raw: _Counted, name: str) -> Iterator[bytes]:
    start = raw.peek(10)
    stream: Any = raw
    if start.startswith(b"\x1f\x8b"):
        stream = gzip.GzipFile(fileobj=raw)  # type: ignore[call-overload]  # needs only read()
    elif start[:3] == b"BZh" and start[4:] == b"1AY&SY":
        stream = bz2.BZ2File(raw)  # type: ignore[call-overload]  # needs only read()
    elif start.startswith(b"\xfd7zXZ\x00"):
        stream = lzma.LZMAFile(raw)  # type: ignore[arg-type]  # noqa: SIM115 - needs only read()
    elif start.startswith(b"\x28\xb5\x2f\xfd"):
        yield from _unpacked_zstd(raw, name)
        return
    while block := stream.read(_BLOCK):
        yield block


def _unpacked_zstd(raw: _Counted, name: str) -> Iterator[bytes]:
    try:
        zstd: Any = import_module("compression.zstd")
    except ImportError:
        try:
            zstd = import_module("backports.zstd")
        except ImportError:
            raise MissingExtraError.of("backports.zstd", f"reading {name}") from None
    try:
        with zstd.ZstdFile(raw) as stream:
            while block := stream.read(_BLOCK):
                yield block
    except zstd.ZstdError:
        raise EOFError from None


def _joined(parts: list[bytes], length: int, max_line: int) -> RawText:
    if length > max_line:
        return LimitError(f"a line of {length} bytes; the limit is {max_line}")
    return b"".join(parts)


def _reason(fault: Exception) -> str:
    return (getattr(fault, "strerror", None) or str(fault) or type(fault).__name__).lower()
