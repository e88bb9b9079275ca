"""Records as batches of Arrow: a row a record, matrices as nested lists of float32.

The columns are the fields of the record (`schema.py`). With `top` the column `top` has keys and
weights, as in JSON.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from attncli.arrays import BoolArray, IntArray
from attncli.errors import MissingExtraError
from attncli.results.columns.arrays import (
    nested_array,
    number_array,
    plain_array,
    struct_array,
)
from attncli.results.columns.schema import AXES_OF, RARE_TYPES, schema_of
from attncli.results.columns.tokens import PlacedRuns, TokenColumns
from attncli.results.facts import ResultWarning
from attncli.results.fields import PARTS
from attncli.results.json import plain_json, rounded_to
from attncli.results.layout import RecordLayout
from attncli.results.placed import PlacedArrays, PlacedRecords
from attncli.results.stack import RARE_FIELDS, Stack, TokenRun

_OF_STACKS = ("attention", "vectors", *RARE_FIELDS)  # what the sentences of a stack share
_SAME_IN_RESULTS: dict[str, Any] = {"type": "result", "warnings": [], "code": None, "message": None}


class Numbering(NamedTuple):
    """Which record each row is, and where it was read.

    Shapes: indices, lines (size,); has_line (size,), None where every record has a line.
    """

    indices: IntArray
    lines: IntArray
    has_line: BoolArray | None = None
    file: str | None = None
    ids: Sequence[str | int | None] | None = None


def require_pyarrow() -> Any:
    """The package pyarrow. Raises: MissingExtraError."""
    try:
        import pyarrow
    except ImportError:
        raise MissingExtraError.of("pyarrow", "writing Parquet and Arrow") from None
    return pyarrow


class RecordColumns:
    """Makes batches of records; what is the same in many of them is made once and kept.

    With `digits` the float32 numbers are rounded to as many after the point.
    """

    def __init__(self, layout: RecordLayout, digits: int | None = None) -> None:
        self._pa = require_pyarrow()
        self._layout, self._digits = layout, digits
        self.schema = schema_of(self._pa, layout)
        self._tokens = TokenColumns(self._pa)
        self._kept: dict[str, tuple[Any, Any]] = {}  # what is the same in a whole batch: its column

    def batch(self, rows: PlacedRecords, numbering: Numbering) -> Any:
        """The record batch of some records."""
        columns = [self._column(field, numbering, rows) for field in self.schema]
        return self._pa.RecordBatch.from_arrays(columns, schema=self.schema)

    def _column(self, field: Any, numbering: Numbering, rows: PlacedRecords) -> Any:
        pa, name = self._pa, field.name
        if name in AXES_OF:
            arrays = rows.arrays(lambda stack: stack.arrays(name))
            return self._nested(arrays, AXES_OF[name], field.type)
        if name == "top":
            return self._strongest(rows, field)
        if name in _OF_STACKS:
            return self._of_stacks(field, rows)
        if name in PARTS:
            return self._part(field, numbering, rows)
        if name in ("tokens", "keys"):
            runs = _keys_of(rows) if name == "keys" else _tokens_of(rows)
            return self._tokens.lists(rows.size, runs, field.type)
        if name == "model":
            return self._models(field, rows)
        if name == "index":
            return number_array(pa, numbering.indices, field.type)
        if name == "line":
            return number_array(pa, numbering.lines, field.type, numbering.has_line)
        if rows.are_results and name in _SAME_IN_RESULTS and not _has_warnings(name, rows):
            return self._repeated(field, _SAME_IN_RESULTS[name], rows.size)
        return plain_array(pa, _values(name, numbering, rows), field.type)

    def _part(self, field: Any, numbering: Numbering, rows: PlacedRecords) -> Any:
        """What results hold of a decoder: a struct of the columns that its own rows would have."""
        parts = rows.part(field.name)
        columns = [self._column(of, numbering, parts) for of in field.type]
        return struct_array(self._pa, rows.size, columns, field.type, parts.present)

    def _of_stacks(self, field: Any, rows: PlacedRecords) -> Any:
        """A field that the sentences of a stack share: made once for all stacks that have the same."""
        values = [_of_stack(stack, field.name) for stack, _ in rows.stacks]
        first = values[0] if values else None
        if all(value == first for value in values) and (first is None or rows.are_results):
            return self._repeated(field, first, rows.size)
        column = plain_array(self._pa, values, field.type)
        which = np.repeat(np.arange(len(values)), [len(places) for _, places in rows.stacks])
        which = np.append(which, 0)[rows.number].astype(np.int32)
        return column.take(number_array(self._pa, which, self._pa.int32(), rows.present))

    def _models(self, field: Any, rows: PlacedRecords) -> Any:
        if all(stack.models is None for stack, _ in rows.stacks):
            return self._repeated(field, None, rows.size)
        return plain_array(self._pa, rows.values(lambda stack: stack.models), field.type)

    def _repeated(self, field: Any, value: Any, size: int) -> Any:
        """A column that has the same everywhere, which is kept for the next batch of this size."""
        kept, column = self._kept.get(field.name, (None, ()))
        if kept != value or len(column) != size or column.type != field.type:
            column = plain_array(self._pa, [value] * size, field.type)
            self._kept[field.name] = value, column
        return column

    def _strongest(self, rows: PlacedRecords, field: Any) -> Any:
        """The column `top`: the strongest keys of each row and their weights."""
        both = zip(rows.strongest(self._layout.top or 1), field.type, strict=True)
        columns = [self._nested(arrays, 4, of.type) for arrays, of in both]
        return struct_array(self._pa, rows.size, columns, field.type, rows.present)

    def _nested(self, arrays: PlacedArrays, depth: int, kind: Any) -> Any:
        """Arrays of `depth` axes as one column of nested lists; a record without one has a null."""
        none = np.zeros((len(arrays.present), depth), dtype=np.int64)
        shapes = arrays.shapes if arrays.numbers else none
        numbers = arrays.joined()
        if self._digits is not None and numbers.dtype.kind == "f":
            numbers = rounded_to(numbers, self._digits)
        return nested_array(self._pa, shapes, numbers, kind, arrays.present)


def _values(name: str, numbering: Numbering, rows: PlacedRecords) -> Sequence[Any]:
    """A column that has a plain value for each record."""
    if name == "file":
        return [numbering.file] * rows.size
    if name == "id":
        ids = numbering.ids or [None] * rows.size
        return [None if one is None else str(one) for one in ids]
    if name == "text":
        return rows.values(lambda stack: stack.texts)
    if name == "warnings":
        return rows.values(_warnings)
    values: list[Any] = [None] * rows.size
    if name == "type":
        values = rows.values(lambda stack: ["result"] * len(stack))
    for place, error in rows.errors.items():
        of = {"type": "error", "code": error.name, "message": error.message}
        values[place] = of.get(name)
    return values


def _has_warnings(name: str, rows: PlacedRecords) -> bool:
    return name == "warnings" and any(stack.warnings for stack, _ in rows.stacks)


def _tokens_of(rows: PlacedRecords) -> PlacedRuns:
    return [(stack.tokens, places) for stack, places in rows.stacks]


def _keys_of(rows: PlacedRecords) -> PlacedRuns:
    """The tokens that are looked at, of those results in which they are others."""
    return [
        ([TokenRun.of(stack.finished.keys)], places)
        for stack, places in rows.stacks
        if stack.finished is not None and stack.finished.keys is not None
    ]


def _warnings(stack: Stack) -> list[Sequence[ResultWarning]]:
    every: list[Sequence[ResultWarning]] = [()] * len(stack)
    for i, warnings in stack.warnings.items():
        every[i] = warnings
    return every


def _of_stack(stack: Stack, name: str) -> Any:
    if name in ("attention", "vectors"):
        return getattr(stack, name)
    value = stack.rare().get(name)
    return value if value is None or name in RARE_TYPES else plain_json(value)
