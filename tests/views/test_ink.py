"""Laws of text in a terminal: widths, cuts, breaks and colors."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment

from attncli.views.ink import Ink, left, right, width_of, word, wrapped

ANSI = re.compile(r"\x1b\[[0-9;]*m")
TEXT = st.text(max_size=60)


@given(TEXT, st.integers(4, 40), st.booleans())
def test_a_word_is_never_wider_than_its_limit(text, limit, unicode):
    """Cut words end in …; nothing that a terminal obeys is in them."""
    shown = Ink(unicode=unicode).word(text, limit)
    assert width_of(shown) <= limit
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    assert unicode or shown.isascii()
    if shown.endswith("…") and not text.endswith("…"):
        assert len(text) > 1


def test_a_word_of_marks_does_not_run_away():
    """10,000 combining accents, or a word of a mebibyte, cost no more than their cell."""
    assert len(word("e" + "\u0301" * 10_000)) < 400
    assert word("x" * 2**20) == "x" * 39 + "…"


@given(TEXT, st.integers(0, 80))
def test_fillers_give_the_width_asked_for(text, width):
    """Or leave a wider text as it is."""
    shown = word(text)
    for filled in (left(shown, width), right(shown, width)):
        assert width_of(filled) == max(width, width_of(shown))
        assert filled.strip(" ") == shown.strip(" ")


@given(st.text(alphabet="ab é中 ", max_size=80), st.integers(4, 30), st.integers(0, 3))
def test_wrapped_lines_lose_no_word(text, width, indent):
    """Every piece is on some line, in order; a line is too wide only when it is one piece."""
    lines = wrapped(text, width, indent)
    assert " ".join(lines).split() == text.split()
    for line in lines:
        assert width_of(line.rstrip()) <= width or len(line.split()) == 1


@given(st.lists(TEXT.map(word), max_size=4), st.sampled_from([None, "truecolor", "256", "16"]))
def test_colors_do_not_change_the_text(texts, colors):
    """Without its escape codes a colored line is the plain one; without colors there are none."""
    ink = Ink(colors=colors)
    line = [ink.weight(text, 0.4) for text in texts] + [ink.bold("b"), ink.dim("d")]
    rendered = ink.rendered([line])
    assert ANSI.sub("", rendered) == "".join(texts) + "bd\n"
    assert bool(ANSI.search(rendered)) is (colors is not None)


@pytest.mark.parametrize(
    ("colors", "code"), [("truecolor", "48;2;68;1;84"), ("256", "48;5;53"), ("16", "44")]
)
def test_each_system_uses_its_own_codes(colors, code):
    """24-bit, 256 and 16 colors."""
    ink = Ink(colors=colors)
    assert code in ink.rendered([[ink.weight("0.00", 0.0)]])


def test_signs_are_spelled_in_ascii():
    """Where Unicode cannot be shown, no sign of a view is lost."""
    ink = Ink(unicode=False)
    assert ink.rendered([[Segment("0.78·x ÷ √50 … 1–9 → − × τ")]]) == (
        "0.78*x / sqrt 50 ... 1-9 -> - x T\n"
    )
    assert ink.plain("né") == r"n\xe9"
