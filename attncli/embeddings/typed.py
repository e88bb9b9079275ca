"""Matrices as people write them: `1,0;0,1`, `0,5 1; 2 0,25`, or lists of rows as Python prints them.

Numbers are parted by commas or spaces, rows by semicolons or the ends of lines, heads by bars.
"""

import math
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from attncli.arrays import FloatArray
from attncli.checks.records import json_of
from attncli.embeddings.readers.text.fields import has_decimal_commas
from attncli.embeddings.readers.text.numbers import NUMBER, parse_one
from attncli.errors import AttnError, LimitError, UsageError
from attncli.errors.wording import quoted
from attncli.files.source import source_of

MOST_BYTES = 16 << 20  # of a file that somebody wrote
MOST_HEADS, MOST_LINES = 256, 65_536  # MOST_LINES are rows of a head, and columns of a row
_LONGEST = 400  # characters of a number
_NUMBERS = re.compile(rb"(?:" + NUMBER.pattern + rb" )*+")
_PARTS = re.compile(r"([^;\n|]*)([;\n|]|\Z)")  # a row, and what ends it
_LARGEST = float(np.finfo(np.float32).max)
_FINITE = "expected a finite number"


class Origin(NamedTuple):
    """Where a matrix was written: the place that errors name, their kind, and what they say first.

    Of a file the errors name the line.
    """

    place: str
    error: type[AttnError] = UsageError
    name: str = ""
    lines: bool = False

    def wrong(self, message: str, line: int | None = None) -> AttnError:
        """The error about what is written there."""
        place = f"{self.place}:{line}" if self.lines and line is not None else self.place
        return self.error(f"{self.name}: {message}" if self.name else message, place=place)

    def expect_at_most(self, count: int, most: int, what: str) -> None:
        """Raises: LimitError for more than `most` of them."""
        if count > most:
            message = f"found {count:,} {what}, expected at most {most:,}"
            raise LimitError(f"{self.name}: {message}" if self.name else message, place=self.place)


class _Row(NamedTuple):
    text: str
    number: int  # within its head, from 1
    line: int

    @property
    def fields(self) -> list[str]:
        return self.text.split()

    @property
    def parted(self) -> list[str]:
        """The numbers where commas part them as spaces do."""
        return re.split(r"\s*,\s*|\s+", self.text)


def text_of_file(path: str) -> tuple[str, str]:
    """The text of a file that somebody wrote, and its name for messages.

    Raises: InputError, DataError, LimitError for one of more than `MOST_BYTES`.
    """
    from attncli.errors import DataError

    source = source_of(path)
    data = bytearray()
    for block in source.blocks():
        data += block
        if len(data) > MOST_BYTES:
            raise LimitError(f"more than {MOST_BYTES >> 20} MiB of text", place=source.name)
    try:
        return data.decode("utf-8-sig"), source.name
    except UnicodeDecodeError as fault:
        raise DataError(f"byte {fault.start} is not UTF-8", place=source.name) from None


def typed_matrix(text: str, origin: Origin) -> FloatArray:
    """The numbers of a matrix, for each head, (n_heads, n_rows, n_columns).

    Raises: the error of its origin, with the row, for what is no number or not rectangular.

    >>> typed_matrix("0,5 1; 2 0,25", Origin("w_q")).tolist()
    [[[0.5, 1.0], [2.0, 0.25]]]
    """
    if origin.lines:
        text = re.sub("#[^\n]*", "", text)
    if text.lstrip().startswith("["):
        try:
            return nested_matrix(json_of(text), origin)
        except ValueError as fault:
            raise origin.wrong(f"the list cannot be read: {quoted(str(fault), 80)}") from None
    heads = _rows_of_heads(text, origin)
    comma = _has_decimal_commas([row for rows in heads for row in rows], origin)
    numbers = []
    for number, rows in enumerate(heads, 1):
        head = f"head {number}, " if len(heads) > 1 else ""
        values = [_numbers(row, head, origin, comma=comma) for row in rows]
        for row, other in zip(rows, values, strict=True):
            if len(other) != len(values[0]):
                raise _ragged(head, row.number, len(other), len(values[0]), origin, row.line)
        numbers.append(np.array(values, dtype=np.float64))  # (n_rows, n_columns)
    return _stacked(numbers, origin)


def nested_matrix(value: Any, origin: Origin) -> FloatArray:
    """The numbers of lists of rows, or of such lists for each head, (n_heads, n_rows, n_columns).

    Raises: the error of its origin for anything else, for a number that is not finite too.
    """
    if not isinstance(value, list) or not value:
        raise origin.wrong("found no rows, expected lists of numbers")
    deep = isinstance(value[0], list) and bool(value[0]) and isinstance(value[0][0], list)
    heads: Sequence[Any] = value if deep else [value]
    origin.expect_at_most(len(heads), MOST_HEADS, "heads")
    numbers = []
    for number, rows in enumerate(heads, 1):
        head = f"head {number}, " if len(heads) > 1 else ""
        if not isinstance(rows, list) or not rows:
            raise origin.wrong(f"{head or 'it '}has no rows, expected lists of numbers")
        values = [_listed(row, f"{head}row {i}", origin) for i, row in enumerate(rows, 1)]
        for i, other in enumerate(values, 1):
            if len(other) != len(values[0]):
                raise _ragged(head, i, len(other), len(values[0]), origin)
        numbers.append(np.array(values, dtype=np.float64))  # (n_rows, n_columns)
    return _stacked(numbers, origin)


