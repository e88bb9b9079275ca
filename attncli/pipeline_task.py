"""Task-specific attention joined to the rooms: rows → examples to learn from, texts → results."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from attncli.arrays import FloatArray, IntArray
from attncli.attention.projections import Projections, TaskAttention, task_attention
from attncli.embeddings.store import EmbeddingStore
from attncli.errors import AttnError, DataError, NumericError, UsageError
from attncli.escape import quoted
from attncli.insight.measures import measures
from attncli.learning.batches import Examples
from attncli.learning.checkpoint import TrainedModel
from attncli.learning.datasets import Row
from attncli.learning.trainer import predict
from attncli.pipeline import Reading, ReadingSettings, read, vectors_info
from attncli.result import (
    AttentionResult,
    AttentionSettings,
    ModelInfo,
    ResultWarning,
    Token,
)

Reader = Callable[[str], Reading]
_STACK_FLOATS = 1 << 18  # numbers of a stack's weights in work at once
_MANY_TARGETS = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Rows as arrays: the examples, the names of the labels, and the words that were targets."""

    examples: Examples
    labels: tuple[str, ...]
    targets: tuple[str, ...]


def prepare(
    rows: Sequence[Row], reader: Reader, *, labels: Sequence[str] | None = None
) -> Prepared:
    """The rows as arrays; each distinct vector is held once.

    `labels` are those of a trained model; without them, they are the sorted labels of the rows.
    Raises: DataError at the first row that lacks a label or target that others have, has a target
    or weights that do not fit its sentence, or has a label the model does not know.
    """
    needs_weights = _all_or_none(rows, "weights")
    needs_target = _all_or_none(rows, "target")
    table = _Table()
    targets: list[int] = []
    weights: list[FloatArray] = []
    words: Counter[str] = Counter()
    row_index: list[IntArray] = []
    for row in rows:
        reading = _read_row(row, reader)
        row_index.append(table.rows(reading.embeddings))
        if needs_target:
            place = target_place(reading.tokens, row.target, row.place)
            targets.append(place)
            words[reading.tokens[place].key] += 1
        if row.weights is not None:
            weights.append(_fitting(row.weights, reading, row.place))
    found: tuple[str, ...] = ()
    numbers: IntArray | None = None
    if not needs_weights:
        found, numbers = _numbered(rows, labels)
    return Prepared(
        Examples(
            table.matrix(),
            row_index,
            np.array(targets, dtype=np.intp) if needs_target else None,
            numbers,
            weights if needs_weights else None,
        ),
        found,
        tuple(word for word, _ in words.most_common(_MANY_TARGETS)),
    )


def target_place(tokens: Sequence[Token], target: str | int | None, place: str) -> int:
    """The number of the target token: a number as given, or where the word first stands.

    Raises: DataError when there is no such token.
    """
    if isinstance(target, int):
        if not 0 <= target < len(tokens):
            raise DataError(
                f"found the target {target}, expected a token from 0 to {len(tokens) - 1}",
                place=place,
            )
        return target
    wanted = (target or "").casefold()
    for test in (lambda t: t.text == target, lambda t: wanted in (t.text.casefold(), t.key)):
        for number, token in enumerate(tokens):
            if test(token):
                return number
    raise DataError(f"the target {quoted(target or '')} is no word of the sentence", place=place)


def reading_of(model: TrainedModel) -> ReadingSettings:
    """How the model's sentences were read. Raises: DataError when that is no such settings."""
    told = model.reading
    try:
        settings = ReadingSettings(
            tokenizer=told["tokenizer"], oov=told["oov"], seed=int(told["seed"])
        )
    except (KeyError, TypeError, ValueError):
        raise DataError(f"the model {quoted(model.name)} does not say how it reads") from None
    if settings.tokenizer not in ("words", "whitespace", "chars") or settings.oov not in (
        "random",
        "zero",
        "mean",
        "error",
    ):
        raise DataError(f"the model {quoted(model.name)} reads in a way that is not known here")
    return settings


