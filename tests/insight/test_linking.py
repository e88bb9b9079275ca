"""From how strongly words point at each other to links: every way of joining, against plain loops."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.insight.linking import linked

SIZES = st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(0, 10_000))


def drawn(size: tuple[int, int, int]) -> np.ndarray:
    """Numbers of which no two are equal, (n_target, n_source)."""
    m, n, seed = size
    return np.random.default_rng(seed).permutation(m * n).reshape(m, n) / (m * n) + 0.01


def both_ways(matrix: np.ndarray) -> tuple[set, set]:
    """The links of each target word, and of each source word, by argmax."""
    m, n = matrix.shape
    forward = {(max(range(n), key=lambda i: matrix[j, i]), j) for j in range(m)}
    backward = {(i, max(range(m), key=lambda j: matrix[j, i])) for i in range(n)}
    return forward, backward


def grown(forward: set, backward: set, final: str) -> set:
    """The heuristic of Koehn, Och & Marcu as its pseudocode has it, over all points again and again."""
    links = forward & backward
    around = [(-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)]
    while True:
        before = set(links)
        for i, j in sorted(links):
            for a, b in around:
                new = (i + a, j + b)
                lone = new[0] not in {x for x, _ in links} or new[1] not in {y for _, y in links}
                if new in forward | backward and lone:
                    links.add(new)
        if links == before:
            break
    for way in (forward, backward) if final else ():
        for i, j in sorted(way):
            lonely = [i not in {x for x, _ in links}, j not in {y for _, y in links}]
            if all(lonely) if final == "and" else any(lonely):
                links.add((i, j))
    return links


@given(SIZES)
def test_links_are_those_of_argmax(size: tuple[int, int, int]) -> None:
    """One way, what both say, what any says."""
    matrix = drawn(size)
    forward, backward = both_ways(matrix)
    assert set(linked(matrix)) == forward
    assert set(linked(matrix, "intersection")) == forward & backward
    assert set(linked(matrix, "union")) == forward | backward
    assert list(linked(matrix, "union")) == sorted(forward | backward)


@given(SIZES)
def test_grown_links_lie_between_both(size: tuple[int, int, int]) -> None:
    """No link is lost of what both say, none is made that no way says; final leaves no word alone."""
    matrix = drawn(size)
    forward, backward = both_ways(matrix)
    grow = set(linked(matrix, "grow-diag"))
    filled = set(linked(matrix, "grow-diag-final"))
    careful = set(linked(matrix, "grow-diag-final-and"))
    assert forward & backward <= grow <= careful
    assert grow <= filled <= forward | backward
    assert careful <= forward | backward
    assert {i for i, _ in filled} == set(range(matrix.shape[1]))
    assert {j for _, j in filled} == set(range(matrix.shape[0]))


@given(SIZES)
def test_a_link_grows_beside_another_and_only_for_a_lone_word(size: tuple[int, int, int]) -> None:
    """Nothing that may be added is left: the closure of the pseudocode has the same words."""
    matrix = drawn(size)
    forward, backward = both_ways(matrix)
    grow = set(linked(matrix, "grow-diag"))
    expected = grown(forward, backward, "")
    assert {i for i, _ in grow} == {i for i, _ in expected}
    assert {j for _, j in grow} == {j for _, j in expected}


def test_an_example_of_growing_by_hand() -> None:
    """2-2 is said one way, beside 1-1; 3-0 is far from all: final alone takes it."""
    matrix = np.array(
        [
            [9.0, 1.0, 0.0, 5.0],
            [2.0, 8.0, 1.0, 0.0],
            [0.0, 7.0, 6.0, 1.0],
        ]
    )
    assert linked(matrix) == ((0, 0), (1, 1), (1, 2))
    assert linked(matrix, "intersection") == ((0, 0), (1, 1))
    assert linked(matrix, "grow-diag") == ((0, 0), (1, 1), (1, 2), (2, 2))
    assert linked(matrix, "grow-diag-final") == ((0, 0), (1, 1), (1, 2), (2, 2), (3, 0))
    assert linked(matrix, "grow-diag-final-and") == ((0, 0), (1, 1), (1, 2), (2, 2))


def test_itermax_looks_again_among_the_words_that_are_left() -> None:
    """Source 1 and target 1 choose linked words first; the next look links them to each other."""
    matrix = np.array([[0.9, 0.8], [0.7, 0.75]])
    assert linked(matrix, "intersection") == ((0, 0),)
    assert linked(matrix, "itermax") == ((0, 0), (1, 1))


@given(SIZES)
def test_itermax_is_the_algorithm_of_the_paper(size: tuple[int, int, int]) -> None:
    """Two looks, 0.9 where one of the words has a link, nothing where both have."""
    matrix = drawn(size)
    m, n = matrix.shape
    links: set[tuple[int, int]] = set()
    for _ in range(2):
        masked = matrix.copy()
        for j in range(m):
            for i in range(n):
                has = (any(a == i for a, _ in links), any(b == j for _, b in links))
                masked[j, i] *= 0.0 if all(has) else 0.9 if any(has) else 1.0
        forward, backward = both_ways(masked)
        links |= {(i, j) for i, j in forward & backward if masked[j, i] > 0}
    assert set(linked(matrix, "itermax")) == links


@given(SIZES, st.floats(0, 1.1))
def test_no_link_is_weaker_than_the_threshold(size: tuple[int, int, int], least: float) -> None:
    """Whatever the way; a link that is left is the strongest of those above."""
    matrix = drawn(size)
    for how in ("none", "union", "intersection", "grow-diag-final", "itermax"):
        assert all(matrix[j, i] >= least for i, j in linked(matrix, how, threshold=least))
    kept = {j for _, j in linked(matrix, threshold=least)}
    assert kept == {j for j in range(len(matrix)) if matrix[j].max() >= least}


def test_of_equal_numbers_the_nearest_to_the_diagonal_counts() -> None:
    """Words that stand twice on both sides are linked in order."""
    same = np.array([[1.0, 0, 1], [0, 1, 0], [1, 0, 1]])
    assert linked(same, "intersection") == ((0, 0), (1, 1), (2, 2))


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_an_empty_side_has_no_links(shape: tuple[int, int]) -> None:
    """Of no words at all."""
    assert linked(np.zeros(shape), "union") == ()


def test_what_is_not_allowed_is_no_link() -> None:
    """Not even where nothing else is left."""
    may = np.array([[False, False], [False, True]])
    matrix = np.array([[0.9, 0.8], [0.7, 0.1]])
    assert linked(matrix, allowed=may) == ((1, 1),)
    assert linked(matrix, "itermax", allowed=may) == ((1, 1),)