def _rows_of_heads(text: str, origin: Origin) -> list[list[_Row]]:
    heads: list[list[_Row]] = [[]]
    line = 1
    origin.expect_at_most(text.count("|") + 1, MOST_HEADS, "heads")
    for match in _PARTS.finditer(text):
        part, end = match[1].strip(), match[2]
        if part:
            heads[-1].append(_Row(part, len(heads[-1]) + 1, line))
            origin.expect_at_most(len(heads[-1]), MOST_LINES, "rows")
        if end == "\n":
            line += 1
        elif end == "|":
            heads.append([])
    for number, rows in enumerate(heads, 1):
        if not rows:
            what = f"head {number} has no numbers" if len(heads) > 1 else "found no numbers"
            raise origin.wrong(f"{what}, expected rows such as 1,0;0,1")
    return heads


def _has_decimal_commas(rows: Sequence[_Row], origin: Origin) -> bool:
    """Whether commas are decimal: numbers are parted by spaces, and commas stand inside them.

    Raises: the error of the origin when nobody can tell.
    """
    fields = [field for row in rows for field in row.fields]
    inside = [field for field in fields if "," in field.strip(",")]
    spaced = any(len(row.fields) > 1 for row in rows)
    if not inside or not spaced:
        return False
    if not _is_rectangular(len(row.fields) for row in rows) and _is_rectangular(
        len(row.parted) for row in rows
    ):
        return False
    at_ends = any(field != field.strip(",") for field in fields)
    data = [field.encode("utf-8", "backslashreplace") for field in fields]
    comma = None if at_ends else has_decimal_commas(data, 1)
    if comma is None:
        row = next(row for row in rows if inside[0] in row.fields)
        raise origin.wrong(
            f"cannot tell whether the comma in {quoted(inside[0])} is decimal or parts numbers; "
            "expected points, or spaces alone between numbers",
            row.line,
        )
    return comma


def _is_rectangular(counts: Iterable[int]) -> bool:
    return len(set(counts)) == 1


def _numbers(row: _Row, head: str, origin: Origin, *, comma: bool) -> list[float]:
    place = f"{head}row {row.number}"
    fields = [field.replace(",", ".") for field in row.fields] if comma else row.parted
    origin.expect_at_most(len(fields), MOST_LINES, "columns")
    if (plain_values := _plain_numbers(fields)) is not None:
        return plain_values
    values = []
    for field in fields:
        if not field:
            raise origin.wrong(f"{place}: a number is missing beside a comma", row.line)
        plain = field.replace("−", "-")
        if parse_one(plain.encode("utf-8", "backslashreplace")) is None:
            most = f" of at most {_LONGEST} characters" if len(plain) > _LONGEST else ""
            raise origin.wrong(f"{place}: found {quoted(field)}, {_FINITE}{most}", row.line)
        values.append(float(plain))
    return values


def _plain_numbers(fields: Sequence[str]) -> list[float] | None:
    """The numbers, if all are such; None when one has to be looked for."""
    joined = " ".join(fields).encode("utf-8", "backslashreplace") + b" "
    if max(map(len, fields)) > _LONGEST or _NUMBERS.fullmatch(joined) is None:
        return None
    values = list(map(float, fields))
    return values if max(map(abs, values)) <= _LARGEST else None


def _listed(row: Any, place: str, origin: Origin) -> list[float]:
    if not isinstance(row, list) or not row:
        raise origin.wrong(f"{place} is no list of numbers")
    origin.expect_at_most(len(row), MOST_LINES, "columns")
    return [_finite(value, place, origin) for value in row]


def _finite(value: Any, place: str, origin: Origin) -> float:
    """The number, when float32 can hold it as well. Raises: the error of the origin."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        number = float(value) if is_number else math.nan
    except OverflowError:
        number = math.inf
    if not abs(number) <= _LARGEST:
        shown = "a number too large" if is_number and number == number else "something else"
        what = quoted(value) if isinstance(value, str) else shown
        raise origin.wrong(f"{place}: found {what}, {_FINITE}")
    return number


def _ragged(
    head: str, row: int, count: int, first: int, origin: Origin, line: int | None = None
) -> AttnError:
    numbers = "number" if count == 1 else "numbers"
    return origin.wrong(f"{head}row {row} has {count} {numbers}, row 1 has {first}", line)


def _stacked(heads: Sequence[FloatArray], origin: Origin) -> FloatArray:
    for number, (one, other) in enumerate(pairwise(heads), 2):
        if one.shape != other.shape:
            raise origin.wrong(
                f"head {number} is {shape_text(other)}, head {number - 1} is {shape_text(one)}"
            )
    return np.stack(heads)  # (n_heads, n_rows, n_columns)


def shape_text(matrix: FloatArray) -> str:
    """Rows and columns, "2 × 3"."""
    return f"{matrix.shape[-2]} × {matrix.shape[-1]}"
