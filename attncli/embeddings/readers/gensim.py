"""gensim's own files (.kv, .model): read by the inert machine, with the arrays that lie beside them.

gensim pickles its objects and puts large arrays into files `NAME.ATTRIBUTE.npy` beside them. Read are
KeyedVectors and the models that hold them, from gensim 0.12 to 4; the format is in gensim.utils.SaveLoad.
"""

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from attncli.arrays import Float32Array, IntArray
from attncli.embeddings.protocols import Subwords, encoded_word
from attncli.embeddings.readers.finite import ROWS, finite_blocks
from attncli.embeddings.readers.ngrams import NgramSubwords, word_vectors
from attncli.embeddings.readers.pickle.arrays import float_matrix, integer, is_array
from attncli.embeddings.readers.pickle.inert import unpickle
from attncli.embeddings.readers.pickle.values import Thing, shown_type
from attncli.embeddings.readers.reading import OpenedVectors
from attncli.errors import DataError, InputError, LimitError
from attncli.errors.wording import quoted, size_text
from attncli.files.limits import Limits, check_dim, memory_budget
from attncli.files.npy import as_float32, check_matrix, matrix_blocks, read_header
from attncli.files.stream import ByteStream, file_stream

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEYS = (str, int, type(None))
_POINCARE = (
    "Poincaré vectors are taken as they are; cosines and weights are not distances of their space"
)


def read_gensim(stream: ByteStream, path: Path, limits: Limits) -> OpenedVectors:
    """The word vectors of a gensim file.

    Raises: RefusedError naming what it would have called, DataError, LimitError.
    """
    place = stream.place
    root = unpickle(_whole(stream, limits), place)
    if not isinstance(root, Thing) or not root.made_by.startswith("gensim."):
        raise DataError(f"no gensim model: found {shown_type(root)}", place=place)
    holder, fields = _word_vectors(root, place, str(path))
    listed = _words(fields, place)
    rows = [row for row, word in enumerate(listed) if word is not None]
    words = [word for word in listed if word is not None]
    warnings: list[str] = []
    short = holder.made_by.rpartition(".")[2]
    if short == "FastTextKeyedVectors" or "vectors_ngrams" in fields.attributes:
        matrix, subwords = _fasttext(fields, words, limits, place)
    else:
        matrix, subwords = fields.matrix("vectors", "syn0", limits), None
        if len(rows) < len(listed) == len(matrix):  # room for words to come
            matrix = matrix[rows]
    if short == "PoincareKeyedVectors":
        warnings.append(f"{place}: {_POINCARE}")
    _check(words, matrix, limits, place)
    encoded = [encoded_word(word) for word in words]
    blocks = finite_blocks(encoded, matrix, place, limits)
    return OpenedVectors(
        f"gensim {short}", matrix.shape[1], blocks, warnings, len(words), lambda: subwords
    )


def _whole(stream: ByteStream, limits: Limits) -> bytes:
    """All bytes of a pickle: it has to be held whole."""
    budget = memory_budget(limits)
    pieces, have = [], 0
    while piece := stream.take():
        pieces.append(piece)
        have += len(piece)
        if have > budget:
            raise LimitError(f"a gensim file of more than {size_text(budget)}", place=stream.place)
    return b"".join(pieces)


