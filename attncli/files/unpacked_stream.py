"""Unpacking as a stream: gzip, bzip2, xz, zstandard, and one member of a zip archive.

What a file is, is seen in its first bytes; its name does not matter. Nothing is ever written to
disk, and the unpackers are asked for one bounded piece at a time.
"""

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Any, Protocol

from attncli.errors import DataError, LimitError
from attncli.errors.wording import size_text
from attncli.files.limits import Limits
from attncli.files.stream import PIECE, ByteStream
from attncli.files.zstd import zstd_library

_DEPTH = 3  # a packed file in a packed file in a packed file

GZIP, BZIP2, XZ, ZSTD = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"
_NAMES = {GZIP: "gzip", BZIP2: "bzip2", XZ: "xz", ZSTD: "zstandard"}


class _Unpacker(Protocol):
    """One member: bytes in, at most so many bytes out, and whether it has ended."""

    def step(self, packed: bytes, most: int) -> bytes: ...
    @property
    def ended(self) -> bool: ...
    @property
    def hungry(self) -> bool: ...
    @property
    def rest(self) -> bytes: ...


class _Zlib:
    """zlib keeps what it could not unpack; this hands it back in."""

    def __init__(self) -> None:
        self._engine = zlib.decompressobj(wbits=31)

    def step(self, packed: bytes, most: int) -> bytes:
        return self._engine.decompress(self._engine.unconsumed_tail + packed, most)

    @property
    def ended(self) -> bool:
        return self._engine.eof

    @property
    def hungry(self) -> bool:
        return not self._engine.unconsumed_tail

    @property
    def rest(self) -> bytes:
        return self._engine.unused_data


class _Buffered:
    """bz2, lzma and zstd share one interface in the standard library."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def step(self, packed: bytes, most: int) -> bytes:
        found: bytes = self._engine.decompress(packed, max_length=most)
        return found

    @property
    def ended(self) -> bool:
        return bool(self._engine.eof)

    @property
    def hungry(self) -> bool:
        return bool(self._engine.needs_input)

    @property
    def rest(self) -> bytes:
        return bytes(self._engine.unused_data)


def packing_of(head: bytes) -> bytes | None:
    """The magic of the packing a file begins with, or None."""
    return next((magic for magic in _NAMES if head.startswith(magic)), None)


def unpacked(stream: ByteStream, limits: Limits) -> ByteStream:
    """The stream with its packings taken off, up to three deep; itself when it is not packed.

    Raises: DataError, LimitError and MissingExtraError while it is read.
    """
    for _ in range(_DEPTH):
        magic = packing_of(stream.peek(6))
        if magic is None:
            return stream
        stream = _unpacked_once(stream, magic, limits)
    if packing_of(stream.peek(6)) is not None:
        raise DataError("packed more than three times, expected vectors", place=stream.place)
    return stream


def _unpacked_once(packed: ByteStream, magic: bytes, limits: Limits) -> ByteStream:
    name = _NAMES[magic]
    make, faults = _engine(magic, limits)
    inner = _Members(packed, make, faults, name, limits)
    stream = ByteStream(packed.place, inner.fill, close=packed.close)
    stream.warnings = packed.warnings
    return stream


def _engine(
    magic: bytes, limits: Limits
) -> tuple[Callable[[], _Unpacker], tuple[type[Exception], ...]]:
    if magic == GZIP:
        return _Zlib, (zlib.error,)
    if magic == BZIP2:
        return (lambda: _Buffered(bz2.BZ2Decompressor())), (OSError, ValueError, EOFError)
    if magic == XZ:
        make = lambda: _Buffered(  # noqa: E731  (a name for the two-line call)
            lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=limits.unpacker)
        )
        return make, (lzma.LZMAError, EOFError, MemoryError)
    zstd = zstd_library("reading .zst files")
    largest = max((limits.unpacker // 2).bit_length() - 1, 10)  # log₂ of half of it: 27
    windows = {zstd.DecompressionParameter.window_log_max: min(largest, 31)}
    return (lambda: _Buffered(zstd.ZstdDecompressor(options=windows))), (zstd.ZstdError, EOFError)


class _Members:
    """The unpacked bytes of all members, one after the other."""

    def __init__(
        self,
        packed: ByteStream,
        make: Callable[[], _Unpacker],
        faults: tuple[type[Exception], ...],
        name: str,
        limits: Limits,
    ) -> None:
        self._packed, self._make, self._faults = packed, make, faults
        self._name, self._limits = name, limits
        self._engine: _Unpacker | None = make()
        self._lines = 0
        self._out = 0

    def fill(self) -> bytes:
        while self._engine is not None:
            piece = self._step(self._engine)
            if self._engine.ended:
                self._next_member(self._engine.rest)
            if piece:
                self._out += len(piece)
                self._lines += piece.count(b"\n")
                self._check_ratio()
                return piece
        return b""

    def _step(self, engine: _Unpacker) -> bytes:
        packed = b""
        if engine.hungry:
            packed = self._packed.read(64 << 10)
            if not packed:
                raise self._damaged("the packed data ends early")
        try:
            return engine.step(packed, PIECE)
        except self._faults as fault:
            if "emory" in str(fault) or isinstance(fault, MemoryError) or "window" in str(fault):
                raise LimitError(
                    f"needs more memory to unpack than the limit of "
                    f"{size_text(self._limits.unpacker)}",
                    place=self._packed.place,
                ) from None
            raise self._damaged("the packed data is not valid or fails its checksum") from None

    def _damaged(self, what: str) -> DataError:
        return DataError(
            f"damaged {self._name} file: {what} (after line {self._lines})",
            place=self._packed.place,
        )

    def _next_member(self, rest: bytes) -> None:
        """After the end of a member: another one, padding, or something that is not ours."""
        self._packed.unread(rest)
        following = self._packed.peek(6)
        while following and not following.strip(b"\0"):
            self._packed.read(len(following))
            following = self._packed.peek(6)
        if not following:
            self._engine = None
        elif (packing := packing_of(following)) is not None and _NAMES[packing] == self._name:
            self._engine = self._make()
        else:
            self._packed.warnings.append(
                f"bytes after the end of the {self._name} data are ignored"
            )
            self._engine = None

    def _check_ratio(self) -> None:
        if self._out > self._limits.small and self._out > self._limits.ratio * max(
            self._packed.position, 1
        ):
            raise LimitError(
                f"unpacks to more than {self._limits.ratio} times its size "
                f"({size_text(self._out)} so far), which looks like a bomb",
                place=self._packed.place,
            )
