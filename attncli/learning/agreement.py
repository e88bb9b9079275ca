"""How well numbers agree with those that were wanted, and which place the right one of many has."""

import numpy as np

from attncli.arrays import BoolArray, FloatArray, IntArray
from attncli.attention.products import product

_BLOCK = 512  # sentences whose cosines with all others are held at once


def pearson(one: FloatArray, other: FloatArray) -> float:
    """The correlation of two lists of numbers, (n,) each; 0 where one of them never changes."""
    first, second = (
        values.astype(np.float64) - values.mean(dtype=np.float64) for values in (one, other)
    )
    size = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / size if size else 0.0


def spearman(one: FloatArray, other: FloatArray) -> float:
    """The correlation of the ranks of two lists of numbers, (n,) each; equal numbers share a rank."""
    return pearson(shared_ranks(one), shared_ranks(other))


def shared_ranks(values: FloatArray) -> FloatArray:
    """The rank of each number from 1, equal ones the mean of theirs, (n,)."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)  # the rank of the last of equals
    ranks: FloatArray = (last - (count - 1) / 2)[place.reshape(-1)]
    return ranks


def ranks_of_partners(
    asking: FloatArray, answering: FloatArray, asks: IntArray, answers: IntArray
) -> IntArray:
    """Which place the right answer has among all different ones, from 1, for each that asks, (n,).

    Shapes: asking, answering (n, size) unit vectors; asks, answers (n,) numbers of the sentences.
    An answer is right where any pair has it with the same question. A wrong one that is just as
    near comes first.
    """
    _, first = np.unique(answers, return_index=True)  # each answer once
    candidates = answering[first]  # (m, size)
    ranks = np.empty(len(asking), dtype=np.intp)
    known = {(int(a), int(b)) for a, b in zip(asks, answers, strict=True)}
    partners: dict[int, list[int]] = {}
    for ask, answer in known:
        partners.setdefault(ask, []).append(answer)
    for start in range(0, len(asking), _BLOCK):
        near = product(asking[start : start + _BLOCK], candidates.T)  # (≤ _BLOCK, m)
        right = _right(asks[start : start + _BLOCK], partners, near.shape)
        best = np.where(right, near, -np.inf).max(axis=1, keepdims=True)
        ranks[start : start + _BLOCK] = 1 + ((near >= best) & ~right).sum(axis=1)
    return ranks


def _right(asks: IntArray, partners: dict[int, list[int]], shape: tuple[int, ...]) -> BoolArray:
    """Which answers are right for each that asks; answers are numbered as they are listed."""
    right = np.zeros(shape, dtype=np.bool_)
    for row, ask in enumerate(asks.tolist()):
        right[row, partners[ask]] = True
    return right


def mean_reciprocal_rank(ranks: IntArray) -> float:
    """The mean of 1 ÷ rank (Voorhees 1999)."""
    return float((1.0 / ranks).mean())


def both_ways(
    first: FloatArray, second: FloatArray, texts: IntArray, pairs: IntArray
) -> tuple[IntArray, IntArray]:
    """The ranks of the second sentences for the first ones, and of the first for the second."""
    return (
        ranks_of_partners(first, second, texts, pairs),
        ranks_of_partners(second, first, pairs, texts),
    )
