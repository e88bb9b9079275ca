"""Laws of two mechanisms beside each other: which cells differ most."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import attncli
from attncli.errors import ShapeError
from attncli.insight.beside import cell_differences
from attncli.insight.movement import Movement, most_moved

ONE = attncli.explain("money bank grows near the river")


@given(st.integers(0, 2**32 - 1))
def test_the_cells_that_differ_most_come_first(seed):
    """No other cell differs more than the last one named, and the numbers are the weights."""
    weights = np.random.default_rng(seed).dirichlet(np.ones(6), size=(1, 1, 6)).astype(np.float32)
    other = replace(ONE, weights=weights)
    cells = cell_differences(ONE, other)
    sizes = [abs(cell.other - cell.general) for cell in cells]
    distance = sorted(abs(weights - ONE.weights).ravel(), reverse=True)
    np.testing.assert_allclose(sizes, distance[: len(cells)], atol=1e-6)
    for cell in cells:
        assert cell.general == pytest.approx(ONE.weights[0, 0, cell.query, cell.key])
        assert cell.other == pytest.approx(weights[0, 0, cell.query, cell.key])


def test_sentences_of_other_lengths_have_no_cells_in_common():
    """An error says the two shapes."""
    with pytest.raises(ShapeError, match=r"\(6, 6\) and \(2, 2\)"):
        cell_differences(ONE, attncli.explain("money bank"))


@given(st.lists(st.floats(-1, 1), max_size=9), st.integers(1, 9))
def test_the_words_that_moved_most_have_the_smallest_cosines(cosines, count):
    """In their order, and no more than were asked for."""
    moves = [Movement(f"word{i}", cosine) for i, cosine in enumerate(cosines)]
    assert [m.cosine for m in most_moved(moves, count)] == sorted(cosines)[:count]
