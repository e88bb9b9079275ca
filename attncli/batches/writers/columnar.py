"""Parquet and Arrow IPC: the columns of `results/columns`, a record batch a chunk.

A part is an Arrow IPC stream, so that workers make batches and they are appended. At the end it
becomes an Arrow file or a Parquet file, batch by batch.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from attncli.arrays import IntArray
from attncli.batches.chunks import Chunk
from attncli.batches.work import Failures, Placed
from attncli.results.columns.files import open_table
from attncli.results.columns.records import Numbering, RecordColumns, require_pyarrow
from attncli.results.columns.schema import schema_of
from attncli.results.layout import RecordLayout
from attncli.results.placed import PlacedRecords


class ArrowWriter:
    """Writes stacks as record batches of an Arrow IPC stream."""

    in_blocks = True

    def __init__(self, layout: RecordLayout) -> None:
        self._columns = RecordColumns(layout)
        self.head = self._columns.schema.serialize().to_pybytes()

    def chunk(self, chunk: Chunk, stacks: Placed, failures: Failures) -> bytes:
        """The record batch of a chunk."""
        rows = PlacedRecords(len(chunk), [item for item in stacks if len(item[1])], dict(failures))
        batch = self._columns.batch(rows, _numbering(chunk))
        return bytes(batch.serialize().to_pybytes())


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
            for batch in _batches(pa, part):
                writer.write_batch(batch)

    return to_file


def _batches(pa: Any, part: Path) -> Iterator[Any]:
    with pa.OSFile(str(part), "rb") as source, pa.ipc.open_stream(source) as reader:
        yield from reader
