"""Damage that knows models of SentencePiece: one part is changed, and every length is right again.

The parts: the pieces with their scores and types, what the trainer and the normalizer say, and the
table of characters (the units of its trie, the texts that they lead to).
"""

import random
import struct

from faults.gguf_damage import one_changed
from faults.mutations import edited
from text.spm_files import BYTE, CONTROL, UNKNOWN, UNUSED, USER_DEFINED, field, spm

_NUMBERS = (0, 1, 2, 3, 4, 5, 6, 7, 255, 2**16, 2**21, 2**31, 2**32 - 1, 2**63, 2**64 - 1)
_FLOATS = (float("nan"), float("inf"), -float("inf"), 0.0, -1.0, -1e-40, 3e38, -3e38, 5.5)
_TEXTS = (b"", b" ", b"\xe2\x96\x81", b"<0x41>", b"<0x-1>", b"a" * 3000, b"a" * 5000, b"\xff", b"\x1b[31m", b"\xe2\x80\xae",
          b"\0", b"<s>", b"</s>", b"<unk>", b"<pad>", b"<mask>", b"<extra_id_0>", b">>fra<<", b"m", "\U0001f600".encode())  # fmt: skip
_UNITS = (0, 1 << 31, 2**32 - 1, 1 << 8, 1 << 9, 0x7FFFFFFF, 1 << 10, 0x3FFFFF << 10, 0x80000061)
_PIECE, _TRAINER, _NORMALIZER, _TABLE = 1, 2, 3, 2
_KNOWN = (1, 2, 3, 4, 5, 24, 35, 2**28)  # fields that are read, and one that is not
Value = int | float | bytes
Fields = list[tuple[int, Value]]


def model_of_every_kind(kind: int, table: bytes) -> bytes:
    """A whole model that has pieces of each type, falls back to bytes, and has a table of characters."""
    own = [("▁money", 1), ("▁bank", 1), ("▁grow", 1), ("▁the", UNUSED), ("▁ri", 1), ("ver", 1), ("▁", 1),
           ("s", 1), ("m", 1), ("o", 1), ("n", 1), ("fi", USER_DEFINED), ("ﬁx", USER_DEFINED)]  # fmt: skip
    special = [("<unk>", UNKNOWN), ("<s>", CONTROL), ("</s>", CONTROL)]
    pieces = [*special, *((f"<0x{byte:02X}>", BYTE) for byte in range(256)), *own]
    scored = [(text, -float(at) / 8, kind) for at, (text, kind) in enumerate(pieces)]
    return spm(scored, kind, table, bytes=True)


def damaged_model(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """A model with one to four places of it changed."""
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        data = _changed(data, chance, others)
    return data


def _changed(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    fields = fields_of(data)
    part = chance.choice([_PIECE, _PIECE, _TRAINER, _NORMALIZER, _NORMALIZER])
    if fields is None:  # it was changed before
        return edited(data, chance, others)
    own = [(number, value) for number, value in fields if number == part]
    rest = [(number, value) for number, value in fields if number != part]
    for _ in range(chance.choice([1, 1, 5, 50]) if part == _PIECE else 1):
        own = one_changed(own, chance, lambda one: (one[0], _message(part, one[1], chance, others)))
    if chance.random() < 0.05:
        own = own * chance.choice([0, 2, 20])
    return written([*own, *rest] if part == _PIECE else [*rest, *own])


def _message(part: int, value: Value, chance: random.Random, others: list[bytes]) -> Value:
    """A piece, or what the trainer or the normalizer says, with one field of it changed or added."""
    fields = fields_of(value) if isinstance(value, bytes) else None
    if fields is None or chance.random() < 0.05:
        return edited(value, chance, others) if isinstance(value, bytes) else value
    if part == _NORMALIZER and chance.random() < 0.6:
        return written([_retabled(one, chance, others) for one in fields])
    if part != _PIECE and chance.random() < 0.3:
        return written([*fields, (chance.choice(_KNOWN), chance.choice(_NUMBERS))])
    return written(one_changed(fields, chance, lambda one: _revalued(one, chance, others)))


def _revalued(
    one: tuple[int, Value], chance: random.Random, others: list[bytes]
) -> tuple[int, Value]:
    """A field with another number, of another type or with another value."""
    number, value = one
    kind = chance.randrange(8)
    if kind == 0:
        return chance.choice(_KNOWN), value
    if kind == 1:
        return number, chance.choice([chance.choice(_NUMBERS), 0.5, chance.choice(_TEXTS)])
    if isinstance(value, bytes):
        other = chance.choice(_TEXTS)
        ways = [other, value + other, other + value, value[:-1], edited(value, chance, others)]
        return number, chance.choice(ways)
    return number, chance.choice(_FLOATS if isinstance(value, float) else _NUMBERS)


def _retabled(
    one: tuple[int, Value], chance: random.Random, others: list[bytes]
) -> tuple[int, Value]:
    """The table of characters with other units, other texts, or another size of the trie."""
    number, table = one
    if number != _TABLE or not isinstance(table, bytes) or len(table) < 8:
        return one
    size = min(struct.unpack_from("<I", table)[0], len(table) - 4) // 4 * 4
    units, texts = bytearray(table[4 : 4 + size]), table[4 + size :]
    places = [at for at in range(0, len(units), 4) if any(units[at : at + 4])]
    kind = chance.randrange(8)
    if kind == 0:
        size = chance.choice([0, 1, 4, size - 4, size + 4, *_NUMBERS]) % 2**32
    elif kind == 1:
        texts = edited(texts, chance, others)
    elif kind == 2:
        texts = chance.choice([b"", b"a" * 10**6, b" \0" * 9, b"\xff\xfe", texts.rstrip(b"\0")])
    elif kind == 3:
        return number, edited(table, chance, others)
    else:
        for _ in range(chance.choice([1, 1, 4, 50])):
            at = chance.choice(places or [0])
            unit = int.from_bytes(units[at : at + 4], "little") ^ 1 << chance.randrange(32)
            unit = unit if chance.random() < 0.6 else chance.choice(_UNITS)
            units[at : at + 4] = struct.pack("<I", unit)
    return number, struct.pack("<I", size) + bytes(units) + texts


def fields_of(data: bytes) -> Fields | None:
    """The fields of a message, None where it is none."""
    fields, at = Fields(), 0
    try:
        while at < len(data):
            key, at = _number(data, at)
            if key & 7 == 0:
                number, at = _number(data, at)
                fields.append((key >> 3, number))
            elif key & 7 == 5:
                fields.append((key >> 3, float(struct.unpack_from("<f", data, at)[0])))
                at += 4
            else:
                size, at = _number(data, at)
                fields.append((key >> 3, data[at : at + size]))
                at += size
    except (IndexError, struct.error):
        return None
    return fields if at == len(data) else None


def _number(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends."""
    number, place = 0, 0
    while data[at] & 0x80:
        number |= (data[at] & 0x7F) << place
        at, place = at + 1, place + 7
    return number | data[at] << place, at + 1


def written(fields: Fields) -> bytes:
    """The message of these fields."""
    return b"".join(field(number, value) for number, value in fields)
