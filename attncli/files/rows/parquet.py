"""Columns of a Parquet file → rows; a row's line is its number, 1 the first.

Texts are read as the dictionaries they are kept in, so that one that stands in many rows is held once.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

from attncli.errors import DataError, LimitError, MissingExtraError
from attncli.errors.wording import size_text

_ROWS = 1000  # read at once
_MOST_BYTES = 1 << 30  # of the rows read at once


def parquet_columns(stream: BinaryIO, name: str) -> list[str]:
    """The names of the columns. Raises: DataError, MissingExtraError."""
    return [str(column) for column in _opened(stream, name, []).schema_arrow.names]


def parquet_types(stream: BinaryIO, name: str) -> list[Any]:
    """The types of the columns, as pyarrow has them. Raises: DataError, MissingExtraError."""
    return list(_opened(stream, name, []).schema_arrow.types)


def rows_of_columns(
    stream: BinaryIO, columns: Sequence[str], name: str
) -> Iterator[tuple[int, list[Any]]]:
    """The values of some columns, a row at a time.

    Raises: DataError for a damaged file, LimitError for rows of more than 1 GiB.
    """
    import pyarrow

    file = _opened(stream, name, [])
    with _damage(name):
        texts = [
            str(field.name)
            for field in file.schema_arrow
            if field.name in columns and pyarrow.types.is_string(field.type)
        ]
    stream.seek(0)
    file = _opened(stream, name, texts)
    done = 0
    with _damage(name):
        for batch in file.iter_batches(batch_size=_ROWS, columns=list(columns)):
            if batch.nbytes > _MOST_BYTES:
                what = f"{size_text(batch.nbytes)} in {batch.num_rows} rows"
                raise LimitError(f"{what}, the limit is {size_text(_MOST_BYTES)}", place=name)
            batch.validate(full=True)
            listed = [_values(batch.column(batch.schema.get_field_index(c))) for c in columns]
            for row in zip(*listed, strict=True):
                done += 1
                yield done, list(row)


def _opened(stream: BinaryIO, name: str, texts: list[str]) -> Any:
    try:
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError.of("pyarrow", f"reading {name}") from None
    with _damage(name):
        return pyarrow.parquet.ParquetFile(stream, read_dictionary=texts)


def _values(column: Any) -> list[Any]:
    """The values of a column; those of a dictionary are shared."""
    if not hasattr(column, "dictionary"):
        return list(column.to_pylist())
    texts = column.dictionary.to_pylist()
    return [None if place is None else texts[place] for place in column.indices.to_pylist()]


@contextlib.contextmanager
def _damage(name: str) -> Iterator[None]:
    """Turns what pyarrow raises for a damaged file into a DataError."""
    import pyarrow

    try:
        yield
    except (pyarrow.ArrowException, OSError, ValueError, KeyError, IndexError) as fault:
        said = " ".join(str(fault).split())[:120]
        raise DataError(f"a damaged Parquet file: {said}", place=name) from None
    except MemoryError:
        raise LimitError("its rows need more memory than there is", place=name) from None
