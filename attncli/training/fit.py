"""Prepared examples → a trained model: its sizes, its learning, what it was learned with."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any, NamedTuple

from attncli.attention.parameters import Architecture, PairTask
from attncli.errors import UsageError, field_name, setting
from attncli.learning.subspace import Subspace
from attncli.learning.trainer import FIGURES, EpochProgress, Training, predict
from attncli.models.trained import TrainedModel
from attncli.reading.reader import ReadingSettings
from attncli.results.facts import VectorsInfo
from attncli.settings import LayerSettings, TrainingSettings
from attncli.training.class_weights import label_weights
from attncli.training.examples import (
    Prepared,
    default_committee,
    default_directions,
    default_landmarks,
    rows_at,
)
from attncli.training.metrics import Scores
from attncli.training.pair_metrics import PairEvaluation, evaluated_pairs
from attncli.training.seen import sketch_of

# Of given weights, unless asked for: epochs, and how far off no cell may be.
_FITTING_EPOCHS, _FITTING_TOLERANCE = 3000, 0.001


def expect_vectors_for_all(oov: str) -> None:
    """Raises: UsageError for the policy that leaves words out: targets and weights name places."""
    if oov == "skip":
        raise UsageError(
            "found skip, expected zero, random, mean, error, subword or nearest",
            place=field_name("oov"),
        )


class Sizes(NamedTuple):
    """A model's architecture, and in how many main directions of the vectors it is learned."""

    architecture: Architecture
    directions: int | None


def sizes_of(prepared: Prepared, vectors: VectorsInfo, layer: LayerSettings) -> Sizes:
    """What these examples ask for where the settings leave it open.

    Raises: UsageError for landmarks in some of the directions only.
    """
    directions = layer.directions or default_directions(vectors)
    narrow = directions is not None and directions < vectors.dim
    if layer.landmarks and narrow:
        raise UsageError(
            f"found {layer.landmarks} with {directions} of {vectors.dim} directions, expected all "
            "directions",
            place=field_name("landmarks"),
            hints=(f"{setting(directions=vectors.dim)} learns in all of them",),
        )
    landmarks = layer.landmarks
    if landmarks is None:
        landmarks = 0 if narrow else default_landmarks(vectors, prepared.examples)
    fitting = prepared.examples.weights is not None
    readout = "target" if prepared.examples.targets is not None else layer.pooling
    committee = layer.committee or default_committee(prepared.views)
    architecture = Architecture(
        d_model=vectors.dim,
        n_labels=len(prepared.labels),
        n_heads=1 if fitting else layer.heads,
        d_k=layer.d_k,
        d_v=vectors.dim if fitting else layer.d_v,
        committee=1 if fitting else committee,
        readout="weights" if fitting else readout,
        positions=layer.positions or ("none" if fitting else "relative"),
        reach=layer.reach,
        causal=layer.causal,
        window=layer.window,
        landmarks=0 if fitting else min(landmarks, len(prepared.examples.table)),
        pair=prepared.pair,
    )
    return Sizes(architecture, directions)


def fitting(settings: TrainingSettings, epochs: int | None = None) -> TrainingSettings:
    """Settings that meet given weights exactly: nothing dropped, nothing decayed, nothing aside."""
    return replace(
        settings,
        epochs=epochs or _FITTING_EPOCHS,
        weight_decay=0.0,
        dropout=0.0,
        weight_dropout=0.0,
        word_dropout=0.0,
        smoothing=0.0,
        held_out=0.0,
        tolerance=settings.tolerance or _FITTING_TOLERANCE,
    )


class Fit:
    """One training, from examples to a model; `run` goes on by an epoch at a time."""

    def __init__(
        self,
        prepared: Prepared,
        sizes: Sizes,
        settings: TrainingSettings,
        reading: ReadingSettings,
        vectors: VectorsInfo,
    ) -> None:
        self.prepared, self.reading, self.vectors = prepared, reading, vectors
        self.architecture = sizes.architecture
        self.subspace = Subspace(
            prepared.examples, sizes.architecture, sizes.directions, prepared.views
        )
        weights = label_weights(settings, prepared)
        self.label_weights = (
            None if weights is None else dict(zip(prepared.labels, weights.tolist(), strict=True))
        )
        self.training = Training(
            self.subspace.examples, self.subspace.architecture, settings, weights
        )
        self.sketch = sketch_of(prepared.whole_texts)
        self.progress: list[EpochProgress] = []

    def run(self) -> Iterator[EpochProgress]:
        """Trains to the end. Raises: NumericError when the loss grows past all bounds."""
        for progress in self.training.run():
            self.progress.append(progress)
            yield progress

    def held_out_scores(self) -> Scores | None:
        """How well the best model so far does on the sentences kept aside, if there are any."""
        if not self._has_measured or not self.architecture.has_labels:
            return None
        return Scores(self.prepared.labels, *self.training.held_out_probabilities())

    def held_out_pairs(self) -> PairEvaluation | None:
        """How well the best model so far does on the pairs kept aside, beside no training."""
        if not self._has_measured or self.architecture.pair in (None, "relation"):
            return None
        aside = rows_at(self.prepared, self.training.aside)
        return evaluated_pairs(aside, self.model())

    @property
    def figure(self) -> str:
        """What sentences kept aside are measured by: accuracy, Spearman or MRR."""
        return FIGURES[self.architecture.pair]

    @property
    def _has_measured(self) -> bool:
        return bool(self.training.n_held_out and self.training.best_epoch)

    def model(self, *, whole: bool = True) -> TrainedModel:
        """The best model so far; `whole` says that the training came to its end."""
        training, reading = self.training, self.reading
        history = {
            "settings": kept_settings(
                training.settings, self.label_weights, self.architecture.pair
            ),
            "directions": training.architecture.d_model,
            "examples": len(self.prepared.examples),
            "held_out": training.n_held_out,
            f"held_out_{self.figure.lower()}": training.best_accuracy,
            "best_epoch": training.best_epoch,
            "whole": whole,
            "sentences": self.sketch,
        }
        return TrainedModel(
            self.architecture,
            self.subspace.widened(training.best),
            self.prepared.labels,
            self.vectors,
            {"tokenizer": reading.tokenizer, "oov": reading.oov, "seed": reading.seed},
            self.prepared.targets,
            history,
            progress=tuple(self.progress),
            score_range=self.prepared.score_range,
        )


def kept_settings(
    settings: TrainingSettings,
    label_weights: Mapping[str, float] | None,
    pair: PairTask | None = None,
) -> dict[str, Any]:
    """The settings as they are kept, the weights of labels as numbers; without any no word of them.

    The temperature is one of pairs that match alone.
    """
    left_out = {"class_weights"} if pair == "match" else {"class_weights", "pair_temperature"}
    kept = {name: value for name, value in asdict(settings).items() if name not in left_out}
    return kept if label_weights is None else {**kept, "class_weights": dict(label_weights)}


def scores_of(prepared: Prepared, model: TrainedModel) -> Scores:
    """How well a model predicts the labels of these examples, which were prepared with it."""
    probabilities = predict(model.parameters, model.architecture, prepared.examples)
    return Scores(prepared.labels, prepared.gold, probabilities)
