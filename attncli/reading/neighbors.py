"""Nearest words of a word, and of an analogy, as gensim's most_similar finds them."""

from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from attncli.arrays import Float32Array
from attncli.embeddings.protocols import EmbeddingStore, VocabularyStore
from attncli.embeddings.vocabulary import nearest_words, unit_vectors
from attncli.errors import MissingExtraError, UnknownWordError
from attncli.errors.wording import quoted
from attncli.reading.lookup import find, spelled_alike


def similar_words(store: VocabularyStore, word: str, count: int = 10) -> list[tuple[str, float]]:
    """The words with the highest cosine to a word, best first, without the word itself.

    A word that is not there has a vector where the store makes one of its parts.
    Raises: UnknownWordError with words that are spelled alike.
    """
    key, vector = vector_of(store, word)
    return nearest_words(store, vector[None], count=count, without=(key,))[0]


def analogous_words(
    store: VocabularyStore, a: str, b: str, c: str, count: int = 5
) -> list[tuple[str, float]]:
    """The words that are to `c` as `b` is to `a`: nearest to b − a + c, of unit vectors.

    Source: Mikolov et al. 2013, "Linguistic Regularities in Continuous Space Word Representations".
    """
    keys, vectors = zip(*(vector_of(store, word) for word in (a, b, c)), strict=True)
    units, _ = unit_vectors(np.stack(vectors))  # (3, dim)
    wanted = (units[1] - units[0] + units[2]) / 3
    return nearest_words(store, wanted[None].astype(np.float32), count=count, without=keys)[0]


def combined_words(
    store: VocabularyStore, positive: Sequence[str], negative: Sequence[str], count: int = 10
) -> list[tuple[str, float]]:
    """The words nearest to the mean of unit vectors, those of `negative` with a minus."""
    keys, vectors = zip(*(vector_of(store, w) for w in (*positive, *negative)), strict=True)
    units, _ = unit_vectors(np.stack(vectors))  # (n, dim)
    signs = np.repeat([1.0, -1.0], [len(positive), len(negative)])  # (n,)
    wanted = (signs[:, None] * units).mean(axis=0)  # (dim,)
    return nearest_words(store, wanted[None].astype(np.float32), count=count, without=keys)[0]


def cosine(one: Float32Array, other: Float32Array) -> float:
    """The cosine of two vectors (dim,), in float64; 0 where one is zeros."""
    units, _ = unit_vectors(np.stack([one, other]).astype(np.float64))
    return float((units[0] * units[1]).sum())


def vector_of(store: EmbeddingStore, word: str) -> tuple[str, Float32Array]:
    """The key and the vector (dim,) of a word, out of its subwords where the list has it not.

    Raises: UnknownWordError with words that are spelled alike.
    """
    hit = find(store, word)
    if hit is not None:
        return hit[1], store.vectors([hit[0]])[0]
    subwords = store.subwords
    vector: Float32Array | None = None
    if subwords is not None:
        with suppress(MissingExtraError):  # without the library it is an unknown word
            vector = subwords.vector(word)
    if vector is None:
        raise UnknownWordError(
            f"no vector in {quoted(store.name)} for {quoted(word)}",
            hints=spelled_alike(store, [word]),
        )
    return word, vector
