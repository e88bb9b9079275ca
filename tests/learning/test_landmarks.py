"""Landmarks: which words they are, and that their likeness tells words apart."""

import numpy as np
import pytest

from attncli.attention.general import unit_rows
from attncli.attention.landmarks import likeness
from attncli.attention.parameters import Architecture, initial_parameters
from attncli.learning.landmarks import chosen_landmarks, with_landmarks
from attncli.learning.minibatches import Examples


def sentences(words=40, d_model=6, seed=0) -> Examples:
    """Random sentences; row 0 is a word without a vector, row 1 stands in all of them."""
    rng = np.random.default_rng(seed)
    table = rng.standard_normal((words, d_model)).astype(np.float32)
    table[0] = 0
    rows = [np.r_[1, 0, rng.integers(2, words, 5)] for _ in range(60)]
    return Examples(table, rows, np.zeros(60, dtype=np.intp), rng.integers(0, 2, 60))


def test_landmarks_are_distinct_words_of_the_examples():
    """Each landmark is the direction of a word with a vector, no word twice."""
    examples = sentences()
    found = chosen_landmarks(examples, 12)["landmarks"]
    names = [int(np.argmax(unit_rows(examples.table[1:]) @ row)) for row in found]
    assert len(set(names)) == 12
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert np.allclose(unit_rows(examples.table[1:])[names], found, atol=1e-6)


def test_what_is_learned_from_has_the_likeness_of_the_words_as_its_products():
    """Between landmarks, products of rows of F·M equal their likeness, but for one factor."""
    examples = sentences()
    fixed = chosen_landmarks(examples, 10)
    landmarks, mixing = (fixed[name].astype(np.float64) for name in ("landmarks", "mixing"))
    mixed = likeness(landmarks, landmarks) @ mixing
    told = mixed @ mixed.T
    assert np.allclose(told / told[0, 0], likeness(landmarks, landmarks), atol=1e-4)


def test_more_landmarks_tell_the_likeness_of_all_words_better():
    """The products come nearer to the likeness of all words with each landmark more."""
    examples = sentences()
    words = examples.table[1:].astype(np.float64)
    off = []
    for count in (3, 10, 30):
        fixed = chosen_landmarks(examples, count)
        mixed = likeness(words, fixed["landmarks"]) @ fixed["mixing"]
        told = mixed @ mixed.T
        exact = likeness(words, unit_rows(words))
        off.append(np.linalg.norm(exact - told * (exact * told).sum() / (told * told).sum()))
    assert off[0] > off[1] > off[2]


def test_fewer_words_than_landmarks_leave_zeros():
    """Landmarks that no word is left for are zeros, and all numbers stay finite."""
    fixed = chosen_landmarks(sentences(words=4), 9)
    assert np.linalg.norm(fixed["landmarks"], axis=1).round(4).tolist() == [1] * 3 + [0] * 6
    assert all(np.isfinite(part).all() for part in fixed.values())


def test_examples_keep_their_words_and_get_their_likeness():
    """Each token's row is its vector, then F·M; the likeness is as long as vectors on average."""
    examples = sentences()
    architecture = Architecture(6, 2, n_heads=1, d_k=2, d_v=2, landmarks=8)
    parameters = initial_parameters(architecture, np.random.default_rng(0))
    assert with_landmarks(examples, parameters) is examples
    parameters.fixed = chosen_landmarks(examples, 8)
    found = with_landmarks(examples, parameters)
    for before, after in zip(examples.rows, found.rows, strict=True):
        assert np.array_equal(examples.table[before], found.table[after][:, :6])
        expected = likeness(examples.table[before], parameters.fixed["landmarks"])
        expected = expected @ parameters.fixed["mixing"]
        assert np.allclose(found.table[after][:, 6:], expected, atol=1e-5)
    known = found.table[found.table.any(axis=1)]
    lengths = [np.linalg.norm(part, axis=1).mean() for part in np.split(known, [6], axis=1)]
    assert lengths[0] == pytest.approx(lengths[1], rel=1e-4)


def test_words_that_are_all_without_vectors_have_no_landmarks():
    """Nothing is divided by zero where no word has a vector."""
    examples = Examples(np.zeros((1, 4), dtype=np.float32), [np.zeros(3, dtype=np.intp)])
    fixed = chosen_landmarks(examples, 2)
    assert not fixed["landmarks"].any()
    assert not fixed["mixing"].any()
