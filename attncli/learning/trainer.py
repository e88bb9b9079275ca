"""The training loop: arrays in, progress out, never a print.

    training = Training(examples, architecture, settings)
    for progress in training.run():
        …
    training.best  # Parameters

It can be stopped after any epoch and taken up again (`state`, `restore`) with the same end, bit for
bit.
"""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from attncli.arrays import FloatArray, IntArray
from attncli.attention.core import softmax
from attncli.attention.parameters import Architecture, PairTask, Parameters, initial_parameters
from attncli.attention.products import product
from attncli.errors import DataError, NumericError, field_name, setting
from attncli.learning.agreement import both_ways, mean_reciprocal_rank, spearman
from attncli.learning.gradients import forward
from attncli.learning.landmarks import chosen_landmarks, with_landmarks
from attncli.learning.losses import balanced_label_weights, contrastive, squared_error
from attncli.learning.minibatches import (
    Batch,
    Examples,
    batch_of,
    batches,
    drop_words,
    sentence_numbers,
)
from attncli.learning.objective import Objective, loss_of
from attncli.learning.optimizers import Adam, learning_rate
from attncli.learning.pair_vectors import pair_vectors
from attncli.learning.passes import Noise
from attncli.learning.slopes import Gradients
from attncli.settings import TrainingSettings

_PREDICT = 64  # sentences predicted together
_TOGETHER = 256  # pairs kept aside of which each is told from the others
# What is looked at of sentences kept aside.
FIGURES: dict[PairTask | None, str] = {
    None: "accuracy",
    "relation": "accuracy",
    "similarity": "Spearman",
    "match": "MRR",
}
_DECAYED = ("W_q", "W_k", "W_v", "W_out")


@dataclass(frozen=True, slots=True)
class EpochProgress:
    """Where a training stands after an epoch.

    held_out_accuracy and held_out_loss are None when nothing is held out; for given weights
    `worst` is the greatest difference in a cell. `best` says that the model is the best so far.
    held_out_figure: of pairs without labels, instead of an accuracy, its name and value.
    """

    epoch: int
    epochs: int
    steps: int
    loss: float
    held_out_loss: float | None
    held_out_accuracy: float | None
    worst: float | None
    best: bool
    seconds: float
    held_out_figure: tuple[str, float] | None = None

    @property
    def held_out(self) -> tuple[str, float] | None:
        """What was looked at of sentences kept aside: its name and value, None where none are."""
        if self.held_out_accuracy is None:
            return self.held_out_figure
        return FIGURES[None], self.held_out_accuracy


