"""Batches of records as a file: Parquet, or Arrow IPC."""

from typing import Any

from attncli.results.columns.records import require_pyarrow


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
