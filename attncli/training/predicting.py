"""Sentences → the labels that a trained model says, how sure it is, and the words that counted."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from attncli.errors import (
    AttnError,
    Blank,
    DataError,
    NumericError,
    setting,
)
from attncli.errors.wording import counted_as, quoted
from attncli.learning.contributions import LabelReading
from attncli.learning.landmarks import with_landmarks
from attncli.learning.minibatches import Examples, batch_of
from attncli.models.trained import TrainedModel
from attncli.reading.reader import Group, Reader
from attncli.reading.targets import Target, target_place
from attncli.reading.unknown import TREATMENTS
from attncli.results.cards import Card, Cell, Facts, Grid, Part, ShowsCard, as_html, as_latex
from attncli.results.stack import TokenRun
from attncli.settings import COUNTED_WORDS
from attncli.training.metrics import DIGITS

_SHOWN = 50  # predictions in a notebook
_TOGETHER = 64  # sentences of one length that are computed at once


class CountedWord(NamedTuple):
    """A word, its place in the sentence from 0, and what it adds to the logit of the label."""

    word: str
    place: int
    adds: float


class Prediction(NamedTuple):
    """What a model says of a sentence.

    label: None where it is unsure, or says nothing; probability: of the most probable label; words:
    those that counted, the strongest first; unknown: the words without a vector; error: why nothing
    is said. Of a pair of sentences `pair_words` are those of the second one that counted, and `score`
    is how alike the two are, where the model learned that.
    """

    label: str | None = None
    probability: float | None = None
    words: tuple[CountedWord, ...] = ()
    unknown: tuple[str, ...] = ()
    unsure: bool = False
    error: AttnError | None = None
    score: float | None = None
    pair_words: tuple[CountedWord, ...] = ()

    def _repr_html_(self) -> str:
        return as_html(self.card())

    def _repr_latex_(self) -> str:
        return as_latex(self.card())

    def __repr__(self) -> str:
        return f"Prediction({_said(self)}, words={[counted.word for counted in self.words]})"

    @property
    def _adds(self) -> str:
        return "adds to the logit" if self.score is None else "adds to the score"

    def card(self) -> Card:
        """The label, how sure it is, and the words that counted."""
        counted = (*self.words, *self.pair_words)
        rows: list[list[Cell]] = [[word.word, word.place + 1, word.adds] for word in counted]
        parts: list[Part] = []
        if rows:
            parts.append(Grid(["word", "place", self._adds], rows, "The words that counted"))
        if self.unknown:
            parts.append(Facts({"without a vector": ", ".join(self.unknown)}))
        if self.error is not None:
            return Card("No label", str(self.error), parts)
        if self.score is not None:
            return Card(f"score {self.score:.{DIGITS}f}", "", parts)
        line = "" if self.probability is None else f"probability {self.probability:.{DIGITS}f}"
        return Card(self.label or "unsure", line, parts)


class Predictions(list[Prediction], ShowsCard):
    """What a model says of several sentences, in their order."""

    def __repr__(self) -> str:
        some = [_said(one) for one in self[:3]]
        some += [f"… {len(self) - 3:,} more"] if len(self) > 3 else []
        return f"Predictions({'; '.join(some)})"

    def card(self) -> Card:
        """A row for each sentence; of many the first."""
        rows = [
            [
                place,
                _said(one)
                if one.score is not None
                else one.label or ("unsure" if one.error is None else f"none: {one.error}"),
                one.probability,
                ", ".join(word.word for word in (*one.words, *one.pair_words)),
            ]
            for place, one in enumerate(self[:_SHOWN])
        ]
        more = len(self) - _SHOWN
        line = f"the first {_SHOWN} of them" if more > 0 else ""
        columns = ["place", "label", "probability", "words that counted"]
        return Card(counted_as(len(self), "prediction"), line, [Grid(columns, rows)])


def _said(one: Prediction) -> str:
    if one.error is not None:
        return f"error={str(one.error)!r}"
    if one.score is not None:
        return f"score={one.score:.{DIGITS}f}"
    sure = "" if one.probability is None else f" {one.probability:.{DIGITS}f}"
    return f"{one.label!r}{sure}"


class Predictor:
    """A trained model that labels sentences; `top` words that counted are named.

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
        self._reading = LabelReading(model.parameters, model.architecture)
        self._targets = frozenset(model.targets)
        self._by_target = model.architecture.readout == "target"

    def __call__(
        self, texts: Sequence[str], targets: Sequence[Target | None] | None = None
    ) -> list[Prediction]:
        """What the model says of each text, in order; a text that cannot be read has an error."""
        said = [Prediction() for _ in texts]
        failures, groups = self._reader.by_length(texts)
        for failure in failures:
            said[failure.place] = Prediction(error=failure.error)
        for group in groups:
            places: list[int] = []
            for i, (place, run) in enumerate(zip(group.places, group.runs, strict=True)):
                target = None if targets is None else targets[place]
                at = self._target(run, target) if self._by_target else 0
                if isinstance(at, AttnError):
                    said[place] = Prediction(error=at)
                    group.places[i] = -1
                places.append(0 if isinstance(at, AttnError) else at)
            for place, prediction in self._labeled(group, places):
                if place >= 0:
                    said[place] = prediction
        return said

    def _target(self, run: TokenRun, target: Target | None) -> int | AttnError:
        """The place of the token that is read: as given, else the first that was one in training."""
        tokens = run.tokens()
        if target is not None:
            try:
                return target_place(tokens, target, "")
            except DataError as fault:
                return DataError(fault.message)
        first = next((i for i, token in enumerate(tokens) if token.key in self._targets), None)
        if first is not None:
            return first
        hints = (f"{setting(target_column=Blank('NAME'))} names the column of the words meant",)
        name = quoted(self.model.name or "the model")
        return DataError(
            f"no word of the sentence is one that {name} was trained on, expected a target",
            hints=hints,
        )

    def _labeled(self, group: Group, targets: list[int]) -> Iterator[tuple[int, Prediction]]:
        """The prediction of each sentence of one length, with its place in the texts."""
        parameters = self.model.parameters
        table = self._reader.lexicon.vectors()
        for start in range(0, len(group.places), _TOGETHER):
            chosen = slice(start, start + _TOGETHER)
            at = np.array(targets[chosen], dtype=np.intp) if self._by_target else None
            examples = with_landmarks(Examples(table, list(group.rows[chosen]), at), parameters)
            batch = batch_of(examples, np.arange(len(examples)))
            with np.errstate(over="ignore", invalid="ignore"):
                probabilities, added = self._reading.of(batch)
            order = np.argsort(-np.abs(added), axis=1, kind="stable")[:, : self._top]
            rows = (probabilities.argmax(axis=1), probabilities.max(axis=1), added, order)
            for place, run, label, sure, adds, strongest in zip(
                group.places[chosen],
                group.runs[chosen],
                *(row.tolist() for row in rows),
                strict=True,
            ):
                yield place, self._prediction(run, label, sure, adds, strongest)

    def _prediction(
        self, run: TokenRun, label: int, sure: float, adds: list[float], strongest: list[int]
    ) -> Prediction:
        if not math.isfinite(sure):
            return Prediction(error=NumericError("its probabilities would not be finite"))
        probability = round(sure, DIGITS)
        unsure = self._unsure is not None and probability < self._unsure
        words = [CountedWord(run.parts[i].text, i, round(adds[i], DIGITS)) for i in strongest]
        return Prediction(
            None if unsure else self.model.labels[label],
            probability,
            tuple(word for word in words if word.adds),
            tuple(part.text for part in run.parts if part.status in TREATMENTS),
            unsure,
        )
