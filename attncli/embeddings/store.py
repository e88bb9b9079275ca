"""Where vectors live: words, their rows, and one read-only float32 matrix.

A store folder holds

    vectors.npy   (n_words, dim) float32, C order, mapped and never read whole
    words.marisa  a trie of the words as UTF-8 (surrogateescape), mapped
    rows.npy      uint32: the row of each trie id; words keep the order of their source
    ids.npy       uint32: the trie id of each row
    meta.json     format, name, words, dim, sha256, and where the vectors came from

and, in the cache, checksums of all of it (`attncli.embeddings.cache.checked`) and the n-grams of vectors
with subwords, so that opening it costs the same whatever its size. `sha256` names the content: see
`content_hash`.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from attncli.arrays import Float32Array, IntArray, read_only
from attncli.checks.arguments import count_of, row_numbers, text_of
from attncli.embeddings.cache.checked import CheckedMatrix, DamagedError, mapped, read_facts, verify
from attncli.embeddings.protocols import PlainStore, Subwords, encoded_word
from attncli.errors import DataError, InputError
from attncli.errors.wording import visible

STORE_FORMAT = 1


class FolderStore(PlainStore):
    """A store folder, opened in milliseconds: trie and matrix are mapped, nothing is read whole.

    Where the folder has checksums, what is used is verified first. Raises: DamagedError, InputError.
    """

    def __init__(self, folder: Path, name: str | None = None) -> None:
        self._folder = folder
        self._meta = read_meta(folder)
        self.name: str = name or self._meta["name"]
        self.dim: int = self._meta["dim"]
        self.words: int = self._meta["words"]
        self.sha256: str = self._meta["sha256"]
        self._checked: CheckedMatrix | None = None
        self._array: Float32Array | None = None
        if "sums" in self._meta:
            sums = self._meta["sums"]
            total = sums.get("vectors.sums.npy")
            self._checked = CheckedMatrix(folder, "vectors", (self.words, self.dim), total)
        else:
            self._array = _mapped(folder / "vectors.npy", (self.words, self.dim), "<f4")
        self._rows = self._index("rows.npy")
        self._trie = self._open_trie()
        self._ids: IntArray | None = None  # mapped when the first row is turned into a word
        self._subwords: Subwords | None = None
        self.remake: Callable[[], FolderStore] | None = None  # makes a damaged folder again

    def __reduce__(self) -> tuple[Any, ...]:
        return FolderStore, (self._folder, self.name)  # another process maps the same files

    @property
    def meta(self) -> dict[str, Any]:
        """The facts in meta.json, among them where the vectors came from."""
        return dict(self._meta)

    @property
    def matrix(self) -> Float32Array:
        """All vectors, shape (n_words, dim), read-only and mapped."""
        if self._array is None:
            self._array = self._verified(lambda checked: checked.whole())
        return self._array

    @property
    def subwords(self) -> "Subwords | None":
        """What makes vectors of words that are not in the list, if these vectors have it."""
        if self._subwords is None and "subwords" in self._meta:
            from attncli.embeddings.subwords import subwords_of

            try:
                self._subwords = subwords_of(self, self._folder, self._meta, self.make_again)
            except DamagedError:
                self.make_again()
                self._subwords = subwords_of(self, self._folder, self._meta, self.make_again)
        return self._subwords

    def has_word(self, word: str) -> bool:
        return encoded_word(word) in self._trie

    def row(self, word: str) -> int | None:
        found = self._trie.get(encoded_word(word))
        return None if found is None else self._rows.item(found)

    def word(self, row: int) -> str:
        if self._ids is None:
            try:
                self._ids = self._index("ids.npy")
            except DamagedError:
                self.make_again()
                self._ids = self._index("ids.npy")
        row = count_of(row, "row", 0, len(self._ids) - 1)
        return _decoded(self._trie.restore_key(int(self._ids[row])))

    def words_from(self, prefix: str) -> Iterator[str]:
        """The words that begin with `prefix`, in no order of use."""
        return (_decoded(key) for key in self._trie.iterkeys(encoded_word(prefix)))

    def prefixes(self, text: str) -> list[str]:
        """The words that a text begins with."""
        found = map(_decoded, self._trie.prefixes(encoded_word(text)))
        return [word for word in found if text.startswith(word)]  # not half a character

    def vectors(self, rows: Sequence[int] | IntArray) -> Float32Array:
        chosen = row_numbers(rows, self.words)
        if self._array is None and self._checked is not None:
            return self._verified(lambda checked: checked.take(chosen))  # (n, dim)
        return np.asarray(self.matrix[chosen])  # (n, dim)

    def is_sound(self) -> bool:
        """Whether every byte of the folder is as it was written; a folder without checksums is."""
        if self._checked is None:
            return True
        try:
            for name, total in self._meta["sums"].items():
                verify(self._folder / name, total)
            self._index("ids.npy")  # rows.npy was looked into when the folder was opened
            self._checked.whole()
            if self._meta.get("subwords", {}).get("kind") == "ngrams":
                from attncli.embeddings.subwords import ngram_matrix

                ngram_matrix(self._folder, self._meta).whole()
        except DamagedError:
            return False
        return True

    def _verified(self, read: "Callable[[CheckedMatrix], Float32Array]") -> Float32Array:
        """What is read of the matrix; a damaged folder is made again, once."""
        assert self._checked is not None
        try:
            return read(self._checked)
        except DamagedError:
            self.make_again()
        return read(self._checked)

    def make_again(self) -> None:
        """Replaces a damaged folder by a new one, once. Raises: the DamagedError at hand."""
        if self.remake is None:
            raise
        fresh = self.remake()
        self._meta, self._checked, self.remake = fresh._meta, fresh._checked, None
        self._rows, self._trie, self._ids = fresh._rows, fresh._trie, None
        self._subwords = None

    def _index(self, name: str) -> IntArray:
        path = self._folder / name
        if self._checked is None:
            array: IntArray = _mapped(path, (self.words,), "<u4")
            return array
        verify(path, self._meta["sums"].get(name))
        found: IntArray = mapped(path, "<u4", (self.words,))
        if found.max(initial=0) >= max(self.words, 1):  # of other vectors
            raise DamagedError("this store is damaged", place=visible(str(path)))
        return found

    def _open_trie(self) -> Any:
        path = self._folder / "words.marisa"
        if self._checked is not None:
            verify(path, self._meta["sums"].get(path.name))
        return _open_trie(path, self.words)


class MemoryStore(PlainStore):
    """Words and vectors held in memory: small files, vectors typed by hand, scanned words."""

    def __init__(
        self,
        name: str,
        words: Iterable[str],
        matrix: Float32Array,
        *,
        sha256: str | None = None,
        complete: bool = True,
        subwords: Subwords | None = None,
    ) -> None:
        self.name = name
        self._words = list(words)
        self._row_of = {word: row for row, word in reversed(list(enumerate(self._words)))}
        self._subwords = subwords
        self.matrix: Float32Array = read_only(np.ascontiguousarray(matrix, dtype=np.float32))
        if self.matrix.ndim != 2 or len(self.matrix) != len(self._words):
            raise DataError(
                f"{len(self._words)} words need as many rows, got the shape {self.matrix.shape}"
            )
        self.dim = int(self.matrix.shape[1])
        self.words: int | None = len(self._words) if complete else None
        self.sha256 = sha256

    def has_word(self, word: str) -> bool:
        return text_of(word, "word") in self._row_of

    def row(self, word: str) -> int | None:
        return self._row_of.get(text_of(word, "word"))

    def word(self, row: int) -> str:
        return self._words[count_of(row, "row", 0, len(self._words) - 1)]

    @property
    def subwords(self) -> "Subwords | None":
        """What makes vectors of words that are not in the list, if these vectors have it."""
        return self._subwords

    def words_from(self, prefix: str) -> list[str]:
        """All words: there are few."""
        return self._words if self.words is not None else []

    def prefixes(self, text: str) -> list[str]:
        """The words that a text begins with."""
        parts = (text[:n] for n in range(1, len(text) + 1))
        return [part for part in parts if part in self._row_of]

    def vectors(self, rows: Sequence[int] | IntArray) -> Float32Array:
        return np.asarray(self.matrix[row_numbers(rows, len(self._words))])  # (n, dim)


def content_hash(words: Iterable[str], matrix: Float32Array) -> str:
    """SHA-256 of the words (UTF-8, each ended by a newline, a backslash or newline inside a word
    escaped by a backslash), then of the matrix as little-endian float32 in C order.

    The same words and values have the same hash whatever file they came from.
    """
    import hashlib  # loads OpenSSL: not for a sentence

    digest = hashlib.sha256()
    for word in words:
        digest.update(encoded_word(word.replace("\\", "\\\\").replace("\n", "\\n")) + b"\n")
    for start in range(0, len(matrix), 65536):
        block = np.ascontiguousarray(matrix[start : start + 65536], dtype="<f4")
        digest.update(block.tobytes())
    return digest.hexdigest()


def _decoded(word: bytes) -> str:
    return word.decode("utf-8", "surrogateescape")


def read_meta(folder: Path) -> dict[str, Any]:
    """The facts of a store folder. Raises: InputError without them, DataError when they are not ours."""
    path = folder / "meta.json"
    place = visible(str(path))
    try:
        meta = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(meta, dict) and "check" in meta:
            meta = read_facts(path)
    except OSError as fault:
        raise InputError(f"cannot open: {fault.strerror}", place=place) from None
    except (ValueError, RecursionError):
        raise DataError("the facts of this store are damaged", place=place) from None
    if not isinstance(meta, dict) or meta.get("format") != STORE_FORMAT:
        raise DataError(f"not a store of format {STORE_FORMAT}", place=place)
    facts = [name for name in _FACTS if name in meta or name in _NEEDED]
    wrong = next((name for name in facts if not _FACTS[name](meta.get(name))), None)
    if wrong is not None:  # another version of attn wrote it
        raise DataError(f"the facts of this store are damaged: {wrong}", place=place)
    return meta


def _is_count(value: object, least: int = 0) -> bool:
    return type(value) is int and least <= value < 1 << 40


def _is_text_or_none(value: object) -> bool:
    return value is None or isinstance(value, str)


def _are_sums(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_count, value.values()))


def _are_subwords(value: object) -> bool:
    if value == {"kind": "tokenizer"}:
        return True
    if not isinstance(value, dict) or value.get("kind") != "ngrams":
        return False
    lengths = value.get("shortest"), value.get("longest")
    buckets = value.get("buckets", -1)
    return (
        _is_count(value.get("rows"))
        and all(type(length) is int and 0 <= length <= 65 for length in lengths)
        and (buckets is None or _is_count(buckets))
    )


_NEEDED = ("name", "words", "dim", "sha256")
_FACTS: dict[str, Callable[[object], bool]] = {
    "name": lambda value: isinstance(value, str),
    "words": lambda value: _is_count(value, 1),
    "dim": lambda value: _is_count(value, 1),
    "sha256": lambda value: isinstance(value, str),
    "repeated": _is_count,
    "source": _is_text_or_none,
    "source_format": _is_text_or_none,
    "file_sha256": _is_text_or_none,
    "sums": _are_sums,
    "subwords": _are_subwords,
}


def _mapped(path: Path, shape: tuple[int, ...], dtype: str) -> Any:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as fault:
        raise InputError(f"cannot open: {fault.strerror}", place=visible(str(path))) from None
    except (ValueError, EOFError):
        raise DataError("this store is damaged", place=visible(str(path))) from None
    if array.shape != shape or array.dtype != dtype:
        raise DataError(
            f"found {array.dtype} of the shape {array.shape}, expected {np.dtype(dtype)} of {shape}",
            place=visible(str(path)),
        )
    return array


def _spelled(path: Path, descriptor: int) -> str:
    """The name of an open file that the locale can spell: under LANG=C a folder may be `naïve`."""
    name = str(path)
    try:
        name.encode(sys.getfilesystemencoding())
    except UnicodeEncodeError:
        return f"/dev/fd/{descriptor}"
    return name


def _open_trie(path: Path, n_words: int) -> Any:
    import marisa_trie

    try:
        with path.open("rb") as file:
            trie = marisa_trie.BinaryTrie().mmap(_spelled(path, file.fileno()))
    except (RuntimeError, OSError):
        raise DataError("the word index is damaged", place=visible(str(path))) from None
    if len(trie) != n_words:
        raise DataError(
            f"found {len(trie)} words, meta.json says {n_words}", place=visible(str(path))
        )
    return trie
