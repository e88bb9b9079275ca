"""One of each kind of object that Python returns and a notebook shows."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

import attncli
from attncli.api.vectors import CorpusTraining, VectorScores
from attncli.results.cards import Card, Curve, Facts, Grid, Shaded, ShowsCard
from attncli.training.metrics import Scores
from attncli.training.pair_metrics import PairEvaluation, SimilarityScores
from attncli.training.predicting import CountedWord, Prediction, Predictions

PLAIN = "money"


class Every(ShowsCard):
    """A card with every kind of part, in each of which a word stands."""

    def __init__(self, word: str) -> None:
        self.word = word

    def __repr__(self) -> str:
        return "Every()"

    def card(self) -> Card:
        """Everything there is."""
        word = self.word
        curve = Curve([1, 2, 3], {"one": [3, 2.5, 1], word: [None, 0.5, 4]}, word, word)
        grid = Grid(["", word], [[word, Shaded(word, 0.5)], [word, word]], word)
        return Card(word, word, [Facts({word: word}, word), grid, curve])


def scores(*labels: str) -> Scores:
    """How 4 sentences were predicted, 3 of them right."""
    gold = np.array([0, 1, 0, 1])
    sure = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]], dtype=np.float32)
    return Scores(labels, gold, sure)


def trained(word: str = PLAIN) -> Any:
    """A small model, and what came of each epoch."""
    rows = [attncli.Row(f"bank {kind} near", kind) for kind in (word, "river") for _ in range(6)]
    return attncli.train(rows, epochs=3, heads=1, held_out=0.2, batch_size=4)


def learned(word: str) -> CorpusTraining:
    """What training of vectors says."""
    how = {"sentences": 2, "tokens": 9, "corpus": [word], "left_out": 1, "loss": [3.0, 2.0]}
    how |= {"gensim": "4.4.0"}
    return CorpusTraining(name=word, words=2, dim=3, sha256="0", training=how)


def measured(word: str) -> VectorScores:
    """What an evaluation of vectors says."""
    pairs = {"file": word, "pairs": 3, "unknown": 0, "spearman": 0.5, "pearson": None}
    solved = {"file": word, "questions": 4, "unknown": 1, "correct": 3, "accuracy": 0.75}
    return VectorScores(name=word, words=9, pairs=[pairs], analogies=[solved])


def _rows(word: str) -> list[attncli.Row]:
    kinds = ("river", word)
    return [attncli.Row(f"the bank of {kind}", kind) for kind in kinds for _ in range(8)]


def _given(word: str, weight: float = 0.9) -> attncli.AttentionResult:
    return attncli.from_attentions([[weight, 1 - weight], [0.2, 0.8]], [word, "bank"])


KINDS: dict[str, Callable[[str], Any]] = {
    "every part": Every,
    "result": _given,
    "results": lambda word: attncli.Results([_given(word)] * 14),
    "shown": lambda word: attncli.show(_given(word), notation="lecture", palette="blues"),
    "comparison": lambda word: attncli.compare(
        ["money bank grows", f"river bank {word}"], "bank", tokenizer="whitespace"
    ),
    "reasons": lambda word: attncli.why(f"{word} bank grows", tokenizer="whitespace"),
    "reasons of several": lambda word: attncli.why([f"{word} bank"] * 3, tokenizer="whitespace"),
    "difference": lambda word: attncli.diff(_given(word), _given(word, 0.5))[0],
    "differences": lambda word: attncli.diff([_given(word)] * 3, [_given(word, 0.5)] * 3),
    "prediction": lambda word: Prediction(word, 0.5, (CountedWord(word, 0, 1.5),), (word,)),
    "predictions": lambda word: Predictions([Prediction(word, 0.5), Prediction()] * 30),
    "scores": lambda word: scores("river", word),
    "scores of pairs": lambda word: PairEvaluation(
        SimilarityScores(np.array([1.0, 2, 4]), np.array([1.0, 3, 4])),
        {word: SimilarityScores(np.array([1.0, 2, 4]), np.array([3.0, 1, 2]))},
    ),
    "trained model": trained,
    "cross-validation": lambda word: attncli.cross_validate(_rows(word), folds=2, epochs=1),
    "learning curve": lambda word: attncli.learning_curve(
        _rows(word), epochs=1, heads=1, held_out=0.25
    ),
    "vectors": lambda word: attncli.open_vectors({word: [1.0, 0.5], "bank": [0.2, 1.0]}),
    "vectors learned": learned,
    "vectors measured": measured,
}


@cache
def plain(kind: str) -> Any:
    """An object of this kind, of harmless words."""
    return KINDS[kind](PLAIN)
