"""Laws of committees whose members read their own views of the vectors."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.attention.parameters import Architecture, initial_parameters
from attncli.learning.check import check_gradients
from attncli.learning.gradients import forward
from attncli.learning.members import views_of_members
from attncli.learning.minibatches import Examples, batch_of
from attncli.learning.trainer import Training, predict
from attncli.settings import TrainingSettings

ARCHITECTURE = Architecture(
    d_model=4, n_labels=3, n_heads=2, d_k=2, d_v=5, committee=5, positions="relative", reach=2
)
POSITIONS = ("none", "relative", "rope")
READOUTS = ("target", "attention", "mean")


def two_views(readout="target"):
    """Sentences whose words have two vectors of four values side by side."""
    rng = np.random.default_rng(3)
    rows = [rng.integers(0, 9, n) for n in (4, 7, 1, 5)]
    targets = np.array([1, 6, 0, 2]) if readout == "target" else None
    return Examples(rng.standard_normal((9, 8)), rows, targets, np.array([0, 2, 1, 1]), views=2)


def made(architecture):
    """Parameters in float64 with nothing at zero."""
    rng = np.random.default_rng(1)
    parameters = initial_parameters(architecture, rng, np.float64)
    parameters.flat += rng.standard_normal(parameters.flat.size) * 0.3
    return parameters


@given(st.integers(1, 30), st.integers(1, 9))
def test_members_take_turns_over_the_views(committee, views):
    """Side by side, as evenly as can be, and every view has one where there are enough."""
    held = views_of_members(committee, views)
    assert held == sorted(held)
    assert set(held) <= set(range(views))
    counts = Counter(held)
    assert max(counts.values()) - min(counts[view] for view in range(views)) <= 1


@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("readout", READOUTS)
def test_gradients_of_members_equal_central_differences(readout, positions):
    """Each parameter's gradient equals the measured slope to 1e-7 relative, in float64."""
    architecture = replace(ARCHITECTURE, readout=readout, positions=positions)
    batch = batch_of(two_views(readout), np.arange(4))
    checked = list(check_gradients(made(architecture), architecture, batch))
    assert [c.name for c in checked] == list(architecture.shapes())
    assert all(c.difference < 1e-7 for c in checked), checked


@pytest.mark.parametrize("readout", READOUTS)
def test_a_member_is_the_model_that_reads_its_view_alone(readout):
    """Logits and weights of the first three members are those on the first four values."""
    architecture = replace(ARCHITECTURE, readout=readout)
    examples, parameters = two_views(readout), made(architecture)
    whole = forward(parameters, architecture, batch_of(examples, np.arange(4)))
    first = replace(architecture, committee=3)
    alone = parameters.part(first.shapes(), slice(0, 3), slice(0, 6))
    narrow = replace(examples, table=examples.table[:, :4], views=1)
    expected = forward(alone, first, batch_of(narrow, np.arange(4)))
    np.testing.assert_array_equal(whole.logits[:3], expected.logits)
    np.testing.assert_array_equal(whole.weights[:, :6], expected.weights)


def test_a_training_learns_from_every_view():
    """What takes both views to tell is told by the mean of members that see one each."""
    table = np.concatenate([np.repeat(np.eye(4), 4, 0), np.tile(np.eye(4), (4, 1))], axis=1)
    rows = [np.array([place]) for place in np.tile(np.arange(16), 4)]
    targets = np.zeros(len(rows), dtype=np.intp)
    labels = np.array([row[0] // 4 % 2 * 2 + row[0] % 2 for row in rows])  # a bit of each view
    examples = Examples(table.astype(np.float32), rows, targets, labels, views=2)
    architecture = replace(ARCHITECTURE, committee=2, n_labels=4)
    training = Training(examples, architecture, TrainingSettings(epochs=60, held_out=0.0))
    list(training.run())
    said = predict(training.best, architecture, examples).argmax(axis=1)
    np.testing.assert_array_equal(said, labels)
