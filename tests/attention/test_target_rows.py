"""The row of one token by the folded way, against the attention of the whole sentence."""

import tracemalloc
from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest

from attncli.attention.projections import Projections, random_projections, task_attention
from attncli.attention.target_rows import TargetRows
from attncli.settings import Positions

_KINDS = [kind for kind in get_args(Positions) if kind != "rope"]


def _layer(kind: Any, landmarks: int = 0, **options: Any) -> Projections:
    layer = random_projections(6, n_heads=3, d_k=4, d_v=5, positions=kind, seed=2, **options)
    if not landmarks:
        return layer
    rng = np.random.default_rng(3)
    marks = rng.normal(size=(landmarks, 6))
    marks /= np.linalg.norm(marks, axis=1, keepdims=True)
    W_v = np.concatenate([layer.W_v, rng.normal(size=(3, landmarks, 5))], axis=1)
    return replace(layer, W_v=W_v, landmarks=marks)


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize(
    "options", [{}, {"causal": True}, {"window": 1}, {"landmarks": 2}], ids=str
)
def test_a_row_is_that_of_the_whole(kind: str, options: dict[str, Any]) -> None:
    """The sums through W_v are the target's new embedding in every head."""
    layer = _layer(kind, **options)
    embeddings = np.random.default_rng(1).normal(size=(4, 7, 6))
    places = np.array([0, 3, 6, 5])
    rows = TargetRows(layer)
    asked = rows.asked(embeddings[np.arange(4), places], places)
    sums = rows.sums(asked, embeddings, places)  # (4, 3, 6 or 8)
    new = np.einsum("bhd,hdv->bhv", sums, layer.W_v).reshape(4, -1)
    whole = task_attention(embeddings, layer).contextual[np.arange(4), places]
    np.testing.assert_allclose(new, whole, atol=1e-12)


@pytest.mark.parametrize("kind", _KINDS)
def test_sentences_of_other_lengths_change_no_row(kind: str) -> None:
    """Lengths by turns, written into a place that is there, have the bits of fresh rows."""
    layer = _layer(kind)
    kept = TargetRows(layer)
    for n_tokens in (5, 7, 5, 2):
        embeddings = np.random.default_rng(n_tokens).normal(size=(3, n_tokens, 6))
        places = np.array([1, 0, n_tokens - 1])
        asked = kept.asked(embeddings[np.arange(3), places], places)
        place = np.empty((3, 3, kept.width))
        assert kept.sums(asked, embeddings, places, out=place) is place
        np.testing.assert_array_equal(place, TargetRows(layer).sums(asked, embeddings, places))


def test_a_long_sentence_takes_no_square_of_its_length() -> None:
    """Distances of 3,000 tokens, each to each, would be 216 MB of float64; a row needs one of them."""
    rows = TargetRows(_layer("relative"))
    embeddings = np.random.default_rng(5).normal(size=(1, 3000, 6))
    places = np.array([1234])
    asked = rows.asked(embeddings[:, 1234], places)
    tracemalloc.start()
    try:
        rows.sums(asked, embeddings, places)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", _KINDS)
def test_a_row_does_not_depend_on_its_company(kind: str) -> None:
    """The same bits alone as among others."""
    rows = TargetRows(_layer(kind, landmarks=2))
    embeddings = np.random.default_rng(4).normal(size=(9, 5, 6)).astype(np.float32)
    places = np.arange(9) % 5
    asked = rows.asked(embeddings[np.arange(9), places], places)
    sums = rows.sums(asked, embeddings, places)
    for i in range(9):
        one, at = embeddings[i : i + 1], places[i : i + 1]
        alone = rows.asked(one[:, at[0]], at)
        np.testing.assert_array_equal(alone, asked[i : i + 1])
        np.testing.assert_array_equal(rows.sums(alone, one, at), sums[i : i + 1])
