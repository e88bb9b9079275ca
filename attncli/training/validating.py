"""How well trainings of the same examples did: by folds, and by growing shares of the examples."""

from statistics import fmean, stdev
from typing import Any, NamedTuple

import numpy as np

from attncli.arrays import FloatArray, IntArray
from attncli.errors.wording import counted_as
from attncli.results.cards import Card, Cell, Curve, Facts, ShowsCard, as_html, as_latex
from attncli.training.metrics import Scores, report_grid
from attncli.training.pair_metrics import PairEvaluation


class Measured(NamedTuple):
    """One training, measured on sentences that it did not see.

    number: of the fold from 1, or of the share. baseline: the accuracy of always saying the label
    that is most frequent among the `learned_from` sentences. places: of the measured ones.
    """

    number: int
    share: float
    learned_from: int
    scores: Scores
    baseline: float
    places: IntArray

    def __repr__(self) -> str:
        return f"Measured({self.number}, learned_from={self.learned_from}, {self.scores!r})"


class LearningCurve(list[Measured], ShowsCard):
    """Trainings on growing shares of the same sentences, the smallest share first."""

    def __repr__(self) -> str:
        ends = [f"{one.learned_from:,}: {one.scores.accuracy:.4f}" for one in self]
        return f"LearningCurve({', '.join(ends)})"

    def card(self) -> Card:
        """Accuracy and macro F1 by the number of sentences that were learned from."""
        lines = {
            "accuracy": [one.scores.accuracy for one in self],
            "macro F1": [one.scores.macro_f1 for one in self],
            "most frequent label": [one.baseline for one in self],
        }
        counts = [one.learned_from for one in self]
        curve = Curve(counts, lines, "On the same held-out sentences", "sentences")
        held = counted_as(self[0].scores.n, "held-out sentence") if self else ""
        return Card("Learning curve", held, [curve])


class MeasuredPairs(NamedTuple):
    """One training of pairs without labels, measured on pairs that it did not see, beside none."""

    number: int
    share: float
    learned_from: int
    evaluation: PairEvaluation


class CrossValidation(NamedTuple):
    """The means over folds and their standard deviations (of a sample: n − 1).

    accuracy, macro_f1: mean and deviation; baseline: the mean accuracy of always saying the label
    that is most frequent; scores: of all sentences, each by the model that did not see it.
    """

    folds: int
    accuracy: tuple[float, float]
    macro_f1: tuple[float, float]
    baseline: float
    scores: Scores

    def _repr_html_(self) -> str:
        return as_html(self.card())

    def _repr_latex_(self) -> str:
        return as_latex(self.card())

    def __repr__(self) -> str:
        return f"CrossValidation({self.folds} folds, accuracy={self.accuracy[0]:.4f} ± {self.accuracy[1]:.4f})"

    def card(self) -> Card:
        """The means, and each label by the models that did not see its sentences."""
        facts: dict[str, Cell] = {
            "accuracy": f"{self.accuracy[0]:.4f} ± {self.accuracy[1]:.4f}",
            "macro F1": f"{self.macro_f1[0]:.4f} ± {self.macro_f1[1]:.4f}",
            "most frequent label": self.baseline,
        }
        line = f"means over {self.folds} folds ± their standard deviation"
        return Card("Cross-validation", line, [Facts(facts), report_grid(self.scores)])

    @classmethod
    def of(cls, folds: list[Measured]) -> "CrossValidation":
        """The means of the folds, and the scores of all sentences together."""
        accuracies = [one.scores.accuracy for one in folds]
        macro = [one.scores.macro_f1 for one in folds]
        probabilities: FloatArray = np.concatenate([one.scores.probabilities for one in folds])
        gold = np.concatenate([one.scores.gold for one in folds])
        return cls(
            len(folds),
            (fmean(accuracies), stdev(accuracies)),
            (fmean(macro), stdev(macro)),
            fmean(one.baseline for one in folds),
            Scores(folds[0].scores.labels, gold, probabilities),
        )

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON; the report is of all sentences, each by the model that did not see it."""
        return {
            "folds": self.folds,
            "mean_accuracy": self.accuracy[0],
            "sd_accuracy": self.accuracy[1],
            "mean_macro_f1": self.macro_f1[0],
            "sd_macro_f1": self.macro_f1[1],
            "mean_majority": self.baseline,
            "report": {label: one._asdict() for label, one in self.scores.report.items()},
            "macro": self.scores.macro._asdict(),
            "weighted": self.scores.weighted._asdict(),
        }
