"""What a word gets that is not in the vocabulary; `lexicon.py` leaves it out or refuses it (skip, error)."""

from typing import NamedTuple

import numpy as np

from attncli.arrays import Float32Array
from attncli.embeddings.protocols import EmbeddingStore
from attncli.embeddings.vocabulary import mean_vector
from attncli.errors import UsageError, setting
from attncli.errors.wording import quoted
from attncli.settings import OovPolicy
from attncli.text.forms import plain_form

# How each status of a word that is not in the vocabulary is said.
TREATMENTS = {
    "random": "a seeded random vector",
    "zero": "zeros",
    "mean": "the mean vector",
    "subword": "a vector made of its parts",
    "nearest": "the vector of the nearest spelling",
}


class StandIn(NamedTuple):
    """The key, the status and the vector (dim,) of an unknown word.

    A random vector is None: `seeded.random_vectors` makes those of many keys at once.
    """

    key: str
    status: str
    vector: Float32Array | None


def stand_in(store: EmbeddingStore, word: str, oov: OovPolicy) -> StandIn:
    """What an unknown word gets. Where a policy finds nothing, a random vector, marked as such.

    Raises: UsageError when the vectors cannot do what the policy needs.
    """
    key = plain_form(word)
    if oov == "mean":
        return StandIn(key, oov, mean_vector(store))
    if oov == "zero":
        return StandIn(key, oov, np.zeros(store.dim, dtype=np.float32))
    if oov == "subword":
        vector = _of_parts(store, word)  # the parts of the word as written
        if vector is not None:
            return StandIn(word, oov, vector)
    if oov == "nearest":
        near = _nearest(store, key)
        if near is not None:
            return StandIn(near, oov, store.vectors([store.row(near) or 0])[0])
    return StandIn(key, "random", None)


def _of_parts(store: EmbeddingStore, word: str) -> Float32Array | None:
    subwords = store.subwords
    if subwords is None:
        raise UsageError(
            f"{quoted(store.name)} has no subword vectors, expected a fastText model (.bin) "
            "or static embeddings with word pieces",
            place=setting(oov="subword"),
        )
    return subwords.vector(word)


def _nearest(store: EmbeddingStore, word: str) -> str | None:
    if store.words is None:
        raise UsageError(f"{quoted(store.name)} has no list of words", place=setting(oov="nearest"))
    from attncli.reading.spelling import similar_spellings

    return next(iter(similar_spellings(store, word, 1)), None)
