"""The forms under which a word may stand in a vocabulary, best first: as it is written, before all."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate, product

from attncli.text.words import APOSTROPHES, HYPHENS, no_spaces, with_apostrophe

_DIGITS = re.compile(r"[0-9]")
_TYPED = "'\u2019\u02bc"  # apostrophes of vocabularies
# Nobody sees these (Default_Ignorable_Code_Point): soft hyphen, joiners, zero-width space, word
# joiner, direction marks, byte order mark, variation selectors, fillers, tags.
_UNSEEN = (
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]+"
)
# Hebrew's own marks (geresh, gershayim), and what is typed in their place.
_HEBREW_LETTER = "[\u05d0-\u05ea]"
_HEBREW_MARKS = (("\u05f3", "'"), ("\u05f4", '"'))
# Unseen characters, apostrophes, hyphens, and Tibetan letters, under which a word has many forms.
_MANY_FORMS = f"{_UNSEEN}|[{APOSTROPHES}{HYPHENS}]|[\u0f40-\u0fbc]"
_LONGER_ARABIC = "\u0640"  # stretches a word on its line
_SHOWN_AS_PICTURE, _JOINER = "\ufe0f", "\u200d"  # of emoji; keyboards leave the first out
_MOST_SHARP = 2  # places where ss may be ß
_BEGINNING = "\u2581"  # before a word's first piece in vocabularies of pieces
# Letters that Unicode composes no more (Devanagari, Bengali, Gurmukhi, Oriya, Tibetan, Hebrew); old
# vocabularies have them in one piece.
_NO_MORE_COMPOSED = (
    *range(0x958, 0x960), 0x9DC, 0x9DD, 0x9DF, 0xA33, 0xA36, *range(0xA59, 0xA5F), 0xB5C, 0xB5D,
    *range(0xF43, 0xFBA), 0xFB1D, 0xFB1F, *range(0xFB2A, 0xFB4F),
)  # fmt: skip


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern that plain words do not wait for."""
    return re.compile(pattern)


def forms(word: str) -> Iterator[tuple[str, str]]:
    """The forms of a word to look up, best first, each with the status it gives.

    As written, with the same letters encoded otherwise, with other apostrophes, without characters
    that nobody sees, with the hyphen of keyboards; then all of these in lower case.

    >>> list(forms("Bank"))
    [('Bank', 'exact'), ('bank', 'lower')]
    """
    spelled = {word: "exact"}
    if word.isascii():  # its letters have no other encodings
        if "'" in word:
            spelled |= dict.fromkeys((word.replace("'", mark) for mark in _TYPED[1:]), "apostrophe")
        for form in list(spelled):
            spelled.setdefault(form.lower(), "lower")
        yield from spelled.items()
        return
    for form, status in _spellings(word):
        spelled.setdefault(form, status)
    if no_spaces().match(word) is not None:  # such words begin inside a text without spaces
        for form in list(spelled):
            spelled.setdefault(f"##{form}", "marked")
    for form in list(spelled):
        for lowered in (form.lower(), unicodedata.normalize("NFC", form.lower())):
            spelled.setdefault(lowered, "lower")
    yield from spelled.items()


def fallback_forms(word: str) -> Iterator[tuple[str, str]]:
    """What is tried when no form of a word is there, each with the status it gives.

    Capitals (for vectors of names), case as Turkish, Greek and German have it, the compatible form
    (full width, ligatures), without accents, digits as # (word2vec, Numberbatch) or 0, and as a key
    of ConceptNet.

    >>> dict(fallback_forms("Café1999"))["cafe1999"]
    'unaccented'
    """
    seen = {form for form, _ in forms(word)}
    plain = plain_form(word)
    lowered = plain.lower()
    if not lowered.isascii():
        lowered = unicodedata.normalize("NFC", lowered)
    for candidate, status in (
        *_marked(word, lowered),
        *_pictures(word),
        *_candidates(plain, lowered),
    ):
        letters = candidate[1:] if candidate[:1] == _BEGINNING else candidate
        single = letters.isascii() and "'" not in letters  # nothing else looks like it
        for form in (candidate,) if single else [form for form, _ in _alike(candidate)]:
            if form and form not in seen:
                seen.add(form)
                yield form, status


def plain_form(word: str) -> str:
    """The form that words which look the same share: composed, with straight apostrophes, without
    characters that nobody sees (unless there are no others).

    >>> plain_form("l\u2019e\u0301\u00adcole")
    "l'école"
    """
    if word.isascii():
        return word
    composed = unicodedata.normalize("NFC", word).replace("\u2019", "'")
    return _compiled(_UNSEEN).sub("", composed) or composed


