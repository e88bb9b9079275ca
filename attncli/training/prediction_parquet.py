"""Predictions as Parquet, some rows at a time."""

from collections.abc import Sequence
from typing import Any, BinaryIO

from attncli.errors import MissingExtraError
from attncli.files.rows.shape import Table
from attncli.training.plain_cells import text_or_none
from attncli.training.prediction_rows import Predicted

_ROW_GROUP = 1 << 16  # rows


class ParquetRows:
    """A Parquet file in the making.

    Cells that come of Parquet keep their types; all others are texts, what is no text as JSON.
    """

    def __init__(
        self, file: BinaryIO, names: Sequence[str], ours: Sequence[str], table: Table
    ) -> None:
        try:
            import pyarrow as pa
            from pyarrow import parquet
        except ImportError:
            raise MissingExtraError.of("pyarrow", "writing Parquet") from None
        self._pa = pa
        types = list(table.types) if isinstance(table.types, list | tuple) else []
        if len(types) != len(names):
            types = [pa.string()] * len(names)
        word = pa.struct([("word", pa.string()), ("place", pa.int32()), ("adds", pa.float64())])
        kinds = {
            "label": pa.string(),
            "probability": pa.float64(),
            "score": pa.float64(),
            "words": pa.list_(word),
            "pair_words": pa.list_(word),
            "unknown": pa.list_(pa.string()),
            "unsure": pa.bool_(),
        }
        own = [(name, kinds[name]) for name in ours]
        self._schema = pa.schema([*zip(names, types, strict=True), *own])
        self._writer = parquet.ParquetWriter(file, self._schema, compression="zstd")
        self._held: list[Any] = []
        self._count = 0

    def add(self, rows: Sequence[Predicted], values: Sequence[Sequence[Any]]) -> None:
        """Adds rows with the values of their own cells."""
        pa = self._pa
        columns = [list(column) for column in zip(*values, strict=True)]
        for i, column in enumerate(columns):
            if pa.types.is_string(self._schema.field(i).type):
                columns[i] = [text_or_none(value) for value in column]
        said = [row.prediction for row in rows]
        ours: dict[str, list[Any]] = {
            "label": [one.label for one in said],
            "probability": [one.probability for one in said],
            "score": [one.score for one in said],
            "words": [[word._asdict() for word in one.words] for one in said],
            "pair_words": [[word._asdict() for word in one.pair_words] for one in said],
            "unknown": [list(one.unknown) for one in said],
            "unsure": [one.unsure for one in said],
        }
        fields = [self._schema.field(i) for i in range(len(columns), len(self._schema))]
        columns += [ours[field.name] for field in fields]
        arrays = [
            pa.array(column, type=field.type)
            for column, field in zip(columns, self._schema, strict=True)
        ]
        self._held.append(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
        self._count += len(rows)
        if self._count >= _ROW_GROUP:
            self._flush()

    def close(self) -> None:
        """Ends the file."""
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._held:
            self._writer.write_table(self._pa.Table.from_batches(self._held, self._schema))
        self._held, self._count = [], 0
