"""The first screen of a result: a short sentence fits a terminal of 80 × 24.

It holds the weights, the equations they satisfy and a line a word on how far it moved; of the tokens
only those that a reader must be warned of. What a language model says of words comes first. A
sentence whose matrix is wider than the terminal is told by the strongest words of each row instead.
"""

from collections.abc import Sequence

from rich.segment import Segment

from attncli.insight.movement import Movement, most_moved
from attncli.insight.sums import sums_of
from attncli.results.displayed import visible_blank
from attncli.results.facts import Token
from attncli.results.result import AttentionResult
from attncli.views.embeddings import EXPECTED
from attncli.views.ink import Ink, Line, left, width_of, wrapped
from attncli.views.layout import Layout, Section
from attncli.views.matrix import fits

_STRONGEST = 3  # words of a row whose matrix is too wide
_NEAREST = 3  # words before and after
_LINES = 12  # words with a line of their own, on how far they moved
_MOST = 5  # words of a longer sentence that moved most


def first_screen(result: AttentionResult, ink: Ink, layout: Layout) -> Layout:
    """The layout with the sections of a first screen."""
    warned: tuple[Section, ...] = (
        ("tokens",) if warned_of((*result.tokens, *(result.keys or ()))) else ()
    )
    asked = layout.everything or layout.top is not None or layout.notation != "words"
    if asked or fits(result.words, ink, layout.width, layout.precision, result.key_words):
        equations: tuple[Section, ...] = ("equations",) if sums_of(result).terms else ()
        return layout._replace(sections=(*warned, "next", "weights", *equations, "moved"))
    return layout._replace(sections=(*warned, "next", "weights", "moved"), top=_STRONGEST)


def warned_of(tokens: Sequence[Token]) -> list[int]:
    """The places of the tokens that a reader must be warned of, such as unknown words."""
    return [place for place, token in enumerate(tokens) if token.status not in EXPECTED]


def moved_title(movements: Sequence[Movement]) -> str:
    """The heading of the words that moved."""
    if len(movements) > _LINES:
        return "the words that moved most: cosine of old and new"
    title = "how far each word moved: cosine of old and new"
    near = any(m.before or m.after for m in movements)
    return f"{title}, nearest words before → after" if near else title


def moved_lines(movements: Sequence[Movement], ink: Ink, width: int) -> list[Line]:
    """A line for each word; of a long sentence one line for the few that moved most."""
    if len(movements) > _LINES:
        most = most_moved(movements, _MOST)
        text = "  " + ", ".join(
            f"{ink.word(visible_blank(m.text), 16)} {m.cosine:.3f}" for m in most
        )
        return [[Segment(part)] for part in wrapped(text, width, 2)]
    labels = [ink.word(visible_blank(m.text), min(16, max(4, width // 3))) for m in movements]
    indent = max(map(width_of, labels), default=0)
    lines: list[Line] = []
    for m, label in zip(movements, labels, strict=True):
        start = f"  {left(label, indent)}  {m.cosine:6.3f}"
        near = _nearest(m, ink, width - width_of(start) - 2)
        lines.append([Segment(f"{start}  {near}" if near else start)])
    return lines


def _nearest(movement: Movement, ink: Ink, room: int) -> str:
    """As many of the nearest words before and after as there is room for."""
    for count in range(_NEAREST, 0, -1):
        before = ", ".join(ink.word(word) for word, _ in movement.before[:count])
        after = ", ".join(ink.word(word) for word, _ in movement.after[:count])
        text = ink.plain(f"{before or 'none'} → {after or 'none'}")
        if (before or after) and width_of(text) <= room:
            return text
    return ""
