"""Laws of looking words up: the best form, its status, and every policy for unknown words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.embeddings.forms import forms
from attncli.embeddings.lookup import find, knows, look_up
from attncli.embeddings.seeded import SeededStore, random_vector
from attncli.embeddings.store import MemoryStore
from attncli.errors import UnknownWordError, UsageError

STORE = MemoryStore(
    "few", ["bank", "Bank", "café", "n't", "i̇"], np.arange(10, dtype=np.float32).reshape(5, 2)
)


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("bank", (0, "bank", "exact")),
        ("Bank", (1, "Bank", "exact")),
        ("BANK", (0, "bank", "lower")),
        ("cafe\u0301", (2, "café", "exact")),  # composed before the look-up
        ("CAFE\u0301", (2, "café", "lower")),
        ("n’t", (3, "n't", "exact")),  # a typographic apostrophe
        ("N’T", (3, "n't", "lower")),
        ("İ", (4, "i̇", "lower")),
        ("banks", None),
        ("", None),
    ],
)
def test_exact_before_lower_case(word, found):
    """The form as written (NFC) counts first, then its lower case; the status says which."""
    assert find(STORE, word) == found
    assert knows(STORE)(word) is (found is not None)


@given(st.text(max_size=10))
def test_forms_are_composed_and_end_in_lower_case(word):
    """One or two forms; a second one differs from the first."""
    found = list(forms(word))
    assert [status for _, status in found] in (["exact"], ["exact", "lower"])
    assert len({form for form, _ in found}) == len(found)


def test_a_random_stand_in_depends_on_seed_dimension_and_word():
    """It is the vector of the seeded store, marked random, and keeps its place."""
    found = look_up(STORE, ["xyzzy", "bank", "xyzzy"], oov="random", seed=5)
    assert found.statuses == ("random", "exact", "random")
    assert found.keys == ("xyzzy", "bank", "xyzzy")
    np.testing.assert_array_equal(found.vectors[0], random_vector("xyzzy", 2, 5))
    np.testing.assert_array_equal(found.vectors[0], found.vectors[2])
    np.testing.assert_array_equal(found.vectors[1], [0, 1])


@pytest.mark.parametrize(("oov", "expected"), [("zero", [0, 0]), ("mean", [4, 5])])
def test_zero_and_mean_stand_in(oov, expected):
    """Zeros, or the mean of the vocabulary, marked as such."""
    found = look_up(STORE, ["xyzzy"], oov=oov)
    assert found.statuses == (oov,)
    np.testing.assert_array_equal(found.vectors, [expected])


def test_skip_says_which_words_stay():
    """The positions that are kept are known, so that offsets stay right."""
    found = look_up(STORE, ["xyzzy", "bank", "plugh", "BANK"], oov="skip")
    assert found.kept == (1, 3)
    assert found.statuses == ("exact", "lower")
    assert found.vectors.shape == (2, 2)


def test_error_names_the_unknown_words():
    """All of them up to five, then how many more."""
    with pytest.raises(UnknownWordError, match='"w0", "w1", "w2", "w3", "w4" and 2 more'):
        look_up(STORE, [f"w{i}" for i in range(7)], oov="error")
    assert look_up(STORE, ["bank"], oov="error").statuses == ("exact",)


def test_a_seeded_store_knows_every_word_but_lists_none():
    """Its words are found, so that they are not called unknown; contractions stay whole."""
    store = SeededStore(4, 1)
    found = look_up(store, ["anything", "Else"])
    assert found.statuses == ("exact", "exact")
    assert not knows(store)("n't")
    with pytest.raises(UsageError, match="no vocabulary"):
        look_up(
            MemoryStore("scan", ["a"], np.ones((1, 2), np.float32), complete=False),
            ["b"],
            oov="mean",
        )
