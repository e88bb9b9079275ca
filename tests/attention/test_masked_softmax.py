"""The softmax under a mask: compiled and by numpy, it is the plain one to the last bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from ways import WAYS, taken

from attncli.attention import core
from attncli.attention.core import masked, masked_softmax, softmax

_SCORES = st.one_of(
    st.floats(-50, 50, width=32),
    st.sampled_from([0.0, -0.0, 1e-45, -np.inf, np.inf, np.nan, 3e38, -3e38]),
)


@st.composite
def _scores_and_mask(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Scores of sentences and heads, and a mask that broadcasts to them."""
    n_sentences, n_heads = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    n_q, n_k = draw(st.integers(1, 4)), draw(st.integers(1, 19))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    shape = (n_sentences, n_heads, n_q, n_k)
    scores = draw(hnp.arrays(np.float32, shape, elements=_SCORES)).astype(dtype)
    leading = draw(
        st.sampled_from(
            [(), (1,), (n_heads,), (1, n_heads), (n_sentences, 1), (n_sentences, n_heads)]
        )
    )
    small = draw(st.sampled_from([(n_q, n_k), (1, n_k), (n_q, 1), (1, 1)]))
    kind = draw(st.sampled_from([np.bool_, dtype]))
    values = st.booleans() if kind is np.bool_ else st.sampled_from([0.0, -1.5, -np.inf])
    return scores, draw(hnp.arrays(kind, (*leading, *small), elements=values))


@pytest.mark.parametrize("way", WAYS)
@given(given=_scores_and_mask())
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_masked_softmax_is_the_plain_one(
    way: str, given: tuple[np.ndarray, np.ndarray]
) -> None:
    """Rows without a key, infinite scores and scores that are no number, masks of every shape."""
    scores, mask = given
    expected = softmax(masked(scores.copy(), mask))
    with taken(way):
        weights = masked_softmax(scores.copy(), mask)
    assert weights.dtype == expected.dtype
    missing = np.isnan(expected)
    assert np.array_equal(np.isnan(weights), missing)
    assert np.where(missing, 0, weights).tobytes() == np.where(missing, 0, expected).tobytes()


@pytest.mark.parametrize("way", WAYS)
@given(given=_scores_and_mask(), whole=st.booleans())
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_many_scores_have_the_softmax_of_few(
    way: str, given: tuple[np.ndarray, np.ndarray], whole: bool
) -> None:
    """Rows without a finite score and with one that is no number included, laid out in any way."""
    few = given[0]
    times = core._MANY // few.size + 1
    many = np.concatenate([few] * times)
    if not whole:  # something lies between the rows
        many = np.concatenate([many, many], axis=-1)[..., : few.shape[-1]]
    expected = softmax(few.copy())
    with taken(way):
        weights = softmax(many)
    missing = np.isnan(expected)
    for begin in range(0, len(many), len(few)):
        some = weights[begin : begin + len(few)]
        assert np.array_equal(np.isnan(some), missing)
        assert np.where(missing, 0, some).tobytes() == np.where(missing, 0, expected).tobytes()


@pytest.mark.parametrize("way", WAYS)
def test_scores_that_are_not_whole_are_masked_too(way: str) -> None:
    """A view with steps, a transposed one, a mask that is no array of its own."""
    scores = np.arange(48, dtype=np.float32).reshape(2, 4, 6)
    mask = np.broadcast_to(np.tri(3, 6, 2, dtype=np.bool_), (2, 3, 6))
    for view, allowed in ((scores[:, :3], mask), (scores[:, ::2, :3], mask[:, :2, ::2])):
        expected = softmax(masked(view.copy(), allowed))
        with taken(way):
            assert masked_softmax(view.copy(order="K"), allowed).tobytes() == expected.tobytes()
