"""Parquet and Arrow IPC: a row a record, matrices as nested lists of float32.

A part is an Arrow IPC stream, one record batch a chunk, so that workers make batches and they are
appended. At the end it becomes an Arrow file or a Parquet file, batch by batch.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from attncli.batch.chunks import Chunk
from attncli.batch.writers.options import Layout
from attncli.errors import AttnError, MissingExtraError
from attncli.insight.top import strongest
from attncli.result import OPTIONAL_ARRAYS, SCHEMA_VERSION
from attncli.stacks import Stack

_AXES = {"weights": 4, "contextual": 2, **OPTIONAL_ARRAYS}


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

    def __init__(self, layout: Layout) -> None:
        self._pa = require_pyarrow()
        self._layout = layout
        self._schema = schema_of(self._pa, layout)
        self.head = self._schema.serialize().to_pybytes()

    def chunk(
        self,
        chunk: Chunk,
        stacks: Iterable[tuple[Stack, Sequence[int]]],
        failures: Iterable[tuple[int, AttnError]],
    ) -> bytes:
        """The record batch of a chunk."""
        rows: list[_Row] = [_Row() for _ in range(len(chunk))]
        for stack, places in stacks:
            for i, place in enumerate(places):
                rows[place] = _Row(stack, i)
        for place, error in failures:
            rows[place] = _Row(error=error)
        columns = [self._column(field, chunk, rows) for field in self._schema]
        batch = self._pa.RecordBatch.from_arrays(columns, schema=self._schema)
        return bytes(batch.serialize().to_pybytes())

    def _column(self, field: Any, chunk: Chunk, rows: "list[_Row]") -> Any:
        pa, name = self._pa, field.name
        if name in _AXES:
            if name == "weights" and self._layout.top is not None:
                return _nested(pa, [r.strongest(self._layout.top)[1] for r in rows], 4, field.type)
            return _nested(pa, [row.array(name) for row in rows], _AXES[name], field.type)
        if name == "keys":
            kept = [row.strongest(self._layout.top or 1)[0] for row in rows]
            return _nested(pa, kept, 4, field.type)
        if name == "index":
            values: list[Any] = list(range(chunk.first_index, chunk.first_index + len(chunk)))
        elif name == "line":
            values = [chunk.line(place) for place in range(len(chunk))]
        elif name == "file":
            values = [chunk.file] * len(chunk)
        elif name == "id":
            ids = chunk.ids or [None] * len(chunk)
            values = [None if one is None else str(one) for one in ids]
        else:
            values = [row.value(name) for row in rows]
        return pa.array(values, type=field.type)


class _Row:
    """A record's place in a stack, or its error."""

    __slots__ = ("_error", "_i", "_kept", "_stack")

    def __init__(
        self, stack: Stack | None = None, i: int = 0, error: AttnError | None = None
    ) -> None:
        self._stack = stack
        self._i = i
        self._error = error
        self._kept: Any = None

    def array(self, name: str) -> Any:
        return None if self._stack is None else self._stack.array(name, self._i)

    def strongest(self, count: int) -> tuple[Any, Any]:
        weights = self.array("weights")
        if weights is None:
            return None, None
        if self._kept is None:
            self._kept = strongest(weights, count)
        return self._kept  # type: ignore[no-any-return]  # a pair of arrays

    def value(self, name: str) -> Any:
        stack, i = self._stack, self._i
        if stack is None:
            return self._failed(name)
        if name == "type":
            return "result"
        if name == "text":
            return stack.texts[i]
        if name == "tokens":
            return [_plain(token) for token in stack.tokens[i].tokens()]
        if name in ("attention", "vectors"):
            return _plain(getattr(stack, name))
        if name == "model":
            return None if stack.models is None else _model(stack.models[i])
        if name == "warnings":
            return [_plain(warning) for warning in stack.warnings.get(i, ())]
        if name == "measures":
            from attncli.views.json import plain_json

            found = None if stack.finished is None else stack.finished.measures
            return None if found is None else plain_json(dict(found))
        return None

    def _failed(self, name: str) -> Any:
        error = self._error
        if error is None:
            return None
        return {"type": "error", "code": error.name, "message": error.message}.get(name)


def schema_of(pa: Any, layout: Layout) -> Any:
    """The columns of a layout; the metadata says which schema, which vectors, which options."""
    text, i64, i32 = pa.string(), pa.int64(), pa.int32()
    token = pa.struct(
        [("text", text), ("start", i32), ("end", i32), ("key", text), ("status", text)]
    )
    settings = pa.struct(
        [
            *((name, text) for name in ("kind", "score")),
            *((name, pa.float64()) for name in ("scale", "temperature")),
            ("causal", pa.bool_()),
            *((name, i32) for name in ("n_layers", "n_heads", "window")),
            ("see_self", pa.bool_()),
            ("positions", text),
        ]
    )
    vectors = pa.struct([("name", text), ("dim", i32), ("words", i64), ("sha256", text)])
    model = pa.struct(
        [
            *((name, text) for name in ("name", "sha256", "label")),
            ("probabilities", pa.map_(text, pa.float64())),
        ]
    )
    warning = pa.struct([("code", text), ("message", text), ("tokens", pa.list_(i32))])
    fields = [("type", text), ("index", i64), ("line", i64)]
    fields += [("file", text)] if layout.with_file else []
    fields += [("id", text)] if layout.with_id else []
    fields += [("text", text), ("tokens", pa.list_(token)), ("attention", settings)]
    for name in layout.arrays:
        fields.append((name, _lists(pa, pa.float32(), _AXES[name])))
        if name == "weights" and layout.top is not None:
            fields.append(("keys", _lists(pa, i32, 4)))
    fields += [("vectors", vectors), ("model", model), ("warnings", pa.list_(warning))]
    fields += [("measures", text)] if "measures" in layout.include else []
    fields += [("code", text), ("message", text)]
    kept = [field for field in fields if layout.has(field[0])]
    return pa.schema(kept, metadata={"attn.schema": SCHEMA_VERSION, **dict(layout.facts)})


def assembly(kind: str, layout: Layout) -> Callable[[Path, Path], None]:
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
    values = np.concatenate(flat) if flat else np.zeros(0, dtype=inner.to_pandas_dtype())
    column = pa.array(values.astype(inner.to_pandas_dtype(), copy=False), type=inner)
    for level in range(depth - 1, -1, -1):
        counts = [int(np.prod(shape[:level])) if shape[0] or not level else 0 for shape in shapes]
        lengths = np.repeat([shape[level] for shape in shapes], counts)
        offsets = np.zeros(len(lengths) + 1, dtype=np.int32)
        np.cumsum(lengths, out=offsets[1:])
        mask = pa.array([array is None for array in arrays]) if level == 0 else None
        column = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), column, mask=mask)
    return column.cast(kind)


def _plain(part: Any) -> dict[str, Any]:
    found: dict[str, Any] = part._asdict()
    return found


def _model(model: Any) -> dict[str, Any]:
    return {**_plain(model), "probabilities": list(dict(model.probabilities).items())}
