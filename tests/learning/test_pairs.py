"""Pairs of sentences: losses and gradients by differences and PyTorch, and what must not matter."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.attention.parameters import Architecture, Parameters, initial_parameters
from attncli.learning.agreement import pearson, ranks_of_partners, shared_ranks, spearman
from attncli.learning.check import check_gradients, loss_and_gradients
from attncli.learning.gradients import forward
from attncli.learning.landmarks import chosen_landmarks, with_landmarks
from attncli.learning.losses import contrastive, squared_error
from attncli.learning.minibatches import Batch, Examples, batch_of, shared_sentences
from attncli.learning.objective import Objective
from attncli.learning.optimizers import learning_rate
from attncli.learning.pair_vectors import pair_vectors
from attncli.learning.trainer import Training
from attncli.settings import TrainingSettings

TASKS = ("similarity", "relation", "match")
POSITIONS = ("none", "sinusoidal", "rope", "learned", "relative")
LENGTHS = ((4, 2), (7, 3), (1, 5), (5, 6))
STILL = TrainingSettings(
    epochs=6,
    batch_size=64,
    learning_rate=0.02,
    weight_decay=0.0,
    dropout=0.0,
    weight_dropout=0.0,
    word_dropout=0.0,
    balance=0.0,
    held_out=0.0,
    pair_temperature=0.2,
)


def make(task="similarity", readout="attention", positions="none", seed=0, **options):
    """A small model and pairs of sentences of several lengths; two of them share a sentence."""
    rng = np.random.default_rng(seed)
    architecture = Architecture(
        d_model=5,
        n_labels=3 if task == "relation" else 0,
        n_heads=2,
        d_k=4 if positions == "rope" else 2,
        d_v=3,
        readout=readout,
        positions=positions,
        reach=2,
        max_positions=4,
        pair=task,
        **{"committee": 2, **options},
    )
    rows = [rng.integers(0, 9, n) for n, _ in LENGTHS]
    pairs = [rng.integers(0, 9, n) for _, n in LENGTHS]
    rows.append(rows[1].copy())
    pairs.append(rng.integers(0, 9, 3))
    examples = Examples(
        table=rng.standard_normal((9, 5)),
        rows=rows,
        labels=rng.integers(0, 3, len(rows)) if task == "relation" else None,
        pairs=pairs,
        scores=rng.random(len(rows)) if task == "similarity" else None,
    )
    return architecture, examples


def made(architecture: Architecture, examples: Examples, seed=1) -> tuple[Parameters, Batch]:
    """Parameters with nothing at zero, and all pairs as one batch."""
    parameters = initial_parameters(architecture, np.random.default_rng(seed), np.float64)
    parameters.flat += np.random.default_rng(seed).standard_normal(parameters.flat.size) * 0.3
    if architecture.fixed_shapes():
        parameters.fixed = chosen_landmarks(examples, architecture.landmarks)
    return parameters, batch_of(with_landmarks(examples, parameters), np.arange(len(examples)))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("readout", ["attention", "mean"])
@pytest.mark.parametrize(("positions", "landmarks"), [*((p, 0) for p in POSITIONS), ("none", 4)])
def test_gradients_of_pairs_equal_central_differences(task, readout, positions, landmarks):
    """Each parameter's gradient equals the measured slope to 1e-7 relative, in float64."""
    architecture, examples = make(task, readout, positions, landmarks=landmarks)
    parameters, batch = made(architecture, examples)
    checked = list(check_gradients(parameters, architecture, batch))
    assert [c.name for c in checked] == list(architecture.shapes())
    assert all(c.agrees for c in checked), checked


