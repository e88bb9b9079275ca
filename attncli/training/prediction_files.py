"""Predictions as CSV, TSV, JSON lines, JSON or Parquet: a row for each that was read, in order.

Cells that were read come first, under their own names; then what the model says. CSV has the
delimiter of the table that was read where that is a semicolon. A byte order mark, by which
spreadsheets know UTF-8, is written where one was read. A text that a spreadsheet would run
as a formula gets an apostrophe before it.
"""

import codecs
import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, BinaryIO

from attncli.errors import UsageError, field_name
from attncli.errors.wording import quoted
from attncli.files.rows.shape import Table
from attncli.files.safe_cells import cell, guarded
from attncli.training.plain_cells import kept_cell, plain_value
from attncli.training.predicting import CountedWord
from attncli.training.prediction_rows import Predicted

SUFFIXES = ("csv", "tsv", "jsonl", "json", "parquet")
_BREAKS = re.compile(r"[\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")


def kind_of_output(path: str) -> str:
    """The kind that the suffix of an output says. Raises: UsageError."""
    suffix = path.lower().rpartition(".")[2] if "." in path else ""
    kind = {"ndjson": "jsonl", "tab": "tsv"}.get(suffix, suffix)
    if kind not in SUFFIXES:
        listed = ", ".join(SUFFIXES)
        raise UsageError(
            f"found {quoted(path)}, expected a name that ends in one of {listed}",
            place=field_name("output"),
        )
    return kind


class Rows:
    """What writes predictions of one input, the columns that are `said` last.

    `dropped` counts cells that no column was there for.
    """

    def __init__(self, kind: str, said: Sequence[str]) -> None:
        self._kind, self._ours = kind, said
        self.dropped = 0
        self._known: Collection[str] = ()

    def write(
        self, lots: Iterator[list[Predicted]], table: Callable[[], Table], file: BinaryIO
    ) -> None:
        """Writes all rows; `table` tells what was read, once the first lot is there."""
        if self._kind == "parquet":
            self._write_parquet(lots, table, file)
        elif self._kind in ("csv", "tsv"):
            self._write_cells(lots, table, file)
        else:
            self._write_json(lots, file)

    def _write_json(self, lots: Iterator[list[Predicted]], file: BinaryIO) -> None:
        whole, begun = self._kind == "json", False
        for lot in lots:
            lines = [json.dumps(self._record(row), ensure_ascii=False) for row in lot]
            if whole:
                file.write(
                    ((",\n" if begun else "[\n") + ",\n".join(lines)).encode("utf-8", "replace")
                )
            else:
                file.write(("\n".join(lines) + "\n").encode("utf-8", "replace"))
            begun = True
        if whole:
            file.write(b"\n]\n" if begun else b"[]\n")

    def _record(self, row: Predicted) -> dict[str, Any]:
        """A row as one object of JSON."""
        said = row.prediction
        ours = {
            "label": said.label,
            "probability": said.probability,
            "score": said.score,
            "words": [word._asdict() for word in said.words],
            "pair_words": [word._asdict() for word in said.pair_words],
            "unknown": list(said.unknown),
            "unsure": said.unsure,
        }
        error = {} if said.error is None else {"error": said.error.message}
        kept = {name: plain_value(value) for name, value in row.cells.items()}
        return kept | {name: ours[name] for name in self._ours} | error

    def _write_cells(
        self, lots: Iterator[list[Predicted]], table: Callable[[], Table], file: BinaryIO
    ) -> None:
        names: list[str] = []
        delimiter = "\t" if self._kind == "tsv" else ","
        as_cell = _tsv_cell if self._kind == "tsv" else cell
        for lot in lots:
            if not names:
                names = _names_of(lot)
                self._known = set(names)
                if self._kind == "csv" and table().delimiter == ";":
                    delimiter = ";"
                head = [as_cell(guarded(name)) for name in (*names, *self._ours)]
                mark = codecs.BOM_UTF8 if table().encoding else b""
                file.write(mark + (delimiter.join(head) + "\n").encode("utf-8", "replace"))
            lines = []
            for row in lot:
                kept = [as_cell(kept_cell(value)) for value in self._values(row, names)]
                said = [as_cell(text) for text in self._said(row)]
                lines.append(delimiter.join([*kept, *said]) + "\n")
            file.write("".join(lines).encode("utf-8", "replace"))

    def _values(self, row: Predicted, names: Sequence[str]) -> list[Any]:
        if row.cells.keys() != self._known:
            self.dropped += len(row.cells.keys() - set(names))
        return [row.cells.get(name) for name in names]

    def _said(self, row: Predicted) -> list[str]:
        """What the model says of a row, as texts of cells."""
        said = row.prediction
        ours = {
            "label": guarded(said.label or ""),
            "probability": "" if said.probability is None else f"{said.probability:.4f}",
            "score": "" if said.score is None else f"{said.score:.4f}",
            "words": _counted(said.words),
            "pair_words": _counted(said.pair_words),
            "unknown": guarded(" ".join(said.unknown)),
            "unsure": "yes" if said.unsure else "no",
        }
        return [ours[name] for name in self._ours]

    def _write_parquet(
        self, lots: Iterator[list[Predicted]], table: Callable[[], Table], file: BinaryIO
    ) -> None:
        from attncli.training.prediction_parquet import ParquetRows

        writer: ParquetRows | None = None
        names: list[str] = []
        for lot in lots:
            if writer is None:
                names = _names_of(lot)
                self._known = set(names)
                writer = ParquetRows(file, names, self._ours, table())
            writer.add(lot, [self._values(row, names) for row in lot])
        (writer or ParquetRows(file, [], self._ours, table())).close()


def _counted(words: Sequence[CountedWord]) -> str:
    return guarded(" ".join(f"{word.word} ({word.adds:+.2f})" for word in words))


def _names_of(lot: Sequence[Predicted]) -> list[str]:
    """The names of all cells of the first rows, in the order they are met."""
    return list(dict.fromkeys(name for row in lot for name in row.cells))


def _tsv_cell(text: str) -> str:
    """A cell of TSV, which has no quoting: tabs and line ends are blanks."""
    return _BREAKS.sub(" ", text)
