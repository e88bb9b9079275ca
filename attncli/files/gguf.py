"""The header of a GGUF file, versions 2 and 3, every claim of it checked before memory is taken.

Source: the format's own description (ggml-org/ggml, docs/gguf.md): magic, version, counts, metadata
as keys with typed values, descriptions of tensors, then the tensors at aligned offsets. Nothing in a
file is run: a chat template is text.
"""

import struct
from collections.abc import Callable, Mapping
from itertools import pairwise
from math import prod
from typing import Any, NamedTuple

import numpy as np

from attncli.errors import DataError, LimitError
from attncli.errors.wording import quoted
from attncli.files.foreign import foreign_file, foreign_of
from attncli.files.gguf_texts import plain_texts

MAGIC = b"GGUF"
_LOOKED_AT = 512  # bytes of a file that is something else
_VERSIONS = (2, 3)
_MOST_KEYS, _MOST_TENSORS = 1 << 16, 1 << 16
_MOST_TEXTS = 1 << 21  # in all arrays together: eight times the largest vocabulary known
_MOST_NUMBERS = 1 << 24  # of one array
_WORTH_IT = 100  # plain texts side by side
_ONE_BY_ONE = 1000  # texts that are read alone after fewer
_LONGEST_TEXT = 1 << 24  # bytes
_LONGEST_NAME = 1 << 10  # bytes of a key or of the name of a tensor
_DEEPEST = 4  # arrays in arrays
_MOST_ALIGNED = 1 << 20
_TEXT, _ARRAY, _BOOL = 8, 9, 7
# What numpy calls the numbers of metadata, by their number in the file.
_NUMBERS = {
    0: "<u1", 1: "<i1", 2: "<u2", 3: "<i2", 4: "<u4", 5: "<i4", 6: "<f4", _BOOL: "<u1",
    10: "<u8", 11: "<i8", 12: "<f8",
}  # fmt: skip
_LEAST = {_TEXT: 8, _ARRAY: 12}  # bytes of a text without letters, of an array without values
_LEAST_KEY, _LEAST_TENSOR = 13, 32


class Quantization(NamedTuple):
    """How the numbers of a tensor are stored: `block` of them in so many bytes."""

    name: str
    block: int
    size: int


# The types by their number in the file; those that are not unpacked here are named in messages.
QUANTIZATIONS = {
    number: Quantization(*about)
    for number, about in {
        0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20),
        6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24), 8: ("Q8_0", 32, 34), 10: ("Q2_K", 256, 84),
        11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144), 13: ("Q5_K", 256, 176),
        14: ("Q6_K", 256, 210), 20: ("IQ4_NL", 32, 18), 23: ("IQ4_XS", 256, 136),
        28: ("F64", 1, 8), 30: ("BF16", 1, 2), 39: ("MXFP4", 32, 17),
    }.items()
}  # fmt: skip
_OTHERS = {
    9: "Q8_1", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 21: "IQ3_S",
    22: "IQ2_S", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0",
    40: "NVFP4", 41: "Q1_0",
}  # fmt: skip


class GgufTensor(NamedTuple):
    """Where a tensor lies: bytes [start, end) of the file. The last axis of `shape` is the inner one."""

    name: str
    quantization: Quantization
    shape: tuple[int, ...]
    start: int
    end: int


class GgufHeader(NamedTuple):
    """What a file says: numbers of metadata are Python's, arrays of numbers numpy's, texts str."""

    version: int
    metadata: Mapping[str, Any]
    tensors: Mapping[str, GgufTensor]


def read_gguf_header(data: Any, place: str) -> GgufHeader:
    """The header in the bytes of a file, mapped or in memory.

    Raises: DataError for a header that is damaged or claims what is not there; LimitError for one
    that is larger than any model needs.
    """
    cursor = _Cursor(data, place)
    if data[: len(MAGIC)] != MAGIC:
        raise _no_gguf(bytes(data[:_LOOKED_AT]), place)
    cursor.take(len(MAGIC), "the magic")
    version = cursor.number("<I", "the version")
    if version not in _VERSIONS:
        if int.from_bytes(version.to_bytes(4, "little"), "big") in _VERSIONS:
            raise DataError("a big-endian GGUF file, expected a little-endian one", place=place)
        raise DataError(f"GGUF version {version}, expected 2 or 3", place=place)
    n_tensors, n_keys = (
        cursor.number("<Q", f"the number of {what}") for what in ("tensors", "keys")
    )
    cursor.expect(n_keys, _LEAST_KEY, _MOST_KEYS, "keys")
    cursor.expect(n_tensors, _LEAST_TENSOR, _MOST_TENSORS, "tensors")
    metadata: dict[str, Any] = {}
    for _ in range(n_keys):
        key = cursor.text(_LONGEST_NAME, "a key")
        if key in metadata:
            raise DataError(f"the key {quoted(key)} is there twice", place=place)
        metadata[key] = cursor.value(cursor.number("<I", "the type of a value"), key)
    described = [_described(cursor) for _ in range(n_tensors)]
    tensors = _placed(described, cursor.at, _alignment(metadata, place), len(data), place)
    return GgufHeader(version, metadata, tensors)