def torch_sentence(torch, p, fixed, a: Architecture, table, rows):
    """What each member reads of a sentence, (committee, n_heads·d_v), straight from the formulas."""
    x = plain = table[torch.from_numpy(rows.copy())]
    s = (x @ p["W_q"]) @ (x @ p["W_k"]).transpose(1, 2) / a.d_k**0.5
    if a.positions == "relative":
        far = torch.arange(len(rows))[None, :] - torch.arange(len(rows))[:, None]
        s = s + p["position_table"][:, far.clamp(-a.reach - 1, a.reach + 1) + a.reach + 1]
    if fixed:
        cosines = plain / plain.norm(dim=1, keepdim=True) @ fixed["landmarks"].T
        x = torch.cat([x, cosines**3 @ fixed["mixing"]], dim=1)
    new = torch.softmax(s, dim=-1) @ (x @ p["W_v"])  # (heads, n, d_v)
    if a.readout == "mean":
        return new.mean(dim=1).reshape(a.committee, -1)
    share = torch.softmax((new * p["pool"][:, None]).sum(-1), dim=-1)
    return (share[..., None] * new).sum(dim=1).reshape(a.committee, -1)


def torch_loss(torch, p, fixed, a: Architecture, examples: Examples, temperature: float):
    """The sum of the members' losses, by PyTorch's own functions."""
    f = torch.nn.functional
    table = torch.from_numpy(examples.table)
    u, v = (
        torch.stack([torch_sentence(torch, p, fixed, a, table, rows) for rows in side], dim=1)
        for side in (examples.rows, examples.pairs)
    )  # (committee, B, size)
    total = 0.0
    for member in range(a.committee):
        mine, yours = u[member], v[member]
        if a.pair == "similarity":
            aim = torch.from_numpy(examples.scores)
            total = total + f.mse_loss(f.cosine_similarity(mine, yours), aim)
        elif a.pair == "relation":
            both = torch.cat([mine, yours, (mine - yours).abs(), mine * yours], dim=1)
            logits = both @ p["W_out"][member] + p["b_out"][member]
            total = total + f.cross_entropy(logits, torch.from_numpy(examples.labels))
        else:
            cosines = f.cosine_similarity(mine[:, None], yours[None], dim=-1)
            shared = shared_sentences(examples.rows, examples.pairs)
            np.fill_diagonal(shared, False)
            logits = (cosines / temperature).masked_fill(torch.from_numpy(shared), -torch.inf)
            own = torch.arange(len(examples))
            total = total + (f.cross_entropy(logits, own) + f.cross_entropy(logits.T, own)) / 2
    return total


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("readout", ["attention", "mean"])
@pytest.mark.parametrize(("positions", "landmarks"), [("none", 0), ("relative", 0), ("none", 4)])
def test_loss_and_gradients_of_pairs_equal_pytorch(task, readout, positions, landmarks):
    """Loss and gradients equal those of PyTorch's autograd on the plain formulas to 1e-9."""
    torch = pytest.importorskip("torch")
    architecture, examples = make(task, readout, positions, landmarks=landmarks)
    parameters, batch = made(architecture, examples)
    objective = Objective(temperature=0.3)
    loss, gradients = loss_and_gradients(parameters, architecture, batch, objective)
    leaves = {
        name: torch.from_numpy(parameters[name].copy()).requires_grad_() for name in parameters
    }
    fixed = {name: torch.from_numpy(part).double() for name, part in parameters.fixed.items()}
    expected = torch_loss(torch, leaves, fixed, architecture, examples, 0.3)
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-12)
    for name in parameters:
        slope = leaves[name].grad.numpy()
        size = max(np.abs(slope).max(), 1e-3)
        assert np.abs(gradients[name] - slope).max() < 1e-9 * size, name


@pytest.mark.parametrize("task", TASKS)
def test_steps_of_training_equal_pytorchs_adam(task):
    """Six steps of a training end where PyTorch's Adam ends, on losses and slopes of its own."""
    torch = pytest.importorskip("torch")
    architecture, examples = make(task, positions="relative")
    training = Training(examples, architecture, STILL)
    start = training.parameters.copy()
    losses = [progress.loss for progress in training.run()]
    unit = float(np.sqrt(np.mean(np.square(examples.table))))
    leaves = {
        name: torch.from_numpy(start[name].astype(np.float64)).requires_grad_() for name in start
    }
    groups = [
        {"params": [leaf], "lr": 1 / unit if name in ("W_q", "W_k", "W_v") else 1.0}
        for name, leaf in leaves.items()
    ]
    adam = torch.optim.Adam(groups)
    rates = torch.optim.lr_scheduler.LambdaLR(
        adam, lambda step: learning_rate(STILL.learning_rate, step, STILL.epochs)
    )
    expected = []
    for _ in range(STILL.epochs):
        adam.zero_grad()
        loss = torch_loss(torch, leaves, {}, architecture, examples, STILL.pair_temperature)
        loss.backward()
        expected.append(loss.item() / architecture.committee)
        adam.step()
        rates.step()
    np.testing.assert_allclose(losses, expected, rtol=2e-4)
    for name in start:
        moved = leaves[name].detach().numpy() - start[name]
        np.testing.assert_allclose(
            training.parameters[name] - start[name], moved, atol=0.02 * np.abs(moved).max()
        )


