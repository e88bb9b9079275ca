"""Tables of examples: text and label, target or weights; each row checked, bad ones collected.

Files are read as by every command (`attncli.files.rows.reader`). A column `split` says which part a row
belongs to.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, BinaryIO

import numpy as np

from attncli.arrays import FloatArray
from attncli.errors import (
    AttnError,
    Blank,
    DataError,
    EmptyError,
    LimitError,
    UsageError,
    field_name,
    setting,
)
from attncli.errors.wording import did_you_mean, quoted
from attncli.files.rows.inputs import text_of_row
from attncli.files.rows.reader import InputRow, Table, rows_of
from attncli.files.source import expect_no_url, source_of
from attncli.reading.targets import Offset, Target
from attncli.training.columns import Columns, expect_labels, remarks_of
from attncli.training.labels import label_of

_LISTED = 20  # bad rows named in a message
_ROW_SUM = 0.01  # given rows are read off a slide: two digits that may not quite sum to 1
_OF_LINE = ", row "
_MOST_HELD = 1 << 31  # bytes of rows, about, that are kept
_PER_ROW = 250  # bytes of a row beside its text
_LARGEST_SCORE = 1e12
_MOST_DIGITS = 9  # of the number of a token or a character


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One example as it stands in a file; `place` names its line in messages.

    pair: the sentence beside the text; score: how alike the two are.
    """

    text: str
    label: str | None = None
    target: Target | None = None
    weights: FloatArray | None = None
    split: str | None = None
    place: str = "rows"
    pair: str | None = None
    score: float | None = None


@dataclass(slots=True)
class Bad:
    """The rows of a file that cannot be used, each with its place, among `total` rows."""

    name: str
    errors: list[AttnError] = field(default_factory=list)
    total: int = 0

    def add(self, error: AttnError, place: str) -> None:
        """Notes why a row cannot be used."""
        error.place = error.place or place
        self.errors.append(error)

    def expect_none(self) -> None:
        """Raises: the error of the only bad row, or one that lists the first twenty of them."""
        if not self.errors:
            return
        good = self.total - len(self.errors)
        way = f"{setting(skip_bad=True)} goes on with the other {good:,}"
        others = tuple(dict.fromkeys(hint for error in self.errors for hint in error.hints))[:1]
        if len(self.errors) == 1:
            only = self.errors[0]
            if good:
                only.hints = (*only.hints[:1], way)
            raise only
        raise DataError(
            f"{len(self.errors):,} of {self.total:,} rows cannot be used: {self.listed()}",
            place=self.name,
            hints=(*others, way) if good else others,
        )

    def listed(self) -> str:
        """The first twenty, in order: "line 4: found 1 cell, expected 2; line 7: …"."""
        errors = sorted(self.errors, key=lambda error: _number_of(error.place))
        named = [f"{_named(e.place)} {_number_of(e.place)}: {e.message}" for e in errors[:_LISTED]]
        more = len(errors) - len(named)
        return "; ".join(named) + (f"; and {more:,} more" if more else "")


def read_table(
    path: str,
    stdin: BinaryIO,
    *,
    split: str | None = None,
    columns: Columns = Columns(),  # noqa: B008 - a tuple
    note: Callable[[str], None] | None = None,
) -> tuple[list[Row], Bad]:
    """The rows of a file that can be used, and those that cannot.

    `note` is told what the file is where its name says otherwise.
    Raises: InputError, UsageError, DataError for a file that is no such table, EmptyError when there
    is no row, LimitError where they go on and on.
    """
    source = source_of(path, lambda: stdin)
    expect_no_url(path, source.name)
    bad = Bad(source.name)

    def seen(table: Table) -> None:
        expect_labels(table, columns, source.name)
        if note is not None:
            for remark in remarks_of(table, path, source.name):
                note(remark)

    shape = columns.shape(seen)
    rows: list[Row] = []
    held = 0
    for row, place in _placed(chain.from_iterable(rows_of(source, shape)), source.name):
        bad.total += 1
        held += _PER_ROW + (0 if isinstance(row.text, AttnError) else len(row.text))
        if held > _MOST_HELD:
            raise LimitError(
                f"more than {_MOST_HELD >> 20} MiB of rows, which a training keeps in memory",
                place=source.name,
                hints=("train on a part of them",),
            )
        try:
            rows.append(_row(row, source.name, place, columns))
        except AttnError as error:
            bad.add(error, place)
    if not bad.total:
        raise EmptyError("found no row, expected columns text and label", place=source.name)
    chosen = _of_split(rows, split, source.name)
    bad.total -= len(rows) - len(chosen)
    _expect_pairs(chosen, columns)
    return chosen, bad


def _placed(rows: Iterable[InputRow], name: str) -> Iterator[tuple[InputRow, str]]:
    """Each row with its place: its line, and its number where a line holds several (JSON)."""
    before: int | None = None
    held: InputRow | None = None
    for number, row in enumerate(chain(rows, (None,))):
        if held is not None:
            is_shared = held.line in (before, None if row is None else row.line)
            yield held, f"{name}:{held.line}" + (f"{_OF_LINE}{number}" if is_shared else "")
            before = held.line
        held = row


def _named(place: str | None) -> str:
    return "row" if _OF_LINE in (place or "") else "line"


