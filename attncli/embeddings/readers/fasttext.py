"""fastText's own models (.bin): words, their vectors, and the n-grams that make other words.

Source: fastText's args.cc, dictionary.cc and matrix.cc (version 12 of the format, 11, and the one
before it had a version). Every size is checked against the bytes that are left before it is used.
"""

import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from attncli.arrays import Float32Array
from attncli.embeddings.protocols import Subwords
from attncli.embeddings.readers.finite import check_finite
from attncli.embeddings.readers.ngrams import NgramSubwords, add_ngrams
from attncli.embeddings.readers.reading import OpenedVectors, VectorBlock
from attncli.embeddings.readers.sniff import FASTTEXT_MAGIC, is_old_fasttext
from attncli.errors import DataError, LimitError
from attncli.errors.wording import size_text
from attncli.files.limits import MIB, Limits, check_dim
from attncli.files.stream import PIECE, ByteStream

_IN_MEMORY = 64 * MIB  # matrices up to this size are held, larger ones go to a temporary file
_ROWS = 4096
_END = struct.Struct("<qb")  # after a word: how often it occurred, and 0 for a word


@dataclass(frozen=True, slots=True)
class _Settings:
    dim: int
    buckets: int
    shortest: int
    longest: int
    has_magic: bool


def read_fasttext(
    stream: ByteStream, limits: Limits, workspace: Path | None = None
) -> OpenedVectors:
    """The words of a fastText model, and its subwords. Large matrices go through `workspace`.

    Raises: DataError naming the field that is wrong or where the file is cut, LimitError.
    """
    settings = _settings(stream, limits)
    warnings: list[str] = []
    n_words = _dictionary_sizes(stream, settings)
    subwords: list[Subwords] = []
    blocks = _blocks(stream, settings, n_words, limits, workspace, warnings, subwords)
    return OpenedVectors(
        "fastText",
        settings.dim,
        blocks,
        warnings,
        n_words,
        lambda: subwords[0] if subwords else None,
    )


def _settings(stream: ByteStream, limits: Limits) -> _Settings:
    place = stream.place
    has_magic = stream.peek(4) == FASTTEXT_MAGIC
    if has_magic:
        _, version = struct.unpack("<2i", stream.exactly(8, "the version"))
        if version not in (11, 12):
            raise DataError(f"fastText version {version}; this reads 11 and 12", place=place)
    elif not is_old_fasttext(stream.peek(56)):
        raise DataError("no fastText model: its first four bytes are others", place=place)
    fields = struct.unpack("<12id", stream.exactly(56, "the settings"))
    dim, loss, model, buckets, shortest, longest = (*fields[:1], *fields[6:11])
    named = {"dim": dim, "bucket": buckets, "minn": shortest, "maxn": longest}
    if dim < 1 or buckets < 0 or not 0 <= shortest <= 64 or not 0 <= longest <= 64:
        what = next(name for name in named if _is_wrong(name, named[name]))
        raise DataError(f"{what} is {named[what]}, expected {_EXPECTED[what]}", place=place)
    check_dim(dim, limits, place)
    if model == 3 or not 1 <= loss <= 4:
        raise DataError("a fastText classifier, expected word vectors", place=place)
    return _Settings(dim, buckets, shortest, longest, has_magic)


_EXPECTED = {
    "dim": "at least 1",
    "bucket": "0 or more",
    "minn": "a length from 0 to 64",
    "maxn": "a length from 0 to 64",
}


def _is_wrong(name: str, value: int) -> bool:
    least = 1 if name == "dim" else 0
    return value < least or (name in ("minn", "maxn") and value > 64)


def _dictionary_sizes(stream: ByteStream, settings: _Settings) -> int:
    """The number of words. Raises: DataError when the sizes cannot be true."""
    place = stream.place
    size, n_words, n_labels, _ = struct.unpack("<3iq", stream.exactly(20, "the dictionary"))
    pruned = (
        struct.unpack("<q", stream.exactly(8, "the dictionary"))[0] if settings.has_magic else -1
    )
    if n_labels:
        raise DataError(
            f"a fastText classifier ({n_labels} labels), expected word vectors", place=place
        )
    if n_words < 1 or size != n_words:
        raise DataError(
            f"the dictionary claims {size} entries and {n_words} words, expected as many",
            place=place,
        )
    if pruned > 0:
        raise DataError(
            f"quantized models (.ftz) are not read: {pruned} pruned n-grams", place=place
        )
    left = stream.left()
    rows = n_words + settings.buckets
    needed = n_words * (_END.size + 1) + 4 * rows * settings.dim
    if left is not None and needed > left:
        raise DataError(
            f"the header claims {n_words} words and {settings.buckets} n-grams of {settings.dim} "
            f"values ({size_text(4 * rows * settings.dim)}); {left} bytes are left",
            place=place,
        )
    return int(n_words)


