"""Joins the rooms: builds an Analyser, which turns sentences into results.

An Analyser is the seam of the program: explain, compare and batch call it and know nothing of what
is behind it. It computes many sentences at once, stacked by length, because one at a time is slow.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from attncli.arrays import BoolArray, FloatArray
from attncli.attention.core import attention_scores
from attncli.attention.general import Score, general_attention, matching_rows, score_scale
from attncli.attention.masks import attention_mask
from attncli.attention.temperature import self_weight_range, solve_temperature
from attncli.embeddings.lookup import KNOWN_STATUSES, Lookup, OovPolicy, knows, look_up
from attncli.embeddings.store import EmbeddingStore
from attncli.errors import AttnError, EmptyError, LimitError, NumericError, UsageError
from attncli.escape import quoted
from attncli.insight.degenerate import degenerate
from attncli.insight.measures import measures
from attncli.result import (
    AttentionResult,
    AttentionSettings,
    ResultWarning,
    Token,
    VectorsInfo,
)
from attncli.text.words import (
    TOKENIZERS,
    Span,
    TokenizerName,
    join_compounds,
    split_contraction,
)

MAX_TOKENS = 4096
_STACK_FLOATS = 1 << 18  # numbers of a stack's weights in work at once
_BLOCK_ROWS = 256  # rows of a long sentence in work at once


class Analyser(Protocol):
    """Texts → results, in order."""

    def __call__(self, texts: Sequence[str]) -> Iterator[AttentionResult]:
        """The results of the texts. Raises the first sentence's AttnError."""

    def outcomes(self, texts: Sequence[str]) -> Iterator[AttentionResult | AttnError]:
        """Like a call, but a sentence that fails gives its error and the others go on."""


@dataclass(frozen=True, slots=True)
class ReadingSettings:
    """How a sentence becomes tokens with vectors."""

    tokenizer: TokenizerName = "words"
    oov: OovPolicy = "random"
    seed: int = 0
    max_tokens: int = MAX_TOKENS


@dataclass(frozen=True, slots=True)
class GeneralSettings:
    """How general attention weighs; `target_self` solves for the temperature of each sentence."""

    score: Score = "scaled"
    temperature: float = 1.0
    target_self: float | None = None
    causal: bool = False
    window: int | None = None
    see_self: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """A sentence's tokens, their vectors (n_tokens, d_model), and what to warn of."""

    text: str
    tokens: tuple[Token, ...]
    embeddings: FloatArray
    warnings: tuple[ResultWarning, ...]


@dataclass(frozen=True, slots=True)
class GeneralAnalyser:
    """General attention over the vectors of a store, computed in `dtype` (float64 by default).

    `include` names optional fields of the results to fill.
    """

    store: EmbeddingStore
    reading: ReadingSettings = field(default_factory=ReadingSettings)
    settings: GeneralSettings = field(default_factory=GeneralSettings)
    include: frozenset[str] = frozenset()
    dtype: type[np.floating[Any]] = np.float64

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
            for stack in _stacks(group, n_tokens, alone=self.settings.target_self is not None):
                computed = self._computed([reading for _, reading in stack])
                for (index, _), outcome in zip(stack, computed, strict=True):
                    outcomes[index] = outcome
        for index, done in enumerate(outcomes):
            if isinstance(done, AttentionResult):
                yield replace(done, index=index)
            elif done is not None:
                yield done

    def _computed(self, readings: list[Reading]) -> list[AttentionResult | AttnError]:
        """The outcomes of sentences that have the same number of tokens."""
        stack = np.stack([r.embeddings for r in readings]).astype(self.dtype)  # (B, n, d_model)
        options = self.settings
        mask = attention_mask(
            stack.shape[1], causal=options.causal, window=options.window, see_self=options.see_self
        )
        temperature = options.temperature
        with np.errstate(over="ignore", invalid="ignore"):
            if options.target_self is not None:
                try:
                    temperature = _solved(stack[0], options, mask, readings[0].text)
                except AttnError as error:
                    return [error]
            contextual, weights = _general_in_blocks(stack, options.score, temperature, mask)
        return [
            self._result(reading, contextual[i], weights[i], temperature, mask)
            for i, reading in enumerate(readings)
        ]

    def _result(
        self,
        reading: Reading,
        contextual: FloatArray,
        weights: FloatArray,
        temperature: float,
        mask: BoolArray | None,
    ) -> AttentionResult | AttnError:
        if not (np.isfinite(weights).all() and np.isfinite(contextual).all()):
            return NumericError(f"the result for {quoted(reading.text)} would not be finite")
        options, dim = self.settings, reading.embeddings.shape[-1]
        scale = score_scale(options.score, dim)
        found = AttentionResult(
            text=reading.text,
            tokens=reading.tokens,
            attention=AttentionSettings(
                kind="general",
                score=options.score,
                scale=scale,
                temperature=temperature,
                causal=options.causal,
                window=options.window,
                see_self=options.see_self,
            ),
            weights=weights[None, None],  # (1, 1, n_tokens, n_tokens)
            contextual=contextual,  # (n_tokens, d_model)
            vectors=vectors_info(self.store),
            warnings=reading.warnings + _about(weights, mask, self, reading, temperature),
        )
        return self._with_fields(found, reading, scale / temperature)

    def _with_fields(
        self, result: AttentionResult, reading: Reading, scale: float
    ) -> AttentionResult:
        added: dict[str, Any] = {}
        if self.include & {"embeddings", "measures"}:
            added["embeddings"] = reading.embeddings
        rows = matching_rows(reading.embeddings.astype(np.float64), self.settings.score)
        for name, array in (("query", rows), ("key", rows), ("value", reading.embeddings)):
            if name in self.include:
                added[name] = array[None, None]  # (1, 1, n_tokens, d_model)
        if "scores" in self.include:
            with np.errstate(over="ignore"):
                scores = attention_scores(rows, rows, scale=scale)
                added["scores"] = np.nan_to_num(scores.astype(np.float32))[None, None]
        if not added:
            return result
        result = replace(result, **added)
        if "measures" in self.include:
            result = replace(result, measures=measures(result))
        return result


