"""The Analyser of task-specific attention: matrices drawn at random, given, or learned."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from attncli.arrays import BoolArray, Float32Array, FloatArray, IntArray
from attncli.attention.float32 import sentence_blocks
from attncli.attention.projections import (
    Projections,
    TaskAttention,
    attend_projected,
    joined_heads,
    projected,
    task_attention,
)
from attncli.attention.word_projections import WordProjections
from attncli.embeddings.protocols import EmbeddingStore
from attncli.errors import (
    AttnError,
    Blank,
    DataError,
    NumericError,
    UsageError,
    field_name,
    setting,
)
from attncli.errors.wording import quoted
from attncli.insight.learned import Learned
from attncli.insight.measures import measured
from attncli.insight.readout import read_out
from attncli.mechanisms.analyser import Analyser, LengthwiseAnalyser
from attncli.mechanisms.finite import finite_sentences
from attncli.models.trained import TrainedModel
from attncli.models.trained_vectors import require_vectors
from attncli.reading.reader import Group, Reader, ReadingSettings, reader_for, vectors_info
from attncli.reading.targets import FirstTargets, target_place
from attncli.results.facts import AttentionSettings, ModelInfo, ResultWarning
from attncli.results.labeled import Labeled, LabelingModel
from attncli.results.stack import Failure, Stack, TokenRun

# What a model says of each sentence, and the warnings of those of which it says nothing.
_Said: TypeAlias = tuple[Sequence[ModelInfo] | None, dict[int, tuple[ResultWarning, ...]]]


def reading_of(model: TrainedModel) -> ReadingSettings:
    """How the model's sentences were read. Raises: DataError when that is not known."""
    told = model.reading
    try:
        return ReadingSettings(tokenizer=told["tokenizer"], oov=told["oov"], seed=int(told["seed"]))
    except (KeyError, TypeError, ValueError, OverflowError, UsageError):
        raise DataError(f"the model {quoted(model.name)} does not say how it reads") from None


