"""General attention of a long text word by word: without positions and masks a row depends on its word.

Where every token sees every token, the rows of equal words are equal, and so are their columns. A text
of n tokens with m distinct words takes m² exponentials in the place of n²: a word that comes
c times counts c-fold in the sums of a row,

    weight of one key = exp(s) / Σ c·exp(s),    new vector = Σ c·exp(s)·x / Σ c·exp(s).

That is the softmax of all n keys, its equal terms added up at once.

Scores of general attention are symmetric. Where none is too large to be raised as it is, a square of
exponentials serves its rows and, turned, its columns, so that half of them are made.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from attncli.arrays import Float32Array, FloatArray, IntArray
from attncli.attention.core import expect_finite_scale
from attncli.attention.products import product

_Real = type[np.floating[Any]]

_SIDE = 512  # words: a square of exponentials is 2 MiB as float64
_LEAST_ROWS = 32  # of a product, else it is slow
_RAISED = (
    300.0  # scores up to here are raised as they are: e^300 in sums of float32 numbers is finite
)
_FLOAT32_VALUES = 2.0**30  # numbers up to here are summed with exponentials in float32


class DistinctWords(NamedTuple):
    """The distinct words of a text of n tokens.

    Shapes: rows (n_words,), the row of each word; counts (n_words,), how often it comes; which
    (n_tokens,), the word of each token. The first `n_small` words are those whose scores with each
    other are exact in float32.
    """

    rows: IntArray
    counts: IntArray
    which: IntArray
    n_small: int = 0


class WordsAttended(NamedTuple):
    """What attention gives each distinct word: `contextual` (n_words, d_v) and, for the weights,
    `log_totals` (n_words,), the logarithm of the sum of a row's exponentials.
    """

    contextual: FloatArray
    log_totals: FloatArray


def distinct_words(rows: IntArray, small: FloatArray | None = None) -> DistinctWords:
    """The words of a text in the order in which it has them, those first that are `small`.

    So neither the order nor the sums depend on what was read before. Shapes: rows (n_tokens,), of the
    tokens; small (n_rows,), above 0 where the scores of two such words are exact in float32.
    """
    words, firsts, which, counts = np.unique(
        rows, return_index=True, return_inverse=True, return_counts=True
    )
    large = np.zeros(len(words)) if small is None else small[words] <= 0
    order = np.lexsort((firsts, large))  # (n_words,)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    n_small = 0 if small is None else len(words) - int(large.sum())
    return DistinctWords(words[order], counts[order], place[which], n_small)


def attend_words(
    matching: FloatArray, value: FloatArray, words: DistinctWords, *, scale: float
) -> WordsAttended:
    """The new vector of each distinct word, where queries and keys are the same rows.

    All is float64, but the exponentials of the first `n_small` words among each other.
    Shapes: matching (n_words, d_k), value (n_words, d_v). Raises: NumericError for a scale that is
    not finite.
    """
    expect_finite_scale(scale)
    if not surely_finite(matching, scale):
        return _shifted(matching, value, words.counts, scale)
    if np.abs(value).max(initial=0.0) > _FLOAT32_VALUES:
        words = words._replace(n_small=0)
    summed = np.zeros(
        (len(matching), value.shape[1] + 1)
    )  # (n_words, d_v + 1): the last are totals
    tiles = list(_tiles(len(matching), words.n_small))
    for number, rows in enumerate(tiles):
        for columns in tiles[number:]:
            dtype: _Real = np.float32 if columns.stop <= words.n_small else np.float64
            asking = matching[rows].astype(dtype)  # (n_rows, d_k)
            asking *= dtype(scale)
            raised = product(asking, matching[columns].astype(dtype, copy=False).T)
            np.exp(raised, out=raised)  # (n_rows, n_columns)
            summed[rows] += product(raised, _counted(value, words.counts, columns, dtype))
            if columns != rows:
                summed[columns] += product(raised.T, _counted(value, words.counts, rows, dtype))
    totals = summed[:, -1:]
    summed[:, :-1] /= totals
    return WordsAttended(summed[:, :-1], np.log(totals[:, 0]))


def surely_finite(matching: FloatArray, scale: float) -> bool:
    """Whether all scores are so small that they are raised as they are. Shapes: (n_words, d_k).

    No product of two rows is larger than the largest square of a length, nor, negated, is it.
    """
    largest = 0.0
    for rows in _tiles(len(matching), 0):
        wide = matching[rows].astype(np.float64)  # (n_some, d_k)
        largest = max(largest, float((wide * wide).sum(axis=1).max()))
    return largest * scale <= _RAISED


def word_weights(
    matching: FloatArray, log_totals: FloatArray, *, scale: float
) -> Iterator[tuple[slice, FloatArray]]:
    """The weights of some words at a time: what each gives to one token of each word, as float64.

    Shapes: matching (n_words, d_k), log_totals (n_words,) → which words, (n_some, n_words).
    """
    for rows in _strips(len(matching)):
        asking = matching[rows].astype(np.float64) * scale  # (n_some, d_k)
        weights = np.empty((len(asking), len(matching)))
        for columns in _tiles(len(matching), 0):
            weights[:, columns] = product(asking, matching[columns].astype(np.float64).T)
        weights -= log_totals[rows, None]
        yield rows, np.exp(weights, out=weights)


def token_weights(
    matching: FloatArray, log_totals: FloatArray, words: DistinctWords, *, scale: float
) -> Float32Array:
    """All weights of the text, each made once for two words. Shapes: → (n_tokens, n_tokens)."""
    n_tokens = len(words.which)
    kept = np.empty((n_tokens, n_tokens), dtype=np.float32)
    by_word = np.argsort(words.which, kind="stable")  # (n_tokens,)
    ends = np.cumsum(words.counts)
    for rows, weights in word_weights(matching, log_totals, scale=scale):
        narrow = weights.astype(np.float32)  # (n_some, n_words)
        tokens = by_word[ends[rows][0] - words.counts[rows][0] : ends[rows][-1]]
        for token in tokens.tolist():
            narrow[words.which[token] - rows.start].take(words.which, out=kept[token], mode="clip")
    return kept


def _shifted(
    matching: FloatArray, value: FloatArray, counts: IntArray, scale: float
) -> WordsAttended:
    """The same for scores of any size: the largest of each row is subtracted."""
    wide = matching.astype(np.float64, copy=False)
    counted = _counted(value, counts, slice(None), np.float64)  # (n_words, d_v + 1)
    contextual = np.empty((len(wide), value.shape[1]))
    log_totals = np.empty(len(wide))
    for rows in _strips(len(wide)):
        raised = product(wide[rows] * scale, wide.T)  # (n_some, n_words)
        peak = raised.max(axis=1)
        raised -= peak[:, None]
        np.exp(raised, out=raised)
        summed = product(raised, counted)  # (n_some, d_v + 1)
        contextual[rows] = summed[:, :-1] / summed[:, -1:]
        log_totals[rows] = np.log(summed[:, -1]) + peak
    return WordsAttended(contextual, log_totals)


def _counted(value: FloatArray, counts: IntArray, some: slice, dtype: _Real) -> FloatArray:
    """Values as often as they come, and how often that is. Shapes: → (n_some, d_v + 1)."""
    counted = np.ones((len(counts[some]), value.shape[1] + 1), dtype=dtype)
    counted[:, :-1] = value[some]
    counted *= counts[some, None].astype(dtype)
    return counted


def _tiles(count: int, n_small: int) -> Iterator[slice]:
    """Words that are computed together, small ones apart from the others."""
    for start, end in ((0, n_small), (n_small, count)):
        for begin in range(start, end, _SIDE):
            yield slice(begin, min(begin + _SIDE, end))


def _strips(count: int) -> Iterator[slice]:
    """Words whose whole rows are computed together: about as many numbers as a square has."""
    step = max(_LEAST_ROWS, _SIDE * _SIDE // count)
    for begin in range(0, count, step):
        yield slice(begin, min(begin + step, count))
