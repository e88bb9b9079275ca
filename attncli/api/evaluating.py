"""How well a model that was trained predicts labeled sentences, or scores pairs, from Python."""

from collections.abc import Sequence
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any

from attncli.api.examples import ExampleSource, examples_given, known_to
from attncli.api.mechanism import vectors_given
from attncli.checks.arguments import flag_of, path_of
from attncli.files.access import DEFAULT_ACCESS, Access, Say
from attncli.mechanisms.task import reading_of
from attncli.models.named import expect_labels_of, expect_pairs_of, find_model
from attncli.models.trained import TrainedModel
from attncli.models.trained_vectors import require_vectors
from attncli.reading.embedder import Embedder, open_embedder
from attncli.reading.layers import for_model
from attncli.reading.reader import Tick, ignored
from attncli.training.examples import Prepared
from attncli.training.fit import scores_of
from attncli.training.metrics import Scores
from attncli.training.pair_metrics import PairEvaluation as PairEvaluation
from attncli.training.pair_metrics import evaluated_pairs
from attncli.training.rows import Row

if TYPE_CHECKING:
    from attncli.api.word_vectors import WordVectors
    from attncli.embeddings.given import Vectors


def evaluate(
    rows: str | PathLike[str] | Sequence[Row],
    model: str | PathLike[str] | TrainedModel,
    vectors: "Vectors | WordVectors" = "glove",
    *,
    split: str | None = None,
    text_column: str | int | None = None,
    label_column: str | int | None = None,
    target_column: str | int | None = None,
    pair_column: str | int | None = None,
    score_column: str | int | None = None,
    skip_bad: bool = False,
    no_cache: bool = False,
) -> Scores:
    """How well a model predicts the labels of a file or of rows, as `attn evaluate` tells it."""
    columns = (text_column, label_column, target_column, pair_column, score_column)
    source = examples_given(rows, split, columns, skip_bad)
    trained = _model_given(model)
    expect_labels_of(trained)
    return evaluated(source, trained, _embedder_given(trained, vectors, no_cache)).scores


def evaluate_pairs(
    rows: str | PathLike[str] | Sequence[Row],
    model: str | PathLike[str] | TrainedModel,
    vectors: "Vectors | WordVectors" = "glove",
    *,
    split: str | None = None,
    text_column: str | int | None = None,
    pair_column: str | int | None = None,
    score_column: str | int | None = None,
    skip_bad: bool = False,
    no_cache: bool = False,
) -> PairEvaluation:
    """How well a model scores pairs of sentences, or finds which belong together.

    `scores` has Pearson's and Spearman's correlation, or the ranks of the right sentences both ways;
    `baselines` the same of general attention and of the mean of word vectors, where nothing was
    learned. A model that says labels of pairs is measured by `evaluate`.
    """
    columns = (text_column, None, None, pair_column, score_column)
    source = examples_given(rows, split, columns, skip_bad)
    trained = _model_given(model)
    expect_pairs_of(trained)
    return evaluated(source, trained, _embedder_given(trained, vectors, no_cache)).pairs


def _model_given(model: Any) -> TrainedModel:
    return model if isinstance(model, TrainedModel) else find_model(path_of(model, "model"))


def _embedder_given(trained: TrainedModel, vectors: Any, no_cache: Any) -> Embedder:
    return embedder_of(trained, vectors, Access(cached=not flag_of(no_cache, "no_cache")))


class Evaluation:
    """How well a model does on examples; `trained_on` so many of which it was trained, if it is known."""

    def __init__(self, trained: TrainedModel, prepared: Prepared, trained_on: int | None) -> None:
        self.trained_on = trained_on
        self.has_labels = trained.architecture.has_labels
        self._trained, self._prepared = trained, prepared

    @cached_property
    def scores(self) -> Scores:
        """How well it predicts labels."""
        return scores_of(self._prepared, self._trained)

    @cached_property
    def pairs(self) -> PairEvaluation:
        """How well it scores pairs, or finds which belong together."""
        return evaluated_pairs(self._prepared, self._trained)


def evaluated(
    source: ExampleSource,
    trained: TrainedModel,
    embedder: Embedder,
    *,
    say: Say = DEFAULT_ACCESS.say,
    tick: Tick = ignored,
) -> Evaluation:
    """A model measured on examples; `say` is told which rows are left out, and those that it knows.

    Raises: DataError for rows that cannot be used; EmptyError.
    """
    prepared = source.prepared(embedder, model=trained, say=say, tick=tick)
    return Evaluation(trained, prepared, known_to(trained, prepared, say))


def embedder_of(
    trained: TrainedModel, vectors: "Vectors | WordVectors", access: Access = DEFAULT_ACCESS
) -> Embedder:
    """What reads sentences as a model was trained on them. Raises: DataError for other vectors."""
    name, store = vectors_given(vectors)
    named = store if store is not None else for_model(name, trained.vectors, cached=access.cached)
    embedder, info = open_embedder(
        named, reading_of(trained), dim=trained.vectors.dim, access=access
    )
    require_vectors(trained, info)
    return embedder
