"""A training before it begins: the examples, and how they are learned; by folds and shares, too."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from attncli.arrays import IntArray
from attncli.errors import UsageError, field_name
from attncli.learning.check import Checked
from attncli.learning.trainer import split_off
from attncli.models.trained import TrainedModel
from attncli.reading.reader import ReadingSettings
from attncli.results.facts import VectorsInfo
from attncli.settings import LayerSettings, TrainingSettings
from attncli.training.examples import Prepared, rows_at
from attncli.training.fit import Fit, Sizes, scores_of, sizes_of
from attncli.training.pair_metrics import evaluated_pairs
from attncli.training.validating import Measured, MeasuredPairs

SHARES = (0.1, 0.2, 0.4, 0.7, 1.0)  # of a learning curve


class TrialPart(NamedTuple):
    """What one training of several learns from, and what it is measured on: places of examples."""

    number: int
    share: float
    learned: IntArray
    measured: IntArray


class Trial(NamedTuple):
    """What is trained again and again: the examples, and how."""

    prepared: Prepared
    vectors: VectorsInfo
    layer: LayerSettings
    settings: TrainingSettings
    reading: ReadingSettings

    def sizes(self) -> Sizes:
        """The sizes of the model, where the settings leave them open as the examples ask for them.

        Raises: UsageError for sizes that do not go together.
        """
        return sizes_of(self.prepared, self.vectors, self.layer)

    def fit(self) -> Fit:
        """A training of all examples, before its first epoch."""
        return Fit(self.prepared, self.sizes(), self.settings, self.reading, self.vectors)

    def gradients(self) -> Iterator[Checked]:
        """How each gradient agrees with central differences. Raises: NumericError when one does not."""
        from attncli.training.gradient_check import checked_gradients

        return checked_gradients(self.prepared, self.sizes().architecture, self.settings.seed)

    def labels_aside(self) -> int | None:
        """How many labels the sentences that are held out have; None where none are to be."""
        if not self.settings.held_out or self.prepared.examples.labels is None:
            return None
        _, aside = split_off(self.prepared.examples, self.settings.held_out, self.settings.seed)
        return len(np.unique(self.prepared.gold[aside]))

    def repeated_aside(self) -> tuple[int, int]:
        """How many sentences that are held out are also learned from, and how many are held out."""
        texts = self.prepared.whole_texts
        kept, aside = split_off(self.prepared.examples, self.settings.held_out, self.settings.seed)
        learned = {" ".join(texts[place].split()) for place in kept.tolist()}
        held = [" ".join(texts[place].split()) for place in aside.tolist()]
        return sum(text in learned for text in held), len(held)

    def expect_labels(self, field: str) -> None:
        """Raises: UsageError for what has no labels: given weights, or pairs that are compared."""
        if self.prepared.examples.labels is None:
            what = "attention weights to fit" if self.prepared.pair is None else "pairs"
            message = f"found {what}, expected labels"
            raise UsageError(message, place=field_name(field))

    @property
    def compares_pairs(self) -> bool:
        """Whether pairs without labels are learned from."""
        return self.prepared.pair in ("similarity", "match")

    @property
    def groups(self) -> IntArray:
        """What is spread evenly over the parts: labels, where there are any; (n,)."""
        everything = np.zeros(len(self.prepared.examples), dtype=np.intp)
        return everything if self.compares_pairs else self.prepared.gold

    def folds(self, count: int) -> Iterator[Measured]:
        """Each fold measured by a model of the others, which is learned as any training is."""
        self.expect_labels("folds")
        yield from map(self.measured, fold_parts(self, count))

    def folds_of_pairs(self, count: int) -> Iterator[MeasuredPairs]:
        """The same of pairs without labels."""
        yield from map(self.measured_pairs, fold_parts(self, count))

    def shares(self) -> Iterator[Measured]:
        """Models of growing shares of the sentences, each measured on the same ones, held out of all.

        The last epoch of each is kept, so that the sentences held out only measure.
        Raises: UsageError where none are.
        """
        self.expect_labels("learning_curve")
        yield from map(_whole(self).measured, share_parts(self, SHARES))

    def shares_of_pairs(self) -> Iterator[MeasuredPairs]:
        """The same of pairs without labels."""
        yield from map(_whole(self).measured_pairs, share_parts(self, SHARES))

    def measured(self, part: TrialPart) -> Measured:
        """Trains on some of the sentences and measures on others."""
        rows, model = self._trained(part)
        others = rows_at(self.prepared, part.measured)
        usual = np.bincount(rows.gold, minlength=len(rows.labels)).argmax()
        baseline = float((others.gold == usual).mean())
        scores = scores_of(others, model)
        count = len(part.learned)
        return Measured(part.number, part.share, count, scores, baseline, part.measured)

    def measured_pairs(self, part: TrialPart) -> MeasuredPairs:
        """The same of pairs without labels."""
        _, model = self._trained(part)
        evaluation = evaluated_pairs(rows_at(self.prepared, part.measured), model)
        return MeasuredPairs(part.number, part.share, len(part.learned), evaluation)

    def _trained(self, part: TrialPart) -> tuple[Prepared, TrainedModel]:
        """The rows that are learned from, and what comes of them."""
        rows = rows_at(self.prepared, part.learned)
        fit = self._replace(prepared=rows).fit()
        for _ in fit.run():
            pass
        return rows, fit.model()


def folds_of(labels: IntArray, count: int, seed: int) -> list[IntArray]:
    """The places of each fold: every label spread over all of them as evenly as it can be.

    Raises: UsageError for more folds than sentences.
    """
    if count > len(labels):
        raise UsageError(
            f"found {count}, expected at most one for each of the {len(labels)} sentences",
            place=field_name("folds"),
        )
    rng = np.random.default_rng([seed, 2])
    order = np.concatenate(
        [rng.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    )
    return [np.sort(order[fold::count]) for fold in range(count)]


def fold_parts(trial: Trial, count: int) -> Iterator[TrialPart]:
    """Each fold to be measured, with the others to learn from. Raises: UsageError for too many."""
    everything = np.arange(len(trial.prepared.examples))
    for number, fold in enumerate(folds_of(trial.groups, count, trial.settings.seed), 1):
        rest = np.setdiff1d(everything, fold)
        yield TrialPart(number, len(rest) / len(everything), rest, fold)


def _whole(trial: Trial) -> Trial:
    """The trial with nothing held out of what is learned from."""
    return trial._replace(settings=replace(trial.settings, held_out=0.0, patience=0))


def share_parts(trial: Trial, shares: tuple[float, ...]) -> Iterator[TrialPart]:
    """Growing shares to learn from, with the same sentences held out of all.

    A greater share holds the smaller ones. Raises: UsageError where none are held out.
    """
    examples, settings = trial.prepared.examples, trial.settings
    kept, aside = split_off(examples, settings.held_out, settings.seed)
    if not len(aside):
        raise UsageError(
            f"found {settings.held_out:g}, which holds no sentence out, expected more",
            place=field_name("held_out"),
        )
    gold, rng = trial.groups, np.random.default_rng([settings.seed, 3])
    mixed = [rng.permutation(kept[gold[kept] == label]) for label in np.unique(gold[kept])]
    for number, share in enumerate(shares, start=1):
        parts = [places[: max(1, round(share * len(places)))] for places in mixed]
        yield TrialPart(number, share, np.sort(np.concatenate(parts)), aside)
