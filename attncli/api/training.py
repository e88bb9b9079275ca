"""Labeled sentences → a model, and how well it predicts others, from Python."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from os import PathLike
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict, TypeVar, Unpack, get_args

from attncli.api.examples import ExampleSource, examples_given
from attncli.api.mechanism import vectors_given
from attncli.checks.arguments import (
    choice_of,
    count_of,
    flag_of,
    number_of,
    one_of_kind,
    seed_of,
    text_of,
)
from attncli.checks.choices import checked_choices, expect_names
from attncli.embeddings.protocols import EmbeddingStore
from attncli.errors import UsageError
from attncli.files.access import DEFAULT_ACCESS, Access, Say
from attncli.mechanisms.open import expect_dim
from attncli.models.trained import TrainedModel
from attncli.reading.embedder import Embedder, open_embedder
from attncli.reading.named_vectors import MAX_DIM
from attncli.reading.reader import ReadingSettings, Tick, ignored
from attncli.reading.targets import Offset as Offset
from attncli.settings import LayerSettings as LayerSettings
from attncli.settings import (
    MechanismSettings,
    OovPolicy,
    Pooling,
    Positions,
    TokenizerName,
    WordSettings,
)
from attncli.settings import TrainingSettings as TrainingSettings
from attncli.training.columns import COLUMN_FIELDS
from attncli.training.examples import expect_difference
from attncli.training.fit import expect_vectors_for_all, fitting
from attncli.training.pair_metrics import PairEvaluation as PairEvaluation
from attncli.training.rates import checked_training
from attncli.training.rows import Row as Row
from attncli.training.trial import Trial as Trial
from attncli.training.validating import CrossValidation as CrossValidation
from attncli.training.validating import LearningCurve
from attncli.training.validating import Measured as Measured

if TYPE_CHECKING:
    from attncli.api.word_vectors import WordVectors
    from attncli.embeddings.given import Vectors
    from attncli.results.facts import VectorsInfo

_Settings = TypeVar("_Settings", LayerSettings, TrainingSettings)
_OF_WORDS = ("no_cache", "dim", "tokenizer", "oov")


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
    pair_temperature: float


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
    expect_names(choices, train, TrainChoices.__optional_keys__)
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
    fit = trial_of(rows, vectors, given).fit()
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
    columns = [choices.pop(field, None) for field in COLUMN_FIELDS]
    split, skip_bad = choices.pop("split", None), choices.pop("skip_bad", False)
    words, store = _words_given(vectors, choices)
    layer, settings = choices.pop("layer", None), choices.pop("settings", None)
    weights = choices.get("class_weights")
    if isinstance(weights, Mapping):
        field = "class_weights"
        each = {text_of(k, field): number_of(weights[k], field) for k in weights}
        choices[field] = json.dumps(each)
    layer = _settings_of(LayerSettings, "layer", layer, choices)
    settings = _settings_of(TrainingSettings, "settings", settings, choices)
    seed_of(settings.seed)
    source = examples_given(rows, split, columns, skip_bad)
    opened = open_words(words, settings, store=store)
    return trial_from(source, opened, layer, settings, epochs=choices.get("epochs"))


def _words_given(
    vectors: "Vectors | WordVectors", choices: dict[str, Any]
) -> tuple[WordSettings, EmbeddingStore | None]:
    """The words that the arguments say, taken out of the choices; the store of those at hand."""
    (name, store), usual = vectors_given(vectors), WordSettings()
    own = {field: choices.pop(field, getattr(usual, field)) for field in _OF_WORDS}
    count_of(own["dim"], "dim", 1, MAX_DIM)
    flag_of(own["no_cache"], "no_cache")
    choice_of(own["oov"], "oov", get_args(OovPolicy))
    choice_of(own["tokenizer"], "tokenizer", get_args(TokenizerName))
    return WordSettings(vectors=name, **own), store


class OpenedWords(NamedTuple):
    """What reads the words of examples, the facts of their vectors, and how they are read."""

    embedder: Embedder
    vectors: "VectorsInfo"
    reading: ReadingSettings


def open_words(
    words: WordSettings,
    settings: TrainingSettings,
    *,
    store: EmbeddingStore | None = None,
    access: Access = DEFAULT_ACCESS,
) -> OpenedWords:
    """Opens the words to learn from; `store` are vectors at hand, in the place of those named.

    Raises: UsageError for choices out of range, also of the training; what opening vectors raises.
    """
    expect_dim(MechanismSettings(vectors=words.vectors, dim=words.dim))
    expect_vectors_for_all(words.oov)
    checked_training(settings)
    reading = ReadingSettings(tokenizer=words.tokenizer, oov=words.oov, seed=settings.seed)
    if words.no_cache:
        access = access._replace(cached=False)
    name = words.vectors if store is None else store
    return OpenedWords(*open_embedder(name, reading, dim=words.dim, access=access), reading)


def trial_from(
    source: ExampleSource,
    words: OpenedWords,
    layer: LayerSettings,
    settings: TrainingSettings,
    *,
    epochs: int | None = None,
    say: Say = DEFAULT_ACCESS.say,
    tick: Tick = ignored,
) -> Trial:
    """What is trained: the examples with all that says how they are learned.

    `epochs` are those that were asked for: given weights are fitted by many more. `say` is told what
    the rows are, `tick` how far a transformer that encodes the sentences is.
    Raises: DataError for rows that cannot be used, or where there is nothing to learn; EmptyError.
    """
    prepared = source.prepared(words.embedder, say=say, tick=tick)
    expect_difference(prepared, source.place)
    if prepared.examples.weights is not None:
        settings = fitting(settings, epochs)
    trial = Trial(prepared, words.vectors, layer, settings, words.reading)
    repeated, held = trial.repeated_aside()
    if repeated:
        what = "sentences" if prepared.pair is None else "pairs"
        say(
            "warning",
            f"{repeated:,} of {held:,} {what} that are held out are also learned from: the figures "
            "say little of new ones",
        )
    return trial


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
    expect_names(given, cross_validate, TrialChoices.__optional_keys__)
    count = count_of(folds, "folds", 2, 1000)
    return CrossValidation.of(list(trial_of(rows, vectors, given).folds(count)))


def learning_curve(
    rows: str | PathLike[str] | Sequence[Row],
    vectors: "Vectors | WordVectors" = "glove",
    **given: Unpack["TrialChoices"],
) -> LearningCurve:
    """How well trainings on growing shares of the rows do on the same held-out ones.

    The other arguments are those of `train`.
    """
    expect_names(given, learning_curve, TrialChoices.__optional_keys__)
    return LearningCurve(trial_of(rows, vectors, given).shares())


def _settings_of(
    kind: type[_Settings], name: str, given: _Settings | None, choices: Mapping[str, Any]
) -> _Settings:
    """The settings of one kind: those that were given, or of the choices. Raises: UsageError."""
    own = {field.name for field in fields(kind)}
    named = {choice: choices[choice] for choice in choices if choice in own}
    if given is None:
        return kind(**checked_choices(named, kind, most_heads=4096))
    one_of_kind(given, name, kind, kind.__name__)
    if named:
        raise UsageError(f"found {', '.join(named)} too, expected one of them", place=name)
    return given
