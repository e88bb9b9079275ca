"""Sentences as arrays: a table of vectors, rows of it for each sentence, and batches of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from attncli.arrays import BoolArray, FloatArray, IntArray

_NEAR_LENGTHS = 8  # batches sorted by length at once: little padding, and still random


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Sentences to learn from, or to predict.

    table: (n_rows, d_model), each distinct vector once. rows: the rows of each sentence's tokens.
    targets: the place of each target token, None where the whole sentence is read. labels: numbers
    of the labels, None when unknown. weights: given attention rows (n_tokens, n_tokens) of each
    sentence, None when labels are learned; a row of NaN is not given. views: how many vectors of
    d_model values lie side by side in a row, for members that each read one (`learning.members`).
    pairs: the rows of the sentence beside each, None where sentences stand alone. scores: how alike
    the two are to be, a cosine each, None when that is not learned.
    """

    table: FloatArray
    rows: Sequence[IntArray]
    targets: IntArray | None = None
    labels: IntArray | None = None
    weights: Sequence[FloatArray] | None = None
    views: int = 1
    pairs: Sequence[IntArray] | None = None
    scores: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def pick(self, places: IntArray | Sequence[int]) -> "Examples":
        """The examples at these places, in this order."""
        return Examples(
            self.table,
            [self.rows[i] for i in places],
            None if self.targets is None else self.targets[places],
            None if self.labels is None else self.labels[places],
            None if self.weights is None else [self.weights[i] for i in places],
            self.views,
            None if self.pairs is None else [self.pairs[i] for i in places],
            None if self.scores is None else self.scores[places],
        )

    def lengths(self) -> IntArray:
        """The number of tokens of each sentence, of a pair those of the longer one."""
        own = np.array([len(rows) for rows in self.rows], dtype=np.intp)
        if self.pairs is None:
            return own
        return np.maximum(own, np.array([len(rows) for rows in self.pairs], dtype=np.intp))

    @property
    def all_rows(self) -> list[IntArray]:
        """The rows of every sentence, those of the pairs' second sentences last."""
        return [*self.rows, *(self.pairs or ())]


@dataclass(slots=True, eq=False)
class Batch:
    """Sentences padded to one length; of pairs the first sentences, then the second ones.

    vectors (B, n, views·d_model), zeros where padded; hidden (B, n) True where no query may look
    (padding, dropped words); targets (B,) places; lengths (B,). scores (n_pairs,); same (n_pairs,
    n_pairs) True where a sentence of one pair fits the other pair too, because both have it.
    """

    vectors: FloatArray
    hidden: BoolArray
    lengths: IntArray
    targets: IntArray | None
    labels: IntArray | None
    target_rows: IntArray | None
    weights: FloatArray | None
    views: int = 1
    scores: FloatArray | None = None
    same: BoolArray | None = None


def batch_of(examples: Examples, places: IntArray | Sequence[int]) -> Batch:
    """The examples at these places as one padded batch."""
    rows = [examples.rows[i] for i in places]
    same = None
    if examples.pairs is not None:
        pairs = [examples.pairs[i] for i in places]
        same = shared_sentences(rows, pairs)
        rows += pairs
    lengths = np.array([len(r) for r in rows], dtype=np.intp)  # (B,)
    n_tokens = int(lengths.max())
    inside = np.arange(n_tokens) < lengths[:, None]  # (B, n)
    index = np.zeros((len(rows), n_tokens), dtype=np.intp)
    index[inside] = np.concatenate(rows)
    vectors = examples.table[index]  # (B, n, d_model)
    hidden = ~inside
    if hidden.any():
        vectors[hidden] = 0
    targets = None if examples.targets is None else examples.targets[places]
    return Batch(
        vectors=vectors,
        hidden=hidden,
        lengths=lengths,
        targets=targets,
        labels=None if examples.labels is None else examples.labels[places],
        target_rows=None if targets is None else index[np.arange(len(rows)), targets],
        weights=None if examples.weights is None else _padded(examples, places, n_tokens),
        views=examples.views,
        scores=None if examples.scores is None else examples.scores[places],
        same=same,
    )


def shared_sentences(rows: Sequence[IntArray], pairs: Sequence[IntArray]) -> BoolArray:
    """Which pairs have the first or the second sentence in common, (n_pairs, n_pairs)."""
    same = np.zeros((len(rows), len(rows)), dtype=np.bool_)
    for side in (rows, pairs):
        numbers = sentence_numbers(side)
        same |= numbers[:, None] == numbers
    return same


def sentence_numbers(rows: Sequence[IntArray]) -> IntArray:
    """A number for each sentence, the same for those of the same vectors, (n,)."""
    known: dict[bytes, int] = {}
    return np.array([known.setdefault(row.tobytes(), len(known)) for row in rows], dtype=np.intp)


def batches(lengths: IntArray, size: int, rng: np.random.Generator | None) -> Iterator[IntArray]:
    """The places of all examples in batches of sentences of about one length.

    With `rng` the batches are random and differ from epoch to epoch; without it the examples are
    sorted by length, which is the quickest way to predict.
    """
    if rng is None:
        order = np.argsort(lengths, kind="stable")
        for start in range(0, len(order), size):
            yield order[start : start + size]
        return
    order = rng.permutation(len(lengths))
    span = size * _NEAR_LENGTHS
    for start in range(0, len(order), span):
        part = order[start : start + span]
        order[start : start + span] = part[np.argsort(lengths[part], kind="stable")]
    starts = np.arange(0, len(order), size)
    for start in rng.permutation(starts):
        yield order[start : start + size]


def drop_words(batch: Batch, rate: float, rng: np.random.Generator) -> None:
    """Hides each word with the probability `rate`, never the target or a sentence's first word."""
    dropped = rng.random(batch.hidden.shape, dtype=np.float32) < rate  # (B, n)
    kept = np.zeros(len(dropped), dtype=np.intp) if batch.targets is None else batch.targets
    dropped[np.arange(len(dropped)), kept] = False
    batch.hidden |= dropped


def _padded(
    examples: Examples, places: IntArray | Sequence[int], n_tokens: int
) -> FloatArray | None:
    if examples.weights is None:
        return None
    padded = np.full((len(places), n_tokens, n_tokens), np.nan)  # (B, n, n)
    for b, place in enumerate(places):
        given = examples.weights[place]
        padded[b, : len(given), : len(given)] = given
    return padded
