"""Laws of random vectors: a function of seed, dimension and word, and of nothing else."""

import subprocess
import sys

import numpy as np
import pytest
from conftest import child_environment
from hypothesis import given
from hypothesis import strategies as st

from attncli.embeddings.seeded import SeededStore, random_vector, random_vectors
from attncli.insight.degenerate import degenerate
from attncli.mechanisms.general import GeneralAnalyser

ANY_WORD = st.text(max_size=12)


@given(ANY_WORD, st.integers(1, 40), st.integers())
def test_the_same_question_has_the_same_answer(word, dim, seed):
    """Finite float32 numbers, the same each time, whatever was asked before."""
    one = random_vector(word, dim, seed)
    random_vector("another", 7, 1)
    np.testing.assert_array_equal(one, random_vector(word, dim, seed))
    assert one.shape == (dim,)
    assert one.dtype == np.float32
    assert np.isfinite(one).all()


@given(st.lists(ANY_WORD, max_size=9), st.integers(1, 40), st.integers())
def test_a_vector_does_not_depend_on_its_company(words, dim, seed):
    """Those of many words are to the bit those of each word alone."""
    many = random_vectors(words, dim, seed)
    assert many.shape == (len(words), dim)
    for word, vector in zip(words, many, strict=True):
        assert vector.tobytes() == random_vector(word, dim, seed).tobytes()


def test_word_seed_and_dimension_all_count():
    """A change of any of the three changes the numbers; so does a boundary that looks alike."""
    vectors = {
        tuple(random_vector(*asked)[:4].tolist())
        for asked in [
            ("bank", 8, 0),
            ("Bank", 8, 0),
            ("bank", 9, 0),
            ("bank", 8, 1),
            ("8bank", 8, 0),
        ]
    }
    assert len(vectors) == 5


def test_another_process_gives_the_same_numbers():
    """Neither the hash seed nor numpy's generators matter."""
    script = (
        "import numpy as np; np.random.seed(3)\n"
        "from attncli.embeddings.seeded import random_vector\n"
        "print(random_vector('bank', 5, 7).tobytes().hex())"
    )
    env = child_environment(PYTHONHASHSEED="77")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, env=env, check=True)
    assert done.stdout.decode().strip() == random_vector("bank", 5, 7).tobytes().hex()


def test_these_are_the_numbers():
    """The very numbers, so that a saved result stays reproducible in later versions."""
    expected = [1.0435810089111328, -0.2178187072277069, 0.41637131571769714]
    np.testing.assert_allclose(random_vector("bank", 3, 0), expected, atol=1e-7)


def test_entries_are_normal_with_the_stated_spread():
    """Mean 0, standard deviation (2/√d)^(1/2), few beyond three deviations."""
    dim = 64
    values = np.stack([random_vector(f"w{i}", dim) for i in range(500)]) / (2 / dim**0.5) ** 0.5
    assert abs(values.mean()) < 0.02
    assert abs(values.std() - 1) < 0.02
    assert 0.001 < (np.abs(values) > 3).mean() < 0.005


@pytest.mark.parametrize("dim", [8, 50, 300, 1024])
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(
    "sentence", ["money bank grows", "the river bank flows past the old mill and the sea"]
)
def test_attention_over_random_vectors_is_neither_identity_nor_uniform(dim, seed, sentence):
    """Both look broken, and neither occurs, whatever the dimension."""
    result = next(GeneralAnalyser(SeededStore(dim, seed))([sentence]))
    weights = result.weights[0, 0]
    assert degenerate(weights) is None
    assert 0.15 < np.diagonal(weights).mean() < 0.97


def test_the_store_hands_out_the_same_vectors():
    """Rows are numbered as words are asked for; the order of the questions does not matter."""
    one, other = SeededStore(6, 3), SeededStore(6, 3)
    words = ["a", "b", "c"]
    forth = one.vectors([one.row(word) for word in words])
    back = other.vectors([other.row(word) for word in reversed(words)])
    np.testing.assert_array_equal(forth, back[::-1])
    np.testing.assert_array_equal(forth[0], random_vector("a", 6, 3))
    assert one.words is None
    assert one.sha256 is None
