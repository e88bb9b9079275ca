"""What kind of text a file holds: its content says it, its name is a hint.

Text, CSV, TSV, JSON lines, a JSON document, or Parquet.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, get_args

from attncli.errors import DataError
from attncli.errors.wording import quoted
from attncli.files.rows.cells import CellRow, rows_of_cells
from attncli.files.rows.lines import HEAD, HEAD_LINES

Kind: TypeAlias = Literal["text", "csv", "tsv", "jsonl", "json", "parquet"]
KINDS: tuple[Kind, ...] = get_args(Kind)
PARQUET = b"PAR1"
_SUFFIXES: dict[str, Kind] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
}
PACKED = (".gz", ".bz2", ".xz", ".zst", ".zip")
_DELIMITERS = (",", ";", "\t", "|")
_NOTHING = object()  # no JSON value
_BEGINS_OBJECT = re.compile(r'\{\s*"(?:[^"\\]|\\.)*"\s*:')
_BEGINS_ARRAY = re.compile(r'\[[\[\s]*(?:\{\s*"|\{\s*$|"(?:[^"\\]|\\.)*"\s*,\s*$)')
_HEADING = re.compile(r"[^\W\d][\w .-]{0,39}")  # a cell of a header that is no prose
_SAYS_DELIMITER = re.compile(r"sep=[,;|\t]", re.IGNORECASE)  # as Excel writes it


def kind_of(head: bytes, path: str, columns: Sequence[str], *, tables_only: bool = False) -> Kind:
    """The kind of a file: `columns` are those that are asked for, the text first.

    With `tables_only` what is nothing else is CSV, else text. Raises: DataError for a name that says
    JSON or Parquet where the content is neither.
    """
    if head.startswith(PARQUET):
        return "parquet"
    named = named_kind(path)
    line, more = _first_line(head)
    if (json_kind := _json_kind(line, more, named)) is not None:
        return json_kind
    if named in ("json", "parquet") and line:
        what = "JSON" if named == "json" else "Parquet"
        raise DataError(f"the name says {what}, found {quoted(line)}")
    if named == "jsonl":
        return named
    if said_delimiter(line):
        return "csv"
    delimiter = header_delimiter(line, columns)
    if named == "tsv":
        parted = any(mark in line for mark in ",;|")
        otherwise = delimiter is not None or (tables_only and parted)
        return "csv" if otherwise and "\t" not in line else "tsv"
    if named == "csv":
        return named
    if _is_header(line, more, columns, delimiter):
        return "tsv" if delimiter == "\t" else "csv"
    return "csv" if tables_only else "text"


def named_kind(path: str) -> Kind | None:
    """The kind that the suffix of a path says."""
    name = path.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
    return next((kind for suffix, kind in _SUFFIXES.items() if name.endswith(suffix)), None)


def header_delimiter(line: str, columns: Sequence[str]) -> str | None:
    """The delimiter by which a header has the first of the columns, or any of them."""
    for wanted in (columns[:1], columns[1:]):
        names = {name.strip().lower() for name in wanted}
        for delimiter in _DELIMITERS:
            cells = [cell.strip().strip('"').strip().lower() for cell in line.split(delimiter)]
            if len(cells) > 1 and names.intersection(cells):
                return delimiter
    return None


def said_delimiter(line: str) -> str:
    """The delimiter that a first line of Excel names, as in `sep=;`; empty for any other line."""
    line = line.rstrip("\r")
    return line[4] if _SAYS_DELIMITER.fullmatch(line) else ""


def delimiter_of(line: str, columns: Sequence[str], head: bytes = b"") -> str:
    """The delimiter of a CSV file: by the columns of its header, else by its first lines.

    It is the one that gives most lines as many cells as the first, else the most frequent one.
    """
    named = header_delimiter(line, columns)
    if named is not None:
        return named
    whole, _, _ = head.decode("utf-8", "replace").rpartition("\n")
    fitting = {mark: _alike(whole, mark) for mark in _DELIMITERS}
    most = max(_DELIMITERS, key=lambda mark: (fitting[mark], line.count(mark)))
    return most if line.count(most) else ","


def _alike(text: str, delimiter: str) -> int:
    """How many rows have as many cells as the first, which has several."""
    rows = _rows(text, delimiter)
    several = bool(rows) and len(rows[0].cells) > 1
    return sum(row.error is None for row in rows[1:]) if several else 0


def _first_line(head: bytes) -> tuple[str, str]:
    """The first line that is not blank, and what of the file follows it."""
    first, _, more = head.lstrip().partition(b"\n")
    return first.decode("utf-8", "replace").strip(), more.decode("utf-8", "replace")


def _json_kind(line: str, more: str, named: Kind | None) -> Kind | None:
    """Whether a text is JSON, and which: a prose line is no JSON object, nor an array of texts."""
    if not line.startswith(("{", "[")):
        return None
    value = _value(line)
    if named == "json":
        return "jsonl" if isinstance(value, dict) and more.lstrip().startswith("{") else "json"
    if isinstance(value, dict):
        return "jsonl"
    if named == "jsonl":
        opens = line in ("[", "{", "[{") or (value is _NOTHING and _BEGINS_ARRAY.match(line))
        many = isinstance(value, list) and all(isinstance(item, dict) for item in value)
        return "json" if opens or (many and value) else "jsonl"
    if isinstance(value, list):
        texts = value and all(isinstance(item, str) for item in value)
        return "json" if texts or any(isinstance(item, dict | list) for item in value) else None
    begins = line in ("[", "{", "[{", "[[", "[[{") and more.strip()[:1] in ("{", '"', "[")
    return "json" if begins or _BEGINS_OBJECT.match(line) or _BEGINS_ARRAY.match(line) else None


def _is_header(line: str, more: str, columns: Sequence[str], delimiter: str | None) -> bool:
    """Whether a first line without a telling name is the header of a table, and no prose."""
    if delimiter is None:
        return False
    cells = [cell.strip('"') for cell in line.split(delimiter)]
    if delimiter != "\t":
        named = sum(_HEADING.fullmatch(cell) is not None for cell in cells)
        if named < 2 or named + cells.count("") < len(cells):
            return _heads_rows(line, more, delimiter)
    following = next((row for row in more.split("\n") if row.strip()), None)
    if following is None or delimiter in following:
        return True
    return following.startswith('"') and following.count('"') % 2 == 1  # a cell of several lines


def _heads_rows(line: str, more: str, delimiter: str) -> bool:
    """Whether the lines behind a line have as many cells as it; in prose blanks follow a comma."""
    rows = _rows(f"{line}\n{more}", delimiter)
    header = rows[0].cells
    if len(header) < 2 or "" in (cell.strip() for cell in header):
        return False
    fitting = sum(row.error is None for row in rows[1:])
    return fitting > any(cell[:1].isspace() for cell in header)


def looks_tabular(head: bytes, columns: Sequence[str]) -> bool:
    """Whether lines that are read as prose look like rows of a table without the columns.

    One that is the name of the column alone does, and lines with as many cells as the first.
    """
    line, more = _first_line(head)
    if line.lower() == columns[0].lower():
        return True
    delimiter = delimiter_of(line, ())
    rows = _rows(f"{line}\n{more}", delimiter)
    cells = rows[0].cells
    spaced = any(cell[:1].isspace() for row in rows for cell in row.cells)
    same = len(rows) > 2 and all(row.error is None for row in rows)
    return same and len(cells) > 1 and not spaced and all(map(_HEADING.fullmatch, cells))


def _rows(text: str, delimiter: str) -> list[CellRow]:
    """The first rows of a text, were it a table: those that `with_head` has surely read."""
    whole, _, last = text.rpartition("\n")
    listed = [row for row in (*whole.split("\n"), last) if row.strip()][:HEAD_LINES]
    numbered = ((number, row.encode("utf-8", "replace")) for number, row in enumerate(listed))
    rows = rows_of_cells(numbered, delimiter, quoting=delimiter != "\t", max_cell=HEAD)
    return list(rows) or [CellRow(0, [])]


def _value(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return _NOTHING
