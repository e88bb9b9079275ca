"""How well labels are predicted: accuracy, recall, macro-F1, and what is taken for what."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True, eq=False)
class Scores:
    """The figures of a prediction. `gold` and `predicted` are labels, one a sentence."""

    gold: Sequence[str]
    predicted: Sequence[str]

    @cached_property
    def confusion(self) -> dict[str, dict[str, int]]:
        """confusion[gold][predicted]: how many sentences; labels in order, zeros left out."""
        counts = Counter(zip(self.gold, self.predicted, strict=True))
        table: dict[str, dict[str, int]] = {label: {} for label in sorted(set(self.gold))}
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
        return sum(row.get(label, 0) for label, row in self.confusion.items()) / self.n

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

    @property
    def macro_f1(self) -> float:
        """The mean F1 of all labels that occur or are predicted."""
        labels = sorted({*self.gold, *self.predicted})
        given, said = Counter(self.gold), Counter(self.predicted)
        right = {label: self.confusion.get(label, {}).get(label, 0) for label in labels}
        return sum(2 * right[x] / (given[x] + said[x]) for x in labels) / len(labels)

    def figures(self) -> dict[str, float]:
        """The figures of the whole, by name."""
        return {
            "accuracy": self.accuracy,
            "macro F1": self.macro_f1,
            "mean recall": self.mean_recall,
        }

    def to_dict(self) -> dict[str, Any]:
        """The figures as the JSON of `attn evaluate`."""
        return {
            "accuracy": self.accuracy,
            "macro_f1": self.macro_f1,
            "recall": self.recall,
            "mean_recall": self.mean_recall,
            "confusion": self.confusion,
            "n": self.n,
        }
