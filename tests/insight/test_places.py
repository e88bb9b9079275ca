"""Masks are laid over the places of the whole sentence, whatever of it is left."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from attncli.attention.masks import attention_mask
from attncli.embeddings.store import MemoryStore
from attncli.insight.chosen_part import Part
from attncli.insight.places import mask_of, places_of_tokens
from attncli.mechanisms.general import GeneralAnalyser, GeneralSettings
from attncli.results.result import AttentionResult

WORDS = ["money", "bank", "grows", "river", "flows", "the"]
STORE = MemoryStore(
    "six", WORDS, np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32), sha256="0" * 64
)


def _result(causal: bool, window: int | None, see_self: bool) -> AttentionResult:
    settings = GeneralSettings(causal=causal, window=window, see_self=see_self)
    return next(iter(GeneralAnalyser(STORE, settings=settings)([" ".join(WORDS)])))


@given(
    st.booleans(),
    st.none() | st.integers(0, 3),
    st.booleans(),
    st.lists(st.sampled_from(WORDS), max_size=5, unique=True),
    st.integers(0, 5),
)
def test_a_token_sees_what_it_saw_in_the_whole_sentence(
    causal: bool, window: int | None, see_self: bool, hide: list[str], first: int
) -> None:
    """Hidden at once or in two goes, the mask is the whole one without the hidden rows and columns."""
    whole = _result(causal, window, see_self)
    result = Part(hide=tuple(hide[first:])).of(Part(hide=tuple(hide[:first])).of(whole))
    kept = [at for at, word in enumerate(WORDS) if word not in hide]
    assert places_of_tokens(result) == kept
    mask = attention_mask(6, causal=causal, window=window, see_self=see_self)
    found = mask_of(result)
    assert (found is None) == (mask is None)
    if mask is not None and found is not None:
        assert np.array_equal(found, mask[np.ix_(kept, kept)])
        assert not result.weights[0, 0][~found].any()


def test_where_places_are_not_known_what_has_weight_was_seen() -> None:
    """Records of before named the hidden words and not the places of the others."""
    result = Part(hide=("bank",)).of(_result(False, 1, True))
    selection = {name: value for name, value in result.selection.items() if name != "places"}
    old = replace(result, selection=selection)
    assert places_of_tokens(old) is None
    assert np.array_equal(mask_of(old), old.weights > 0)
    assert AttentionResult.from_dict(result.to_dict()) == result
