"""Closed-form gradients against central differences and PyTorch; forward against the core."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from attncli.attention.core import attend
from attncli.attention.parameters import Architecture, Parameters, initial_parameters
from attncli.attention.projections import Projections, task_attention
from attncli.learning.check import check_gradients, loss_and_gradients
from attncli.learning.gradients import forward
from attncli.learning.landmarks import chosen_landmarks, with_landmarks
from attncli.learning.minibatches import Batch, Examples, batch_of, drop_words
from attncli.learning.passes import Noise, placed_vectors
from attncli.learning.slopes import Gradients

READOUTS = ("target", "attention", "mean", "weights")
POSITIONS = ("none", "sinusoidal", "rope", "learned", "relative")
LENGTHS = (4, 7, 1, 5)
KINDS = [
    (readout, positions, landmarks)
    for readout, positions in itertools.product(READOUTS, POSITIONS)
    for landmarks in ((0,) if readout == "weights" else (0, 6))
]


def make(readout="target", positions="none", seed=0, **options) -> tuple[Architecture, Examples]:
    """A small model (all axes of different length) and sentences of several lengths."""
    rng = np.random.default_rng(seed)
    d_model, n_labels = 5, 3
    architecture = Architecture(
        d_model=d_model,
        n_labels=n_labels,
        n_heads=2,
        d_k=3 if positions == "rope" else 2,
        d_v=4,
        readout=readout,
        positions=positions,
        reach=2,
        max_positions=5,
        **{"committee": 1 if readout == "weights" else 2, **options},
    )
    rows = [rng.integers(0, 9, n) for n in LENGTHS]
    given = []
    for n in LENGTHS:
        raw = rng.random((n, n))
        given.append(raw / raw.sum(axis=1, keepdims=True))
    given[1][2] = np.nan
    examples = Examples(
        table=rng.standard_normal((9, d_model)),
        rows=rows,
        targets=np.array([1, 6, 0, 2]) if readout == "target" else None,
        labels=rng.integers(0, n_labels, len(rows)),
        weights=given if readout == "weights" else None,
    )
    return architecture, examples


def made(architecture: Architecture, examples: Examples, seed=1) -> tuple[Parameters, Batch]:
    """Parameters with nothing at zero, and all examples as one batch."""
    parameters = initial_parameters(architecture, np.random.default_rng(seed), np.float64)
    parameters.flat += np.random.default_rng(seed).standard_normal(parameters.flat.size) * 0.3
    if architecture.fixed_shapes():
        parameters.fixed = chosen_landmarks(examples, architecture.landmarks)
    widened = with_landmarks(examples, parameters)
    return parameters, batch_of(widened, np.arange(len(examples)))


@pytest.mark.parametrize(("readout", "positions", "landmarks"), KINDS)
def test_gradients_of_every_parameter_equal_central_differences(readout, positions, landmarks):
    """Each parameter's gradient equals the measured slope to 1e-7 relative, in float64."""
    architecture, examples = make(readout, positions, landmarks=landmarks)
    parameters, batch = made(architecture, examples)
    checked = list(check_gradients(parameters, architecture, batch))
    assert [c.name for c in checked] == list(architecture.shapes())
    assert all(c.difference < 1e-7 for c in checked), checked


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("options", [{"causal": True}, {"window": 1}])
def test_masks_change_forward_and_gradient_alike(readout, options):
    """Causal and window masks keep gradient and slope equal, and hide what they say."""
    architecture, examples = make(readout, "relative", **options)
    parameters, batch = made(architecture, examples)
    assert all(c.agrees for c in check_gradients(parameters, architecture, batch))
    weights = forward(parameters, architecture, batch).weights
    if readout != "target" and "causal" in options:
        assert np.all(weights[:, :, 0, 1:] == 0)


@pytest.mark.parametrize("entry", ["largest", "smallest"])
def test_a_wrong_gradient_is_found(monkeypatch, entry):
    """Each parameter in turn: a backward pass that is wrong there, in one entry, by a millionth of
    the largest, does not agree; what it leaves alone agrees.
    """
    architecture, examples = make()
    parameters, batch = made(architecture, examples)
    for spoiled in list(parameters):

        def backward(*given, spoiled=spoiled):
            pass_ = forward(*given)

            def wrong(d_output, gradients):
                pass_.backward(d_output, gradients)
                values = gradients[spoiled].reshape(-1)
                sizes = np.abs(values)
                at = sizes.argmax() if entry == "largest" else sizes.argmin()
                values[at] += 1e-6 * sizes.max()

            return replace(pass_, backward=wrong)

        monkeypatch.setattr("attncli.learning.check.forward", backward)
        told = {check.name: check for check in check_gradients(parameters, architecture, batch)}
        assert set(told) == set(parameters)
        assert {name for name, check in told.items() if not check.agrees} == {spoiled}
        assert 5e-7 < told[spoiled].difference < 2e-6


