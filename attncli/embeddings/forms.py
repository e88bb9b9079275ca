"""The forms under which a word may stand in a vocabulary, best first."""

import re
import unicodedata
from collections.abc import Iterator

_DIGITS = re.compile(r"[0-9]")


def forms(word: str) -> Iterator[tuple[str, str]]:
    """The forms of a word to look up, best first, each with the status it gives."""
    composed = unicodedata.normalize("NFC", word).replace("\u2019", "'")
    yield composed, "exact"
    lowered = unicodedata.normalize("NFC", composed.lower())
    if lowered != composed:
        yield lowered, "lower"


def fallback_forms(word: str) -> Iterator[tuple[str, str]]:
    """What is tried when neither form of a word is there, each with the status it gives.

    Capitals (for vectors of names), the compatible form (full width, ligatures), without accents,
    digits as # (word2vec, Numberbatch) or 0, and as a key of ConceptNet.

    >>> dict(fallback_forms("Café1999"))["cafe1999"]
    'unaccented'
    """
    *_, (lowered, _) = forms(word)
    seen = {form for form, _ in forms(word)}
    for form, status in _candidates(lowered):
        if form and form not in seen:
            seen.add(form)
            yield form, status


def _candidates(lowered: str) -> Iterator[tuple[str, str]]:
    yield lowered[:1].upper() + lowered[1:], "capitalised"
    yield lowered.upper(), "capitalised"
    compatible = unicodedata.normalize("NFKC", lowered).casefold()
    yield compatible, "compatible"
    apart = unicodedata.normalize("NFD", compatible)
    bare = "".join(char for char in apart if not unicodedata.combining(char))
    yield unicodedata.normalize("NFC", bare), "unaccented"
    if len(_DIGITS.findall(compatible)) > 1:
        yield _DIGITS.sub("#", compatible), "digits"
        yield _DIGITS.sub("0", compatible), "digits"
    key = re.sub(r"[\s-]+", "_", compatible)
    yield key, "joined"
    yield f"/c/en/{key}", "conceptnet"


def all_forms(word: str) -> list[str]:
    """Every form under which a word is looked for, best first."""
    return [form for form, _ in (*forms(word), *fallback_forms(word))]
