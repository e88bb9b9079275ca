"""General attention: sentences → results, where queries, keys and values are the embeddings.

An Analyser is the seam of the program: explain, compare and batch call it and know nothing of what
is behind it. It computes many sentences at once, stacked by length, because one at a time is slow.
"""

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, get_args

import numpy as np

from attncli.arrays import BoolArray, Float32Array, FloatArray, IntArray
from attncli.attention.by_rows import MOST_ROWS, is_long
from attncli.attention.by_words import distinct_words
from attncli.attention.core import attend, attention_scores
from attncli.attention.float32 import exact_in_float32, sentence_blocks, small_weights
from attncli.attention.general import matching_rows, score_scale, unit_rows
from attncli.attention.masks import attention_mask
from attncli.attention.products import product
from attncli.checks.arguments import count_of, flag_of, number_of
from attncli.embeddings.protocols import EmbeddingStore
from attncli.errors import AttnError
from attncli.insight.degenerate import Degenerate, degenerate_in
from attncli.mechanisms.analyser import LengthwiseAnalyser
from attncli.mechanisms.finite import failures, finite_sentences
from attncli.mechanisms.long_text import Asked, LongText, text_by_rows, text_by_words
from attncli.mechanisms.temperatures import solved_temperature, way_out
from attncli.mechanisms.weight_warnings import weight_warnings
from attncli.reading.reader import (
    Group,
    Reader,
    ReadingSettings,
    expect,
    one_of,
    reader_for,
    vectors_info,
)
from attncli.results.facts import AttentionSettings, ResultWarning
from attncli.results.fields import DEFAULT_FIELDS, ON_REQUEST, STAGE_FIELDS
from attncli.results.stack import Failure, Stack
from attncli.settings import TEMPERATURE, MechanismSettings, Score
from attncli.settings.frozen import dataclass, replace

_WHOLE = MechanismSettings()
_SURELY_FINITE = 1e300  # scores below it, and what is made of them
_FEW_WORDS = 4096  # distinct words of a long text, so many in float64 even where float32 is exact


@dataclass(frozen=True, slots=True)
class GeneralSettings:
    """How general attention weighs; `target_self` solves for the temperature of each sentence."""

    score: Score = _WHOLE.score
    temperature: float = TEMPERATURE
    target_self: float | None = _WHOLE.target_self
    causal: bool = _WHOLE.causal
    window: int | None = _WHOLE.window
    see_self: bool = _WHOLE.see_self

    def __post_init__(self) -> None:
        one_of("score", self.score, get_args(Score))
        number_of(self.temperature, "temperature", "a number of more than 0")
        if self.target_self is not None:
            number_of(self.target_self, "target_self", "a number between 0 and 1")
        if self.window is not None:
            count_of(self.window, "window")
        flag_of(self.causal, "causal")
        flag_of(self.see_self, "see_self")
        expect(0 < self.temperature < math.inf, "temperature", self.temperature, "more than 0")
        wanted = self.target_self
        expect(wanted is None or 0 < wanted < 1, "target_self", wanted, "between 0 and 1")


