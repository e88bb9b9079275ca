"""fastText's character n-grams: any word has a vector, the mean of the vectors of its parts.

Source: Bojanowski et al. 2017, "Enriching Word Vectors with Subword Information"; the hash (FNV-1a with
signed bytes) and the order of the parts are those of fastText's dictionary.cc.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from attncli.arrays import Float32Array, IntArray

_PRIME, _START = np.uint32(16777619), np.uint32(2166136261)
_BLOCK = 4096  # words in work at once


class NgramSubwords:
    """Vectors of words out of the rows of their n-grams. Shapes: matrix (n_rows, dim).

    `rows` (n_buckets,) gives the row of each bucket, −1 for none; without it they are the same.
    `take` gives copies of rows, when they are not simply taken from the matrix.
    """

    kind = "fastText n-grams"

    def __init__(
        self,
        matrix: Float32Array,
        shortest: int,
        longest: int,
        rows: IntArray | None = None,
        take: Callable[[IntArray], Float32Array] | None = None,
    ) -> None:
        self.matrix = matrix
        self.shortest = shortest
        self.longest = longest
        self.rows = rows
        self._take = take

    def rows_of(self, words: Sequence[bytes]) -> tuple[IntArray, IntArray]:
        """The rows of the n-grams of all words, one word after the other, and how many each has."""
        n_buckets = len(self.matrix if self.rows is None else self.rows)
        buckets, counts = ngram_buckets(words, self.shortest, self.longest, n_buckets)
        if self.rows is None:
            return buckets, counts
        rows = self.rows[buckets]
        owner = np.repeat(np.arange(len(words)), counts)
        there = rows >= 0
        return rows[there], np.bincount(owner[there], minlength=len(words)).astype(np.int64)

    def vector(self, word: str) -> Float32Array | None:
        """The mean of the vectors of the word's n-grams, added in order. Shape (dim,)."""
        data = word.encode("utf-8", "surrogateescape")
        rows, _ = self.rows_of([data])
        if len(rows) == 0:
            return None
        total = np.zeros(self.matrix.shape[1], dtype=np.float32)
        taken = self.matrix[rows] if self._take is None else self._take(rows)  # (n, dim)
        with np.errstate(over="ignore"):
            for vector in taken:
                total += vector
        if not np.isfinite(total).all():  # the sum is too large, the mean is not
            return np.asarray(taken.mean(axis=0, dtype=np.float64).astype(np.float32))
        return np.asarray(total / np.float32(len(rows)))


def word_vectors(
    words: Sequence[bytes], vocabulary: Float32Array, subwords: NgramSubwords
) -> Float32Array:
    """The vectors of the words of a model: the mean of a word's own row and its n-grams' rows.

    Shapes: vocabulary (n_words, dim) → (n_words, dim).
    """
    vectors = np.array(vocabulary, dtype=np.float32)  # (n_words, dim)
    for start in range(0, len(words), _BLOCK):
        add_ngrams(words[start : start + _BLOCK], vectors[start : start + _BLOCK], subwords)
    return vectors


def add_ngrams(words: Sequence[bytes], vectors: Float32Array, subwords: NgramSubwords) -> None:
    """Turns the own rows of some words into their vectors, in place, in fastText's order.

    A sum that is too large for float32 is taken in float64: its mean is not too large.
    """
    own = vectors.copy()
    ngram_rows, counts = subwords.rows_of(words)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]]) if len(counts) else counts
    with np.errstate(over="ignore", invalid="ignore"):
        for place in range(int(counts.max(initial=0))):
            rows = np.flatnonzero(counts > place)
            vectors[rows] += subwords.matrix[ngram_rows[starts[rows] + place]]
        vectors /= (counts + 1).astype(np.float32)[:, None]
        for row in np.flatnonzero(~np.isfinite(vectors).all(axis=1)).tolist():
            taken = subwords.matrix[ngram_rows[starts[row] : starts[row] + counts[row]]]
            whole = np.concatenate([own[row : row + 1], taken])
            vectors[row] = whole.mean(axis=0, dtype=np.float64)


def ngram_buckets(
    words: Sequence[bytes], shortest: int, longest: int, n_buckets: int
) -> tuple[IntArray, IntArray]:
    """The buckets of the n-grams of all words, one word after the other, and how many each has.

    An n-gram is `shortest` to `longest` characters of `<word>`; the brackets alone are none.
    """
    if n_buckets == 0 or longest < 1:
        return np.zeros(0, dtype=np.int64), np.zeros(len(words), dtype=np.int64)
    text = b"".join(b"<" + word + b">" for word in words)
    data = np.frombuffer(text, dtype=np.uint8)  # (bytes,)
    sizes = np.array([len(word) + 2 for word in words], dtype=np.int64)  # (n_words,)
    ends = np.cumsum(sizes)
    starts_char = (data & 0xC0) != 0x80  # (bytes,)
    begins = np.flatnonzero(starts_char)  # (n_chars,) where an n-gram may begin
    owner = np.searchsorted(ends, begins, side="right")  # (n_chars,)
    table, there = _hashes(data, starts_char, begins, ends[owner], longest)  # (n_chars, longest)
    there[:, : max(shortest - 1, 0)] = False
    if shortest <= 1:  # one character: not the brackets
        first = begins == (ends - sizes)[owner]
        there[first | (begins + 1 == ends[owner]), 0] = False
    counts = np.bincount(owner, weights=there.sum(axis=1), minlength=len(words)).astype(np.int64)
    return (table[there] % np.uint32(n_buckets)).astype(np.int64), counts


def _hashes(
    data: npt.NDArray[np.uint8],
    starts_char: npt.NDArray[np.bool_],
    begins: IntArray,
    ends: IntArray,
    longest: int,
) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.bool_]]:
    """The hash of the 1, 2, … `longest` characters from each begin, and whether there are so many."""
    signed: Any = data.view(np.int8).astype(np.int32).view(np.uint32)
    table = np.zeros((len(begins), longest), dtype=np.uint32)
    there = np.zeros((len(begins), longest), dtype=bool)
    at = begins.copy()
    state = np.full(len(begins), _START, dtype=np.uint32)
    alive = np.arange(len(begins))
    for length in range(longest):
        alive = alive[at[alive] < ends[alive]]
        if len(alive) == 0:
            break
        moving = alive
        while len(moving):  # the bytes of one character
            state[moving] = (state[moving] ^ signed[at[moving]]) * _PRIME
            at[moving] += 1
            inside = at[moving] < ends[moving]
            moving = moving[inside]
            moving = moving[~starts_char[at[moving]]]
        table[alive, length] = state[alive]
        there[alive, length] = True
    return table, there
