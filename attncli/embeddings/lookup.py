"""Words → vectors, with the status of each: nothing is found or made up without saying so."""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from attncli.arrays import Float32Array
from attncli.embeddings.seeded import random_vector
from attncli.embeddings.store import EmbeddingStore
from attncli.embeddings.vocabulary import mean_vector
from attncli.errors import UnknownWordError
from attncli.escape import quoted

OovPolicy: TypeAlias = Literal["random", "zero", "mean", "skip", "error"]
KNOWN_STATUSES = frozenset({"exact", "lower"})


@dataclass(frozen=True, slots=True)
class Lookup:
    """What was found for a list of words.

    `kept` are the positions of the words that have a vector (all of them unless the policy is to
    skip); `keys`, `statuses` and the rows of `vectors` (len(kept), dim) belong to these.
    """

    kept: tuple[int, ...]
    keys: tuple[str, ...]
    statuses: tuple[str, ...]
    vectors: Float32Array


def forms(word: str) -> Iterator[tuple[str, str]]:
    """The forms of a word to look up, best first, each with the status it gives."""
    composed = unicodedata.normalize("NFC", word).replace("\u2019", "'")
    yield composed, "exact"
    lowered = unicodedata.normalize("NFC", composed.lower())
    if lowered != composed:
        yield lowered, "lower"


def find(store: EmbeddingStore, word: str) -> tuple[int, str, str] | None:
    """The row, key and status of the best form of `word` in the store, or None."""
    for key, status in forms(word):
        row = store.row(key)
        if row is not None:
            return row, key, status
    return None


def knows(store: EmbeddingStore) -> Callable[[str], bool]:
    """A test whether the word list of the store has some form of a word."""
    return lambda word: any(store.has_word(key) for key, _ in forms(word))


def look_up(
    store: EmbeddingStore, words: Sequence[str], *, oov: OovPolicy = "random", seed: int = 0
) -> Lookup:
    """The vectors of the words; a word that is not in the store is treated as `oov` says.

    random: a vector that depends on seed, dimension and the word only. zero: zeros. mean: the mean
    of the vocabulary. skip: the word is left out (`kept` says which stay).
    Raises: UnknownWordError with `oov` "error".
    """
    found = [find(store, word) for word in words]
    if oov == "error" and None in found:
        raise _unknown(store, [word for word, hit in zip(words, found, strict=True) if hit is None])
    kept = tuple(i for i, hit in enumerate(found) if hit is not None or oov != "skip")
    vectors = np.zeros((len(kept), store.dim), dtype=np.float32)  # (n_tokens, d_model)
    known = [(place, hit) for place, i in enumerate(kept) if (hit := found[i]) is not None]
    if known:
        vectors[[place for place, _ in known]] = store.vectors([hit[0] for _, hit in known])
    keys, statuses = [], []
    for place, i in enumerate(kept):
        hit = found[i]
        if hit is None:
            vectors[place] = stand_in(store, words[i], oov, seed)
        keys.append(next(forms(words[i]))[0] if hit is None else hit[1])
        statuses.append(oov if hit is None else hit[2])
    return Lookup(kept, tuple(keys), tuple(statuses), vectors)


def stand_in(store: EmbeddingStore, word: str, oov: OovPolicy, seed: int) -> Float32Array:
    """What an unknown word gets as its vector under a policy. Shape (dim,)."""
    if oov == "random":
        return random_vector(next(forms(word))[0], store.dim, seed)  # (d_model,)
    if oov == "mean":
        return mean_vector(store)  # (d_model,)
    return np.zeros(store.dim, dtype=np.float32)  # (d_model,)


def _unknown(store: EmbeddingStore, words: list[str]) -> UnknownWordError:
    named = ", ".join(quoted(word) for word in words[:5])
    more = f" and {len(words) - 5} more" if len(words) > 5 else ""
    return UnknownWordError(
        f"no vector in {quoted(store.name)} for {named}{more}",
        hints=("--oov random gives such words a seeded random vector, marked in the result",),
    )