def _no_gguf(head: bytes, place: str) -> DataError:
    """The error for a file that begins otherwise, which says what it is or how it begins."""
    if (foreign := foreign_of(head)) is not None:
        return foreign_file(foreign, place, "a GGUF file")
    start = head[:16].decode("utf-8", "replace")
    return DataError(
        f'this is no GGUF file: it begins with {quoted(start)}, expected "GGUF"',
        place=place,
        hints=("download it again: the page of an error may have come in its place",),
    )


class _Cursor:
    """A place in the bytes of a header, which only moves on after a look at what is left."""

    def __init__(self, data: Any, place: str) -> None:
        self._data, self._size, self.place = data, len(data), place
        self.at = 0
        self._texts = 0

    def take(self, count: int, what: str) -> bytes:
        """The next bytes. Raises: DataError where the file ends before."""
        end = self.at + count
        if end > self._size:
            raise DataError(
                f"the file ends in {what} (byte {self._size}): it is cut off", place=self.place
            )
        found = bytes(self._data[self.at : end])
        self.at = end
        return found

    def number(self, kind: str, what: str) -> int:
        """The next number."""
        found: int = struct.unpack(kind, self.take(struct.calcsize(kind), what))[0]
        return found

    def expect(self, count: int, least: int, most: int, what: str) -> None:
        """Raises: DataError for more than the rest of the file can hold; LimitError for too many."""
        left = self._size - self.at
        if count * least > left:
            raise DataError(f"it claims {count} {what}, {left} bytes are left", place=self.place)
        if count > most:
            raise LimitError(f"{count} {what}, the limit is {most}", place=self.place)

    def text(self, longest: int, what: str) -> str:
        """The next text."""
        length = self.number("<Q", what)
        self.expect(length, 1, longest, f"bytes of {what}")
        return self._decoded(self.take(length, what), what)

    def value(self, kind: int, key: str, depth: int = 0) -> Any:
        """The next value of a kind."""
        what = f"the value of {quoted(key, 80)}"
        if kind == _TEXT:
            return self.text(_LONGEST_TEXT, what)
        if kind == _ARRAY:
            return self._array(key, depth)
        if kind not in _NUMBERS:
            raise DataError(f"{what} is of the unknown type {kind}", place=self.place)
        dtype = np.dtype(_NUMBERS[kind])
        number = np.frombuffer(self.take(dtype.itemsize, what), dtype)[0].item()
        return self._flags(np.array([number]), what)[0].item() if kind == _BOOL else number

    def _array(self, key: str, depth: int) -> Any:
        what = f"the array {quoted(key, 80)}"
        kind, count = self.number("<I", what), self.number("<Q", what)
        if kind == _TEXT:
            return self._many_texts(count, what)
        if kind == _ARRAY:
            if depth >= _DEEPEST:
                raise DataError(f"{what} nests deeper than {_DEEPEST} arrays", place=self.place)
            self.expect(count, _LEAST[kind], _MOST_KEYS, f"values of {what}")
            return [self._array(key, depth + 1) for _ in range(count)]
        if kind not in _NUMBERS:
            raise DataError(f"{what} is of the unknown type {kind}", place=self.place)
        dtype = np.dtype(_NUMBERS[kind])
        self.expect(count, dtype.itemsize, _MOST_NUMBERS, f"values of {what}")
        numbers = np.frombuffer(self.take(count * dtype.itemsize, what), dtype)
        return self._flags(numbers, what) if kind == _BOOL else numbers

    def _many_texts(self, count: int, what: str) -> list[str]:
        """Texts one after the other, those that are plain many at a time."""
        self._texts += count
        self.expect(count, _LEAST[_TEXT], _MOST_TEXTS, f"values of {what}")
        self.expect(self._texts, 0, _MOST_TEXTS, "texts in all arrays")
        texts: list[str] = []
        while len(texts) < count:
            plain, self.at = plain_texts(self._data, self.at, count - len(texts))
            texts += plain
            one_by_one = 1 if len(plain) >= _WORTH_IT else _ONE_BY_ONE
            self._each_text(texts, min(count, len(texts) + one_by_one), what)
        return texts

    def _each_text(self, texts: list[str], count: int, what: str) -> None:
        """Adds one text after the other until there are so many; the loop does no more than it must."""
        data, at, size = self._data, self.at, self._size
        length_at: Callable[..., tuple[Any, ...]] = struct.Struct("<Q").unpack_from
        try:
            while len(texts) < count:
                end = at + 8 + length_at(data, at)[0]
                if end > size:
                    raise struct.error
                texts.append(str(data[at + 8 : end], "utf-8"))
                at = end
        except struct.error:
            raise DataError(f"the file ends in {what}: it is cut off", place=self.place) from None
        except UnicodeDecodeError:
            raise DataError(
                f"{what}: value {len(texts) + 1} is no UTF-8", place=self.place
            ) from None
        self.at = at

    def _decoded(self, raw: bytes, what: str) -> str:
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            raise DataError(f"{what} is no UTF-8", place=self.place) from None

    def _flags(self, numbers: Any, what: str) -> Any:
        if (numbers > 1).any():
            raise DataError(f"{what} is neither true nor false", place=self.place)
        return numbers.astype(np.bool_)


