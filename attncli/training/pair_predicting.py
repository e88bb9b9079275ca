"""Pairs of sentences → what a trained model says of them, and the words of both that counted."""

from collections.abc import Sequence

import numpy as np

from attncli.arrays import FloatArray, IntArray
from attncli.errors import AttnError, DataError, NumericError
from attncli.learning.landmarks import with_landmarks
from attncli.learning.minibatches import Examples, batch_of
from attncli.learning.pair_contributions import PairReading
from attncli.models.trained import TrainedModel
from attncli.reading.reader import Reader
from attncli.reading.unknown import TREATMENTS
from attncli.results.stack import TokenRun
from attncli.settings import COUNTED_WORDS
from attncli.training.metrics import DIGITS
from attncli.training.pair_task import as_scores
from attncli.training.predicting import CountedWord, Prediction

_TOGETHER = 64  # pairs that are computed at once


class PairPredictor:
    """A trained model of pairs; `top` words that counted are named, of both sentences together.

    A label whose probability, as it is printed, is below `unsure` is none.
    """

    def __init__(
        self,
        model: TrainedModel,
        reader: Reader,
        *,
        top: int = COUNTED_WORDS,
        unsure: float | None = None,
    ) -> None:
        self.model, self._reader, self._top, self._unsure = model, reader, top, unsure
        self._reading = PairReading(model.parameters, model.architecture)

    def __call__(self, texts: Sequence[str], pairs: Sequence[str | None]) -> list[Prediction]:
        """What the model says of each pair, in order; one that cannot be read has an error."""
        self._reader.start([*texts, *(pair or "" for pair in pairs)])
        own, beside = self._reader.runs(texts), self._reader.runs([pair or "" for pair in pairs])
        said = [Prediction() for _ in texts]
        good: list[tuple[int, TokenRun, TokenRun]] = []
        for place, (run, other, pair) in enumerate(zip(own, beside, pairs, strict=True)):
            fault: AttnError | None = None
            if isinstance(run, AttnError):
                fault = run
            elif pair is None:
                fault = DataError("found no pair, expected a second sentence")
            if fault is None and isinstance(run, TokenRun) and isinstance(other, TokenRun):
                good.append((place, run, other))
            else:
                said[place] = Prediction(error=fault or _error_of(other))
        good.sort(key=lambda one: (len(one[1]), len(one[2])))
        for start in range(0, len(good), _TOGETHER):
            some = good[start : start + _TOGETHER]
            for (place, *_), prediction in zip(some, self._predicted(some), strict=True):
                said[place] = prediction
        return said

    def _predicted(self, some: Sequence[tuple[int, TokenRun, TokenRun]]) -> list[Prediction]:
        parameters = self.model.parameters
        rows, pairs = [_rows(run) for _, run, _ in some], [_rows(other) for *_, other in some]
        examples = Examples(self._reader.lexicon.vectors(), rows, pairs=pairs)
        batch = batch_of(with_landmarks(examples, parameters), np.arange(len(some)))
        with np.errstate(over="ignore", invalid="ignore"):
            outcomes, added = self._reading.of(batch)
        first, second = np.split(added, 2)
        return [
            self._prediction(outcomes[i], (run, first[i]), (other, second[i]))
            for i, (_, run, other) in enumerate(some)
        ]

    def _prediction(self, outcome: FloatArray, *sides: tuple[TokenRun, FloatArray]) -> Prediction:
        """The prediction of one pair; sides: the tokens of each sentence, and what they add."""
        if not np.isfinite(outcome).all():
            return Prediction(error=NumericError("what it says would not be finite"))
        unknown = tuple(p.text for run, _ in sides for p in run.parts if p.status in TREATMENTS)
        if not self.model.architecture.has_labels:
            low, high = self.model.score_range or (0.0, 1.0)
            score = float(as_scores(outcome, (low, high)))
            words, pair_words = self._counted(sides, high - low)
            return Prediction(
                None, None, words, unknown, score=round(score, DIGITS), pair_words=pair_words
            )
        words, pair_words = self._counted(sides, 1.0)
        probability = round(float(outcome.max()), DIGITS)
        unsure = self._unsure is not None and probability < self._unsure
        label = None if unsure else self.model.labels[int(outcome.argmax())]
        return Prediction(label, probability, words, unknown, unsure, pair_words=pair_words)

    def _counted(
        self, sides: Sequence[tuple[TokenRun, FloatArray]], unit: float
    ) -> tuple[tuple[CountedWord, ...], ...]:
        """The words of each sentence that are among the strongest of both, strongest first."""
        words = [
            (side, CountedWord(part.text, i, round(float(added[i]) * unit, DIGITS)))
            for side, (run, added) in enumerate(sides)
            for i, part in enumerate(run.parts)
        ]
        words.sort(key=lambda one: -abs(one[1].adds))
        strongest = [(side, word) for side, word in words[: self._top] if word.adds]
        return tuple(tuple(w for s, w in strongest if s == side) for side in range(len(sides)))


def _rows(run: TokenRun) -> IntArray:
    return np.array([part.row for part in run.parts], dtype=np.intp)


def _error_of(run: TokenRun | AttnError) -> AttnError:
    if isinstance(run, TokenRun):
        raise TypeError("found tokens, expected why there are none")
    return run
