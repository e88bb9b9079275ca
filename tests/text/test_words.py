"""Laws of the tokenizers: the words of UAX #29, at their places, in linear time."""

import re
import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from oracles import uax29_words

from attncli.text.words import (
    TOKENIZERS,
    Span,
    chars,
    join_compounds,
    split_contraction,
    whitespace,
    words,
)

ANY_TEXT = st.text(max_size=60)
# Text whose neighbors matter to the rules: letters, digits, joiners, quotes, other scripts, emoji.
TRICKY = st.text(
    alphabet="ab1٣_.,:;'’\"- é\u0301\u200d\ufe0f\u00adकि\u094dשאカー中国กข🙂👩🏽🇮🇳🇫\r\n\u2028한",
    max_size=24,
)
ADDRESS_SIGNS = ("@", "://", "www.")


def texts(spans):
    """The texts of the spans."""
    return [span.text for span in spans]


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("money bank grows", ["money", "bank", "grows"]),
        ("बहुत आसान काम", ["बहुत", "आसान", "काम"]),
        ("cafe\u0301 caf\u00e9", ["cafe\u0301", "caf\u00e9"]),
        ("我爱北京", ["我", "爱", "北", "京"]),
        ("カタカナ語", ["カタカナ", "語"]),
        ("I like 🍕 & ☕!", ["I", "like", "🍕", "☕"]),
        ("family 👩‍👩‍👧‍👦 flag 🇮🇳🇫🇷", ["family", "👩‍👩‍👧‍👦", "flag", "🇮🇳", "🇫🇷"]),
        ("thumbs 👍🏽 heart ❤️", ["thumbs", "👍🏽", "heart", "❤️"]),
        ("3.14 and 1,000,000 or 3.5%", ["3.14", "and", "1,000,000", "or", "3.5"]),
        ("mail ada@example.org today", ["mail", "ada@example.org", "today"]),
        ("see https://example.org/a?b=1.", ["see", "https://example.org/a?b=1"]),
        ("don't", ["don't"]),
        ("don’t", ["don’t"]),
        ("New York-based", ["New", "York", "based"]),
        ("the U.S.A. grows", ["the", "U.S.A", "grows"]),
        ("snake_case __init__", ["snake_case", "__init__"]),
        ("привет, мир!", ["привет", "мир"]),
        ("שלום עולם", ["שלום", "עולם"]),
        ("مرحبا بالعالم", ["مرحبا", "بالعالم"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("naïve coöperation", ["naïve", "coöperation"]),
        ("", []),
        ("... -- !?", []),
        ("___", []),
    ],
)
def test_words_of_many_scripts(sentence, expected):
    """Words, numbers, addresses and emoji come out whole; punctuation and spaces do not."""
    assert texts(words(sentence)) == expected


@given(ANY_TEXT | TRICKY, st.sampled_from(sorted(TOKENIZERS)))
@example("a\u2028b\x85c\x0bd\x1ce\x00f", "words")
def test_offsets_slice_back_to_the_word(sentence, name):
    """Spans are in order, do not overlap, are not empty, and are slices of the sentence."""
    end = 0
    for span in TOKENIZERS[name](sentence):
        assert end <= span.start < span.end
        assert sentence[span.start : span.end] == span.text
        end = span.end


@given(st.text(alphabet=st.characters(max_codepoint=127), max_size=40))
@example("a.b a:b 1,2 1.2 a1.2b it's _a_ a_.b 1'2 a'1")
def test_ascii_words_are_those_of_the_standard(sentence):
    """On ASCII the short cut gives the words of UAX #29 (addresses apart)."""
    if not any(sign in sentence for sign in ADDRESS_SIGNS):
        assert [(w.text, w.start, w.end) for w in words(sentence)] == uax29_words(sentence)


@given(TRICKY | ANY_TEXT)
@example("बहुत आसान काम")
@example("ab'כ\"ל")
def test_unicode_words_are_those_of_the_standard(sentence):
    """On any text the segments that hold a letter or a digit are those of UAX #29."""
    if not any(sign in sentence for sign in ADDRESS_SIGNS):
        mine = [(w.text, w.start, w.end) for w in words(sentence)]
        mine = [word for word in mine if any(char.isalnum() for char in word[0])]
        assert mine == uax29_words(sentence)


@given(ANY_TEXT | TRICKY)
def test_every_letter_and_digit_is_in_a_word(sentence):
    """Nothing a reader would call a word is lost."""
    covered = {i for w in words(sentence) for i in range(w.start, w.end)}
    assert all(i in covered for i, char in enumerate(sentence) if char.isalnum())


