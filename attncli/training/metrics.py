"""How well labels are predicted: what is right, what is taken for what, how sure it should be."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from attncli.arrays import BoolArray, FloatArray, IntArray, nearest_whole
from attncli.training.labels import counted

_BINS = 10  # of the calibration error


@dataclass(frozen=True, eq=False)
class Scores:
    """The figures of a prediction.

    labels: the names of the labels; gold: the number of each sentence's, (n,); probabilities: of
    every label for every sentence, (n, n_labels). The label of the highest is what is predicted.
    """

    labels: Sequence[str]
    gold: IntArray
    probabilities: FloatArray

    @cached_property
    def predicted(self) -> IntArray:
        """The number of the label predicted for each sentence, (n,)."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @cached_property
    def confusion(self) -> dict[str, dict[str, int]]:
        """confusion[gold][predicted]: how many sentences; labels in order, zeros left out."""
        counts = Counter(zip(self._named(self.gold), self._named(self.predicted), strict=True))
        table: dict[str, dict[str, int]] = {label: {} for label in sorted({g for g, _ in counts})}
        for (gold, predicted), count in sorted(counts.items()):
            table[gold][predicted] = count
        return table

    @property
    def n(self) -> int:
        """The number of sentences."""
        return len(self.gold)

    @property
    def accuracy(self) -> float:
        """The share of sentences that are right."""
        return float(self._right.mean())

    @cached_property
    def recall(self) -> dict[str, float]:
        """For each label that occurs, the share of its sentences that are right."""
        return {
            label: row.get(label, 0) / sum(row.values()) for label, row in self.confusion.items()
        }

    @property
    def mean_recall(self) -> float:
        """The mean of the recalls: each label counts alike, however rare."""
        return sum(self.recall.values()) / len(self.recall)

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many sentences have each label, the most frequent first."""
        return counted(self._named(self.gold))

    @property
    def majority(self) -> float:
        """The accuracy of always saying the most frequent label."""
        return max(self.counts.values()) / self.n

    @property
    def macro_f1(self) -> float:
        """The mean F1 of all labels that occur or are predicted."""
        given, said = Counter(self._named(self.gold)), Counter(self._named(self.predicted))
        labels = sorted({*given, *said})
        right = {label: self.confusion.get(label, {}).get(label, 0) for label in labels}
        return sum(2 * right[x] / (given[x] + said[x]) for x in labels) / len(labels)

    @property
    def log_loss(self) -> float:
        """The mean −ln of the probability of the label that is right, in nats."""
        given = self.probabilities[np.arange(self.n), self.gold].astype(np.float64)  # (n,)
        return -float(np.log(np.maximum(given, np.finfo(np.float32).tiny)).mean())

    @property
    def calibration_error(self) -> float:
        """How far the probability of what is predicted is from the share that is right.

        The expected calibration error of Guo et al. 2017 (arXiv:1706.04599, eq. 3) with ten bins.
        """
        sure = self.probabilities.max(axis=1).astype(np.float64)  # (n,)
        bins = nearest_whole(np.floor(sure * _BINS), 0, _BINS - 1)
        gaps = np.bincount(bins, weights=sure - self._right, minlength=_BINS)  # summed in each bin
        return float(np.abs(gaps).sum()) / self.n

    def figures(self) -> dict[str, float]:
        """The figures of the whole, by name."""
        return {
            "accuracy": self.accuracy,
            "majority baseline": self.majority,
            "macro F1": self.macro_f1,
            "mean recall": self.mean_recall,
            "log-loss": self.log_loss,
            "calibration error": self.calibration_error,
        }

    def to_dict(self) -> dict[str, Any]:
        """The figures as the JSON of `attn evaluate`."""
        return {
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "recall": self.recall,
            "mean_recall": self.mean_recall,
            "log_loss": self.log_loss,
            "calibration_error": self.calibration_error,
            "confusion": self.confusion,
            "n": self.n,
            "counts": self.counts,
            "majority": self.majority,
        }

    @property
    def _right(self) -> BoolArray:
        return np.asarray(self.predicted == self.gold)

    def _named(self, numbers: IntArray) -> list[str]:
        return [self.labels[number] for number in numbers]
