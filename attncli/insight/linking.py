"""How strongly the words of two texts point at each other → which of them are linked."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

import numpy as np

from attncli.arrays import BoolArray, FloatArray
from attncli.results.gold_links import Link
from attncli.settings import Symmetrization

_Ways: TypeAlias = tuple[set[Link], set[Link]]
# Of Jalili Sabet et al. 2020: how often itermax looks again, and what a word counts that has a link.
_LOOKS, _AGAIN = 2, 0.9
_AROUND = ((-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))


def linked(
    matrix: FloatArray,
    how: Symmetrization = "none",
    *,
    threshold: float | None = None,
    allowed: BoolArray | None = None,
) -> tuple[Link, ...]:
    """The links (source, target) of two texts, in order. Shapes: matrix, allowed (n_target, n_source).

    Of the two ways, forward links each target word to the source word at which it points most
    strongly, backward each source word to its strongest target word. none: forward alone.
    intersection: what both say. union: what any says. grow-diag: the intersection, and links of the
    union beside them of words that have none (Koehn, Och & Marcu 2003); grow-diag-final: then also
    any link of a word that has none, grow-diag-final-and: of two such words. itermax: the
    intersection, and again among the words that are left (Jalili Sabet et al. 2020,
    arXiv:2004.08728, section 2.3).
    Of equal numbers the one nearest to the diagonal counts. Nothing below `threshold`, and nothing
    that is not `allowed`, becomes a link.

    >>> linked(np.array([[0.9, 0.1], [0.6, 0.4]]))
    ((0, 0), (0, 1))
    >>> linked(np.array([[0.9, 0.1], [0.6, 0.4]]), "intersection")
    ((0, 0),)
    """
    if matrix.size == 0:
        return ()
    may = np.ones(matrix.shape, dtype=bool) if allowed is None else allowed.copy()
    if threshold is not None:
        may &= matrix >= threshold
    if how == "itermax":
        return tuple(sorted(_iterated(matrix, may)))
    forward = _strongest(matrix, may)
    if how == "none":
        return tuple(sorted(forward))
    backward = _turned(_strongest(matrix.T, may.T))
    return tuple(sorted(_joined(forward, backward, how)))


def _joined(forward: set[Link], backward: set[Link], how: Symmetrization) -> set[Link]:
    """The links of both ways as one."""
    if how == "intersection":
        return forward & backward
    if how == "union":
        return forward | backward
    links = _grown(forward & backward, forward | backward)
    if how == "grow-diag-final":
        return _filled_in(links, (forward, backward), any)
    if how == "grow-diag-final-and":
        return _filled_in(links, (forward, backward), all)
    return links


def _strongest(matrix: FloatArray, may: BoolArray) -> set[Link]:
    """The link of each row to the column of its largest number, as (column, row)."""
    n_rows, n_columns = matrix.shape
    numbers = np.where(may, matrix, -np.inf)
    largest = numbers.max(axis=1, keepdims=True)  # (n_rows, 1)
    ways = (np.arange(n_columns) + 0.5) / n_columns
    steps = (np.arange(n_rows) + 0.5) / n_rows
    distance = np.abs(ways - steps[:, None])  # (n_rows, n_columns)
    nearest = np.where(numbers == largest, distance, np.inf).argmin(axis=1)  # (n_rows,)
    kept = np.flatnonzero(largest[:, 0] > -np.inf).tolist()
    return {(int(nearest[row]), row) for row in kept}


def _turned(links: Iterable[Link]) -> set[Link]:
    return {(j, i) for i, j in links}


def _grown(links: set[Link], among: set[Link]) -> set[Link]:
    """The links, and those beside them, if a word of them has none, until there is no other."""
    links = set(links)
    sources, targets = {i for i, _ in links}, {j for _, j in links}
    waiting = sorted(links)
    for i, j in waiting:  # it grows while it is gone through
        for down, right in _AROUND:
            link = i + down, j + right
            if link not in among or link in links:
                continue
            if link[0] not in sources or link[1] not in targets:
                links.add(link)
                waiting.append(link)
                sources.add(link[0])
                targets.add(link[1])
    return links


def _filled_in(
    links: set[Link], ways: _Ways, lacking: Callable[[Iterable[bool]], bool]
) -> set[Link]:
    """The links, and those of each way of which `lacking` (any, all) words have none yet."""
    links = set(links)
    sources, targets = {i for i, _ in links}, {j for _, j in links}
    for way in ways:
        for i, j in sorted(way):
            if lacking((i not in sources, j not in targets)):
                links.add((i, j))
                sources.add(i)
                targets.add(j)
    return links


def _iterated(matrix: FloatArray, may: BoolArray) -> set[Link]:
    """What both ways say, then again where a word has no link; one that has counts less."""
    links: set[Link] = set()
    factors, may = np.ones(matrix.shape), may & (matrix > 0)
    for _ in range(_LOOKS):
        numbers = matrix * factors
        more = _strongest(numbers, may) & _turned(_strongest(numbers.T, may.T))
        if not more - links:
            break
        links |= more
        free_sources = ~np.isin(np.arange(matrix.shape[1]), [i for i, _ in links])
        free_targets = ~np.isin(np.arange(matrix.shape[0]), [j for _, j in links])
        free = free_targets[:, None] | free_sources  # (n_target, n_source)
        both = free_targets[:, None] & free_sources
        factors = np.where(both, 1.0, _AGAIN)
        may = may & free
    return links