def phrase_keys(text: str) -> tuple[str, ...]:
    """The keys of words that a vocabulary joins by "_"; none of a single word.

    >>> phrase_keys("New York")
    ('New_York', 'new_york')
    """
    parts = plain_form(text).split()
    if len(parts) < 2:
        return ()
    key = "_".join(parts)
    return key, unicodedata.normalize("NFC", key.lower())


def spellings_by_length(text: str) -> list[tuple[str, dict[int, int]]] | None:
    """The spellings under which the beginnings of a text are looked up: as it is written and in
    small letters, each with its accents joined (NFC) and apart (NFD).

    A beginning of n characters of a spelling stands for the first `lengths[n]` characters of the
    text; each spelling comes with its `lengths`. The answer is None where some beginning of the
    text has other forms too.
    """
    small = text.lower()
    if _compiled(_MANY_FORMS).search(text) or not all(
        unicodedata.is_normalized("NFC", form) for form in (text, small)
    ):
        return None
    spellings: dict[str, dict[int, int]] = {}
    for word in dict.fromkeys((text, small)):
        for form in dict.fromkeys((word, unicodedata.normalize("NFD", word))):
            parts = [char.lower() if word != text else char for char in text]
            if form != word:
                parts = [unicodedata.normalize("NFD", part) for part in parts]
            if "".join(parts) != form:  # a letter changes with its neighbors
                return None
            ends = accumulate(map(len, parts))
            spellings[form] = {end: n for n, end in enumerate(ends, 1)}
    return list(spellings.items())


def all_forms(word: str) -> list[str]:
    """Every form under which a word is looked for, best first."""
    return [form for form, _ in (*forms(word), *fallback_forms(word))]


def folded_word(word: str) -> str:
    """The key that words share when they differ in case, encoding, apostrophes, hyphens or hidden marks."""
    plain = plain_form(word).casefold().replace("i\u0307", "i")  # of \u0130
    return unicodedata.normalize("NFC", _with_plain_hyphens(with_apostrophe("'", plain)))


def places_of_word(word: str, texts: Sequence[str], keys: Sequence[str] = ()) -> list[int]:
    """Where a word stands among some texts: as it is written, else in any form or case.

    `keys` are the vocabulary's words for the texts; a word may be asked for by these too.

    >>> places_of_word("cafe\u0301", ["The", "Café"])
    [1]
    """
    exact = [place for place, text in enumerate(texts) if text == word]
    if exact:
        return exact
    wanted = folded_word(word)
    named = [(folded_word(text),) for text in texts]
    if keys:
        pairs = zip(named, keys, strict=True)
        named = [(*names, folded_word(key)) for names, key in pairs]  # type: ignore[misc]  # longer
    return [place for place, names in enumerate(named) if wanted in names]


def _spellings(word: str) -> Iterator[tuple[str, str]]:
    """The word as written, encoded otherwise, with other apostrophes, without what is unseen, and
    with plain hyphens.
    """
    yield from _alike(word)
    bare = _compiled(_UNSEEN).sub("", word)
    if bare and bare != word:
        for form, _ in _alike(bare):
            yield form, "invisible"
    hyphenated = _with_plain_hyphens(bare)
    if hyphenated != bare:
        for form, _ in _alike(hyphenated):
            yield form, "compatible"


def _with_plain_hyphens(word: str) -> str:
    return word.translate(dict.fromkeys(map(ord, HYPHENS), "-"))


def _alike(word: str) -> Iterator[tuple[str, str]]:
    """The word, and words of the same letters and marks in other code points."""
    yield word, "exact"
    for form in _encodings(word):
        yield form, "canonical"
    for swapped in _other_apostrophes(word):
        yield swapped, "apostrophe"
        for form in _encodings(swapped):
            yield form, "apostrophe"


def _other_apostrophes(word: str) -> Iterator[str]:
    """The word with other apostrophes; a Hebrew one with the marks of abbreviations, and without."""
    if any(mark in word for mark in APOSTROPHES):
        yield from (with_apostrophe(mark, word) for mark in _TYPED)
    if re.search(_HEBREW_LETTER, word) is not None:
        typed = printed = word
        for mark, key in _HEBREW_MARKS:
            typed, printed = typed.replace(mark, key), printed.replace(key, mark)
        typographic = typed.replace('"', "\u201d").replace("'", "\u2019")
        straight = re.sub("[\u201c\u201d]", '"', with_apostrophe("'", typed))
        for form in (straight, printed, typographic):
            if form != word:
                yield form


