"""Blocks of bytes → lines of UTF-8, ended by LF, CR LF or CR; marks of UTF-16 and UTF-32 are understood."""

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from attncli.errors import AttnError, LimitError
from attncli.files.rows.sentences import MAX_LINE

# A line as read, or why there is none.
RawLine: TypeAlias = bytes | AttnError
HEAD = 1 << 16  # bytes in which a file shows what it is
HEAD_LINES = 3  # lines in which it does
_MOST_LIMITS = 32  # a line longer than this many limits ends the reading: it may never end
_LONE_CR = re.compile(rb"\r(?!\r?\n)")
# Byte order marks: what the text behind them is.
MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


def with_head(blocks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The beginning of some blocks, to look at, and all of them.

    It ends no earlier than the third line that is not blank, or at 64 KiB, or with the input.
    """
    remaining = iter(blocks)
    head = b""
    while len(head) < HEAD and _filled_lines(head) < HEAD_LINES:
        block = next(remaining, None)
        if block is None:
            break
        head += block
    return head, _behind(head, remaining)


def in_utf8(head: bytes, blocks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Head and blocks as UTF-8 without a mark.

    Halves of surrogate pairs, and what is left of a cut character, are bytes that are no UTF-8.
    """
    for mark, encoding in MARKS.items():
        if head.startswith(mark):
            return with_head(_recoded(blocks, encoding, len(mark)))
    if head.startswith(codecs.BOM_UTF8):
        return head.removeprefix(codecs.BOM_UTF8), _without_first(blocks, len(codecs.BOM_UTF8))
    return head, iter(blocks)


def encoding_of(head: bytes) -> str:
    """The encoding that a byte order mark tells; empty where there is none."""
    named = next((name for mark, name in MARKS.items() if head.startswith(mark)), "")
    return "utf-8" if head.startswith(codecs.BOM_UTF8) else named


def ended_by_lf(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The blocks with LF in the place of each CR that no LF follows: so old Macs ended lines.

    CR LF stays, and CR CR LF, which careless copies make of it, is one end.
    """
    held = b""
    for block in blocks:
        block = held + block
        held = block[len(block.rstrip(b"\r")) :][-2:] if block.endswith(b"\r") else b""
        yield _lone_cr_as_lf(block[: len(block) - len(held)])
    if held:
        yield held.replace(b"\r", b"\n")


def lines(
    blocks: Iterable[bytes], place: str, *, max_line: int = MAX_LINE
) -> Iterator[list[RawLine]]:
    """The lines without their LF, a list for each block.

    A line over `max_line` bytes is a LimitError in its place; nothing of it is kept.
    Raises: LimitError when a line goes on and on (`/dev/zero`).
    """
    carried: list[bytes] = []
    length, done = 0, 0
    for block in blocks:
        parts: list[RawLine] = block.split(b"\n")  # type: ignore[assignment]  # a list of bytes
        length += len(parts[0])  # type: ignore[arg-type]  # the split made bytes
        if length <= max_line:
            carried.append(parts[0])  # type: ignore[arg-type]  # likewise
        elif length > _MOST_LIMITS * max_line:
            raise LimitError(
                f"found a line of more than {length} bytes, the limit is {max_line}",
                place=f"{place}:{done + 1}",
            )
        if len(parts) == 1:
            continue
        parts[0] = _joined(carried, length, max_line)
        last = parts.pop()
        carried, length = [last], len(last)  # type: ignore[list-item, arg-type]  # likewise
        done += len(parts)
        if len(block) > max_line:
            parts[1:] = [_joined([raw], len(raw), max_line) for raw in parts[1:]]  # type: ignore[list-item, arg-type]  # likewise
        yield parts
    if length:
        yield [_joined(carried, length, max_line)]


def all_lines(blocks: Iterable[bytes], place: str) -> Iterator[bytes]:
    """Every line of a text, without its end. Raises: LimitError for one that is too long."""
    _, blocks = in_utf8(*with_head(blocks))
    for found in lines(ended_by_lf(blocks), place):
        for raw in found:
            if isinstance(raw, AttnError):
                raise raw
            yield raw.removesuffix(b"\r")


def _filled_lines(head: bytes) -> int:
    """How many lines are whole and not blank."""
    return sum(bool(line.strip()) for line in head.split(b"\n")[:-1])


def _lone_cr_as_lf(block: bytes) -> bytes:
    if b"\r" not in block or block.count(b"\r") == block.count(b"\r\n"):
        return block
    return _LONE_CR.sub(b"\n", block)


def _joined(parts: list[bytes], length: int, max_line: int) -> RawLine:
    if length > max_line:
        return LimitError(f"a line of {length} bytes; the limit is {max_line}")
    return b"".join(parts)


def _behind(head: bytes, remaining: Iterator[bytes]) -> Iterator[bytes]:
    if head:
        yield head
    yield from remaining


def _without_first(blocks: Iterable[bytes], count: int) -> Iterator[bytes]:
    for block in blocks:
        yield block[count:]
        count = max(0, count - len(block))


def _recoded(blocks: Iterable[bytes], encoding: str, mark: int) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
    for block in _without_first(blocks, mark):
        try:
            yield decoder.decode(block).encode("utf-8", "surrogatepass")
        except UnicodeDecodeError:  # UTF-32 of a number that is no character
            yield b"\xff"
            return
    try:
        yield decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        yield b"\xff"