def read(text: str, store: EmbeddingStore, settings: ReadingSettings) -> Reading:
    """A sentence's tokens and vectors.

    Raises: EmptyError (no word), LimitError (too many tokens), UnknownWordError.
    """
    spans = tokens_of(text, store, settings.tokenizer)
    if not spans:
        what = "the sentence is empty" if not text.strip() else f"no word in {quoted(text)}"
        raise EmptyError(f"{what}, expected at least one word")
    if len(spans) > settings.max_tokens:
        raise LimitError(
            f"{len(spans)} tokens need {_size(4 * len(spans) ** 2)} of weights; "
            f"the limit is {settings.max_tokens} tokens",
            hints=(f"--max-tokens {len(spans)} raises the limit",),
        )
    found = look_up(store, [span.text for span in spans], oov=settings.oov, seed=settings.seed)
    if not found.kept:
        raise EmptyError(
            f"no word of {quoted(text)} is in {quoted(store.name)}",
            hints=("--oov random gives unknown words a seeded random vector",),
        )
    tokens = tuple(
        Token(spans[i].text, spans[i].start, spans[i].end, key, status)
        for i, key, status in zip(found.kept, found.keys, found.statuses, strict=True)
    )
    return Reading(text, tokens, found.vectors, _unknown_words(spans, found, store, settings.oov))


def tokens_of(text: str, store: EmbeddingStore, tokenizer: TokenizerName) -> list[Span]:
    """The pieces of a sentence, cut as the vocabulary of the store has them."""
    spans = TOKENIZERS[tokenizer](text)
    if tokenizer != "words" or ("-" not in text and "'" not in text and "\u2019" not in text):
        return spans
    known = knows(store)
    joined = join_compounds(text, spans, known)
    return [part for span in joined for part in split_contraction(span, known)]


def vectors_info(store: EmbeddingStore) -> VectorsInfo:
    """What the record says of a store."""
    return VectorsInfo(store.name, store.dim, store.words, store.sha256)


def _unknown_words(
    spans: list[Span], found: Lookup, store: EmbeddingStore, oov: OovPolicy
) -> tuple[ResultWarning, ...]:
    if oov == "skip":
        kept = set(found.kept)
        left_out = [span.text for i, span in enumerate(spans) if i not in kept]
        return (_unknown_warning(left_out, (), store, "left out"),) if left_out else ()
    places = tuple(i for i, status in enumerate(found.statuses) if status == oov)
    if not places:
        return ()
    treatment = {"random": "a seeded random vector", "zero": "zeros", "mean": "the mean vector"}
    unknown = _unknown_warning(
        [spans[i].text for i in places], places, store, treatment.get(oov, oov)
    )
    if any(status in KNOWN_STATUSES for status in found.statuses) or len(places) < len(spans):
        return (unknown,)
    nothing = "no word is known: the weights carry no meaning"
    return (unknown, ResultWarning("no-known-word", nothing, places))


