"""Laws of learning in the main directions: the same layer, fewer numbers."""

from dataclasses import replace

import numpy as np
import pytest

from attncli.learning.batches import Examples
from attncli.learning.parameters import Architecture, initial_parameters
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
