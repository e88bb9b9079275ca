"""Vectors as numpy archives: .npz with a matrix and a list of words, .npy with the words beside it."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

from attncli.arrays import Float32Array
from attncli.embeddings.readers.finite import check_finite
from attncli.embeddings.readers.reading import OpenedVectors, VectorBlock
from attncli.embeddings.readers.text.lines import BOM, whole_lines
from attncli.errors import DataError
from attncli.errors.wording import quoted
from attncli.files.archive import member_stream
from attncli.files.limits import Limits
from attncli.files.npy import (
    NpyHeader,
    check_matrix,
    matrix_blocks,
    read_header,
    read_words,
)
from attncli.files.paths import is_file
from attncli.files.stream import ByteStream, file_stream, place_of

_MATRIX_NAMES = ("vectors", "embeddings", "matrix", "weights", "arr_0")
_WORDS_NAMES = ("words", "vocab", "vocabulary", "tokens", "keys", "index_to_key", "labels", "arr_1")
_WORD_FILES = (".words", ".words.txt", ".vocab", ".vocab.txt", ".txt", ".tsv")
_FOLDER_WORD_FILES = ("words.txt", "vocab.txt", "vocabulary.txt", "tokens.txt")


def is_npz(archive: zipfile.ZipFile) -> bool:
    """Whether the members are numpy arrays."""
    return any(name.endswith(".npy") for name in archive.namelist())


def read_npz(archive: zipfile.ZipFile, path: Path, limits: Limits) -> OpenedVectors:
    """The matrix and the words of an archive, by their usual names or by their kind.

    Raises: DataError, RefusedError (arrays of Python objects), LimitError.
    """
    place = place_of(path)
    names = [name for name in archive.namelist() if name.endswith(".npy")]
    if len(set(names)) != len(names):
        raise DataError("an array occurs more than once in the archive", place=place)
    headers = {name: _header_of(archive, name, path, limits) for name in names[:64]}
    words_name = _chosen(headers, _WORDS_NAMES, lambda h: h.kind[0] in "US" and len(h.shape) == 1)
    matrix_name = _chosen(
        {n: h for n, h in headers.items() if n != words_name},
        _MATRIX_NAMES,
        lambda h: len(h.shape) == 2 and h.kind[0] == "f",
    )
    if words_name is None or matrix_name is None:
        missing = "list of words" if words_name is None else "matrix"
        shown = ", ".join(quoted(name.removesuffix(".npy")) for name in names[:6])
        raise DataError(
            f"no {missing} in the archive (it holds {shown}), expected words and vectors",
            place=place,
        )
    words = _words(archive, words_name, path, limits)
    stream = member_stream(archive, archive.getinfo(matrix_name), path, limits)
    header = read_header(stream, stream.place)
    check_matrix(header, limits, stream.place)
    check_lengths(words, header, stream.place)
    blocks = _finishing(word_blocks(words, stream, header, limits), stream)
    return OpenedVectors("npz", header.shape[1], blocks, [], len(words))


def _finishing(blocks: Iterator[VectorBlock], stream: ByteStream) -> Iterator[VectorBlock]:
    """The blocks; at their end the rest of the member is read, so that its checksum is checked."""
    yield from blocks
    if stream.take():
        raise DataError("bytes follow the end of the array", place=stream.place)
    stream.close()


def _header_of(archive: zipfile.ZipFile, name: str, path: Path, limits: Limits) -> NpyHeader:
    stream = member_stream(archive, archive.getinfo(name), path, limits)
    return read_header(stream, stream.place)


def _chosen(headers: dict[str, NpyHeader], names: tuple[str, ...], fits: object) -> str | None:
    """The member of a usual name, else the only one that fits."""
    for name in names:
        if f"{name}.npy" in headers:
            return f"{name}.npy"
    assert callable(fits)
    likely = [name for name, header in headers.items() if fits(header)]
    return likely[0] if len(likely) == 1 else None


def _words(archive: zipfile.ZipFile, name: str, path: Path, limits: Limits) -> list[bytes]:
    stream = member_stream(archive, archive.getinfo(name), path, limits)
    header = read_header(stream, stream.place)
    words = read_words(stream, header, limits, stream.place)
    if stream.take():
        raise DataError("bytes follow the end of the array", place=stream.place)
    return words


def read_npy(stream: ByteStream, path: Path, limits: Limits) -> OpenedVectors:
    """A matrix in a .npy file, with the words in a text file beside it, one a line.

    Raises: DataError when there is no such file or it has another number of words.
    """
    header = read_header(stream, stream.place)
    check_matrix(header, limits, stream.place)
    words, beside = words_beside(path, limits)
    check_lengths(words, header, f"{stream.place} and {place_of(beside)}")
    blocks = _finishing(word_blocks(words, stream, header, limits), stream)
    return OpenedVectors("npy", header.shape[1], blocks, [], len(words))


def word_file(path: Path) -> Path | None:
    """The file of words that belongs to a matrix file, if there is one."""
    stem = path.with_suffix("")
    named = [Path(f"{stem}{suffix}") for suffix in _WORD_FILES]
    named += [path.parent / name for name in _FOLDER_WORD_FILES]
    return next((candidate for candidate in named if is_file(candidate)), None)


def words_beside(path: Path, limits: Limits) -> tuple[list[bytes], Path]:
    """The words of the file beside a matrix. Raises: DataError when there is none."""
    beside = word_file(path)
    if beside is None:
        raise DataError(
            "a matrix without words, expected a file of words beside it "
            f'({quoted(path.stem + ".words.txt", 80)} or "words.txt", one word a line)',
            place=place_of(path),
        )
    return list_of_words(beside, limits), beside


def list_of_words(path: Path, limits: Limits) -> list[bytes]:
    """The words of a text file, one a line; a byte order mark and CR are dropped."""
    with file_stream(path) as stream:
        data = b"".join(whole_lines(stream, limits))
    lines = data.removeprefix(BOM).removesuffix(b"\n").split(b"\n")
    return [line.removesuffix(b"\r") for line in lines]


def check_lengths(words: list[bytes], header: NpyHeader, place: str) -> None:
    """Raises: DataError when words and rows do not fit."""
    if len(words) != header.shape[0]:
        raise DataError(f"{len(words)} words, but {header.shape[0]} vectors", place=place)


def word_blocks(
    words: list[bytes], stream: ByteStream, header: NpyHeader, limits: Limits
) -> Iterator[VectorBlock]:
    """The rows of a matrix with their words, checked to be finite."""
    done = 0
    for values in matrix_blocks(stream, header, limits, stream.place):
        yield _checked(words[done : done + len(values)], values, done, stream.place, limits)
        done += len(values)


def _checked(
    words: list[bytes], values: Float32Array, done: int, place: str, limits: Limits
) -> VectorBlock:
    block = VectorBlock(words, values)
    check_finite(block, done, place, limits)
    return block
