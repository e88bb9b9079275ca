"""Lies of files that know their own form: GGUF and models of SentencePiece.

One number of the file is larger, everything around it is written anew, so that nothing but the lie is
wrong: a count, a length, a size of an axis, an offset, a value of the metadata, a field of a message.
"""

import struct
from collections.abc import Callable, Iterator
from functools import partial

from faults import gguf_damage, spm_damage
from text.spm_files import varint

Lie = Callable[[], bytes]
_WHOLE = (3000, 10**6, 2**24, 2**28, 2**31 - 1, 2**32 - 1, 2**40, 2**62, 2**63 - 1)
_SMALL = {1: (0x7F, 0xFF), 2: (0x7FFF, 0xFFFF)}  # values by the bytes of a number
_TEXT, _ARRAY = 8, 9


def knowing_lies(data: bytes) -> Iterator[Lie] | None:
    """The lies of a GGUF file or a model of SentencePiece, None for another file."""
    if data.startswith(b"GGUF"):
        return _gguf(data)
    return _message(data) if data.startswith(b"\n") and spm_damage.fields_of(data) else None


def _gguf(data: bytes) -> Iterator[Lie]:
    """Each number of a header, of the metadata and of the table of tensors, larger."""
    file = gguf_damage.parts_of(data)
    for at in (8, 16):
        for number in _WHOLE:
            head = file.head[:at] + struct.pack("<Q", number) + file.head[at + 8 :]
            yield partial(_as_it_stands, file._replace(head=head))
    for place, value in enumerate(file.values):
        for raw in _larger_value(value.kind, value.raw):
            values = [*file.values[:place], value._replace(raw=raw), *file.values[place + 1 :]]
            yield partial(_as_it_stands, file._replace(values=values))
    for place, about in enumerate(file.table):
        for raw in _larger_tensor(about):
            table = [*file.table[:place], raw, *file.table[place + 1 :]]
            yield partial(_as_it_stands, file._replace(table=table))


def _as_it_stands(file: gguf_damage.GgufParts) -> bytes:
    return gguf_damage.written(file, counted=False)


def _larger_value(kind: int, raw: bytes) -> Iterator[bytes]:
    """A value with a larger number, or a larger length of a text or array."""
    if kind == _TEXT:
        yield from (struct.pack("<Q", number) + raw[8:] for number in _WHOLE)
    elif kind == _ARRAY:
        yield from (raw[:4] + struct.pack("<Q", number) + raw[12:] for number in _WHOLE)
        if struct.unpack_from("<I", raw)[0] == _TEXT and len(raw) >= 20:  # of its first text
            yield from (raw[:12] + struct.pack("<Q", number) + raw[20:] for number in _WHOLE)
        elif len(raw) > 1000:  # of a table of characters the size of its trie
            yield from (raw[:12] + size + raw[16:] for size in _larger(raw[12:16]))
    else:
        yield from _larger(raw)


def _larger(raw: bytes) -> Iterator[bytes]:
    """Numbers of as many bytes."""
    for number in _SMALL.get(len(raw), _WHOLE):
        if number < 1 << 8 * len(raw):
            yield number.to_bytes(len(raw), "little")


def _larger_tensor(about: bytes) -> Iterator[bytes]:
    """What the table says of a tensor, with a larger axis, all of them, or a larger offset."""
    start = 8 + struct.unpack_from("<Q", about)[0]
    axes = struct.unpack_from("<I", about, start)[0]
    yield from (about[:start] + struct.pack("<I", number) + about[start + 4 :] for number in (5, 3000, 2**28))  # fmt: skip
    places = [start + 4 + 8 * axis for axis in range(axes)] + [len(about) - 8]
    for at in places:
        yield from (about[:at] + raw + about[at + 8 :] for raw in _larger(about[at : at + 8]))
    for number in (3000, 2**16, 2**20, 2**31, 2**32):
        sizes = struct.pack(f"<{axes}Q", *[number] * axes)
        yield about[: start + 4] + sizes + about[start + 4 + 8 * axes :]


def _message(data: bytes) -> Iterator[Lie]:
    """Each whole number of a message larger, each length larger, and the size of its table of characters."""
    for place, (number, value) in enumerate(fields := spm_damage.fields_of(data) or []):
        before, after = fields[:place], fields[place + 1 :]
        for larger in _larger_fields(value):
            yield partial(spm_damage.written, [*before, (number, larger), *after])
        if isinstance(value, bytes):
            yield from _longer(before, number, value, after)


def _larger_fields(value: spm_damage.Value) -> Iterator[spm_damage.Value]:
    """A number that is larger, or a message or table in which one is."""
    if isinstance(value, int):
        yield from _WHOLE
    elif isinstance(value, bytes) and (inner := spm_damage.fields_of(value)):
        for place, (number, one) in enumerate(inner):
            tables = _larger_fields(one) if isinstance(one, int) else _larger_tables(one)
            for larger in tables:
                yield spm_damage.written([*inner[:place], (number, larger), *inner[place + 1 :]])


def _larger_tables(value: spm_damage.Value) -> Iterator[bytes]:
    """A table of characters that claims a larger trie, or whose units point further."""
    if not isinstance(value, bytes) or len(value) < 1000:
        return
    for at in range(0, len(value) - 3, 4):
        if any(value[at : at + 4]):
            yield from (value[:at] + raw + value[at + 4 :] for raw in _larger(value[at : at + 4]))


def _longer(
    before: spm_damage.Fields, number: int, value: bytes, after: spm_damage.Fields
) -> Iterator[Lie]:
    """A field that claims more bytes than it has."""
    start, end = spm_damage.written(before), spm_damage.written(after)
    for size in _WHOLE:
        yield partial(_joined, start, number << 3 | 2, size, value + end)


def _joined(start: bytes, key: int, size: int, rest: bytes) -> bytes:
    return start + varint(key) + varint(size) + rest
