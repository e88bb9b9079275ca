"""Damage that knows formats: bytes, numbers, JSON trees, headers, members of archives, checksums.

What lies behind a checksum is changed with the checksum made right again, so that it is read.
"""

import bz2
import gzip
import io
import json
import lzma
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

_TEXTS = (
    b"-1", b"0", b"9" * 25, b"9" * 5000, b"1e999", b"-1e400", b"nan", b"inf", b"null", b"true", b"[]", b"{}",
    b'"', b"'", b"\n", b"\r", b"\t", b",", b" ", b"\0", b"\xff", b"\xed\xa0\x80", b"\xe2\x80\xae", b"\x1b]52;c;aGk=\x07",
    b"\xc2\x9b31m", b"2147483648", b"9223372036854775808", b"18446744073709551616", b"0x10", b"1_0", b"\xd9\xa1",
)  # fmt: skip
_NUMBERS = (
    0,
    1,
    -1,
    127,
    255,
    2**16,
    2**31 - 1,
    -(2**31),
    2**31,
    2**32 - 1,
    2**40,
    2**62,
    -(2**63),
)
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 0.5, -0.0, 1e38, 1e308, 2**31, 2**53 + 1, 2**63, 2**64, 10**30, "", "a", "\ud800",
    "\x1b]52;c;aGk=\x07", "\x9b31m\u202e", "\x00", "x" * 3000, "9" * 4500, [], {}, [[]], [None], {"": None}, [1, 2, 3], "NaN", "-1",
)  # fmt: skip
_DEEP = 100_000
_BARE = {f"@{name}@": name for name in ("NaN", "Infinity", "1e999", "9" * 5000)}
_SUMMED = re.compile(rb"[0-9a-f]{8} \{")
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def mutated(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """The bytes damaged in one to four ways; `others` are bytes from which pieces come."""
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        ways = [edited, edited, _renumbered, *_ways_of(data)]
        data = chance.choice(ways)(data, chance, others)
    return data


_Way = Callable[[bytes, random.Random, list[bytes]], bytes]


def _ways_of(data: bytes) -> list[_Way]:
    """The ways that know the format of these bytes."""
    if data.startswith((b"{", b"[")):
        return [_json, _json, _json, _deep]
    if _SUMMED.match(data):
        return [_summed] * 4
    if data.startswith(b"PK"):
        return [_zip, _zip, _zip, _directory]
    if data.startswith(b"\x93NUMPY"):
        return [_npy, _npy]
    if data[8:9] == b"{":
        return [_tensors] * 4
    for magic, pack, unpack in _PACKED:
        if data.startswith(magic):
            return [_repacked(pack, unpack)] * 3
    return [edited]


def edited(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """Bits, bytes, numbers and ranges changed, put in, taken out, doubled or cut."""
    changed = bytearray(data or b"\0")
    at, kind = chance.randrange(len(changed)), chance.randrange(10)
    if kind <= 1:
        changed[at] ^= 1 << chance.randrange(8)
    elif kind == 2:
        changed[at] = chance.randrange(256)
    elif kind == 3:
        del changed[at : at + chance.choice([1, 2, 4, 16, 100])]
    elif kind == 4:
        del changed[at:]
    elif kind == 5:
        start = chance.randrange(len(changed))
        changed[at:at] = changed[start : start + chance.choice([4, 16, 64, 1000])]
    elif kind == 6:
        size = chance.choice([1, 2, 4, 8])
        order = chance.choice(["little", "big"])
        changed[at : at + size] = (chance.choice(_NUMBERS) % (1 << 8 * size)).to_bytes(size, order)  # type: ignore[arg-type]
    elif kind == 7:
        other = chance.choice(others) or b"\0"
        start = chance.randrange(len(other))
        changed[at : at + chance.choice([0, 8])] = other[
            start : start + chance.choice([8, 64, 400])
        ]
    else:
        changed[at : at + chance.choice([0, 1, 2])] = chance.choice(_TEXTS)
    return bytes(changed)


def _renumbered(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """A number that stands in text replaced by another text."""
    start = chance.randrange(len(data) or 1)
    match = _NUMBER.search(data, start) or _NUMBER.search(data)
    if match is None:
        return edited(data, chance, others)
    return data[: match.start()] + chance.choice(_TEXTS) + data[match.end() :]


def _json(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """A place of a tree replaced, removed, doubled or renamed; of JSON lines, in one line."""
    lines = data.split(b"\n")
    if (
        len([line for line in lines if line.strip()]) > 1
        and data.startswith(b'{"')
        and _parses(lines[0])
    ):
        at = chance.randrange(len(lines))
        lines[at] = _json_tree(lines[at], chance)
        return b"\n".join(lines)
    return _json_tree(data, chance)


def _parses(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True


def _json_tree(data: bytes, chance: random.Random) -> bytes:
    if not _parses(data):
        return data
    changed = json.dumps(_changed(json.loads(data), chance), indent=chance.choice([None, None, 1]))
    for mark, bare in _BARE.items():
        changed = changed.replace(f'"{mark}"', bare)
    return changed.encode()


def _changed(tree: Any, chance: random.Random) -> Any:
    """The tree with one place of it changed."""
    if isinstance(tree, dict) and tree and chance.random() < 0.9:
        key = chance.choice(list(tree))
        kind = chance.randrange(12)
        if kind == 0:
            return {name: value for name, value in tree.items() if name != key}
        if kind == 1:
            other = chance.choice(["", "\x1b[31m", "x" * 3000, "type", *tree])
            return {(other if name == key else name): value for name, value in tree.items()}
        return {**tree, key: _changed(tree[key], chance)}
    if isinstance(tree, list) and tree and chance.random() < 0.9:
        at = chance.randrange(len(tree))
        kind = chance.randrange(12)
        if kind == 0:
            return tree[:at] + tree[at + 1 :]
        if kind == 1:
            return tree[:at] + tree[at : at + 1] * chance.choice([2, 3, 50]) + tree[at:]
        return [*tree[:at], _changed(tree[at], chance), *tree[at + 1 :]]
    if isinstance(tree, str) and chance.random() < 0.4:
        if tree[:1] in ("{", "[") and _parses(tree.encode("utf-8", "surrogatepass")):
            return json.dumps(_changed(json.loads(tree), chance))
        return tree + chance.choice(["\x1b[31m", "\n", "\ud800", "\u202e", "\0"])
    return chance.choice([*_VALUES, *_BARE])


def _deep(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """Nesting deeper than any stack in the place of a value."""
    at = chance.randrange(len(data))
    way = chance.choice([b"[", b'{"a":', b'[{"a":'])
    return data[:at] + way * _DEEP + data[at:]


def _summed(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """A line of a journal with other facts, and the checksum that belongs to them."""
    lines = data.split(b"\n")
    at = chance.randrange(len(lines))
    text = _json_tree(lines[at][9:], chance)
    lines[at] = b"%08x %s" % (zlib.crc32(text), text)
    return b"\n".join(lines)


def resummed(data: bytes) -> bytes:
    """Facts of a store with the checksum that belongs to them, where they are facts."""
    try:
        facts = json.loads(data)
        facts.pop("check", None)
        text = json.dumps(facts, sort_keys=True, ensure_ascii=True)
        return json.dumps({**facts, "check": zlib.crc32(text.encode("ascii"))}).encode()
    except (ValueError, RecursionError, AttributeError, TypeError):
        return data


def _npy(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """Another header of an array, its length right or not."""
    length = int.from_bytes(data[8:10], "little")
    header = edited(data[10 : 10 + length], chance, others)
    if chance.random() < 0.6:
        shape = ", ".join(str(chance.choice(_NUMBERS)) for _ in range(chance.randrange(5)))
        kind = chance.choice(
            ["<f4", "<f8", ">f2", "<i8", "|O", "<U9", "<U0", "|V8", "<c16", "<M8[s]", "|S4", "?"]
        )
        order = chance.choice([True, False])
        header = (
            f"{{'descr': '{kind}', 'fortran_order': {order}, 'shape': ({shape},), }}\n".encode()
        )
    told = len(header) if chance.random() < 0.8 else chance.randrange(2**16)
    return data[:8] + struct.pack("<H", told) + header + data[10 + length :]


def _tensors(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """Another header of a safetensors file, its length right or not."""
    length = int.from_bytes(data[:8], "little")
    header = _json_tree(data[8 : 8 + length], chance)
    told = len(header) if chance.random() < 0.85 else chance.choice(_NUMBERS) % 2**64
    return struct.pack("<Q", told) + header + data[8 + length :]


def _zip(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """A member of an archive damaged, renamed, left out or doubled; the archive is made anew."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [(name, archive.read(name)) for name in archive.namelist()]
    except Exception:  # it was damaged before
        return edited(data, chance, others)
    out = io.BytesIO()
    at, kind = chance.randrange(len(members) or 1), chance.randrange(8)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, (name, content) in enumerate(members):
            if place != at or kind >= 3:
                changed = mutated(content, chance, others) if place == at else content
                archive.writestr(name, changed)
            elif kind == 1:
                archive.writestr(
                    chance.choice(["../" + name, "a\x1b[31m.npy", "x" * 300, "weights.npy"]),
                    content,
                )
            elif kind == 2:
                archive.writestr(name, content)
                archive.writestr(name + chance.choice(["", "2"]), chance.choice(others)[:10_000])
    return out.getvalue()


def _directory(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    """A lie in the directory of an archive: flags, method, sizes, offsets, lengths of names."""
    heads = [m.start() for m in re.finditer(rb"PK\x01\x02|PK\x05\x06|PK\x03\x04", data)]
    at = chance.choice(heads or [0]) + 4 + 2 * chance.randrange(20)
    size = chance.choice([2, 4])
    number = (chance.choice(_NUMBERS) % (1 << 8 * size)).to_bytes(size, "little")
    return data[:at] + number + data[at + size :]


def _repacked(pack: Callable[[bytes], bytes], unpack: Callable[[bytes], bytes]) -> _Way:
    """What is packed, damaged, and packed again."""

    def way(data: bytes, chance: random.Random, others: list[bytes]) -> bytes:
        try:
            inner = unpack(data)
        except Exception:  # it was damaged before
            return edited(data, chance, others)
        return pack(mutated(inner, chance, others))

    return way


_PACKED: list[tuple[bytes, Callable[[bytes], bytes], Callable[[bytes], bytes]]] = [
    (b"\x1f\x8b", lambda data: gzip.compress(data, 1), gzip.decompress),
    (b"BZh", bz2.compress, bz2.decompress),
    (b"\xfd7zXZ", lambda data: lzma.compress(data, preset=0), lzma.decompress),
]
