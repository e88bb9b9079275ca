"""Parquet and Arrow IPC: a row a record, matrices as nested lists of float32.

The columns are the fields of the record (`arrow_schema.py`). With `top` the column `top` has keys and
weights, as in JSON.

A part is an Arrow IPC stream, one record batch a chunk, so that workers make batches and they are
appended. At the end it becomes an Arrow file or a Parquet file, batch by batch.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from attncli.arrays import IntArray
from attncli.batches.chunks import Chunk
from attncli.batches.work import Failures, Placed
from attncli.batches.writers.arrow_arrays import (
    nested_array,
    number_array,
    plain_array,
    struct_array,
)
from attncli.batches.writers.arrow_schema import AXES_OF, RARE_TYPES, schema_of
from attncli.batches.writers.arrow_tokens import PlacedRuns, TokenColumns
from attncli.batches.writers.options import RecordLayout
from attncli.batches.writers.placed import PlacedArrays, PlacedRecords
from attncli.errors import MissingExtraError
from attncli.results.json import plain_json
from attncli.results.result import (
    PARTS,
    ResultWarning,
)
from attncli.results.stack import RARE_FIELDS, Stack, TokenRun

_OF_STACKS = ("attention", "vectors", *RARE_FIELDS)  # what the sentences of a stack share
_SAME_IN_RESULTS: dict[str, Any] = {"type": "result", "warnings": [], "code": None, "message": None}


def require_pyarrow() -> Any:
    """The package pyarrow. Raises: MissingExtraError."""
    try:
        import pyarrow
    except ImportError:
        raise MissingExtraError.of("pyarrow", "writing Parquet and Arrow") from None
    return pyarrow


class ArrowWriter:
    """Writes stacks as record batches of an Arrow IPC stream."""

    in_blocks = True

    def __init__(self, layout: RecordLayout) -> None:
        self._pa = require_pyarrow()
        self._layout = layout
        self._schema = schema_of(self._pa, layout)
        self._tokens = TokenColumns(self._pa)
        self._kept: dict[str, tuple[Any, Any]] = {}  # what is the same in a whole chunk: its column
        self.head = self._schema.serialize().to_pybytes()

    def chunk(self, chunk: Chunk, stacks: Placed, failures: Failures) -> bytes:
        """The record batch of a chunk."""
        rows = PlacedRecords(len(chunk), [item for item in stacks if len(item[1])], dict(failures))
        columns = [self._column(field, chunk, rows) for field in self._schema]
        batch = self._pa.RecordBatch.from_arrays(columns, schema=self._schema)
        return bytes(batch.serialize().to_pybytes())

    def _column(self, field: Any, chunk: Chunk, rows: PlacedRecords) -> Any:
        pa, name = self._pa, field.name
        if name in AXES_OF:
            return _nested(
                pa, rows.arrays(lambda stack: stack.arrays(name)), AXES_OF[name], field.type
            )
        if name == "top":
            return _strongest(pa, rows, self._layout.top or 1, field)
        if name in _OF_STACKS:
            return self._of_stacks(field, rows)
        if name in PARTS:
            return self._part(field, chunk, rows)
        if name in ("tokens", "keys"):
            runs = _keys_of(rows) if name == "keys" else _tokens_of(rows)
            return self._tokens.lists(rows.size, runs, field.type)
        if name == "model":
            return self._models(field, rows)
        if name in ("index", "line"):
            return number_array(pa, _numbers(name, chunk), field.type)
        if rows.are_results and name in _SAME_IN_RESULTS and not _has_warnings(name, rows):
            return self._repeated(field, _SAME_IN_RESULTS[name], rows.size)
        return plain_array(pa, self._values(name, chunk, rows), field.type)

    def _part(self, field: Any, chunk: Chunk, rows: PlacedRecords) -> Any:
        """What results hold of a decoder: a struct of the columns that its own rows would have."""
        parts = rows.part(field.name)
        columns = [self._column(of, chunk, parts) for of in field.type]
        return struct_array(self._pa, rows.size, columns, field.type, parts.present)

    def _values(self, name: str, chunk: Chunk, rows: PlacedRecords) -> Sequence[Any]:
        """A column that has a plain value for each record."""
        if name == "file":
            return [chunk.file] * len(chunk)
        if name == "id":
            ids = chunk.ids or [None] * len(chunk)
            return [None if one is None else str(one) for one in ids]
        if name == "text":
            return rows.values(lambda stack: stack.texts)
        if name == "warnings":
            return rows.values(_warnings)
        values: list[Any] = [None] * len(chunk)
        if name == "type":
            values = rows.values(lambda stack: ["result"] * len(stack))
        for place, error in rows.errors.items():
            of = {"type": "error", "code": error.name, "message": error.message}
            values[place] = of.get(name)
        return values

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
        """A column that has the same everywhere, which is kept for the next chunk of this size."""
        kept, column = self._kept.get(field.name, (None, ()))
        if kept != value or len(column) != size or column.type != field.type:
            column = plain_array(self._pa, [value] * size, field.type)
            self._kept[field.name] = value, column
        return column


def _numbers(name: str, chunk: Chunk) -> IntArray:
    """The index or the line of each record."""
    if name == "line" and chunk.lines is not None:
        return np.array(chunk.lines, dtype=np.int64)
    first = chunk.first_line if name == "line" else chunk.first_index
    return np.arange(first, first + len(chunk), dtype=np.int64)


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


def assembly(kind: str, layout: RecordLayout) -> Callable[[Path, Path], None]:
    """What turns a part into a file. Raises: MissingExtraError."""
    pa = require_pyarrow()
    schema = schema_of(pa, layout)

    def to_arrow(part: Path, target: Path) -> None:
        with pa.OSFile(str(target), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            for batch in _batches(pa, part):
                writer.write_batch(batch)

    def to_parquet(part: Path, target: Path) -> None:
        from pyarrow import parquet

        options = {"compression": "zstd", "compression_level": 1, "use_dictionary": False}
        with parquet.ParquetWriter(target, schema, **options) as writer:
            for batch in _batches(pa, part):
                writer.write_batch(batch)

    return to_arrow if kind == "arrow" else to_parquet


def _batches(pa: Any, part: Path) -> Iterator[Any]:
    with pa.OSFile(str(part), "rb") as source, pa.ipc.open_stream(source) as reader:
        yield from reader


def _nested(pa: Any, found: PlacedArrays, depth: int, kind: Any) -> Any:
    """Arrays of `depth` axes as one column of nested lists; a record without one has a null."""
    none = np.zeros((len(found.present), depth), dtype=np.int64)
    shapes = found.shapes if found.numbers else none
    return nested_array(pa, shapes, found.joined(), kind, found.present)


def _strongest(pa: Any, rows: PlacedRecords, count: int, field: Any) -> Any:
    """The column `top`: the strongest keys of each row and their weights."""
    both = zip(rows.strongest(count), field.type, strict=True)
    columns = [_nested(pa, found, 4, of.type) for found, of in both]
    return struct_array(pa, rows.size, columns, field.type, rows.present)