@dataclass(frozen=True, slots=True)
class TaskAnalyser(LengthwiseAnalyser):
    """Task-specific attention over the vectors of a store.

    `model` adds the predicted label; `target` names the target token of each sentence (a number or
    a word); without it, it is the first word that was a target in training. `include` names
    optional fields of the results to fill. With `dtype` float64 (the default) all is computed in
    float64; with float32, each distinct word is projected once, and sentences whose weights float32
    gives to 1e-6 are computed in it. `unread` names fields of the record that nobody reads; arrays
    among them are not made where nothing else needs them.
    """

    store: EmbeddingStore
    projections: Projections
    reading: ReadingSettings = field(default_factory=ReadingSettings)
    model: TrainedModel | None = None
    target: str | int | None = None
    include: frozenset[str] = frozenset()
    dtype: type[np.floating[Any]] = np.float64
    unread: frozenset[str] = frozenset()
    _reader: Reader = field(init=False, repr=False, compare=False)
    _words: WordProjections = field(init=False, repr=False, compare=False)
    _columns: int = field(init=False, repr=False, compare=False)
    _longest: int = field(init=False, repr=False, compare=False)
    _targets: FirstTargets = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.projections.d_model != self.store.dim:
            raise DataError(
                f"the matrices take {self.projections.d_model} values a word, "
                f"{quoted(self.store.name)} has {self.store.dim}"
            )
        reader, words = reader_for(self.store, self.reading), WordProjections(self.projections)
        object.__setattr__(self, "_reader", reader)
        object.__setattr__(self, "_words", words)
        trained = () if self.model is None else self.model.targets
        object.__setattr__(self, "_targets", FirstTargets(trained))
        lexicon = reader.lexicon
        object.__setattr__(self, "_columns", lexicon.projection(words.width, words.of_words))
        object.__setattr__(self, "_longest", lexicon.projection(1, words.longest))

    @classmethod
    def of_model(
        cls,
        model: TrainedModel,
        store: EmbeddingStore,
        *,
        target: str | int | None = None,
        include: frozenset[str] = frozenset(),
        max_tokens: int | None = None,
    ) -> "TaskAnalyser":
        """The analyser of a trained model. Raises: DataError when the vectors are others."""
        require_vectors(model, vectors_info(store))
        reading = reading_of(model)
        if max_tokens is not None:
            reading = replace(reading, max_tokens=max_tokens)
        return cls(store, model.projections, reading, model, target, include)

    def quick(self, unread: frozenset[str] = frozenset()) -> Analyser:
        """The same for a batch: float32 where it is exact, without arrays that nobody reads."""
        from attncli.mechanisms.labels import LabelAnalyser, reads_labels_alone

        quick = replace(self, dtype=np.float32, unread=unread)
        if self.model is None or self.include or not reads_labels_alone(self.model, unread):
            return quick
        return LabelAnalyser(quick, self.model, self.projections)

    @property
    def learned(self) -> Learned:
        """Its matrices, and its model."""
        return Learned(self.projections, self.model)

    @property
    def facts(self) -> dict[str, Any]:
        """Digests of matrices that the user wrote down, and of the model."""
        facts: dict[str, Any] = {}
        if self.projections.given:
            from attncli.mechanisms.given import matrices_digest

            facts["matrices"] = matrices_digest(self.projections)
        return facts if self.model is None else facts | {"model": self.model.sha256}

    @property
    def reader(self) -> Reader:
        """What reads the sentences."""
        return self._reader

    def fits_float32(self, rows: IntArray) -> BoolArray:
        """For each sentence, whether float32 may be tried: all is finite. (B, n_tokens) → (B,)."""
        lexicon = self._reader.lexicon
        fits = self._words.surely_fits(lexicon.projected(self._longest), rows)
        if len(unsure := np.flatnonzero(~fits)):
            table = lexicon.projected(self._columns)
            fits[unsure] = self._words.fits(table, rows[unsure])
        return fits

    def stacked(self, texts: Sequence[str], group: Group) -> Iterator[Stack | Failure]:
        """The results of sentences that have the same number of tokens."""
        for chosen, small in self._alike(group.rows):
            yield from self._computed(texts, group.pick(chosen), small)

    def labeled(
        self,
        model: TrainedModel,
        texts: Sequence[str],
        group: Group,
        targets: IntArray,
        likely: FloatArray,
    ) -> Stack:
        """The stack without arrays of sentences whose labels are known.

        Shapes: targets (B,), −1 where there is none; likely (B, n_labels): of each label.
        """
        return self._stack(texts, group, {}, *_labeled(model, targets, likely))

    def _alike(self, rows: IntArray) -> Iterator[tuple[IntArray, bool]]:
        """Which sentences are computed together, and whether float32 is tried."""
        every = np.arange(len(rows))
        small = np.zeros(len(rows), dtype=np.bool_)
        if self.dtype != np.float64:
            small = self.fits_float32(rows)
        heads = self.projections.n_heads
        width = self.store.dim + self._words.width + (heads - 1) * rows.shape[1]
        for part in (every[small], every[~small]):
            for block in sentence_blocks(rows[part], width):
                yield part[block], bool(small[part[0]])

    def _computed(
        self, texts: Sequence[str], group: Group, small: bool
    ) -> Iterator[Stack | Failure]:
        """The stack of sentences that have the same number of tokens."""
        count = len(group.places)
        targets = self.targets(texts, group)
        kept = np.array([not isinstance(item, Failure) for item in targets])  # (B,)
        yield from (item for item in targets if isinstance(item, Failure))
        with np.errstate(over="ignore", invalid="ignore"):
            arrays = self._made(group.rows, small)
            finite = finite_sentences(arrays, count)  # (B,)
        for i in np.flatnonzero(kept & ~finite).tolist():
            message = f"the result for {quoted(texts[group.places[i]])} would not be finite"
            yield Failure(group.places[i], NumericError(message))
        chosen = np.flatnonzero(kept & finite)
        if len(chosen):
            if len(chosen) < count:
                arrays = {name: array[chosen] for name, array in arrays.items()}
            models, about = self._said(arrays["contextual"], [targets[i] for i in chosen])
            stack = self._stack(texts, group.pick(chosen), arrays, models, about)
            yield from measured(stack) if "measures" in self.include else (stack,)

    def _made(self, rows: IntArray, small: bool) -> dict[str, Float32Array]:
        """Weights, new embeddings and what else is asked for, (B, …) each as a result has it."""
        attended = self._attended_float32(rows) if small else self._attended(rows)
        arrays = {
            "weights": attended.weights[:, None],  # (B, 1, n_heads, n_tokens, n_tokens)
            "contextual": attended.contextual,  # (B, n_tokens, n_heads·d_v)
        }
        for name in ("query", "key", "value", "scores"):
            if name in self.include:
                arrays[name] = getattr(attended, name)[:, None]  # (B, 1, n_heads, n_tokens, …)
        if self.include & {"embeddings", "measures"}:
            arrays["embeddings"] = self._vectors(rows)
            arrays["before"] = joined_heads(attended.value, self.projections)
        return {name: array.astype(np.float32, copy=False) for name, array in arrays.items()}

    def _vectors(self, rows: IntArray) -> Float32Array:
        """The embeddings of the tokens, (B, n_tokens, d_model)."""
        vectors: Float32Array = self._reader.lexicon.vectors().take(rows, axis=0)
        return vectors

    def _attended_float32(self, rows: IntArray) -> TaskAttention:
        """The stages in float32; those of sentences that it is not exact enough for in float64."""
        table = self._reader.lexicon.projected(self._columns)
        found, exact = self._words.attended(table, rows)
        if not exact.all():
            again = self._attended(rows[~exact])
            found.contextual[~exact], found.weights[~exact] = again.contextual, again.weights
        return found

    def _attended(self, rows: IntArray) -> TaskAttention:
        """The stages in float64; without positions in the embeddings each word is projected once."""
        layer, vectors = self.projections, self._vectors(rows).astype(np.float64)
        if layer.positions in ("sinusoidal", "learned"):
            return task_attention(vectors, layer)
        distinct, where = np.unique(rows, return_inverse=True)
        where = where.reshape(rows.shape)  # (B, n_tokens)
        words = self._reader.lexicon.vectors()[distinct].astype(np.float64)  # (words, d_model)
        parts = [
            part[:, :, 0][where].swapaxes(1, 2)  # (B, n_heads, n_tokens, d)
            for part in projected(words[:, None, :], layer)
        ]
        return attend_projected(parts[0], parts[1], parts[2], layer)

    def _stack(
        self,
        texts: Sequence[str],
        group: Group,
        arrays: dict[str, Float32Array],
        models: Sequence[ModelInfo] | None,
        about: dict[int, tuple[ResultWarning, ...]],
    ) -> Stack:
        layer = self.projections
        return Stack(
            places=group.places,
            texts=[texts[place] for place in group.places],
            tokens=group.runs,
            weights=arrays.pop("weights", None),
            contextual=arrays.pop("contextual", None),
            attention=AttentionSettings(
                kind="task",
                score=layer.score,
                scale=layer.scale,
                temperature=layer.temperature,
                causal=layer.causal,
                window=layer.window,
                n_heads=layer.n_heads,
                positions=layer.positions,
            ),
            vectors=vectors_info(self.store),
            models=models,
            warnings=self._warnings(texts, group, about),
            extras=arrays,
        )

    def _warnings(
        self, texts: Sequence[str], group: Group, about: dict[int, tuple[ResultWarning, ...]]
    ) -> dict[int, tuple[ResultWarning, ...]]:
        """The warnings of those sentences that have any; `about` are those of what a model says."""
        warnings = dict(about)
        for i, words in self._reader.warned(texts, group).items():
            warnings[i] = words + warnings.get(i, ())
        return warnings

    def targets(self, texts: Sequence[str], group: Group) -> list[int | Failure | None]:
        """Each sentence's target, 0 where the whole is read, None without one."""
        model = self.model
        if model is None or not model.architecture.labels_sentences:
            return [None] * len(group.places)
        if model.architecture.readout == "target" and self.target is None:
            return [None if at < 0 else at for at in self._targets.places(group.runs).tolist()]
        targets: list[int | Failure | None] = []
        for place, run in zip(group.places, group.runs, strict=True):
            try:
                targets.append(self._target(model, self.target, run, texts[place]))
            except AttnError as error:
                targets.append(Failure(place, error))
        return targets

    def _said(self, contextual: FloatArray, targets: Sequence[int | Failure | None]) -> _Said:
        """What the model says of each sentence, and of whom it says nothing.

        Shapes: contextual (B, n_tokens, n_heads·d_v).
        """
        model, layer, count = self.model, self.projections, len(targets)
        if model is None:
            if layer.given:
                return [ModelInfo.given(layer.given)] * count, {}
            return None if layer.seed is None else [ModelInfo.untrained(layer.seed)] * count, {}
        if not model.architecture.labels_sentences:
            return [ModelInfo(model.name, model.sha256 or None)] * count, {}
        places = np.array([at if isinstance(at, int) else -1 for at in targets], dtype=np.intp)
        likely = np.zeros((count, len(model.labels)))
        asked = np.flatnonzero(places >= 0)
        read = read_out(model.parameters, model.architecture, contextual[asked], places[asked])
        likely[asked] = read.mean
        return _labeled(model, places, likely)

    def _target(
        self, model: TrainedModel, target: str | int | None, run: TokenRun, text: str
    ) -> int:
        """The token that is read, 0 where the whole is. Raises: UsageError."""
        if model.architecture.readout != "target":
            if target is not None:
                raise UsageError(
                    f"{quoted(model.name)} reads whole sentences, it has no target",
                    place=field_name("target"),
                )
            return 0
        try:
            return target_place(run.tokens(), target, quoted(text))
        except DataError as fault:
            raise UsageError(
                f"{fault.message} {quoted(text)}", place=field_name("target")
            ) from None


def _labeled(model: TrainedModel, targets: IntArray, likely: FloatArray) -> _Said:
    """What a model says where its labels are so likely, and that it says nothing without a target.

    Shapes: targets (B,), −1 where there is none; likely (B, n_labels).
    """
    message = f"no label: the sentence has no word that {model.name} was trained on"
    warning = ResultWarning("no-target", f"{message}; {setting(target=Blank('WORD'))}")
    missing = np.flatnonzero(targets < 0).tolist()
    about: dict[int, tuple[ResultWarning, ...]] = dict.fromkeys(missing, (warning,))
    by_target = model.architecture.readout == "target"
    said = LabelingModel(model.name, model.sha256 or None, tuple(model.labels), by_target)
    return Labeled(said, targets, likely), about
