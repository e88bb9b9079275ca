"""Words → vectors, with the status of each: nothing is found or made up without saying so."""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Protocol

from attncli.embeddings.protocols import EmbeddingStore
from attncli.errors import setting
from attncli.errors.wording import quoted
from attncli.text.forms import fallback_forms, forms, spellings_by_length
from attncli.text.words import no_spaces


def find(store: EmbeddingStore, word: str) -> tuple[int, str, str] | None:
    """The row, key and status of the best form of `word` in the store, or None."""
    plain = word.isascii() and "'" not in word  # it has two forms: they need no iterators
    if plain and (row := store.row(word)) is not None:
        return row, word, "exact"
    if plain and (lowered := word.lower()) != word and (row := store.row(lowered)) is not None:
        return row, lowered, "lower"
    for key, status in chain(() if plain else forms(word), fallback_forms(word)):
        row = store.row(key)
        if row is not None:
            return row, key, status
    return None


class WordList(Protocol):
    """What can say whether it has a word."""

    def has_word(self, word: str) -> bool:
        """Whether exactly this word is there."""

    def prefixes(self, text: str) -> list[str] | None:
        """The words that a text begins with; None where only single words can be asked for."""


def knows(store: WordList) -> Callable[[str], bool]:
    """A test whether the word list of the store has some form of a word."""
    return lambda word: any(store.has_word(key) for key, _ in forms(word))


def word_lengths(store: WordList) -> Callable[[str], set[int]]:
    """Gives the lengths of the words in the store, in any form, that a text begins with."""
    known, can_list = knows(store), store.prefixes("") is not None

    def lengths(text: str) -> set[int]:
        spellings = spellings_by_length(text) if can_list else None
        if spellings is None:
            return {n for n in range(1, len(text) + 1) if known(text[:n])}
        begun: set[int] = set()
        for spelling, length_of in spellings:
            ends = [len(word) for word in store.prefixes(spelling) or ()]
            if no_spaces().match(text) is not None:  # pieces of a vocabulary of subwords
                ends += [len(piece) - 2 for piece in store.prefixes(f"##{spelling}") or ()]
            begun.update(length_of[end] for end in ends if end in length_of)
        return begun

    return lengths


def ways_out(store: EmbeddingStore, words: Sequence[str]) -> tuple[str, ...]:
    """Hints for unknown words: words that are spelled like the first, and a policy."""
    policy = (
        f"{setting(oov='random')} gives such words a seeded random vector, marked in the result"
    )
    return (*spelled_alike(store, words), policy)


def spelled_alike(store: EmbeddingStore, words: Sequence[str]) -> tuple[str, ...]:
    """A hint at words that are spelled like the first of these, if there are any."""
    from attncli.reading.spelling import similar_spellings

    spelled = [quoted(word) for word in similar_spellings(store, words[0])] if words else []
    return (f"did you mean {' or '.join(spelled)} for {quoted(words[0])}?",) if spelled else ()
