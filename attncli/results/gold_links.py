"""Links of words as people write them, and how well an alignment agrees with links that people made.

A link (i, j) says that word i of the source is word j of the target, both from 0. Pharaoh writes the
links of a pair on one line: `0-0 1-2`; a link that is possible and not sure is `1?2` or `1p2`. The
shared task of NAACL 2003 writes one link on each line, from 1: the number of the pair, that of the
source word, that of the target word, and S or P.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from attncli.checks.arguments import said, unexpected
from attncli.errors import DataError, setting
from attncli.errors.wording import counted_as, quoted

Link: TypeAlias = tuple[int, int]
Links: TypeAlias = frozenset[Link]

_LINK = re.compile(r"([0-9]{1,9})([-?p])([0-9]{1,9})", re.ASCII)
_NULL = 0  # in the place of a word that has none, where words count from 1


class GoldLinks(NamedTuple):
    """The links that people made of a pair: those that are sure, and all that are possible.

    What is sure is possible too.
    """

    sure: Links = frozenset()
    possible: Links = frozenset()


class AlignmentScores(NamedTuple):
    """How many links of how many pairs agree with those that people made.

    links: those that were made, |A|; sure, possible: those of people, |S| and |P|, where S is in P;
    in_sure: |A ∩ S|; in_possible: |A ∩ P|. Counts of several pairs are sums.

    precision = |A ∩ P| / |A|, recall = |A ∩ S| / |S|,
    aer = 1 − (|A ∩ S| + |A ∩ P|) / (|A| + |S|), the alignment error rate: 0 is best, 1 worst.
    Each is None where it would be 0 / 0.
    Source: Och & Ney 2003, "A Systematic Comparison of Various Statistical Alignment Models",
    Computational Linguistics 29(1), section 2.2.

    >>> scores = AlignmentScores(pairs=1, links=3, sure=2, possible=4, in_sure=1, in_possible=3)
    >>> scores.precision, scores.recall, round(scores.aer, 3)
    (1.0, 0.5, 0.2)
    """

    pairs: int = 0
    links: int = 0
    sure: int = 0
    possible: int = 0
    in_sure: int = 0
    in_possible: int = 0

    @property
    def precision(self) -> float | None:
        """The share of the links that are possible."""
        return _share(self.in_possible, self.links)

    @property
    def recall(self) -> float | None:
        """The share of the sure links that were made."""
        return _share(self.in_sure, self.sure)

    @property
    def aer(self) -> float | None:
        """The alignment error rate."""
        right = _share(self.in_sure + self.in_possible, self.links + self.sure)
        return None if right is None else 1.0 - right

    def plus(self, other: "AlignmentScores") -> "AlignmentScores":
        """The scores of both together: of their sums, not the mean of their rates."""
        return AlignmentScores(*(one + more for one, more in zip(self, other, strict=True)))

    def __repr__(self) -> str:
        rates = {"precision": self.precision, "recall": self.recall, "aer": self.aer}
        listed = ", ".join(f"{n}={'None' if v is None else f'{v:.4f}'}" for n, v in rates.items())
        return f"AlignmentScores({listed}, pairs={self.pairs:,}, links={self.links:,})"

    def to_dict(self) -> dict[str, Any]:
        """Rates and counts, as the JSON of `attn align` has them."""
        rates = {"precision": self.precision, "recall": self.recall, "aer": self.aer}
        return {**rates, **self._asdict()}


def link_scores(links: Iterable[Link], gold: GoldLinks) -> AlignmentScores:
    """The scores of the links of one pair."""
    own = frozenset(links)
    return AlignmentScores(
        pairs=1,
        links=len(own),
        sure=len(gold.sure),
        possible=len(gold.possible),
        in_sure=len(own & gold.sure),
        in_possible=len(own & gold.possible),
    )


def pharaoh(links: Iterable[Link]) -> str:
    """Links on one line, in the order of the source, then of the target.

    >>> pharaoh({(1, 0), (0, 2)})
    '0-2 1-0'
    """
    return " ".join(f"{i}-{j}" for i, j in sorted(links))


def links_of_pharaoh(line: str, *, first: int = 0) -> GoldLinks:
    """The links of a line of Pharaoh, whose words count from `first`. Raises: DataError.

    >>> gold = links_of_pharaoh("0-0 1?2")
    >>> sorted(gold.sure), sorted(gold.possible)
    ([(0, 0)], [(0, 0), (1, 2)])
    """
    sure, possible = set(), set()
    for text in line.split():
        parts = _LINK.fullmatch(text)
        if parts is None:
            raise DataError(
                f"found {quoted(text)}, expected links such as 0-0 (sure), 0?1 or 0p1 (possible)"
            )
        link = int(parts[1]) - first, int(parts[3]) - first
        if min(link) < 0:
            raise DataError(f"found {quoted(text)}, expected numbers from {first}")
        possible.add(link)
        if parts[2] == "-":
            sure.add(link)
    return GoldLinks(frozenset(sure), frozenset(possible))


class NumberedLink(NamedTuple):
    """A line of NAACL 2003: the number of the pair from 0, the link (None of no word), if it is sure."""

    pair: int
    link: Link | None
    is_sure: bool


def naacl_link(line: str) -> NumberedLink:
    """A line as `1 2 3 S`: pair, source word and target word from 1, S (sure) or P (possible).

    A number of confidence may stand at its end, and is passed over. Raises: DataError.
    """
    parts = line.split()
    numbers = [int(part) for part in parts[:3] if _is_number(part)]
    rest = parts[3:]
    kind = rest.pop(0) if rest and rest[0] in ("S", "P") else "S"
    if len(numbers) < 3 or numbers[0] < 1 or len(rest) > 1 or (rest and not _is_rate(rest[0])):
        raise DataError(
            f"found {quoted(line.strip())}, expected a line such as 1 2 3 S: pair, source word, "
            "target word from 1, S or P"
        )
    pair, i, j = numbers
    link = None if _NULL in (i, j) else (i - 1, j - 1)
    return NumberedLink(pair - 1, link, kind == "S")


def looks_numbered(line: str) -> bool:
    """Whether a line is one of NAACL 2003, and none of Pharaoh."""
    parts = line.split()
    return len(parts) >= 3 and all(map(_is_number, parts[:3]))


def expect_in_range(gold: GoldLinks, n_source: int, n_target: int, *, first: int = 0) -> None:
    """Raises: DataError for a link of a word that the pair has not; `first` is how words were counted."""
    for i, j in sorted(gold.possible):
        for number, count, side in ((i, n_source, "source"), (j, n_target, "target")):
            if number < count:
                continue
            words = counted_as(count, "word")
            from_one = (f"{setting(one_based=True)} reads links that count from 1",)
            raise DataError(
                f"found a link to word {number + first} of the {side}, which has {words}: expected "
                f"numbers from {first} to {count - 1 + first}",
                hints=from_one if first == 0 and number == count else (),
            )


def given_links(gold: object, name: str = "gold") -> GoldLinks:
    """Links that a caller gives: a line of Pharaoh, pairs of numbers (all sure), or GoldLinks.

    Raises: DataError, ArgumentError.
    """
    if isinstance(gold, str):
        return links_of_pharaoh(str.__str__(gold))
    if isinstance(gold, GoldLinks):
        sure, possible = _pairs(gold.sure, name), _pairs(gold.possible, name)
        return GoldLinks(sure, sure | possible)
    sure = _pairs(gold, name)
    return GoldLinks(sure, sure)


def _pairs(links: Any, name: str) -> Links:
    expected = "links: a line of Pharaoh such as 0-0 1?2, or pairs of numbers"
    if isinstance(links, bytes | Mapping):
        raise unexpected(links, name, expected)
    try:
        pairs = [tuple(int(number) for number in link) for link in links]
    except Exception:  # whatever the caller's own objects raise
        raise unexpected(links, name, expected) from None
    for pair in pairs:
        if len(pair) != 2 or min(pair) < 0:
            raise DataError(f"found {quoted(said(pair))}, expected {expected}", place=name)
    return frozenset((pair[0], pair[1]) for pair in pairs)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _is_rate(text: str) -> bool:
    return re.fullmatch(r"[0-9]+(\.[0-9]*)?|\.[0-9]+", text, re.ASCII) is not None
