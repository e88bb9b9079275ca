"""What an object shows of itself in a notebook, as data: facts, tables and curves.

`training` and `api` say what is to be seen; `views/cards.py` draws it as HTML and as LaTeX.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeAlias


class Shaded(NamedTuple):
    """A cell of a table that has a color: its text, and the share of the palette, 0 to 1."""

    text: str
    share: float


Cell: TypeAlias = str | int | float | Shaded | None


class Facts(NamedTuple):
    """Names and what they are."""

    facts: Mapping[str, Cell]
    title: str = ""


class Grid(NamedTuple):
    """A table: the first cell of each row is its name. `digits` are those of numbers with a point."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    title: str = ""
    digits: int = 4


class Curve(NamedTuple):
    """Numbers by step, one line for each name; None where there is none at this step."""

    steps: Sequence[float]
    lines: Mapping[str, Sequence[float | None]]
    title: str
    across: str


Part: TypeAlias = Facts | Grid | Curve


class Card(NamedTuple):
    """A title, a line below it, and what stands below that."""

    title: str
    line: str
    parts: Sequence[Part]


class ShowsCard:
    """The base of what a notebook shows as a card; elsewhere it is one line."""

    __slots__ = ()

    def card(self) -> Card:
        """What a notebook shows of this, as data."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        """What a notebook shows: without a script, and without a network."""
        return as_html(self.card())

    def _repr_latex_(self) -> str:
        """What a notebook that is printed shows."""
        return as_latex(self.card())


def as_html(card: Card) -> str:
    """A card as a notebook shows it."""
    from attncli.views.cards import card_html

    return card_html(card)


def as_latex(card: Card) -> str:
    """A card as a notebook that is printed shows it."""
    from attncli.views.cards import card_latex

    return card_latex(card)


def some_of(values: Iterable[str], most: int) -> str:
    """The first of several texts, and how many more there are."""
    listed = list(values)
    more = len(listed) - most
    return ", ".join(listed[:most]) + (f" … and {more:,} more" if more > 0 else "")
