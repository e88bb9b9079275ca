"""Damage that knows GGUF: one part of a file is changed, the rest stays whole and is found again.

The parts: "header" (counts and version), "metadata", "tokenizer" (the metadata of it), "table" (what
the file says of its tensors) and "numbers" (their blocks).
"""

import random
import struct
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, TypeVar

from faults.mutations import edited

PARTS = ("header", "metadata", "tokenizer", "table", "numbers")
T = TypeVar("T")
Damage = Callable[[bytes, random.Random, list[bytes]], bytes]
_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_TEXT, _ARRAY = 8, 9
_NUMBERS = (0, 1, 2, 3, 7, 31, 33, 255, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**62, 2**63, 2**64 - 1)  # fmt: skip
_FLOATS = (float("nan"), float("inf"), -float("inf"), 0.0, -1.0, 1e-40, 1e38, 0.5)
_TEXTS = (b"", b" ", b"\xe2\x96\x81", b"<0x41>", b"<0x-1>", b"a" * 3000, b"\xff", b"\x1b[31m", b"\xe2\x80\xae", b"\0", b"##a",
          b"llama", b"gpt2", b"bert", b"t5", b"qwen2", b"none", b"yarn", b"{{ ''.__class__ }}", "\U0001f600".encode(), b"a b", b"[UNK]")  # fmt: skip


class _Value(NamedTuple):
    key: bytes
    kind: int
    raw: bytes


class GgufParts(NamedTuple):
    head: bytes  # magic, version, counts
    values: list[_Value]
    table: list[bytes]
    numbers: bytes


