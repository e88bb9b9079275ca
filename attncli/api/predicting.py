"""Sentences → labels by a trained model, from Python."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from os import PathLike
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast, overload

from attncli.api.evaluating import embedder_of
from attncli.api.examples import named_columns
from attncli.api.files_read import files_measured_with
from attncli.checks.arguments import (
    choice_of,
    count_of,
    flag_of,
    has,
    number_of,
    path_of,
    text_of,
    texts_of,
    unexpected,
)
from attncli.errors import AttnError, EmptyError, UsageError, setting
from attncli.errors.wording import quoted
from attncli.files.access import Access
from attncli.files.apart import expect_writable, written
from attncli.files.source import bytes_of_stdin, source_of
from attncli.files.writing import whole_file
from attncli.models.named import expect_outcome_of, labeling_model
from attncli.models.trained import TrainedModel
from attncli.reading.targets import Offset, Target
from attncli.training.pair_predicting import PairPredictor
from attncli.training.predicting import Prediction as Prediction
from attncli.training.predicting import Predictions, Predictor
from attncli.training.prediction_files import SUFFIXES, Rows, kind_of_output
from attncli.training.prediction_rows import Predicted, RowsToPredict, columns_said

if TYPE_CHECKING:
    from attncli.api.word_vectors import WordVectors
    from attncli.embeddings.given import Vectors

_LOT = 1024  # sentences predicted together


class PredictionReport(NamedTuple):
    """What became of the rows of a file: how many there are, are unsure, and could not be predicted.

    first: why the first of these could not be.
    """

    rows: int
    unsure: int
    failed: int
    first: tuple[str, ...] = ()


@overload
def predict(
    texts: str,
    model: str | PathLike[str] | TrainedModel,
    vectors: "Vectors | WordVectors" = "glove",
    *,
    text_column: str | None = None,
    targets: Iterable[Target | None] | None = None,
    pairs: Any = None,
    unsure: float | None = None,
    top: int = 3,
    no_cache: bool = False,
) -> Prediction: ...
@overload
def predict(
    texts: Any,
    model: str | PathLike[str] | TrainedModel,
    vectors: "Vectors | WordVectors" = "glove",
    *,
    text_column: str | None = None,
    targets: Iterable[Target | None] | None = None,
    pairs: Any = None,
    unsure: float | None = None,
    top: int = 3,
    no_cache: bool = False,
) -> Predictions: ...
def predict(
    texts: Any,
    model: str | PathLike[str] | TrainedModel,
    vectors: "Vectors | WordVectors" = "glove",
    *,
    text_column: str | None = None,
    targets: Iterable[Target | None] | None = None,
    pairs: Any = None,
    unsure: float | None = None,
    top: int = 3,
    no_cache: bool = False,
) -> Prediction | Predictions:
    """The label that a model says of a sentence, of several a list: label, probability, words.

    Several texts are a list, a column of a table, or a table whose `text_column` is named. `targets`
    are the words that are meant, or their numbers, of a model that reads one; `pairs` the sentence
    beside each text, of a model that compares two, which says a score or a label of both. Below the probability
    `unsure` there is no label. `top` words that counted are named, with what they add to the logit.
    A text that cannot be read has an `error`.

    >>> prediction = predict("that exam was a piece of cake", "idioms")
    >>> prediction.label
    'बहुत आसान काम'
    """
    predictor = _predictor(model, vectors, unsure, top, no_cache)
    if text_column is not None:
        texts = _column_of(texts, text_of(text_column, "text_column"))
    several = [texts] if isinstance(texts, str) else texts_of(texts, "texts")
    if isinstance(predictor, PairPredictor):
        said_of_pairs = _of_pairs(predictor, several, pairs, targets)
        return said_of_pairs[0] if isinstance(texts, str) else said_of_pairs
    if pairs is not None:
        raise UsageError("found it, but the model reads single sentences", place="pairs")
    meant = [None] * len(several) if targets is None else _targets(targets)
    if isinstance(texts, str) and len(meant) == 1:
        return predictor(several, meant)[0]
    if len(meant) != len(several):
        raise UsageError(f"found {len(meant)}, expected {len(several)}", place="targets")
    lots = range(0, len(several), _LOT)
    said = (predictor(several[at : at + _LOT], meant[at : at + _LOT]) for at in lots)
    return Predictions(chain.from_iterable(said))


def _of_pairs(
    predictor: PairPredictor, texts: list[str], pairs: Any, targets: object
) -> Predictions:
    """What a model says of texts and the sentences beside them. Raises: UsageError, ArgumentError."""
    if targets is not None:
        raise UsageError("found it, but the model reads whole sentences", place="targets")
    if pairs is None:
        raise UsageError(
            "found nothing, expected the sentence beside each text: the model compares two",
            place="pairs",
        )
    beside = [pairs] if isinstance(pairs, str) else texts_of(pairs, "pairs")
    if len(beside) != len(texts):
        raise UsageError(f"found {len(beside)}, expected {len(texts)}", place="pairs")
    lots = range(0, len(texts), _LOT)
    said = (predictor(texts[at : at + _LOT], beside[at : at + _LOT]) for at in lots)
    return Predictions(chain.from_iterable(said))


def _column_of(table: Any, name: str) -> Any:
    """A column of a table. Raises: ArgumentError for what has no such column."""
    try:
        return table[name]
    except Exception:  # whatever the table raises
        raise unexpected(table, "texts", f"a table with the column {quoted(name)}") from None


def _targets(given: Iterable[Target | None]) -> list[Target | None]:
    """The words that are meant, or their numbers. Raises: ArgumentError for what is neither."""
    expected = "a list of words, or of their numbers"
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise unexpected(given, "targets", expected)
    try:
        targets = list(given)
    except Exception:  # whatever an iterator of the caller raises
        raise unexpected(given, "targets", expected) from None
    for target in targets:
        if target is not None and not isinstance(target, str | int | Offset):
            raise unexpected(target, "targets", expected)
    return targets


def predict_file(
    path: str | PathLike[str],
    output: str | PathLike[str] | BinaryIO,
    model: str | PathLike[str] | TrainedModel,
    vectors: "Vectors | WordVectors" = "glove",
    *,
    text_column: str | int | None = None,
    target_column: str | int | None = None,
    pair_column: str | int | None = None,
    unsure: float | None = None,
    top: int = 3,
    skip_bad: bool = False,
    no_cache: bool = False,
    kind: str | None = None,
    note: Callable[[str], None] | None = None,
    tick: Callable[[int, int], None] | None = None,
) -> PredictionReport:
    """Labels the rows of a table, or the lines of a text, in another file, as `attn predict` does.

    The output is CSV, TSV, JSON lines, JSON or Parquet by its suffix, whole or not at all; `kind`
    says it for a stream. A row that cannot be predicted is an error, or with `skip_bad` has no label.
    `note` is told what the input is where its name says otherwise, `tick` how many rows are done.
    Raises: DataError for such a row; EmptyError; UsageError, also for an output that is read here;
    OutputError.
    """
    columns = named_columns(text_column, None, target_column, pair_column, None)
    name, kind = _output_named(output, kind)
    path = path_of(path, "path")
    named = None if isinstance(model, TrainedModel) else path_of(model, "model")
    words = path_of(vectors, "vectors") if isinstance(vectors, str | PathLike) else None
    check_output(name, path, named, words)
    for call, place in ((note, "note"), (tick, "tick")):
        if call is not None and not callable(call):
            raise unexpected(call, place, "a function")
    predictor = _predictor(model, vectors, unsure, top, no_cache)
    source = source_of(path, bytes_of_stdin)
    pair = predictor.model.architecture.pair
    rows = RowsToPredict(source, columns, note, pair)
    writer = Rows(kind, columns_said(pair, unsure=unsure is not None))
    count = _Count(rows.name, flag_of(skip_bad, "skip_bad"), tick)

    def write(file: BinaryIO) -> None:
        writer.write(count.each(rows.predicted(predictor)), lambda: rows.table, file)
        if not count.rows:
            raise EmptyError("found no row, expected sentences", place=rows.name)

    if name is None:
        write(cast("BinaryIO", output))
    else:
        with whole_file(name) as file:
            write(file)
    if writer.dropped and note is not None:
        note(
            f"{rows.name}: {writer.dropped:,} cells of columns that the first rows lack are left out"
        )
    return PredictionReport(count.rows, count.unsure, count.failed, tuple(count.first))


def check_output(output: str | None, path: str, model: str | None, vectors: str | None) -> None:
    """Makes sure, before the work, that labels can be written to a file, and that it is no input.

    None for a stream, and for a model and vectors at hand. Raises: UsageError, OutputError.
    """
    expect_writable(written("output", output), files_measured_with(path, model, vectors))


def _output_named(output: object, kind: str | None) -> tuple[str | None, str]:
    """The path of an output, None for a stream, and its kind. Raises: ArgumentError, UsageError."""
    if kind is not None:
        choice_of(kind, "kind", SUFFIXES)
    if not isinstance(output, str | PathLike):
        if not has(output, "write"):
            raise unexpected(output, "output", "a path or a stream to write to")
        return None, kind or "csv"
    if (name := path_of(output, "output")) == "-":
        raise UsageError("found -, expected a file or a stream", place="output")
    return name, kind_of_output(name) if kind is None else kind


class _Count:
    """Counts rows on their way, and stops at one that cannot be predicted unless it is skipped."""

    def __init__(self, name: str, skip_bad: bool, tick: Callable[[int, int], None] | None) -> None:
        self._name, self._skip_bad, self._tick = name, skip_bad, tick
        self.rows = self.unsure = self.failed = 0
        self.first: list[str] = []

    def each(self, lots: Iterator[list[Predicted]]) -> Iterator[list[Predicted]]:
        for lot in lots:
            for row in lot:
                self.unsure += row.prediction.unsure
                if row.prediction.error is not None:
                    self._note(row.line, row.prediction.error)
            self.rows += len(lot)
            if self._tick is not None:
                self._tick(self.rows, self.rows)
            yield lot

    def _note(self, line: int, error: AttnError) -> None:
        place = f"{self._name}:{line}"
        if not self._skip_bad:
            error.place = place
            way = f"{setting(skip_bad=True)} keeps such rows, without a label"
            error.hints = (*error.hints[:1], way)
            raise error
        self.failed += 1
        if len(self.first) < 5:
            self.first.append(f"{place}: {error.message}")


def _predictor(
    model: str | PathLike[str] | TrainedModel,
    vectors: "Vectors | WordVectors",
    unsure: float | None,
    top: int,
    no_cache: bool,
) -> Predictor | PairPredictor:
    if unsure is not None:
        unsure = number_of(unsure, "unsure")
        if not 0 <= unsure <= 1:
            raise UsageError(f"found {unsure:g}, expected a number from 0 to 1", place="unsure")
    count_of(top, "top", 1)
    trained = model if isinstance(model, TrainedModel) else labeling_model(path_of(model, "model"))
    expect_outcome_of(trained)
    embedder = embedder_of(trained, vectors, Access(cached=not flag_of(no_cache, "no_cache")))
    kind = Predictor if trained.architecture.pair is None else PairPredictor
    return kind(trained, embedder.reader, top=top, unsure=unsure)
