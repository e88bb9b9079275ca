"""Batches of records as a file: Parquet, or Arrow IPC."""

import io
from collections.abc import Iterable, Iterator
from typing import Any

from attncli.results.columns.records import Numbering, RecordColumns, require_pyarrow
from attncli.results.placed import PlacedRecords


def open_table(kind: str, sink: Any, schema: Any) -> Any:
    """A writer of record batches into an open file, to be used with `with`: of "parquet" or "arrow".

    Raises: MissingExtraError.
    """
    pa = require_pyarrow()
    if kind == "arrow":
        return pa.ipc.new_file(sink, schema)
    from pyarrow import parquet

    options = {"compression": "zstd", "compression_level": 1, "use_dictionary": False}
    return parquet.ParquetWriter(sink, schema, **options)


def table_pieces(
    kind: str, columns: RecordColumns, lots: Iterable[tuple[PlacedRecords, Numbering]]
) -> Iterator[bytes]:
    """The bytes of a file of these records, a piece for each lot of them."""
    pieces = BytesWritten()
    sink = require_pyarrow().PythonFile(pieces, mode="w")
    with open_table(kind, sink, columns.schema) as writer:
        for rows, numbering in lots:
            writer.write_batch(columns.batch(rows, numbering))
            yield pieces.taken()
    yield pieces.taken()


class BytesWritten(io.RawIOBase):
    """A file of which the bytes are taken as they are written, those behind `begin`."""

    def __init__(self, begin: int = 0) -> None:
        self.begin = begin
        self._held: list[bytes] = []
        self._length = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if self._length >= self.begin:
            self._held.append(bytes(data))
        self._length += len(data)
        return len(data)

    def tell(self) -> int:
        return self._length

    def taken(self) -> bytes:
        """What was written since the last time."""
        held, self._held = self._held, []
        return b"".join(held)
