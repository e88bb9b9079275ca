"""Words of a vocabulary that are spelled nearly like another: suggestions, and a last resort.

Nearness is the number of letters inserted, left out, changed or swapped with their neighbor (Damerau
1964), at most two; of equally near words the one that comes first in the vocabulary is better.
"""

from collections.abc import Iterator
from itertools import islice

from attncli.embeddings.protocols import EmbeddingStore

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_MOST_TRIED = 20_000  # words with the same beginning that are compared
_LONGEST = 40


def similar_spellings(store: EmbeddingStore, word: str, count: int = 3) -> list[str]:
    """Up to `count` words of the store that are spelled like `word`, nearest first.

    >>> from attncli.embeddings.store import MemoryStore
    >>> import numpy as np
    >>> similar_spellings(MemoryStore("few", ["bank", "money"], np.ones((2, 2), np.float32)), "bnak")
    ['bank']
    """
    lowered = word.lower()
    if not 1 < len(lowered) <= _LONGEST or store.words is None:
        return []
    near = {form: 1 for form in _one_edit(lowered) if store.has_word(form)}
    if len(near) < count and len(lowered) > 3:
        for candidate in islice(
            store.words_from(lowered[: max(2, len(lowered) // 2)]), _MOST_TRIED
        ):
            if candidate not in near and abs(len(candidate) - len(lowered)) <= 2:
                edits = _edits(lowered, candidate)
                if edits <= 2:
                    near[candidate] = edits
    near.pop(word, None)
    ranked = sorted((edits, store.row(form) or 0, form) for form, edits in near.items())
    return [form for _, _, form in ranked[:count]]


def _one_edit(word: str) -> Iterator[str]:
    """Every word one edit away, with the letters of English and those of the word."""
    letters = dict.fromkeys(_LETTERS + word)
    for i in range(len(word) + 1):
        head, tail = word[:i], word[i:]
        if tail:
            yield head + tail[1:]
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        for letter in letters:
            yield head + letter + tail
            if tail:
                yield head + letter + tail[1:]


def _edits(a: str, b: str) -> int:
    """The edits between two words (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        older, before, row = before, row, [i] + [0] * len(b)
        for j, y in enumerate(b, 1):
            row[j] = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                row[j] = min(row[j], older[j - 2] + 1)
    return row[-1]