def _number_of(place: str | None) -> int:
    """The line in a place, or the row where a line holds several."""
    number = re.split(f":|{_OF_LINE}", place or "")[-1]
    return int(number) if number.isdecimal() and len(number) < 19 else 0


def _row(row: InputRow, name: str, place: str, columns: Columns) -> Row:
    text = text_of_row(row, name)
    if not text.strip():
        raise DataError("the text is empty, expected a sentence", place=place)
    label, target, pair, score, start, weights, split = row.cells
    beside = pair_of(pair)
    if {"label_column", "score_column"} & columns.chosen == {"score_column"} and beside:
        label = None
    elif beside is None or ("score_column" not in columns.chosen and columns.label is not None):
        score = None
    return Row(
        text=text,
        label=label_of(label),
        target=target_of(target, start if columns.target is None else None),
        weights=_weights(weights if columns.label is None else None),
        split=label_of(split),
        place=place,
        pair=beside,
        score=_score_of(score),
    )


def _expect_pairs(rows: list[Row], columns: Columns) -> None:
    """Raises: UsageError where a column of pairs is named and no row has a second sentence."""
    if any(row.pair is not None for row in rows):
        return
    for named in ("pair_column", "score_column"):
        if named in columns.chosen:
            raise UsageError(
                "found no row with a second sentence, expected one",
                place=field_name(named),
                hints=(f"{setting(pair_column=Blank('NAME'))} names its column",),
            )


def pair_of(value: Any) -> str | None:
    """The sentence beside another, None for an empty cell. Raises: DataError for what is no text."""
    if _is_nothing(value):
        return None
    if not isinstance(value, str):
        raise DataError("the pair is no text, expected a sentence")
    return value if value.strip() else None


def _score_of(value: Any) -> float | None:
    """A number, also with a decimal comma, None for an empty cell. Raises: DataError."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        number = math.nan if isinstance(value, bool) else _share(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not abs(number) <= _LARGEST_SCORE:
        is_large = abs(number) > _LARGEST_SCORE
        expected = f"a number of at most {_LARGEST_SCORE:g}" if is_large else "a number"
        raise DataError(f"the score is {quoted(str(value)[:40])}, expected {expected}")
    return number


def target_of(value: Any, start: Any) -> Target | None:
    """The target of the cells `target` and `start`. Raises: DataError for what is none."""
    if not _is_nothing(start):
        number = target_of(start, None)
        if isinstance(number, int):
            return Offset(number)
        raise DataError("found a start that is no number of a character")
    if _is_nothing(value):
        return None
    if isinstance(value, float) and value.is_integer():  # as tables with gaps write whole numbers
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, str):
        raise DataError("found a target that is no token number and no word")
    text = value.strip()
    whole = text.replace(",", ".").removesuffix(".0")
    number = whole if len(whole) <= _MOST_DIGITS and whole.isascii() and whole.isdigit() else None
    return int(number) if number is not None else text or None


def _is_nothing(value: Any) -> bool:
    return value is None or value == "" or value != value  # NaN


def _weights(value: Any) -> FloatArray | None:
    if value is None or value == "":
        return None
    try:
        given = [[_share(cell) for cell in row] for row in _matrix(value)]
        matrix = np.array(given, dtype=np.float64)  # (n_tokens, n_tokens)
    except (ValueError, TypeError, RecursionError, OverflowError):
        raise DataError("the weights are no JSON matrix of numbers") from None
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise DataError(
            f"the weights have the shape {matrix.shape}, expected a row for each token, a number "
            "for each token"
        )
    for i, row in enumerate(matrix, start=1):
        if np.isnan(row).all():
            continue
        if not np.isfinite(row).all() or (row < 0).any() or abs(row.sum() - 1) > _ROW_SUM:
            raise DataError(
                f"row {i} of the weights sums to {row.sum():g}, expected numbers from 0 to 1 "
                "that sum to 1"
            )
        matrix[i - 1] = row / row.sum()
    return matrix


def _matrix(value: Any) -> Any:
    """The nested lists a cell holds; with ; between numbers a comma is a decimal comma."""
    if not isinstance(value, str):
        return value
    if ";" in value:
        value = value.replace(",", ".").replace(";", ",")
    return json.loads(value)


def _share(cell: Any) -> float:
    if cell is None:
        return float("nan")
    if isinstance(cell, bool):
        raise TypeError("no number")
    if isinstance(cell, str) and cell.count(",") == 1 and "." not in cell:
        cell = cell.replace(",", ".")
    return float(cell)


def _of_split(rows: list[Row], split: str | None, name: str) -> list[Row]:
    named = splits_of(rows)
    if split is None:
        return rows
    if not named:
        raise UsageError(
            f"found {quoted(split)}, but {name} has no column split", place=field_name("split")
        )
    chosen = [row for row in rows if row.split == split]
    if not chosen:
        listed = ", ".join(quoted(one) for one in named[:8])
        raise UsageError(
            f"found {quoted(split)}, expected one of {listed}{did_you_mean(split, named)}",
            place=field_name("split"),
        )
    return chosen


def splits_of(rows: Iterable[Row]) -> list[str]:
    """The names in the column `split`, in order."""
    return sorted({row.split for row in rows if row.split is not None})
