"""All bytes of a file or a stream of results, unpacked, within limits; what cannot be one is refused."""

import os
import re
import stat
from typing import BinaryIO

from attncli.errors import DataError, InputError, LimitError, RefusedError
from attncli.errors.wording import visible
from attncli.files.foreign import foreign_file, foreign_of
from attncli.files.writing import reason

MAX_BYTES = 2 * 2**30
_MOST_STREAMED = 192 << 20  # bytes of what tells no size: 256 MiB of memory at most
WANTED = "a result or weights"
_SMALL = 4 << 20  # unpacked sizes below this are no bomb; text takes thirty times as much when read
_HAS_A_DIGIT = 1 << 20  # bytes of weights as text, names of tokens too, that hold a digit
_DIGIT = re.compile(rb"[0-9]")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def open_matrix_file(path: str) -> BinaryIO:
    """The file opened for reading. Raises: InputError."""
    try:
        return open(path, "rb")  # noqa: PTH123  # FIFOs too; the caller closes it
    except ValueError:
        raise InputError("cannot open: not a possible file name", place=visible(path)) from None
    except OSError as fault:
        raise InputError(f"cannot open: {reason(fault)}", place=visible(path)[:200]) from None


def whole_bytes(stream: BinaryIO, name: str) -> bytes:
    """All bytes of a file, unpacked; one that cannot be a result is refused by its first bytes.

    Raises: DataError, LimitError, MissingExtraError.
    """
    from attncli.files.limits import Limits
    from attncli.files.stream import PIECE, ByteStream
    from attncli.files.unpacked_stream import packing_of, unpacked

    head = stream.read(PIECE)
    if packing_of(head[:6]) is None:
        _expect_known(head, name)
        data = head
        if len(head) == PIECE and _has_an_end(stream):
            data += stream.read(MAX_BYTES + 1 - len(head))
        elif len(head) == PIECE:
            data = _streamed(stream, head, PIECE)
    else:
        first = [head]
        packed = ByteStream(name, lambda: first.pop() if first else stream.read(PIECE))
        pieces, size, bytes_in = [], 0, unpacked(packed, Limits(small=_SMALL))
        while size <= MAX_BYTES and (piece := bytes_in.take()):
            pieces.append(piece)
            size += len(piece)
        data = b"".join(pieces)
    if len(data) > MAX_BYTES:
        raise LimitError(f"more than {MAX_BYTES} bytes")
    return _utf8_of_utf16(data) if data.startswith(_UTF16) else data


def _has_an_end(stream: BinaryIO) -> bool:
    """Whether these are bytes in memory or of a regular file, not of a pipe or a device."""
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, AttributeError):
        return True


def _streamed(stream: BinaryIO, head: bytes, at_once: int) -> bytes:
    """All bytes of a stream that may have no end. Raises: LimitError."""
    pieces, size = [head], len(head)
    while size <= _MOST_STREAMED and (piece := stream.read(at_once)):
        pieces.append(piece)
        size += len(piece)
    if size > _MOST_STREAMED:
        raise LimitError(
            f"more than {_MOST_STREAMED >> 20} MiB come from a pipe, and perhaps without an end",
            hints=("save them as a file, then attn view FILE",),
        )
    return b"".join(pieces)


def _utf8_of_utf16(data: bytes) -> bytes:
    """Text with a mark of UTF-16, as PowerShell redirects it, as UTF-8. Raises: DataError."""
    try:
        return data.decode("utf-16").encode()
    except UnicodeError:
        raise DataError("this is neither UTF-8 nor whole UTF-16") from None


def _expect_known(head: bytes, name: str) -> None:
    """Raises: DataError, RefusedError when bytes that begin so are neither arrays nor text."""
    if head.startswith((b"PAR1", b"ARROW1", b"PK", b"\x93NUMPY")) or head[8:9] == b"{":
        return
    if head.startswith(b"\x80"):
        from attncli.matrices.archives import torch_hints

        raise RefusedError("this is a pickle: reading it could run code", hints=torch_hints())
    expect_no_foreign(head, name)
    if b"\0" in head[:4] and not head.startswith(_UTF16):
        raise DataError("found bytes of no known format, expected a result or weights")
    if len(head) >= _HAS_A_DIGIT and not looks_json(head) and not _DIGIT.search(head):
        raise DataError("found text that begins without a number, expected a result or weights")


def expect_no_foreign(head: bytes, name: str) -> None:
    """Raises: DataError for a file that no command reads, with what to do about it."""
    foreign = foreign_of(head)
    if foreign is not None:
        raise foreign_file(foreign, name, WANTED)


def looks_json(data: bytes) -> bool:
    """Whether text begins as an object or a list of JSON does."""
    return data[:64].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[")
