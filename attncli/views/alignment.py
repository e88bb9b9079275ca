"""Alignments as lines: the words that belong together, and how well they agree with links of people."""

from collections.abc import Sequence
from typing import Protocol

from rich.segment import Segment

from attncli.errors.wording import counted_as
from attncli.results.alignment import Alignment
from attncli.results.displayed import visible_blank
from attncli.results.gold_links import AlignmentScores
from attncli.views.ink import Ink, Line, left, width_of

_WIDEST = 24  # columns of a word
_DIGITS = 4  # of rates


def alignment_lines(alignment: Alignment, ink: Ink) -> list[Line]:
    """A line for each link: both words, their places, the weight; then the words without a link."""
    rows = [
        (_named(one, ink), f"{i}-{j}", _named(other, ink))
        for (i, j), (one, other) in zip(alignment.links, alignment.words, strict=True)
    ]
    widths = [max((width_of(row[at]) for row in rows), default=0) for at in range(3)]
    lines: list[Line] = []
    for row, weight in zip(rows, alignment.weights, strict=True):
        start = "  ".join(left(cell, width) for cell, width in zip(row, widths, strict=True))
        cell = ink.weight(f" {weight:.3f} ", min(max(weight, 0.0), 1.0))
        lines.append([Segment(f"{start} "), cell])
    with_link = [{link[side] for link in alignment.links} for side in (0, 1)]
    sides = {"source": alignment.source, "target": alignment.target}
    for (side, words), places in zip(sides.items(), with_link, strict=True):
        alone = [_named(word, ink) for at, word in enumerate(words) if at not in places]
        if alone:
            lines.append([ink.dim(f"no link, {side}: {' '.join(alone)}")])
    return lines


def _named(text: str, ink: Ink) -> str:
    return ink.word(visible_blank(text), _WIDEST)


def score_line(scores: AlignmentScores) -> str:
    """The rates, and of how many links and pairs they are."""
    named = {"precision": scores.precision, "recall": scores.recall, "AER": scores.aer}
    rates = "  ".join(f"{name} {_rate(value)}" for name, value in named.items())
    counts = f"{scores.links:,} links of {counted_as(scores.pairs, 'pair')}"
    return f"{rates}  {counts}; gold: {scores.sure:,} sure, {scores.possible:,} possible"


class ChosenHeads(Protocol):
    """Layers and heads that are read, from 0."""

    @property
    def layers(self) -> Sequence[int]:
        """Of the decoder."""

    @property
    def heads(self) -> Sequence[int]:
        """Of each of them."""

    @property
    def aligned_with(self) -> str:
        """At which step."""


def chosen_line(heads: ChosenHeads, scores: AlignmentScores, pairs: int) -> str:
    """Which heads were chosen, on how many pairs, with what error rate there."""
    named = f"{_numbered('layer', heads.layers)}, {_numbered('head', heads.heads)}"
    named += f", aligned with {heads.aligned_with}"
    first = "pair" if pairs == 1 else f"{pairs:,} pairs"
    return f"{named}: chosen on the first {first}, AER {_rate(scores.aer)}; measured on the others"


def _numbered(name: str, numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"{name} {numbers[0]}"
    is_range = list(numbers) == list(range(numbers[0], numbers[-1] + 1))
    listed = f"{numbers[0]}-{numbers[-1]}" if is_range else ",".join(map(str, numbers))
    return f"the mean of {name}s {listed}"


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.{_DIGITS}f}"