def damaging(part: str) -> Damage:
    """What changes a part of a whole file in one to four places."""

    def damage(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
        file = parts_of(data)
        for _ in range(chance.choice([1, 1, 1, 2, 4])):
            file = _changed(file, part, chance, others)
        return written(file)

    return damage


def _changed(file: GgufParts, part: str, chance: random.Random, others: list[bytes]) -> GgufParts:
    if part == "header":
        at, size = chance.choice([(0, 4), (4, 4), (8, 8), (16, 8)])
        number = struct.pack("<Q", chance.choice(_NUMBERS))[:size]
        head = file.head[:at] + number + file.head[at + size :]
        return file._replace(
            head=head if chance.random() < 0.7 else edited(file.head, chance, others)
        )
    if part == "numbers":
        return file._replace(numbers=_blocks(file.numbers, chance, others))
    if part == "table":
        return file._replace(
            table=one_changed(file.table, chance, lambda one: _described(one, chance, others))
        )
    chosen = [n for n, one in enumerate(file.values) if _is_of(one, part)]
    if not chosen:
        return file
    inside = one_changed(
        [file.values[n] for n in chosen], chance, lambda one: _revalued(one, chance, others)
    )
    outside = [one for n, one in enumerate(file.values) if n not in chosen]
    return file._replace(values=[*outside, *inside] if part == "tokenizer" else [*inside, *outside])


def _is_of(value: _Value, part: str) -> bool:
    return value.key.startswith(b"tokenizer.") == (part == "tokenizer")


def one_changed(items: list[T], chance: random.Random, change: Callable[[T], T]) -> list[T]:
    """The items with one of them changed, left out, doubled or moved to the front."""
    if not items:
        return items
    at, kind = chance.randrange(len(items)), chance.randrange(14)
    one, rest = items[at], items[:at] + items[at + 1 :]
    if kind == 0:
        return rest
    if kind == 1:
        return [*items, one]
    if kind == 2:
        return [one, *rest]
    return [*items[:at], change(one), *items[at + 1 :]]


def _revalued(value: _Value, chance: random.Random, others: list[bytes]) -> _Value:
    kind = chance.randrange(10)
    if kind == 0:
        return value._replace(key=chance.choice([*_TEXTS, value.key + b"2", value.key[:-1]]))
    if kind == 1:
        return value._replace(kind=chance.choice([*range(14), 2**31]))
    if kind == 2:
        return value._replace(raw=edited(value.raw, chance, others))
    if kind == 3:
        number = chance.choice([*_SIZES, _TEXT])
        return _Value(
            value.key,
            number,
            _number(number, chance) if number != _TEXT else _text(chance.choice(_TEXTS)),
        )
    if value.kind == _TEXT:
        return value._replace(raw=_text(_spelled(value.raw[8:], chance, others)))
    if value.kind == _ARRAY:
        return value._replace(raw=_array(value.raw, chance, others))
    if value.kind not in _SIZES:  # it was changed before
        return value._replace(raw=edited(value.raw, chance, others))
    return value._replace(raw=_number(value.kind, chance))


def _array(raw: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """An array with another count or type, or with values changed, left out, doubled or swapped."""
    kind, count = struct.unpack_from("<IQ", raw) if len(raw) >= 12 else (_ARRAY, 0)
    if kind not in _SIZES and kind != _TEXT:
        return edited(raw, chance, others)
    way = chance.randrange(8)
    if way == 0:
        return struct.pack("<IQ", kind, chance.choice(_NUMBERS)) + raw[12:]
    if way == 1:
        return struct.pack("<I", chance.randrange(14)) + raw[4:]
    if way == 2:
        depth = chance.choice([1, 3, 20, 3000])
        return struct.pack("<IQ", _ARRAY, 1) * depth + raw
    values = _values(raw, kind, count)
    if values is None:  # it was changed before
        return edited(raw, chance, others)
    for _ in range(chance.choice([1, 1, 5, 50])):
        values = one_changed(
            values,
            chance,
            lambda one: (
                _text(_spelled(one[8:], chance, others)) if kind == _TEXT else _number(kind, chance)
            ),
        )
    if way == 3:
        values = values * chance.choice([0, 2, 20])
    return struct.pack("<IQ", kind, len(values)) + b"".join(values)


def _values(raw: bytes, kind: int, count: int) -> list[bytes] | None:
    """The values of an array as they stand, None where it has fewer."""
    values, at = [], 12
    for _ in range(min(count, len(raw))):
        if at + 8 > len(raw) and kind == _TEXT:
            return None
        size = 8 + struct.unpack_from("<Q", raw, at)[0] if kind == _TEXT else _SIZES[kind]
        values.append(raw[at : at + size])
        at += size
    return values if at == len(raw) else None


def _spelled(text: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    other = chance.choice(_TEXTS)
    return chance.choice(
        [other, text + other, other + text, text[:-1], edited(text, chance, others)]
    )


def _described(raw: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """What the table says of a tensor, with another name, number of axes, size, type or offset."""
    length = struct.unpack_from("<Q", raw.ljust(8, b"\0"))[0]
    name, rest = raw[8 : 8 + length], bytearray(raw[8 + length :])
    kind = chance.randrange(6)
    if kind == 0:
        return _text(_spelled(name, chance, others)) + bytes(rest)
    if kind == 1 or len(rest) < 16:
        return edited(raw, chance, others)
    axes = struct.unpack_from("<I", rest)[0]
    if len(rest) != 16 + 8 * axes:  # it was changed before
        return edited(raw, chance, others)
    if kind == 2:
        sizes = [
            chance.choice([*_NUMBERS, 16, 32, 64, 256, 1024]) for _ in range(chance.randrange(6))
        ]
        packed = struct.pack(f"<I{len(sizes)}Q", len(sizes), *sizes)
        return _text(name) + packed + bytes(rest[4 + 8 * axes :])
    if kind == 3 and axes:
        struct.pack_into(
            "<Q", rest, 4 + 8 * chance.randrange(axes), chance.choice([*_NUMBERS, 32, 64])
        )
    elif kind == 4:
        struct.pack_into("<I", rest, 4 + 8 * axes, chance.choice([*range(42), 2**31]))
    else:
        struct.pack_into("<Q", rest, 8 + 8 * axes, chance.choice([*_NUMBERS, 32, 64, 4096]))
    return _text(name) + bytes(rest)


def _blocks(numbers: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """Bytes of blocks changed, or halves that are infinite, NaN, subnormal or as large as they go."""
    if chance.random() < 0.5:
        return edited(numbers, chance, others)
    changed = bytearray(numbers)
    for _ in range(chance.choice([1, 4, 100])):
        at = chance.randrange(max(len(changed) - 2, 1))
        half = chance.choice([0x7C00, 0xFC00, 0x7E01, 1, 0x8001, 0x7BFF, 0xFBFF, 0])
        changed[at : at + 2] = struct.pack("<H", half)
    return bytes(changed)


def _number(kind: int, chance: random.Random) -> bytes:
    if kind in (6, 12):
        return struct.pack("<f" if kind == 6 else "<d", chance.choice(_FLOATS))
    return struct.pack("<Q", chance.choice(_NUMBERS))[: _SIZES[kind]]


def _text(raw: bytes) -> bytes:
    return struct.pack("<Q", len(raw)) + raw


def written(file: GgufParts, *, counted: bool = True) -> bytes:
    """The file with its tensors at the next multiple of 32 bytes; the counts as they are, where `counted`, or were changed."""
    head = file.head
    if counted and len(head) == 24 and head[8:] == _counts(head[8:]):
        head = head[:8] + struct.pack("<QQ", len(file.table), len(file.values))
    values = b"".join(_text(v.key) + struct.pack("<I", v.kind) + v.raw for v in file.values)
    start = head + values + b"".join(file.table)
    return start + bytes(-len(start) % 32) + file.numbers


def _counts(raw: bytes) -> bytes:
    """The counts, if both are those of a small file."""
    return raw if all(number < 1000 for number in struct.unpack("<QQ", raw)) else b""


@lru_cache(2)  # every execution damages the same file
def parts_of(data: bytes) -> GgufParts:
    """The parts of a whole file."""
    n_tensors, n_values = struct.unpack_from("<QQ", data, 8)
    at, values, table = 24, [], []
    for _ in range(n_values):
        start = at + 8
        end = start + struct.unpack_from("<Q", data, at)[0]
        kind = struct.unpack_from("<I", data, end)[0]
        at = end + 4 + _size(data, end + 4, kind)
        values.append(_Value(data[start:end], kind, data[end + 4 : at]))
    for _ in range(n_tensors):
        named = at + 8 + struct.unpack_from("<Q", data, at)[0]
        end = named + 16 + 8 * struct.unpack_from("<I", data, named)[0]
        table.append(data[at:end])
        at = end
    return GgufParts(data[:24], values, table, data[at + -at % 32 :])


def _size(data: bytes, at: int, kind: int) -> int:
    """The bytes of a value."""
    if kind == _TEXT:
        return 8 + int(struct.unpack_from("<Q", data, at)[0])
    if kind != _ARRAY:
        return _SIZES[kind]
    inner, count = struct.unpack_from("<IQ", data, at)
    size = 12
    if inner in _SIZES:
        return size + count * _SIZES[inner]
    for _ in range(count):
        size += _size(data, at + size, inner)
    return size
