"""General attention of one long text: word by word, or by blocks of its rows where a mask tells tokens apart."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from attncli.arrays import BoolArray, Float32Array, FloatArray
from attncli.attention.by_rows import attend_long
from attncli.attention.by_words import (
    DistinctWords,
    attend_words,
    surely_finite,
    token_weights,
    word_weights,
)
from attncli.insight.degenerate import Degenerate, RowsSeen


class Asked(NamedTuple):
    """What is read of a long text: its new vectors, its weights, how they are degenerate."""

    contextual: bool = True
    weights: bool = True
    kinds: bool = True


class LongText(NamedTuple):
    """A stack of one long text, without what nobody reads.

    Shapes: contextual (1, n_tokens, dim), weights (1, n_tokens, n_tokens). `kinds` says of the first
    text how it is degenerate, if it is. `is_finite` is False where its weights are not.
    """

    contextual: Float32Array | None = None
    weights: Float32Array | None = None
    kinds: Mapping[int, Degenerate] = MappingProxyType({})
    is_finite: bool = True


def text_by_words(
    matching: FloatArray,
    vectors: Float32Array,
    words: DistinctWords,
    *,
    scale: float,
    asked: Asked,
) -> LongText:
    """A text all of whose tokens see each other. Shapes: matching and vectors (n_words, dim)."""
    if not any(asked) and surely_finite(matching, scale):
        return LongText()
    value = vectors if asked.contextual else vectors[:, :0]
    new, totals = attend_words(matching, value, words, scale=scale)
    contextual = new.astype(np.float32)[None, words.which] if asked.contextual else None
    del new  # as large as all vectors are in float64
    seen = RowsSeen()
    if asked.kinds:
        for _, weights in word_weights(matching, totals, scale=scale):
            if not seen.see(weights if len(totals) > 1 else weights.repeat(2, axis=1)):
                break
    return LongText(
        contextual,
        token_weights(matching, totals, words, scale=scale)[None] if asked.weights else None,
        {} if seen.kind is None else {0: seen.kind},
        bool(np.isfinite(totals).all()),
    )


def text_by_rows(
    matching: FloatArray,
    embeddings: FloatArray,
    *,
    scale: float,
    mask: BoolArray | None,
    small: bool,
    asked: Asked,
) -> LongText:
    """Any text; `small` says that float32 is exact enough. Shapes: matching and embeddings (1, n_tokens, dim)."""
    seen = RowsSeen()
    is_finite = True

    def see(weights: FloatArray, mask: BoolArray | None) -> None:
        nonlocal is_finite
        is_finite &= bool(np.isfinite(weights.sum()))
        if asked.kinds:
            seen.see(weights, mask)

    value = embeddings if asked.contextual else embeddings[..., :0]
    new, weights = attend_long(
        matching,
        matching,
        value,
        scale=scale,
        mask=mask,
        small=small,
        keep=asked.weights,
        see=see,
    )
    return LongText(
        new.astype(np.float32, copy=False) if asked.contextual else None,
        weights,
        {} if seen.kind is None else {0: seen.kind},
        is_finite,
    )
