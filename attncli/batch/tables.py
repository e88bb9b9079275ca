"""CSV, TSV and JSON lines → records: one column is the text, another may be the id."""

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from attncli.batch.chunks import RawText
from attncli.batch.inputs import Source, lines
from attncli.errors import AttnError, DataError, UsageError
from attncli.escape import quoted
from attncli.suggest import did_you_mean
from attncli.text.sentences import MAX_LINE, decoded, is_comment

InputFormat: TypeAlias = Literal["text", "csv", "tsv", "jsonl"]

_SUFFIXES: dict[str, InputFormat] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_PACKED = (".gz", ".bz2", ".xz", ".zst")
DEFAULT_COLUMN = "text"


@dataclass(frozen=True, slots=True)
class Shape:
    """How inputs are read: None for a format is by the name of the file."""

    format: InputFormat | None = None
    column: str | None = None
    id_column: str | None = None
    comments: bool = False

    def described(self) -> dict[str, Any]:
        """The shape as plain values, for a job's identity."""
        return {
            "format": self.format,
            "column": self.column,
            "id": self.id_column,
            "comments": self.comments,
        }


@dataclass(frozen=True, slots=True)
class Record:
    """A record as read: its text, the line it begins on, its id."""

    raw: RawText
    line: int
    id: str | int | None = None


def format_of(path: str, shape: Shape) -> InputFormat:
    """The format of an input: as asked, else by its suffix, else text (csv when a column is asked)."""
    if shape.format is not None:
        return shape.format
    name = path.lower()
    for packed in _PACKED:
        name = name.removesuffix(packed)
    for suffix, found in _SUFFIXES.items():
        if name.endswith(suffix):
            return found
    if shape.column is not None or shape.id_column is not None:
        raise UsageError(
            f"found {quoted(path)}, whose name does not say what it is, expected a table",
            place="--column",
            hints=("--input-format csv, tsv or jsonl says it",),
        )
    return "text"


def records(source: Source, shape: Shape, *, max_line: int = MAX_LINE) -> Iterator[Record]:
    """The records of a table. Raises: UsageError when it has no such column."""
    kind = format_of(source.path, shape)
    if kind == "jsonl":
        return _from_json(source, shape, max_line)
    return _from_cells(source, shape, "\t" if kind == "tsv" else ",", max_line)


def kept_lines(found: Iterable[RawText], first: int) -> Iterator[tuple[int, RawText]]:
    """Numbered lines of a file with comments: without these and without blank lines."""
    for line, raw in enumerate(found, start=first):
        text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else None
        if text is None or (text.strip() and not is_comment(text)):
            yield line, raw


def _from_json(source: Source, shape: Shape, max_line: int) -> Iterator[Record]:
    column, id_column = shape.column or DEFAULT_COLUMN, shape.id_column
    line = 0
    for block in lines(source, max_line=max_line):
        for raw in block:
            line += 1
            if isinstance(raw, AttnError):
                yield Record(raw, line)
            elif isinstance(raw, str) or raw.strip():
                yield _json_record(raw, line, column, id_column, source.name)


def _json_record(
    raw: bytes | str, line: int, column: str, id_column: str | None, name: str
) -> Record:
    try:
        text = decoded(raw, f"{name}:{line}") if isinstance(raw, bytes) else raw
        found = json.loads(text)
    except AttnError as error:
        return Record(error, line)
    except (ValueError, RecursionError) as fault:
        return Record(DataError(f"not JSON: {fault}"), line)
    if not isinstance(found, dict):
        return Record(DataError(f"found {_kind(found)}, expected an object"), line)
    given = found.get(id_column) if id_column is not None else None
    identity = given if given is None or isinstance(given, str | int) else json.dumps(given)
    value = found.get(column)
    if not isinstance(value, str):
        what = (
            f"no {quoted(column)}" if column not in found else f"{quoted(column)}: {_kind(value)}"
        )
        return Record(DataError(f"found {what}, expected a text"), line, identity)
    fault_at = next((i for i, c in enumerate(value) if "\ud800" <= c <= "\udfff"), None)
    if fault_at is not None:
        half = DataError(f"character {fault_at + 1} is half of a surrogate pair")
        return Record(half, line, identity)
    return Record(value, line, identity)


def _from_cells(source: Source, shape: Shape, delimiter: str, max_line: int) -> Iterator[Record]:
    csv.field_size_limit(max_line)
    bad: dict[int, AttnError] = {}
    reader = csv.reader(_cell_lines(source, max_line, bad), delimiter=delimiter)
    header = next(reader, None)
    if header is None:
        return
    column = _position(header, shape.column or DEFAULT_COLUMN, "--column")
    id_column = None if shape.id_column is None else _position(header, shape.id_column, "--id")
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as fault:
            yield Record(DataError(f"not a row of cells: {fault}"), line)
            continue
        if line in bad:
            yield Record(bad.pop(line), line)
        elif row:
            yield _cell_record(row, line, column, id_column, len(header))


def _cell_record(
    row: list[str], line: int, column: int, id_column: int | None, width: int
) -> Record:
    identity = row[id_column] if id_column is not None and id_column < len(row) else None
    if identity is not None and not _is_text(identity):
        identity = None
    if column >= len(row):
        return Record(DataError(f"found {len(row)} cells, expected {width}"), line, identity)
    if not _is_text(row[column]):
        return Record(DataError("the text is not UTF-8"), line, identity)
    return Record(row[column], line, identity)


def _cell_lines(source: Source, max_line: int, bad: dict[int, AttnError]) -> Iterator[str]:
    line = 0
    for block in lines(source, max_line=max_line):
        for raw in block:
            line += 1
            if isinstance(raw, AttnError):
                bad[line] = raw
                yield "\n"
            else:
                text = raw.decode("utf-8", "surrogateescape") if isinstance(raw, bytes) else raw
                yield text + "\n"


def _position(header: list[str], name: str, option: str) -> int:
    if name in header:
        return header.index(name)
    listed = ", ".join(quoted(cell) for cell in header[:8])
    raise UsageError(
        f"found no column {quoted(name)}, expected one of {listed}{did_you_mean(name, header)}",
        place=option,
    )


def _is_text(cell: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in cell)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else "a text")
