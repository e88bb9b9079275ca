"""Laws of learning in the main directions: the same layer, fewer numbers."""

from dataclasses import replace

import numpy as np
import pytest

from attncli.attention.parameters import Architecture, initial_parameters
from attncli.learning.minibatches import Examples
from attncli.learning.subspace import Subspace, main_directions
from attncli.learning.trainer import predict

ARCHITECTURE = Architecture(
    d_model=12, n_labels=3, n_heads=2, d_k=4, d_v=5, committee=2, positions="relative", reach=2
)


def of_rank(rank, *, n=40, d=12, seed=0):
    """Sentences whose vectors lie in a space of this many dimensions."""
    rng = np.random.default_rng(seed)
    table = (rng.standard_normal((n, rank)) @ rng.standard_normal((rank, d))).astype(np.float32)
    rows = [rng.integers(0, n, rng.integers(2, 7)) for _ in range(25)]
    targets = np.array([rng.integers(0, len(row)) for row in rows])
    return Examples(table, rows, targets, rng.integers(0, 3, len(rows)))


def test_directions_are_those_of_the_singular_value_decomposition():
    """Orthonormal, longest first, tokens counted as often as they are used."""
    examples = of_rank(12)
    basis = main_directions(examples, 5)
    np.testing.assert_allclose(basis.T @ basis, np.eye(5), atol=1e-10)
    tokens = examples.table[np.concatenate(examples.rows)].astype(np.float64)
    _, _, expected = np.linalg.svd(tokens, full_matrices=False)
    np.testing.assert_allclose(np.abs(np.sum(basis * expected[:5].T, axis=0)), 1, atol=1e-8)
    assert (basis[np.abs(basis).argmax(axis=0), range(5)] > 0).all()


@pytest.mark.parametrize("positions", ["none", "relative", "rope", "learned"])
@pytest.mark.parametrize("readout", ["target", "attention", "mean"])
def test_what_was_learned_is_the_same_layer_on_the_vectors(positions, readout):
    """Where the directions hold all of the vectors, the predictions are the same."""
    architecture = replace(ARCHITECTURE, positions=positions, readout=readout)
    examples = of_rank(4)
    subspace = Subspace(examples, architecture, 4)
    assert subspace.architecture.d_model == subspace.examples.table.shape[1] == 4
    rng = np.random.default_rng(1)
    learned = initial_parameters(subspace.architecture, rng)
    learned.flat[:] = rng.standard_normal(learned.flat.size) * 0.3
    wide = subspace.widened(learned)
    assert wide.shapes == architecture.shapes()
    np.testing.assert_allclose(
        predict(wide, architecture, examples),
        predict(learned, subspace.architecture, subspace.examples),
        atol=2e-5,
    )


@pytest.mark.parametrize(
    ("count", "changes"),
    [(None, {}), (12, {}), (99, {}), (4, {"positions": "sinusoidal"}), (4, {"readout": "weights"})],
)
def test_all_directions_change_nothing(count, changes):
    """So do given weights and sinusoidal positions: examples and numbers stay as they are."""
    examples, architecture = of_rank(12), replace(ARCHITECTURE, **changes)
    subspace = Subspace(examples, architecture, count)
    assert subspace.examples is examples
    assert subspace.architecture is architecture
    learned = initial_parameters(architecture, np.random.default_rng(0))
    np.testing.assert_array_equal(subspace.widened(learned).flat, learned.flat)


VIEWS = (5, 2, 5)


def side_by_side(*, n=40, seed=0):
    """Sentences whose words have three vectors of very different size."""
    rng = np.random.default_rng(seed)
    table = rng.standard_normal((n, 12)) * np.repeat([0.05, 1.0, 20.0], VIEWS)
    rows = [rng.integers(0, n, rng.integers(2, 7)) for _ in range(25)]
    targets = np.array([rng.integers(0, len(row)) for row in rows])
    return Examples(table, rows, targets, rng.integers(0, 3, len(rows)))


@pytest.mark.parametrize("committee", [1, 2, 3, 4, 6])
@pytest.mark.parametrize("positions", ["none", "relative", "rope", "learned"])
@pytest.mark.parametrize("readout", ["target", "attention", "mean"])
def test_members_with_a_view_each_are_the_same_layer_on_the_vectors(committee, positions, readout):
    """In float64 to its precision; each member's matrices are zero outside its own view."""
    architecture = replace(ARCHITECTURE, positions=positions, readout=readout, committee=committee)
    examples = side_by_side()
    subspace = Subspace(examples, architecture, 3, views=VIEWS)
    own = committee >= 3 and positions != "learned"
    assert subspace.architecture.d_model == 3
    assert subspace.examples.views == (3 if own else 1)
    rng = np.random.default_rng(1)
    learned = initial_parameters(subspace.architecture, rng, np.float64)
    learned.flat[:] = rng.standard_normal(learned.flat.size) * 0.3
    wide = subspace.widened(learned)
    np.testing.assert_allclose(
        predict(wide, architecture, examples),
        predict(learned, subspace.architecture, subspace.examples),
        atol=1e-13,
    )
    parts = np.split(wide["W_q"].reshape(committee, 2, 12, -1), np.cumsum(VIEWS)[:-1], axis=2)
    read = np.stack([part.any(axis=(1, 2, 3)) for part in parts], axis=1)  # (committee, views)
    assert (read.sum(axis=1) == (1 if own else 3)).all()
    assert read.any(axis=0).all()


def test_views_count_alike_whatever_their_size():
    """The values that are learned from have a root mean square of 1 in every view."""
    narrow = Subspace(side_by_side(), replace(ARCHITECTURE, committee=3), 3, views=VIEWS).examples
    sizes = [np.sqrt(np.mean(part**2)) for part in np.split(narrow.table, 3, axis=1)]
    np.testing.assert_allclose(sizes, 1)


def test_one_view_is_learned_in_its_directions_as_they_are():
    """No bit differs from the product of the vectors with the main directions."""
    examples = of_rank(12)
    narrow = Subspace(examples, ARCHITECTURE, 5, views=(12,)).examples
    basis = main_directions(examples, 5).astype(np.float32)
    np.testing.assert_array_equal(narrow.table, examples.table @ basis)


def test_more_directions_than_a_view_has_are_all_of_its_own():
    """A member learns in the directions of its view, however many are asked for."""
    subspace = Subspace(side_by_side(), replace(ARCHITECTURE, committee=3), 11, views=VIEWS)
    assert subspace.architecture.d_model == 5
