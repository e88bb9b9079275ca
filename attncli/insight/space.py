"""Where vectors can be looked around in: a vocabulary, as it is or turned by W_v."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from attncli.arrays import FloatArray, IntArray
from attncli.attention.general import unit_rows
from attncli.attention.landmarks import with_likeness
from attncli.embeddings.forms import folded, forms
from attncli.embeddings.protocols import VocabularyStore
from attncli.embeddings.vocabulary import nearest_words
from attncli.result import AttentionResult


class Space(Protocol):
    """What finds the nearest words of a vector."""

    @property
    def has_static(self) -> bool:
        """Whether vectors without a context have their place here too."""

    @property
    def name(self) -> str:
        """What the words are."""

    def nearest(
        self, vectors: FloatArray, count: int, without: str
    ) -> list[list[tuple[str, float]]]:
        """The nearest words of each vector with their cosines, best first, `without` left out."""

    def vectors(self, words: Sequence[str]) -> FloatArray:
        """The vectors of words that `nearest` gave. Shape (n, d)."""


class VocabularySpace:
    """The words of a store; with `W_v` (n_heads, d_model, d_v) their values, heads side by side.

    With landmarks (n_landmarks, d_model) `W_v` has as many rows more.
    """

    has_static = True

    def __init__(
        self,
        store: VocabularyStore,
        W_v: FloatArray | None = None,
        landmarks: FloatArray | None = None,
    ) -> None:
        self.name = store.name
        self._store: VocabularyStore = store if W_v is None else _Turned(store, W_v, landmarks)

    def nearest(
        self, vectors: FloatArray, count: int, without: str
    ) -> list[list[tuple[str, float]]]:
        left_out = {without.casefold(), *(form for form, _ in forms(without))}
        asked = np.asarray(vectors, dtype=np.float32)
        return nearest_words(self._store, asked, count=count, without=left_out)

    def vectors(self, words: Sequence[str]) -> FloatArray:
        rows = [self._store.row(word) for word in words]
        return np.asarray(self._store.vectors([row for row in rows if row is not None]))


class SpokenWords:
    """The words of the compared sentences with their new vectors, as a space to look around in."""

    has_static = False
    name = "the words of these sentences"

    def __init__(self, results: Sequence[AttentionResult]) -> None:
        held = [
            (number, at, token.text)
            for number, result in enumerate(results)
            for at, token in enumerate(result.tokens)
            if token.status != "special"
        ]
        self._names = [f"{text} ({number + 1})" for number, _, text in held]
        self._words = [text for _, _, text in held]
        rows = [results[number].contextual[at] for number, at, _ in held]
        self._vectors = np.array(rows).reshape(len(rows), -1)  # (n, d)

    def nearest(
        self, vectors: FloatArray, count: int, without: str
    ) -> list[list[tuple[str, float]]]:
        cosines = (
            unit_rows(vectors.astype(np.float64)) @ unit_rows(self._vectors.astype(np.float64)).T
        )  # (k, n)
        lists = []
        for row in cosines:
            order = [
                at
                for at in np.argsort(-row, kind="stable").tolist()
                if folded(self._words[at]) != folded(without)
            ]
            lists.append([(self._names[at], float(row[at])) for at in order[:count]])
        return lists

    def vectors(self, words: Sequence[str]) -> FloatArray:
        return self._vectors[[self._names.index(word) for word in words]]


class _Turned:
    """A store whose vectors are the values X·W_v, or [X F]·W_v with landmarks."""

    def __init__(
        self, store: VocabularyStore, W_v: FloatArray, landmarks: FloatArray | None
    ) -> None:
        self._store = store
        together = np.moveaxis(W_v, 0, 1).reshape(W_v.shape[1], -1).astype(np.float32)
        fixed = None if landmarks is None else landmarks.astype(np.float32)
        rows = with_likeness(store.matrix, store.matrix, fixed)  # (n_words, width)
        self.matrix: Any = rows @ together  # (n_words, n_heads·d_v)
        self.name, self.words, self.sha256 = store.name, store.words, store.sha256
        self.dim = int(self.matrix.shape[1])

    def has_word(self, word: str) -> bool:
        return self._store.has_word(word)

    def row(self, word: str) -> int | None:
        return self._store.row(word)

    def word(self, row: int) -> str:
        return self._store.word(row)

    def vectors(self, rows: Sequence[int] | IntArray) -> Any:
        return self.matrix[np.asarray(rows, dtype=np.intp)]
