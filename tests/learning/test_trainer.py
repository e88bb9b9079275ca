"""The loop: it learns, repeats itself exactly, keeps the best, stops and goes on."""

import numpy as np
import pytest

from attncli.attention.parameters import Architecture
from attncli.errors import DataError, NumericError
from attncli.learning.losses import balanced_label_weights, cross_entropy, weights_loss
from attncli.learning.minibatches import Examples, batches
from attncli.learning.optimizers import Adam, learning_rate
from attncli.learning.trainer import Training, predict, split_off
from attncli.settings import TrainingSettings

QUICK = TrainingSettings(epochs=12, batch_size=8, word_dropout=0.1, held_out=0.2)


def near_neighbor(n=60, seed=0, landmarks=0) -> tuple[Examples, Architecture]:
    """Sentences whose label is whether the word right after the target is one of two words."""
    rng = np.random.default_rng(seed)
    rows = [rng.integers(2, 9, rng.integers(3, 9)) for _ in range(n)]
    labels = rng.integers(0, 2, n)
    targets = np.array([rng.integers(0, len(r) - 1) for r in rows])
    for row, target, label in zip(rows, targets, labels, strict=True):
        row[target], row[target + 1] = 8, label
    table = rng.standard_normal((9, 6)).astype(np.float32)
    architecture = Architecture(
        d_model=6,
        n_labels=2,
        n_heads=2,
        d_k=4,
        d_v=4,
        positions="relative",
        reach=3,
        committee=2,
        landmarks=landmarks,
    )
    return Examples(table, rows, targets, labels), architecture


def trained(settings=QUICK, **options):
    """A finished training and its progress."""
    examples, architecture = near_neighbor(**options)
    training = Training(examples, architecture, settings)
    return training, list(training.run())


def test_training_learns():
    """The loss falls, and unseen sentences are labeled far better than by chance."""
    settings = TrainingSettings(
        epochs=40,
        batch_size=8,
        learning_rate=0.02,
        weight_decay=0.1,
        weight_dropout=0.0,
        dropout=0.0,
        word_dropout=0.0,
        smoothing=0.0,
        held_out=0.0,
    )
    training, progress = trained(settings)
    assert progress[-1].loss < 0.7 * progress[0].loss
    unseen, _ = near_neighbor(80, seed=5)
    unseen = Examples(near_neighbor()[0].table, unseen.rows, unseen.targets, unseen.labels)
    said = predict(training.best, training.architecture, unseen).argmax(axis=1)
    assert (said == unseen.labels).mean() > 0.85


def test_the_same_seed_gives_the_same_numbers():
    """Two trainings with one seed end bit-equal, another seed does not."""
    one, _ = trained()
    two, _ = trained()
    assert one.best.flat.tobytes() == two.best.flat.tobytes()
    other, _ = trained(TrainingSettings(epochs=12, batch_size=8, seed=1))
    assert one.best.flat.tobytes() != other.best.flat.tobytes()


@pytest.mark.parametrize(("stop", "landmarks"), [(1, 0), (5, 0), (11, 0), (5, 4)])
def test_a_stopped_training_ends_as_one_never_stopped(stop, landmarks):
    """State saved after any epoch and restored into a new training gives the same end, bit for bit."""
    whole, progress = trained(landmarks=landmarks)
    examples, architecture = near_neighbor(landmarks=landmarks)
    first = Training(examples, architecture, QUICK)
    for _, _ in zip(range(stop), first.run(), strict=False):
        pass
    second = Training(examples, architecture, QUICK)
    second.restore(*first.state())
    rest = list(second.run())
    assert [p.loss for p in rest] == [p.loss for p in progress[stop:]]
    assert second.best.flat.tobytes() == whole.best.flat.tobytes()
    assert (second.best_epoch, second.best_accuracy) == (whole.best_epoch, whole.best_accuracy)


def test_a_damaged_state_is_refused():
    """A state with a missing or foreign part is a DataError."""
    training, _ = trained()
    arrays, facts = training.state()
    with pytest.raises(DataError):
        training.restore({**arrays, "best": np.zeros(3)}, facts)
    with pytest.raises(DataError):
        training.restore(arrays, "{}")


def test_the_best_epoch_is_kept():
    """`best` has the highest held-out accuracy that was seen, and the progress says when."""
    training, progress = trained()
    best = max(p.held_out_accuracy for p in progress)
    assert training.best_accuracy == best
    assert progress[training.best_epoch - 1].held_out_accuracy == best
    assert progress[training.best_epoch - 1].best


