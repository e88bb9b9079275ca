"""Bytes of one file from front to back, in bounded pieces; whether they were packed is not seen.

A file is opened once and never sought in, so a pipe works as a file does. What a reader asks of a
stream is bounded by the reader, so a bomb costs no more memory than a line.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from attncli.errors import DataError, InputError, UsageError
from attncli.errors.wording import visible

PIECE = 1 << 20  # bytes read at once at most


def place_of(path: str | os.PathLike[str]) -> str:
    """How a message names a file: visible, cut in the middle when very long."""
    text = visible(os.fspath(path))
    return text if len(text) <= 120 else f"{text[:80]}…{text[-30:]}"


def open_file(path: str | os.PathLike[str]) -> FileIO:
    """The file, opened for reading bytes.

    Raises: UsageError for a URL, InputError when it cannot be opened or is a directory.
    """
    text = os.fspath(path)
    if "://" in text:
        raise UsageError(
            "this is an address, expected a file: attn reads local files only; download it first",
            place=place_of(text),
        )
    try:
        file = FileIO(text)
    except (OSError, ValueError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "not a possible file name"
        raise InputError(f"cannot open: {_lowered(reason)}", place=place_of(text)) from None
    if stat.S_ISDIR(os.fstat(file.fileno()).st_mode):
        file.close()
        raise InputError("cannot open: is a directory, expected a file", place=place_of(text))
    return file


def _lowered(reason: str | None) -> str:
    return (reason or "unknown reason")[:1].lower() + (reason or "unknown reason")[1:]


class ByteStream:
    """Bytes from a source of pieces: peeked at, read in order, counted.

    `fill` gives the next bytes (at most PIECE of them), b"" at the end; `fill_into` puts them into
    memory and gives how many they are.
    """

    def __init__(
        self,
        place: str,
        fill: Callable[[], bytes],
        *,
        size: int | None = None,
        close: Callable[[], None] = lambda: None,
        fill_into: Callable[[memoryview], int] | None = None,
    ) -> None:
        self.place = place
        self.size = size  # of all bytes, when known before they are read
        self.position = 0  # bytes handed out so far
        self.file: Path | None = None  # the regular, unpacked file these bytes are, if they are
        self.warnings: list[str] = []
        self._fill = fill
        self._fill_into = fill_into
        self._close = close
        self._buffer = b""
        self._ended = False

    def peek(self, n: int) -> bytes:
        """The next bytes, n of them or all that are left, without taking them."""
        if len(self._buffer) < n and not self._ended:
            pieces, have = [self._buffer], len(self._buffer)
            while have < n:
                piece = self._fill()
                if not piece:
                    self._ended = True
                    break
                pieces.append(piece)
                have += len(piece)
            self._buffer = b"".join(pieces)
        return self._buffer[:n]

    def take(self) -> bytes:
        """The next bytes, as many as come at once; b"" at the end."""
        if self._buffer:
            piece, self._buffer = self._buffer, b""
        else:
            piece = b"" if self._ended else self._fill()
            self._ended = self._ended or not piece
        self.position += len(piece)
        return piece

    def take_into(self, room: memoryview) -> int:
        """Puts the next bytes into memory, as many as come at once; gives how many, 0 at the end."""
        if self._fill_into is None or self._buffer or self._ended:
            piece = self.take()
            n_bytes = min(len(piece), len(room))
            room[:n_bytes] = piece[:n_bytes]
            if n_bytes < len(piece):
                self.unread(piece[n_bytes:])
            return n_bytes
        n_bytes = self._fill_into(room)
        self._ended = n_bytes == 0
        self.position += n_bytes
        return n_bytes

    def read(self, n: int) -> bytes:
        """The next n bytes, or fewer at the end."""
        found = self.peek(n)
        self._buffer = self._buffer[len(found) :]
        self.position += len(found)
        return found

    def exactly(self, n: int, what: str) -> bytes:
        """The next n bytes. Raises: DataError naming `what` when the file ends first."""
        found = self.read(n)
        if len(found) < n:
            raise DataError(
                f"cut off at byte {self.position}: {what} needs {n} bytes, found {len(found)}",
                place=self.place,
            )
        return found

    def skip(self, n: int, what: str) -> None:
        """Passes over n bytes. Raises: DataError naming `what` when the file ends first."""
        while n > 0:
            n -= len(self.exactly(min(n, PIECE), what))

    def unread(self, piece: bytes) -> None:
        """Puts back bytes that were read last."""
        self._buffer = piece + self._buffer
        self.position -= len(piece)

    def left(self) -> int | None:
        """The bytes still to come, when the size is known."""
        return None if self.size is None else max(self.size - self.position, 0)

    def close(self) -> None:
        """Closes the file."""
        self._close()

    def __enter__(self) -> "ByteStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def bytes_stream(data: bytes, place: str) -> ByteStream:
    """The bytes of a file that is in memory."""
    pieces = iter(data[start : start + PIECE] for start in range(0, len(data), PIECE))
    return ByteStream(place, lambda: next(pieces, b""), size=len(data))


def file_stream(path: str | os.PathLike[str]) -> ByteStream:
    """The bytes of a file as they lie on disk. Raises: as open_file, and InputError on a fault."""
    file = open_file(path)
    state = os.fstat(file.fileno())

    def fill() -> bytes:
        with _readable(path):
            return file.read(PIECE)

    def fill_into(room: memoryview) -> int:
        with _readable(path):
            return file.readinto(room)

    regular = stat.S_ISREG(state.st_mode)
    stream = ByteStream(
        place_of(path),
        fill,
        size=state.st_size if regular else None,
        close=file.close,
        fill_into=fill_into,
    )
    # /proc files say 0 bytes and have more
    if regular and state.st_size:
        stream.file = Path(path)
    elif not state.st_size:
        stream.size = None
    return stream


@contextmanager
def _readable(path: str | os.PathLike[str]) -> Iterator[None]:
    """Raises: InputError for a fault of the system."""
    try:
        yield
    except OSError as fault:
        raise InputError(f"cannot read: {_lowered(fault.strerror)}", place=place_of(path)) from None
