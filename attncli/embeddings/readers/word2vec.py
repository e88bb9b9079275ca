"""word2vec binary: a line with two counts, then a word, a space and float32 values, again and again.

Written by word2vec.c (a line feed after each vector) and gensim (none); both are read.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from attncli.arrays import BoolArray, Float32Array
from attncli.embeddings.readers.finite import check_finite
from attncli.embeddings.readers.reading import OpenedVectors, VectorBlock
from attncli.errors import DataError, LimitError, command_line
from attncli.errors.wording import quoted, size_text
from attncli.files.limits import Limits, check_dim
from attncli.files.stream import ByteStream

_CHUNK = 1 << 20
_MOST_SPACES, _LONGEST_PHRASE = 8, 400  # spaces, bytes
_CONTROL = bytes([*range(32), 127])


def read_word2vec(
    stream: ByteStream, limits: Limits, *, byte_order: str = "little"
) -> OpenedVectors:
    """The vectors of a word2vec binary file.

    Raises: DataError with the byte, LimitError; both also while the blocks are walked.
    """
    head = stream.peek(200)
    line, newline, _ = head.partition(b"\n")
    parts = line.split()
    if not newline or len(parts) != 2 or not all(part.isdigit() for part in parts):
        raise DataError(
            f"the header must be two counts, found {quoted(line[:40].decode('latin-1'))}",
            place=f"{stream.place}:1",
        )
    claimed, dim = int(parts[0]), int(parts[1])
    stream.read(len(line) + 1)
    _check_claims(claimed, dim, stream, limits)
    warnings: list[str] = []
    blocks = _blocks(
        stream, claimed, dim, limits, warnings, ">f4" if byte_order == "big" else "<f4"
    )
    return OpenedVectors("word2vec binary", dim, blocks, warnings, claimed)


def _check_claims(claimed: int, dim: int, stream: ByteStream, limits: Limits) -> None:
    place, left = stream.place, stream.left()
    if claimed == 0 or dim == 0:
        raise DataError(
            f"the header claims {claimed} words of {dim} values, expected at least one of each",
            place=f"{place}:1",
        )
    if left is not None and claimed * (4 * dim + 1) > 2 * left + 8 * dim + 2:
        raise DataError(
            f"the header claims {claimed} × {dim} values ({size_text(claimed * dim * 4)}); "
            f"the file has {left + stream.position} bytes",
            place=place,
        )
    check_dim(dim, limits, place)


def _blocks(
    stream: ByteStream,
    claimed: int,
    dim: int,
    limits: Limits,
    warnings: list[str],
    dtype: str,
) -> Iterator[VectorBlock]:
    done, odd, buffer = 0, 0, b""
    start = stream.position
    while done < claimed:
        piece = stream.take()
        buffer += piece
        words, raw, used = _records(buffer, dim, claimed - done, dtype, ended=not piece)
        if words:
            values = np.frombuffer(raw, dtype=dtype).reshape(len(words), dim)
            block = VectorBlock(words, values.astype(np.float32, copy=False))
            _check_values(block, values, done, stream.place, dtype, limits)
            done += len(words)
            odd += sum(map(is_odd, words)) if _some_are_odd(words) else 0
            yield block
        buffer = buffer[used:]
        start += used
        if not words:
            _check_word(buffer, start, limits, stream.place)
            if not piece:
                raise _cut(start + len(buffer), done, claimed, odd, stream.place)
    _check_words(done, odd, stream.place)
    _check_rest(buffer, stream, done, warnings)


class _Records(NamedTuple):
    """Whole records at the start of a buffer: words, values, and the bytes they take."""

    words: list[bytes]
    raw: bytes
    used: int


def _records(buffer: bytes, dim: int, most: int, dtype: str, *, ended: bool) -> _Records:
    """The whole records at the start of the buffer.

    The last one waits until it `ended`, or more is there: what follows may show that its word is longer.
    """
    width, at, checked = 4 * dim, 0, 0
    begins, spaces = list[int](), list[int]()
    while True:
        at = _add_records(buffer, at, width, most, begins, spaces)
        raw = _raw(buffer, spaces[checked:], width)
        wild = _first_wild(buffer, raw, spaces, checked, dim, dtype)
        if wild is None:
            break
        longer = _longer_word(buffer, begins[wild], spaces[wild], dim, dtype)
        checked = wild + 1
        if longer is not None:
            del begins[checked:], spaces[wild:]
            spaces.append(longer)
            at = longer + 1 + width
    if begins and ended and len(begins) == most and buffer[at:].strip(b"\n"):
        longer = _longer_word(buffer, begins[-1], spaces[-1], dim, dtype)
        if longer is not None:
            spaces[-1], at, checked = longer, longer + 1 + width, len(spaces)
    elif begins and not ended and (len(begins) < most or len(buffer) - at < _LONGEST_PHRASE):
        at = begins.pop()
        spaces.pop()
    words = [buffer[b:s].lstrip(b"\n") for b, s in zip(begins, spaces, strict=True)]
    raw = _raw(buffer, spaces, width) if checked else raw[: width * len(spaces)]
    return _Records(words, raw, at)


def _raw(buffer: bytes, spaces: list[int], width: int) -> bytes:
    """The bytes of the vectors behind these spaces."""
    return b"".join([buffer[space + 1 : space + 1 + width] for space in spaces])


def _add_records(
    buffer: bytes, at: int, width: int, most: int, begins: list[int], spaces: list[int]
) -> int:
    """Adds where records begin and where their words end; gives where the last of them ends."""
    size, find = len(buffer), buffer.find
    while len(begins) < most:
        space = find(b" ", at)
        end = space + 1 + width
        if space < 0 or end > size:
            break
        begins.append(at)
        spaces.append(space)
        at = end
    return at


def _first_wild(
    buffer: bytes, raw: bytes, spaces: list[int], checked: int, dim: int, dtype: str
) -> int | None:
    """The first record whose vector, or the next word, looks as if letters were read as numbers.

    `raw` holds the vectors of the records behind those that are checked.
    """
    some = spaces[checked:]
    if not some:
        return None
    vectors = np.frombuffer(raw, dtype=dtype).reshape(len(some), dim)
    wild = _are_wild(vectors.astype(np.float32, copy=False))
    width = 4 * dim + 1
    following = [buffer[a + width : b].lstrip(b"\n") for a, b in pairwise(some)]
    if wild.any() or _some_are_odd(following):
        for i, word in enumerate(following):
            if wild[i] or is_odd(word):
                return checked + i
    return checked + len(some) - 1 if wild[-1] else None


def _are_wild(vectors: Float32Array) -> BoolArray:
    """Which vectors hold an impossible value: not finite, or more than 2^60 or less than 2^−60."""
    exponents = (vectors.view(np.uint32) >> np.uint32(23)) & np.uint32(0xFF)
    odd = (exponents > 187) | ((exponents < 67) & (exponents > 0))  # (n, dim)
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


def _check_word(buffer: bytes, start: int, limits: Limits, place: str) -> None:
    space = buffer.find(b" ", 0, limits.word + 2)
    if space < 0 and len(buffer) > limits.word:
        raise LimitError(
            f"a word of more than {size_text(limits.word)}", place=f"{place}: byte {start}"
        )


def _cut(end: int, done: int, claimed: int, odd: int, place: str) -> DataError:
    if odd > 1 and 4 * odd > done:
        return _not_words(odd, done, place)
    vectors = "vector is" if done == 1 else "vectors are"
    return DataError(f"cut off at byte {end}: {done} of {claimed} {vectors} whole", place=place)


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


def _some_are_odd(words: list[bytes]) -> bool:
    """Whether any of these can hardly be a word, found by a look at all of them at once."""
    joined = b"\n".join(words)
    if len(joined) - len(joined.translate(None, _CONTROL)) >= max(1, len(words)):
        return True
    try:
        joined.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def _check_words(done: int, odd: int, place: str) -> None:
    if odd > 1 and 2 * odd > done:
        raise _not_words(odd, done, place)


def _not_words(odd: int, done: int, place: str) -> DataError:
    return DataError(
        f"{odd} of {done} words are no text, expected words: are the counts in the header right?",
        place=place,
    )


def _check_values(
    block: VectorBlock, values: Float32Array, done: int, place: str, dtype: str, limits: Limits
) -> None:
    """Raises: DataError when a value is not finite, or the bytes are in the other order."""
    if done == 0 or not np.isfinite(block.values).all():
        _check_order(values, place, dtype)
    check_finite(block, done, place, limits)


def _check_order(values: Float32Array, place: str, dtype: str) -> None:
    """Raises: DataError for values that are sensible only when their bytes are swapped."""
    sample = values[:1000].astype(np.float32)
    if _spread(sample) > 25 and _spread(sample.byteswap()) < 15:
        other = "little" if dtype == ">f4" else "big"
        raise DataError(
            f"the values make sense only as {other}-endian numbers",
            place=place,
            hints=(command_line("vectors import FILE", byte_order=other),),
        )


def _spread(values: Float32Array) -> float:
    """The standard deviation of the exponents (base 2): a few for vectors, 70 for noise."""
    exponents = (values[values != 0].view(np.uint32) >> np.uint32(23)) & np.uint32(0xFF)
    return float(np.std(exponents.astype(np.float64))) if len(exponents) else 0.0


def _check_rest(buffer: bytes, stream: ByteStream, done: int, warnings: list[str]) -> None:
    """Counts what follows the last vector."""
    rest, blank = 0, not buffer.strip(b"\n")
    piece = buffer
    while piece:
        rest += len(piece)
        blank = blank and not piece.strip(b"\n")
        piece = stream.take()
    if rest and not (blank and rest <= 2):
        warnings.append(
            f"{stream.place}: {rest} bytes after the {done} vectors the header claims are not read"
        )
