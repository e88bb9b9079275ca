"""The strongest keys of many rows: found and printed together as each row alone."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from ways import WAYS, taken

from attncli.arrays.compiled import Texts
from attncli.batches.writers import keys as keys_room
from attncli.results.top import strongest_of_rows

_WEIGHTS = st.sampled_from([0.0, -0.0, 0.25, 0.5, 1.0, 1e-45, float("inf"), -1.0, float("nan")])
_STACKS = st.tuples(*[st.integers(1, 3)] * 3, st.integers(1, 12)).flatmap(
    lambda shape: arrays.arrays(np.float32, (*shape, shape[-1]), elements=_WEIGHTS)
)


def key_texts(stacks: list[np.ndarray]) -> list[bytes]:
    """The text of each sentence's keys."""
    texts = keys_room.key_texts(stacks)
    return texts.listed() if isinstance(texts, Texts) else texts


@pytest.mark.parametrize("way", WAYS)
@given(weights=_STACKS | arrays.arrays(np.float64, (2, 5, 5)), count=st.integers(1, 14))
def test_the_strongest_are_those_of_whole_sorted_rows(
    way: str, weights: np.ndarray, count: int
) -> None:
    """Of equal weights the earlier key comes first, whatever numbers stand in the rows."""
    with taken(way):
        keys, kept = strongest_of_rows(weights, count)
    expected = np.argsort(-weights, axis=-1, kind="stable")[..., :count]
    assert np.array_equal(keys, expected)
    found = np.take_along_axis(weights, expected, axis=-1)
    assert np.array_equal(kept, found, equal_nan=True)
    assert kept.dtype == weights.dtype


@pytest.mark.parametrize("way", WAYS)
@given(stacks=st.lists(_STACKS, max_size=3), count=st.integers(1, 14))
def test_keys_are_printed_as_json(way: str, stacks: list[np.ndarray], count: int) -> None:
    """Each sentence has the text that json gives, nested as its layers, heads and rows."""
    keys = [strongest_of_rows(weights, count)[0] for weights in stacks]
    expected = [json.dumps(one.tolist(), separators=(",", ":")) for k in keys for one in k]
    with taken(way):
        assert [text.decode() for text in key_texts(keys)] == expected


@pytest.mark.parametrize("way", WAYS)
def test_keys_of_a_long_sentence_have_all_their_digits(way: str) -> None:
    """Numbers of more digits than the table holds at first are printed whole."""
    keys = np.arange(1200).reshape(1, 1, 1, 1200, 1)
    with taken(way):
        assert json.loads(key_texts([keys])[0]) == keys[0].tolist()


@pytest.mark.parametrize("way", WAYS)
@given(
    weights=st.tuples(*[st.integers(1, 3)] * 4, st.integers(1, 130)).flatmap(
        lambda shape: arrays.arrays(np.float32, shape, elements=_WEIGHTS)
    ),
    count=st.integers(1, 140),
)
def test_keys_of_another_text_have_all_their_digits(
    way: str, weights: np.ndarray, count: int
) -> None:
    """A few rows may look at a hundred keys, whose numbers have more digits than those of the rows."""
    keys = strongest_of_rows(weights, count)[0]
    with taken(way):
        assert [json.loads(text) for text in key_texts([keys])] == keys.tolist()


@pytest.mark.parametrize("way", WAYS)
def test_a_row_of_a_long_text_is_printed_whole(way: str) -> None:
    """One row that looks at more keys than the table holds at first."""
    keys = np.arange(1500)[::-1].reshape(1, 1, 1, 1, 1500)
    with taken(way):
        assert json.loads(key_texts([keys])[0]) == keys[0].tolist()
