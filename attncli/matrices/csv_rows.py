"""CSV as it is written here → rows: cells keep line ends, blanks at their ends, and any length."""

import csv
import io
from collections.abc import Iterator

from attncli.errors import DataError

_LONGEST_CELL = 1 << 24


def csv_rows(
    text: str, delimiter: str, *, lenient: bool = False
) -> Iterator[tuple[int, list[str]]]:
    """Each row with the number of its last line; a blank line is an empty row.

    With `lenient`, as others write it: blanks at the ends of cells do not count.
    Raises: DataError when a cell is too long, or a quote never closes.
    """
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_CELL))
    lines = io.StringIO(text, newline="")
    rows = csv.reader(lines, delimiter=delimiter, strict=not lenient, skipinitialspace=lenient)
    while True:
        try:
            row = next(rows, None)
        except csv.Error as fault:
            raise DataError(f"line {rows.line_num} is no CSV: {fault}") from None
        if row is None:
            return
        yield rows.line_num, [cell.rstrip(" ") for cell in row] if lenient else row


def small_number(text: str) -> int | None:
    """A position or the number of a layer; None for anything else, however long."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
