"""Laws of general attention: query = key = value = the embeddings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import attention_by_loops, score_rows
from textbook import general_attention

from attncli.attention.general import score_scale, unit_rows
from attncli.attention.masks import attention_mask

SCORES = st.sampled_from(["scaled", "dot", "cosine"])
SEEDS = st.integers(0, 2**32 - 1)


@given(
    SEEDS,
    st.integers(1, 6),
    st.integers(1, 9),
    SCORES,
    st.floats(0.05, 20),
    st.booleans(),
    st.none() | st.integers(0, 4),
    st.booleans(),
)
def test_every_score_mask_and_temperature_equals_three_loops(
    seed, n_tokens, dim, score, temperature, causal, window, see_self
):
    """Weights and new embeddings are those of three plain loops to 1e-6."""
    x = np.random.default_rng(seed).standard_normal((n_tokens, dim))
    mask = attention_mask(n_tokens, causal=causal, window=window, see_self=see_self)
    contextual, weights = general_attention(x, score=score, temperature=temperature, mask=mask)
    rows, scale = score_rows(x, score)
    expected = attention_by_loops(
        rows,
        rows,
        x,
        scale=scale / temperature,
        allowed=lambda i, j: mask is None or bool(mask[i, j]),
    )
    np.testing.assert_allclose(contextual, expected[0], atol=1e-9)
    np.testing.assert_allclose(weights, expected[1], atol=1e-9)


@given(SEEDS, st.integers(1, 6), SCORES)
def test_general_attention_is_the_same_in_a_stack(seed, n_tokens, score):
    """Leading axes are independent sentences."""
    stack = np.random.default_rng(seed).standard_normal((3, n_tokens, 5))
    contextual, weights = general_attention(stack, score=score)
    for i, x in enumerate(stack):
        alone = general_attention(x, score=score)
        np.testing.assert_allclose(contextual[i], alone[0], atol=1e-12)
        np.testing.assert_allclose(weights[i], alone[1], atol=1e-12)


@given(SEEDS, st.floats(1e-3, 1e3))
def test_cosine_does_not_see_lengths(seed, factor):
    """Scaling every embedding leaves the weights of the cosine score as they are."""
    x = np.random.default_rng(seed).standard_normal((4, 3))
    one = general_attention(x, score="cosine")[1]
    other = general_attention(x * factor, score="cosine")[1]
    np.testing.assert_allclose(one, other, atol=1e-12)


@pytest.mark.parametrize(("score", "scale"), [("scaled", 0.25), ("dot", 1.0), ("cosine", 1.0)])
def test_only_the_scaled_score_divides(score, scale):
    """scaled is 1/√d; dot and cosine are as they are."""
    assert score_scale(score, 16) == scale


def test_unit_rows_do_not_overflow_and_keep_zeros():
    """Rows of 3e38 in float32 get the length 1; a row of zeros stays zeros."""
    rows = unit_rows(np.array([[3e38, 3e38], [0, 0], [1e-40, 0]], dtype=np.float32))
    np.testing.assert_allclose(np.linalg.norm(rows, axis=-1), [1, 0, 1], atol=1e-6)


def test_a_low_temperature_sharpens_and_a_high_one_flattens():
    """The largest weight of each row falls as the temperature rises."""
    x = np.random.default_rng(0).standard_normal((5, 8))
    peaks = [general_attention(x, temperature=t)[1].max(-1) for t in (0.25, 1, 4)]
    assert (peaks[0] > peaks[1]).all()
    assert (peaks[1] > peaks[2]).all()