class _Fields:
    """The attributes of a gensim object, those kept in files beside it included."""

    def __init__(self, thing: Thing, base: str, place: str) -> None:
        self.attributes = thing.attributes()
        self._base = base  # the path that `.ATTRIBUTE.npy` is added to
        self._place = place

    def beside(self) -> list[str]:
        """The names of the attributes that lie in files beside it."""
        names = self.attributes.get("__numpys") or []
        return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []

    def has(self, name: str) -> bool:
        return name in self.beside() or self.attributes.get(name) is not None

    def matrix(self, name: str, older: str, limits: Limits) -> Float32Array:
        """The matrix of an attribute, by its name of today or an older one. Shape (rows, dim)."""
        used = name if self.has(name) or not self.has(older) else older
        if used in self.beside():
            return self._file(used, limits)
        value = self.attributes.get(used)
        where = f"{self._place}: {used}"
        if not is_array(value):
            raise DataError(f"expected a matrix, found {shown_type(value)}", place=where)
        return as_float32(float_matrix(value, where))

    def _file(self, name: str, limits: Limits) -> Float32Array:
        if not _PLAIN.fullmatch(name):
            raise DataError(
                f"names {quoted(name)} as a file beside it, expected a plain name",
                place=self._place,
            )
        path = f"{self._base}.{name}.npy"
        try:
            stream = file_stream(path)
        except InputError:
            raise DataError(
                f"{quoted(Path(path).name, 100)} is missing beside it", place=self._place
            ) from None
        with stream:
            header = read_header(stream, stream.place)
            check_matrix(header, limits, stream.place)
            needed = header.shape[0] * header.shape[1] * 4
            if needed > memory_budget(limits):
                raise LimitError(f"the vectors need {size_text(needed)}", place=stream.place)
            return np.concatenate(list(matrix_blocks(stream, header, limits, stream.place)))

    def number(self, name: str, default: int) -> int:
        value = self.attributes.get(name, default)
        return integer(value, self._place, name)


def _word_vectors(root: Thing, place: str, base: str) -> tuple[Thing, _Fields]:
    """The object that holds words and vectors: the root, its `wv`, or a Poincaré model's `kv`."""
    for name in ("wv", "kv"):
        inner = root.attributes().get(name)
        if isinstance(inner, Thing):
            return inner, _Fields(inner, f"{base}.{name}", place)
    fields = _Fields(root, base, place)
    if not any(fields.has(name) for name in ("vectors", "syn0", "vectors_vocab", "syn0_vocab")):
        raise DataError(f"no word vectors in {shown_type(root)}", place=place)
    return root, fields


def _words(fields: _Fields, place: str) -> list[str | None]:
    """The words in row order, as the list and the index agree; None for a row that waits for one.

    A number that is a key (a document's tag) is the word of its digits. Raises: DataError when they are no text, or contradict each other.
    """
    attributes = fields.attributes
    listed = next(
        (
            attributes[n]
            for n in ("index_to_key", "index2word", "index2entity")
            if attributes.get(n)
        ),
        None,
    )
    index = attributes.get("key_to_index")
    if index is None:
        index = _old_index(attributes.get("vocab"), place)
    if listed is None:
        if not index:
            raise DataError("no list of words in this gensim file", place=place)
        listed = _in_order(index, place)
    if type(listed) is not list or not all(type(word) in _KEYS for word in listed):
        raise DataError("index_to_key: expected a list of words", place=place)
    if type(index) is dict and index:
        _check_index(listed, index, place)
    return [str(word) if type(word) is int else word for word in listed]


def _old_index(vocab: object, place: str) -> dict[Any, Any] | None:
    """word → row out of the `vocab` of gensim before 4."""
    if type(vocab) is not dict:
        return None
    return {
        word: integer(entry.attributes().get("index"), place, f"vocab of {quoted(str(word))}")
        for word, entry in vocab.items()
        if isinstance(entry, Thing)
    }


def _in_order(index: object, place: str) -> list[Any]:
    if type(index) is not dict:
        raise DataError("key_to_index: expected a table of words", place=place)
    rows = {integer(row, place, "key_to_index"): word for word, row in index.items()}
    if sorted(rows) != list(range(len(index))):
        raise DataError("key_to_index: expected each row once", place=place)
    return [rows[i] for i in range(len(rows))]