def _encodings(word: str) -> Iterator[str]:
    """The canonically equivalent words: composed, apart, and composed as Unicode did once."""
    if word.isascii():
        return
    composed = unicodedata.normalize("NFC", word)
    yield composed
    yield unicodedata.normalize("NFD", word)
    pattern, whole = _old_letters()
    older = pattern.sub(lambda parts: whole[parts.group()], composed)
    if older != composed:
        yield older


@cache
def _old_letters() -> tuple[re.Pattern[str], dict[str, str]]:
    """The parts of letters that are composed no more, and the letter of each."""
    whole: dict[str, str] = {}
    for letter in map(chr, _NO_MORE_COMPOSED):
        parts = unicodedata.normalize("NFC", letter)
        if parts != letter and len(parts) > 1:
            whole[parts] = letter
    longest_first = sorted(whole, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))), whole


def _candidates(plain: str, lowered: str) -> Iterator[tuple[str, str]]:
    for form in phrase_keys(plain):
        yield form, "joined"
    yield lowered[:1].upper() + lowered[1:], "capitalised"
    yield lowered.upper(), "capitalised"
    yield from _of_other_case(plain, lowered)
    if plain.isascii() and plain.isalpha():
        yield f"/c/en/{lowered}", "conceptnet"
        return
    compatible = lowered
    if not plain.isascii():
        compatible = _compatible(lowered).casefold()
        for form in (_compatible(plain), compatible):
            yield form, "compatible"
        for form in (_compatible(plain), compatible):
            apart = unicodedata.normalize("NFD", form)
            bare = "".join(char for char in apart if not _is_accent(char))
            yield unicodedata.normalize("NFC", bare), "unaccented"
    if len(_DIGITS.findall(compatible)) > 1:
        yield _DIGITS.sub("#", compatible), "digits"
        yield _DIGITS.sub("0", compatible), "digits"
    key = re.sub(r"[\s-]+", "_", compatible)
    yield key, "joined"
    yield f"/c/en/{key}", "conceptnet"


def _compatible(word: str) -> str:
    return unicodedata.normalize("NFKC", word).replace(_LONGER_ARABIC, "")


def _pictures(word: str) -> Iterator[tuple[str, str]]:
    """An emoji with the selectors that keyboards and vocabularies leave out or not."""
    if not word.isascii() and not any(char.isalnum() for char in word):
        joined = word.replace(_JOINER, _SHOWN_AS_PICTURE + _JOINER)
        for picture in (word + _SHOWN_AS_PICTURE, joined + _SHOWN_AS_PICTURE, joined):
            yield picture, "invisible"


def _of_other_case(plain: str, lowered: str) -> Iterator[tuple[str, str]]:
    """The word in case as single languages have it: ı for I and i for İ, ς at the end, ß for ss."""
    if "I" in plain or "\u0130" in plain:
        yield plain.replace("\u0130", "i").replace("I", "\u0131").lower(), "lower"
    if lowered[:1] == "i":
        yield "\u0130" + lowered[1:], "capitalised"
    if lowered.endswith("\u03c3"):
        yield lowered[:-1] + "\u03c2", "lower"
    if "ss" not in lowered:
        return
    doubles = [form.start() for form in re.finditer("ss", lowered)][:_MOST_SHARP]
    for chosen in product((True, False), repeat=len(doubles)):
        sharp = lowered
        for at, is_sharp in reversed(list(zip(doubles, chosen, strict=True))):
            sharp = sharp[:at] + "\u00df" + sharp[at + 2 :] if is_sharp else sharp
        yield sharp, "compatible"


def _marked(word: str, lowered: str) -> Iterator[tuple[str, str]]:
    """With the mark of a word's beginning among plain words, and without it among others."""
    for form in dict.fromkeys((plain_form(word), lowered)):
        yield f"{_BEGINNING}{form}", "marked"
    if word[:1] in (_BEGINNING, "\u0120"):
        yield word[1:], "marked"
    yield word.removesuffix("</w>"), "marked"


def _is_accent(char: str) -> bool:
    """Whether a mark may be left out: not the nuktas, viramas, vowels, tones and voicing marks of
    Indic, Thai, Lao, Tibetan and Japanese writing (classes below 10 and of their own), which make
    another letter.
    """
    kind = unicodedata.combining(char)
    return 10 <= kind < 36 or kind >= 200
