"""A sentence, what its line may look like, and sentences that come as arguments.

A line that begins with "# ", or is "#" alone, is a comment.
"""

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

from attncli.errors import AttnError, DataError
from attncli.errors.wording import visible

MAX_LINE = 16 * 2**20  # bytes
TOGETHER = 256  # rows or sentences given out together

_Item = TypeVar("_Item")


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


def in_lots(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """Items some at a time; those before an error are given out before it is raised."""
    lot: list[_Item] = []
    try:
        for item in items:
            lot.append(item)
            if len(lot) == TOGETHER:
                yield lot
                lot = []
    except AttnError:
        if lot:
            yield lot
        raise
    if lot:
        yield lot


def is_comment(line: str) -> bool:
    """Whether a line is a comment: "# …" or "#" alone ("#hashtag" is not)."""
    return line.startswith("# ") or line.rstrip() == "#"


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
