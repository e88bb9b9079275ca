"""How many bytes the batches of an Arrow file unpack to, read off before pyarrow unpacks them.

Source: Arrow's columnar format, "IPC File Format" and Message.fbs: each buffer of a compressed
batch begins with its unpacked size, eight bytes; -1 says that it is not compressed.
"""

import struct
from collections.abc import Iterator

from attncli.errors import DataError

# Numbers of fields in their tables.
_HEADER_TYPE, _HEADER = 1, 2
_BUFFERS, _COMPRESSION = 2, 3
_DICTIONARIES, _BATCHES = 2, 3
_OF_DICTIONARY = 2  # the type of a header, whose batch is its field 1
_MOST = 1 << 20


def unpacked_size(data: bytes) -> int:
    """The bytes that all compressed batches unpack to. Raises: DataError for a damaged footer."""
    try:
        (length,) = _read(data, "<i", len(data) - 10)
        footer = _target(data, len(data) - 10 - length)
        kinds = (_field(data, footer, number) for number in (_DICTIONARIES, _BATCHES))
        blocks = [block for kind in kinds for block in _structs(data, kind, "<qi4xq")]
        return sum(_unpacked(data, at, size) for at, size, _ in blocks)
    except (struct.error, OverflowError):
        raise DataError("the footer of the table is damaged") from None


def _unpacked(data: bytes, at: int, size: int) -> int:
    marked = _read(data, "<I", at)[0] == 0xFFFFFFFF
    message = _target(data, at + (8 if marked else 4))
    batch = _target(data, _field(data, message, _HEADER))
    if _read(data, "<B", _field(data, message, _HEADER_TYPE))[0] == _OF_DICTIONARY:
        batch = _target(data, _field(data, batch, 1))
    if not _field(data, batch, _COMPRESSION):
        return 0
    total = 0
    for offset, length in _structs(data, _field(data, batch, _BUFFERS), "<qq"):
        if length >= 8:
            (claimed,) = _read(data, "<q", at + size + offset)
            total += claimed if claimed >= 0 else length
    return total


def _read(data: bytes, form: str, at: int) -> tuple[int, ...]:
    if at < 0:  # would count from the end
        raise struct.error
    return struct.unpack_from(form, data, at)


def _target(data: bytes, at: int) -> int:
    """Where an offset leads that lies at a place."""
    return at + _read(data, "<I", at)[0]


def _field(data: bytes, table: int, number: int) -> int:
    """Where a field of a table lies, 0 when it is not there."""
    fields = table - _read(data, "<i", table)[0]
    (size,) = _read(data, "<H", fields)
    at = 4 + 2 * number
    offset = _read(data, "<H", fields + at)[0] if at + 2 <= size else 0
    return table + offset if offset else 0


def _structs(data: bytes, field: int, form: str) -> Iterator[tuple[int, ...]]:
    """The structs of a vector, none when it is not there."""
    if not field:
        return
    vector = _target(data, field)
    (count,) = _read(data, "<I", vector)
    if count > _MOST:
        raise struct.error
    for number in range(count):
        yield _read(data, form, vector + 4 + number * struct.calcsize(form))
