"""Files and streams → numbered sentences, one a line.

Only LF ends a line (a CR before it is dropped); a byte order mark at the start is dropped. A line
that begins with "# ", or is "#" alone, is a comment; blank lines are no sentences.
"""

import codecs
import os
from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple

from attncli.errors import AttnError, DataError, InputError, LimitError, UsageError
from attncli.escape import visible

MAX_LINE = 16 * 2**20  # bytes
_SKIPPED_LINES = 32  # a line longer than this many limits ends the reading: it may never end
_OTHER_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


class Sentence(NamedTuple):
    """A sentence, the number of its line (1 is the first) and the name of its file.

    Line and source are None when it came as an argument. `error` says why a line is no sentence (not
    UTF-8, too long); its text is empty then.
    """

    text: str
    line: int | None = None
    source: str | None = None
    error: AttnError | None = None

    @property
    def place(self) -> str | None:
        """Where it stands, for messages: FILE:LINE."""
        return None if self.line is None else f"{self.source or 'line'}:{self.line}"


def is_comment(line: str) -> bool:
    """Whether a line is a comment: "# …" or "#" alone ("#hashtag" is not)."""
    return line.startswith("# ") or line.rstrip() == "#"


def read_sentences(path: str, *, max_line: int = MAX_LINE) -> Iterator[Sentence]:
    """The sentences of a file, comments and blank lines left out.

    Raises: InputError; UsageError for an address; DataError when the file is no UTF-8 text.
    """
    name = shown_path(path)
    if "://" in path:
        raise UsageError(
            "this is an address, expected a file: attn reads local files only; download it first",
            place=name,
        )
    try:
        with open(path, "rb") as stream:  # noqa: PTH123 - FIFOs and /dev/stdin are opened once
            yield from sentences(stream, name, max_line=max_line)
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        raise InputError(f"cannot open {name}: {reason}") from None


def shown_path(path: str) -> str:
    """How a message names a file: visible, cut in the middle when very long."""
    name = visible(path)
    return name if len(name) <= 120 else f"{name[:80]}…{name[-30:]}"


def sentences(stream: BinaryIO, name: str, *, max_line: int = MAX_LINE) -> Iterator[Sentence]:
    """The sentences of a stream of bytes; `name` stands in messages.

    A line that is not UTF-8, or longer than `max_line` bytes, is a Sentence with an error; the lines
    after it go on. Raises: DataError when the stream is UTF-16 or no text at all.
    """
    for number, raw in enumerate(lines_or_errors(stream, name, max_line=max_line), start=1):
        if isinstance(raw, AttnError):
            yield Sentence("", number, name, raw)
            continue
        try:
            text = decoded(raw, f"{name}:{number}")
        except DataError as error:
            if number == 1 and b"\0" in raw:
                raise DataError("this is no text, expected UTF-8", place=name) from None
            yield Sentence("", number, name, error)
            continue
        if text.strip() and not is_comment(text):
            yield Sentence(text, number, name)


def lines(stream: BinaryIO, name: str, *, max_line: int = MAX_LINE) -> Iterator[bytes]:
    """The lines of a stream without their ends.

    Raises: LimitError for a line of more than `max_line` bytes; DataError for UTF-16.
    """
    for raw in lines_or_errors(stream, name, max_line=max_line):
        if isinstance(raw, LimitError):
            raise raw
        yield raw


def lines_or_errors(
    stream: BinaryIO, name: str, *, max_line: int = MAX_LINE
) -> Iterator[bytes | LimitError]:
    """Like `lines`, but a line that is too long is an error of its own and the others go on.

    Raises: LimitError when a line goes on and on (`/dev/zero`); DataError for UTF-16.
    """
    first = True
    for number, raw in enumerate(iter(lambda: stream.readline(max_line + 1), b""), start=1):
        if len(raw.removesuffix(b"\n")) > max_line:
            error = LimitError(
                f"found a line of more than {max_line} bytes, the limit", place=f"{name}:{number}"
            )
            _skip_line(stream, raw, max_line, error)
            yield error
        else:
            line = raw.removesuffix(b"\n").removesuffix(b"\r")
            yield without_mark(line, name) if first else line
        first = False


def _skip_line(stream: BinaryIO, begun: bytes, max_line: int, error: LimitError) -> None:
    """Reads to the end of a line. Raises: `error` when there is no end in sight."""
    for _ in range(_SKIPPED_LINES):
        if begun.endswith(b"\n") or not begun:
            return
        begun = stream.readline(max_line)
    raise error


def decoded(raw: bytes, place: str) -> str:
    """The text of a line. Raises: DataError with the byte that is not UTF-8."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise DataError(
            f"byte {fault.start + 1} of the line is 0x{raw[fault.start]:02x}, expected UTF-8",
            place=place,
        ) from None


def well_formed(texts: Iterable[str], place: str) -> Iterator[Sentence]:
    """Arguments as sentences. Raises: DataError when one is not UTF-8."""
    for text in map(_read_as_utf8, texts):
        for position, char in enumerate(text):
            if "\ud800" <= char <= "\udfff":
                raise DataError(
                    f"character {position + 1} is not UTF-8 ({visible(char)})", place=place
                )
        yield Sentence(text)


def _read_as_utf8(text: str) -> str:
    """An argument that Python read by another encoding (LANG=C) and whose bytes are UTF-8."""
    try:
        return text if text.isascii() else os.fsencode(text).decode("utf-8")
    except UnicodeError:
        return text


def without_mark(line: bytes, name: str) -> bytes:
    """A first line without its byte order mark. Raises: DataError for UTF-16 and UTF-32."""
    for mark, encoding in _OTHER_MARKS.items():
        if line.startswith(mark):
            raise DataError(
                f"this is {encoding} text, expected UTF-8",
                place=name,
                hints=(f"iconv -f {encoding} -t UTF-8 converts it",),
            )
    return line.removeprefix(codecs.BOM_UTF8)
