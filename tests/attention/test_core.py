"""Laws of attention: scores, softmax, masks, shared heads."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import attention_by_loops

from attncli.attention.core import attend, attention_scores, masked, softmax
from attncli.errors import ShapeError

SIZES = st.integers(1, 6)
SEEDS = st.integers(0, 2**32 - 1)


def drawn(seed, *shapes, dtype=np.float64):
    """Normal arrays of these shapes."""
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(dtype) for shape in shapes]


@given(SEEDS, SIZES, SIZES, SIZES, SIZES, st.booleans(), st.sampled_from([None, 0.5, 5.0]))
def test_attend_equals_three_loops(seed, n_q, n_k, d_k, d_v, causal, softcap):
    """Weights and contextual vectors equal three plain loops, whatever the sizes and the mask."""
    query, key, value = drawn(seed, (n_q, d_k), (n_k, d_k), (n_k, d_v))
    mask = np.random.default_rng(seed).random((n_q, n_k)) < 0.7
    contextual, weights = attend(query, key, value, mask=mask, causal=causal, softcap=softcap)
    expected = attention_by_loops(
        query,
        key,
        value,
        scale=d_k**-0.5,
        allowed=lambda i, j: mask[i, j] and (j <= i or not causal),
        softcap=softcap,
    )
    np.testing.assert_allclose(contextual, expected[0], atol=1e-12)
    np.testing.assert_allclose(weights, expected[1], atol=1e-12)


@given(SEEDS, SIZES, SIZES)
def test_float32_is_within_a_millionth(seed, n_tokens, d):
    """In float32 the weights stay within 1e-6 of the loops in float64, and so does their sum."""
    (x,) = drawn(seed, (n_tokens, d), dtype=np.float32)
    contextual, weights = attend(x, x, x)
    assert weights.dtype == contextual.dtype == np.float32
    expected = attention_by_loops(x, x, x, scale=d**-0.5)
    np.testing.assert_allclose(weights, expected[1], atol=1e-6)
    np.testing.assert_allclose(contextual, expected[0], atol=3e-6)
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-6)


@given(SEEDS, st.integers(2, 7), SIZES)
def test_permuting_tokens_permutes_weights_and_vectors(seed, n_tokens, d):
    """Self-attention without positions does not know the order of the tokens."""
    (x,) = drawn(seed, (n_tokens, d))
    order = np.random.default_rng(seed).permutation(n_tokens)
    contextual, weights = attend(x, x, x)
    again, moved = attend(x[order], x[order], x[order])
    np.testing.assert_allclose(again, contextual[order], atol=1e-12)
    np.testing.assert_allclose(moved, weights[order][:, order], atol=1e-12)


@given(SEEDS, SIZES, SIZES, st.floats(-1e4, 1e4))
def test_adding_a_constant_to_a_row_changes_nothing(seed, n_q, n_k, constant):
    """Softmax is the same for scores and for scores + c."""
    (scores,) = drawn(seed, (n_q, n_k))
    np.testing.assert_allclose(softmax(scores + constant), softmax(scores.copy()), atol=1e-11)


@given(SEEDS, SIZES, SIZES)
def test_causal_is_aligned_top_left(seed, n_q, n_k):
    """Query i gives nothing to keys after i, also when queries and keys differ in number."""
    query, key = drawn(seed, (n_q, 3), (n_k, 3))
    _, weights = attend(query, key, key, causal=True)
    assert (np.triu(weights, k=1) == 0).all()
    assert weights[0, 0] == 1
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-12)


@given(SEEDS, SIZES, SIZES)
def test_additive_and_boolean_masks_agree(seed, n_q, n_k):
    """−inf in an additive mask is the same as False in a boolean one; finite entries are added."""
    query, key, value, bias = drawn(seed, (n_q, 4), (n_k, 4), (n_k, 2), (n_q, n_k))
    allowed = np.random.default_rng(seed).random((n_q, n_k)) < 0.6
    boolean = attend(query, key, value, mask=allowed)
    additive = attend(query, key, value, mask=np.where(allowed, 0.0, -np.inf))
    for one, other in zip(boolean, additive, strict=True):
        np.testing.assert_array_equal(one, other)
    biased = attend(query, key, value, mask=bias)[1]
    expected = softmax(attention_scores(query, key) + bias)
    np.testing.assert_allclose(biased, expected, atol=1e-12)


def test_causal_joins_either_kind_of_mask():
    """The triangle holds beside a boolean and beside an additive mask."""
    (x,) = drawn(1, (4, 3))
    keep = np.array([[True, False, True, True]])
    boolean = attend(x, x, x, mask=keep, causal=True)[1]
    additive = attend(x, x, x, mask=np.where(keep, 0.0, -np.inf), causal=True)[1]
    np.testing.assert_array_equal(boolean, additive)
    assert (boolean[:, 1] == 0).all()
    assert (np.triu(boolean, k=1) == 0).all()


@pytest.mark.parametrize("mask", [np.zeros((2, 3), dtype=bool), np.full((2, 3), -np.inf)])
def test_a_row_with_every_key_masked_is_zeros(mask):
    """Nothing to attend to gives zeros, no NaN and no warning."""
    query, key = drawn(0, (2, 4), (3, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        contextual, weights = attend(query, key, key, mask=mask)
    assert not weights.any()
    assert not contextual.any()


@pytest.mark.parametrize(("dtype", "near"), [(np.float32, 1e-3), (np.float64, 1e-9)])
def test_huge_scores_do_not_overflow(dtype, near):
    """Scores of ±1e4 give weights that sum to 1 (a float32 score of 1e4 is rounded by 5e-4)."""
    x = np.array([[100.0, 0.0], [-100.0, 0.0], [99.99, 1.0]], dtype=dtype)
    contextual, weights = attend(x, x, x, scale=1.0)
    expected = attention_by_loops(x, x, x, scale=1.0)
    np.testing.assert_allclose(weights, expected[1], atol=near)
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-6)
    np.testing.assert_allclose(contextual, expected[0], rtol=near, atol=near)


def test_half_precision_is_widened():
    """float16 embeddings of 300 values of 60 overflow float16, and must not."""
    x = np.full((2, 300), 60, dtype=np.float16)
    contextual, weights = attend(x, x, x)
    np.testing.assert_array_equal(weights, np.full((2, 2), 0.5))
    np.testing.assert_array_equal(contextual, np.full((2, 300), 60))


def test_whole_numbers_are_computed_as_float64():
    """Integer arrays are as good as float64 ones."""
    x = np.array([[1, 0], [0, 2]])
    np.testing.assert_array_equal(attend(x, x, x)[1], attend(*[x.astype(float)] * 3)[1])


@given(SEEDS, st.sampled_from([1, 2, 3]), st.sampled_from([1, 2]), SIZES, SIZES)
def test_shared_heads_serve_groups_of_query_heads(seed, groups, n_kv, n_q, n_k):
    """Key head h serves query heads h·g … h·g+g−1, in every batch."""
    n_heads = groups * n_kv
    query, key, value = drawn(seed, (2, n_heads, n_q, 3), (2, n_kv, n_k, 3), (2, n_kv, n_k, 5))
    contextual, weights = attend(query, key, value)
    assert weights.shape == (2, n_heads, n_q, n_k)
    for batch in range(2):
        for head in range(n_heads):
            shared = head // groups
            expected = attention_by_loops(
                query[batch, head], key[batch, shared], value[batch, shared], scale=3**-0.5
            )
            np.testing.assert_allclose(contextual[batch, head], expected[0], atol=1e-12)
            np.testing.assert_allclose(weights[batch, head], expected[1], atol=1e-12)


@given(SEEDS, st.floats(0.1, 50))
def test_softcap_bounds_the_scores(seed, softcap):
    """Capped scores are softcap · tanh(score / softcap): within the cap, in the same order."""
    query, key = drawn(seed, (3, 4), (5, 4))
    plain = attention_scores(10 * query, key)
    capped = attention_scores(10 * query, key, softcap=softcap)
    np.testing.assert_allclose(capped, softcap * np.tanh(plain / softcap), atol=1e-12)
    assert (np.abs(capped) <= softcap).all()


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", ["boolean", "additive", "causal"])
def test_what_a_masked_position_holds_never_reaches_the_result(poison, kind):
    """NaN or infinity in a masked key or value leaves no trace."""
    (x,) = drawn(2, (4, 3))
    spoiled = x.copy()
    spoiled[3] = poison
    keep = np.array([[True, True, True, False]])
    options = {
        "boolean": {"mask": keep},
        "additive": {"mask": np.where(keep, 0.0, -np.inf)},
        "causal": {"causal": True},
    }[kind]
    query = x[:3]
    with np.errstate(invalid="ignore"):
        got = attend(query, spoiled, spoiled, **options)
    clean = attend(query, x, x, **options)
    for one, other in zip(got, clean, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_a_seen_value_holds_reaches_the_rows_that_see_it():
    """NaN is not hidden where it counts: only rows that see it become NaN."""
    (x,) = drawn(3, (3, 2))
    value = x.copy()
    value[2] = np.nan
    contextual, _ = attend(x, x, value, causal=True)
    assert np.isfinite(contextual[:2]).all()
    assert np.isnan(contextual[2]).all()


def test_masked_leaves_its_input_alone():
    """Masking makes a new array."""
    scores = np.zeros((2, 2))
    masked(scores, np.array([[True, False]]))
    assert not scores.any()


def test_attend_leaves_its_inputs_alone():
    """Queries, keys, values and masks are not written to."""
    query, key, value = drawn(5, (2, 3), (4, 3), (4, 2))
    mask = np.zeros((2, 4))
    kept = [array.copy() for array in (query, key, value, mask)]
    attend(query, key, value, mask=mask, causal=True, softcap=1.0)
    for array, copy in zip((query, key, value, mask), kept, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize(
    ("shapes", "named"),
    [
        (((2, 3), (4, 5), (4, 5)), ["(2, 3)", "(4, 5)"]),
        (((2, 3), (4, 3), (6, 3)), ["(4, 3)", "(6, 3)"]),
        (((3,), (4, 3), (4, 3)), ["(3,)", "(4, 3)"]),
        (((6, 2, 3), (4, 5, 3), (4, 5, 3)), ["6", "4"]),
        (((2, 1, 2, 3), (3, 1, 5, 3), (3, 1, 5, 3)), ["(2, 1, 2, 3)", "(3, 1, 5, 3)"]),
        (((2, 2, 3), (2, 5, 3), (3, 5, 3)), ["2", "3"]),
        (((2, 0), (4, 0), (4, 3)), ["(2, 0)", "d_k"]),
    ],
)
def test_shapes_that_do_not_fit_are_named(shapes, named):
    """The message of a ShapeError holds both shapes."""
    with pytest.raises(ShapeError) as caught:
        attend(*drawn(0, *shapes))
    for shape in named:
        assert shape in str(caught.value)


@pytest.mark.parametrize("shape", [(3, 3), (2, 3), (5, 2, 4)])
def test_a_mask_that_does_not_fit_is_named(shape):
    """The message holds the shapes of the mask and of the scores."""
    query, key = drawn(0, (2, 3), (4, 3))
    with pytest.raises(ShapeError) as caught:
        attend(query, key, key, mask=np.ones(shape, dtype=bool))
    assert str(shape) in str(caught.value)
    assert "(2, 4)" in str(caught.value)


def test_a_mask_of_whole_numbers_is_refused():
    """0 and 1 could mean "may attend" or "add this": the caller has to say which."""
    (x,) = drawn(0, (2, 3))
    with pytest.raises(ShapeError, match="int64"):
        attend(x, x, x, mask=np.array([[1, 0]]))


def test_no_keys_give_zeros():
    """An empty key axis is a row with nothing to attend to."""
    query, key = drawn(0, (2, 3), (0, 3))
    contextual, weights = attend(query, key, np.zeros((0, 5)))
    assert weights.shape == (2, 0)
    np.testing.assert_array_equal(contextual, np.zeros((2, 5)))
