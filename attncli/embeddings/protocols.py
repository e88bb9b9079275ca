"""What stores of vectors, and vectors of subwords, are to everything that uses them."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeGuard

from attncli.arrays import Float32Array, IntArray
from attncli.checks.arguments import has, row_numbers, unexpected


def encoded_word(word: str) -> bytes:
    """The bytes of a word; bytes that were no text are kept as they were. Raises: ArgumentError."""
    try:
        return word.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a pair of UTF-16
        return word.encode("utf-8", "surrogatepass")
    except AttributeError:
        raise unexpected(word, "word", "a text") from None


class EmbeddingStore(Protocol):
    """What every source of vectors offers. Rows are numbered 0 … n_words−1, most frequent first."""

    @property
    def name(self) -> str: ...
    @property
    def dim(self) -> int: ...
    @property
    def sha256(self) -> str | None: ...
    @property
    def words(self) -> int | None:
        """How many words there are; None when the source was only scanned, or has no list."""

    def has_word(self, word: str) -> bool:
        """Whether the word list holds exactly this word (a seeded store has no list: False)."""

    def row(self, word: str) -> int | None:
        """The row of exactly this word, or None."""

    def vectors(self, rows: Sequence[int] | IntArray) -> Float32Array:
        """The vectors of these rows, shape (n, dim), as a copy."""

    @property
    def subwords(self) -> "Subwords | None":
        """What makes vectors of words that are not in the list, if these vectors have it."""

    @property
    def views(self) -> tuple[int, ...]:
        """The sizes of the vectors that stand side by side in one; their sum is `dim`."""

    @property
    def meta(self) -> dict[str, Any]:
        """Facts of the file the vectors came from, as far as they are known."""

    @property
    def searches(self) -> bool:
        """Whether words are searched for in a file, so that many are told at once: `prefetch`."""

    def prefetch(self, words: Iterable[str]) -> None:
        """Looks for all these words, in all their forms, in one pass."""

    def prefixes(self, text: str) -> list[str] | None:
        """The words that a text begins with; None where only single words can be asked for."""

    def words_from(self, prefix: str) -> Iterable[str]:
        """The words that begin with `prefix`, or more of them, in no order of use."""

    def reader(self, settings: Any) -> Any:
        """What reads sentences, where a word has its vector in a sentence only; None else."""


class PlainStore:
    """A store that does what every store must, and no more: the base of all others."""

    __slots__ = ()

    @property
    def subwords(self) -> "Subwords | None":
        """None: it has vectors of whole words."""
        return None

    @property
    def views(self: EmbeddingStore) -> tuple[int, ...]:
        """One vector a word."""
        return (self.dim,)

    @property
    def meta(self) -> dict[str, Any]:
        """Nothing is known."""
        return {}

    @property
    def searches(self) -> bool:
        """It has its words at hand."""
        return False

    def prefetch(self, words: Iterable[str]) -> None:
        """Nothing needs to be looked for."""

    def prefixes(self, text: str) -> list[str] | None:
        """None: only single words can be asked for."""
        return None

    def words_from(self, prefix: str) -> Iterable[str]:
        """None: the words cannot be listed."""
        return ()

    def reader(self, settings: Any) -> Any:
        """None: it is read as words are."""
        return None


class GivenStore(PlainStore):
    """A store of a caller from Python that has what every store must have, and perhaps more."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def __getattribute__(self, name: str) -> Any:
        own = object.__getattribute__(self, "_store") if name != "_store" else None
        return getattr(own, name) if hasattr(own, name) else object.__getattribute__(self, name)


class Subwords(Protocol):
    """Vectors for words that are in no list, made of their parts."""

    @property
    def kind(self) -> str: ...

    def vector(self, word: str) -> Float32Array | None:
        """The vector of any word, shape (dim,), or None when no part of it is known."""


class VocabularyStore(EmbeddingStore, Protocol):
    """A store whose whole vocabulary can be listed and searched."""

    @property
    def matrix(self) -> Float32Array:
        """All vectors, shape (n_words, dim), read-only, possibly mapped."""

    def word(self, row: int) -> str:
        """The word of a row."""


_STORE = ("name", "dim", "words", "sha256", "row", "has_word", "vectors")


def is_store(value: Any) -> bool:
    """Whether this is a store, as far as its methods show."""
    if isinstance(value, PlainStore):
        return True  # one that scans a file must not be asked yet
    return not isinstance(value, type) and all(has(value, part) for part in _STORE)


def has_vocabulary(store: EmbeddingStore) -> TypeGuard[VocabularyStore]:
    """Whether the store can list and search all its words (a seeded store cannot)."""
    return store.words is not None and hasattr(store, "matrix")


def completed(store: Any) -> EmbeddingStore:
    """A store of a caller from Python, with all that is asked of stores."""
    return store if isinstance(store, PlainStore) else GivenStore(store)  # type: ignore[return-value]  # of any kind


def gathered(
    vectors: Sequence[Float32Array], rows: Sequence[int] | IntArray, dim: int
) -> Float32Array:
    """These rows of vectors that came one by one, (n, dim). Raises: as `row_numbers`."""
    import numpy as np

    chosen = row_numbers(rows, len(vectors))
    if len(chosen) == 0:
        return np.zeros((0, dim), dtype=np.float32)
    return np.stack([vectors[row] for row in chosen])
