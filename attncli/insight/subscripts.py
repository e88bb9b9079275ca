"""What the words of a sentence are called in formulas: short names, no two alike."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

_LONGEST = 8  # characters of a subscript; a word like another for longer gets its place
_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


class Names(NamedTuple):
    """What words are called, no two alike: on the left of an equation, and as subscripts.

    The subscripts are of those that are attended to: the words, or in cross-attention others, whose
    names are `others`.
    """

    words: tuple[str, ...]
    left: tuple[str, ...]
    subscripts: tuple[str, ...]
    others: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """The names of the words that are attended to."""
        return self.others or self.left

    def weight(self, query: int, key: int) -> str:
        """w₁₂; with ten words or more w₁,₁₂."""
        return f"w{self.places(query, key).translate(_LOWERED)}"

    def places(self, query: int, key: int) -> str:
        """The places of two words from 1, apart where they have several digits."""
        between = "," if max(len(self.left), len(self.keys)) > 9 else ""
        return f"{query + 1}{between}{key + 1}"


def symbol_names(words: Sequence[str], keys: Sequence[str] | None = None) -> Names:
    """The names of words, no two alike, and of the `keys` that they attend to where these are others.

    A subscript is the shortest beginning of whole characters (with their marks) that no other word
    has, or the whole word. Words that occur twice are numbered.

    >>> symbol_names(["money", "bank", "book", "bank"]).subscripts
    ('m', 'ba1', 'bo', 'ba2')
    """
    names = _names(tuple(words))
    if keys is None:
        return names
    others = _names(tuple(keys))
    return names._replace(subscripts=others.subscripts, others=others.left)


@lru_cache(maxsize=8)
def _names(words: tuple[str, ...]) -> Names:
    forms = [unicodedata.normalize("NFC", text) for text in words]
    beginnings = _beginnings(forms)
    subscripts = _numbered(forms, [beginnings[form] for form in forms])
    return Names(words, _numbered(forms, words), subscripts)


def _beginnings(forms: Sequence[str]) -> dict[str, str]:
    """The subscript of each word, as if it occurred once."""
    from attncli.text.words import chars

    cut = {form: tuple(token.text for token in chars(form)) for form in dict.fromkeys(forms)}
    counts = Counter(cs[:size] for cs in cut.values() for size in range(1, len(cs) + 1))
    chosen: dict[str, str] = {}
    for place, (form, signs) in enumerate(cut.items(), start=1):
        sizes = (size for size in range(1, len(signs)) if counts[signs[:size]] == 1)
        size = next(sizes, len(signs))
        fits = 0 < size <= _LONGEST
        chosen[form] = "".join(signs[:size]) if fits else "".join(signs[:1]) + f"#{place}"
    return chosen


def _numbered(forms: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """The names, those of a word that occurs again numbered; none is left like another."""
    counts = Counter(forms)
    single = {name for form, name in zip(forms, names, strict=True) if counts[form] == 1}
    seen: Counter[str] = Counter()
    numbered: dict[str, None] = {}
    for place, (form, name) in enumerate(zip(forms, names, strict=True), start=1):
        seen[form] += 1
        is_again = counts[form] > 1
        name = f"{name}{seen[form]}" if is_again else name
        while name in numbered or (is_again and name in single):
            name += f"#{place}"
        numbered[name] = None
    return tuple(numbered)
