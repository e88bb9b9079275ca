"""Likeness to landmarks: the cosine cubed, of each word on its own."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.attention.general import unit_rows
from attncli.attention.landmarks import likeness, with_likeness
from attncli.attention.projections import Projections, task_attention, with_positions
from attncli.errors import ShapeError


@given(st.integers(0, 2**32 - 1))
def test_likeness_is_the_cosine_cubed(seed):
    """Each entry equals that of plain loops; a word's length does not matter."""
    rng = np.random.default_rng(seed)
    words, landmarks = rng.standard_normal((3, 4)), unit_rows(rng.standard_normal((2, 4)))
    found = likeness(words, landmarks)
    for i, word in enumerate(words):
        for j, landmark in enumerate(landmarks):
            product = sum(a * b for a, b in zip(word, landmark, strict=True))
            cosine = product / math.sqrt(sum(a * a for a in word))
            assert found[i, j] == pytest.approx(cosine**3, abs=1e-12)
    assert np.allclose(likeness(7 * words, landmarks), found)


def test_a_word_without_a_vector_is_like_nothing():
    """Zeros have the likeness zero to every landmark."""
    assert not likeness(np.zeros((2, 3)), np.eye(3)).any()


def test_without_landmarks_values_are_made_of_the_embeddings():
    """[X F] is X itself when there are no landmarks, and has their likeness when there are."""
    placed, plain = np.ones((2, 3)), np.eye(3)[:2]
    assert with_likeness(placed, plain, None) is placed
    assert with_likeness(placed, plain, np.eye(3)).tolist() == [
        [1, 1, 1, 1, 0, 0],
        [1, 1, 1, 0, 1, 0],
    ]


@pytest.mark.parametrize("positions", ["none", "sinusoidal"])
def test_values_see_the_likeness_of_the_words_and_not_of_their_places(positions):
    """V = [X F]·W_v for each head, where only X has positions added."""
    rng = np.random.default_rng(2)
    words, landmarks = rng.standard_normal((5, 4)), unit_rows(rng.standard_normal((3, 4)))
    W_q, W_k = rng.standard_normal((2, 2, 4, 3))
    W_v = rng.standard_normal((2, 7, 6))
    layer = Projections(W_q, W_k, W_v, positions, landmarks=landmarks)
    found = task_attention(words, layer)
    for head in range(2):
        expected = (
            with_positions(words, layer) @ W_v[head, :4]
            + likeness(words, landmarks) @ W_v[head, 4:]
        )
        assert np.abs(found.value[head] - expected).max() < 1e-12


@pytest.mark.parametrize("shape", [(3, 5), (2, 4), (12,)])
def test_landmarks_that_do_not_fit_are_refused(shape):
    """Landmarks of another width or number than W_v has rows for are a ShapeError."""
    square = np.ones((1, 4, 4))
    with pytest.raises(ShapeError):
        Projections(square, square, np.ones((1, 7, 2)), landmarks=np.ones(shape))
