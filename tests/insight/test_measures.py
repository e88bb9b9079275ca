"""Laws of the measures: entropy, self-weights, how far each word moved."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import cosine_by_loops

from attncli.insight.measures import entropy, measures, moved, self_weights

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
def test_moved_is_the_cosine_of_old_and_new(seed, n):
    """1 when a vector stayed, 0 for zeros, within −1 … 1 whatever the size."""
    rng = np.random.default_rng(seed)
    before, after = rng.standard_normal((2, n, 3)).astype(np.float32)
    after[0] = 0
    expected = [cosine_by_loops(one, other) for one, other in zip(before, after, strict=True)]
    np.testing.assert_allclose(moved(before, after), expected, atol=1e-6)
    np.testing.assert_allclose(moved(before, before * 2), 1, atol=1e-6)
    big = np.full((1, 3), 3e38, dtype=np.float32)
    assert moved(big, big) == pytest.approx(1)


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
