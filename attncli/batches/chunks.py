"""A chunk: consecutive records of one input, numbered; the unit of work, of commit, of retry."""

from collections.abc import Sequence
from dataclasses import dataclass

from attncli.errors import AttnError, DataError
from attncli.files.rows.foreign import with_way
from attncli.files.rows.sentences import decoded

# A record's text as read: bytes of a line, text of a cell, or why there is none.
RawText = bytes | str | AttnError


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records `first_index`, `first_index` + 1, …; their lines follow on `first_line` or are listed.

    `place` names the input in messages; `file` stands in the records when there are several inputs.
    `pairs` are second texts that are read with the first; a record without one has its error as text.
    """

    number: int
    first_index: int
    first_line: int
    texts: Sequence[RawText]
    place: str = "<stdin>"
    file: str | None = None
    lines: Sequence[int] | None = None
    ids: Sequence[str | int | None] | None = None
    pairs: Sequence[str] | None = None

    def __len__(self) -> int:
        return len(self.texts)

    def line(self, i: int) -> int:
        """The line of the i-th record in its input."""
        return self.first_line + i if self.lines is None else self.lines[i]

    def plain_texts(self) -> list[str] | None:
        """All texts at once; None unless each is a line that ends in LF and is read without a fault."""
        try:
            joined = b"\n".join(self.texts)  # type: ignore[arg-type]  # others raise TypeError
            texts = joined.decode("utf-8").split("\n")
        except (TypeError, UnicodeDecodeError):
            return None
        return None if b"\r" in joined or len(texts) != len(self.texts) else texts

    def text(self, i: int) -> str:
        """The text of the i-th record. Raises: DataError (not UTF-8), or what the input met."""
        raw = self.texts[i]
        if isinstance(raw, bytes):
            try:
                return decoded(raw.removesuffix(b"\r"), f"{self.place}:{self.line(i)}")
            except DataError as error:
                raise with_way(error, self.place) from None
        if isinstance(raw, AttnError):
            raise with_way(raw, self.place)
        return raw
