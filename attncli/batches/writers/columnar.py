"""Parquet and Arrow IPC: the columns of `results/columns`, a record batch a chunk.

A part is the beginning of an Arrow IPC file, so that workers make batches and they are appended. Its
footer makes an Arrow file of it; a Parquet file is made of it batch by batch.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from attncli.arrays import IntArray
from attncli.batches.chunks import Chunk
from attncli.batches.work import Coming, Failures, Placed
from attncli.results.columns.files import BytesWritten, open_table
from attncli.results.columns.records import Numbering, RecordColumns, require_pyarrow
from attncli.results.columns.schema import schema_of
from attncli.results.layout import RecordLayout
from attncli.results.placed import PlacedRecords

_MAGIC = b"ARROW1\0\0"  # begins a file; parts of earlier versions are streams, without it


class ArrowWriter:
    """Writes stacks as record batches of an Arrow IPC file, without its footer."""

    in_blocks = True

    def __init__(self, layout: RecordLayout) -> None:
        self._columns = RecordColumns(layout)
        self.head = _MAGIC + self._columns.schema.serialize().to_pybytes()

    def coming(self, chunk: Chunk, stacks: Placed, failures: Failures) -> Coming:
        """The record batch of a chunk."""
        rows = PlacedRecords(len(chunk), [item for item in stacks if len(item[1])], dict(failures))
        batch = self._columns.batch(rows, _numbering(chunk))
        return Coming.of([memoryview(batch.serialize())])


def _numbering(chunk: Chunk) -> Numbering:
    """Which records these are, and their lines."""
    lines = (
        _counted(chunk.first_line, chunk)
        if chunk.lines is None
        else np.array(chunk.lines, dtype=np.int64)
    )
    return Numbering(_counted(chunk.first_index, chunk), lines, file=chunk.file, ids=chunk.ids)


def _counted(first: int, chunk: Chunk) -> IntArray:
    return np.arange(first, first + len(chunk), dtype=np.int64)


def assembly(kind: str, layout: RecordLayout) -> Callable[[Path, Path], None]:
    """What turns a part into a file. Raises: MissingExtraError."""
    pa = require_pyarrow()
    schema = schema_of(pa, layout)

    def to_file(part: Path, target: Path) -> None:
        with pa.OSFile(str(target), "wb") as sink, open_table(kind, sink, schema) as writer:
            for batch in _batches(pa, part, schema):
                writer.write_batch(batch)

    return to_file


def arrow_closing(layout: RecordLayout) -> Callable[[Path], bytes | None]:
    """What makes the footer that turns a part into an Arrow file; None for a stream.

    Raises: MissingExtraError.
    """
    pa = require_pyarrow()
    schema = schema_of(pa, layout)

    def closing(part: Path) -> bytes | None:
        rest = BytesWritten(begin=part.stat().st_size)
        with pa.PythonFile(rest, mode="w") as sink, open_table("arrow", sink, schema) as writer:
            for batch in _batches(pa, part, schema):
                writer.write_batch(batch)
            is_same = rest.tell() == rest.begin
        return rest.taken() if is_same else None

    return closing


def _batches(pa: Any, part: Path, schema: Any) -> Iterator[Any]:
    """The batches of a part, each mapped by itself: what was read takes no memory."""
    size, at = part.stat().st_size, _begin_of_batches(pa, part)
    while at < size:
        with pa.memory_map(str(part)) as source:
            source.seek(at)
            message = pa.ipc.read_message(source)
            at = source.tell()
        yield pa.ipc.read_record_batch(message, schema)


def _begin_of_batches(pa: Any, part: Path) -> int:
    """Where the first batch of a part begins, behind the schema."""
    with pa.OSFile(str(part), "rb") as source:
        if source.read(len(_MAGIC)) != _MAGIC:
            source.seek(0)
        pa.ipc.read_message(source)
        return int(source.tell())
