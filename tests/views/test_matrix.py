"""Laws of the heat map: every row, every column and every digit is there, or its absence is said."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.views.ink import Ink, width_of
from attncli.views.matrix import hidden_lines, legend, matrix_lines, shown_tokens


def drawn_weights(seed, n):
    """Rows that sum to 1."""
    return np.random.default_rng(seed).dirichlet(np.ones(n), size=n).astype(np.float32)


def text_of(lines):
    """The lines as plain text."""
    return [line.rstrip() for line in Ink().rendered(lines).splitlines()]


def read_back(lines, words):
    """The numbers of a printed matrix, by row and column word."""
    found, columns = {}, []
    for line in text_of(lines):
        first, *rest = line.split() or [""]
        if not first or first == "…" or "hidden" in line:
            continue
        if line.startswith("    ") and first in words:
            columns = [first, *rest]
        else:
            found |= {(first, column): text for column, text in zip(columns, rest, strict=True)}
    return found


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(10, 200), st.integers(1, 9))
def test_every_number_is_printed_once_with_all_its_digits(seed, n, width, precision):
    """Whatever the width, blocks of columns hold the whole matrix."""
    words = [f"w{i}" for i in range(n)]
    weights = drawn_weights(seed, n)
    found = read_back(matrix_lines(words, weights, Ink(), width=width, precision=precision), words)
    assert found == {
        (row, column): f"{weights[i, j]:.{precision}f}"
        for i, row in enumerate(words)
        for j, column in enumerate(words)
    }


@given(
    st.integers(1, 30), st.integers(10, 120), st.lists(st.text(max_size=30), min_size=1, max_size=9)
)
def test_lines_fit_unless_one_column_alone_does_not(n, width, words):
    """A line is at most the width, or holds one column only; cells stand under their heading."""
    lines = matrix_lines(words, drawn_weights(n, len(words)), Ink(), width=width)
    for line in text_of(lines):
        assert width_of(line) <= width or len(re.findall(r"\d\.\d{3}", line)) <= 1
    assert not any("\x1b" in line or "\r" in line for line in text_of(lines))


@pytest.mark.parametrize("width", [40, 80, 200])
def test_long_sentences_say_what_is_hidden(width):
    """120 tokens: the first and last 32 in rows and columns, and a line that says 56 are hidden."""
    words = [f"w{i}" for i in range(120)]
    weights = drawn_weights(7, 120)
    lines = matrix_lines(words, weights, Ink(), width=width)
    kept = [*range(32), *range(88, 120)]
    note = hidden_lines(120, 64, Ink(), width)
    assert read_back(lines[: -len(note)], words) == {
        (words[i], words[j]): f"{weights[i, j]:.3f}" for i in kept for j in kept
    }
    assert text_of(lines)[-len(note) :] == text_of(note)
    assert "56 of 120" in text_of(note)[0]


def test_everything_can_be_asked_for():
    """--full hides nothing."""
    words = [f"w{i}" for i in range(120)]
    lines = matrix_lines(words, drawn_weights(7, 120), Ink(), everything=True)
    assert len(read_back(lines, words)) == 120 * 120
    assert "hidden" not in "".join(text_of(lines))


@given(st.integers(0, 300), st.integers(2, 64))
def test_shown_tokens_are_the_first_and_last(n, limit):
    """All when they fit, else half from each end."""
    shown = shown_tokens(n, limit=limit)
    assert shown == sorted(set(shown))
    if n <= limit:
        assert shown == list(range(n))
    else:
        assert len(shown) == limit // 2 * 2
        assert {0, n - 1} <= set(shown)


def test_long_words_are_cut_where_it_shows():
    """A label ends in … when it is cut; equal beginnings keep their own columns."""
    words = ["incomprehensibilities", "incomprehensible", "[/red]", "a\x1b[31mb"]
    text = "\n".join(text_of(matrix_lines(words, drawn_weights(1, 4), Ink(), width=100)))
    assert "incomprehensibi…" in text
    assert text.splitlines()[0].split() == ["incompreh…", "incompreh…", "[/red]", r"a\x1b[31mb"]


def test_wide_characters_keep_their_columns():
    """Numbers of CJK, emoji and combining words stand in one column."""
    words = ["中国", "e\u0301te\u0301", "🙂", "bank"]
    rows = text_of(matrix_lines(words, drawn_weights(2, 4), Ink()))[1:]
    ends = {width_of(row) for row in rows}
    assert len(ends) == 1


def test_ascii_words_keep_their_columns():
    """Where Unicode cannot be shown, escapes are counted as what they take."""
    words = ["naïve", "中国", "bank", "x" * 30]
    lines = matrix_lines(words, drawn_weights(2, 4), Ink(unicode=False))
    text = Ink(unicode=False).rendered(lines)
    assert text.isascii()
    assert r"na\xefve" in text
    assert len({len(line) for line in text.splitlines()}) == 1
    assert "x" * 13 + "..." in text


def test_the_legend_is_for_colors():
    """Without colors there is no scale to explain."""
    assert legend(Ink()) == []
    scale = Ink().rendered([legend(Ink(colors="256"))])
    assert [f"{i / 5:.1f}" for i in range(6)] == scale.split()[1:]
    for high in (0.17, 0.0013, 2e-6):
        numbers = Ink().rendered([legend(Ink(colors="256", high=high))]).split()[1:]
        assert len(set(numbers)) == 6
        assert float(numbers[-1]) == pytest.approx(high, rel=0.05)


def test_a_long_matrix_is_printed_fast():
    """120 tokens make at most 64 × 64 cells, each styled from a cache of at most 10,001 styles."""
    from attncli.views.ink import _cell_style

    words = [f"w{i}" for i in range(120)]
    ink = Ink(colors="truecolor")
    ink.rendered(matrix_lines(words, drawn_weights(5, 120), ink))
    assert _cell_style.cache_info().currsize <= 20_003
    lines = matrix_lines(words, drawn_weights(5, 120), ink)
    assert sum(len(line) for line in lines) < 64 * 64 + 4 * len(lines)
