"""Parquet and Arrow IPC: a row a record, matrices as nested lists of float32.

The columns are the fields of the record, derived from its types: what a later version adds is kept
without a line here. Fields whose shape is free (selection, measures) are JSON text. With `top` the
column `top` has keys and weights, as in JSON.

A part is an Arrow IPC stream, one record batch a chunk, so that workers make batches and they are
appended. At the end it becomes an Arrow file or a Parquet file, batch by batch.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from math import prod
from operator import attrgetter
from pathlib import Path
from types import UnionType
from typing import Any, NamedTuple, get_args, get_origin

import numpy as np

from attncli.batches.chunks import Chunk
from attncli.batches.work import Failures, Placed
from attncli.batches.writers.options import RecordLayout
from attncli.errors import AttnError, MissingExtraError
from attncli.results.json import plain_json
from attncli.results.predicted import PREDICTED
from attncli.results.result import (
    CROSS_SCHEMA,
    OPTIONAL_ARRAYS,
    PART_FIELDS,
    PARTS,
    RARE_OF_MODELS,
    SCHEMA_VERSION,
    AttentionResult,
    AttentionSettings,
    ModelInfo,
    ResultWarning,
    Token,
    VectorsInfo,
    nested_plain,
)
from attncli.results.stack import RARE_FIELDS, Stack, TokenRun, stack_of
from attncli.results.top import strongest_of_rows

_AXES = {"weights": 4, "contextual": 2, **OPTIONAL_ARRAYS}
# The rare fields that have a type of their own; the others are JSON text.
_RARE_TYPES = {
    name: kind
    for name in RARE_FIELDS
    if not str(kind := AttentionResult.__annotations__[name]).count("Mapping")
}
_OF_FAILURES = ("code", "message")
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
        rows: list[_Row] = [_Row() for _ in range(len(chunk))]
        for stack, places in stacks:
            for i, place in enumerate(places):
                rows[place] = _Row(stack, i)
        for place, error in failures:
            rows[place] = _Row(error=error)
        shared = _Shared.by(rows)
        columns = [self._column(field, chunk, rows, shared) for field in self._schema]
        batch = self._pa.RecordBatch.from_arrays(columns, schema=self._schema)
        return bytes(batch.serialize().to_pybytes())

    def _column(self, field: Any, chunk: Chunk, rows: "list[_Row]", shared: "_Shared") -> Any:
        pa, name = self._pa, field.name
        if name in _AXES:
            return _nested(pa, [row.array(name) for row in rows], _AXES[name], field.type)
        if name == "top":
            return _strongest(pa, [row.array("weights") for row in rows], self._layout.top, field)
        if name in _OF_STACKS:
            return self._of_stacks(field, shared)
        if name in PARTS:
            return self._part(field, chunk, rows)
        if name == "keys":
            keys = [None if row.stack is None else _keys_of(row.stack) for row in rows]
            return _token_lists(pa, keys, field.type)
        if name == "tokens":
            runs = [None if row.stack is None else row.stack.tokens[row.i] for row in rows]
            return _token_lists(pa, runs, field.type)
        if name == "model":
            kept = [of.name for of in field.type]
            models = [
                None if (model := row.model()) is None else [getattr(model, of) for of in kept]
                for row in rows
            ]
            return _structs(pa, models, field.type)
        return pa.array(self._values(name, chunk, rows, shared), type=field.type)

    def _part(self, field: Any, chunk: Chunk, rows: "list[_Row]") -> Any:
        """What results hold of a decoder: a struct of the columns that its own rows would have."""
        parts = [_part_of(row, field.name) for row in rows]
        shared = _Shared.by(parts)
        columns = [self._column(of, chunk, parts, shared) for of in field.type]
        mask = self._pa.array([part.stack is None for part in parts])
        return self._pa.StructArray.from_arrays(columns, fields=list(field.type), mask=mask)

    def _values(
        self, name: str, chunk: Chunk, rows: "list[_Row]", shared: "_Shared"
    ) -> Sequence[Any]:
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
        if name in _OF_FAILURES and not shared.failed:
            return [None] * len(rows)
        return [row.value(name) for row in rows]

    def _of_stacks(self, field: Any, shared: "_Shared") -> Any:
        """A field that the sentences of a stack share: made once a stack."""
        values = [_of_stack(stack, field.name) for stack in shared.stacks]
        if len(values) == 1 and not shared.failed:
            return self._pa.repeat(self._pa.scalar(values[0], type=field.type), len(shared.which))
        column = self._pa.array(values, type=field.type)
        return column.take(self._pa.array(shared.which, self._pa.int32()))


class _Row(NamedTuple):
    """A record's place in a stack, or its error."""

    stack: Stack | None = None
    i: int = 0
    error: AttnError | None = None

    def array(self, name: str) -> Any:
        return None if self.stack is None else self.stack.array(name, self.i)

    def model(self) -> ModelInfo | None:
        models = None if self.stack is None else self.stack.models
        return None if models is None else models[self.i]

    def value(self, name: str) -> Any:
        stack, error = self.stack, self.error
        if stack is not None:
            if name == "text":
                return stack.texts[self.i]
            if name == "warnings":
                return [_plain(warning) for warning in stack.warnings.get(self.i, ())]
            return "result" if name == "type" else None
        if error is None:
            return None
        return {"type": "error", "code": error.name, "message": error.message}.get(name)


