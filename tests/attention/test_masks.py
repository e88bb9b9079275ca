"""Laws of the masks: who may see whom."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from attncli.attention.masks import attention_mask, causal_mask, self_mask, window_mask

SIZES = st.integers(1, 8)


@given(SIZES, SIZES)
def test_causal_sees_itself_and_what_came_before(n_q, n_k):
    """Entry (i, j) is True exactly when j ≤ i."""
    expected = [[j <= i for j in range(n_k)] for i in range(n_q)]
    np.testing.assert_array_equal(causal_mask(n_q, n_k), expected)


@given(SIZES, SIZES, st.integers(0, 9))
def test_window_sees_its_neighbors(n_q, n_k, window):
    """Entry (i, j) is True exactly when |i − j| ≤ window."""
    expected = [[abs(i - j) <= window for j in range(n_k)] for i in range(n_q)]
    np.testing.assert_array_equal(window_mask(n_q, n_k, window), expected)


@given(SIZES, st.booleans(), st.none() | st.integers(0, 9), st.booleans())
def test_masks_are_joined_by_and(n_tokens, causal, window, see_self):
    """A sentence's mask allows what every one of its masks allows; no mask is None."""
    mask = attention_mask(n_tokens, causal=causal, window=window, see_self=see_self)
    if not causal and window is None and see_self:
        assert mask is None
        return
    expected = [
        [
            (j <= i or not causal)
            and (window is None or abs(i - j) <= window)
            and (i != j or see_self)
            for j in range(n_tokens)
        ]
        for i in range(n_tokens)
    ]
    np.testing.assert_array_equal(mask, expected)


def test_without_self_nobody_sees_itself():
    """Only the diagonal is False."""
    np.testing.assert_array_equal(self_mask(3), 1 - np.eye(3))
