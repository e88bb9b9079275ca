"""What stores of vectors, and vectors of subwords, are to everything that uses them."""

from collections.abc import Sequence
from typing import Protocol

from attncli.arrays import Float32Array, IntArray


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
