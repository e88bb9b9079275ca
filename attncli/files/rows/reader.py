"""Inputs → rows: the one reader of sentences that every command uses.

A row has a text, the line it begins on, and the columns that were asked for. Of a text each line is a
row; blank lines and comments ("# …") are left out unless every line is asked for. Of a table (CSV,
TSV, JSON lines, a JSON document, Parquet) blank lines are none, and there are no comments.
"""

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, NamedTuple

from attncli.errors import (
    AttnError,
    Blank,
    DataError,
    UsageError,
    command_line,
    field_name,
    setting,
)
from attncli.errors.wording import did_you_mean, quoted
from attncli.files.rows.cells import CellRow, rows_of_cells
from attncli.files.rows.foreign import check_foreign_rows
from attncli.files.rows.kinds import PARQUET, Kind, delimiter_of, kind_of, looks_tabular
from attncli.files.rows.lines import MARKS, RawLine, ended_by_lf, in_utf8, lines, with_head
from attncli.files.rows.objects import objects_of_document, objects_of_lines
from attncli.files.rows.sentences import MAX_LINE, is_comment
from attncli.files.source import InputSource

DEFAULT_COLUMN = "text"
_LOT = 256  # rows given out together


class InputRow(NamedTuple):
    """A row as read: its text (bytes of a line, text of a cell, or why there is none) and cells."""

    line: int
    text: bytes | str | AttnError
    cells: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class InputRows:
    """Rows that are given out together, column by column; the rows of a text have no cells."""

    lines: Sequence[int]
    texts: Sequence[bytes | str | AttnError]
    cells: Sequence[tuple[Any, ...]] = ()

    def __len__(self) -> int:
        return len(self.texts)

    def __iter__(self) -> Iterator[InputRow]:
        return map(InputRow, self.lines, self.texts, self.cells or repeat(()))

    def part(self, start: int, end: int | None = None) -> "InputRows":
        """The rows from `start` up to `end`."""
        return InputRows(self.lines[start:end], self.texts[start:end], self.cells[start:end])


