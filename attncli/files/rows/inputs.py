"""Inputs → numbered sentences, for the commands that read one after another."""

from collections.abc import Iterator

from attncli.errors import AttnError, DataError
from attncli.files.rows.foreign import with_way
from attncli.files.rows.reader import InputRow, Shape, rows_of
from attncli.files.rows.sentences import MAX_LINE, Sentence, decoded
from attncli.files.source import InputSource, expect_no_url


def sentences(
    source: InputSource, shape: Shape | None = None, *, max_line: int = MAX_LINE
) -> Iterator[Sentence]:
    """The sentences of an input; one that cannot be read has an error, and the others go on.

    Raises: UsageError for an address, and what reading the input as a whole raises.
    """
    expect_no_url(source.path, source.name)
    for rows in rows_of(source, shape or Shape(), max_line=max_line):
        for row in rows:
            yield _sentence(row, source.name)


def _sentence(row: InputRow, name: str) -> Sentence:
    try:
        return Sentence(text_of_row(row, name), row.line, name)
    except AttnError as error:
        return Sentence("", row.line, name, error)


def text_of_row(row: InputRow, name: str) -> str:
    """The text of a row. Raises: AttnError with its place."""
    place = f"{name}:{row.line}"
    if isinstance(row.text, bytes):
        try:
            return decoded(row.text.removesuffix(b"\r"), place)
        except DataError as error:
            raise with_way(error, name) from None
    if isinstance(row.text, AttnError):
        row.text.place = row.text.place or place
        raise with_way(row.text, name)
    return row.text
