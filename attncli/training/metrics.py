"""How well labels are predicted: what is right, what is taken for what, how sure it should be."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from attncli.arrays import BoolArray, FloatArray, IntArray, nearest_whole
from attncli.errors.wording import counted_as
from attncli.results.cards import Card, Cell, Facts, Grid, Shaded, ShowsCard
from attncli.training.labels import counted

DIGITS = 4  # of a probability, where it is printed and where it is held against a threshold
_BINS = 10  # of the calibration error
_RIGHT = 0.95  # the share of sure sentences that are right at the threshold that is recommended
_MOST_LABELS, _MOST_COLUMNS = 20, 12  # of a table in a notebook
_FEWEST = 20  # sentences from which a threshold is read


class LabelScores(NamedTuple):
    """How one label is predicted; of an average `support` is the number of all sentences.

    precision: the share of what was called so that is right; recall: the share of its sentences that
    are right; f1: their harmonic mean, 0 where nothing is right.
    """

    precision: float
    recall: float
    f1: float
    support: int


class Sure(NamedTuple):
    """The sentences whose label has at least the probability `threshold`.

    coverage: their share; accuracy: the share of them that is right, None where there are none.
    """

    threshold: float
    coverage: float
    accuracy: float | None
    n: int


@dataclass(frozen=True, eq=False, repr=False)
class Scores(ShowsCard):
    """The figures of a prediction.

    labels: the names of the labels; gold: the number of each sentence's, (n,); probabilities: of
    every label for every sentence, (n, n_labels). The label of the highest is what is predicted.
    """

    labels: Sequence[str]
    gold: IntArray
    probabilities: FloatArray

    def __repr__(self) -> str:
        return f"Scores({self.n:,} sentences, accuracy={self.accuracy:.4f}, macro_f1={self.macro_f1:.4f})"

    def card(self) -> Card:
        """The figures, each label, and what was taken for what."""
        return Card(
            f"Accuracy {self.accuracy:.4f}",
            f"{counted_as(self.n, 'sentence')}, {counted_as(len(self.report), 'label')}",
            [Facts(self.figures()), report_grid(self), _confusion_grid(self)],
        )

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

    @cached_property
    def report(self) -> dict[str, LabelScores]:
        """Precision, recall and F1 of each label that occurs or is predicted, in order."""
        given, said = Counter(self._named(self.gold)), Counter(self._named(self.predicted))
        scores = {}
        for label in sorted({*given, *said}):
            right = self.confusion.get(label, {}).get(label, 0)
            precision, recall = (right / max(1, of[label]) for of in (said, given))
            f1 = 2 * right / (given[label] + said[label])
            scores[label] = LabelScores(precision, recall, f1, given[label])
        return scores

    @property
    def macro(self) -> LabelScores:
        """The mean over labels, each counting alike."""
        return _mean(list(self.report.values()), [1] * len(self.report))

    @property
    def weighted(self) -> LabelScores:
        """The mean over labels, each counting as often as it occurs."""
        labels = list(self.report.values())
        return _mean(labels, [scores.support for scores in labels])

    def sure(self, threshold: float) -> Sure:
        """How the sentences do whose label is at least so probable."""
        chosen = self._sureness >= threshold  # (n,)
        count = int(chosen.sum())
        accuracy = float(self._right[chosen].mean()) if count else None
        return Sure(threshold, count / self.n, accuracy, count)

    def recommended(self) -> Sure | None:
        """The lowest threshold from which on 95 % are right; None where there is none.

        It is one of the probabilities themselves, cut to two digits; none of so few sentences that
        they say little.
        """
        if self.n < _FEWEST:
            return None
        steps = sorted({int(sure * 100) / 100 for sure in self._sureness.tolist()})
        enough = (sure for step in steps if (sure := self.sure(step)).n * 2 >= _FEWEST)
        return next((sure for sure in enough if (sure.accuracy or 0) >= _RIGHT), None)

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
            "report": {label: scores._asdict() for label, scores in self.report.items()},
            "macro": self.macro._asdict(),
            "weighted": self.weighted._asdict(),
        }

    @property
    def _sureness(self) -> FloatArray:
        """The probability of what is predicted, as it is printed: to four digits, (n,)."""
        return np.asarray(np.round(self.probabilities.max(axis=1).astype(np.float64), DIGITS))

    @property
    def _right(self) -> BoolArray:
        return np.asarray(self.predicted == self.gold)

    def _named(self, numbers: IntArray) -> list[str]:
        return [self.labels[number] for number in numbers]


def report_grid(scores: Scores) -> Grid:
    """Precision, recall and F1 of each label, the lowest F1 first where there are many."""
    ranked = sorted(scores.report.items(), key=lambda item: item[1].f1)
    many = len(ranked) > _MOST_LABELS
    chosen = ranked[:_MOST_LABELS] if many else list(scores.report.items())
    rows: list[list[Cell]] = [[label, *one] for label, one in chosen]
    rows += [["mean of labels", *scores.macro], ["mean of sentences", *scores.weighted]]
    title = f"The {_MOST_LABELS} labels with the lowest F1" if many else "Each label"
    return Grid(["label", "precision", "recall", "F1", "sentences"], rows, title, 3)


def _confusion_grid(scores: Scores) -> Grid:
    """What was taken for what: as a matrix, of many labels the mistakes that are most frequent."""
    labels = list(scores.report)
    if len(labels) <= _MOST_COLUMNS:
        rows: list[list[Cell]] = []
        for gold in labels:
            row = scores.confusion.get(gold, {})
            total = max(sum(row.values()), 1)
            counts = [row.get(label, 0) for label in labels]
            rows.append([gold, *(Shaded(f"{count:,}", count / total) for count in counts)])
        return Grid(["is ↓ was called →", *labels], rows, "What was called what")
    wrong = sorted(
        (-count, gold, label)
        for gold, row in scores.confusion.items()
        for label, count in row.items()
        if label != gold
    )
    listed: list[list[Cell]] = [
        [gold, label, -count] for count, gold, label in wrong[:_MOST_LABELS]
    ]
    return Grid(["is", "was called", "times"], listed, "The most frequent mistakes")


def _mean(labels: Sequence[LabelScores], counts: Sequence[int]) -> LabelScores:
    """The mean of the scores, each as often as its count."""
    total = sum(counts)
    sums = [
        sum(getattr(scores, name) * count for scores, count in zip(labels, counts, strict=True))
        for name in ("precision", "recall", "f1")
    ]
    precision, recall, f1 = (one / total for one in sums)
    return LabelScores(precision, recall, f1, sum(scores.support for scores in labels))