def torch_loss(torch, p, fixed, a: Architecture, examples: Examples):
    """The loss of every sentence on its own, straight from the formulas, by PyTorch."""
    total = 0.0
    table = torch.from_numpy(examples.table)
    given_rows = 0
    for i, rows in enumerate(examples.rows):
        x = plain = table[torch.from_numpy(rows.copy())]
        n = len(rows)
        if a.positions == "sinusoidal":
            x = x + torch.from_numpy(placed_vectors(np.zeros((1, n, a.d_model)), None, a)[0].copy())
        if a.positions == "learned":
            x = x + p["position_table"][torch.arange(n).clamp(max=a.max_positions - 1)]
        q, k = x @ p["W_q"], x @ p["W_k"]  # (heads, n, d_k)
        if a.positions == "rope":
            turn = torch_rotation(torch, n, a.d_k)
            q, k = torch.einsum("nij,hnj->hni", turn, q), torch.einsum("nij,hnj->hni", turn, k)
        s = q @ k.transpose(1, 2) / a.d_k**0.5
        if a.positions == "relative":
            far = torch.arange(n)[None, :] - torch.arange(n)[:, None]
            s = s + p["position_table"][:, far.clamp(-a.reach - 1, a.reach + 1) + a.reach + 1]
        w = torch.softmax(s, dim=-1)
        if a.readout == "weights":
            aim = torch.from_numpy(examples.weights[i])
            known = ~torch.isnan(aim[:, 0])
            given_rows += int(known.sum())
            mean = w.mean(dim=0)[known]
            total = total + (aim[known] * (aim[known].log() - mean.log())).sum()
            continue
        if fixed:
            cosines = plain / plain.norm(dim=1, keepdim=True) @ fixed["landmarks"].T
            x = torch.cat([x, cosines**3 @ fixed["mixing"]], dim=1)
        c = w @ (x @ p["W_v"])  # (heads, n, d_v)
        if a.readout == "target":
            c = c[:, examples.targets[i]]
        elif a.readout == "mean":
            c = c.mean(dim=1)
        else:
            share = torch.softmax((c * p["pool"][:, None]).sum(-1), dim=-1)  # (heads, n)
            c = (share[..., None] * c).sum(dim=1)
        joined = c.reshape(a.committee, 1, -1)
        logits = (joined @ p["W_out"])[:, 0] + p["b_out"]
        aim = torch.tensor([int(examples.labels[i])] * a.committee)
        total = total + torch.nn.functional.cross_entropy(logits, aim, reduction="sum")
    return total / (given_rows if a.readout == "weights" else len(examples.rows))


