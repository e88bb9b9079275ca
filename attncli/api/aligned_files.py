"""Files of pairs → their alignments, line by line, and how well these agree with links of people."""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

from attncli.api.aligning import Aligner, MeasuredHead
from attncli.api.pair_files import GoldFile, PairRow
from attncli.errors import AttnError, UsageError, field_name
from attncli.mechanisms.aligning import HeadChoice
from attncli.results.alignment import Alignment
from attncli.results.gold_links import AlignmentScores, GoldLinks, expect_in_range, link_scores


class AlignedRow(NamedTuple):
    """A pair, its line in a file, from 1, its number, from 0, and what became of it."""

    line: int | None
    number: int
    outcome: Alignment | AttnError


def aligned_rows(lots: Iterable[list[PairRow]], aligner: Aligner) -> Iterator[list[AlignedRow]]:
    """Every line with its alignment, or why it has none, in order, some at a time."""
    index = 0
    for lot in lots:
        pairs = [row.pair for row in lot if not isinstance(row.pair, AttnError)]
        outcomes = aligner(pairs)
        done = []
        for row in lot:
            outcome = row.pair if isinstance(row.pair, AttnError) else next(outcomes)
            done.append(AlignedRow(row.line, index, outcome))
            index += 1
        yield done


class GoldScoring:
    """Adds up how well pairs agree with the links of a file; those before `start` do not count.

    unscored: how many pairs could not be aligned.
    """

    def __init__(self, gold: GoldFile, pairs: str, start: int = 0) -> None:
        self.scores = AlignmentScores()
        self.unscored = 0
        self._gold, self._pairs, self._start, self._seen = gold, pairs, start, 0

    def see(self, row: AlignedRow) -> None:
        """Counts a pair. Raises: DataError for links that do not fit it, or where it has none."""
        self._seen = row.number + 1
        links = self._gold.of_pair(row.number, f"{self._pairs}:{row.number + 1}")
        if isinstance(row.outcome, AttnError):
            self.unscored += row.number >= self._start
            return
        links = _fitting(self._gold, row.number, links, row.outcome)
        if row.number >= self._start:
            self.scores = self.scores.plus(link_scores(row.outcome.links, links))

    def end(self) -> None:
        """Raises: DataError where there were links of more pairs."""
        self._gold.expect_no_more(self._seen)

    def to_record(self, aligner: Aligner, chosen: "ChosenHead | None") -> dict[str, Any]:
        """The scores as the JSON of `attn align` has them."""
        choice = aligner.choice
        named = {} if choice is None else _named(choice)
        return {
            "type": "alignment-scores",
            "schema": "1.0",
            **self.scores.to_dict(),
            "unscored": self.unscored,
            **named,
            "chosen": None if chosen is None else chosen.to_dict(),
        }


class ChosenHead(NamedTuple):
    """The heads that were tried on the first `pairs` pairs, the best of them first."""

    pairs: int
    measured: list[MeasuredHead]

    @property
    def best(self) -> MeasuredHead:
        """The one that is read."""
        return self.measured[0]

    def to_dict(self) -> dict[str, Any]:
        """On how many pairs it was chosen, and the rate of each."""
        tried = [{**_named(one.choice), "aer": one.scores.aer} for one in self.measured]
        return {"pairs": self.pairs, "tried": tried}


def _named(choice: HeadChoice) -> dict[str, Any]:
    """Heads as JSON has them."""
    return {"layers": choice.layers, "heads": choice.heads, "align_with": choice.aligned_with}


def with_chosen_head(
    lots: Iterable[list[PairRow]], aligner: Aligner, gold: GoldFile
) -> tuple[Iterator[list[PairRow]], Aligner, ChosenHead]:
    """An aligner with the heads that are best on the first half of the pairs that have links.

    The other half is left to measure them by. The lots are given back whole.
    Raises: UsageError where there are fewer than two pairs, or no heads; DataError for links that do
    not fit.
    """
    half = len(gold.links) // 2
    if not half:
        raise UsageError(
            "found the links of one pair, expected two or more: heads are chosen on the first half "
            "and measured on the other",
            place=field_name("choose_head"),
        )
    lots = iter(lots)
    begun: list[list[PairRow]] = []
    while sum(map(len, begun)) < half and (lot := next(lots, None)):
        begun.append(lot)
    rows = list(chain.from_iterable(begun))[:half]
    pairs, asked = [], []
    for index, row in enumerate(rows):
        if not isinstance(row.pair, AttnError):
            pairs.append(row.pair)
            asked.append(partial(_fitting, gold, index, gold.links[index]))
    better, measured = aligner.with_best_head(pairs, asked)
    return chain(begun, lots), better, ChosenHead(len(rows), measured)


def _fitting(gold: GoldFile, index: int, links: GoldLinks, alignment: Alignment) -> GoldLinks:
    """The links of a pair. Raises: DataError, with their place, where they do not fit it."""
    try:
        expect_in_range(links, len(alignment.source), len(alignment.target), first=gold.first)
    except AttnError as error:
        error.place = gold.place(index)
        raise
    return links