@given(st.lists(st.sampled_from(["bank", "कम", "3.5", "don't", "é"]), max_size=6))
def test_words_between_spaces_are_themselves(parts):
    """Plain words with spaces between them come back as they were."""
    assert texts(words(" ".join(parts))) == parts


def test_whitespace_cuts_at_white_space_only():
    """Punctuation stays with its word."""
    assert texts(whitespace(" New  York-based,\tok? ")) == ["New", "York-based,", "ok?"]


def test_chars_are_what_a_reader_sees():
    """Grapheme clusters: an accent, a vowel sign or a joined emoji is no character of its own."""
    assert texts(chars("e\u0301 कि 👩‍👩‍👧 ab")) == ["e\u0301", "कि", "👩‍👩‍👧", "a", "b"]


KNOWN = {"do", "n't", "'s", "can't", "'re", "e-mail", "mother-in-law", "mother-in"}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("don't", ["do", "n't"]),
        ("don’t", ["do", "n’t"]),
        ("DON'T", ["DO", "N'T"]),
        ("can't", ["can't"]),  # the whole word is known
        ("bank's", ["bank", "'s"]),
        ("we've", ["we've"]),  # the ending is not known
        ("n't", ["n't"]),
        ("o'clock", ["o'clock"]),
    ],
)
def test_contractions_are_split_as_the_vocabulary_has_them(word, expected):
    """The ending is cut off when it is known and the whole word is not."""
    parts = split_contraction(Span(word, 3, 3 + len(word)), lambda w: w.lower() in KNOWN)
    assert texts(parts) == expected
    assert (parts[0].start, parts[-1].end) == (3, 3 + len(word))
    assert all(part.end - part.start == len(part.text) for part in parts)


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("send e-mail now", ["send", "e-mail", "now"]),
        ("York-based", ["York", "based"]),
        ("my mother-in-law", ["my", "mother-in-law"]),  # the longest compound
        ("e - mail", ["e", "mail"]),
        ("e--mail", ["e", "mail"]),
    ],
)
def test_compounds_are_joined_as_the_vocabulary_has_them(sentence, expected):
    """Words with one hyphen between them are one word when the vocabulary has it."""
    joined = join_compounds(sentence, words(sentence), KNOWN.__contains__)
    assert texts(joined) == expected
    assert all(sentence[span.start : span.end] == span.text for span in joined)


def steps(call):
    """How many lines of Python a call runs: a count that no busy machine can change."""
    count = 0

    def tracer(frame, event, _):
        nonlocal count
        count += event == "line"
        return tracer

    sys.settrace(tracer)
    try:
        call()
    finally:
        sys.settrace(None)
    return count


@pytest.mark.parametrize("name", sorted(TOKENIZERS))
@pytest.mark.parametrize("unit", ["ab cd ", "a@b.c ", "don't-know ", "क ", "www.a "])
def test_work_is_linear_in_the_length(name, unit):
    """Twice the text is at most 2.2 times the lines of Python run."""
    TOKENIZERS[name](unit)
    one = steps(lambda: TOKENIZERS[name](unit * 200))
    two = steps(lambda: TOKENIZERS[name](unit * 400))
    assert two <= 2.2 * one


HOSTILE = {
    "one letter": "a",
    "at signs": "@",
    "address beginnings": "a@",
    "dots": "a.",
    "dotted digits": "1.",
    "quotes": "'",
    "hyphens": "a-",
    "underscores": "_",
    "schemes": "http://",
    "www": "www.",
    "brackets": "(",
    "accents": "\u0301",
    "joiners": "\u200d",
    "flags": "🇮",
    "hebrew quotes": 'א"',
    "katakana": "カ",
    "emoji joined": "👩\u200d",
    "mixed": "é.",
}


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_repetition_ends(unit):
    """Texts that make a careless pattern quadratic end: 80,000 characters cost no 80,000² steps.

    The clock is only compared with itself: eight times the text may cost at most 8 · 4 times the
    time (a quadratic pattern would cost 64 times), and short times count as a millisecond.
    """
    from time import process_time

    def cost(length):
        text = (unit * length)[:length] + "!"
        start = process_time()
        words(text)
        return max(process_time() - start, 1e-3)

    cost(1000)
    assert min(cost(80_000) / cost(10_000) for _ in range(3)) < 32


def test_ascii_text_does_without_regex():
    """The short cut exists to save an import; the pattern it uses is the standard library's."""
    from attncli.text import words as module

    assert isinstance(module._ASCII_WORD, re.Pattern)
