"""Files that lie about a size or a count, made of honest ones: each number in them, larger.

Numbers are those of text, the fields of binary formats, and the varints of Parquet. A length that
depends on what was changed is made right again, and what was packed is packed again, so that the
lie is read. Always the same lies, in the same order.
"""

import bz2
import contextlib
import gzip
import io
import json
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import pairwise

from faults.knowing_lies import knowing_lies

Lie = Callable[[], bytes]
_TEXTS = (b"3000", b"30000", b"1000000", b"20000000", b"1000000000", b"2147483647", b"4294967295",
          b"1099511627776", b"9223372036854775807")  # fmt: skip
_PAIRS = ((b"30000", b"30000"), (b"0", b"1000000000"), (b"1000000000", b"0"), (b"1", b"100000000"),
          (b"100000000", b"1"))  # fmt: skip
_FIELDS = {2: (0x7FFF, 0xFFFF), 4: (3000, 10**6, 2 * 10**7, 2**28, 2**31 - 1, 2**32 - 1),
           8: (10**6, 2**28, 2**33, 2**40, 2**62, 2**63 - 1)}  # fmt: skip
_VARINTS = tuple(2**power for power in (13, 21, 27, 30, 33, 41, 62))
_NUMBER = re.compile(rb"(?<![\d.\-e])\d+(?![\d.e])")
_SUMMED = re.compile(rb"([0-9a-f]{8}) (\{.*\})$", re.MULTILINE)
_EVERY = 3000  # bytes of a file in which each place is tried; after that the last ones


def lies(data: bytes, *, fields: bool = True) -> list[Lie]:
    """The files that lie, made of an honest one; of binary `fields` too, which are many."""
    return [*_told(data, fields), *(_fields(data) if fields and b"\0" in data else ())]


def spread(numbers: range, most: int) -> list[int]:
    """At most so many of the numbers, at equal steps."""
    step = max(len(numbers) / most, 1)
    return [numbers[int(place * step)] for place in range(min(len(numbers), most))]


def _told(data: bytes, fields: bool) -> Iterator[Lie]:
    """The lies of what knows its own form: of text, headers, members of archives, what is packed."""
    packed = next((one for one in _PACKED if data.startswith(one[0])), None)
    if packed is not None:
        _, pack, unpack = packed
        yield from (_then(pack, lie) for lie in lies(unpack(data), fields=fields))
    elif data.startswith(b"PK"):
        yield from _members(data, fields)
    elif data.startswith(b"\x93NUMPY"):
        start = 10 + int.from_bytes(data[8:10], "little")
        for header in _texts(data[10:start].rstrip()):
            yield partial(_npy, header, data[start:])
    elif data[8:9] == b"{":
        start = 8 + int.from_bytes(data[:8], "little")
        for header in (*_texts(data[8:start]), *_tensors(data[8:start])):
            yield partial(_safetensors, header, data[start:])
    elif data.startswith(b"PAR1"):
        yield from _varints(data)
    elif (knowing := knowing_lies(data)) is not None:
        yield from knowing
    else:
        yield from (partial(_resummed, text) for text in _texts(data))


def _then(pack: "_Bytes", lie: Lie) -> Lie:
    return lambda: pack(lie())


def _texts(data: bytes) -> Iterator[bytes]:
    """Each whole number of a text in the place of which stands a larger one; two at once."""
    numbers = list(_NUMBER.finditer(data))
    for number in numbers:
        for text in _TEXTS:
            yield data[: number.start()] + text + data[number.end() :]
    for first, second in pairwise(numbers):
        between = data[first.end() : second.start()]
        for one, other in _PAIRS if len(between) < 20 else ():
            yield data[: first.start()] + one + between + other + data[second.end() :]


def _fields(data: bytes) -> Iterator[Lie]:
    """Each field of 2, 4 and 8 bytes, at each place of a small file and at both ends of another."""
    for at in _places(data):
        for size, values in _FIELDS.items():
            for value in values if at + size <= len(data) else ():
                yield partial(_put, data, at, at + size, value.to_bytes(size, "little"))


def _put(data: bytes, start: int, end: int, piece: bytes) -> bytes:
    return data[:start] + piece + data[end:]


def _places(data: bytes) -> list[int]:
    most = len(data) if len(data) <= 2 * _EVERY else _EVERY
    return [*range(most), *range(max(most, len(data) - _EVERY), len(data))]


def _varints(data: bytes) -> Iterator[Lie]:
    """Each byte of a Parquet file that may be a varint, larger; the footer's length is right."""
    for at in _places(data[:-8]):
        end = at
        while end < len(data) - 9 and data[end] & 0x80:
            end += 1
        for value in _VARINTS:
            yield partial(_parquet, data, at, end + 1, _varint(value << 1))


def _parquet(data: bytes, start: int, end: int, varint: bytes) -> bytes:
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    changed = _put(data[:-8], start, end, varint)
    begin = footer if start >= footer else footer + len(changed) - (len(data) - 8)
    return changed + struct.pack("<I", len(changed) - begin) + data[-4:]


def _varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def _npy(header: bytes, rest: bytes) -> bytes:
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header) + 1) + header + b"\n" + rest


def _safetensors(header: bytes, rest: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header + rest


def _tensors(header: bytes) -> Iterator[bytes]:
    """A tensor whose shape and offsets agree, and are larger than the file."""
    tree = json.loads(header)
    for name, told in tree.items():
        if name != "__metadata__":
            start, end = told["data_offsets"]
            for rows in (10**5, 10**7, 10**9, 2**40):
                size = rows * (end - start) // max(told["shape"][0], 1)
                lie = {"shape": [rows, *told["shape"][1:]], "data_offsets": [start, start + size]}
                yield json.dumps({**tree, name: {**told, **lie}}).encode()


def _members(data: bytes, fields: bool) -> Iterator[Lie]:
    """Each member of an archive that lies, packed with the right sums."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for name, content in members.items():
        yield from (partial(_zip, members, name, lie) for lie in lies(content, fields=fields))


def _zip(members: Mapping[str, bytes], name: str, lie: Lie) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for other, whole in members.items():
            archive.writestr(other, lie() if other == name else whole)
    return out.getvalue()


def _resummed(data: bytes) -> bytes:
    """The lines of a journal, and facts of a store, with sums that are right."""
    return _SUMMED.sub(lambda line: b"%08x %s" % (zlib.crc32(line[2]), line[2]), data)


_Bytes = Callable[[bytes], bytes]
_PACKED: list[tuple[bytes, _Bytes, _Bytes]] = [
    (b"\x1f\x8b", lambda data: gzip.compress(data, 1), gzip.decompress),
    (b"BZh", bz2.compress, bz2.decompress),
    (b"\xfd7zXZ", lambda data: lzma.compress(data, preset=0), lzma.decompress),
]
with contextlib.suppress(ImportError):
    from backports import zstd

    _PACKED.append((b"\x28\xb5\x2f\xfd", zstd.compress, zstd.decompress))
