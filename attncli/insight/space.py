"""Where vectors can be looked around in: a vocabulary, as it is or turned by W_v."""

from collections.abc import Collection, Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from attncli.arrays import FloatArray, IntArray
from attncli.attention.general import unit_rows
from attncli.attention.products import product
from attncli.embeddings.protocols import PlainStore, VocabularyStore
from attncli.embeddings.vocabulary import nearest_words
from attncli.results.facts import MEANINGLESS, Token
from attncli.results.result import AttentionResult
from attncli.text.forms import folded_word, forms


def _names(without: str | Sequence[Collection[str]], count: int) -> Sequence[Collection[str]]:
    """What is left out for each of `count` vectors."""
    if not isinstance(without, str):
        return without
    return [{without.casefold(), *(form for form, _ in forms(without))}] * count


def names_of_token(token: Token) -> set[str]:
    """The names under which a token is no neighbor of itself."""
    written = {form for form, _ in forms(token.text)}
    return {token.key, token.text, token.text.casefold()} | written


def is_known(token: Token) -> bool:
    """Whether the old vector of a token means something, so that words are near it for a reason."""
    return token.status not in MEANINGLESS


class Space(Protocol):
    """What finds the nearest words of a vector."""

    @property
    def has_static(self) -> bool:
        """Whether vectors without a context have their place here too."""

    @property
    def name(self) -> str:
        """What the words are."""

    def nearest(
        self, vectors: FloatArray, count: int, without: str | Sequence[Collection[str]]
    ) -> list[list[tuple[str, float]]]:
        """The nearest words of each vector with their cosines, best first.

        `without` is a word that is left out in every form, or the names left out for each vector.
        """

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
        self._is_turned = W_v is not None
        self._store: VocabularyStore = store if W_v is None else _Turned(store, W_v, landmarks)

    @property
    def size(self) -> int:
        """Numbers that are made before anything is found: none of the words as they are."""
        store = self._store
        return (store.words or 0) * store.dim if self._is_turned else 0

    def nearest(
        self, vectors: FloatArray, count: int, without: str | Sequence[Collection[str]]
    ) -> list[list[tuple[str, float]]]:
        asked, without = np.asarray(vectors, dtype=np.float32), _names(without, len(vectors))
        more = max(map(len, without), default=0)
        lists = nearest_words(self._store, asked, count=count + more if count else 0)
        return [
            [hit for hit in near if hit[0] not in names][:count]
            for near, names in zip(lists, without, strict=True)
        ]

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
        self, vectors: FloatArray, count: int, without: str | Sequence[Collection[str]]
    ) -> list[list[tuple[str, float]]]:
        cosines = product(
            unit_rows(vectors.astype(np.float64)), unit_rows(self._vectors.astype(np.float64)).T
        )  # (k, n)
        lists = []
        for row, names in zip(cosines, _names(without, len(vectors)), strict=True):
            own = {folded_word(name) for name in names}
            order = [
                at
                for at in np.argsort(-row, kind="stable").tolist()
                if folded_word(self._words[at]) not in own
            ]
            lists.append([(self._names[at], float(row[at])) for at in order[:count]])
        return lists

    def vectors(self, words: Sequence[str]) -> FloatArray:
        return self._vectors[[self._names.index(word) for word in words]]


class _Turned(PlainStore):
    """A store whose vectors are the values X·W_v, or [X F]·W_v with landmarks; made when asked."""

    def __init__(
        self, store: VocabularyStore, W_v: FloatArray, landmarks: FloatArray | None
    ) -> None:
        self._store = store
        self._together = np.moveaxis(W_v, 0, 1).reshape(W_v.shape[1], -1).astype(np.float32)
        self._landmarks = None if landmarks is None else landmarks.astype(np.float32)
        self.name, self.words, self.sha256 = store.name, store.words, store.sha256
        self.dim = int(self._together.shape[1])

    @cached_property
    def matrix(self) -> Any:
        """The values of all words, (n_words, n_heads·d_v)."""
        from attncli.attention.landmarks import with_likeness

        matrix = self._store.matrix
        return product(with_likeness(matrix, matrix, self._landmarks), self._together)

    def has_word(self, word: str) -> bool:
        return self._store.has_word(word)

    def row(self, word: str) -> int | None:
        return self._store.row(word)

    def word(self, row: int) -> str:
        return self._store.word(row)

    def vectors(self, rows: Sequence[int] | IntArray) -> Any:
        return self.matrix[np.asarray(rows, dtype=np.intp)]
