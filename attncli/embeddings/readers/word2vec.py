"""word2vec binary: a line with two counts, then a word, a space and float32 values, again and again.

Written by word2vec.c (a line feed after each vector) and gensim (none); both are read.
"""

from collections.abc import Iterator

import numpy as np

from attncli.arrays import Float32Array
from attncli.embeddings.readers.binary_records import (
    binary_records,
    is_odd,
    record_pattern,
    some_are_odd,
)
from attncli.embeddings.readers.finite import check_finite
from attncli.embeddings.readers.reading import OpenedVectors, VectorBlock
from attncli.errors import DataError, LimitError, command_line
from attncli.errors.wording import quoted, size_text
from attncli.files.limits import Limits, check_dim
from attncli.files.stream import ByteStream


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
    record = record_pattern(dim)
    while done < claimed:
        piece = stream.take()
        buffer += piece
        records = binary_records(buffer, record, dim, claimed - done, dtype, ended=not piece)
        if records.words:
            block = VectorBlock(records.words, records.values.astype(np.float32, copy=False))
            if not done:
                _check_order(records.values, stream.place, dtype)
            if not records.calm:
                _check_values(block, records.values, done, stream.place, dtype, limits)
            done += len(records.words)
            odd += sum(map(is_odd, records.words)) if some_are_odd(records.words) else 0
            yield block
        buffer = buffer[records.used :]
        start += records.used
        if not records.words:
            _check_word(buffer, start, limits, stream.place)
            if not piece:
                raise _cut(start + len(buffer), done, claimed, odd, stream.place)
    _check_words(done, odd, stream.place)
    _check_rest(buffer, stream, done, warnings)


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
    if not np.isfinite(block.values).all():
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
