"""Which columns of a table hold what, and what a table is where its name says otherwise."""

from collections.abc import Callable
from typing import NamedTuple

from attncli.errors import Blank, DataError, setting
from attncli.errors.wording import quoted
from attncli.files.rows.columns import places_of, read_as_row
from attncli.files.rows.kinds import named_kind
from attncli.files.rows.shape import Shape, Table

# What rows have beside their text, in the order of a row's cells.
CELLS = ("label", "target", "pair", "score", "start", "weights", "split")
COLUMN_FIELDS = ("text_column", "label_column", "target_column", "pair_column", "score_column")
_PARTED = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_USUAL = {"csv": ",", "tsv": "\t"}
_CONTENT = {"jsonl": "JSON lines", "json": "JSON", "parquet": "Parquet", "text": "plain text"}


class Columns(NamedTuple):
    """The columns of the text, the label, the target, the second text and the score.

    Each by name or number from 1; None: as usual.
    """

    text: str | None = None
    label: str | None = None
    target: str | None = None
    pair: str | None = None
    score: str | None = None

    @property
    def chosen(self) -> frozenset[str]:
        """The fields that the caller set."""
        given = zip(COLUMN_FIELDS, self, strict=True)
        return frozenset(field for field, column in given if column is not None)

    def shape(self, seen: Callable[[Table], None], *, labeled: bool = True) -> Shape:
        """How a table of examples is read; one that is not `labeled` may be a text, and is whole."""
        named = [column or name for column, name in zip(self[1:], CELLS, strict=False)]
        label, target, pair, score = named
        others = (label, target, pair, score, *CELLS[4:])
        text, _, *unlabeled, _ = COLUMN_FIELDS
        return Shape(
            column=self.text,
            others=others if labeled else (target, pair, "start"),
            fields=COLUMN_FIELDS if labeled else (text, *unlabeled),
            chosen=self.chosen,
            tables_only=labeled or bool(self.chosen),
            by_number=True,
            whole=not labeled,
            seen=seen,
        )


def expect_labels(table: Table, columns: Columns, name: str) -> None:
    """Raises: DataError for a table whose columns are known and that has none for labels."""
    wanted = ("label", "weights", "pair")
    if {"label_column", "pair_column"} & columns.chosen or not table.columns:
        return
    if any(places_of(table.columns, column) for column in wanted):
        return
    listed = ", ".join(quoted(column) for column in table.columns[:8])
    what = f"found the columns {listed}" if table.has_header else "found no header line"
    raise DataError(
        f"{what}, expected one with label",
        place=f"{name}:1",
        hints=(f"{setting(label_column=Blank('NAME'))} names the column",),
    )


def expect_pair_column(table: Table, columns: Columns, name: str) -> None:
    """Raises: DataError for an input that has no second sentence in a row."""
    known = table.kind in ("json", "jsonl") or places_of(table.columns, columns.pair or "pair")
    if known or (columns.pair is not None and table.columns):  # a number, found where it is read
        return
    listed = ", ".join(quoted(column) for column in table.columns[:8])
    raise DataError(
        f"found {f'the columns {listed}' if listed else 'no table'}, expected columns text and pair: "
        "the model compares two sentences",
        place=f"{name}:1",
        hints=(f"{setting(pair_column=Blank('NAME'))} names the column of the second one",),
    )


def remarks_of(table: Table, path: str, name: str) -> list[str]:
    """What to say of a table that is not what its name lets one expect, in sentences."""
    said = []
    named, content = named_kind(path), table.kind
    if table.delimiter and table.delimiter != _USUAL.get(named or "", table.delimiter):
        said.append(f"the cells are parted by {_PARTED[table.delimiter]}")
    same = named in (None, content) or {named, content} == {"json", "jsonl"}
    if content in _CONTENT and not same:
        said.append(f"the content is {_CONTENT[content]}")
    if table.encoding not in ("", "utf-8"):
        said.append(f"the text is {table.encoding.rpartition('-')[0].upper()}")
    if not table.has_header:
        said.append(read_as_row("text_column"))
    return [f"{name}: {', '.join(said)}"] if said else []
