"""Laws of the measures: entropy, self-weights, how far each word moved."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import cosine_by_loops

from attncli.insight.chosen_part import Part
from attncli.insight.measures import (
    entropy,
    measures,
    measures_of_tokens,
    row_cosines,
    self_weights,
    with_measures,
)
from attncli.insight.select import select_heads
from attncli.insight.tokens import hide_tokens

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS, st.integers(1, 8))
def test_entropy_is_that_of_the_definition(seed, n):
    """−Σ w·ln w of each row, between 0 and ln n."""
    weights = np.random.default_rng(seed).dirichlet(np.full(n, 0.3), size=n)
    found = entropy(weights)
    expected = [-math.fsum(w * math.log(w) for w in row if w > 0) for row in weights.tolist()]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert (found >= 0).all()
    assert (found <= math.log(n) + 1e-12).all()


@pytest.mark.parametrize(
    ("row", "nats"),
    [([1, 0, 0], 0), ([1 / 3] * 3, math.log(3)), ([0, 0, 0], 0), ([0.5, 0.5, 0], math.log(2))],
)
def test_entropy_of_rows_everyone_knows(row, nats):
    """One key, uniform, nothing to attend to, a coin."""
    assert entropy(np.array([row], dtype=np.float32)) == pytest.approx([nats], abs=1e-6)


@given(SEEDS, st.integers(1, 5))
def test_row_cosines_are_of_each_old_vector_with_its_new_one(seed, n):
    """1 when a vector stayed, 0 for zeros, within −1 … 1 whatever the size."""
    rng = np.random.default_rng(seed)
    before, after = rng.standard_normal((2, n, 3)).astype(np.float32)
    after[0] = 0
    expected = [cosine_by_loops(one, other) for one, other in zip(before, after, strict=True)]
    np.testing.assert_allclose(row_cosines(before, after), expected, atol=1e-6)
    np.testing.assert_allclose(row_cosines(before, before * 2), 1, atol=1e-6)
    big = np.full((1, 3), 3e38, dtype=np.float32)
    assert row_cosines(big, big) == pytest.approx(1)


def test_self_weights_are_the_diagonal():
    """Of each layer and head."""
    weights = np.arange(18.0).reshape(1, 2, 3, 3)
    np.testing.assert_array_equal(self_weights(weights), [[[0, 4, 8], [9, 13, 17]]])


def test_measures_are_plain_numbers(results):
    """Entropy and self-weight of each layer, head and token; the mean; how far each moved."""
    found = measures(results[0])
    assert set(found) == {"entropy", "self_weight", "mean_self_weight", "moved"}
    assert np.shape(found["entropy"]) == np.shape(found["self_weight"]) == (1, 1, 3)
    assert found["mean_self_weight"] == pytest.approx(np.mean(found["self_weight"]), abs=1e-7)
    assert len(found["moved"]) == 3


def test_measures_of_a_part_are_those_of_what_it_shows(results):
    """Entropies are of the rows that are left; how far a token moved no choice of others changes."""
    whole = with_measures(results[0])
    assert whole.measures == measures(results[0])
    first = whole.words[0]
    part = Part(hide=(first,)).of(whole)
    assert part.measures["entropy"] == entropy(part.weights).tolist()
    assert part.measures["self_weight"] == self_weights(part.weights).tolist()
    kept = [at for at, text in enumerate(whole.words) if text != first]
    assert part.measures["moved"] == [whole.measures["moved"][at] for at in kept]


def test_a_choice_keeps_of_the_measures_those_of_its_tokens(results):
    """Without the old vectors the way of each token is still told; entropies of others are not."""
    whole = replace(with_measures(results[0]), embeddings=None, value=None)
    moves = whole.measures["moved"]
    assert measures_of_tokens(whole) == {"moved": moves}
    assert measures_of_tokens(whole, [2, 0]) == {"moved": [moves[2], moves[0]]}
    assert select_heads(whole, [0]).measures == {"moved": moves}
    assert hide_tokens(whole, (whole.words[0],)).measures == {"moved": moves[1:]}
    assert measures_of_tokens(results[0]) is None
