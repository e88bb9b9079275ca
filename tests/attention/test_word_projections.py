"""Which sentences float32 is tried for, by a bound of each word and by the lengths of each head."""

from typing import Any, get_args

import numpy as np
import pytest

from attncli.attention.projections import random_projections
from attncli.attention.word_projections import WordProjections
from attncli.settings import Positions


@pytest.mark.parametrize("kind", get_args(Positions))
def test_what_surely_fits_fits(kind: Any) -> None:
    """The bound of the longest query or key says yes only where the lengths say yes too."""
    words = WordProjections(random_projections(6, n_heads=3, d_k=4, positions=kind, seed=2))
    rng = np.random.default_rng(1)
    vectors = (rng.normal(size=(400, 6)) * rng.uniform(0, 6, (400, 1))).astype(np.float32)
    rows = rng.integers(0, 400, (500, 3))
    fits = words.fits(words.of_words(vectors), rows)
    sure = words.surely_fits(words.longest(vectors), rows)
    assert not (sure & ~fits).any()
    assert 0 < sure.sum() < fits.sum() < 500


def test_a_word_beyond_float32_does_not_fit() -> None:
    """Neither by the bound nor by the lengths, and the other sentences do."""
    words = WordProjections(random_projections(6, n_heads=3, d_k=4, seed=2))
    vectors = np.ones((3, 6), dtype=np.float32)
    vectors[1] *= 1e38
    vectors[2] = np.nan
    rows = np.array([[0, 0], [0, 1], [2, 0]])
    with np.errstate(over="ignore", invalid="ignore"):
        sure = words.surely_fits(words.longest(vectors), rows)
        fits = words.fits(words.of_words(vectors), rows)
    assert sure.tolist() == fits.tolist() == [True, False, False]