def _check_index(words: list[Any], index: dict[Any, Any], place: str) -> None:
    """Raises: DataError when index and list contradict each other; a number may be its own row."""
    listed = [word for word in words if type(word) is str or (word is not None and word in index)]
    if len(set(listed)) != len(listed) or len(index) != len(listed):
        raise DataError(
            f"key_to_index has {len(index)} words, index_to_key {len(listed)} "
            f"({len(set(listed))} distinct)",
            place=place,
        )
    for row, word in enumerate(words):
        if word is None:
            continue
        named = index.get(word, word if type(word) is int else -1)
        if integer(named, place, "key_to_index") != row:
            raise DataError(
                f"key_to_index: row of {quoted(str(word))} is {shown_row(index.get(word))}, "
                f"expected {row}",
                place=place,
            )


def shown_row(value: object) -> str:
    """A row number in a message."""
    return str(value) if type(value) is int and abs(value) < 1 << 64 else "missing"


def _fasttext(
    fields: _Fields, words: list[str], limits: Limits, place: str
) -> tuple[Float32Array, Subwords | None]:
    """The vectors of a fastText object, and its subwords."""
    compatible = fields.attributes.get("compatible_hash")
    if compatible is not True:
        raise DataError(
            "a fastText model of gensim before 3.8.1, whose word parts are hashed in another way; "
            "load and save it with gensim 3.8.3",
            place=place,
        )
    buckets = fields.number("bucket", 0)
    shortest, longest = fields.number("min_n", 3), fields.number("max_n", 6)
    if not 0 <= shortest <= longest + 1 <= 65 or not 0 <= buckets < 1 << 31:
        raise DataError(
            f"min_n {shortest}, max_n {longest}, bucket {buckets}: expected lengths up to 64",
            place=place,
        )
    ngrams = fields.matrix("vectors_ngrams", "syn0_ngrams", limits) if buckets else None
    subwords = None
    if ngrams is not None:
        if limits.finite:
            _check_rows(ngrams, place, "vectors_ngrams")
        rows = None if len(ngrams) == buckets else _packed_rows(fields, buckets, len(ngrams), place)
        subwords = NgramSubwords(ngrams, shortest, longest, rows)
    if fields.has("vectors"):
        return fields.matrix("vectors", "syn0", limits), subwords
    vocabulary = fields.matrix("vectors_vocab", "syn0_vocab", limits)
    _check(words, vocabulary, limits, place)
    if subwords is None:
        return vocabulary, None
    if subwords.matrix.shape[1] != vocabulary.shape[1]:
        raise DataError("vectors_vocab and vectors_ngrams differ in width", place=place)
    encoded = [encoded_word(word) for word in words]
    return word_vectors(encoded, vocabulary, subwords), subwords


def _packed_rows(fields: _Fields, buckets: int, n_rows: int, place: str) -> IntArray:
    """The row of each bucket, −1 for none: gensim 3.8 kept only the buckets that were used."""
    table = fields.attributes.get("hash2index")
    if type(table) is not dict or not table:
        raise DataError(
            f"vectors_ngrams has {n_rows} rows, expected {buckets} (bucket)", place=place
        )
    rows = np.full(buckets, -1, dtype=np.int64)  # (n_buckets,)
    for bucket, row in table.items():
        at = (integer(bucket, place, "hash2index"), integer(row, place, "hash2index"))
        if not (0 <= at[0] < buckets and 0 <= at[1] < n_rows):
            raise DataError(f"hash2index names row {at[1]} of {n_rows}", place=place)
        rows[at[0]] = at[1]
    return rows


def _check_rows(matrix: npt.NDArray[np.float32], place: str, what: str) -> None:
    for start in range(0, len(matrix), ROWS):
        if not np.isfinite(matrix[start : start + ROWS]).all():
            raise DataError(f"{what} holds a value that is not finite", place=place)


def _check(words: list[str], matrix: Float32Array, limits: Limits, place: str) -> None:
    if len(words) != len(matrix):
        raise DataError(f"{len(words)} words, but {len(matrix)} vectors", place=place)
    if matrix.shape[0] == 0 or matrix.shape[1] == 0:
        raise DataError("no vectors in this gensim file", place=place)
    check_dim(matrix.shape[1], limits, place)
