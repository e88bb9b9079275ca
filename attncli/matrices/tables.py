"""Parquet and Arrow IPC, as every command writes results → the records of their rows, one by one.

pyarrow follows offsets wherever they lead: nothing of a batch is looked at before it was validated,
and what a file says of its size is looked at before it is unpacked.
"""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from attncli.arrays import AnyArray
from attncli.checks.records import json_of
from attncli.errors import DataError, LimitError, MissingExtraError
from attncli.errors.wording import size_text, visible
from attncli.files.arrow_sizes import unpacked_size
from attncli.files.parquet_sizes import parquet_claims
from attncli.matrices.shapes import check_size
from attncli.matrices.top import spread, with_weights
from attncli.results.fields import OPTIONAL_ARRAYS, PARTS, SCHEMA_VERSION, USUAL_FIELDS
from attncli.results.result import AttentionResult

_ARRAYS = {"weights": 4, "contextual": 2, **OPTIONAL_ARRAYS}
# Fields whose shape is free are JSON text.
_AS_JSON = [f.name for f in fields(AttentionResult) if "Mapping" in str(f.type)]
_SMALL = 32 << 20  # bytes; what unpacks to less is never called a bomb
_RATIO = 200
_AT_ONCE = 64  # rows of Parquet


def table_records(data: bytes, index: int | None = None) -> Iterator[dict[str, Any]]:
    """The records of a Parquet or Arrow file, or that of `index` alone.

    Raises: MissingExtraError, DataError, LimitError.
    """
    try:
        import pyarrow
    except ImportError:
        raise MissingExtraError.of("pyarrow", "reading Parquet and Arrow") from None
    before = 0
    try:
        batches = _parquet(data) if data.startswith(b"PAR1") else _arrow(data)
        for batch in batches:
            batch.validate(full=True)
            _expect_columns(batch.schema.names)
            wanted = range(batch.num_rows) if index is None else [index - before]
            for at in wanted:
                if 0 <= at < batch.num_rows:
                    yield _of_row(batch, at)
            before += batch.num_rows
    except (pyarrow.ArrowException, OSError, ValueError, TypeError, OverflowError) as fault:
        reason = visible(str(fault).partition("\n")[0])[:120]
        raise DataError(f"the table cannot be read: {reason}") from None
    except RecursionError:
        raise DataError("the table cannot be read: it is nested too deeply") from None


def _expect_columns(names: list[str]) -> None:
    if not {"type"} < set(names) or len(set(names)) != len(names):
        raise DataError("found a table without the columns type and weights of attn batch")


def _parquet(data: bytes) -> Iterator[Any]:
    import pyarrow
    from pyarrow import parquet

    claims = parquet_claims(data)
    file = parquet.ParquetFile(pyarrow.BufferReader(data))
    _expect_columns(file.schema_arrow.names)
    _check_claims(max(4 * claims.values, claims.encoded), file.metadata.num_rows, len(data))
    yield from file.iter_batches(batch_size=_AT_ONCE, use_threads=False)


def _arrow(data: bytes) -> Iterator[Any]:
    import pyarrow

    reader = pyarrow.ipc.open_file(pyarrow.BufferReader(data))
    _expect_columns(reader.schema.names)
    _check_claims(unpacked_size(data), 0, len(data))
    for number in range(reader.num_record_batches):
        batch = reader.get_batch(number)
        _check_claims(0, batch.num_rows, len(data))
        yield batch


def _check_claims(unpacked: int, rows: int, packed: int) -> None:
    """Raises: LimitError when a file of `packed` bytes unpacks to far too much."""
    if rows > packed:
        raise DataError(f"the file claims {rows} rows in {packed} bytes")
    if unpacked > _SMALL and unpacked > _RATIO * packed:
        raise LimitError(
            f"{size_text(unpacked)} unpacked, more than {_RATIO} times its size, "
            "which looks like a bomb"
        )


def _of_row(batch: Any, at: int) -> dict[str, Any]:
    return _of_values(_of_cells(batch.schema.names, [c.slice(at, 1) for c in batch.columns]))


def _of_cells(names: Sequence[str], cells: Sequence[Any]) -> dict[str, Any]:
    """The values of a row, of which each column is a cell."""
    row: dict[str, Any] = {}
    for name, cell in zip(names, cells, strict=True):
        if cell.null_count == 1:
            if name in USUAL_FIELDS:  # it is known that there is none
                row[name] = None
            continue
        if name == "top":
            row[name] = {part: _nested(cell.field(part), 4) for part in ("keys", "weights")}
        elif name == "keys" and not _are_tokens(cell):  # of before: beside the strongest weights
            row[name] = _nested(cell, 4)
        elif name in PARTS:
            inner = [field.name for field in cell.type]
            row[name] = _of_cells(inner, [cell.field(i) for i in range(len(inner))])
        elif name in _ARRAYS:
            row[name] = _nested(cell, _ARRAYS[name])
        else:
            row[name] = _plain(cell.type, cell[0].as_py())
    return row


def _are_tokens(cell: Any) -> bool:
    """Whether keys are the tokens of columns, and not places of the strongest weights."""
    kind = getattr(cell.type, "value_type", None)
    return kind is not None and str(kind).startswith("struct<")


def _plain(kind: Any, value: Any) -> Any:
    """A value with the maps inside a struct as dictionaries; pyarrow gives pairs."""
    if not isinstance(value, dict):
        return value
    maps = {field.name for field in kind if str(field.type).startswith("map<")}
    return {name: dict(part or ()) if name in maps else part for name, part in value.items()}


def _of_values(row: dict[str, Any]) -> dict[str, Any]:
    if row.get("type") == "error":
        return {name: value for name, value in row.items() if value is not None}
    for of in (row, *(row[part] for part in PARTS if part in row)):
        for name in _AS_JSON:
            if isinstance(of.get(name), str):
                of[name] = json_of(of[name])
    if isinstance(row.get("keys"), np.ndarray):
        row["weights"] = spread(row.pop("keys"), row["weights"])
    return {"schema": SCHEMA_VERSION, **with_weights(row)}


def _nested(column: Any, axes: int) -> AnyArray:
    """The array of one row of nested lists. Raises: DataError for lists of unequal lengths."""
    shape: list[int] = []
    for _ in range(axes):
        if not hasattr(column, "flatten") or not hasattr(column, "value_lengths"):
            raise DataError(f"found a column of {axes - len(shape)} axes too few")
        lengths = column.value_lengths().to_numpy(zero_copy_only=False)
        if len(lengths) and not (lengths == lengths[0]).all():
            raise DataError("found lists of unequal lengths, expected a rectangular array")
        shape.append(int(lengths[0]) if len(lengths) else 0)
        column = column.flatten()
    check_size(shape)
    return np.asarray(column.to_numpy(zero_copy_only=False)).reshape(shape)
