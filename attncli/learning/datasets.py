"""Files of examples: TSV, CSV or JSONL with text and label, target or weights; each row checked.

TSV has no quoting (a quote is a quote); CSV is RFC 4180. The kind is told by the suffix, else by the
first line: "{" is JSONL, a tab is TSV. A column `split` says which part a row belongs to.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeAlias

import numpy as np

from attncli.arrays import FloatArray
from attncli.errors import DataError, EmptyError, InputError, UsageError
from attncli.escape import quoted, visible
from attncli.suggest import did_you_mean
from attncli.text.sentences import MAX_LINE, decoded, lines

Kind: TypeAlias = Literal["tsv", "csv", "jsonl"]
COLUMNS = ("text", "label", "target", "start", "weights", "split")
_SUFFIXES: dict[str, Kind] = {
    ".tsv": "tsv",
    ".tab": "tsv",
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}
_ROW_SUM = 0.01  # given rows are read off a slide: two digits that may not quite sum to 1


@dataclass(frozen=True, slots=True)
class Offset:
    """A target given by a character of it, counted from 0: the token that holds it is meant."""

    start: int


# A token's number, the word itself, or a character of it.
Target: TypeAlias = str | int | Offset


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One example as it stands in a file; `place` names its line in messages."""

    text: str
    label: str | None
    target: Target | None
    weights: FloatArray | None
    split: str | None
    place: str


def read_rows(path: str, stdin: BinaryIO, *, split: str | None = None) -> list[Row]:
    """The rows of a file ("-": of `stdin`), those of `split` when it is given.

    Raises: InputError, DataError (with file and line), EmptyError when there is no row.
    """
    if path == "-":
        rows = list(rows_of(stdin, "<stdin>", None))
    else:
        try:
            with Path(path).open("rb") as stream:
                kind = _SUFFIXES.get(Path(path).suffix.lower())
                rows = list(rows_of(stream, visible(path), kind))
        except OSError as fault:
            reason = (fault.strerror or str(fault)).lower()
            raise InputError(f"cannot open {visible(path)[:200]}: {reason}") from None
    name = "<stdin>" if path == "-" else visible(path)
    if not rows:
        raise EmptyError("found no row, expected columns text and label", place=name)
    return _of_split(rows, split, name)


def rows_of(stream: BinaryIO, name: str, kind: Kind | None) -> Iterator[Row]:
    """The rows of a stream; blank lines are passed over. `kind` None is told by the first line."""
    numbered = (
        (number, decoded(raw, f"{name}:{number}"))
        for number, raw in enumerate(lines(stream, name, max_line=MAX_LINE), start=1)
    )
    filled = ((number, line) for number, line in numbered if line.strip())
    first = next(filled, None)
    if first is None:
        return
    if kind is None and first[1].lstrip().startswith("[") and name.endswith(".json"):
        raise DataError("found a JSON list, expected JSONL: one object a line", place=name)
    kind = kind or _kind_of(first[1])
    if kind == "jsonl":
        yield _json_row(first[1], f"{name}:{first[0]}")
        for number, line in filled:
            yield _json_row(line, f"{name}:{number}")
        return
    records = _tsv_records if kind == "tsv" else _csv_records
    yield from records(first, filled, name)


def _kind_of(line: str) -> Kind:
    if line.lstrip().startswith("{"):
        return "jsonl"
    return "tsv" if "\t" in line else "csv"


def _tsv_records(
    first: tuple[int, str], rest: Iterable[tuple[int, str]], name: str
) -> Iterator[Row]:
    header = _header(first[1].split("\t"), f"{name}:{first[0]}")
    for number, line in rest:
        yield _row(_cells(header, line.split("\t"), f"{name}:{number}"), f"{name}:{number}")


def _csv_records(
    first: tuple[int, str], rest: Iterable[tuple[int, str]], name: str
) -> Iterator[Row]:
    header = _header(next(csv.reader([first[1]])), f"{name}:{first[0]}")
    at = first[0]

    def text() -> Iterator[str]:
        nonlocal at
        for number, line in rest:
            at = number
            yield line + "\n"

    try:
        for cells in csv.reader(text(), strict=True):
            yield _row(_cells(header, cells, f"{name}:{at}"), f"{name}:{at}")
    except csv.Error as fault:
        raise DataError(f"not CSV: {fault}", place=f"{name}:{at}") from None


