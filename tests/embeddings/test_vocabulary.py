"""Laws of questions to a whole vocabulary: the mean, the nearest words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import cosine_by_loops

from attncli.embeddings.protocols import has_vocabulary
from attncli.embeddings.seeded import SeededStore
from attncli.embeddings.store import MemoryStore
from attncli.embeddings.vocabulary import mean_vector, nearest_words
from attncli.errors import UsageError


def made(seed, n_words, dim=3):
    """A store of random vectors, one of them zeros."""
    matrix = np.random.default_rng(seed).standard_normal((n_words, dim)).astype(np.float32)
    matrix[n_words // 2] = 0
    return MemoryStore("made", [f"w{i}" for i in range(n_words)], matrix)


@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(0, 14))
def test_nearest_words_are_those_of_plain_loops(seed, n_words, count):
    """The highest cosines first; rows of zeros are never neighbors."""
    store = made(seed, n_words)
    vectors = np.random.default_rng(seed + 1).standard_normal((2, 3)).astype(np.float32)
    for vector, near in zip(vectors, nearest_words(store, vectors, count=count), strict=True):
        expected = sorted(
            (-cosine_by_loops(vector, row), word)
            for word, row in zip(store._words, store.matrix, strict=True)
            if row.any()
        )[:count]
        np.testing.assert_allclose([c for _, c in near], [-c for c, _ in expected], atol=1e-6)
        assert {w for w, _ in near} == {w for _, w in expected}


def test_words_may_be_left_out():
    """`without` takes a word from the list and another moves up."""
    store = made(3, 6)
    (near,) = nearest_words(store, store.vectors([0]), count=2)
    (others,) = nearest_words(store, store.vectors([0]), count=2, without=["w0", "unheard"])
    assert near[0][0] == "w0"
    assert others[0] == near[1]


def test_zeros_have_no_neighbors():
    """A vector without direction is near to nothing."""
    assert nearest_words(made(1, 5), np.zeros((1, 3), np.float32)) == [[]]


def test_equal_cosines_come_in_the_order_of_the_vocabulary():
    """Ties are settled by the row, not by chance."""
    store = MemoryStore("ties", list("abcd"), np.ones((4, 2), np.float32))
    assert [w for w, _ in nearest_words(store, np.ones((1, 2), np.float32), count=3)[0]] == list(
        "abc"
    )


def test_blocks_do_not_show(monkeypatch):
    """The mean and the neighbors are the same however many rows are in work at once."""
    store = made(9, 40)
    vectors = store.vectors([1, 2])
    whole = mean_vector(store), nearest_words(store, vectors)
    monkeypatch.setattr("attncli.embeddings.vocabulary._BLOCK", 7)
    np.testing.assert_allclose(mean_vector(store), whole[0], atol=1e-7)
    assert [[w for w, _ in near] for near in nearest_words(store, vectors)] == [
        [w for w, _ in near] for near in whole[1]
    ]


def test_a_seeded_store_has_no_vocabulary():
    """There is nothing to list, to search or to take a mean of."""
    assert not has_vocabulary(SeededStore(3))
    with pytest.raises(UsageError, match="no vocabulary"):
        mean_vector(SeededStore(3))


def test_neighbors_in_the_builtin_vectors(glove):
    """Words near to "frog" are other small animals, as the GloVe page shows."""
    (near,) = nearest_words(glove, glove.vectors([glove.row("frog")]), without=["frog"])
    assert {"toad", "snake"} & {word for word, _ in near}
