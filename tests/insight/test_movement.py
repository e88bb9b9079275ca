"""Laws of how far each word moved."""

from dataclasses import replace

import numpy as np
import pytest
from oracles import cosine_by_loops

from attncli.embeddings.seeded import SeededStore
from attncli.insight.movement import movements
from attncli.mechanisms.general import GeneralAnalyser


def test_each_word_has_its_cosine_and_neighbors(results, six_words):
    """Old and new neighbors, best first, without the word itself."""
    result = results[0]
    found = movements(result, six_words, neighbors=3)
    assert len(found) == len(result.tokens)
    for i, movement in enumerate(found):
        expected = cosine_by_loops(result.embeddings[i], result.contextual[i])
        assert movement.text == result.words[i]
        assert movement.cosine == pytest.approx(expected, abs=1e-6)
        for near in (movement.before, movement.after):
            cosines = [cosine for _, cosine in near]
            assert len(near) == 3
            assert cosines == sorted(cosines, reverse=True)
            assert movement.text not in [word for word, _ in near]


def test_neighbors_are_nearest_in_the_store(results, six_words):
    """The first neighbor of the new vector is the nearest other word by plain loops."""
    result = results[0]
    found = movements(result, six_words)
    assert len(found) == len(result.tokens)
    for i, movement in enumerate(found):
        others = [word for word in six_words._words if word != result.words[i]]
        nearest = max(
            others,
            key=lambda w: cosine_by_loops(
                result.contextual[i], six_words.vectors([six_words.row(w)])[0]
            ),
        )
        assert movement.after[0][0] == nearest


def test_without_a_vocabulary_there_are_no_neighbors():
    """A seeded store cannot be searched; the cosines stand alone, and so with none asked for."""
    store = SeededStore(6)
    result = next(GeneralAnalyser(store, include=frozenset({"embeddings"}))(["money bank"]))
    assert all(m.before == m.after == () for m in movements(result, store))


def test_vectors_of_another_size_have_not_moved(results, six_words):
    """A projection to another width, or a result without its embeddings, has no cosine."""
    narrower = replace(results[0], contextual=np.zeros((3, 2), np.float32))
    assert movements(narrower, six_words) == []
    assert movements(replace(results[0], embeddings=None), six_words) == []