@dataclasses.dataclass(frozen=True, slots=True)
class GeneralAnalyser(LengthwiseAnalyser):
    """General attention over the vectors of a store.

    `include` names optional fields of the results to fill. With `dtype` float64 (the default) all
    is computed in float64; with float32, sentences whose weights float32 gives to 1e-6 are computed
    in it. `advise` adds to a warning about a degenerate matrix an option that helps. `unread` names
    fields of the record that nobody reads; those that cost time are not made where nothing else
    needs them.
    """

    store: EmbeddingStore
    reading: ReadingSettings = field(default_factory=ReadingSettings)
    settings: GeneralSettings = field(default_factory=GeneralSettings)
    include: frozenset[str] = frozenset()
    dtype: type[np.floating[Any]] = np.float64
    advise: bool = True
    unread: frozenset[str] = frozenset()
    _reader: Reader = field(init=False, repr=False, compare=False)
    _moderate: int = field(init=False, repr=False, compare=False)
    _units: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in self.include:
            one_of("include", name, (*ON_REQUEST, *DEFAULT_FIELDS))
        reader = reader_for(self.store, self.reading)
        reader.rows_held = None if self._holds_squares else MOST_ROWS
        object.__setattr__(self, "_reader", reader)
        object.__setattr__(self, "_moderate", reader.lexicon.projection(1, self._is_moderate))
        object.__setattr__(self, "_units", reader.lexicon.projection(self.store.dim, unit_rows))

    def quick(self, unread: frozenset[str] = frozenset()) -> "GeneralAnalyser":
        """The same for a batch: float32 where it is exact, no advice, no arrays that nobody reads."""
        return replace(self, dtype=np.float32, advise=False, unread=unread)

    def lean(self, unread: frozenset[str]) -> "GeneralAnalyser":
        """The same numbers without arrays of long texts that nobody reads."""
        return replace(self, unread=self.unread | unread)

    def _alike(self, rows: IntArray) -> Iterator[tuple[IntArray, bool]]:
        """Which sentences are computed together, and whether their scores are small."""
        every = np.arange(len(rows))
        small = np.zeros(len(rows), dtype=np.bool_)
        if self.settings.target_self is not None:
            parts = [every[i : i + 1] for i in every]
        elif self.dtype == np.float64:
            parts = [every]
        else:
            small = self._fits_float32(rows)
            parts = [every] if small.all() else [every[small], every[~small]]
        for part in parts:
            if len(part):
                for block in sentence_blocks(rows[part], 2 * self.store.dim):
                    yield part[block], bool(small[part[0]])

    def _is_moderate(self, vectors: Float32Array) -> FloatArray:
        """1 for each vector that float32 is exact enough for, else 0. (n, dim) → (n, 1).

        Where nothing is weighed, all are whose numbers would be finite: nobody reads them.
        """
        largest = score_scale(self.settings.score, self.store.dim) / self.settings.temperature
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is not moderate
            squares = np.square(vectors).sum(axis=1, keepdims=True).astype(np.float64)
            bounds = squares * largest
            if self.settings.score == "cosine":
                bounds = np.full_like(squares, largest)
            fits = exact_in_float32(bounds, self.store.dim)
            if self._weighs_nothing:
                fits |= np.maximum(squares, 1.0) * largest < _SURELY_FINITE
        return fits.astype(np.float32)

    def _fits_float32(self, rows: IntArray) -> BoolArray:
        """For each sentence, whether all its vectors are moderate. Shapes: (B, n_tokens) → (B,)."""
        moderate = self._reader.lexicon.projected(self._moderate)[:, 0]
        fits: BoolArray = moderate.take(rows).min(axis=1) > 0
        return fits

    def _computed(
        self, texts: Sequence[str], group: Group, small: bool
    ) -> Iterator[Stack | Failure]:
        """The stack of sentences that have the same number of tokens."""
        if is_long(group.rows.shape[1]) and not (small and self._weighs_nothing):
            return self._of_long(texts, group, small)
        if small:
            return self._in_float32(texts, group)
        return self._in_float64(texts, group)

    def _in_float32(self, texts: Sequence[str], group: Group) -> Iterator[Stack]:
        """The stack of sentences whose vectors are moderate: all is finite, what nobody reads not made."""
        temperature, lexicon = self.settings.temperature, self._reader.lexicon
        embeddings: Float32Array | None = None
        weights: FloatArray | None = None
        contextual: FloatArray | None = None
        if self._weighs or self.include & {"measures", *STAGE_FIELDS}:
            embeddings = lexicon.vectors().take(group.rows, axis=0)  # (B, n_tokens, d_model)
        if self._weighs and embeddings is not None:
            matching = embeddings
            if self.settings.score == "cosine":
                matching = lexicon.projected(self._units).take(group.rows, axis=0)
            scale = score_scale(self.settings.score, self.store.dim) / temperature
            mask = self._mask(group.rows.shape[1])
            weights = small_weights(matching, matching, scale=scale, mask=mask)
            if "contextual" not in self.unread or "measures" in self.include:
                contextual = product(weights, embeddings)
        yield from self._stacked(texts, group, embeddings, contextual, weights, temperature)

    def _of_long(
        self, texts: Sequence[str], group: Group, small: bool
    ) -> Iterator[Stack | Failure]:
        """The stack of one long text; weights are made only to be read."""
        mask = self._mask(group.rows.shape[1])
        embeddings: Float32Array | None = None
        if mask is not None or self.settings.target_self is not None or self._has_extras:
            embeddings = self._reader.lexicon.vectors().take(group.rows, axis=0)
        with np.errstate(over="ignore", invalid="ignore"):
            try:
                temperature = self._temperature(texts, group, embeddings, mask)
            except AttnError as error:
                yield Failure(group.places[0], error)
                return
            if mask is None or embeddings is None:
                attended = self._by_words(group.rows[0], temperature)
            else:
                attended = self._by_rows(embeddings, temperature, mask, small=small)
            checked = {"weights": attended.weights, "new embeddings": attended.contextual}
            if "scores" in self.include and embeddings is not None:
                checked["scores"] = self._scores(embeddings, temperature)
        held = {name: array for name, array in checked.items() if array is not None}
        if not held and not attended.is_finite:
            held = {"weights": np.full((1, 1), np.nan, dtype=np.float32)}
        finite = finite_sentences(held, 1)
        yield from failures(texts, group, held, finite)
        if finite.all():
            yield from self._stacked(
                texts,
                group,
                embeddings,
                attended.contextual,
                attended.weights,
                temperature,
                attended.kinds,
            )

    def _by_words(self, rows: IntArray, temperature: float) -> LongText:
        """A long text whose tokens all see each other. Shapes: rows (n_tokens,)."""
        options, lexicon = self.settings, self._reader.lexicon
        small: FloatArray | None = None
        if self.dtype != np.float64 and options.target_self is None and not self._weighs_nothing:
            small = lexicon.projected(self._moderate)[:, 0]
        words = distinct_words(rows, small)
        if len(words.rows) <= _FEW_WORDS:
            words = distinct_words(rows)
        vectors = lexicon.vectors().take(words.rows, axis=0)  # (n_words, d_model)
        matching: FloatArray = vectors
        if options.score == "cosine":
            matching = matching_rows(vectors.astype(np.float64), options.score)
        scale = score_scale(options.score, self.store.dim) / temperature
        return text_by_words(matching, vectors, words, scale=scale, asked=self._asked)

    def _by_rows(
        self, embeddings: Float32Array, temperature: float, mask: BoolArray | None, *, small: bool
    ) -> LongText:
        """Any long text. Shapes: embeddings (1, n_tokens, d_model), mask (n_tokens, n_tokens)."""
        value: FloatArray = embeddings if small else embeddings.astype(np.float64)
        matching = matching_rows(value, self.settings.score)
        scale = score_scale(self.settings.score, self.store.dim) / temperature
        return text_by_rows(matching, value, scale=scale, mask=mask, small=small, asked=self._asked)

    @property
    def _asked(self) -> Asked:
        """What is read of a long text."""
        unread, measured = self.unread, "measures" in self.include
        return Asked(
            "contextual" not in unread or measured, self._keeps_weights, "warnings" not in unread
        )

    @property
    def _has_extras(self) -> bool:
        """Whether optional fields are asked for, which are made of the embeddings."""
        return bool(self.include & {"embeddings", "measures", *STAGE_FIELDS, "scores"})

    @property
    def _holds_squares(self) -> bool:
        """Whether weights, scores or a mask of a long sentence are there as a whole."""
        options = self.settings
        scored = "scores" in self.include or options.target_self is not None
        masked = options.causal or options.window is not None or not options.see_self
        return self._keeps_weights or scored or masked

    @property
    def _keeps_weights(self) -> bool:
        """Whether the weights of a long sentence are read, so that they stay."""
        return "weights" not in self.unread or "measures" in self.include

    @property
    def _weighs(self) -> bool:
        """Whether weights are read, or what is made of them: some warnings are."""
        made_of_them = {"weights", "contextual", "warnings"}
        return bool(made_of_them - self.unread) or "measures" in self.include

    @property
    def _weighs_nothing(self) -> bool:
        """Whether no number is read that may not be finite."""
        return not self._weighs and "scores" not in self.include

    def _mask(self, n_tokens: int) -> BoolArray | None:
        """What a sentence may see, (n_tokens, n_tokens)."""
        options = self.settings
        return attention_mask(
            n_tokens, causal=options.causal, window=options.window, see_self=options.see_self
        )

    def _in_float64(self, texts: Sequence[str], group: Group) -> Iterator[Stack | Failure]:
        """The stack of any sentences, without those whose numbers are not finite."""
        options, rows = self.settings, group.rows
        mask = self._mask(rows.shape[1])
        embeddings = self._reader.lexicon.vectors().take(rows, axis=0)  # (B, n_tokens, d_model)
        scale = score_scale(options.score, self.store.dim)
        with np.errstate(over="ignore", invalid="ignore"):
            try:
                temperature = self._temperature(texts, group, embeddings, mask)
            except AttnError as error:
                yield Failure(group.places[0], error)
                return
            wide = embeddings.astype(np.float64)
            matching = matching_rows(wide, options.score)
            new, weighed = attend(matching, matching, wide, scale=scale / temperature, mask=mask)
            weights = weighed.astype(np.float32, copy=False)  # (B, n_tokens, n_tokens)
            contextual = new.astype(np.float32, copy=False)  # (B, n_tokens, d_model)
            checked = {"weights": weights, "new embeddings": contextual}
            if "scores" in self.include:
                checked["scores"] = self._scores(embeddings, temperature)
        finite = finite_sentences(checked, len(rows))
        yield from failures(texts, group, checked, finite)
        if not finite.all():
            kept = np.flatnonzero(finite)
            group = group.pick(kept)
            embeddings, contextual, weights = embeddings[kept], contextual[kept], weights[kept]
        if group.places:
            yield from self._stacked(texts, group, embeddings, contextual, weights, temperature)

    def _temperature(
        self,
        texts: Sequence[str],
        group: Group,
        embeddings: Float32Array | None,
        mask: BoolArray | None,
    ) -> float:
        """The temperature of one sentence, or of all. Raises: UsageError where none does as asked."""
        options = self.settings
        if options.target_self is None or embeddings is None:
            return options.temperature
        text = texts[group.places[0]]
        return solved_temperature(embeddings[0], options.score, options.target_self, mask, text)

    def _stacked(
        self,
        texts: Sequence[str],
        group: Group,
        embeddings: Float32Array | None,
        contextual: Float32Array | None,
        weights: Float32Array | None,
        temperature: float,
        kinds: Mapping[int, Degenerate] | None = None,
    ) -> Iterator[Stack]:
        """The stack; `kinds` says how weights are degenerate, None where that is not known."""
        stack = Stack(
            places=group.places,
            texts=[texts[place] for place in group.places],
            tokens=group.runs,
            weights=None if weights is None else weights[:, None, None],  # (B, 1, 1, n, n)
            contextual=contextual,  # (B, n_tokens, d_model)
            attention=self._described(temperature),
            vectors=vectors_info(self.store),
            warnings=self._warnings(texts, group, embeddings, weights, kinds),
            extras={} if embeddings is None else self._extras(embeddings, temperature),
        )
        if "measures" not in self.include:
            yield stack
            return
        from attncli.insight.measures import measured

        yield from measured(stack)

    def _described(self, temperature: float) -> AttentionSettings:
        options = self.settings
        return AttentionSettings(
            kind="general",
            score=options.score,
            scale=score_scale(options.score, self.store.dim),
            temperature=temperature,
            causal=options.causal,
            window=options.window,
            see_self=options.see_self,
        )

    def _extras(self, embeddings: Float32Array, temperature: float) -> dict[str, Float32Array]:
        arrays: dict[str, Float32Array] = {}
        if self.include & {"embeddings", "measures"}:
            arrays["embeddings"] = embeddings
        if not self.include & {"query", "key", "value", "scores"}:
            return arrays
        score = self.settings.score
        rows = matching_rows(embeddings.astype(np.float64), score)  # (B, n_tokens, d_model)
        for name, array in (("query", rows), ("key", rows), ("value", embeddings)):
            if name in self.include:
                arrays[name] = array[:, None, None].astype(np.float32, copy=False)
        if "scores" in self.include:
            arrays["scores"] = self._scores(embeddings, temperature)[:, None, None]
        return arrays

    def _scores(self, embeddings: Float32Array, temperature: float) -> Float32Array:
        """The scores as the softmax sees them, (B, n_tokens, n_tokens)."""
        rows = matching_rows(embeddings.astype(np.float64), self.settings.score)
        scale = score_scale(self.settings.score, self.store.dim) / temperature
        return attention_scores(rows, rows, scale=scale).astype(np.float32)

    def _warnings(
        self,
        texts: Sequence[str],
        group: Group,
        embeddings: Float32Array | None,
        weights: FloatArray | None,
        kinds: Mapping[int, Degenerate] | None,
    ) -> dict[int, tuple[ResultWarning, ...]]:
        """The warnings of those sentences that have any."""
        if "warnings" in self.unread:
            return {}
        mask = self._mask(group.rows.shape[1])
        if kinds is None:
            kinds = {} if weights is None else degenerate_in(weights, mask)

        def hint(i: int) -> str:
            if not self.advise or not self.settings.see_self or embeddings is None:
                return ""
            return way_out(embeddings[i], self.settings.score, mask)

        warned = dict(self._reader.warned(texts, group))
        for i, warnings in weight_warnings(len(group.places), mask, kinds, hint).items():
            warned[i] = (*warned.get(i, ()), *warnings)
        return {i: warnings for i, warnings in warned.items() if warnings}