@pytest.mark.parametrize("readout", ["attention", "mean"])
def test_swapping_the_sentences_leaves_the_cosine(readout):
    """cos(u, v) is cos(v, u), to the last bit."""
    architecture, examples = make("similarity", readout, "relative")
    parameters, batch = made(architecture, examples)
    swapped = batch_of(
        replace(examples, rows=examples.pairs, pairs=examples.rows), np.arange(len(examples))
    )
    cosines = forward(parameters, architecture, batch).cosines
    np.testing.assert_array_equal(cosines, forward(parameters, architecture, swapped).cosines)


@pytest.mark.parametrize("positions", POSITIONS)
def test_a_sentence_is_wholly_like_itself(positions):
    """A pair of twice the same sentence has the cosine 1; two sentences of zeros have 0, and no slope."""
    architecture, examples = make("similarity", positions=positions)
    parameters, _ = made(architecture, examples)
    twins = replace(examples, pairs=examples.rows)
    cosines = forward(parameters, architecture, batch_of(twins, np.arange(len(twins)))).cosines
    np.testing.assert_allclose(cosines, 1, atol=1e-12)
    if positions in ("none", "rope", "relative"):
        empty = batch_of(replace(twins, table=np.zeros_like(twins.table)), np.arange(len(twins)))
        _, gradients = loss_and_gradients(parameters, architecture, empty)
        assert not forward(parameters, architecture, empty).cosines.any()
        assert not gradients.flat.any()


@given(st.permutations(range(5)))
def test_the_order_of_a_batch_does_not_matter_to_matches(order):
    """Cosines of a batch in another order are the same rows and columns; the loss is the same."""
    architecture, examples = make("match", positions="relative")
    parameters, batch = made(architecture, examples)
    mixed = batch_of(examples, order)
    cosines = forward(parameters, architecture, batch).cosines
    other = forward(parameters, architecture, mixed).cosines
    np.testing.assert_allclose(other, cosines[:, order][:, :, order], atol=1e-12)
    loss, slope = contrastive(cosines, 0.1, batch.same)
    again, turned = contrastive(other, 0.1, mixed.same)
    assert again == pytest.approx(loss, rel=1e-9)
    np.testing.assert_allclose(turned, slope[:, order][:, :, order], atol=1e-9)


def test_the_slope_of_each_loss_equals_differences():
    """d_cosines of both losses of cosines equal central differences of the loss, a member at a time."""
    rng = np.random.default_rng(3)
    same = np.zeros((4, 4), dtype=np.bool_)
    same[0, 2] = same[2, 0] = True
    scores = rng.random(4)
    for loss_of, shape in (
        (lambda c: squared_error(c, scores), (2, 4)),
        (lambda c: contrastive(c, 0.2, same), (2, 4, 4)),
    ):
        cosines = rng.uniform(-1, 1, shape)
        _, slope = loss_of(cosines)
        for place in itertools.product(*map(range, shape)):
            ends = []
            for step in (-1e-5, 1e-5):
                moved = cosines.copy()
                moved[place] += step
                ends.append(2 * loss_of(moved)[0])  # the gradient is of the sum of two members
            assert slope[place] == pytest.approx((ends[1] - ends[0]) / 2e-5, abs=1e-7)