@dataclass(frozen=True, slots=True)
class TaskAnalyser:
    """Task-specific attention over the vectors of a store, with random or learned matrices.

    `model` adds the predicted label; `target` names the target token of each sentence (a number or
    a word); without it, it is the first word that was a target in training.
    """

    store: EmbeddingStore
    projections: Projections
    reading: ReadingSettings = field(default_factory=ReadingSettings)
    model: TrainedModel | None = None
    target: str | int | None = None
    include: frozenset[str] = frozenset()

    def __call__(self, texts: Sequence[str]) -> Iterator[AttentionResult]:
        for outcome in self.outcomes(texts):
            if isinstance(outcome, AttnError):
                raise outcome
            yield outcome

    def outcomes(self, texts: Sequence[str]) -> Iterator[AttentionResult | AttnError]:
        outcomes: list[AttentionResult | AttnError | None] = [None] * len(texts)
        by_length: dict[int, list[tuple[int, Reading]]] = defaultdict(list)
        for index, text in enumerate(texts):
            try:
                reading = read(text, self.store, self.reading)
                by_length[len(reading.tokens)].append((index, reading))
            except AttnError as error:
                outcomes[index] = error
        for n_tokens, group in by_length.items():
            size = max(1, _STACK_FLOATS // (n_tokens**2 * self.projections.n_heads))
            for start in range(0, len(group), size):
                stack = group[start : start + size]
                computed = self._computed([reading for _, reading in stack])
                for (index, _), found in zip(stack, computed, strict=True):
                    outcomes[index] = found
        for index, outcome in enumerate(outcomes):
            if isinstance(outcome, AttentionResult):
                yield replace(outcome, index=index)
            elif outcome is not None:
                yield outcome

    def _computed(self, readings: list[Reading]) -> list[AttentionResult | AttnError]:
        """The outcomes of sentences that have the same number of tokens."""
        vectors = np.stack([r.embeddings for r in readings]).astype(np.float64)  # (B, n, d_model)
        with np.errstate(over="ignore", invalid="ignore"):
            found = task_attention(vectors, self.projections)
        said: list[tuple[ModelInfo | None, tuple[ResultWarning, ...]]] = [
            (None, ()) for _ in readings
        ]
        if self.model is not None:
            said = self._predicted(self.model, readings)
        return [self._result(reading, found, i, *said[i]) for i, reading in enumerate(readings)]

    def _result(
        self,
        reading: Reading,
        found: TaskAttention,
        i: int,
        model: ModelInfo | None,
        warnings: tuple[ResultWarning, ...],
    ) -> AttentionResult | AttnError:
        parts: dict[str, FloatArray] = {"weights": found.weights[i], "scores": found.scores[i]}
        if not all(np.isfinite(part.astype(np.float32)).all() for part in parts.values()):
            return NumericError(f"the result for {quoted(reading.text)} would not be finite")
        layer = self.projections
        result = AttentionResult(
            text=reading.text,
            tokens=reading.tokens,
            attention=AttentionSettings(
                kind="task",
                score="scaled",
                scale=1.0 / layer.d_k**0.5,
                causal=layer.causal,
                window=layer.window,
                n_heads=layer.n_heads,
                positions=layer.positions,
            ),
            weights=found.weights[i][None],  # (1, n_heads, n_tokens, n_tokens)
            contextual=found.contextual[i],  # (n_tokens, n_heads·d_v)
            vectors=vectors_info(self.store),
            model=model,
            warnings=reading.warnings + warnings,
        )
        added: dict[str, Any] = {}
        if self.include & {"embeddings", "measures"}:
            added["embeddings"] = reading.embeddings
        for name in ("query", "key", "value", "scores"):
            if name in self.include:
                added[name] = getattr(found, name)[i][None]
        result = replace(result, **added) if added else result
        return replace(result, measures=measures(result)) if "measures" in self.include else result

    def _predicted(
        self, model: TrainedModel, readings: list[Reading]
    ) -> list[tuple[ModelInfo | None, tuple[ResultWarning, ...]]]:
        """What the model says of each sentence, and a warning where it has no target."""
        plain = ModelInfo(model.name, model.sha256 or None)
        if model.architecture.readout == "weights":
            return [(plain, ()) for _ in readings]
        places = [self._place(model, reading) for reading in readings]
        known = [i for i, place in enumerate(places) if place is not None]
        missing = ResultWarning(
            "no-target",
            f"no word that {model.name} was trained on: no label; name it with --target",
        )
        said: list[tuple[ModelInfo | None, tuple[ResultWarning, ...]]] = [
            (plain, (missing,)) for _ in readings
        ]
        if known:
            for i, row in zip(
                known, self._probabilities(model, readings, places, known), strict=True
            ):
                said[i] = (_told(model, row), ())
        return said

    def _probabilities(
        self,
        model: TrainedModel,
        readings: list[Reading],
        places: list[int | None],
        known: list[int],
    ) -> FloatArray:
        table = _Table()
        rows = [table.rows(readings[i].embeddings) for i in known]
        targets = None
        if model.architecture.readout == "target":
            targets = np.array([places[i] for i in known], dtype=np.intp)
        return predict(
            model.parameters, model.architecture, Examples(table.matrix(), rows, targets)
        )

    def _place(self, model: TrainedModel, reading: Reading) -> int | None:
        if model.architecture.readout != "target":
            if self.target is not None:
                raise UsageError(
                    f"{quoted(model.name)} reads whole sentences, it has no target",
                    place="--target",
                )
            return 0
        if self.target is not None:
            return target_place(reading.tokens, self.target, "--target")
        trained = set(model.targets)
        for place, token in enumerate(reading.tokens):
            if token.key in trained:
                return place
        return None


class _Table:
    """Distinct vectors, each once, in the order they are met."""

    def __init__(self) -> None:
        self._row_of: dict[bytes, int] = {}
        self._vectors: list[FloatArray] = []

    def rows(self, vectors: FloatArray) -> IntArray:
        """The rows of these vectors (n, d_model)."""
        found = np.empty(len(vectors), dtype=np.intp)
        for i, vector in enumerate(np.ascontiguousarray(vectors, dtype=np.float32)):
            name = vector.tobytes()
            row = self._row_of.get(name)
            if row is None:
                row = self._row_of[name] = len(self._vectors)
                self._vectors.append(vector)
            found[i] = row
        return found

    def matrix(self) -> FloatArray:
        """All vectors (n_rows, d_model), float32."""
        return np.stack(self._vectors)


def _told(model: TrainedModel, row: FloatArray) -> ModelInfo:
    named = {label: float(p) for label, p in zip(model.labels, row, strict=True)}
    best = model.labels[int(row.argmax())]
    return ModelInfo(model.name, model.sha256 or None, best, named)


def _all_or_none(rows: Sequence[Row], name: str) -> bool:
    """Whether the rows have this. Raises: DataError when some have it and others do not."""
    having = [row for row in rows if getattr(row, name) is not None]
    if having and len(having) < len(rows):
        lacking = next(row for row in rows if getattr(row, name) is None)
        raise DataError(f"found no {name}, but {having[0].place} has one", place=lacking.place)
    return bool(having)


def _read_row(row: Row, reader: Reader) -> Reading:
    try:
        return reader(row.text)
    except AttnError as error:
        error.place = row.place
        raise


def _fitting(weights: FloatArray, reading: Reading, place: str) -> FloatArray:
    if len(weights) != len(reading.tokens):
        raise DataError(
            f"found {len(weights)} rows of weights for the {len(reading.tokens)} tokens "
            f"{' '.join(quoted(t.text) for t in reading.tokens[:6])}",
            place=place,
        )
    return weights


def _numbered(
    rows: Sequence[Row], labels: Sequence[str] | None
) -> tuple[tuple[str, ...], IntArray]:
    for row in rows:
        if row.label is None:
            raise DataError("found no label, expected one", place=row.place)
    names = tuple(labels or sorted({str(row.label) for row in rows}))
    number = {name: i for i, name in enumerate(names)}
    for row in rows:
        if row.label not in number:
            known = ", ".join(quoted(name) for name in names[:5])
            raise DataError(
                f"the label {quoted(str(row.label))} is not one the model knows: {known}",
                place=row.place,
            )
    return names, np.array([number[str(row.label)] for row in rows], dtype=np.intp)