def test_patience_stops_early():
    """Without a better held-out result for so many epochs the training ends."""
    settings = TrainingSettings(epochs=200, batch_size=8, held_out=0.2, patience=3)
    training, progress = trained(settings)
    assert len(progress) < 200
    assert len(progress) - training.best_epoch == 3


def test_a_diverging_training_is_an_error():
    """A loss that is not finite ends in NumericError with a hint, not in a model of NaN."""
    examples, architecture = near_neighbor()
    huge = Examples(examples.table * 1e30, examples.rows, examples.targets, examples.labels)
    training = Training(huge, architecture, TrainingSettings(epochs=50, learning_rate=1e30))
    with pytest.raises(NumericError, match="diverged"):
        list(training.run())
    assert np.isfinite(training.best.flat).all()


def test_given_weights_are_met():
    """W_q and W_k are found that give asymmetric weights to 0.005 in every cell."""
    rng = np.random.default_rng(0)
    given = [
        np.array([[0.7, 0.2, 0.1], [0.25, 0.7, 0.05], [0.1, 0.2, 0.7]]),
        np.array([[0.8, 0.15, 0.05], [0.2, 0.78, 0.02], [0.4, 0.01, 0.59]]),
    ]
    rows = [np.array([0, 1, 2]), np.array([3, 1, 4])]
    table = rng.standard_normal((5, 12)).astype(np.float32)
    architecture = Architecture(12, 0, n_heads=1, d_k=6, d_v=12, readout="weights")
    settings = TrainingSettings(epochs=3000, weight_decay=0.0, held_out=0.0, tolerance=0.001)
    training = Training(Examples(table, rows, weights=given), architecture, settings)
    progress = list(training.run())
    assert progress[-1].worst < 0.005
    assert len(progress) < 3000


def test_each_label_keeps_an_example_to_learn_from():
    """The held-out part has the share asked for of each label, and never all of one."""
    labels = np.array([0] * 50 + [1] * 10 + [2])
    examples = Examples(np.zeros((1, 2)), [np.zeros(1, dtype=int)] * 61, None, labels)
    kept, aside = split_off(examples, 0.2, seed=0)
    assert sorted([*kept, *aside]) == list(range(61))
    assert np.bincount(labels[aside], minlength=3).tolist() == [10, 2, 0]


def test_every_sentence_is_in_one_batch():
    """An epoch sees each sentence once; batches are near in length."""
    lengths = np.random.default_rng(0).integers(1, 40, 101)
    found = list(batches(lengths, 8, np.random.default_rng(1)))
    assert sorted(np.concatenate(found).tolist()) == list(range(101))
    assert max(map(len, found)) == 8


def test_adam_equals_pytorch():
    """Twenty steps of Adam with decoupled decay equal torch.optim.AdamW to 1e-12."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    values = rng.standard_normal(7)
    other = torch.nn.Parameter(torch.from_numpy(values.copy()))
    theirs = torch.optim.AdamW([other], lr=0.01, weight_decay=0.3)
    ours = Adam(7, values.dtype, decay=np.full(7, 0.3))
    for _ in range(20):
        gradient = rng.standard_normal(7)
        other.grad = torch.from_numpy(gradient.copy())
        theirs.step()
        ours.step(values, gradient, 0.01)
    assert np.abs(values - other.detach().numpy()).max() < 1e-12


def test_the_learning_rate_rises_and_falls():
    """It starts low, peaks near 5 %, and ends near zero."""
    rates = [learning_rate(1.0, step, 100) for step in range(100)]
    assert rates[0] < 0.2
    assert max(rates) > 0.98
    assert rates[-1] < 0.001


def test_balance_gives_each_label_its_say():
    """With balance 1 each label's weights sum to the same; the mean weight is always 1."""
    labels = np.array([0] * 30 + [1] * 3)
    for balance in (0.0, 0.5, 1.0):
        weights = balanced_label_weights(labels, 2, balance)
        assert weights[labels].mean() == pytest.approx(1.0, rel=1e-6)
    assert weights[0] * 30 == pytest.approx(weights[1] * 3)


def test_losses_equal_their_formulas():
    """Cross-entropy is −log p of the label; the divergence of equal weights is zero."""
    logits = np.log(np.array([[[0.7, 0.3], [0.4, 0.6]]]))
    loss, _ = cross_entropy(logits, np.array([0, 1]))
    assert loss == pytest.approx(-(np.log(0.7) + np.log(0.6)) / 2)
    given = np.array([[[0.7, 0.3], [0.4, 0.6]]])
    loss, _, worst = weights_loss(given[:, None].copy(), given)
    assert loss == pytest.approx(0.0)
    assert worst == 0.0
