"""Lines of CSV and TSV → rows of cells.

TSV has no quoting: a quote is a quote. In CSV a cell that begins with a quote ends with one, and may
hold delimiters and line ends (RFC 4180); a quote inside another cell is a quote. A quote that never
closes, or closes in a row of another width, takes no row with it: its line is an error, and reading
goes on with the next line.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from attncli.errors import AttnError, DataError
from attncli.errors.wording import quoted
from attncli.files.rows.lines import RawLine

_QUOTED = re.compile('"[^"]*"')


@dataclass(frozen=True, slots=True)
class CellRow:
    """The cells of a row and the line it begins on; `error` when they are not what they should be."""

    line: int
    cells: list[str]
    error: AttnError | None = None


def rows_of_cells(
    numbered: Iterable[tuple[int, RawLine]], delimiter: str, *, quoting: bool, max_cell: int
) -> Iterator[CellRow]:
    """The rows, blank lines left out; the first is the header, whose width the others must have.

    Extra cells that are all empty are no cells. Bytes that are no UTF-8 are lone surrogates.
    """
    source = _Lines(iter(numbered))
    width: int | None = None
    while (taken := source.next()) is not None:
        number, raw = taken
        if isinstance(raw, AttnError):
            yield CellRow(number, [], raw)
            continue
        text = raw.decode("utf-8", "surrogateescape")
        if "\r" in text[:-1]:
            text = source.first_of(number, _rows_of_old_macs(text, quoting), delimiter)
        if not text.strip() and delimiter not in text:
            continue
        if quoting and '"' in text:
            row = _quoted_row(source, number, text, delimiter, width, max_cell)
        else:
            row = CellRow(number, text.removesuffix("\r").split(delimiter))
        if row.error is None and width is not None:
            row = _of_width(row, width)
        if width is None and row.error is None:
            width = len(row.cells)
        yield row


@dataclass(slots=True)
class _Lines:
    """Numbered lines, of which some may be taken again."""

    remaining: Iterator[tuple[int, RawLine]]
    again: deque[tuple[int, RawLine]] = field(default_factory=deque)

    def next(self) -> tuple[int, RawLine] | None:
        return self.again.popleft() if self.again else next(self.remaining, None)

    def first_of(self, number: int, rows: list[str], delimiter: str) -> str:
        """The first of some rows of old Macs in one line; the others come next.

        When they are of several widths the CRs belong to the cells, and all is one row.
        """
        whole = [row for row in rows if row.strip() and row.count('"') % 2 == 0]
        if len({_QUOTED.sub("", row).count(delimiter) for row in whole}) > 1:
            return "\r".join(rows)
        later = [(number, row.encode("utf-8", "surrogateescape")) for row in rows[1:]]
        self.again.extendleft(reversed(later))
        return rows[0]


def _rows_of_old_macs(text: str, quoting: bool) -> list[str]:
    """A line cut at the CRs that stand in no quoted cell."""
    rows: list[list[str]] = []
    is_open = False  # whether a quote is
    for piece in text.split("\r"):
        if is_open:
            rows[-1].append(piece)
        else:
            rows.append([piece])
        is_open ^= quoting and piece.count('"') % 2 == 1
    return ["\r".join(pieces) for pieces in rows]


def _quoted_row(
    source: _Lines, number: int, text: str, delimiter: str, width: int | None, max_cell: int
) -> CellRow:
    """The row that begins with this line, with as many of the next lines as its quotes ask for."""
    cells: list[str] = []
    taken: list[tuple[int, RawLine]] = []
    fault, open_cell = _cut(text, 0, delimiter, cells)
    pieces, size = [open_cell or ""], len(text)
    while open_cell is not None:
        following = source.next()
        if following is not None:
            taken.append(following)
        if following is None or isinstance(following[1], AttnError) or size > max_cell:
            fault = "a quote opens here and never closes"
            break
        line = following[1].decode("utf-8", "surrogateescape")
        size += len(line)
        end = _closing(line, 0)
        if end < 0:
            pieces.append(line)
            continue
        pieces.append(line[:end])
        cells.append("\n".join(pieces).replace('""', '"'))
        fault, open_cell = _go_on(line, end + 1, delimiter, cells)
        pieces = [open_cell or ""]
    if taken and fault is None and width is not None and len(_trimmed(cells, width)) != width:
        fault = f"a quote opens here and closes in a row of {len(cells)} cells, expected {width}"
    if fault is None:
        return CellRow(number, cells)
    if taken and fault.startswith("found"):
        fault = "a quote opens here and does not close before a delimiter"
    source.again.extendleft(reversed(taken))
    return CellRow(number, [], DataError(fault))


def _cut(text: str, at: int, delimiter: str, cells: list[str]) -> tuple[str | None, str | None]:
    """Adds the cells of a line from `at` on; a fault, and what stands in a cell that stays open."""
    while True:
        if text[at : at + 1] == '"':
            end = _closing(text, at + 1)
            if end < 0:
                return None, text[at + 1 :]
            cells.append(text[at + 1 : end].replace('""', '"'))
            if text[end + 1 :] in ("", "\r"):
                return None, None
            if text[end + 1] != delimiter:
                return _behind(text[end + 1], delimiter), None
            at = end + 2
        else:
            end = text.find(delimiter, at)
            if end < 0:
                cells.append(text[at:].removesuffix("\r"))
                return None, None
            cells.append(text[at:end])
            at = end + 1


def _go_on(text: str, at: int, delimiter: str, cells: list[str]) -> tuple[str | None, str | None]:
    """What stands behind the quote that closed a cell of several lines, as `_cut` tells it."""
    if text[at:] in ("", "\r"):
        return None, None
    if text[at] != delimiter:
        return _behind(text[at], delimiter), None
    return _cut(text, at + 1, delimiter, cells)


def _behind(char: str, delimiter: str) -> str:
    return f"found {quoted(char)} behind a closing quote, expected {quoted(delimiter)}"


def _closing(text: str, at: int) -> int:
    """Where the next quote stands that is not doubled, or −1."""
    while (end := text.find('"', at)) >= 0 and text[end + 1 : end + 2] == '"':
        at = end + 2
    return end


def _trimmed(cells: list[str], width: int) -> list[str]:
    return cells[:width] if len(cells) > width and not any(cells[width:]) else cells


def _of_width(row: CellRow, width: int) -> CellRow:
    cells = _trimmed(row.cells, width)
    if len(cells) == width:
        return CellRow(row.line, cells)
    found = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
    error = DataError(f"found {found}, expected {width} as in the header")
    return CellRow(row.line, cells, error)
