"""Labeled sentences → a model, and how well it predicts others, from Python."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from os import PathLike
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, Unpack, get_args

from attncli.api.mechanism import vectors_given
from attncli.checks.arguments import (
    choice_of,
    count_of,
    flag_of,
    has,
    number_of,
    one_of_kind,
    path_of,
    seed_of,
    text_of,
    unexpected,
)
from attncli.checks.choices import checked_choices
from attncli.embeddings.protocols import EmbeddingStore
from attncli.errors import UsageError
from attncli.files.access import Access
from attncli.mechanisms.open import expect_dim
from attncli.mechanisms.task import reading_of
from attncli.models.named import expect_labels_of, expect_pairs_of, find_model
from attncli.models.trained import TrainedModel, require_vectors
from attncli.reading.embedder import Embedder, open_embedder
from attncli.reading.layers import for_model
from attncli.reading.named_vectors import MAX_DIM
from attncli.reading.reader import ReadingSettings
from attncli.reading.targets import Offset as Offset
from attncli.settings import LayerSettings as LayerSettings
from attncli.settings import MechanismSettings, OovPolicy, Pooling, Positions, TokenizerName
from attncli.settings import TrainingSettings as TrainingSettings
from attncli.training.columns import COLUMN_FIELDS, Columns
from attncli.training.examples import Prepared, expect_difference, prepare
from attncli.training.fit import Fit, expect_vectors_for_all, fitting, scores_of, sizes_of
from attncli.training.metrics import Scores
from attncli.training.pair_metrics import PairEvaluation, evaluated_pairs
from attncli.training.rates import checked_training
from attncli.training.rows import Bad, read_table
from attncli.training.rows import Row as Row
from attncli.training.validating import (
    CrossValidation,
    LearningCurve,
    Trial,
    cross_validated,
    measured_shares,
    summary_of,
)

if TYPE_CHECKING:
    from attncli.api.word_vectors import WordVectors
    from attncli.embeddings.given import Vectors
    from attncli.results.result import VectorsInfo

_Settings = TypeVar("_Settings", LayerSettings, TrainingSettings)


class TrainChoices(TypedDict, total=False):
    """The fields of `LayerSettings` and of `TrainingSettings` as named arguments."""

    heads: int
    d_k: int
    d_v: int
    landmarks: int | None
    committee: int | None
    directions: int | None
    positions: Positions | None
    reach: int
    causal: bool
    window: int | None
    pooling: Pooling
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    dropout: float
    weight_dropout: float
    word_dropout: float
    smoothing: float
    balance: float
    held_out: float
    patience: int
    tolerance: float
    seed: int
    class_weights: str | Mapping[str, float] | None
    temperature: float


class TrialChoices(TrainChoices, total=False):
    """What `train` takes besides rows and vectors, as named arguments."""

    split: str | None
    text_column: str | int | None
    label_column: str | int | None
    target_column: str | int | None
    pair_column: str | int | None
    score_column: str | int | None
    skip_bad: bool
    oov: OovPolicy
    tokenizer: TokenizerName
    dim: int
    no_cache: bool
    layer: LayerSettings | None
    settings: TrainingSettings | None


def train(
    rows: str | PathLike[str] | Sequence[Row],
    vectors: "Vectors | WordVectors" = "glove",
    *,
    split: str | None = None,
    text_column: str | int | None = None,
    label_column: str | int | None = None,
    target_column: str | int | None = None,
    pair_column: str | int | None = None,
    score_column: str | int | None = None,
    skip_bad: bool = False,
    oov: OovPolicy = "zero",
    tokenizer: TokenizerName = "words",
    dim: int = 50,
    no_cache: bool = False,
    layer: LayerSettings | None = None,
    settings: TrainingSettings | None = None,
    **choices: Unpack[TrainChoices],
) -> TrainedModel:
    """The model that `attn train` learns of labeled sentences, or of given weights.

    `rows` is a file or rows of one; `skip_bad` goes on without those that cannot be used.
    `text_column`, `label_column`, `target_column`, `pair_column` and `score_column` name the columns
    of a file, or are their numbers from 1 where it has no header. Rows with a second sentence
    (`pair`) and a score are learned as similarity, with a label as a relation, else as pairs that
    belong together. The choices, and their defaults, are the fields of `attncli.settings.LayerSettings` and
    `TrainingSettings`; `layer` and `settings` say the same. `save` writes the model.
    Raises: DataError for a row that cannot be used; UsageError; NumericError when it diverges.
    """
    given: TrialChoices = {
        **choices,
        "split": split,
        "text_column": text_column,
        "label_column": label_column,
        "target_column": target_column,
        "pair_column": pair_column,
        "score_column": score_column,
        "skip_bad": skip_bad,
        "oov": oov,
        "tokenizer": tokenizer,
        "dim": dim,
        "no_cache": no_cache,
        "layer": layer,
        "settings": settings,
    }
    trial = trial_of(rows, vectors, given)
    sizes = sizes_of(trial.prepared, trial.vectors, trial.layer)
    learning = trial.settings
    if sizes.architecture.readout == "weights":
        learning = fitting(learning, choices.get("epochs"))
    fit = Fit(trial.prepared, sizes, learning, trial.reading, trial.vectors)
    for _ in fit.run():
        pass
    return fit.model()


def trial_of(
    rows: str | PathLike[str] | Sequence[Row],
    vectors: "Vectors | WordVectors",
    given: "TrialChoices",
) -> Trial:
    """What is trained, as `train` takes it. Raises: what `train` raises before it learns."""
    choices: dict[str, Any] = dict(given)
    columns = named_columns(*(choices.pop(field, None) for field in COLUMN_FIELDS))
    split, skip_bad = choices.pop("split", None), choices.pop("skip_bad", False)
    oov, tokenizer = choices.pop("oov", "zero"), choices.pop("tokenizer", "words")
    dim, no_cache = choices.pop("dim", 50), choices.pop("no_cache", False)
    layer, settings = choices.pop("layer", None), choices.pop("settings", None)
    weights = choices.get("class_weights")
    if isinstance(weights, Mapping):
        field = "class_weights"
        each = {text_of(k, field): number_of(weights[k], field) for k in weights}
        choices[field] = json.dumps(each)
    layer = _settings_of(LayerSettings, "layer", layer, choices)
    settings = checked_training(_settings_of(TrainingSettings, "settings", settings, choices))
    (name, store), dim = vectors_given(vectors), count_of(dim, "dim", 1, MAX_DIM)
    expect_dim(MechanismSettings(vectors=name, dim=dim))
    choice_of(oov, "oov", get_args(OovPolicy))
    choice_of(tokenizer, "tokenizer", get_args(TokenizerName))
    expect_vectors_for_all(oov)
    reading = ReadingSettings(tokenizer=tokenizer, oov=oov, seed=seed_of(settings.seed))
    embedder, info = _embedder(name if store is None else store, reading, dim, no_cache)
    prepared = _prepared(rows, split, columns, skip_bad, embedder)
    expect_difference(prepared, "rows")
    return Trial(prepared, info, layer, settings, reading)


def cross_validate(
    rows: str | PathLike[str] | Sequence[Row],
    vectors: "Vectors | WordVectors" = "glove",
    *,
    folds: int = 5,
    **given: Unpack["TrialChoices"],
) -> CrossValidation:
    """How well trainings do, by folds, as `attn train` tells it: means, deviations and a report.

    The other arguments are those of `train`.
    """
    count = count_of(folds, "folds", 2, 1000)
    return summary_of(list(cross_validated(trial_of(rows, vectors, given), count)))


def learning_curve(
    rows: str | PathLike[str] | Sequence[Row],
    vectors: "Vectors | WordVectors" = "glove",
    **given: Unpack["TrialChoices"],
) -> LearningCurve:
    """How well trainings on growing shares of the rows do on the same held-out ones.

    The other arguments are those of `train`.
    """
    return LearningCurve(measured_shares(trial_of(rows, vectors, given)))


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
    columns = named_columns(text_column, label_column, target_column, pair_column, score_column)
    trained = model if isinstance(model, TrainedModel) else find_model(path_of(model, "model"))
    expect_labels_of(trained)
    embedder = embedder_of(trained, vectors, no_cache)
    return scores_of(_prepared(rows, split, columns, skip_bad, embedder, trained), trained)


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
    columns = named_columns(text_column, None, None, pair_column, score_column)
    trained = model if isinstance(model, TrainedModel) else find_model(path_of(model, "model"))
    expect_pairs_of(trained)
    embedder = embedder_of(trained, vectors, no_cache)
    return evaluated_pairs(_prepared(rows, split, columns, skip_bad, embedder, trained), trained)


def embedder_of(
    trained: TrainedModel, vectors: "Vectors | WordVectors", no_cache: bool
) -> Embedder:
    """What reads sentences as a model was trained on them. Raises: DataError for other vectors."""
    name, store = vectors_given(vectors)
    named = for_model(name, trained.vectors.name)
    embedder, info = _embedder(
        named if store is None else store, reading_of(trained), trained.vectors.dim, no_cache
    )
    require_vectors(trained, info)
    return embedder


def named_columns(*given: str | int | None) -> Columns:
    """The columns that are named, as they are asked for in a file: those of `COLUMN_FIELDS`, in order."""
    return Columns(*map(_column_named, given, COLUMN_FIELDS))


def _column_named(given: str | int | None, field: str) -> str | None:
    """The name of a column, or its number as text. Raises: ArgumentError for what is neither."""
    if given is None:
        return None
    return str(count_of(given, field)) if isinstance(given, int) else text_of(given, field)


def _settings_of(
    kind: type[_Settings], name: str, given: _Settings | None, choices: Mapping[str, Any]
) -> _Settings:
    """The settings of one kind: those that were given, or of the choices. Raises: UsageError."""
    own = {field.name for field in fields(kind)}
    known = {field.name for field in (*fields(LayerSettings), *fields(TrainingSettings))}
    for choice in choices:
        if choice not in known:
            raise UsageError(f"found it, expected one of {', '.join(sorted(known))}", place=choice)
    named = {choice: choices[choice] for choice in choices if choice in own}
    if given is None:
        return kind(**checked_choices(named, kind, most_heads=4096))
    one_of_kind(given, name, kind, kind.__name__)
    if named:
        raise UsageError(f"found {', '.join(named)} too, expected one of them", place=name)
    return given


def _embedder(
    vectors: str | EmbeddingStore, reading: ReadingSettings, dim: int, no_cache: bool
) -> "tuple[Embedder, VectorsInfo]":
    access = Access(cached=not flag_of(no_cache, "no_cache"))
    return open_embedder(vectors, reading, dim=dim, access=access)


def _prepared(
    rows: str | PathLike[str] | Sequence[Row],
    split: str | None,
    columns: Columns,
    skip_bad: bool,
    embedder: Embedder,
    model: TrainedModel | None = None,
) -> Prepared:
    """The rows to learn from. Raises: DataError for one that cannot be used, unless skipped."""
    chosen, bad = _rows_given(rows, split, columns)
    if flag_of(skip_bad, "skip_bad"):
        return prepare(chosen, embedder, model=model, bad=bad)
    bad.expect_none()
    return prepare(chosen, embedder, model=model)


def _rows_given(rows: Any, split: str | None, columns: Columns) -> tuple[list[Row], Bad]:
    """The rows that a caller from Python gives, a file of them or rows, and those of no use.

    Raises: ArgumentError for what is neither; what reading a file raises.
    """
    split = None if split is None else text_of(split, "split")
    if isinstance(rows, str | bytes | PathLike):
        path = path_of(rows, "rows")
        return read_table(path, sys.stdin.buffer, split=split, columns=columns)
    for field in sorted(columns.chosen):
        raise UsageError("found it, but rows have no columns, expected a file", place=field)
    if isinstance(rows, Mapping) or not isinstance(rows, Iterable) or has(rows, "shape"):
        raise unexpected(rows, "rows", "a file, or a list of rows")
    several = list(rows)
    for place, row in enumerate(several):
        one_of_kind(row, f"rows[{place}]", Row, "a Row of attncli.training.rows")
    chosen = [row for row in several if split is None or row.split == split]
    return chosen, Bad("rows", total=len(chosen))
