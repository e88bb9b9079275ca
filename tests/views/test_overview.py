"""The first screen: it fits a terminal, warns of unknown words, and loses nothing to `--show all`."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.insight.movement import movements
from attncli.mechanisms.general import GeneralAnalyser
from attncli.views.explain import explain_lines
from attncli.views.ink import Ink, width_of
from attncli.views.layout import Layout

LONG = (
    "the bank near the river raised the interest on every loan that a farmer had taken "
    "from it in the year before the flood came"
)
WORDS = st.lists(
    st.sampled_from(["money", "bank", "grows", "xyzzy", "銀行", "שלום", "internationalization"]),
    min_size=1,
    max_size=30,
)


def lines_of(command, *options):
    """What `attn explain` prints, as lines."""
    return command("explain", *options).text.splitlines()


@pytest.mark.parametrize("text", ["money bank grows", "river bank flows", "money xyzzy grows"])
@pytest.mark.parametrize("color", ["never", "always"])
def test_the_main_job_fits_a_terminal_of_24_lines(command, text, color):
    """Three words, one of them unknown perhaps, take at most 24 lines of 80 columns."""
    lines = lines_of(command, text, "--color", color, "--width", "80")
    assert len(lines) <= 24 - (0 if "xyzzy" in text else 1)  # and the prompt below it


def test_everything_is_there_when_asked_for(command):
    """`--show all` has every section, and the first screen says so."""
    shown = command("explain", "money bank grows").text
    assert "everything: --show all" in shown
    assert "dimensions" not in shown
    whole = command("explain", "money bank grows", "--show", "all").text
    for heading in ("tokens\n", "weights:", "weighted sums", "new embeddings\n", "how far"):
        assert heading in whole


def test_an_unknown_word_is_marked_on_the_first_screen(command):
    """Of the tokens those alone are listed that a reader must be warned of, with their places."""
    shown = command("explain", "money xyzzy bank").text
    assert "tokens\n  1  xyzzy  ! unknown: a seeded random vector\n\n" in shown


def test_a_sentence_wider_than_the_terminal_is_told_by_its_strongest_words(command):
    """A line a word; the whole matrix comes with a wide terminal, `--full` or `--show`."""
    lines = lines_of(command, LONG, "--width", "80")
    assert len(lines) <= len(LONG.split()) + 12
    assert "weights: the 3 strongest of each row" in lines
    for options in (("--width", "300"), ("--full",), ("--show", "weights")):
        whole = lines_of(command, LONG, *options)
        assert "weights: each row is a word that attends, each column what it attends to" in whole
    assert "weights: the 5 strongest of each row" in lines_of(command, LONG, "--top", "5")
    hidden = lines_of(command, "money bank " * 60)
    assert sum("56 of 120 words are hidden" in line for line in hidden) == 1
    assert any("w₁₁" in line for line in lines_of(command, LONG, "--notation", "lecture"))


def test_rows_that_weigh_nothing_are_not_shown_twice(command):
    """The mean of several heads has no equations, so its rows stand in the matrix alone."""
    shown = command("explain", "a piece of cake", "--model", "idioms").text
    assert "weights:" in shown
    assert "no equations" not in shown
    whole = command("explain", "a piece of cake", "--model", "idioms", "--show", "all").text
    assert "no equations" in whole


@given(WORDS, st.integers(30, 120), st.booleans())
def test_every_line_of_words_that_moved_fits(glove, words, width, unicode):
    """Nearest words are left out, never cut, where there is no room; each word keeps its cosine."""
    analyser = GeneralAnalyser(glove, include=frozenset({"embeddings"}))
    result = next(analyser([" ".join(words)]))
    moved = movements(result, glove)
    layout = Layout(width=width, overview=True)
    ink = Ink(unicode=unicode)
    lines = ink.rendered(explain_lines(result, moved, ink, layout)).splitlines()
    start = next(i for i, line in enumerate(lines) if "moved" in line)
    assert all(width_of(line) <= width for line in lines[start:])
    if len(moved) <= 12:
        told = [line for line in lines[start:] if any(f"{m.cosine:6.3f}" in line for m in moved)]
        assert len(told) == len(moved)
