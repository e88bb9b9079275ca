"""Parquet and Arrow IPC: a row a record, matrices as nested lists of float32.

The columns are the fields of the record (`arrow_schema.py`). With `top` the column `top` has keys and
weights, as in JSON.

A part is an Arrow IPC stream, one record batch a chunk, so that workers make batches and they are
appended. At the end it becomes an Arrow file or a Parquet file, batch by batch.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from attncli.batches.chunks import Chunk
from attncli.batches.work import Failures, Placed
from attncli.batches.writers.arrow_schema import AXES_OF, RARE_TYPES, schema_of
from attncli.batches.writers.options import RecordLayout
from attncli.batches.writers.tokens import Tokens
from attncli.errors import AttnError, MissingExtraError
from attncli.results.json import plain_json
from attncli.results.result import (
    PARTS,
    nested_plain,
)
from attncli.results.stack import RARE_FIELDS, Stack, TokenRun, stack_of
from attncli.results.top import strongest_of_rows

# The tokens of sentences, with the places of these.
_PlacedRuns: TypeAlias = Sequence[tuple[Sequence[TokenRun], Sequence[int]]]
_OF_STACKS = ("attention", "vectors", *RARE_FIELDS)  # what the sentences of a stack share


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
        self.head = self._schema.serialize().to_pybytes()

    def chunk(self, chunk: Chunk, stacks: Placed, failures: Failures) -> bytes:
        """The record batch of a chunk."""
        rows = _Rows(len(chunk), [item for item in stacks if len(item[1])], dict(failures))
        columns = [self._column(field, chunk, rows) for field in self._schema]
        batch = self._pa.RecordBatch.from_arrays(columns, schema=self._schema)
        return bytes(batch.serialize().to_pybytes())

    def _column(self, field: Any, chunk: Chunk, rows: "_Rows") -> Any:
        pa, name = self._pa, field.name
        if name in AXES_OF:
            arrays = rows.values(lambda stack: stack.arrays(name))
            return _nested(pa, arrays, AXES_OF[name], field.type)
        if name == "top":
            return _strongest(pa, rows, self._layout.top or 1, field)
        if name in _OF_STACKS:
            return self._of_stacks(field, rows)
        if name in PARTS:
            return self._part(field, chunk, rows)
        if name == "keys":
            return _token_lists(pa, rows.size, _keys_of(rows), field.type)
        if name == "tokens":
            runs = [(stack.tokens, places) for stack, places in rows.stacks]
            return _token_lists(pa, rows.size, runs, field.type)
        if name == "model":
            kept = [of.name for of in field.type]
            models = [
                None if model is None else [getattr(model, of) for of in kept]
                for model in rows.values(lambda stack: stack.models)
            ]
            return _structs(pa, models, field.type)
        return pa.array(self._values(name, chunk, rows), type=field.type)

    def _part(self, field: Any, chunk: Chunk, rows: "_Rows") -> Any:
        """What results hold of a decoder: a struct of the columns that its own rows would have."""
        parts = rows.part(field.name)
        columns = [self._column(of, chunk, parts) for of in field.type]
        mask = self._pa.array([stack is None for stack in parts.values(lambda stack: [stack])])
        return self._pa.StructArray.from_arrays(columns, fields=list(field.type), mask=mask)

    def _values(self, name: str, chunk: Chunk, rows: "_Rows") -> Sequence[Any]:
        """A column that has a plain value for each record."""
        if name == "index":
            return range(chunk.first_index, chunk.first_index + len(chunk))
        if name == "line":
            return [chunk.line(place) for place in range(len(chunk))]
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

    def _of_stacks(self, field: Any, rows: "_Rows") -> Any:
        """A field that the sentences of a stack share: made once a stack."""
        values = [_of_stack(stack, field.name) for stack, _ in rows.stacks]
        if len(values) == 1 and rows.are_results:
            return self._pa.repeat(self._pa.scalar(values[0], type=field.type), rows.size)
        which: list[int | None] = [None] * rows.size
        for number, (_, places) in enumerate(rows.stacks):
            for place in places:
                which[place] = number
        column = self._pa.array(values, type=field.type)
        return column.take(self._pa.array(which, self._pa.int32()))


class _Rows(NamedTuple):
    """The records of a chunk: stacks with the places of their sentences, errors by their places."""

    size: int
    stacks: list[tuple[Stack, Sequence[int]]]
    errors: dict[int, AttnError]

    def values(self, of: Callable[[Stack], Iterable[Any] | None]) -> list[Any]:
        """What a stack has for each of its sentences, in the order of the chunk; None for others."""
        values: list[Any] = [None] * self.size
        for stack, places in self.stacks:
            found = of(stack)
            if found is not None:
                for place, value in zip(places, found, strict=True):
                    values[place] = value
        return values

    @property
    def are_results(self) -> bool:
        """Whether every record is of a stack."""
        return sum(len(places) for _, places in self.stacks) == self.size

    def part(self, name: str) -> "_Rows":
        """The results of a part, in the places of those that hold it."""
        parts = [
            (stack_of(part, 0), places)
            for stack, places in self.stacks
            if (part := getattr(stack.finished, name, None)) is not None
        ]
        return _Rows(self.size, parts, {})


def _keys_of(rows: _Rows) -> _PlacedRuns:
    """The tokens that are looked at, of those results in which they are others."""
    return [
        ([TokenRun.of(stack.finished.keys)], places)
        for stack, places in rows.stacks
        if stack.finished is not None and stack.finished.keys is not None
    ]


def _warnings(stack: Stack) -> list[list[dict[str, Any]]]:
    plain: list[list[dict[str, Any]]] = [[]] * len(stack)
    for i, warnings in stack.warnings.items():
        plain[i] = [_plain(warning) for warning in warnings]
    return plain


def _of_stack(stack: Stack, name: str) -> Any:
    if name in ("attention", "vectors"):
        return _plain(getattr(stack, name))
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


def _nested(pa: Any, arrays: Sequence[Any], depth: int, kind: Any) -> Any:
    """Arrays of `depth` axes as one column of nested lists; None is a null."""
    shapes = np.zeros((len(arrays), depth), dtype=np.int64)
    absent = np.array([array is None for array in arrays], dtype=np.bool_)
    if not absent.all():
        shapes[~absent] = [array.shape for array in arrays if array is not None]
    flat = [array.reshape(-1) for array in arrays if array is not None]
    inner = kind
    for _ in range(depth):
        inner = inner.value_type
    # not inner.to_pandas_dtype(): older versions of pyarrow ask pandas for it
    dtype = pa.array([], type=inner).to_numpy(zero_copy_only=False).dtype
    values = np.concatenate(flat) if flat else np.zeros(0, dtype=dtype)
    column = pa.array(values.astype(dtype, copy=False), type=inner)
    for level in range(depth - 1, -1, -1):
        lengths = np.repeat(shapes[:, level], shapes[:, :level].prod(axis=1))
        offsets = np.zeros(len(lengths) + 1, dtype=np.int32)
        np.cumsum(lengths, out=offsets[1:])
        mask = pa.array(absent) if level == 0 else None
        column = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), column, mask=mask)
    return column.cast(kind)


def _strongest(pa: Any, rows: _Rows, count: int, field: Any) -> Any:
    """The column `top`: the strongest keys of each row and their weights."""
    found = {id(stack): strongest_of_rows(stack.made("weights"), count) for stack, _ in rows.stacks}
    columns = [rows.values(lambda stack, i=i: found[id(stack)][i]) for i in range(2)]  # type: ignore[misc]
    parts = [
        _nested(pa, column, 4, of.type) for column, of in zip(columns, field.type, strict=True)
    ]
    mask = pa.array([array is None for array in columns[0]])
    return pa.StructArray.from_arrays(parts, fields=list(field.type), mask=mask)


def _plain(part: Any) -> dict[str, Any]:
    """A part of the record; a mapping as pairs."""
    return {
        name: list(value.items()) if isinstance(value, Mapping) else value
        for name, value in part._asdict().items()
    }


def _plain_cells(pa: Any, column: Iterable[Any], kind: Any) -> Iterable[Any]:
    """The cells of a column as pyarrow takes them: parts within parts as dictionaries and lists."""
    if pa.types.is_map(kind):
        return map(_pairs, column)
    return map(nested_plain, column) if pa.types.is_nested(kind) else column


def _structs(pa: Any, parts: Sequence[Any], kind: Any) -> Any:
    """Parts of records, or None, as one column of structs, field by field."""
    empty = (None,) * kind.num_fields
    columns = zip(*(empty if part is None else part for part in parts), strict=True)
    arrays = [
        pa.array(_plain_cells(pa, column, of.type), type=of.type)
        for of, column in zip(list(kind), columns, strict=True)
    ]
    mask = pa.array([part is None for part in parts])
    return pa.StructArray.from_arrays(arrays, fields=list(kind), mask=mask)


def _token_lists(pa: Any, size: int, stacks: _PlacedRuns, kind: Any) -> Any:
    """The tokens of sentences, or None, as one column of lists of structs.

    What all occurrences of a token share is taken once from it, then copied to each by pyarrow.
    """
    counts = np.zeros(size, dtype=np.int32)
    number = np.full(size, -1)  # of each record's sentence in the stacks, −1 where it has none
    if stacks:
        tokens = Tokens.of([runs for runs, _ in stacks])
        places = np.concatenate([np.asarray(places, np.intp) for _, places in stacks])
        number[places] = np.arange(len(places))
        counts[places] = tokens.counts
    absent = number < 0
    if not counts.any():
        return pa.array([None if missing else [] for missing in absent.tolist()], type=kind)
    at = tokens.in_order(number[~absent])
    which, used = tokens.which[at], tokens.used()
    short = np.zeros(len(tokens.fragments), dtype=np.int32)
    short[used] = np.arange(len(used))
    distinct = [tokens.fragments[n] for n in used.tolist()]
    taken = pa.array(short[which])
    columns = []
    for of in kind.value_type:
        shared = pa.array(list(map(attrgetter(of.name), distinct)), type=of.type)
        column = shared.take(taken)
        if of.name in ("start", "end"):
            column = pa.array(column.to_numpy() + tokens.places[at], type=of.type)
        columns.append(column)
    offsets = np.zeros(size + 1, dtype=np.int32)
    np.cumsum(counts, out=offsets[1:])
    lists = pa.StructArray.from_arrays(columns, fields=list(kind.value_type))
    return pa.ListArray.from_arrays(pa.array(offsets), lists, mask=pa.array(absent)).cast(kind)


def _pairs(value: Mapping[Any, Any] | None) -> list[tuple[Any, Any]] | None:
    return None if value is None else list(value.items())
