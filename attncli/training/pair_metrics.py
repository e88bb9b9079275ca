"""How well pairs of sentences are scored or found, beside what no training gives.

Two baselines read each sentence without a learned number: the mean of its new embeddings by general
attention (Q = K = V = X), and the mean of its words' vectors. Their scores are cosines too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from attncli.arrays import FloatArray, IntArray
from attncli.attention.core import attend
from attncli.errors.wording import counted_as
from attncli.learning.agreement import both_ways, mean_reciprocal_rank, pearson, spearman
from attncli.learning.minibatches import Examples, sentence_numbers
from attncli.learning.pair_vectors import pair_vectors
from attncli.learning.pairs import of_length_one
from attncli.models.trained import TrainedModel
from attncli.results.cards import Card, Cell, Grid, as_html, as_latex
from attncli.training.examples import Prepared
from attncli.training.pair_task import as_scores

BASELINES = ("general attention", "mean of words")
_NEAR = 5  # places among which the right sentence is looked for


@dataclass(frozen=True, eq=False)
class SimilarityScores:
    """Scores that were given and those that are said, (n,) each, and how they agree."""

    gold: FloatArray
    predicted: FloatArray

    @property
    def n(self) -> int:
        """The number of pairs."""
        return len(self.gold)

    @cached_property
    def pearson(self) -> float:
        """The correlation of the scores."""
        return pearson(self.predicted, self.gold)

    @cached_property
    def spearman(self) -> float:
        """The correlation of their ranks, equal scores sharing one."""
        return spearman(self.predicted, self.gold)

    @property
    def main(self) -> tuple[str, float, float]:
        """The figure that models are chosen by: its name, its value, and how far chance moves it.

        That is the standard error of a correlation, (1 − r²)/√(n − 1).
        """
        return "Spearman", self.spearman, (1 - self.spearman**2) / max(1, self.n - 1) ** 0.5

    def figures(self) -> dict[str, float]:
        """The figures by name."""
        return {"Pearson": self.pearson, "Spearman": self.spearman}

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON."""
        return {"pearson": self.pearson, "spearman": self.spearman, "n": self.n}


@dataclass(frozen=True, eq=False)
class MatchScores:
    """Which place the right sentence has among all that were given, from 1, (n,) each way.

    pairs_of: of the second sentences, for each first one; texts_of: of the first, for each second.
    """

    pairs_of: IntArray
    texts_of: IntArray

    @property
    def n(self) -> int:
        """The number of pairs."""
        return len(self.pairs_of)

    @property
    def mrr(self) -> float:
        """The mean of 1 ÷ rank, of both ways."""
        return mean_reciprocal_rank(np.concatenate([self.pairs_of, self.texts_of]))

    @property
    def main(self) -> tuple[str, float, float]:
        """The figure that models are chosen by: its name, its value, and its standard error."""
        shares = 1.0 / np.concatenate([self.pairs_of, self.texts_of])
        return "MRR", self.mrr, float(shares.std()) / self.n**0.5

    def figures(self) -> dict[str, float]:
        """The figures of each way by name: the share at the first place, among five, and 1 ÷ rank."""
        return {
            f"{way}: {name}": value
            for way, ranks in (("text → pair", self.pairs_of), ("pair → text", self.texts_of))
            for name, value in _found(ranks).items()
        }

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON."""
        ways = {"text_to_pair": self.pairs_of, "pair_to_text": self.texts_of}
        plain = {
            way: {name.lower().replace("@", "_at_"): value for name, value in _found(ranks).items()}
            for way, ranks in ways.items()
        }
        return {**plain, "mrr": self.mrr, "n": self.n}


def _found(ranks: IntArray) -> dict[str, float]:
    return {
        "recall@1": float((ranks == 1).mean()),
        f"recall@{_NEAR}": float((ranks <= _NEAR).mean()),
        "MRR": mean_reciprocal_rank(ranks),
    }


PairScores: TypeAlias = SimilarityScores | MatchScores


class PairEvaluation(NamedTuple):
    """How a model does on pairs, and how each baseline, which learned nothing, does on them.

    `scores` are SimilarityScores where scores were learned, MatchScores where partners were.
    """

    scores: PairScores
    baselines: Mapping[str, PairScores]

    def __repr__(self) -> str:
        name, value, _ = self.scores.main
        return f"PairEvaluation({self.scores.n:,} pairs, {name}={value:.4f})"

    def _repr_html_(self) -> str:
        return as_html(self.card())

    def _repr_latex_(self) -> str:
        return as_latex(self.card())

    def card(self) -> Card:
        """The figures of the model beside those of each baseline."""
        columns = {"trained": self.scores, **self.baselines}
        figures = [scores.figures() for scores in columns.values()]
        rows: list[list[Cell]] = [[name, *(each[name] for each in figures)] for name in figures[0]]
        name, value, _ = self.scores.main
        line = counted_as(self.scores.n, "pair")
        return Card(f"{name} {value:.4f}", line, [Grid(["", *columns], rows)])

    def to_dict(self) -> dict[str, Any]:
        """The figures as the JSON of `attn evaluate`."""
        plain = {
            name.replace(" ", "_"): scores.to_dict() for name, scores in self.baselines.items()
        }
        return {**self.scores.to_dict(), "baselines": plain}


def evaluated_pairs(prepared: Prepared, model: TrainedModel) -> PairEvaluation:
    """How well a model scores these pairs, which were prepared with it, or finds their partners."""
    span = model.score_range

    def scores_of(first: FloatArray, second: FloatArray) -> PairScores:
        if span is not None:
            cosines = (first * second).sum(axis=1)  # (n,)
            return SimilarityScores(np.array(prepared.scores), as_scores(cosines, span))
        pairs = prepared.examples.pairs or ()
        numbers = sentence_numbers(prepared.examples.rows), sentence_numbers(pairs)
        return MatchScores(*both_ways(first, second, *numbers))

    learned = scores_of(*pair_vectors(model.parameters, model.architecture, prepared.examples))
    plain = {
        name: scores_of(*_plain_vectors(prepared.examples, read))
        for name, read in zip(BASELINES, (_general_mean, _mean), strict=True)
    }
    return PairEvaluation(learned, plain)


def _plain_vectors(
    examples: Examples, read: Callable[[FloatArray], FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """The vectors of both sentences of each pair, of the length 1, without training."""
    table = examples.table.astype(np.float64)
    sides = [
        of_length_one(np.stack([read(table[rows]) for rows in side]))[0]
        for side in (examples.rows, examples.pairs or ())
    ]
    return sides[0], sides[1]


def _mean(words: FloatArray) -> FloatArray:
    """The mean of words (n, d_model), (d_model,)."""
    mean: FloatArray = words.mean(axis=0)
    return mean


def _general_mean(words: FloatArray) -> FloatArray:
    """The mean of the new embeddings that general attention gives words (n, d_model)."""
    return _mean(attend(words, words, words)[0])
