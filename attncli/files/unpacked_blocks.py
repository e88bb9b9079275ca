"""Blocks of an input without what they are packed in: gzip, bzip2, xz, zstd, zip."""

import bz2
import gzip
import hashlib
import lzma
import zlib
from collections.abc import Iterator
from typing import Any

from attncli.errors import DataError
from attncli.files.zstd import zstd_library

BLOCK = 1 << 18  # bytes
DAMAGE = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)
_DEPTH = 3  # a packed file in a packed file in a packed file
_GZIP, _XZ, _ZSTD, _ZIP = b"\x1f\x8b", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd", b"PK\x03\x04"


class Counted:
    """A stream that counts, and if asked hashes, what was read of it; it can be looked ahead into."""

    def __init__(self, stream: Any, *, hashed: bool = False) -> None:
        self._read = getattr(
            stream, "read1", stream.read
        )  # takes what is there, and waits no longer
        self._hash = hashlib.sha256() if hashed else None
        self._ahead = b""
        self.count = 0

    @property
    def digest(self) -> str | None:
        """SHA-256 of all that was read, if it is kept."""
        return None if self._hash is None else self._hash.hexdigest()

    def peek(self, size: int) -> bytes:
        """The next bytes, which stay there; fewer at the end."""
        while len(self._ahead) < size and (more := self._read(size - len(self._ahead))):
            self._ahead += more
        return self._ahead[:size]

    def read(self, size: int = -1) -> bytes:
        """The next bytes, at most `size`; none at the end."""
        if self._ahead:
            wanted = len(self._ahead) if size < 0 else size
            block, self._ahead = self._ahead[:wanted], self._ahead[wanted:]
        else:
            block = self._read(size) or b""
        self.count += len(block)
        if self._hash is not None:
            self._hash.update(block)
        return bytes(block)

    def drain(self) -> None:
        """Reads to the end: some packings end before it."""
        while self.read(BLOCK):
            pass


def packing_of_start(start: bytes) -> str | None:
    """What an input is packed in, seen from its first ten bytes."""
    if start[:3] == b"BZh" and start[4:10] == b"1AY&SY":
        return "bzip2"
    named = {_GZIP: "gzip", _XZ: "xz", _ZSTD: "zstd", _ZIP: "zip"}
    return next((name for magic, name in named.items() if start.startswith(magic)), None)


def unpacked_blocks(
    raw: Counted, name: str, path: str | None, member: str | None
) -> Iterator[bytes]:
    """The blocks of a stream, unpacked up to three times; of a zip archive those of one member.

    Raises: what unpacking raises (`DAMAGE`), DataError, MissingExtraError.
    """
    stream: Any = raw
    for depth in range(_DEPTH + 1):
        packing = packing_of_start(stream.peek(10))
        if packing is None or depth == _DEPTH:
            break
        if packing == "zip":
            from attncli.files.zipped import member_blocks

            yield from member_blocks(path if depth == 0 else None, member, name)
            return
        stream = Counted(_UNPACKERS[packing](stream, name))
    if member is not None:
        raise DataError("this is no zip archive, expected one with this member", place=name)
    while block := stream.read(BLOCK):
        yield block


class _Zstd:
    """A zstd stream whose damage is an EOFError, as that of the others."""

    def __init__(self, zstd: Any, stream: Counted) -> None:
        self._file = zstd.ZstdFile(stream)
        self._fault = zstd.ZstdError

    def read(self, size: int) -> bytes:
        try:
            return bytes(self._file.read(size))
        except self._fault:
            raise EOFError from None


_UNPACKERS: dict[str, Any] = {  # each needs only read() of a stream
    "gzip": lambda stream, _: gzip.GzipFile(fileobj=stream),
    "bzip2": lambda stream, _: bz2.BZ2File(stream),
    "xz": lambda stream, _: lzma.LZMAFile(stream),  # noqa: SIM115 - its stream is not ours to close
    "zstd": lambda stream, name: _Zstd(zstd_library(f"reading {name}"), stream),
}