class Training:
    """A training in progress: parameters, optimizer and random numbers, advanced by `run`.

    `label_weights` (n_labels,) say how much a sentence of each label counts, instead of `balance`.
    aside: the places of the examples that are kept aside.
    """

    def __init__(
        self,
        examples: Examples,
        architecture: Architecture,
        settings: TrainingSettings | None = None,
        label_weights: FloatArray | None = None,
    ) -> None:
        self.architecture = architecture
        self.settings = settings or TrainingSettings()
        self._rng = np.random.default_rng(self.settings.seed)
        unit = float(np.sqrt(np.mean(np.square(examples.table, dtype=np.float64)))) or 1.0
        self.parameters = initial_parameters(architecture, self._rng, unit=unit)
        kept, aside = split_off(examples, self.settings.held_out, self.settings.seed)
        self._examples, self._held_out = examples.pick(kept), examples.pick(aside)
        self.aside = aside
        if architecture.fixed_shapes():
            self.parameters.fixed = chosen_landmarks(self._examples, architecture.landmarks)
        self._examples = with_landmarks(self._examples, self.parameters)
        unweighted = label_weights is None
        if unweighted and examples.labels is not None and self._examples.labels is not None:
            label_weights = balanced_label_weights(
                self._examples.labels, architecture.n_labels, self.settings.balance
            )
        self._objective = Objective(
            label_weights, self.settings.smoothing, self.settings.pair_temperature
        )
        decay = self.parameters.spread(
            dict.fromkeys(_DECAYED, self.settings.weight_decay), default=0.0
        )
        paces = self.parameters.spread(_paces(architecture, unit), default=1.0)
        self._adam = Adam(
            self.parameters.flat.size, self.parameters.dtype, decay=decay, paces=paces
        )
        self._gradients = Gradients.of(self.parameters)
        self._epoch = 0
        self._since_best = 0
        self._best_rank: tuple[float, float] | None = None
        self.best = self.parameters.copy()
        self.best_epoch = 0
        self._at_epoch_end: tuple[dict[str, FloatArray], str] = ({}, "")
        self.best_accuracy: float | None = None

    @property
    def n_held_out(self) -> int:
        """The number of sentences kept aside."""
        return len(self._held_out)

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return self._epoch

    def held_out_probabilities(self) -> tuple[IntArray, FloatArray]:
        """The labels of the sentences kept aside (n,), and what the best model says (n, n_labels).

        Raises: ValueError where nothing is held out.
        """
        if self._held_out.labels is None or not len(self._held_out):
            raise ValueError("nothing is held out")
        probabilities = predict(self.best, self.architecture, self._held_out)
        return self._held_out.labels, probabilities

    @property
    def best_figure(self) -> tuple[str, float] | None:
        """What the best model reached on the sentences kept aside: accuracy, Spearman or MRR."""
        if self.best_accuracy is None:
            return None
        return FIGURES[self.architecture.pair], self.best_accuracy

    def run(self) -> Iterator[EpochProgress]:
        """Trains epoch by epoch; `best` holds the best parameters after each.

        Raises: NumericError when the loss is no longer finite.
        """
        began = time.perf_counter()
        self._at_epoch_end = self._now()
        while self._epoch < self.settings.epochs and not self._waited_long_enough():
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                loss, worst = self._epoch_of_steps()
            if not np.isfinite(self.parameters.flat).all():
                raise self._diverged("a learned number is not finite")
            self._epoch += 1
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                held_loss, figure = self._look_at_held_out()
            best = self._keep_best(held_loss, figure, worst)
            has_accuracy = self.architecture.has_labels
            self._at_epoch_end = self._now()
            yield EpochProgress(
                epoch=self._epoch,
                epochs=self.settings.epochs,
                steps=self._adam.steps,
                loss=loss,
                held_out_loss=held_loss,
                held_out_accuracy=figure if has_accuracy else None,
                worst=worst,
                best=best,
                seconds=time.perf_counter() - began,
                held_out_figure=None
                if has_accuracy or figure is None
                else (FIGURES[self.architecture.pair], figure),
            )

    def state(self) -> tuple[dict[str, FloatArray], str]:
        """Everything that decides how training goes on: arrays, and facts as JSON.

        It is that of the last whole epoch, wherever the one after was stopped.
        """
        return self._at_epoch_end

    def _now(self) -> tuple[dict[str, FloatArray], str]:
        arrays = {
            "parameters": self.parameters.flat.copy(),
            "first_moment": self._adam.first.copy(),
            "second_moment": self._adam.second.copy(),
            "best": self.best.flat.copy(),
        }
        facts = {
            "epoch": self._epoch,
            "steps": self._adam.steps,
            "since_best": self._since_best,
            "best_rank": self._best_rank,
            "best_epoch": self.best_epoch,
            "best_accuracy": self.best_accuracy,
            "rng": self._rng.bit_generator.state,
        }
        return arrays, json.dumps(facts)

    def restore(self, arrays: dict[str, FloatArray], facts: str) -> None:
        """Takes a training up where `state` left it.

        Raises: DataError when the state is damaged or of another model.
        """
        try:
            saved = json.loads(facts)
            self._rng.bit_generator.state = saved["rng"]
            rank = saved["best_rank"]
            self._best_rank = None if rank is None else (float(rank[0]), float(rank[1]))
            self._epoch, self._adam.steps = int(saved["epoch"]), int(saved["steps"])
            self._since_best, self.best_epoch = int(saved["since_best"]), int(saved["best_epoch"])
            self.best_accuracy = saved["best_accuracy"]
            for target, name in (
                (self.parameters.flat, "parameters"),
                (self._adam.first, "first_moment"),
                (self._adam.second, "second_moment"),
                (self.best.flat, "best"),
            ):
                target[...] = arrays[name]
        except (KeyError, TypeError, ValueError, IndexError, AttributeError):
            raise DataError("the saved state of this training is damaged") from None

    def _waited_long_enough(self) -> bool:
        if self._best_rank is not None and self.architecture.readout == "weights":
            return -self._best_rank[0] <= self.settings.tolerance
        return bool(self.settings.patience) and self._since_best >= self.settings.patience

    def _epoch_of_steps(self) -> tuple[float, float | None]:
        """One pass over the sentences; the mean loss, and the worst cell of given weights."""
        s = self.settings
        lengths = self._examples.lengths()
        a_pass = math.ceil(len(lengths) / s.batch_size)
        total, worst = 0.0, 0.0
        for places in batches(lengths, s.batch_size, self._rng):
            batch = batch_of(self._examples, places)
            if s.word_dropout:
                drop_words(batch, s.word_dropout, self._rng)
            loss, cell = self._step(batch, s.epochs * a_pass)
            total += loss * len(places)
            worst = max(worst, cell)
        return total / len(lengths), worst if self.architecture.readout == "weights" else None

    def _step(self, batch: Batch, steps: int) -> tuple[float, float]:
        s = self.settings
        fitting = self.architecture.readout == "weights"
        noise = None if fitting else Noise(self._rng, s.weight_dropout, s.dropout)
        step = forward(self.parameters, self.architecture, batch, noise=noise)
        loss, d_output, worst = loss_of(step, batch, self._objective)
        if not math.isfinite(loss):
            raise self._diverged(f"its loss is {loss}")
        self._gradients.zero()
        step.backward(d_output, self._gradients)
        rate = learning_rate(s.learning_rate, self._adam.steps, steps)
        self._adam.step(self.parameters.flat, self._gradients.flat, rate)
        return loss, worst

    def _diverged(self, what: str) -> NumericError:
        rate = min(self.settings.learning_rate / 10, TrainingSettings().learning_rate)
        return NumericError(
            f"the training diverged in epoch {self._epoch + 1}: {what}, expected a finite number",
            place=field_name("learning_rate"),
            hints=(f"{setting(learning_rate=float(f'{rate:g}'))} takes smaller steps",),
        )

    def _look_at_held_out(self) -> tuple[float | None, float | None]:
        if not len(self._held_out):
            return None, None
        if self._held_out.labels is None:
            return self._look_at_pairs(self._held_out)
        probabilities = predict(self.parameters, self.architecture, self._held_out)
        labels = self._held_out.labels
        sure = probabilities[np.arange(len(labels)), labels]  # (n,)
        loss = -float(np.log(np.maximum(sure, np.finfo(sure.dtype).tiny)).mean())
        return loss, float((probabilities.argmax(axis=1) == labels).mean())

    def _look_at_pairs(self, aside: Examples) -> tuple[float, float]:
        """The loss of the pairs kept aside, and how well they are ordered: Spearman, or MRR both ways."""
        first, second = pair_vectors(self.parameters, self.architecture, aside)
        if aside.scores is not None:
            cosines = (first * second).sum(axis=1)  # (n,)
            return squared_error(cosines[None], aside.scores)[0], spearman(cosines, aside.scores)
        texts, pairs = sentence_numbers(aside.rows), sentence_numbers(aside.pairs or ())
        ranks = np.concatenate(both_ways(first, second, texts, pairs))
        losses = [
            contrastive(
                product(first[part], second[part].T)[None],
                self.settings.pair_temperature,
                batch_of(aside, part).same,
            )[0]
            * len(part)
            for part in np.array_split(np.arange(len(aside)), -(-len(aside) // _TOGETHER))
        ]
        return sum(losses) / len(aside), mean_reciprocal_rank(ranks)

    def _keep_best(self, loss: float | None, accuracy: float | None, worst: float | None) -> bool:
        """A higher held-out figure is better, then lower loss; with nothing held out, later is."""
        rank = (accuracy, -(loss or 0.0)) if accuracy is not None else (float(self._epoch), 0.0)
        if worst is not None:
            rank = (-worst, 0.0)
        if self._best_rank is not None and rank <= self._best_rank:
            self._since_best += 1
            return False
        self._best_rank, self._since_best = rank, 0
        self.best, self.best_epoch = self.parameters.copy(), self._epoch
        self.best_accuracy = accuracy
        return True


def predict(parameters: Parameters, architecture: Architecture, examples: Examples) -> FloatArray:
    """The probability of each label for each example, the mean over a committee.

    Shape (n_examples, n_labels).
    """
    probabilities = np.empty((len(examples), architecture.n_labels), dtype=parameters.dtype)
    unlabeled = with_landmarks(replace(examples, labels=None, weights=None), parameters)
    for places in batches(examples.lengths(), _PREDICT, None):
        logits = forward(parameters, architecture, batch_of(unlabeled, places)).logits
        if logits is None:
            raise ValueError("a model that fits weights predicts no labels")
        probabilities[places] = softmax(logits, may_be_empty=False).mean(axis=0)
    return probabilities


def split_off(examples: Examples, share: float, seed: int) -> tuple[IntArray, IntArray]:
    """Places to learn from, and places kept aside: `share` of each label, at least one stays.

    Of pairs without labels it is that share of all. Given weights are never kept aside: all of them
    are to be met.
    """
    everything = np.arange(len(examples))
    labels = examples.labels
    if labels is None and examples.pairs is not None:
        labels = np.zeros(len(examples), dtype=np.intp)
    if not share or labels is None:
        return everything, everything[:0]
    rng = np.random.default_rng([seed, 1])
    aside: list[int] = []
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        aside.extend(members[: min(round(share * len(members)), len(members) - 1)])
    chosen = np.zeros(len(examples), dtype=np.bool_)
    chosen[aside] = True
    return everything[~chosen], everything[chosen]


def _paces(architecture: Architecture, unit: float) -> dict[str, float]:
    """Learning rates that move a score alike whatever the size of the embeddings."""
    paces = dict.fromkeys(("W_q", "W_k", "W_v"), 1.0 / unit)
    if architecture.positions == "learned":
        paces["position_table"] = unit
    return paces
