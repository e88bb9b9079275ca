"""Links of words: Pharaoh and NAACL 2003 are read as written, and the error rate is that of the paper."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.errors import DataError
from attncli.results.alignment import Alignment, Alignments
from attncli.results.gold_links import (
    AlignmentScores,
    GoldLinks,
    link_scores,
    links_of_pharaoh,
    looks_numbered,
    naacl_link,
    pharaoh,
)

LINKS = st.frozensets(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=20)


def test_a_hand_made_example_has_the_rates_of_the_paper() -> None:
    """A = 0-0 1-1 2-1 3-3, S = 0-0 1-1 2-2, P = S and 2-1: 1 − (2 + 3) / (4 + 3)."""
    scores = link_scores([(0, 0), (1, 1), (2, 1), (3, 3)], links_of_pharaoh("0-0 1-1 2-2 2?1"))
    assert scores.precision == 3 / 4
    assert scores.recall == 2 / 3
    assert scores.aer == pytest.approx(1 - 5 / 7)


@given(st.lists(st.tuples(LINKS, LINKS, LINKS), min_size=1, max_size=6))
def test_rates_of_a_corpus_are_those_of_plain_loops(pairs: list[tuple[frozenset, ...]]) -> None:
    """Counts are summed over pairs, and only then divided."""
    total = AlignmentScores()
    in_sure = in_possible = n_links = n_sure = 0
    for links, sure, more in pairs:
        total = total.plus(link_scores(links, GoldLinks(sure, sure | more)))
        for link in links:
            n_links += 1
            in_sure += link in sure
            in_possible += link in sure or link in more
        n_sure += len(sure)
    assert total.pairs == len(pairs)
    assert total.precision == (in_possible / n_links if n_links else None)
    assert total.recall == (in_sure / n_sure if n_sure else None)
    if n_links + n_sure:
        assert total.aer == pytest.approx(1 - (in_sure + in_possible) / (n_links + n_sure))
        assert 0 <= total.aer <= 1
    else:
        assert total.aer is None


@given(LINKS)
def test_pharaoh_gives_the_same_links_back(links: frozenset[tuple[int, int]]) -> None:
    """In whatever order, and all of them sure."""
    line = pharaoh(links)
    assert links_of_pharaoh(line) == GoldLinks(links, links)
    assert pharaoh(links_of_pharaoh(line).sure) == line
    assert line.split() == [f"{i}-{j}" for i, j in sorted(links)]


@given(LINKS, LINKS, st.sampled_from("?p"), st.integers(0, 1))
def test_possible_links_are_not_sure(
    sure: frozenset[tuple[int, int]], more: frozenset[tuple[int, int]], mark: str, first: int
) -> None:
    """Both signs of what is possible, words counted from 0 or from 1; what is sure is possible."""
    texts = [f"{i + first}-{j + first}" for i, j in sure]
    texts += [f"{i + first}{mark}{j + first}" for i, j in more]
    assert links_of_pharaoh(" ".join(texts), first=first) == GoldLinks(sure, sure | more)


@pytest.mark.parametrize(
    "line", ["0", "0-", "-1-2", "0-1-2", "a-b", "0:1", "0-0,1-1", "1.5-2", "٣-٤", "9999999999-0"]
)
def test_what_is_no_link_is_said(line: str) -> None:
    """What came stands in the message, and how links are written."""
    with pytest.raises(DataError, match="expected links such as 0-0"):
        links_of_pharaoh(f"0-0 {line}")
    with pytest.raises(DataError, match="expected numbers from 1"):
        links_of_pharaoh("1-1 0-2", first=1)


def test_lines_of_naacl_2003_count_from_one() -> None:
    """S is sure, also where nothing is said; P is possible; 0 is no word; a confidence is passed over."""
    assert naacl_link("0001 1 2 S") == (0, (0, 1), True)
    assert naacl_link("7 3 4 P 0.25") == (6, (2, 3), False)
    assert naacl_link("1 5 6") == (0, (4, 5), True)
    assert naacl_link("2 0 3 P") == (1, None, False)
    assert looks_numbered("1 2 3 P")
    assert not looks_numbered("1-2 2-3 3-3")
    for line in ("0 1 1 S", "1 2", "1 2 3 X", "1 2 3 S 0.5 more", "1 a 3 S", "1 2 -3 S"):
        with pytest.raises(DataError, match="expected a line such as 1 2 3 S"):
            naacl_link(line)


def aligned(links: str, n_source: int = 3, n_target: int = 3) -> Alignment:
    """An alignment with these links."""
    names = tuple("abcdefgh"[:n_source]), tuple("ABCDEFGH"[:n_target])
    matrix = np.arange(n_source * n_target, dtype=float).reshape(n_target, n_source) / 10
    return Alignment(*names, tuple(sorted(links_of_pharaoh(links).sure)), matrix)


def test_an_alignment_scores_itself() -> None:
    """By a line of Pharaoh, by pairs of numbers, by links of both kinds; several by a list."""
    alignment = aligned("0-0 1-2")
    assert alignment.words == [("a", "A"), ("b", "C")]
    assert alignment.weights == [0.0, 0.7]
    assert alignment.score("0-0 1-2").aer == 0
    assert alignment.score([(0, 0), (1, 2)]).aer == 0
    assert alignment.score(GoldLinks(frozenset({(0, 0)}), frozenset({(1, 2)}))).aer == 0
    assert alignment.score("2-2").aer == 1
    both = Alignments([alignment, aligned("2-2")])
    assert both.to_pharaoh() == "0-0 1-2\n2-2\n"
    assert both.score(["0-0", "2-2 0-0"]).aer == pytest.approx(1 - (2 + 2) / (3 + 3))
    with pytest.raises(ValueError, match="found the links of 1 pair, expected 2"):
        both.score(["0-0"])


def test_links_of_words_that_are_not_there_are_said() -> None:
    """Which word, of which side, and how many there are."""
    with pytest.raises(
        DataError, match="word 3 of the source, which has 3 words: expected numbers from 0 to 2"
    ):
        aligned("0-0").score("3-0")
    with pytest.raises(DataError, match="word 7 of the target, which has 2 words"):
        aligned("0-0", 3, 2).score([(0, 7)])


def test_a_notebook_shows_words_as_text() -> None:
    """The matrix with both sides, links marked; words are escaped."""
    matrix = np.array([[0.75, 0.25]])
    alignment = Alignment(("<b>", "ש"), ("&",), ((0, 0),), matrix)
    shown = alignment._repr_html_()
    assert "<b>" not in shown
    assert "&lt;b&gt;" in shown
    assert "•0.75" in shown
    assert "0.25" in shown
    assert repr(alignment) == "Alignment('0-0', 2 and 1 word)"
    assert "0-0" in Alignments([alignment])._repr_html_()
    assert "tabular" in alignment._repr_latex_()
