"""Columns of a Parquet file → rows; a row's line is its number, 1 the first."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from attncli.errors import DataError, MissingExtraError

_ROWS = 1000  # read at once
_MOST_BYTES = 1 << 30  # of the rows read at once


def columns_of(stream: BinaryIO, name: str) -> tuple[Any, list[str]]:
    """The opened file and the names of its columns. Raises: DataError, MissingExtraError."""
    try:
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError.of("pyarrow", f"reading {name}") from None
    with _damage(name):
        file = pyarrow.parquet.ParquetFile(stream)
        return file, [str(column) for column in file.schema_arrow.names]


def rows_of_columns(
    file: Any, columns: Sequence[str], name: str
) -> Iterator[tuple[int, list[Any]]]:
    """The values of some columns, a row at a time. Raises: DataError for a damaged file."""
    done = 0
    with _damage(name):
        for batch in file.iter_batches(batch_size=_ROWS, columns=list(columns)):
            batch.validate(full=True)
            if batch.nbytes > _MOST_BYTES:
                raise DataError("its rows are too large, expected sentences", place=name)
            values = [batch.column(batch.schema.get_field_index(c)).to_pylist() for c in columns]
            for row in zip(*values, strict=True):
                done += 1
                yield done, list(row)


@contextlib.contextmanager
def _damage(name: str) -> Iterator[None]:
    """Turns what pyarrow raises for a damaged file into a DataError."""
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, UnicodeDecodeError) as fault:
        said = " ".join(str(fault).split())[:120]
        raise DataError(f"a damaged Parquet file: {said}", place=name) from None
