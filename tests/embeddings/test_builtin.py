"""Laws of the vectors that ship in the package: GloVe 6B 50d, the 50,000 most frequent words."""

import subprocess
import sys

import numpy as np
import pytest
from conftest import child_environment

from attncli.embeddings.named_stores import open_word_vectors
from attncli.embeddings.store import content_hash
from attncli.errors import AttnError

CONTENT = "a50980547af6a43a803c7a36249a49a7774265aa74b43a75224d3712768e8cff"


def test_the_builtin_vectors_are_bit_exact(glove):
    """Words and values have the SHA-256 that the rebuilding script checks, and meta.json says so."""
    words = [glove.word(row) for row in range(glove.words)]
    assert content_hash(words, glove.matrix) == CONTENT == glove.sha256
    assert (glove.words, glove.dim, glove.name) == (50_000, 50, "glove-6b-50d")
    assert words[:4] == ["the", ",", ".", "of"]
    assert glove.meta["license"] == "PDDL-1.0"


def test_values_known_by_heart(glove):
    """The published first values of "the"."""
    first = glove.vectors([glove.row("the")])[0, :5]
    np.testing.assert_array_equal(
        first, np.array([0.418, 0.24968, -0.41242, 0.1217, 0.34527], dtype=np.float32)
    )


def test_words_and_rows_are_one_to_one(glove):
    """Each row's word finds the row again."""
    for row in (0, 1, 7, 999, 31_415, 49_999):
        assert glove.row(glove.word(row)) == row


def test_opening_does_not_read_the_vocabulary():
    """Opening and one look-up touch a small part of the 10 MB: the matrix stays on disk."""
    script = """
import resource
from attncli.embeddings.named_stores import builtin_store
import marisa_trie
def touched(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = touched()
store = builtin_store()
store.vectors([store.row("bank")])
print(touched() - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, env=child_environment(), check=True
    )
    kib = int(done.stdout) // (1024 if sys.platform == "darwin" else 1)
    assert kib < 4000


@pytest.mark.parametrize("name", ["glove", "glove-6b-50d"])
def test_both_names_open_the_builtin_vectors(name):
    """The short name and the name in the record."""
    assert open_word_vectors(name).sha256 == CONTENT


def test_another_name_is_refused():
    """The message names what was found, shown and not obeyed."""
    with pytest.raises(AttnError, match=r"gl\\x1b"):
        open_word_vectors("gl\x1b")
