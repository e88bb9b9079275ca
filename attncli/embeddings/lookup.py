"""Words → vectors, with the status of each: nothing is found or made up without saying so."""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import NamedTuple, Protocol

import numpy as np

from attncli.arrays import Float32Array
from attncli.embeddings.forms import fallback_forms, forms, is_plain
from attncli.embeddings.protocols import EmbeddingStore
from attncli.embeddings.unknown import OovPolicy, stand_in
from attncli.errors import UnknownWordError
from attncli.escape import quoted

KNOWN_STATUSES = frozenset(
    {
        *("exact", "canonical", "apostrophe", "invisible", "lower", "capitalised", "compatible"),
        *("unaccented", "marked", "digits", "joined", "conceptnet"),
    }
)


class Lookup(NamedTuple):
    """What was found for a list of words.

    `kept` are the positions of the words that have a vector (all of them unless the policy is to
    skip); `keys`, `statuses` and the rows of `vectors` (len(kept), dim) belong to these.
    """

    kept: tuple[int, ...]
    keys: tuple[str, ...]
    statuses: tuple[str, ...]
    vectors: Float32Array


def find(store: EmbeddingStore, word: str) -> tuple[int, str, str] | None:
    """The row, key and status of the best form of `word` in the store, or None."""
    for key, status in chain(forms(word), fallback_forms(word)):
        row = store.row(key)
        if row is not None:
            return row, key, status
    return None


class WordList(Protocol):
    """What can say whether it has a word."""

    def has_word(self, word: str) -> bool:
        """Whether exactly this word is there."""


def knows(store: WordList) -> Callable[[str], bool]:
    """A test whether the word list of the store has some form of a word."""
    return lambda word: any(store.has_word(key) for key, _ in forms(word))


def word_lengths(store: WordList) -> Callable[[str], set[int]]:
    """Gives the lengths of the words in the store that a text begins with."""
    known, prefixes = knows(store), getattr(store, "prefixes", None)

    def lengths(text: str) -> set[int]:
        if prefixes is None or not is_plain(text):
            return {n for n in range(1, len(text) + 1) if known(text[:n])}
        pieces = {len(word) - 2 for word in prefixes(f"##{text}")}  # of a vocabulary of subwords
        return {n for n in pieces | set(map(len, prefixes(text))) if n > 0}

    return lengths


def look_up(
    store: EmbeddingStore, words: Sequence[str], *, oov: OovPolicy = "random", seed: int = 0
) -> Lookup:
    """The vectors of the words; a word that is not in the store is treated as `oov` says.

    random: a vector that depends on seed, dimension and the word only. zero: zeros. mean: the mean
    of the vocabulary. subword: made of the word's parts. nearest: that of the nearest spelling.
    skip: the word is left out (`kept` says which stay).
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
            made = stand_in(store, words[i], oov, seed)
            vectors[place], hit = made.vector, (-1, made.key, made.status)
        keys.append(hit[1])
        statuses.append(hit[2])
    return Lookup(kept, tuple(keys), tuple(statuses), vectors)


def _unknown(store: EmbeddingStore, words: list[str]) -> UnknownWordError:
    named = ", ".join(quoted(word) for word in words[:5])
    more = f" and {len(words) - 5} more" if len(words) > 5 else ""
    return UnknownWordError(
        f"no vector in {quoted(store.name)} for {named}{more}", hints=ways_out(store, words)
    )


def ways_out(store: EmbeddingStore, words: Sequence[str]) -> tuple[str, ...]:
    """Hints for unknown words: words that are spelled like the first, and a policy."""
    from attncli.embeddings.spelling import similar_spellings

    spelled = [quoted(word) for word in similar_spellings(store, words[0])] if words else []
    meant = (f"did you mean {' or '.join(spelled)} for {quoted(words[0])}?",) if spelled else ()
    return (*meant, "--oov random gives such words a seeded random vector, marked in the result")