def test_a_shared_sentence_is_no_wrong_partner():
    """Where two pairs share a sentence neither is told from the other: their cosine has no slope."""
    architecture, examples = make("match")
    _, batch = made(architecture, examples)
    assert batch.same[1, 4]
    assert not batch.same[0, 1]
    _, slope = contrastive(np.random.default_rng(0).random((2, 5, 5)), 0.1, batch.same)
    assert not slope[:, 1, 4].any()
    assert not slope[:, 4, 1].any()
    assert slope[:, 0, 1].all()


@pytest.mark.parametrize("views", [1, 2])
def test_the_product_of_vectors_is_the_mean_cosine(views):
    """The vectors of both sentences multiply to the mean of the members' cosines, with views too."""
    architecture, examples = make("similarity", positions="relative")
    parameters, _ = made(architecture, examples)
    if views == 2:
        beside = np.random.default_rng(5).standard_normal(examples.table.shape)
        examples = replace(
            examples, table=np.concatenate([examples.table, beside], axis=1), views=2
        )
    cosines = forward(parameters, architecture, batch_of(examples, np.arange(5))).cosines
    first, second = pair_vectors(parameters, architecture, examples)
    np.testing.assert_allclose((first * second).sum(axis=1), cosines.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=1e-12)


@pytest.mark.parametrize("task", TASKS)
def test_a_stopped_training_of_pairs_ends_as_one_never_stopped(task):
    """State saved after an epoch and restored into a new training gives the same end, bit for bit."""
    architecture, examples = make(task, positions="relative")
    settings = replace(STILL, word_dropout=0.2, dropout=0.2, batch_size=2, held_out=0.4)
    whole = Training(examples, architecture, settings)
    list(whole.run())
    first, second = (Training(examples, architecture, settings) for _ in range(2))
    next(itertools.islice(first.run(), 2, None))
    second.restore(*first.state())
    list(second.run())
    assert second.best.flat.tobytes() == whole.best.flat.tobytes()
    assert second.best_figure == whole.best_figure


numbers = st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, 7.0]), min_size=2, max_size=8)


@given(numbers, st.randoms(use_true_random=False))
def test_ranks_and_correlations_equal_plain_loops(values, random):
    """Ranks, Spearman's and Pearson's figures equal those counted one by one."""
    other = [random.choice([0.0, 1.0, 3.0, 4.0]) for _ in values]
    ranks = [sum(x < v for x in values) + (sum(x == v for x in values) + 1) / 2 for v in values]
    assert shared_ranks(np.array(values)).tolist() == ranks
    means = [sum(part) / len(part) for part in (values, other)]
    apart = [[x - mean for x in part] for part, mean in zip((values, other), means, strict=True)]
    sizes = [sum(x * x for x in part) for part in apart]
    expected = 0.0
    if min(sizes) > 1e-12:
        expected = sum(a * b for a, b in zip(*apart, strict=True)) / (sizes[0] * sizes[1]) ** 0.5
    assert pearson(np.array(values), np.array(other)) == pytest.approx(expected, abs=1e-9)
    plain = pearson(shared_ranks(np.array(values)), shared_ranks(np.array(other)))
    assert spearman(np.array(values), np.array(other)) == plain


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=7),
    st.integers(0, 99),
)
def test_ranks_of_partners_equal_plain_loops(pairs, seed):
    """The place of the right answer equals the wrong answers counted one by one."""
    vectors = np.random.default_rng(seed).integers(-1, 2, (2, 4, 2)).astype(np.float64)
    asks, answers = (np.unique([p[i] for p in pairs], return_inverse=True)[1] for i in (0, 1))
    asking = vectors[0][[a for a, _ in pairs]]
    answering = vectors[1][[b for _, b in pairs]]
    found = ranks_of_partners(asking, answering, asks, answers).tolist()
    for (ask, _), rank in zip(pairs, found, strict=True):
        right = {b for a, b in pairs if a == ask}
        near = {b: float(vectors[0][ask] @ vectors[1][b]) for _, b in pairs}
        best = max(near[b] for b in right)
        assert rank == 1 + sum(near[b] >= best for b in near if b not in right)
