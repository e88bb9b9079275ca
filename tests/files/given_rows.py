"""Bytes under the name of a file, and the rows that the one reader gives of them."""

import io

from attncli.errors import AttnError
from attncli.files.rows.reader import Shape, rows_of
from attncli.files.source import InputSource


def source(raw: bytes, path: str = "-") -> InputSource:
    """An input of these bytes, called `path`."""
    return _Named(path, path, lambda: io.BytesIO(raw))


class _Named(InputSource):
    """Bytes under the name of a file."""

    __slots__ = ()

    def _opened(self):
        return self.stdin()


def rows(raw: bytes, path: str = "-", shape: Shape | None = None, **options):
    """Line and text of each row, or the code of its error."""
    lots = rows_of(source(raw, path), shape or Shape(), **options)
    return [(row.line, shown(row.text)) for lot in lots for row in lot]


def shown(text):
    """A text, or the code of an error."""
    if isinstance(text, AttnError):
        return text.name
    return text.removesuffix(b"\r").decode(errors="replace") if isinstance(text, bytes) else text
