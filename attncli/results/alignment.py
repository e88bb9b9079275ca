"""Which word of a text is which word of its translation: what `attn align` finds of pairs."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from attncli.arrays import FloatArray
from attncli.checks.arguments import unexpected
from attncli.errors import ShapeError
from attncli.errors.wording import counted_as, quoted
from attncli.results.cards import Card, Cell, Facts, Grid, Part, Shaded, ShowsCard
from attncli.results.displayed import visible_blank
from attncli.results.gold_links import (
    AlignmentScores,
    GoldLinks,
    Link,
    expect_in_range,
    given_links,
    link_scores,
    pharaoh,
)

_SHOWN = 50  # pairs in a notebook
_MOST_CELLS = 40  # words of a side whose matrix a notebook shows


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Alignment(ShowsCard):
    """The words of a text and of its translation, and which belong together.

    links: pairs (i, j) of the places of a source word and a target word, from 0, in order. matrix:
    how strongly each target word points at each source word: a share of its attention, or the cosine
    of two vectors. unknown: the words that have no vector. Shape: matrix (n_target, n_source).

    >>> alignment = align("the old bank", "the bank is old")
    >>> alignment.links
    ((0, 0), (1, 3), (2, 1))
    >>> alignment.to_pharaoh()
    '0-0 1-3 2-1'
    """

    source: tuple[str, ...]
    target: tuple[str, ...]
    links: tuple[Link, ...]
    matrix: FloatArray
    unknown: tuple[str, ...] = ()

    @property
    def weights(self) -> list[float]:
        """The number of `matrix` of each link."""
        return [float(self.matrix[j, i]) for i, j in self.links]

    @property
    def words(self) -> list[tuple[str, str]]:
        """The words of each link."""
        return [(self.source[i], self.target[j]) for i, j in self.links]

    def to_pharaoh(self) -> str:
        """The links as one line `i-j …`."""
        return pharaoh(self.links)

    def score(self, gold: "str | Iterable[Link] | GoldLinks") -> AlignmentScores:
        """How well the links agree with those that people made.

        `gold` is a line of Pharaoh, where 1?2 or 1p2 is possible and not sure, pairs of numbers, or
        GoldLinks. Raises: DataError for what is no link, or one of a word that is not there.

        >>> align("the old bank", "the bank is old").score("0-0 1-3 2-1 2?2").aer
        0.0
        """
        links = given_links(gold)
        expect_in_range(links, len(self.source), len(self.target))
        return link_scores(self.links, links)

    def to_record(self) -> dict[str, Any]:
        """The alignment as the JSON of `attn align` has it."""
        return {
            "type": "alignment",
            "schema": "1.0",
            "source": list(self.source),
            "target": list(self.target),
            "links": [list(link) for link in self.links],
            "weights": np.array(self.weights, dtype=np.float32),
        }

    def __repr__(self) -> str:
        sides = f"{len(self.source)} and {counted_as(len(self.target), 'word')}"
        return f"Alignment({self.to_pharaoh()!r}, {sides})"

    def card(self) -> Card:
        """The matrix with the source above and the target on the left; of long pairs the links."""
        title = counted_as(len(self.links), "link")
        source, target = (list(map(visible_blank, side)) for side in (self.source, self.target))
        parts: list[Part] = []
        if max(len(self.source), len(self.target), 1) > _MOST_CELLS or not self.links:
            rows: list[list[Cell]] = [
                [source[i], target[j], weight]
                for (i, j), weight in zip(self.links, self.weights, strict=True)
            ]
            parts.append(Grid(["source", "target", "weight"], rows[:_SHOWN]))
        else:
            linked = set(self.links)
            cells: list[list[Cell]] = [
                [word, *(self._cell(i, j, (i, j) in linked) for i in range(len(self.source)))]
                for j, word in enumerate(target)
            ]
            parts.append(Grid(["", *source], cells, "links are marked with •"))
        if self.unknown:
            parts.append(Facts({"without a vector": ", ".join(self.unknown)}))
        return Card(title, self.to_pharaoh(), parts)

    def _cell(self, i: int, j: int, is_link: bool) -> Shaded:
        weight = float(self.matrix[j, i])
        return Shaded(f"{'•' if is_link else ''}{weight:.2f}", min(max(weight, 0.0), 1.0))


class Alignments(list[Alignment], ShowsCard):
    """The alignments of several pairs, in their order."""

    def to_pharaoh(self) -> str:
        """A line for each pair, each with its end."""
        return "".join(alignment.to_pharaoh() + "\n" for alignment in self)

    def score(self, gold: "Iterable[str | Iterable[Link] | GoldLinks]") -> AlignmentScores:
        """How well all links agree with those that people made, one of `gold` for each pair.

        Raises: DataError, ArgumentError as of one; ShapeError where there are more or fewer.
        """
        try:
            listed = None if isinstance(gold, str | bytes) else list(gold)
        except Exception:  # whatever the caller's own objects raise
            listed = None
        if listed is None:
            raise unexpected(gold, "gold", "a list with the links of each pair")
        if len(listed) != len(self):
            raise ShapeError(
                f"found the links of {counted_as(len(listed), 'pair')}, expected {len(self)}",
                place="gold",
            )
        scores = AlignmentScores()
        for alignment, links in zip(self, listed, strict=True):
            scores = scores.plus(alignment.score(links))
        return scores

    def __repr__(self) -> str:
        some = "; ".join(quoted(alignment.to_pharaoh()) for alignment in self[:3])
        more = f"; … {len(self) - 3:,} more" if len(self) > 3 else ""
        return f"Alignments({some}{more})"

    def card(self) -> Card:
        """A row for each pair; of many the first."""
        rows: list[list[Cell]] = [
            [at, " ".join(one.source), " ".join(one.target), one.to_pharaoh()]
            for at, one in enumerate(self[:_SHOWN])
        ]
        line = f"the first {_SHOWN} of them" if len(self) > _SHOWN else ""
        grid = Grid(["place", "source", "target", "links"], rows)
        return Card(counted_as(len(self), "alignment"), line, [grid])
