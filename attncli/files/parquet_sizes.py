"""How many values a Parquet file claims, read off its footer before pyarrow decodes them.

pyarrow's own metadata of a column ends the interpreter when it is damaged. Source: parquet.thrift and
Thrift's compact protocol: a struct is fields of (number, type, value), integers are zigzag varints.
"""

from typing import Any, NamedTuple

from attncli.errors import DataError

_ROW_GROUPS = 4  # of the file
_COLUMNS = 1  # of a row group
_COLUMN = 3  # of a column chunk: its metadata
_VALUES, _UNPACKED = 5, 6  # of the metadata
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 11, 12
_DEEPEST = 32


class Claims(NamedTuple):
    """Values of all columns, and bytes that these take before they are decoded."""

    values: int
    encoded: int


def parquet_claims(data: bytes) -> Claims:
    """What the columns of all row groups claim to hold. Raises: DataError for a damaged footer."""
    try:
        length = int.from_bytes(data[-8:-4], "little")
        footer = _Compact(data[len(data) - 8 - length : -8]).struct(0)
        columns = [column[_COLUMN] for group in footer[_ROW_GROUPS] for column in group[_COLUMNS]]
        values, encoded = (
            [int(column[field]) for column in columns] for field in (_VALUES, _UNPACKED)
        )
    except (IndexError, KeyError, TypeError, ValueError):
        raise DataError("the footer of the table is damaged") from None
    if min((*values, *encoded), default=0) < 0:
        raise DataError("a column of the table claims fewer values than none")
    return Claims(sum(values), sum(encoded))


class _Compact:
    """Thrift's compact protocol, read from front to back."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def struct(self, depth: int) -> dict[int, Any]:
        """The fields of a struct by their numbers."""
        if depth > _DEEPEST:
            raise ValueError
        fields: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            delta, kind = head >> 4, head & 15
            number = number + delta if delta else self._integer()
            fields[number] = kind == _TRUE if kind in (_TRUE, _FALSE) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (_TRUE, _FALSE, _BYTE):  # a truth value in a list takes a byte
            return self._byte()
        if kind == _DOUBLE:
            return self._bytes(8)
        if kind == _BINARY:
            return self._bytes(self._varint())
        if kind in (_LIST, _SET):
            head = self._byte()
            count = head >> 4 if head >> 4 != 15 else self._varint()
            return [self._value(head & 15, depth + 1) for _ in range(self._count(count))]
        if kind == _MAP:
            count = self._varint()
            kinds = self._byte() if count else 0
            return [
                (self._value(kinds >> 4, depth + 1), self._value(kinds & 15, depth + 1))
                for _ in range(self._count(count))
            ]
        if kind == _STRUCT:
            return self.struct(depth + 1)
        return self._integer()

    def _count(self, count: int) -> int:
        if count > len(self._data):
            raise ValueError
        return count

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _varint(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
            if shift > 63:
                raise ValueError
        return value | byte << shift

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _bytes(self, count: int) -> bytes:
        if self._at + count > len(self._data):
            raise IndexError
        self._at += count
        return self._data[self._at - count : self._at]