def _blocks(
    stream: ByteStream,
    settings: _Settings,
    n_words: int,
    limits: Limits,
    workspace: Path | None,
    warnings: list[str],
    subwords_read: list[Subwords],
) -> Iterator[VectorBlock]:
    words = [_as_gensim_has_it(word) for word in _words(stream, n_words, limits)]
    place = stream.place
    _check_matrix(stream, settings, n_words)
    vocabulary = _matrix(stream, n_words, settings.dim, workspace, "the vectors of the words")
    ngrams = _matrix(stream, settings.buckets, settings.dim, workspace, "the vectors of n-grams")
    _check_output(stream, settings)
    subwords = NgramSubwords(ngrams, settings.shortest, settings.longest)
    if settings.buckets and settings.longest:
        if limits.finite:
            _check_all_finite(ngrams, place)
        subwords_read.append(subwords)
    for start in range(0, n_words, _ROWS):
        part = words[start : start + _ROWS]
        values = np.array(vocabulary[start : start + _ROWS])  # (rows, dim)
        if subwords_read:
            add_ngrams(part, values, subwords)
        block = VectorBlock(part, values)
        check_finite(block, start, place, limits)
        yield block


def _words(stream: ByteStream, n_words: int, limits: Limits) -> list[bytes]:
    """The words of the dictionary: each ended by NUL, then its count and its kind."""
    words: list[bytes] = []
    while len(words) < n_words:
        buffer = stream.peek(PIECE)
        at = 0
        while len(words) < n_words:
            end = buffer.find(b"\0", at)
            if end < 0 or end + 1 + _END.size > len(buffer):
                break
            _check_entry(buffer, end, len(words) + 1, stream.place)
            words.append(buffer[at:end])
            at = end + 1 + _END.size
        if at == 0:
            _explain_stop(buffer, len(words), n_words, stream, limits)
        stream.read(at)
    return words


def _check_entry(buffer: bytes, end: int, number: int, place: str) -> None:
    count, kind = _END.unpack_from(buffer, end + 1)
    if kind != 0 or count < 0:
        what = f"entry type {kind}" if kind else f"count {count}"
        raise DataError(f"word {number} of the dictionary has {what}, expected a word", place=place)


def _explain_stop(
    buffer: bytes, done: int, n_words: int, stream: ByteStream, limits: Limits
) -> None:
    if len(buffer) >= limits.word and b"\0" not in buffer[: limits.word + 1]:
        raise LimitError(
            f"word {done + 1}: a word of more than {size_text(limits.word)}",
            place=f"{stream.place}: byte {stream.position}",
        )
    raise DataError(
        f"cut off in the dictionary at word {done} of {n_words}",
        place=f"{stream.place}: byte {stream.position + len(buffer)}",
    )


def _as_gensim_has_it(word: bytes) -> bytes:
    r"""A word that is not UTF-8 with its odd bytes written as `\xe9`, as gensim reads it."""
    try:
        word.decode("utf-8")
    except UnicodeDecodeError:
        return word.decode("utf-8", "backslashreplace").encode("utf-8")
    return word


def _check_matrix(stream: ByteStream, settings: _Settings, n_words: int) -> None:
    """The sizes of the input matrix."""
    if settings.has_magic and stream.exactly(1, "the matrix") != b"\0":
        raise DataError("quantized models (.ftz) are not read", place=stream.place)
    rows, columns = struct.unpack("<2q", stream.exactly(16, "the sizes of the matrix"))
    if rows != n_words + settings.buckets or columns != settings.dim:
        raise DataError(
            f"the matrix claims {rows} × {columns} values, expected "
            f"{n_words + settings.buckets} × {settings.dim}",
            place=stream.place,
        )


def _matrix(
    stream: ByteStream, rows: int, dim: int, workspace: Path | None, what: str
) -> Float32Array:
    """The next rows × dim values. Large ones lie in a temporary file that has no name any more."""
    if rows * dim == 0:
        return np.zeros((rows, dim), dtype=np.float32)
    if rows * dim * 4 <= _IN_MEMORY:
        raw = stream.exactly(rows * dim * 4, what)
        return np.frombuffer(raw, dtype="<f4").astype(np.float32).reshape(rows, dim)
    with tempfile.TemporaryFile(dir=workspace) as file:
        left = rows * dim * 4
        while left:
            piece = stream.exactly(min(left, PIECE), what)
            file.write(piece)
            left -= len(piece)
        file.flush()
        return np.memmap(file, dtype="<f4", mode="r", shape=(rows, dim))


def _check_output(stream: ByteStream, settings: _Settings) -> None:
    """The output matrix is not used, but a whole model has it."""
    if settings.has_magic:
        stream.exactly(1, "the output matrix")
    rows, columns = struct.unpack("<2q", stream.exactly(16, "the sizes of the output matrix"))
    if rows < 0 or columns != settings.dim:
        raise DataError(
            f"the output matrix claims {rows} × {columns} values, expected rows of {settings.dim}",
            place=stream.place,
        )
    left = rows * columns * 4
    if (stream.left() or left) < left:
        raise DataError(
            f"cut off: the output matrix needs {left} bytes, {stream.left()} are left",
            place=stream.place,
        )
    stream.skip(left, "the output matrix")
    if stream.peek(1):
        raise DataError("bytes follow the end of the model", place=stream.place)


def _check_all_finite(matrix: Float32Array, place: str) -> None:
    for start in range(0, len(matrix), _ROWS):
        bad = ~np.isfinite(matrix[start : start + _ROWS])
        if bad.any():
            row = start + int(np.nonzero(bad)[0][0])
            raise DataError(f"the vector of n-gram {row} is not finite", place=place)
