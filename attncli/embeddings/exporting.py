"""Stores → files of other tools: word2vec text and binary, gensim's KeyedVectors, npz, safetensors, the
projector's TSV.
"""

import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from attncli.arrays import Float32Array
from attncli.embeddings.cache.checked import raw_bytes
from attncli.embeddings.protocols import VocabularyStore
from attncli.embeddings.readers.binary_records import is_odd
from attncli.embeddings.readers.text.fields import SEPARATORS, looks_like_number
from attncli.errors import Blank, DataError, UsageError, field_name, setting
from attncli.errors.wording import quoted
from attncli.files.writing import whole_file

_ROWS = 4096
_SUFFIXES = (".txt", ".vec", ".bin", ".kv", ".npz", ".safetensors", ".tsv")

Chosen = tuple[list[str], Float32Array]


def export_store(store: VocabularyStore, output: str, *, limit: int | None = None) -> list[Path]:
    """Writes the words and vectors of a store; returns the files written.

    A .tsv is two files for the projector: the vectors, and `….metadata.tsv` with the words.
    Raises: UsageError for another suffix, DataError for a word the format cannot hold, OutputError.
    """
    target, *more = exported_files(output)
    count = min(limit or len(store.matrix), len(store.matrix))
    chosen = ([store.word(row) for row in range(count)], store.matrix[:count])
    if more:
        with whole_file(target) as rows, whole_file(more[0]) as words:
            _check_words(chosen[0], "\t\n\r", "a table")
            for word in chosen[0]:
                words.write(_encoded(word) + b"\n")
            for _, lot in _number_rows(chosen[1], b"\t"):
                rows.writelines(row + b"\n" for row in lot)
    else:
        with whole_file(target) as file:
            _WRITERS[target.suffix.lower()](file, chosen)
    return [target, *more]


def exported_files(output: str) -> list[Path]:
    """The files that an export to this name writes. Raises: UsageError for another suffix."""
    target = Path(output)
    suffix = target.suffix.lower()
    if suffix not in _SUFFIXES:
        expected = ", ".join(_SUFFIXES)
        raise UsageError(
            f"found {quoted(target.name)}, expected a suffix of {expected}",
            place=field_name("output"),
        )
    return [target, target.with_suffix(".metadata.tsv")] if suffix == ".tsv" else [target]


def _text(file: BinaryIO, chosen: Chosen) -> None:
    words, matrix = chosen
    _check_words(words, "\n", "text")
    _check_ends(words)
    file.write(f"{len(words)} {matrix.shape[1]}\n".encode())
    for start, rows in _number_rows(matrix, b" "):
        for word, row in zip(words[start : start + _ROWS], rows, strict=True):
            file.write(_encoded(word) + b" " + row + b"\n")


def _number_rows(matrix: Float32Array, separator: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """The rows as the shortest numbers that read back as the same float32."""
    import orjson

    for start in range(0, len(matrix), _ROWS):
        block = np.ascontiguousarray(matrix[start : start + _ROWS])
        text = orjson.dumps(block, option=orjson.OPT_SERIALIZE_NUMPY)[2:-2]
        yield start, text.replace(b"],[", b"\n").replace(b",", separator).split(b"\n")


def _binary(file: BinaryIO, chosen: Chosen) -> None:
    words, matrix = chosen
    _check_words(words, " \n", "word2vec binary")
    odd = [word for word in words if is_odd(_encoded(word))]
    if len(odd) > 1 and 2 * len(odd) > len(words):  # the reader takes them for noise
        raise _cannot_hold("word2vec binary", odd[0])
    file.write(f"{len(words)} {matrix.shape[1]}\n".encode())
    for word, row in zip(words, matrix, strict=True):
        file.write(_encoded(word) + b" " + row.astype("<f4").tobytes() + b"\n")


def _npz(file: BinaryIO, chosen: Chosen) -> None:
    words, matrix = chosen
    _check_words(words, "\0", "npz")
    broken = any("\ud800" <= char <= "\udfff" for word in words for char in word)
    listed = np.array([_encoded(word) for word in words]) if broken else np.array(words, dtype=str)
    np.savez(file, words=listed, vectors=matrix)


def _safetensors(file: BinaryIO, chosen: Chosen) -> None:
    words, matrix = chosen
    size = matrix.nbytes
    header = {
        "__metadata__": {"words": json.dumps(words, ensure_ascii=True)},
        "vectors": {"dtype": "F32", "shape": list(matrix.shape), "data_offsets": [0, size]},
    }
    raw = json.dumps(header, ensure_ascii=True).encode("ascii")
    raw += b" " * (-len(raw) % 8)
    file.write(struct.pack("<Q", len(raw)) + raw)
    for start in range(0, len(matrix), _ROWS):
        file.write(raw_bytes(matrix[start : start + _ROWS]))


def keyed_vectors(words: list[str], matrix: Float32Array) -> Any:
    """Words and a copy of their vectors (n_words, dim) as gensim's. Raises: MissingExtraError."""
    from attncli.embeddings.learned import require_gensim

    require_gensim("KeyedVectors")
    from gensim.models import KeyedVectors

    vectors = KeyedVectors(matrix.shape[1])
    vectors.add_vectors(words, np.array(matrix))
    return vectors


def _keyed_vectors(file: BinaryIO, chosen: Chosen) -> None:
    """One file, arrays included. Raises: MissingExtraError."""
    keyed_vectors(*chosen).save(file)


_WRITERS: dict[str, Callable[[BinaryIO, Chosen], None]] = {
    ".txt": _text,
    ".vec": _text,
    ".bin": _binary,
    ".kv": _keyed_vectors,
    ".npz": _npz,
    ".safetensors": _safetensors,
}


def _check_words(words: list[str], forbidden: str, what: str) -> None:
    for word in words:
        if not word or any(char in word for char in forbidden):
            raise _cannot_hold(what, word)


def _check_ends(words: list[str]) -> None:
    """Raises: DataError for words that would not be read back from a line of text."""
    for word in words:
        if word[-1] in " \t":
            raise _cannot_hold("text", word)
    if all(_ends_in_number(word) for word in words[:3]):
        numbered = next((word for word in words if _ends_in_number(word)), None)
        if numbered is not None:  # no line would say that the header does not lie
            raise _cannot_hold("text that begins so", numbered)


def _ends_in_number(word: str) -> bool:
    last = SEPARATORS.split(_encoded(word))
    return len(last) > 1 and looks_like_number(last[-1])


def _cannot_hold(what: str, word: str) -> DataError:
    return DataError(
        f"{what} cannot hold the word {quoted(word)}",
        hints=(f"{setting(output=Blank('FILE.safetensors'))} can",),
    )


def _encoded(word: str) -> bytes:
    return word.encode("utf-8", "surrogateescape")
