"""Files and streams → numbered sentences, one a line.

Only LF ends a line (a CR before it is dropped); a byte order mark at the start is dropped. A line
that begins with "# ", or is "#" alone, is a comment; blank lines are no sentences.
"""

import codecs
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from attncli.errors import DataError, InputError, LimitError
from attncli.escape import visible

MAX_LINE = 16 * 2**20  # bytes
_OTHER_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence and the number of its line (1 is the first), None when it came as an argument."""

    text: str
    line: int | None = None


def is_comment(line: str) -> bool:
    """Whether a line is a comment: "# …" or "#" alone ("#hashtag" is not)."""
    return line.startswith("# ") or line.rstrip() == "#"


def read_sentences(path: str, *, max_line: int = MAX_LINE) -> Iterator[Sentence]:
    """The sentences of a file, comments and blank lines left out.

    Raises: InputError, DataError (not UTF-8), LimitError (a line over `max_line` bytes).
    """
    try:
        with open(path, "rb") as stream:  # noqa: PTH123 - FIFOs and /dev/stdin are opened once
            yield from sentences(stream, visible(path), max_line=max_line)
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        raise InputError(f"cannot open {visible(path)[:200]}: {reason}") from None


def sentences(stream: BinaryIO, name: str, *, max_line: int = MAX_LINE) -> Iterator[Sentence]:
    """The sentences of a stream of bytes; `name` stands in messages."""
    for number, raw in enumerate(lines(stream, name, max_line=max_line), start=1):
        text = decoded(raw, f"{name}:{number}")
        if text.strip() and not is_comment(text):
            yield Sentence(text, number)


def lines(stream: BinaryIO, name: str, *, max_line: int = MAX_LINE) -> Iterator[bytes]:
    """The lines of a stream without their ends, at most `max_line` bytes each."""
    first = True
    for number, raw in enumerate(iter(lambda: stream.readline(max_line + 1), b""), start=1):
        if len(raw) > max_line:
            raise LimitError(f"a line of more than {max_line} bytes", place=f"{name}:{number}")
        line = raw.removesuffix(b"\n").removesuffix(b"\r")
        if first:
            line = _without_mark(line, name)
            first = False
        yield line


def decoded(raw: bytes, place: str) -> str:
    """The text of a line. Raises: DataError with the byte that is not UTF-8."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise DataError(
            f"byte {fault.start + 1} of the line is not UTF-8 (0x{raw[fault.start]:02x})",
            place=place,
        ) from None


def well_formed(texts: Iterable[str], place: str) -> Iterator[Sentence]:
    """Arguments as sentences. Raises: DataError when one is not UTF-8."""
    for text in texts:
        for position, char in enumerate(text):
            if "\ud800" <= char <= "\udfff":
                raise DataError(
                    f"character {position + 1} is not UTF-8 ({visible(char)})", place=place
                )
        yield Sentence(text)


def _without_mark(line: bytes, name: str) -> bytes:
    for mark, encoding in _OTHER_MARKS.items():
        if line.startswith(mark):
            raise DataError(
                f"this is {encoding} text, expected UTF-8",
                place=name,
                hints=(f"iconv -f {encoding} -t UTF-8 converts it",),
            )
    return line.removeprefix(codecs.BOM_UTF8)
