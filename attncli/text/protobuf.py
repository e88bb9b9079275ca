"""The wire format of protocol buffers, read within the bytes that are there.

Source: https://protobuf.dev/programming-guides/encoding/
"""

import struct
from collections.abc import Iterator

_MOST_BYTES = 10  # of a number
_WIDTHS = {1: 8, 5: 4}  # bytes of a value of these wire types


class WireError(ValueError):
    """Bytes that are no message."""


def message_fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of a message in their order: the number of each, and its value.

    A value is a whole number, or the bytes of a text, a message or a number of fixed width.
    Raises: WireError for bytes that are no message.
    """
    at, end = 0, len(data)
    while at < end:
        key, at = _number(data, at)
        field, wire = key >> 3, key & 7
        if field == 0:
            raise WireError("a field has the number 0")
        if wire == 0:
            value, at = _number(data, at)
            yield field, value
            continue
        if wire == 2:
            width, at = _number(data, at)
        elif wire in _WIDTHS:
            width = _WIDTHS[wire]
        else:
            raise WireError(f"field {field} is of the wire type {wire}")
        if width > end - at:
            raise WireError(f"field {field} has {width} bytes, {end - at} are left")
        yield field, data[at : at + width]
        at += width


def field_float(value: int | memoryview) -> float:
    """The float32 in a value of four bytes. Raises: WireError."""
    if not isinstance(value, memoryview) or len(value) != 4:
        raise WireError("a number of four bytes is something else")
    return float(struct.unpack("<f", value)[0])


def field_bytes(value: int | memoryview) -> memoryview:
    """The bytes of a value that has any. Raises: WireError."""
    if not isinstance(value, memoryview):
        raise WireError("a text or a message is a number")
    return value


def field_whole(value: int | memoryview) -> int:
    """A whole number. Raises: WireError."""
    if not isinstance(value, int):
        raise WireError("a whole number is something else")
    return value


def _number(data: memoryview, at: int) -> tuple[int, int]:
    """The number that begins at a byte, seven bits of it in each, and where it ends."""
    number = 0
    for place in range(_MOST_BYTES):
        if at + place >= len(data):
            raise WireError("it ends within a number")
        byte = data[at + place]
        number |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return number, at + place + 1
    raise WireError("a number has more than ten bytes")
