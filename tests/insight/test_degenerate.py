"""Laws of matrices that show nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.insight.degenerate import RowsSeen, degenerate, degenerate_in


@pytest.mark.parametrize(
    ("weights", "kind"),
    [
        (np.eye(3), "one-key"),
        (np.eye(3)[::-1], "one-key"),  # also when the key is another word
        ([[0.981, 0.019], [0.015, 0.985]], "one-key"),
        ([[0.979, 0.021], [0.015, 0.985]], None),
        (np.full((4, 4), 0.25), "uniform"),
        ([[0.509, 0.491], [0.5, 0.5]], "uniform"),
        ([[0.511, 0.489], [0.5, 0.5]], None),
        ([[0.7, 0.3], [0.2, 0.8]], None),
        ([[1.0]], None),  # one word has nothing to compare
        (np.zeros((2, 2)), "uniform"),
    ],
)
def test_the_thresholds_are_those_of_the_definition(weights, kind):
    """One weight above 0.98 in every row, or all weights of every row within 0.02."""
    assert degenerate(np.array(weights)) == kind


@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_masked_keys_do_not_count(n, seed):
    """A causal mask does not make a matrix degenerate by its zeros, nor by its first row."""
    mask = np.tri(n, dtype=bool)
    uniform = mask / mask.sum(-1, keepdims=True)
    assert degenerate(uniform, mask) == ("uniform" if n > 1 else None)
    assert degenerate(np.eye(n), mask) == ("one-key" if n > 1 else None)
    mixed = np.where(mask, np.random.default_rng(seed).uniform(1, 2, (n, n)), 0)
    mixed[:, 0] *= 1.5
    mixed /= mixed.sum(-1, keepdims=True)
    assert degenerate(mixed, mask) in (None, "uniform")


@given(st.integers(1, 7), st.integers(0, 3), st.booleans(), st.integers(0, 2**32 - 1))
def test_a_stack_holds_the_degenerate_matrices_found_one_by_one(n, window, masked, seed):
    """Under no mask and under windows, of sharp, flat and plain matrices, none is lost or added."""
    rng = np.random.default_rng(seed)
    near = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) <= window
    mask = near if masked else None
    powers = np.exp(rng.standard_normal((9, n, n)) * np.repeat([0.0, 1.0, 50.0], 3)[:, None, None])
    powers = np.where(near, powers, 0) if masked else powers
    weights = powers / powers.sum(-1, keepdims=True)
    alone = {at: kind for at, one in enumerate(weights) if (kind := degenerate(one, mask))}
    assert degenerate_in(weights, mask) == alone
    seen = window if masked else n - 1
    assert alone.get(0) == ("uniform" if min(n - 1, seen) else None)


@given(st.integers(1, 7), st.integers(1, 4), st.booleans(), st.sampled_from([0.0, 1.0, 9.0]))
def test_rows_seen_some_at_a_time_are_those_of_the_whole(n, step, causal, spread):
    """Whether one looks at a matrix at once or by blocks of its rows, with a mask or without."""
    mask = np.tri(n, dtype=bool) if causal else None
    scores = spread * np.random.default_rng(n).standard_normal((n, n))
    weights = np.exp(scores) * (1 if mask is None else mask)
    weights /= weights.sum(-1, keepdims=True)
    rows = RowsSeen()
    for start in range(0, n, step):
        some = slice(start, start + step)
        rows.see(weights[None, some], None if mask is None else mask[some])
    assert rows.kind == degenerate(weights, mask)
