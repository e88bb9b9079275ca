"""How an input is to be read, and what a table turned out to be."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from attncli.files.rows.kinds import Kind

DEFAULT_COLUMN = "text"


class Table(NamedTuple):
    """What a table is, told before its first row.

    columns: their names, none where they are known row by row (JSON) or a text is read. delimiter:
    what parts the cells of CSV and TSV. has_header: without one columns are called 1, 2, …
    encoding: that of a byte order mark, empty without one. types: those of Parquet's columns.
    """

    kind: Kind
    columns: tuple[str, ...] = ()
    delimiter: str = ""
    has_header: bool = True
    encoding: str = ""
    types: object = None


@dataclass(frozen=True, slots=True)
class Shape:
    """How inputs are read.

    kind: None is told by content and name. column: that of the text, None is "text". others: columns
    wanted besides, in the order of a row's cells; None stands where a row has no such cell.
    required: whether a table without one of the others is an error. fields: the settings that name
    the columns, for messages, the text's first; without them a file is at fault, not a setting.
    chosen: those of the fields that the caller set, None is all. by_number: whether a column may be
    given by its number from 1. whole: whether the last cell of a row is all of the row. note: is
    told when lines are read as prose that look like rows. seen: is told what a table is.
    """

    kind: Kind | None = None
    column: str | None = None
    others: tuple[str, ...] = ()
    required: bool = False
    every_line: bool = False
    tables_only: bool = False
    fields: tuple[str, ...] = ()
    note: Callable[[str], None] | None = None
    chosen: frozenset[str] | None = None
    by_number: bool = False
    whole: bool = False
    seen: Callable[[Table], None] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns by name, the text first."""
        return (self.column or DEFAULT_COLUMN, *self.others)

    @property
    def asks_for_table(self) -> bool:
        """Whether the options name columns, which only a table has."""
        return self.tables_only or self.column is not None or (self.required and bool(self.others))

    def is_chosen(self, place: int) -> bool:
        """Whether the caller set the field of a column."""
        if place >= len(self.fields):
            return False
        return self.chosen is None or self.fields[place] in self.chosen

    def tell(self, table: Table) -> None:
        """Tells who asked what the table is."""
        if self.seen is not None:
            self.seen(table)
