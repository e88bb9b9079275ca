"""Laws of attention word by word: it is attention of the tokens, made once for equal words."""

import math

import numpy as np
import pytest
from oracles import attention_by_loops

from attncli.attention.by_words import (
    attend_words,
    distinct_words,
    surely_finite,
    token_weights,
)
from attncli.errors import NumericError

N_TOKENS, N_WORDS, DIM = 90, 23, 5


@pytest.fixture(autouse=True)
def small_squares(monkeypatch):
    """Squares of a few words, so that there are many of them, the last ones smaller."""
    monkeypatch.setattr("attncli.attention.by_words._SIDE", 4)
    monkeypatch.setattr("attncli.attention.by_words._LEAST_ROWS", 3)


def a_text(size):
    """The rows of a text's tokens, and vectors (n_rows, dim) among which are those of its words."""
    rng = np.random.default_rng(0)
    rows = rng.choice(40, N_WORDS, replace=False)[rng.integers(N_WORDS, size=N_TOKENS)]
    return rows, (rng.standard_normal((40, DIM)) * size).astype(np.float32)


@pytest.mark.parametrize(
    ("size", "scale"), [(1.0, 0.4), (0.0, 1.0), (4.0, 1.0), (30.0, 1.0), (1e3, 2.0), (1.0, 1e-4)]
)
def test_words_have_the_attention_of_their_tokens(size, scale):
    """Scores that are raised as they are, and those of which the largest is taken off first."""
    rows, vectors = a_text(size)
    words = distinct_words(rows)
    x = vectors[words.rows]
    assert surely_finite(x, scale) == (size < 5)
    new, log_totals = attend_words(x, x, words, scale=scale)
    weights = token_weights(x, log_totals, words, scale=scale)
    tokens = vectors[rows]
    expected, expected_weights = attention_by_loops(tokens, tokens, tokens, scale=scale)
    np.testing.assert_allclose(
        new[words.which], expected, rtol=1e-12, atol=1e-12 * (size or 1.0) * max(1.0, scale)
    )
    np.testing.assert_allclose(weights, expected_weights, rtol=2e-7, atol=1e-12)


def test_words_whose_scores_are_small_are_raised_in_float32():
    """Within 1e-6, in any mixture with others; values too large for sums in float32 are not."""
    rows, vectors = a_text(1.0)
    vectors[::3] *= 3
    small = (np.square(vectors).sum(axis=1) < 8).astype(np.float32)
    words = distinct_words(rows, small)
    assert 0 < words.n_small < len(words.rows)
    x = vectors[words.rows]
    new, _ = attend_words(x, x, words, scale=0.4)
    exact, _ = attend_words(x, x, words._replace(n_small=0), scale=0.4)
    assert not np.array_equal(new, exact)
    np.testing.assert_allclose(new, exact, rtol=1e-6, atol=1e-6)
    large = x * np.float32(1e35)
    of_large, _ = attend_words(x, large, words, scale=0.4)
    np.testing.assert_allclose(of_large, exact * 1e35, rtol=1e-6, atol=1e29)


def test_words_stand_in_the_order_of_the_text():
    """Whatever rows their vectors have in memory, so that sums do not depend on texts read before."""
    rows, _ = a_text(1.0)
    other = np.random.default_rng(1).permutation(40)
    one, two = distinct_words(rows), distinct_words(other[rows])
    np.testing.assert_array_equal(other[one.rows], two.rows)
    np.testing.assert_array_equal(one.which, two.which)
    np.testing.assert_array_equal(one.counts, two.counts)
    np.testing.assert_array_equal(one.rows[one.which], rows)
    assert one.counts.sum() == N_TOKENS


def test_what_is_not_finite_is_said():
    """A scale is refused as `attend` refuses it; scores beyond float64 leave no number."""
    rows, vectors = a_text(1e38)
    words = distinct_words(rows)
    x = vectors[words.rows]
    with pytest.raises(NumericError, match="scale"):
        attend_words(x, x, words, scale=math.inf)
    with np.errstate(over="ignore", invalid="ignore"):
        _, log_totals = attend_words(x, x, words, scale=1e300)
    assert not np.isfinite(log_totals).all()