def torch_rotation(torch, n: int, d: int):
    """The rotation of each position as a whole matrix (n, d, d)."""
    turn = torch.zeros(n, d, d, dtype=torch.float64)
    for place in range(n):
        turn[place] = torch.eye(d, dtype=torch.float64)
        for pair in range(d // 2):
            angle = torch.tensor(place * 10000 ** (-2 * pair / d), dtype=torch.float64)
            i, j = 2 * pair, 2 * pair + 1
            turn[place, i, i] = turn[place, j, j] = torch.cos(angle)
            turn[place, i, j], turn[place, j, i] = -torch.sin(angle), torch.sin(angle)
    return turn


@pytest.mark.parametrize(("readout", "positions", "landmarks"), KINDS)
def test_loss_and_gradients_equal_pytorch(readout, positions, landmarks):
    """Loss and gradients equal those of PyTorch's autograd on the plain formulas to 1e-9."""
    torch = pytest.importorskip("torch")
    architecture, examples = make(readout, positions, landmarks=landmarks)
    parameters, batch = made(architecture, examples)
    loss, gradients = loss_and_gradients(parameters, architecture, batch)
    leaves = {
        name: torch.from_numpy(parameters[name].copy()).requires_grad_() for name in parameters
    }
    fixed = {name: torch.from_numpy(part).double() for name, part in parameters.fixed.items()}
    expected = torch_loss(torch, leaves, fixed, architecture, examples)
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    for name in parameters:
        slope = leaves[name].grad.numpy()
        size = max(np.abs(slope).max(), 1e-3)
        assert np.abs(gradients[name] - slope).max() < 1e-9 * size, name


def test_weights_are_bit_equal_to_the_core():
    """The learning room's weights are those of `core.attend`, bit for bit."""
    architecture, examples = make("mean", "none")
    parameters, batch = made(architecture, examples)
    found = forward(parameters, architecture, batch).weights
    x = batch.vectors
    wide = {
        name: (x.reshape(-1, 5) @ parameters[name].transpose(1, 0, 2).reshape(5, -1))
        .reshape(len(x), x.shape[1], 4, -1)
        .transpose(0, 2, 1, 3)
        for name in ("W_q", "W_k")
    }
    mask = ~batch.hidden[:, None, None, :]
    _, weights = attend(wide["W_q"], wide["W_k"], x[:, None], mask=mask)
    assert np.array_equal(found, weights)


def test_folded_target_weights_are_bit_equal_to_the_core():
    """With keys folded into the query, weights and context are still those of `core.attend`."""
    architecture, examples = make("target", "sinusoidal")
    parameters, batch = made(architecture, examples)
    found = forward(parameters, architecture, batch).weights[:, :, 0]
    vectors = placed_vectors(batch.vectors, parameters, architecture)
    targets = vectors[np.arange(4), batch.targets]
    folded = np.matmul(np.matmul(targets, parameters["W_q"]), parameters["W_k"].swapaxes(1, 2))
    asked = np.ascontiguousarray(folded.swapaxes(0, 1))
    mask = ~batch.hidden[:, None]
    _, weights = attend(asked, vectors, vectors, mask=mask, scale=1 / math.sqrt(2))
    assert np.array_equal(found, weights)


@pytest.mark.parametrize(("readout", "positions"), list(itertools.product(READOUTS[:3], POSITIONS)))
def test_learning_and_explaining_see_the_same_weights(readout, positions):
    """`task_attention` of one sentence gives the weights that learning sees in its padded batch."""
    architecture, examples = make(readout, positions)
    parameters, batch = made(architecture, examples)
    table = parameters["position_table"] if positions in ("learned", "relative") else None
    layer = Projections(parameters["W_q"], parameters["W_k"], parameters["W_v"], positions, table)
    weights = forward(parameters, architecture, batch).weights
    for i, rows in enumerate(examples.rows):
        alone = task_attention(examples.table[rows], layer)
        expected = alone.weights
        if readout == "target":
            expected = expected[:, examples.targets[i] : examples.targets[i] + 1]
        n = len(rows)
        seen = weights[i, :, : expected.shape[1], :n]
        assert np.abs(seen - expected).max() < 1e-12


def test_padding_changes_nothing():
    """Each sentence has the same logits alone as in a padded batch."""
    for readout in ("target", "attention", "mean"):
        architecture, examples = make(readout, "relative")
        parameters, batch = made(architecture, examples)
        together = forward(parameters, architecture, batch).logits
        for i in range(len(examples)):
            alone = forward(parameters, architecture, batch_of(examples, [i])).logits
            assert np.abs(alone[:, 0] - together[:, i]).max() < 1e-12


def test_dropout_has_a_true_gradient():
    """With the same random numbers, the gradient under dropout equals the slope under dropout."""
    for readout in ("target", "attention"):
        architecture, examples = make(readout, "relative")
        parameters, batch = made(architecture, examples)
        drop_words(batch, 0.3, np.random.default_rng(5))

        def logits(parameters, architecture=architecture, batch=batch):
            noise = Noise(np.random.default_rng(3), weights=0.4, readout=0.4)
            return forward(parameters, architecture, batch, noise=noise)

        found, gradients = logits(parameters), Gradients.of(parameters)
        chosen = np.random.default_rng(4).standard_normal(found.logits.shape)
        found.backward(chosen, gradients)
        for place in range(0, parameters.flat.size, 7):
            moved = []
            for step in (-1e-5, 1e-5):
                other = parameters.copy()
                other.flat[place] += step
                moved.append(float((logits(other).logits * chosen).sum()))
            slope = (moved[1] - moved[0]) / 2e-5
            assert gradients.flat[place] == pytest.approx(slope, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize(("readout", "positions", "landmarks"), KINDS)
def test_a_way_back_adds_and_never_sets(readout, positions, landmarks):
    """What is there stays; after zero() a way back gives what it adds, and twice gives it twice."""
    architecture, examples = make(readout, positions, landmarks=landmarks)
    parameters, batch = made(architecture, examples)
    _, alone = loss_and_gradients(parameters, architecture, batch)
    once = alone.flat.copy()
    ways = forward(parameters, architecture, batch)
    slope = np.ones_like(ways.weights if ways.logits is None else ways.logits)
    ways.backward(slope, alone)
    added = alone.flat - once
    alone.zero()
    ways.backward(slope, alone)
    np.testing.assert_allclose(added, alone.flat, rtol=1e-9, atol=1e-12)
    single = alone.flat.copy()
    ways.backward(slope, alone)
    np.testing.assert_allclose(alone.flat, 2 * single, rtol=1e-12, atol=1e-14)


def test_sums_that_nothing_is_added_to_are_zero():
    """zero() is seen in the whole, in one parameter and in a part, before anything is added."""
    architecture, examples = make()
    parameters, _ = made(architecture, examples)
    for look in (
        lambda sums: sums.flat,
        lambda sums: sums["W_q"],
        lambda sums: sums.part(architecture.shapes(), slice(0, 1), slice(0, 2))["W_k"],
    ):
        sums = Gradients(parameters.copy())
        sums.zero()
        assert not look(sums).any()


def test_dropped_words_are_not_seen():
    """A dropped word has weight zero, and the target is never dropped."""
    architecture, examples = make("target", "none")
    parameters, batch = made(architecture, examples)
    drop_words(batch, 0.999, np.random.default_rng(0))
    weights = forward(parameters, architecture, batch).weights[:, :, 0]
    kept = np.zeros_like(weights)
    kept[np.arange(4), :, batch.targets] = 1
    assert np.array_equal(weights, kept)
