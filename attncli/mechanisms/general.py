"""General attention: sentences → results, where queries, keys and values are the embeddings.

An Analyser is the seam of the program: explain, compare and batch call it and know nothing of what
is behind it. It computes many sentences at once, stacked by length, because one at a time is slow.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, get_args

import numpy as np

from attncli.arrays import BoolArray, Float32Array, FloatArray, IntArray
from attncli.attention.by_rows import MOST_ROWS, attend_long, is_long
from attncli.attention.core import attend, attention_scores, masked, softmax
from attncli.attention.float32 import exact_in_float32, sentence_blocks, small_weights
from attncli.attention.general import matching_rows, score_scale, unit_rows
from attncli.attention.masks import attention_mask
from attncli.attention.products import product
from attncli.checks.arguments import count_of, flag_of, number_of
from attncli.embeddings.protocols import EmbeddingStore
from attncli.errors import AttnError, NumericError, UsageError, field_name, setting
from attncli.errors.wording import quoted
from attncli.insight.degenerate import Degenerate, RowsSeen, degenerate, degenerate_in
from attncli.mechanisms.analyser import LengthwiseAnalyser
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

_WHOLE = MechanismSettings()
_HINT_UP_TO = 128  # tokens: a way out of a degenerate matrix is sought for shorter sentences only


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


@dataclass(frozen=True, slots=True)
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
        """1 for each vector that float32 is exact enough for, else 0. (n, dim) → (n, 1)."""
        largest = score_scale(self.settings.score, self.store.dim) / self.settings.temperature
        if self.settings.score == "cosine":
            bounds = np.full((len(vectors), 1), largest)
        else:
            bounds = np.square(vectors).sum(axis=1, keepdims=True).astype(np.float64) * largest
        return exact_in_float32(bounds, self.store.dim).astype(np.float32)

    def _fits_float32(self, rows: IntArray) -> BoolArray:
        """For each sentence, whether float32 is exact enough. Shapes: (B, n_tokens) → (B,)."""
        moderate = self._reader.lexicon.projected(self._moderate)[:, 0]
        fits: BoolArray = moderate.take(rows).min(axis=1) > 0
        return fits

    def _computed(
        self, texts: Sequence[str], group: Group, small: bool
    ) -> Iterator[Stack | Failure]:
        """The stack of sentences that have the same number of tokens."""
        if small:
            return self._in_float32(texts, group)
        return self._in_float64(texts, group)

    def _in_float32(self, texts: Sequence[str], group: Group) -> Iterator[Stack]:
        """The stack of sentences whose vectors are moderate: all is finite, what nobody reads not made."""
        temperature, lexicon = self.settings.temperature, self._reader.lexicon
        embeddings: Float32Array | None = None
        weights: FloatArray | None = None
        contextual: FloatArray | None = None
        kinds: dict[int, Degenerate] | None = None
        if self._weighs or self.include & {"measures", *STAGE_FIELDS}:
            embeddings = lexicon.vectors().take(group.rows, axis=0)  # (B, n_tokens, d_model)
        if self._weighs and embeddings is not None:
            matching = embeddings
            if self.settings.score == "cosine":
                matching = lexicon.projected(self._units).take(group.rows, axis=0)
            scale = score_scale(self.settings.score, self.store.dim) / temperature
            mask = self._mask(group.rows.shape[1])
            if is_long(group.rows.shape[1]):
                contextual, weights, kinds = self._by_rows(
                    matching, embeddings, scale, mask, small=True
                )
            else:
                weights = small_weights(matching, matching, scale=scale, mask=mask)
                if "contextual" not in self.unread or "measures" in self.include:
                    contextual = product(weights, embeddings)
        yield from self._stacked(texts, group, embeddings, contextual, weights, temperature, kinds)

    def _by_rows(
        self,
        matching: FloatArray,
        embeddings: FloatArray,
        scale: float,
        mask: BoolArray | None,
        *,
        small: bool,
    ) -> tuple[FloatArray, Float32Array | None, dict[int, Degenerate]]:
        """New vectors of a long sentence, its weights where they are kept, and how they are degenerate.

        Shapes: matching and embeddings (1, n_tokens, d_model).
        """
        rows = RowsSeen()
        see = None if "warnings" in self.unread else rows.see
        contextual, weights = attend_long(
            matching,
            matching,
            embeddings,
            scale=scale,
            mask=mask,
            small=small,
            keep=self._keeps_weights,
            see=see,
        )
        return contextual, weights, {} if rows.kind is None else {0: rows.kind}

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
        temperature = options.temperature
        with np.errstate(over="ignore", invalid="ignore"):
            if options.target_self is not None:
                try:
                    temperature = _solved(embeddings[0], options, mask, texts[group.places[0]])
                except AttnError as error:
                    yield Failure(group.places[0], error)
                    return
            contextual, weights, kinds = self._attended(embeddings, temperature, mask)
            contextual = contextual.astype(np.float32, copy=False)
            checked = {} if weights is None else {"weights": weights}
            checked["new embeddings"] = contextual
            if "scores" in self.include:
                checked["scores"] = self._scores(embeddings, temperature)
        if not (finite := _finite(checked, len(rows))).all():
            for i in np.flatnonzero(~finite).tolist():
                place = group.places[i]
                name = next(
                    name for name, array in checked.items() if not np.isfinite(array[i]).all()
                )
                yield Failure(
                    place,
                    NumericError(
                        f"the {name} of {quoted(texts[place])} would not be finite in float32"
                    ),
                )
            kept = np.flatnonzero(finite)
            group = group.pick(kept)
            embeddings, contextual = embeddings[kept], contextual[kept]
            weights = None if weights is None else weights[kept]
        if group.places:
            yield from self._stacked(
                texts, group, embeddings, contextual, weights, temperature, kinds
            )

    def _attended(
        self, embeddings: Float32Array, temperature: float, mask: BoolArray | None
    ) -> tuple[FloatArray, Float32Array | None, dict[int, Degenerate] | None]:
        """Contextual vectors and weights: (B, n_tokens, d_model), (B, n_tokens, n_tokens).

        Of a long sentence weights are made only to be read, and how they are degenerate is known.
        """
        scale = score_scale(self.settings.score, self.store.dim) / temperature
        wide = embeddings.astype(np.float64)
        matching = matching_rows(wide, self.settings.score)
        if is_long(embeddings.shape[1]):
            return self._by_rows(matching, wide, scale, mask, small=False)
        contextual, weights = attend(matching, matching, wide, scale=scale, mask=mask)
        return contextual, weights.astype(np.float32, copy=False), None

    def _stacked(
        self,
        texts: Sequence[str],
        group: Group,
        embeddings: Float32Array | None,
        contextual: Float32Array | None,
        weights: Float32Array | None,
        temperature: float,
        kinds: dict[int, Degenerate] | None,
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
        kinds: dict[int, Degenerate] | None,
    ) -> dict[int, tuple[ResultWarning, ...]]:
        """The warnings of those sentences that have any."""
        if "warnings" in self.unread or embeddings is None:
            return {}
        by_place: dict[int, tuple[ResultWarning, ...]] = defaultdict(tuple)
        by_place.update(self._reader.warned(texts, group))
        options, mask = self.settings, self._mask(group.rows.shape[1])
        if mask is not None:
            alone = tuple(int(i) for i in np.flatnonzero(~mask.any(axis=-1)))
            if alone:
                message = "nothing to attend to: the weights and the new embedding are zeros"
                for i in range(len(group.places)):
                    by_place[i] += (ResultWarning("empty-row", message, alone),)
        if kinds is None:
            kinds = {} if weights is None else degenerate_in(weights, mask)
        for i, kind in kinds.items():
            hint = _way_out(options, embeddings[i], mask) if self.advise else ""
            by_place[i] += (ResultWarning(f"degenerate-{kind}", _DEGENERATE[kind] + hint),)
        return {i: warnings for i, warnings in by_place.items() if warnings}


_DEGENERATE = {
    "one-key": "every row gives nearly all its weight to one word",
    "uniform": "all weights are nearly equal",
}


def _finite(made: dict[str, Float32Array], count: int) -> BoolArray:
    """Which of `count` sentences have only finite numbers in all that was made of them."""
    finite = np.ones(count, dtype=np.bool_)
    for array in made.values():
        finite &= np.isfinite(array).reshape(count, -1).all(axis=1)
    return finite


def _way_out(options: GeneralSettings, embeddings: Float32Array, mask: BoolArray | None) -> str:
    """A hint that works when typed, or nothing."""
    if not options.see_self or len(embeddings) > _HINT_UP_TO:
        return ""
    from attncli.attention.self_weight import solve_temperature

    scores = _scores(embeddings, options.score)
    for target in (0.7, 0.5, 0.9):
        solved = solve_temperature(scores, target, mask)
        if solved is not None and not degenerate(softmax(masked(scores / solved, mask)), mask):
            return f"; {setting(target_self=target)} finds a temperature that does not"
    return ""


def _solved(
    embeddings: Float32Array, options: GeneralSettings, mask: BoolArray | None, text: str
) -> float:
    from attncli.attention.self_weight import self_weight_range, solve_temperature

    scores = _scores(embeddings, options.score)
    target = options.target_self or 0.0
    solved = solve_temperature(scores, target, mask)
    if solved is None:
        low, high = self_weight_range(scores, mask)
        raise UsageError(
            f"no temperature gives {quoted(text)} a mean self-weight of {target:g}; "
            f"it can be {low:.3f} to {high:.3f}",
            place=field_name("target_self"),
        )
    return solved


def _scores(embeddings: Float32Array, score: Score) -> FloatArray:
    rows = matching_rows(embeddings.astype(np.float64), score)  # (n_tokens, d_model)
    return attention_scores(rows, rows, scale=score_scale(score, rows.shape[-1]))
