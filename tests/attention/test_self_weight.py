"""Laws of the temperature that gives a wanted mean self-weight."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.attention.masks import attention_mask
from attncli.attention.self_weight import self_weight_range, solve_temperature

SEEDS = st.integers(0, 2**32 - 1)


def mean_self_weight(scores, mask=None):
    """The mean of the diagonal of the weights, by plain loops."""
    n = len(scores)
    total = 0.0
    for i in range(n):
        seen = [j for j in range(n) if mask is None or mask[i, j]]
        peak = max(scores[i][j] for j in seen)
        powers = {j: math.exp(scores[i][j] - peak) for j in seen}
        total += powers.get(i, 0.0) / sum(powers.values())
    return total / n


def scores_of(seed, n_tokens, spread=1.0):
    """Scores of random embeddings."""
    x = np.random.default_rng(seed).standard_normal((n_tokens, 6)) * spread
    return x @ x.T


@given(SEEDS, st.integers(2, 9), st.floats(0.02, 0.98), st.sampled_from([1e-3, 1.0, 30.0]))
def test_the_target_is_reached(seed, n_tokens, target, spread):
    """The mean self-weight at the found temperature is the target to 1e-9."""
    scores = scores_of(seed, n_tokens, spread)
    low, high = self_weight_range(scores)
    found = solve_temperature(scores, target)
    if found is None:
        assert not low + 1e-6 < target < high - 1e-6
    else:
        assert math.isclose(mean_self_weight(scores / found), target, abs_tol=1e-9)


@given(SEEDS, st.integers(2, 7))
def test_the_target_is_reached_under_a_mask(seed, n_tokens):
    """With a causal mask the weights that count are the masked ones."""
    scores = scores_of(seed, n_tokens)
    mask = attention_mask(n_tokens, causal=True)
    low, high = self_weight_range(scores, mask)
    target = (low + high) / 2
    found = solve_temperature(scores, target, mask)
    assert found is not None
    assert math.isclose(mean_self_weight(scores / found, mask), target, abs_tol=1e-9)


@pytest.mark.parametrize("scores", [np.zeros((3, 3)), np.ones((1, 1)), np.full((2, 2), 7.0)])
def test_equal_scores_reach_only_the_uniform_weight(scores):
    """When all scores are equal the temperature changes nothing."""
    n_tokens = len(scores)
    assert solve_temperature(scores, 1 / n_tokens) == 1.0
    assert solve_temperature(scores, 0.37) is None
    assert self_weight_range(scores) == pytest.approx((1 / n_tokens, 1 / n_tokens))