def _part_of(row: _Row, name: str) -> _Row:
    """The result of a part, in the place of the one that holds it."""
    result = None if row.stack is None else row.stack.finished
    part: AttentionResult | None = None if result is None else getattr(result, name)
    return _Row() if part is None else _Row(stack_of(part, 0))


def _keys_of(stack: Stack) -> TokenRun | None:
    keys = None if stack.finished is None else stack.finished.keys
    return None if keys is None else TokenRun.of(keys)


class _Shared(NamedTuple):
    """The stacks of a chunk, and which of them each record is of: None for one that has none."""

    stacks: list[Stack]
    which: list[int | None]
    failed: bool

    @classmethod
    def by(cls, rows: "list[_Row]") -> "_Shared":
        stacks = {id(row.stack): row.stack for row in rows if row.stack is not None}
        order = {key: number for number, key in enumerate(stacks)}
        which = [order.get(id(row.stack)) for row in rows]
        return cls(list(stacks.values()), which, None in which)


def _of_stack(stack: Stack, name: str) -> Any:
    if name in ("attention", "vectors"):
        return _plain(getattr(stack, name))
    value = stack.rare().get(name)
    return value if value is None or name in _RARE_TYPES else plain_json(value)


def schema_of(pa: Any, layout: RecordLayout) -> Any:
    """The columns of a layout; the metadata says which schema, which vectors, which options."""
    text, i64 = pa.string(), pa.int64()
    kinds = {
        **dict.fromkeys(("index", "line"), i64),
        **{"tokens": pa.list_(_struct(pa, Token)), "attention": _struct(pa, AttentionSettings)},
        **{"vectors": _struct(pa, VectorsInfo), "model": _model(pa, layout)},
        **{"warnings": pa.list_(_struct(pa, ResultWarning)), "top": _top(pa)},
        **{name: _lists(pa, pa.float32(), axes) for name, axes in _AXES.items()},
        **{name: _type(pa, name, kind) for name, kind in _RARE_TYPES.items()},
    }
    names = ["type", "index", "line"]
    names += ["file"] if layout.with_file else []
    names += ["id"] if layout.with_id else []
    names += ["text", "tokens", "attention"]
    names += ["top" if n == "weights" and layout.top is not None else n for n in layout.arrays]
    names += ["vectors", "model", "warnings", *filter(layout.wants, RARE_FIELDS)]
    if layout.parts:
        kinds["keys"] = kinds["tokens"]
        kinds |= {name: _part_struct(pa, kinds, layout, name) for name in PARTS}
    names += [*layout.parts, "code", "message"]
    columns = [(name, kinds.get(name, text)) for name in names if layout.has(name)]
    schema = CROSS_SCHEMA if layout.parts else SCHEMA_VERSION
    return pa.schema(columns, metadata={"attn.schema": schema, **dict(layout.facts)})


def _part_struct(pa: Any, kinds: Mapping[str, Any], layout: RecordLayout, part: str) -> Any:
    """The struct of what results hold of a decoder, `part`; its text and its tokens are always there."""
    always = ("text", "tokens")
    wanted = [name for name in PART_FIELDS[part] if name in always or layout.wants(name)]
    wanted = [name for name in wanted if name != "model" or layout.wants_next]
    names = ["top" if n == "weights" and layout.top is not None else n for n in wanted]
    return pa.struct([(name, kinds.get(name, pa.string())) for name in names])


def _struct(pa: Any, kind: Any, without: Sequence[str] = ()) -> Any:
    """The struct of a part of the record, by the annotations of its NamedTuple."""
    kinds = kind.__annotations__.items()
    return pa.struct([(name, _type(pa, name, of)) for name, of in kinds if name not in without])


def _model(pa: Any, layout: RecordLayout) -> Any:
    """The struct of a model; of the fields that few models have those that may be there."""
    wanted = {*layout.of_models, *(PREDICTED if layout.wants_next else ())}
    return _struct(pa, ModelInfo, [name for name in RARE_OF_MODELS if name not in wanted])