class _Described(NamedTuple):
    """What the header says of a tensor; `offset` counts from where the tensors begin."""

    name: str
    quantization: Quantization
    shape: tuple[int, ...]
    offset: int


def _described(cursor: _Cursor) -> _Described:
    name = cursor.text(_LONGEST_NAME, "the name of a tensor")
    what, place = f"the tensor {quoted(name, 80)}", cursor.place
    axes = cursor.number("<I", what)
    if not 1 <= axes <= 4:
        raise DataError(f"{what} has {axes} axes, expected 1 to 4", place=place)
    shape = tuple(cursor.number("<Q", what) for _ in range(axes))[::-1]
    kind = cursor.number("<I", what)
    offset = cursor.number("<Q", what)
    if kind not in QUANTIZATIONS:
        named = _OTHERS.get(kind, f"number {kind}")
        known = ", ".join(one.name for one in QUANTIZATIONS.values())
        raise DataError(f"{what} is of the type {named}, expected one of {known}", place=place)
    quantization = QUANTIZATIONS[kind]
    if 0 in shape or shape[-1] % quantization.block:
        sizes = "×".join(map(str, shape))
        raise DataError(
            f"{what} is {sizes}: a row of {quantization.name} has a multiple of "
            f"{quantization.block} numbers",
            place=place,
        )
    return _Described(name, quantization, shape, offset)


def _placed(
    described: list[_Described], end: int, alignment: int, size: int, place: str
) -> dict[str, GgufTensor]:
    """The tensors by name, each within the file, aligned and apart from the others."""
    begin = -(-end // alignment) * alignment
    tensors: dict[str, GgufTensor] = {}
    for name, kind, shape, offset in described:
        start = begin + offset
        stop = start + prod(shape) // kind.block * kind.size
        if name in tensors:
            raise DataError(f"the tensor {quoted(name, 80)} is there twice", place=place)
        if offset % alignment:
            raise DataError(
                f"the tensor {quoted(name, 80)} begins at {offset}, expected a multiple of "
                f"{alignment}",
                place=place,
            )
        if stop > size:
            raise DataError(
                f"the tensor {quoted(name, 80)} ends at byte {stop} of a file of {size}: it is cut off",
                place=place,
            )
        tensors[name] = GgufTensor(name, kind, shape, start, stop)
    for before, after in pairwise(sorted(tensors.values(), key=lambda tensor: tensor.start)):
        if after.start < before.end:
            raise DataError(
                f"the tensor {quoted(after.name, 80)} overlaps {quoted(before.name, 80)}",
                place=place,
            )
    return tensors


def _alignment(metadata: Mapping[str, Any], place: str) -> int:
    """What offsets are multiples of. Raises: DataError for what is no power of two."""
    given = metadata.get("general.alignment", 32)
    is_whole = isinstance(given, int) and not isinstance(given, bool)
    if not is_whole or not 1 <= given <= _MOST_ALIGNED or given & (given - 1):
        raise DataError(
            f"general.alignment is {quoted(str(given))}, expected a power of two up to "
            f"{_MOST_ALIGNED}",
            place=place,
        )
    return int(given)