def _unknown_warning(
    words: list[str], places: tuple[int, ...], store: EmbeddingStore, treatment: str
) -> ResultWarning:
    named = ", ".join(quoted(word) for word in words[:5])
    more = f" and {len(words) - 5} more" if len(words) > 5 else ""
    message = f"not in {store.name}: {named}{more}; used: {treatment}"
    return ResultWarning("unknown-word", message, places)


def _about(
    weights: FloatArray,
    mask: BoolArray | None,
    analyser: GeneralAnalyser,
    reading: Reading,
    temperature: float,
) -> tuple[ResultWarning, ...]:
    """Warnings about the matrix itself."""
    found: list[ResultWarning] = []
    if mask is not None:
        alone = tuple(int(i) for i in np.flatnonzero(~mask.any(axis=-1)))
        if alone:
            message = "nothing to attend to: the weights and the new embedding are zeros"
            found.append(ResultWarning("empty-row", message, alone))
    kind = degenerate(weights, mask)
    if kind is not None:
        what = (
            "every row gives nearly all its weight to one word"
            if kind == "one-key"
            else "all weights are nearly equal"
        )
        hint = _way_out(analyser.settings, reading, mask)
        found.append(ResultWarning(f"degenerate-{kind}", what + hint))
    return tuple(found)


def _way_out(options: GeneralSettings, reading: Reading, mask: BoolArray | None) -> str:
    """A hint that works when typed, or nothing."""
    if not options.see_self:
        return ""
    rows = matching_rows(reading.embeddings.astype(np.float64), options.score)
    scores = attention_scores(rows, rows, scale=score_scale(options.score, rows.shape[-1]))
    for target in (0.7, 0.5, 0.9):
        solved = solve_temperature(scores, target, mask)
        if solved is not None:
            return f"; --target-self {target} finds a temperature that does not"
    return ""


def _solved(
    embeddings: FloatArray, options: GeneralSettings, mask: BoolArray | None, text: str
) -> float:
    rows = matching_rows(embeddings.astype(np.float64), options.score)
    scores = attention_scores(rows, rows, scale=score_scale(options.score, rows.shape[-1]))
    target = options.target_self or 0.0
    solved = solve_temperature(scores, target, mask)
    if solved is None:
        low, high = self_weight_range(scores, mask)
        raise UsageError(
            f"no temperature gives {quoted(text)} a mean self-weight of {target:g}; "
            f"it can be {low:.3f} to {high:.3f}",
            place="--target-self",
        )
    return solved


def _general_in_blocks(
    stack: FloatArray, score: Score, temperature: float, mask: BoolArray | None
) -> tuple[FloatArray, FloatArray]:
    """General attention of (B, n, d_model); long sentences by blocks of rows, weights as float32."""
    n_tokens = stack.shape[1]
    if n_tokens <= 4 * _BLOCK_ROWS:
        return general_attention(stack, score=score, temperature=temperature, mask=mask)
    from attncli.attention.core import attend

    rows = matching_rows(stack, score)
    scale = score_scale(score, stack.shape[-1]) / temperature
    weights = np.empty((len(stack), n_tokens, n_tokens), dtype=np.float32)
    contextual = np.empty_like(stack)
    for start in range(0, n_tokens, _BLOCK_ROWS):
        block = slice(start, start + _BLOCK_ROWS)
        contextual[:, block], weights[:, block] = attend(
            rows[:, block], rows, stack, mask=None if mask is None else mask[block], scale=scale
        )
    return contextual, weights


def _stacks(
    group: list[tuple[int, Reading]], n_tokens: int, *, alone: bool
) -> Iterator[list[tuple[int, Reading]]]:
    size = 1 if alone else max(1, _STACK_FLOATS // (n_tokens * n_tokens))
    for start in range(0, len(group), size):
        yield group[start : start + size]


def _size(n_bytes: int) -> str:
    """A number of bytes in units people read."""
    amount = float(n_bytes)
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB"):
        if amount < 1024 or unit == "TiB":
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{n_bytes} bytes"