def _type(pa: Any, name: str, kind: Any) -> Any:
    """The type of a field; whole numbers have 32 bits, counts of a vocabulary 64."""
    whole = pa.int64() if name == "words" else pa.int32()
    plain = {bool: pa.bool_(), int: whole, float: pa.float64(), str: pa.string()}
    inner = [part for part in get_args(kind) if part not in (type(None), ...)]
    if kind in plain:
        return plain[kind]
    if hasattr(kind, "_fields"):  # a part with fields of its own
        return _struct(pa, kind)
    if get_origin(kind) is UnionType and len(inner) == 1:  # it, or null
        return _type(pa, name, inner[0])
    if get_origin(kind) is tuple:
        return pa.list_(_type(pa, name, inner[0]))
    if get_origin(kind) is Mapping and inner[1] in plain:
        return pa.map_(plain[inner[0]], plain[inner[1]])
    return pa.string()


def _top(pa: Any) -> Any:
    return pa.struct(
        [("keys", _lists(pa, pa.int32(), 4)), ("weights", _lists(pa, pa.float32(), 4))]
    )


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


def _lists(pa: Any, inner: Any, depth: int) -> Any:
    for _ in range(depth):
        inner = pa.list_(inner)
    return inner


def _nested(pa: Any, arrays: Sequence[Any], depth: int, kind: Any) -> Any:
    """Arrays of `depth` axes as one column of nested lists; None is a null."""
    shapes = [array.shape if array is not None else (0,) * depth for array in arrays]
    flat = [array.reshape(-1) for array in arrays if array is not None]
    inner = kind
    for _ in range(depth):
        inner = inner.value_type
    # not inner.to_pandas_dtype(): older versions of pyarrow ask pandas for it
    dtype = pa.array([], type=inner).to_numpy(zero_copy_only=False).dtype
    values = np.concatenate(flat) if flat else np.zeros(0, dtype=dtype)
    column = pa.array(values.astype(dtype, copy=False), type=inner)
    for level in range(depth - 1, -1, -1):
        counts = [prod(shape[:level]) if shape[0] or not level else 0 for shape in shapes]
        lengths = np.repeat([shape[level] for shape in shapes], counts)
        offsets = np.zeros(len(lengths) + 1, dtype=np.int32)
        np.cumsum(lengths, out=offsets[1:])
        mask = pa.array([array is None for array in arrays]) if level == 0 else None
        column = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), column, mask=mask)
    return column.cast(kind)


def _strongest(pa: Any, weights: Sequence[Any], count: int | None, field: Any) -> Any:
    """The column `top`: the strongest keys of each row and their weights."""
    kept = [
        (None, None) if array is None else strongest_of_rows(array, count or 1) for array in weights
    ]
    parts = [_nested(pa, [pair[i] for pair in kept], 4, field.type.field(i).type) for i in range(2)]
    mask = pa.array([array is None for array in weights])
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


def _token_lists(pa: Any, runs: Sequence[TokenRun | None], kind: Any) -> Any:
    """The tokens of sentences, or None, as one column of lists of structs.

    What all occurrences of a token share is taken once from it, then copied to each by pyarrow.
    """
    parts = [part for run in runs if run is not None for part in run.parts]
    if not parts:
        return pa.array([None if run is None else [] for run in runs], type=kind)
    keys = list(map(id, parts))
    distinct = dict(zip(keys, parts, strict=True))
    numbers = dict(zip(distinct, range(len(distinct)), strict=True))
    which = pa.array(np.fromiter(map(numbers.__getitem__, keys), np.int32, len(keys)))
    places = np.fromiter(
        chain.from_iterable(run.places for run in runs if run is not None), np.int64, len(parts)
    )
    columns = []
    for of in kind.value_type:
        shared = pa.array(list(map(attrgetter(of.name), distinct.values())), type=of.type)
        column = shared.take(which)
        if of.name in ("start", "end"):
            column = pa.array(column.to_numpy() + places, type=of.type)
        columns.append(column)
    offsets = np.zeros(len(runs) + 1, dtype=np.int32)
    np.cumsum([0 if run is None else len(run) for run in runs], out=offsets[1:])
    mask = pa.array([run is None for run in runs])
    tokens = pa.StructArray.from_arrays(columns, fields=list(kind.value_type))
    return pa.ListArray.from_arrays(pa.array(offsets), tokens, mask=mask).cast(kind)


def _pairs(value: Mapping[Any, Any] | None) -> list[tuple[Any, Any]] | None:
    return None if value is None else list(value.items())
