"""Sentence → words with their places: Unicode words by UAX #29, offsets in code points.

A word is a segment between word boundaries that holds a letter, a digit or an emoji; punctuation and
spaces are not words. E-mail addresses and web addresses stay whole (UAX #29 alone would cut them).
ASCII text takes a short cut through the standard library's `re`; other text needs the properties of
the `regex` package, which is imported then only.

Source: Unicode Standard Annex #29, "Unicode Text Segmentation", rules WB1–WB999.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple, TypeAlias


class Span(NamedTuple):
    """A piece of a sentence: `text` is `sentence[start:end]`."""

    text: str
    start: int
    end: int


Tokenizer: TypeAlias = Callable[[str], list[Span]]

# Bounded on the left of "@", so that a long text without addresses is still read in linear time.
_ADDRESS = (
    r"(?:https?://|www\.)[^\s<>\"'()\[\]{}]*[A-Za-z0-9/]"
    r"|(?<![A-Za-z0-9._%+-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
)
_ASCII_WORD = re.compile(
    r"\w+(?:(?:(?<=[A-Za-z])[.':](?=[A-Za-z])|(?<=\d)[.,;'](?=\d))\w+)*", re.ASCII
)


def words(sentence: str) -> list[Span]:
    """The words of a sentence, in order.

    >>> [w.text for w in words("Don't bank on it: 3.5% (New York-based).")]
    ["Don't", 'bank', 'on', 'it', '3.5', 'New', 'York', 'based']
    """
    find = _ascii_words if sentence.isascii() else _unicode_words
    if "@" not in sentence and "://" not in sentence and "www." not in sentence:
        return list(find(sentence, 0, len(sentence)))
    return list(_around_addresses(sentence, find))


def plain_words(sentence: str) -> list[str] | None:
    """The words of a sentence of ASCII without addresses, without their places; None of another.

    >>> plain_words("Don't bank on it: 3.5%")
    ["Don't", 'bank', 'on', 'it', '3.5']
    """
    if not sentence.isascii() or "@" in sentence or "://" in sentence or "www." in sentence:
        return None
    texts: list[str] = _ASCII_WORD.findall(sentence)
    return [text for text in texts if text.strip("_")] if "_" in sentence else texts


def whitespace(sentence: str) -> list[Span]:
    """The pieces between white space, punctuation and all, in order."""
    return [Span(m.group(), m.start(), m.end()) for m in re.finditer(r"\S+", sentence)]


def chars(sentence: str) -> list[Span]:
    """The characters a reader sees (extended grapheme clusters), without white space."""
    import regex

    found = regex.finditer(r"\X", sentence)
    return [Span(m.group(), m.start(), m.end()) for m in found if not m.group().isspace()]


TOKENIZERS: dict[str, Tokenizer] = {
    "words": words,
    "whitespace": whitespace,
    "chars": chars,
}

APOSTROPHES = "'\u2019\u02bc\u2018\uff07"
HYPHENS = "\u2010\u2011\ufe63\uff0d"  # of typesetting, for "-"

_LONGEST_COMPOUND = 6  # parts
_JOINTS = ("-", *HYPHENS, "\u200b")
JOINING = (*_JOINTS, *APOSTROPHES)  # words with these may be joined or cut

# Endings that the Penn Treebank cuts off, as in the training text of GloVe.
_CONTRACTION = r"(?:n't|'(?:s|re|ve|ll|d|m))$"


def with_apostrophe(mark: str, text: str) -> str:
    """The text with this mark for each apostrophe."""
    return text.translate(_marks_as(mark))


@cache
def _marks_as(mark: str) -> dict[int, str]:
    """What `str.translate` puts for each apostrophe."""
    return dict.fromkeys(map(ord, APOSTROPHES), mark)


def split_contraction(word: Span, known: Callable[[str], bool]) -> list[Span]:
    """ "don't" as do + n't when the vocabulary has the ending but not the whole word.

    `known` says whether the vocabulary has a word, in any form. Other apostrophes count as "'".
    """
    plain = with_apostrophe("'", word.text)
    match = re.search(_CONTRACTION, plain, re.IGNORECASE) if "'" in plain else None
    if match is None or match.start() == 0 or known(word.text) or not known(match.group().lower()):
        return [word]
    cut = match.start()
    middle = word.start + cut
    return [
        Span(word.text[:cut], word.start, middle),
        Span(word.text[cut:], middle, word.end),
    ]


def join_compounds(sentence: str, words: list[Span], known: Callable[[str], bool]) -> list[Span]:
    """Words joined by hyphens as one word where the vocabulary has the compound ("e-mail").

    Hyphens of typesetting, and a zero-width space, which parts words and is not seen, are such
    joints too. The longest compound wins; `known` says whether the vocabulary has a word.
    """
    if not any(joint in sentence for joint in _JOINTS):
        return words
    joined: list[Span] = []
    position = 0
    while position < len(words):
        last = _longest_compound(sentence, words, position, known)
        start, end = words[position].start, words[last].end
        joined.append(Span(sentence[start:end], start, end) if last > position else words[position])
        position = last + 1
    return joined


def _longest_compound(
    sentence: str, words: list[Span], first: int, known: Callable[[str], bool]
) -> int:
    last = first
    longest = first
    while last + 1 < len(words) and last - first < _LONGEST_COMPOUND - 1:
        if sentence[words[last].end : words[last + 1].start] not in _JOINTS:
            break
        last += 1
        if known(sentence[words[first].start : words[last].end]):
            longest = last
    return longest


def _ascii_words(sentence: str, start: int, end: int) -> Iterator[Span]:
    for found in _ASCII_WORD.finditer(sentence, start, end):
        text = found.group()
        if text.strip("_"):
            yield Span(text, found.start(), found.end())


def _unicode_words(sentence: str, start: int, end: int) -> Iterator[Span]:
    for found in _unicode_pattern().finditer(sentence, start, end):
        text = found.group()
        if found.group("symbol") or any(char.isalnum() for char in text):
            yield Span(text, found.start(), found.end())


def _around_addresses(
    sentence: str, find: Callable[[str, int, int], Iterator[Span]]
) -> Iterator[Span]:
    end = 0
    for found in re.finditer(_ADDRESS, sentence):
        yield from find(sentence, end, found.start())
        yield Span(found.group(), found.start(), found.end())
        end = found.end()
    yield from find(sentence, end, len(sentence))


@cache
def _unicode_pattern() -> Any:
    import regex

    extend = r"[\p{WB=Extend}\p{WB=Format}\p{WB=ZWJ}]*+"  # WB4
    letter = rf"[\p{{WB=ALetter}}\p{{WB=Hebrew_Letter}}]{extend}"
    mid_letter = rf"[\p{{WB=MidLetter}}\p{{WB=MidNumLet}}\p{{WB=Single_Quote}}]{extend}"
    digit = rf"\p{{WB=Numeric}}{extend}"
    mid_digit = rf"[\p{{WB=MidNum}}\p{{WB=MidNumLet}}\p{{WB=Single_Quote}}]{extend}"
    hebrew = r"(?<=\p{WB=Hebrew_Letter}[\p{WB=Extend}\p{WB=Format}\p{WB=ZWJ}]*['\"])"
    quoted = rf"\p{{WB=Double_Quote}}{hebrew}{extend}(?=\p{{WB=Hebrew_Letter}})"  # WB7b–c
    letters = rf"{letter}(?:(?:{mid_letter})?{letter}|{quoted})*+"  # WB5–7
    digits = rf"{digit}(?:(?:{mid_digit})?{digit})*+"  # WB8, WB11–12
    katakana = rf"(?:\p{{WB=Katakana}}{extend})++"  # WB13
    run = rf"(?:(?:{letters}|{digits})++|{katakana})"  # WB9–10
    joiner = rf"(?:\p{{WB=ExtendNumLet}}{extend})"  # WB13a–b
    flag = rf"\p{{RI}}{extend}\p{{RI}}{extend}"  # WB15–16
    pictograph = (
        rf"(?:\p{{Emoji_Presentation}}|[\p{{So}}&&\p{{Extended_Pictographic}}--[©®™]]){extend}"
    )
    joined = rf"(?:(?<=\u200d)\p{{Extended_Pictographic}}{extend})*+"  # WB3c
    end = rf"(?:\p{{WB=Single_Quote}}{hebrew}{extend})?+{joined}"  # WB7a
    lone = rf"[\p{{L}}\p{{N}}]{extend}"  # ideographs and other scripts without spaces, one by one
    return regex.compile(
        rf"{joiner}*+{run}(?:{joiner}++{run}?)*+{end}|(?P<symbol>{flag}|{pictograph}{joined})"
        rf"|{lone}{joined}",
        regex.V1,
    )


@cache
def no_spaces() -> re.Pattern[str]:
    """A letter of a script that writes no spaces between words: Thai, Lao, Burmese, Khmer, the
    scripts of the Tai languages, kana and ideographs.
    """
    return re.compile(  # 2 ms, which plain Latin text does not wait for
        "[\u0e01-\u0eff\u1000-\u109f\u1780-\u17dd\u1950-\u19df\u1a20-\u1aad\u3005-\u3007\u3021-\u3035\u3041-\u30ff"
        "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua9e0-\ua9fe\uaa60-\uaadf\uf900-\ufaff\uff66-\uff9f"
        "\U0001b000-\U0001b16f\U00020000-\U0003ffff]"
    )
