"""Laws of the equations: every coefficient is its weight rounded, and they add up where they can."""

import re
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.views.equations import equation, equation_lines, rounded_to_sum
from attncli.views.ink import Ink, width_of

ROWS = st.lists(st.floats(0, 1, width=32), min_size=1, max_size=40).filter(lambda row: sum(row) > 0)


@given(ROWS, st.integers(1, 9))
def test_shares_rounded_to_their_sum_add_up_to_one(row, digits):
    """1.00 exactly, as a reader adds them; each is less than one unit from its weight."""
    weights = (np.array(row) / np.sum(row)).astype(np.float32)
    units = rounded_to_sum(weights, digits)
    assert sum(units) == 10**digits or digits > 6  # beyond the digits of float32
    assert abs(sum(units) - 10**digits) <= 10 ** (digits - 6)
    assert (np.abs(np.array(units) - weights.astype(np.float64) * 10**digits) <= 1).all()


@given(ROWS, st.integers(1, 4), st.integers(0, 2), st.integers(2, 12))
def test_every_coefficient_is_its_weight_correctly_rounded(row, digits, more, max_terms):
    """Read from the text: equal weights have equal coefficients, and a sum of 1 if digits allow."""
    weights = (np.array(row) / np.sum(row)).astype(np.float32)
    exact = [Decimal(float(weight)) for weight in weights]
    words = [f"w{i}" for i in range(len(row))]
    text = equation(words, 0, weights, digits=digits, beside=digits + more, max_terms=max_terms)
    pairs = re.findall(r"(\d\.(\d+))·w(\d+)", text)
    used = {len(decimals) for _, decimals, _ in pairs}
    assert len(used) == 1
    assert digits <= min(used) <= digits + more
    for coefficient, decimals, place in pairs:
        unit = Decimal(1).scaleb(-len(decimals))
        assert Decimal(coefficient) == exact[int(place)].quantize(unit, ROUND_HALF_EVEN)
    assert len(pairs) + ("the other" in text) == min(len(row), max_terms)
    terms = [Decimal(term) for term in re.findall(r"(\d\.\d+)·", text)]
    assert sum(terms) == 1 or used == {digits + more}


def test_the_lectures_notation():
    """money(new) = 0.78·money + 0.19·bank + 0.03·grows."""
    words = ["money", "bank", "grows"]
    text = equation(words, 0, np.array([0.779, 0.189, 0.032]))
    assert text == "money(new) = 0.78·money + 0.19·bank + 0.03·grows"


def test_a_long_row_shows_its_largest_terms_in_order():
    """The others are counted and their sum is shown."""
    row = np.array([0.05, 0.4, 0.01, 0.3, 0.02, 0.2, 0.02])
    text = equation(list("abcdefg"), 2, row, max_terms=4)
    assert text == "c(new) = 0.40·b + 0.30·d + 0.20·f + 0.10·(the other 4)"


def test_a_row_of_zeros_is_said():
    """Nothing to attend to."""
    assert equation(["a", "b"], 1, np.zeros(2)) == "b(new) = 0 (nothing to attend to)"


@given(st.integers(2, 30), st.integers(20, 100))
def test_equations_break_at_the_width(n, width):
    """No line is wider than the terminal, and joined they are the equation."""
    words = [f"word{i}" for i in range(n)]
    weights = np.full((n, n), 1 / n)
    lines = equation_lines(words, weights, Ink(), [0], width=width)
    texts = ["".join(part.text for part in line) for line in lines]
    assert all(width_of(text) <= width for text in texts)
    assert " ".join(text.strip() for text in texts) == equation(words, 0, weights[0])


@pytest.mark.parametrize("word", ["[/red]", "a\x1b[31m", "\u202ex", "%s"])
def test_words_are_shown_and_not_obeyed(word):
    """Markup and controls are text."""
    text = Ink().rendered(equation_lines([word], np.ones((1, 1)), Ink(), [0]))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text.count("1.00·") == 1
