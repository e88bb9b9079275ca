"""Where the records of a word2vec binary file lie: a word, a space and float32 values, again and again.

Nothing but the first space says where a word ends. A word may hold spaces itself (gensim writes
them): values of impossible size, or a next word that can hardly be one, show that it is longer.
"""

import re
from typing import NamedTuple

import numpy as np

from attncli.arrays import BoolArray, Float32Array

_LEAST, _MOST = 67, 187  # exponents of float32 that vectors have: 2^−60 to 2^60
_MOST_SPACES, _LONGEST_PHRASE = 8, 400  # spaces, bytes
_CONTROL = bytes([*range(32), 127])


def record_pattern(dim: int) -> re.Pattern[bytes]:
    """What finds the heads of whole records, each with the space at its end, and then b""."""
    return re.compile(rb"([^ ]* ).{%d}|.+" % (4 * dim), re.DOTALL)


class BinaryRecords(NamedTuple):
    """Whole records at the start of a buffer: words, values (n, dim), and the bytes they take.

    `calm`: no value is of an impossible size, so all are finite.
    """

    words: list[bytes]
    values: Float32Array
    used: int
    calm: bool


def binary_records(
    buffer: bytes, record: re.Pattern[bytes], dim: int, most: int, dtype: str, *, ended: bool
) -> BinaryRecords:
    """The whole records at the start of the buffer.

    The last one waits until it `ended`, or more is there: what follows may show that its word is longer.
    """
    width, at, checked = 4 * dim, 0, 0
    heads, spaces = list[bytes](), list[int]()  # a head is what stands before a vector
    while True:
        at = _add_records(buffer, at, record, width, most, heads, spaces)
        values = _values(buffer, spaces[checked:], dim, dtype)
        wild, calm = _first_wild(values, heads[checked:])
        if wild is None:
            break
        wild += checked
        longer = _longer_word(buffer, _begin(heads, spaces, wild), spaces[wild], dim, dtype)
        checked = wild + 1
        if longer is not None:
            heads[wild:] = [buffer[_begin(heads, spaces, wild) : longer + 1]]
            spaces[wild:] = [longer]
            at = longer + 1 + width
    if heads and ended and len(heads) == most and buffer[at:].strip(b"\n"):
        longer = _longer_word(buffer, _begin(heads, spaces, -1), spaces[-1], dim, dtype)
        if longer is not None:
            heads[-1] = buffer[_begin(heads, spaces, -1) : longer + 1]
            spaces[-1], at, checked = longer, longer + 1 + width, len(spaces)
    elif heads and not ended and (len(heads) < most or len(buffer) - at < _LONGEST_PHRASE):
        at = _begin(heads, spaces, -1)
        heads.pop()
        spaces.pop()
    values = _values(buffer, spaces, dim, dtype) if checked else values[: len(spaces)]
    return BinaryRecords(_words(heads), values, at, calm and not checked)


def _begin(heads: list[bytes], spaces: list[int], row: int) -> int:
    """Where a record begins."""
    return spaces[row] + 1 - len(heads[row])


def _words(heads: list[bytes]) -> list[bytes]:
    """The words of heads: without the space at their end, and line feeds before them."""
    lines = b" %b" % b"".join(heads)
    if lines.count(b" ") != len(heads) + 1:  # a space inside a word
        return [head[:-1].lstrip(b"\n") for head in heads]
    while b" \n" in lines:
        lines = lines.replace(b" \n", b" ")
    return lines.split(b" ")[1:-1]


def _values(buffer: bytes, spaces: list[int], dim: int, dtype: str) -> Float32Array:
    """The vectors behind these spaces, (n, dim)."""
    if not spaces:
        return np.zeros((0, dim), dtype=dtype)
    shape, kind = (len(buffer) - 4 * dim,), np.dtype((np.void, 4 * dim))
    vectors = np.ndarray(shape, dtype=kind, buffer=buffer, offset=1, strides=(1,))
    return vectors[spaces].view(dtype).reshape(len(spaces), dim)


def _add_records(
    buffer: bytes,
    at: int,
    record: re.Pattern[bytes],
    width: int,
    most: int,
    heads: list[bytes],
    spaces: list[int],
) -> int:
    """Adds the heads of whole records and where they end; gives where the last record ends."""
    more = record.findall(buffer, at)
    if more and not more[-1]:  # what is no whole record
        more.pop()
    del more[most - len(heads) :]
    if not more:
        return at
    ends = at + np.cumsum(np.fromiter(map(len, more), dtype=np.intp, count=len(more)) + width)
    heads += more
    spaces += (ends - width - 1).tolist()
    return int(ends[-1])


def _first_wild(values: Float32Array, heads: list[bytes]) -> tuple[int | None, bool]:
    """The first record whose vector, or the next word, looks as if letters were read as numbers.

    Says too whether all vectors are `_are_calm`. Shapes: values (n, dim), of n heads.
    """
    calm = _are_calm(values)
    following = _words(heads[1:])
    if calm and not some_are_odd(following):
        return None, True
    wild = _are_wild(values)
    if wild.any() or some_are_odd(following):
        for row, word in enumerate(following):
            if wild[row] or is_odd(word):
                return row, calm
    return (len(heads) - 1 if len(heads) and wild[-1] else None), calm


def _are_calm(vectors: Float32Array) -> bool:
    """Whether no value is wild or zero, found by a look at all of them at once."""
    doubled = vectors.astype(np.float32, copy=False).view(np.uint32) << np.uint32(1)  # no sign
    doubled -= np.uint32(_LEAST << 24)
    return bool(doubled.max(initial=0) < (_MOST + 1 - _LEAST) << 24)


def _are_wild(vectors: Float32Array) -> BoolArray:
    """Which vectors hold an impossible value: not finite, or more than 2^60 or less than 2^−60."""
    bits = vectors.astype(np.float32, copy=False).view(np.uint32)
    exponents = (bits >> np.uint32(23)) & np.uint32(0xFF)
    odd = (exponents > _MOST) | ((exponents < _LEAST) & (exponents > 0))  # (n, dim)
    wild: BoolArray = np.logical_or.reduce(odd, axis=1)  # (n,)
    return wild


def _longer_word(buffer: bytes, begin: int, space: int, dim: int, dtype: str) -> int | None:
    """The space that ends a word which holds spaces itself (gensim writes them), or None.

    The vector after it has to be one, and what follows that a word.
    """
    for _ in range(_MOST_SPACES):
        space = buffer.find(b" ", space + 1, begin + _LONGEST_PHRASE)
        after = space + 1 + 4 * dim
        if space < 0 or after > len(buffer) or is_odd(buffer[begin:space].lstrip(b"\n")):
            return None
        vector = np.frombuffer(buffer[space + 1 : after], dtype=dtype).astype(np.float32)
        if _are_wild(vector[None])[0]:
            continue
        end = buffer.find(b" ", after)
        rest = buffer[after:] if end < 0 else buffer[after:end]
        if not is_odd(rest.lstrip(b"\n")):
            return space
    return None


def is_odd(word: bytes) -> bool:
    """Whether this can hardly be a word: control characters, or not UTF-8."""
    if word.isalnum():
        return False
    if any(byte < 32 or byte == 127 for byte in word):
        return True
    try:
        word.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def some_are_odd(words: list[bytes]) -> bool:
    """Whether any of these can hardly be a word, found by a look at all of them at once."""
    joined = b"\n".join(words)
    if len(joined) - len(joined.translate(None, _CONTROL)) >= max(1, len(words)):
        return True
    try:
        joined.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False