@dataclass(frozen=True, slots=True)
class Shape:
    """How inputs are read.

    kind: None is told by content and name. column: that of the text, None is "text". others: columns
    wanted besides, in the order of a row's cells; None stands where a row has no such cell.
    required: whether a table without one of the others is an error. fields: the settings that name
    the columns, for messages, the text's first; without them a file is at fault, not a setting.
    note: is told when lines are read as prose that look like rows.
    """

    kind: Kind | None = None
    column: str | None = None
    others: tuple[str, ...] = ()
    required: bool = False
    every_line: bool = False
    tables_only: bool = False
    fields: tuple[str, ...] = ()
    note: Callable[[str], None] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns by name, the text first."""
        return (self.column or DEFAULT_COLUMN, *self.others)

    @property
    def asks_for_table(self) -> bool:
        """Whether the options name columns, which only a table has."""
        return self.tables_only or self.column is not None or (self.required and bool(self.others))


def rows_of(source: InputSource, shape: Shape, *, max_line: int = MAX_LINE) -> Iterator[InputRows]:
    """The rows of an input, some at a time.

    Raises: DataError (no text, no table with such columns, damaged), UsageError (no such column for
    an option), LimitError, InputError, MissingExtraError.
    """
    head, blocks = with_head(source.blocks())
    if not head.startswith((PARQUET, *MARKS)):
        check_foreign_rows(head, source.name)
    head, blocks = in_utf8(head, blocks)
    start = b"".join(ended_by_lf([head]))
    kind = _kind(start, source, shape)
    if kind not in ("parquet", "csv") or b"\n" not in head:  # a cell of CSV may hold a CR
        blocks = ended_by_lf(blocks)
    if kind == "parquet":
        yield from _parquet_rows(source, blocks, shape)
    elif kind == "text":
        if shape.kind is None and shape.note is not None and looks_tabular(start, shape.columns):
            shape.note(f"{source.name}: {_as_prose()}")
        yield from _text_rows(lines(blocks, source.name, max_line=max_line), shape.every_line)
    elif kind == "json":
        objects = objects_of_document(blocks, source.name, max_value=max_line)
        yield from _in_lots(_object_rows(objects, shape))
    elif kind == "jsonl":
        numbered = _numbered(lines(blocks, source.name, max_line=max_line))
        yield from _in_lots(_object_rows(objects_of_lines(numbered, source.name), shape))
    else:
        numbered = _numbered(lines(blocks, source.name, max_line=max_line))
        yield from _in_lots(_cell_rows(numbered, kind, source.name, shape, max_line))


def _as_prose() -> str:
    return (
        "read as text, a sentence a line, though its lines look like rows of a table: "
        f"{command_line('batch', column=Blank('NAME'))} reads a column"
    )


def _kind(head: bytes, source: InputSource, shape: Shape) -> Kind:
    if shape.kind is not None:
        return shape.kind
    try:
        return kind_of(head, source.path, shape.columns, tables_only=shape.asks_for_table)
    except DataError as error:
        error.place = source.name
        if shape.fields:
            error.hints = (f"{setting(input_format='text')} reads it as text",)
        raise


def _text_rows(blocks: Iterable[list[RawLine]], every_line: bool) -> Iterator[InputRows]:
    line = 1
    for block in blocks:
        rows = InputRows(range(line, line + len(block)), block)
        yield rows if every_line else _without_comments(rows)
        line += len(block)


def _without_comments(rows: InputRows) -> InputRows:
    """The rows of a text that are neither blank nor a comment."""
    # most lines begin with a letter
    doubtful = [
        i
        for i, raw in enumerate(rows.texts)
        if not (isinstance(raw, bytes) and b"#" < raw[:1] < b"\x7f")
    ]
    left_out = {i for i in doubtful if not _is_kept(rows.texts[i])}
    if not left_out:
        return rows
    kept = [i for i in range(len(rows)) if i not in left_out]
    return InputRows([rows.lines[i] for i in kept], [rows.texts[i] for i in kept])


def _is_kept(raw: bytes | str | AttnError) -> bool:
    """Whether a line is neither blank nor a comment."""
    if not isinstance(raw, bytes):
        return True
    text = raw.decode("utf-8", "replace")
    return bool(text.strip()) and not is_comment(text)


def _numbered(blocks: Iterable[list[RawLine]]) -> Iterator[tuple[int, RawLine]]:
    line = 0
    for block in blocks:
        for raw in block:
            line += 1
            yield line, raw


def _in_lots(rows: Iterable[InputRow]) -> Iterator[InputRows]:
    """The rows some at a time; those before an error are given out before it is raised."""
    lot: list[InputRow] = []
    try:
        for row in rows:
            lot.append(row)
            if len(lot) == _LOT:
                yield _together(lot)
                lot = []
    except AttnError:
        if lot:
            yield _together(lot)
        raise
    if lot:
        yield _together(lot)


def _together(rows: Sequence[InputRow]) -> InputRows:
    return InputRows(*map(list, zip(*rows, strict=True)))


def _cell_rows(
    numbered: Iterator[tuple[int, RawLine]], kind: Kind, name: str, shape: Shape, max_line: int
) -> Iterator[InputRow]:
    first, numbered = _first_filled(numbered)
    if first is None:
        return
    delimiter = "\t" if kind == "tsv" else delimiter_of(first, shape.columns)
    if kind == "csv" and first[:4].lower() == "sep=" and len(first) == 5:  # as Excel writes it
        delimiter = first[4]
        next(numbered)
    rows = rows_of_cells(numbered, delimiter, quoting=kind == "csv", max_cell=max_line)
    header = next(rows, None)
    if header is None:
        return
    if any("\r" in cell for cell in header.cells) and '"' not in first:
        raise _old_lines(f"{name}:{header.line}")
    if header.error is not None:
        raise DataError(header.error.message, place=f"{name}:{header.line}")
    places = _places(header.cells, shape, f"{name}:{header.line}")
    for row in rows:
        yield _cell_row(row, places)


def _old_lines(place: str) -> DataError:
    """The error for lines as old Macs ended them."""
    return DataError(
        "found carriage returns inside the header, expected lines that end with LF",
        place=place,
        hints=(f"tr '\\r' '\\n' < {shlex.quote(place.rpartition(':')[0])} > lines.csv",),
    )


def _first_filled(
    numbered: Iterator[tuple[int, RawLine]],
) -> tuple[str | None, Iterator[tuple[int, RawLine]]]:
    """The first line that is not blank, as text, and all lines from it on."""
    for number, raw in numbered:
        if isinstance(raw, AttnError):
            raise raw
        if raw.strip():
            first = raw.decode("utf-8", "replace").lstrip("\r").partition("\r")[0]
            return first, _again((number, raw), numbered)
    return None, numbered


def _again(
    first: tuple[int, RawLine], rest: Iterator[tuple[int, RawLine]]
) -> Iterator[tuple[int, RawLine]]:
    yield first
    yield from rest


def _places(header: list[str], shape: Shape, place: str) -> tuple[int | None, ...]:
    """Where each wanted column stands. Raises: UsageError or DataError."""
    return tuple(
        _place_of(header, column, i, shape, place) for i, column in enumerate(shape.columns)
    )


def _place_of(header: list[str], column: str, i: int, shape: Shape, place: str) -> int | None:
    alike: list[int] = []
    for same in (_exactly, _loosely):
        alike = [at for at, cell in enumerate(header) if same(cell, column)]
        if alike:
            break
    if len(alike) > 1:
        raise DataError(f"the column {column} occurs twice", place=place)
    if alike:
        return alike[0]
    if i > 0 and not shape.required:
        return None
    raise _no_column(header, column, i, shape, place)


def _no_column(
    header: Sequence[str], column: str, i: int, shape: Shape, place: str
) -> DataError | UsageError:
    listed = ", ".join(quoted(cell) for cell in header[:8])
    hints: tuple[str, ...] = ()
    if shape.fields:
        return UsageError(
            f"found no column {quoted(column)}, expected one of {listed}"
            f"{did_you_mean(column, header)}",
            place=field_name(shape.fields[i]),
            hints=hints,
        )
    if any(cell.strip('"') == column for cell in header):
        hints = ("a TSV has no quoting; name the file .csv if its cells are quoted",)
    also = " and label" if "label" in shape.others else ""
    return DataError(
        f"found the columns {listed}, expected a header line with {column}{also}",
        place=place,
        hints=hints,
    )


def _exactly(cell: str, column: str) -> bool:
    return cell == column


def _loosely(cell: str, column: str) -> bool:
    return cell.strip().lower() == column.strip().lower()


def _cell_row(row: CellRow, places: tuple[int | None, ...]) -> InputRow:
    cells = [row.cells[at] if at is not None and at < len(row.cells) else None for at in places]
    if row.error is not None:
        return InputRow(row.line, row.error, tuple(cells[1:]))
    return _checked(row.line, cells)


def _object_rows(objects: Iterable[tuple[int, Any]], shape: Shape) -> Iterator[InputRow]:
    wanted = shape.columns
    nothing = (None,) * len(shape.others)
    for line, value in objects:
        if isinstance(value, AttnError):
            yield InputRow(line, value, nothing)
        elif isinstance(value, str):
            yield _checked(line, [value, *nothing])
        elif isinstance(value, dict):
            cells = [_cell_of(value, column) for column in wanted]
            if cells[0] is _ABSENT:
                keys = ", ".join(quoted(str(key)) for key in list(value)[:6])
                error = DataError(f"found no {quoted(wanted[0])} among {keys or 'nothing'}")
                yield InputRow(line, error, tuple(_or_none(cell) for cell in cells[1:]))
            else:
                yield _checked(line, [_or_none(cell) for cell in cells])
        else:
            yield InputRow(line, DataError(f"found {_named(value)}, expected an object"), nothing)


_ABSENT = object()


def _cell_of(value: dict[str, Any], column: str) -> Any:
    if column in value:
        return value[column]
    alike = (cell for key, cell in value.items() if _loosely(key, column))
    return next(alike, _ABSENT)


def _or_none(cell: Any) -> Any:
    return None if cell is _ABSENT else cell


def _parquet_rows(
    source: InputSource, blocks: Iterator[bytes], shape: Shape
) -> Iterator[InputRows]:
    from attncli.files.rows.parquet import parquet_columns, rows_of_columns

    with source.seekable(blocks) as stream:
        header = parquet_columns(stream, source.name)
        stream.seek(0)
        places = _places(header, shape, source.name)
        chosen = [header[at] for at in places if at is not None]

        def rows() -> Iterator[InputRow]:
            for number, values in rows_of_columns(stream, list(dict.fromkeys(chosen)), source.name):
                by_name = dict(zip(dict.fromkeys(chosen), values, strict=True))
                cells = [None if at is None else by_name[header[at]] for at in places]
                yield _checked(number, cells)

        yield from _in_lots(rows())
    for _ in blocks:  # to the end, where the file is compared with what it was
        pass


def _checked(line: int, cells: list[Any]) -> InputRow:
    """A row whose text is one, and whose other texts are; else an error in its place."""
    text, others = cells[0], tuple(cells[1:])
    if not isinstance(text, str):
        return InputRow(line, DataError(f"found {_named(text)}, expected a text"), others)
    for cell in cells:
        fault = _fault(cell) if isinstance(cell, str) and not cell.isascii() else None
        if fault is not None:
            kept = tuple(None if cell == other else other for other in others)
            return InputRow(line, DataError(fault), kept)
    return InputRow(line, text, others)


def _fault(text: str) -> str | None:
    """The reason why text cannot be used: a byte that is no UTF-8, or half a surrogate pair."""
    at = next((i for i, char in enumerate(text) if "\ud800" <= char <= "\udfff"), None)
    if at is None:
        return None
    if "\udc80" <= text[at] <= "\udcff":
        return f"found the byte 0x{ord(text[at]) - 0xDC00:02x} in {quoted(text)}, expected UTF-8"
    return f"character {at + 1} is half of a surrogate pair"


def _named(value: Any) -> str:
    names = {dict: "an object", list: "a list", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else "a text")
