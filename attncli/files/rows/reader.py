"""Inputs → rows: the one reader of sentences that every command uses.

A row has a text, the line it begins on, and the columns that were asked for. Of a text each line is a
row; blank lines and comments ("# …") are left out unless every line is asked for. Of a table (CSV,
TSV, JSON lines, a JSON document, Parquet) blank lines are none, and there are no comments.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, NamedTuple

from attncli.errors import (
    AttnError,
    Blank,
    DataError,
    command_line,
    setting,
)
from attncli.errors.wording import quoted, typed
from attncli.files.rows.cells import CellRow, rows_of_cells
from attncli.files.rows.columns import (
    expect_different,
    given_away,
    has_header,
    is_alike,
    no_column,
    places,
    read_as_row,
)
from attncli.files.rows.foreign import check_foreign_rows, with_way
from attncli.files.rows.kinds import (
    PARQUET,
    Kind,
    delimiter_of,
    kind_of,
    looks_tabular,
    said_delimiter,
)
from attncli.files.rows.lines import (
    MARKS,
    RawLine,
    encoding_of,
    ended_by_lf,
    in_utf8,
    lines,
    with_head,
)
from attncli.files.rows.objects import objects_of_document, objects_of_lines
from attncli.files.rows.sentences import MAX_LINE, in_lots, is_comment
from attncli.files.rows.shape import DEFAULT_COLUMN as DEFAULT_COLUMN
from attncli.files.rows.shape import Shape as Shape
from attncli.files.rows.shape import Table as Table
from attncli.files.source import InputSource


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


def rows_of(source: InputSource, shape: Shape, *, max_line: int = MAX_LINE) -> Iterator[InputRows]:
    """The rows of an input, some at a time.

    Raises: DataError (no text, no table with such columns, damaged), UsageError (no such column for
    an option), LimitError, InputError, MissingExtraError.
    """
    head, blocks = with_head(source.blocks())
    if not head.startswith((PARQUET, *MARKS)):
        check_foreign_rows(head, source.name)
    encoding = encoding_of(head)
    head, blocks = in_utf8(head, blocks)
    start = b"".join(ended_by_lf([head]))
    kind = _kind(start, source, shape)
    if kind not in ("parquet", "csv") or b"\n" not in head:  # a cell of CSV may hold a CR
        blocks = ended_by_lf(blocks)
    if kind == "parquet":
        yield from _parquet_rows(source, blocks, shape)
    elif kind == "text":
        shape.tell(Table(kind, encoding=encoding))
        if shape.kind is None and shape.note is not None and looks_tabular(start, shape.columns):
            way = command_line("batch", column=Blank("NAME"))
            shape.note(
                f"{source.name}: read as text, a sentence a line, though its lines look like rows "
                f"of a table: {way} reads a column"
            )
        yield from _text_rows(lines(blocks, source.name, max_line=max_line), shape.every_line)
    elif kind == "json":
        shape.tell(Table(kind, encoding=encoding))
        objects = objects_of_document(blocks, source.name, max_value=max_line)
        yield from _in_lots(_object_rows(objects, shape))
    elif kind == "jsonl":
        shape.tell(Table(kind, encoding=encoding))
        numbered = _numbered(lines(blocks, source.name, max_line=max_line))
        yield from _in_lots(_object_rows(objects_of_lines(numbered, source.name), shape))
    else:
        numbered = _numbered(lines(blocks, source.name, max_line=max_line))
        table = Table(kind, encoding=encoding)
        yield from _in_lots(_cell_rows(numbered, table, source.name, shape, max_line, start))


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
    for lot in in_lots(rows):
        yield InputRows(*map(list, zip(*lot, strict=True)))


def _cell_rows(
    numbered: Iterator[tuple[int, RawLine]],
    table: Table,
    name: str,
    shape: Shape,
    max_line: int,
    start: bytes,
) -> Iterator[InputRow]:
    first, numbered = _first_filled(numbered)
    if first is None:
        return
    quoting = table.kind == "csv"
    delimiter = said_delimiter(first) if quoting else "\t"
    if quoting and delimiter:
        next(numbered)
    delimiter = delimiter or delimiter_of(first, shape.columns, start)
    rows = rows_of_cells(numbered, delimiter, quoting=quoting, max_cell=max_line)
    header = next(rows, None)
    if header is None:
        return
    if any("\r" in cell for cell in header.cells) and '"' not in first:
        raise _old_lines(f"{name}:{header.line}")
    if header.error is not None:
        raise DataError(header.error.message, place=f"{name}:{header.line}")
    if shape.by_number and (fault := next(filter(None, map(_fault, header.cells)), None)):
        raise with_way(DataError(fault, place=f"{name}:{header.line}"), name)
    named = has_header(header.cells, shape)
    columns = header.cells if named else list(map(str, range(1, len(header.cells) + 1)))
    at = places(columns, shape, f"{name}:{header.line}")
    shape.tell(table._replace(columns=tuple(columns), delimiter=delimiter, has_header=named))
    if not named and shape.note is not None:
        shape.note(f"{name}: {read_as_row(shape.fields[0])}")
    for row in rows if named else chain((header,), rows):
        yield _cell_row(row, at, whole=shape.whole)


def _old_lines(place: str) -> DataError:
    """The error for lines as old Macs ended them."""
    return DataError(
        "found carriage returns inside the header, expected lines that end with LF",
        place=place,
        hints=(f"tr '\\r' '\\n' < {typed(place.rpartition(':')[0])} > lines.csv",),
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


def _cell_row(row: CellRow, at: tuple[int | None, ...], *, whole: bool) -> InputRow:
    cells: list[Any] = [row.cells[i] if i is not None and i < len(row.cells) else None for i in at]
    if whole:
        cells.append(row.cells)
    if row.error is not None:
        return InputRow(row.line, row.error, tuple(cells[1:]))
    return _checked(row.line, cells)


def _object_rows(objects: Iterable[tuple[int, Any]], shape: Shape) -> Iterator[InputRow]:
    wanted = shape.columns
    gone: list[int] = []
    if shape.by_number:
        names: list[str | None] = [column.strip().lower() for column in wanted]
        gone = given_away(names, shape)
        expect_different([None if i in gone else name for i, name in enumerate(names)], shape)
    nothing: tuple[Any, ...] = (None,) * len(shape.others)
    for line, value in objects:
        rest = (*nothing, value) if shape.whole else nothing
        if isinstance(value, AttnError):
            yield InputRow(line, value, rest)
        elif isinstance(value, str):
            yield _checked(line, [value, *rest])
        elif isinstance(value, dict):
            yield _object_row(line, value, shape, gone)
        else:
            yield InputRow(line, DataError(f"found {named_value(value)}, expected an object"), rest)


def _object_row(line: int, value: dict[str, Any], shape: Shape, gone: Sequence[int]) -> InputRow:
    values = [
        _ABSENT if i in gone else _cell_of(value, column) for i, column in enumerate(shape.columns)
    ]
    cells = [None if cell is _ABSENT else cell for cell in values]
    if shape.whole:
        cells.append(value)
    for i, column in enumerate(shape.columns):
        if values[i] is not _ABSENT or not (i == 0 or (shape.by_number and shape.is_chosen(i))):
            continue
        if shape.by_number and shape.is_chosen(i):
            error = DataError(no_column(column, list(value), "").message)
        else:
            keys = ", ".join(quoted(str(key)) for key in list(value)[:6])
            error = DataError(f"found no {quoted(column)} among {keys or 'nothing'}")
        return InputRow(line, error, tuple(cells[1:]))
    return _checked(line, cells)


_ABSENT = object()


def _cell_of(value: dict[str, Any], column: str) -> Any:
    if column in value:
        return value[column]
    alike = (cell for key, cell in value.items() if is_alike(key, column))
    return next(alike, _ABSENT)


def _parquet_rows(
    source: InputSource, blocks: Iterator[bytes], shape: Shape
) -> Iterator[InputRows]:
    from attncli.files.rows.parquet import parquet_columns, parquet_types, rows_of_columns

    with source.seekable(blocks) as stream:
        header = parquet_columns(stream, source.name)
        stream.seek(0)
        at = places(header, shape, source.name)
        types = parquet_types(stream, source.name) if shape.whole else ()
        stream.seek(0)
        shape.tell(Table("parquet", tuple(header), types=tuple(types)))
        wanted = header if shape.whole else [header[i] for i in at if i is not None]
        chosen = list(dict.fromkeys(wanted))

        def rows() -> Iterator[InputRow]:
            for number, values in rows_of_columns(stream, chosen, source.name):
                by_name = dict(zip(chosen, values, strict=True))
                cells = [None if i is None else by_name[header[i]] for i in at]
                if shape.whole:
                    cells.append([by_name[name] for name in header])
                yield _checked(number, cells)

        yield from _in_lots(rows())
    for _ in blocks:  # to the end, where the file is compared with what it was
        pass


def _checked(line: int, cells: list[Any]) -> InputRow:
    """A row whose text is one, and whose other texts are; else an error in its place."""
    text, others = cells[0], tuple(cells[1:])
    if not isinstance(text, str):
        fault: str | None = f"found {named_value(text)}, expected a text"
    else:
        fault = next(filter(None, map(_fault_of_cell, cells)), None)
    if fault is None:
        return InputRow(line, text, others)
    kept = tuple(None if _fault_of_cell(other) else other for other in others)
    return InputRow(line, DataError(fault), kept)


def _fault_of_cell(cell: Any) -> str | None:
    """The reason why a cell that is a text cannot be used; None for every other."""
    return _fault(cell) if isinstance(cell, str) and not cell.isascii() else None


def _fault(text: str) -> str | None:
    """The reason why text cannot be used: a byte that is no UTF-8, or half a surrogate pair."""
    at = next((i for i, char in enumerate(text) if "\ud800" <= char <= "\udfff"), None)
    if at is None:
        return None
    if "\udc80" <= text[at] <= "\udcff":
        import re  # only where something is wrong already

        shown = quoted(re.sub("[\ud800-\udfff]+", "…", text))
        return f"found the byte 0x{ord(text[at]) - 0xDC00:02x} in {shown}, expected UTF-8"
    return f"character {at + 1} is half of a surrogate pair"


def named_value(value: Any) -> str:
    """What a value of a row is, in words.

    >>> named_value(None)
    'null'
    """
    names = {dict: "an object", list: "a list", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else "a text")
