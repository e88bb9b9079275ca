"""Vectors that a caller from Python holds → a store, as it would be of a file of them.

Taken are a dict of words and vectors, KeyedVectors of gensim and models that have them, a table of
pandas whose index is the words, and a matrix with its vocabulary: `(matrix, words)`. No library of
these is imported. A store is a copy: what its owner changes later does not change it.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

from attncli.arrays import Float32Array
from attncli.checks.arguments import array_of, described, has, texts_of, unexpected
from attncli.embeddings.marks import Marks, marks_of, marks_of_tokenizer, names
from attncli.embeddings.protocols import EmbeddingStore, Subwords, completed, is_store
from attncli.embeddings.store import MemoryStore, content_hash
from attncli.errors import ArgumentError, DataError, field_name
from attncli.errors.wording import quoted

_KEYED = ("key_to_index", "index_to_key", "vectors")
_TABLE = ("index", "columns", "to_numpy")
_EXPECTED = (
    "a name, a path, what open_vectors gives, a dict of words and vectors, KeyedVectors of gensim, "
    "or a matrix with its words: (matrix, words)"
)
_MATRIX = "a matrix of numbers, one row a word"
_WORDS = "a list of words, a dict of words and their rows, or a tokenizer"


class KeyedVectorsLike(Protocol):
    """What KeyedVectors of gensim have."""

    index_to_key: Any
    vectors: Any


class HasKeyedVectors(Protocol):
    """What models of gensim have: Word2Vec, FastText."""

    wv: Any


# A dict of words and vectors, KeyedVectors, a model that has them, a matrix with its vocabulary.
Given: TypeAlias = (
    EmbeddingStore | Mapping[str, Any] | tuple[Any, Any] | KeyedVectorsLike | HasKeyedVectors
)
Vectors: TypeAlias = str | os.PathLike[str] | Given


def given_store(vectors: Any) -> EmbeddingStore:
    """The store of vectors that are at hand; a store is given back.

    Raises: ArgumentError, DataError for words and vectors that do not fit together.
    """
    if isinstance(vectors, type):
        raise unexpected(vectors, field_name("vectors"), _EXPECTED)
    if is_store(vectors):
        return completed(vectors)
    if all(has(vectors, part) for part in _TABLE):
        return _of_matrix(vectors, list(vectors.index))
    if has(vectors, "wv"):
        return _of_keyed(vectors.wv, type(vectors).__name__)
    if all(has(vectors, part) for part in _KEYED):
        return _of_keyed(vectors, type(vectors).__name__)
    if isinstance(vectors, Mapping):
        return _of_mapping(vectors)
    if isinstance(vectors, list | tuple) and len(vectors) == 2:
        first, second = vectors
        if _is_vocabulary(first) and not _is_vocabulary(second):
            first, second = second, first
        return _of_matrix(first, second)
    if has(vectors, "shape") or has(vectors, "weight"):
        message = f"found {described(vectors)} without words, expected (matrix, words)"
        raise ArgumentError(message, place=field_name("vectors"))
    raise unexpected(vectors, field_name("vectors"), _EXPECTED)


def _of_keyed(keyed: Any, kind: str) -> MemoryStore:
    """The store of KeyedVectors; those of fastText keep their n-grams."""
    if not all(has(keyed, part) for part in _KEYED):
        raise unexpected(keyed, field_name("vectors"), "KeyedVectors of gensim")
    subwords: Subwords | None = None
    if all(has(keyed, part) for part in ("vectors_ngrams", "min_n", "max_n", "bucket")):
        from attncli.embeddings.readers.ngrams import NgramSubwords

        ngrams = _matrix(keyed.vectors_ngrams)
        if len(ngrams):
            subwords = NgramSubwords(ngrams, int(keyed.min_n), int(keyed.max_n))
    words = _texts(keyed.index_to_key)
    return _store(kind, words, _matrix(keyed.vectors), subwords=subwords)


def _of_mapping(vectors: Mapping[Any, Any]) -> MemoryStore:
    """The store of a dict: each word with its vector."""
    words = _texts(list(vectors))
    if not words:
        raise _fault("found no vectors, expected a word and its vector at least")
    rows: list[Any] = list(vectors.values())
    try:
        matrix = array_of(rows, "")
    except ArgumentError:
        matrix = None
    if matrix is None or matrix.ndim != 2:
        _expect_vectors(words, rows)
    return _store(type(vectors).__name__, words, _matrix(rows))


def _expect_vectors(words: Sequence[str], rows: Sequence[Any]) -> None:
    """Raises: the error for the first word whose vector is none, or of another length."""
    size: int | None = None
    for word, row in zip(words, rows, strict=True):
        place = f"{field_name('vectors')}[{quoted(word)}]"
        shape = array_of(row, place, "a vector: a list of numbers").shape
        if len(shape) != 1 or not shape[0]:
            raise unexpected(row, place, "a vector: a list of numbers")
        if size is not None and shape[0] != size:
            message = f"found {shape[0]} values, {quoted(words[0])} has {size}"
            raise DataError(message, place=place)
        size = shape[0]


def _of_matrix(matrix: Any, vocabulary: Any) -> MemoryStore:
    """The store of a matrix, or of a layer that has one, whose rows a vocabulary names."""
    if has(matrix, "weight") and not has(matrix, "__array__"):
        kind, matrix = type(matrix).__name__, matrix.weight
    else:
        kind = type(matrix).__name__
    values = _matrix(matrix)
    words, rows, marks = _named(vocabulary)
    if rows is None:
        if len(words) != len(values):
            raise _fault(f"found {len(words)} words for {len(values)} rows, expected as many")
        return _store(kind, words, values, marks=marks)
    for word, row in zip(words, rows, strict=True):
        if isinstance(row, bool) or not isinstance(row, int | np.integer):
            raise _fault(
                f"found {quoted(str(row)[:60])} as the row of {quoted(word)}, expected a whole number"
            )
        if not 0 <= row < len(values):
            raise _fault(f"found the row {row} of {quoted(word)}, expected 0 to {len(values) - 1}")
    order = sorted(range(len(words)), key=lambda at: int(rows[at]))
    chosen = values[[int(rows[at]) for at in order]]
    return _store(kind, [words[at] for at in order], chosen, marks=marks)


def _named(vocabulary: Any) -> tuple[list[str], list[Any] | None, Marks | None]:
    """The words of a vocabulary, their rows where it says them, and how it marks pieces."""
    marks = None
    if has(vocabulary, "get_vocab"):
        marks = _marks_of_tokenizer(vocabulary)
        vocabulary = vocabulary.get_vocab()
    elif has(vocabulary, "get_itos"):
        vocabulary = vocabulary.get_itos()
    if isinstance(vocabulary, Mapping):
        return _texts(list(vocabulary)), list(vocabulary.values()), marks
    return _texts(vocabulary), None, marks


def _marks_of_tokenizer(tokenizer: Any) -> Marks | None:
    """The marks of a fast tokenizer, by what it says of itself."""
    inner = tokenizer.backend_tokenizer if has(tokenizer, "backend_tokenizer") else tokenizer
    if not has(inner, "to_str"):
        return None
    settings = json.loads(inner.to_str())
    return marks_of_tokenizer(settings, list(inner.get_vocab()))


def _is_vocabulary(value: Any) -> bool:
    """Whether this names words, and is no matrix."""
    if has(value, "get_vocab") or has(value, "get_itos") or isinstance(value, Mapping):
        return True
    if isinstance(value, Iterator):
        return False
    try:
        return isinstance(next(iter(value), None), str)
    except Exception:  # what is no sequence, or of somebody else's making
        return False


def _texts(words: Any) -> list[str]:
    return texts_of(words, "words", _WORDS)


def _matrix(matrix: Any) -> Float32Array:
    """A copy of a matrix as float32, (n_words, dim). Raises: ArgumentError, DataError."""
    values = array_of(matrix, field_name("vectors"), _MATRIX)
    if values.ndim != 2:
        raise _fault(f"found the shape {values.shape}, expected {_MATRIX}: (words, values)")
    with np.errstate(over="ignore"):  # said as not finite
        return np.array(values, dtype=np.float32, order="C")


def _store(
    kind: str,
    words: list[str],
    matrix: Float32Array,
    *,
    marks: Marks | None = None,
    subwords: Subwords | None = None,
) -> MemoryStore:
    """The store of words and rows that fit together, called after the kind of what was given."""
    if not matrix.size:
        raise _fault(f"found the shape {matrix.shape}, expected a word and its vector at least")
    finite = np.isfinite(matrix).all(axis=1)  # (n_words,)
    if not finite.all():
        word = words[int(np.flatnonzero(~finite)[0])]
        raise _fault(f"the vector of {quoted(word)} holds a number that is not finite")
    first: dict[str, int] = {}
    for row, word in enumerate(words):
        if first.setdefault(word, row) != row:
            raise _fault(f"{quoted(word)} has two vectors, in the rows {first[word]} and {row}")
    encoded = [word.encode("utf-8", "surrogatepass") for word in words]
    named = names(encoded, marks_of(encoded) if marks is None else marks)
    if named is not encoded:
        words = [word.decode("utf-8", "surrogateescape") for word in named]
    return MemoryStore(
        f"given {kind}", words, matrix, sha256=content_hash(words, matrix), subwords=subwords
    )


def _fault(message: str) -> DataError:
    return DataError(message, place=field_name("vectors"))