def _header(cells: list[str], place: str) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    if "text" not in names:
        raise DataError(
            f"found the columns {', '.join(quoted(c) for c in cells[:6])}, expected a header line "
            "with text and label",
            place=place,
        )
    doubled = [column for column in COLUMNS if names.count(column) > 1]
    if doubled:
        raise DataError(f"the column {doubled[0]} occurs twice", place=place)
    return names


def _cells(header: list[str], cells: list[str], place: str) -> dict[str, str]:
    if len(cells) != len(header):
        raise DataError(
            f"found {len(cells)} cells, expected {len(header)} as in the header", place=place
        )
    return dict(zip(header, cells, strict=True))


def _json_row(line: str, place: str) -> Row:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        raise DataError("not JSON, expected one object a line", place=place) from None
    if not isinstance(found, dict):
        raise DataError("found no object, expected one with text and label", place=place)
    return _row(found, place)


def _row(cells: Mapping[str, Any], place: str) -> Row:
    text = cells.get("text")
    if not isinstance(text, str):
        raise DataError("found no text, expected a sentence", place=place)
    if not text.strip():
        raise DataError("the text is empty, expected a sentence", place=place)
    return Row(
        text=text,
        label=_label(cells.get("label"), place),
        target=_target(cells.get("target"), cells.get("start"), place),
        weights=_weights(cells.get("weights"), place),
        split=_label(cells.get("split"), place),
        place=place,
    )


def _label(value: Any, place: str) -> str | None:
    if value is None or isinstance(value, bool | list | dict):
        if value is None:
            return None
        raise DataError("found a label that is no text or number", place=place)
    text = str(value).strip()
    return text or None


def _target(value: Any, start: Any, place: str) -> Target | None:
    if start is not None and start != "":
        number = _target(start, None, place)
        if isinstance(number, int):
            return Offset(number)
        raise DataError("found a start that is no number of a character", place=place)
    if value is None or value == "":
        return None
    if isinstance(value, str):
        text = value.strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else text or None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise DataError("found a target that is no token number and no word", place=place)


def _weights(value: Any, place: str) -> FloatArray | None:
    if value is None or value == "":
        return None
    try:
        parsed = json.loads(value) if isinstance(value, str) else value
        given = [[np.nan if cell is None else float(cell) for cell in row] for row in parsed]
        matrix = np.array(given, dtype=np.float64)  # (n_tokens, n_tokens)
    except (ValueError, TypeError, RecursionError):
        raise DataError("the weights are no JSON matrix of numbers", place=place) from None
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise DataError(
            f"the weights have the shape {matrix.shape}, expected a row for each token, a number "
            "for each token",
            place=place,
        )
    for i, row in enumerate(matrix, start=1):
        if np.isnan(row).all():
            continue
        if not np.isfinite(row).all() or (row < 0).any() or abs(row.sum() - 1) > _ROW_SUM:
            raise DataError(
                f"row {i} of the weights sums to {row.sum():g}, expected numbers from 0 to 1 "
                "that sum to 1",
                place=place,
            )
        matrix[i - 1] = row / row.sum()
    return matrix


def _of_split(rows: list[Row], split: str | None, name: str) -> list[Row]:
    named = sorted({row.split for row in rows if row.split is not None})
    if split is None:
        return rows
    if not named:
        raise UsageError(f"found {quoted(split)}, but {name} has no column split", place="--split")
    chosen = [row for row in rows if row.split == split]
    if not chosen:
        raise UsageError(
            f"found {quoted(split)}, expected one of {', '.join(map(visible, named[:8]))}"
            + did_you_mean(split, named),
            place="--split",
        )
    return chosen


def splits_of(rows: Iterable[Row]) -> list[str]:
    """The names in the column `split`, in order."""
    return sorted({row.split for row in rows if row.split is not None})
