"""Words → vectors one by one and without any memory: what reading a sentence is compared with."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from attncli.arrays import Float32Array
from attncli.embeddings.protocols import EmbeddingStore
from attncli.embeddings.seeded import random_vector
from attncli.reading.lookup import find
from attncli.reading.unknown import stand_in
from attncli.settings import OovPolicy


class Lookup(NamedTuple):
    """What was found for a list of words.

    `kept` are the positions of the words that have a vector (all of them unless the policy is to
    skip); `keys`, `statuses` and the rows of `vectors` (len(kept), dim) belong to these.
    """

    kept: tuple[int, ...]
    keys: tuple[str, ...]
    statuses: tuple[str, ...]
    vectors: Float32Array


def look_up(
    store: EmbeddingStore, words: Sequence[str], *, oov: OovPolicy = "random", seed: int = 0
) -> Lookup:
    """The vectors of the words; a word that is not in the store is treated as `oov` says.

    random: a vector that depends on seed, dimension and the word only. zero: zeros. mean: the mean
    of the vocabulary. subword: made of the word's parts. nearest: that of the nearest spelling.
    skip: the word is left out (`kept` says which stay).
    """
    found = [find(store, word) for word in words]
    kept = tuple(i for i, hit in enumerate(found) if hit is not None or oov != "skip")
    vectors = np.zeros((len(kept), store.dim), dtype=np.float32)  # (n_tokens, d_model)
    known = [(place, hit) for place, i in enumerate(kept) if (hit := found[i]) is not None]
    if known:
        vectors[[place for place, _ in known]] = store.vectors([hit[0] for _, hit in known])
    keys, statuses = [], []
    for place, i in enumerate(kept):
        hit = found[i]
        if hit is None:
            made = stand_in(store, words[i], oov)
            random = made.vector is None
            vectors[place] = random_vector(made.key, store.dim, seed) if random else made.vector
            hit = (-1, made.key, made.status)
        keys.append(hit[1])
        statuses.append(hit[2])
    return Lookup(kept, tuple(keys), tuple(statuses), vectors)
