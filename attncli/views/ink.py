"""Text for a terminal: lines of styled segments, and what the terminal can show.

A view returns lines (lists of rich `Segment`s) and never asks the environment: whether there are
colors, and which, is said by the `Ink` it is given. Words from outside enter through `Ink.word`,
which makes control characters visible and sets right-to-left words apart. All lines leave through
`Ink.rendered`, where what was forgotten is made up for: nothing in them is obeyed by a terminal, and
none is wider than the ink's width.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby
from typing import Literal, NamedTuple, TypeAlias

from rich.cells import cell_len, chop_cells, set_cell_size
from rich.color import Color, ColorSystem
from rich.segment import Segment
from rich.style import Style

from attncli.errors.wording import visible
from attncli.escape import MARK, harmless, set_apart, spelled, whole_marks
from attncli.views.palette import (
    PaletteName,
    ansi_rgb,
    text_on,
    weight_ansi16,
    weight_ansi256,
    weight_rgb,
)

Colors: TypeAlias = Literal["truecolor", "256", "16"]
Line: TypeAlias = list[Segment]

_SYSTEMS = {
    "truecolor": ColorSystem.TRUECOLOR,
    "256": ColorSystem.EIGHT_BIT,
    "16": ColorSystem.STANDARD,
}
_BOLD = Style(bold=True)
_DIM = Style(dim=True)
_MAX_MARKS = 8  # code points in one terminal cell, accents and all


class Ink(NamedTuple):
    """What the terminal can show: how many colors (None: none at all), and whether Unicode.

    Lines wider than `width` are folded as they leave; None lets them be of any width. The ends of
    the colors stand for the weights `low` and `high`.
    """

    colors: Colors | None = None
    unicode: bool = True
    palette: PaletteName = "viridis"
    width: int | None = None
    low: float = 0.0
    high: float = 1.0

    def weight(self, text: str, weight: float) -> Segment:
        """A cell colored by its weight in `low` … `high`."""
        share = (weight - self.low) / (self.high - self.low)
        return Segment(text, _cell_style(self.colors, self.palette, round(share, 4)))

    def bold(self, text: str) -> Segment:
        """A heading."""
        return Segment(text, _BOLD if self.colors else None)

    def dim(self, text: str) -> Segment:
        """An aside."""
        return Segment(text, _DIM if self.colors else None)

    def word(self, text: str, limit: int = 40) -> str:
        """A word as this terminal may show it: see `word`; in ASCII where Unicode cannot be shown.

        A word of a right-to-left script is set apart from the signs and numbers beside it.
        """
        return set_apart(word(text, limit, ascii_only=not self.unicode))

    def label(self, text: str) -> str:
        """A label as this terminal may show it: a word that may be long."""
        return self.word(text, 200)

    def plain(self, text: str) -> str:
        """`text`, with the few signs of the views spelled in ASCII where Unicode cannot be shown."""
        return text if self.unicode else spelled(text, formula=True)

    def rendered(self, lines: Iterable[Line]) -> str:
        """The lines as text with escape codes for this terminal, each ended by a newline."""
        system = None if self.colors is None else _SYSTEMS[self.colors]
        return "".join(
            "".join(_rendered(part.text, part.style, system) for part in folded_line) + "\n"
            for line in lines
            for folded_line in folds_of_line(self._leaving(line), self.width)
        )

    def _leaving(self, line: Line) -> Line:
        return [Segment(harmless(self.plain(part.text)), part.style) for part in line]


def _rendered(text: str, style: Style | None, system: ColorSystem | None) -> str:
    return text if style is None or system is None else style.render(text, color_system=system)


@cache
def _cell_style(colors: Colors | None, palette: PaletteName, weight: float) -> Style | None:
    if colors is None:
        return None
    if colors == "truecolor":
        rgb = weight_rgb(weight, palette)
        return Style(color=Color.from_rgb(*text_on(rgb)), bgcolor=Color.from_rgb(*rgb))
    number = weight_ansi256(weight, palette) if colors == "256" else weight_ansi16(weight)
    dark = text_on(ansi_rgb(number)) == (0, 0, 0)
    black, white = (16, 231) if colors == "256" else (0, 15)
    return Style(color=Color.from_ansi(black if dark else white), bgcolor=Color.from_ansi(number))


def word(text: str, limit: int = 40, *, ascii_only: bool = False) -> str:
    """A word as a terminal may show it: controls visible, at most `limit` columns, "…" if cut."""
    shown = visible(text[: limit * _MAX_MARKS + 1])
    if ascii_only:
        shown = shown.encode("ascii", "backslashreplace").decode()
        return shown if len(shown) <= limit else shown[: limit - 3] + "..."
    if len(shown) <= limit and shown.isascii():
        return shown
    if len(shown) > limit * _MAX_MARKS:
        shown = shown[: limit * _MAX_MARKS] + "…"
    return shown if cell_len(shown) <= limit else set_cell_size(shown, limit - 1).rstrip() + "…"


def width_of(text: str) -> int:
    """The columns a text takes in a terminal."""
    return len(text) if text.isascii() else cell_len(text)


def left(text: str, width: int) -> str:
    """`text` filled with spaces on its right."""
    return text + " " * (width - width_of(text))


def right(text: str, width: int) -> str:
    """`text` filled with spaces on its left."""
    return " " * (width - width_of(text)) + text


def folds_of_line(line: Line, width: int | None) -> list[Line]:
    """A line as lines of at most `width` columns: broken at spaces, or in a word where it must be.

    Views break their lines themselves, and better; this is the last resort.
    """
    if width is None or sum(width_of(part.text) for part in line) <= width:
        return [line]
    text = "".join(part.text for part in line)
    indent = min(len(text) - len(text.lstrip(" ")) + 2, width // 3)
    lines: list[Line] = [[]]
    used = 0
    for piece in _pieces(line, max(width - indent, 1)):
        size = width_of(piece.text)
        if used + size > width:
            lines.append([Segment(" " * indent)])
            piece, used = Segment(piece.text.lstrip(" "), piece.style), indent
            size = width_of(piece.text)
        lines[-1].append(piece)
        used += size
    return _whole_marks([_joined(parts) for parts in lines if parts])


def _pieces(line: Line, room: int) -> Iterator[Segment]:
    """The words of a line, each with the spaces before it; none is wider than `room`."""
    for part in line:
        for text in re.findall(r" *[^ ]+| +", part.text):
            start = len(text) - len(text.lstrip(" "))
            if start and width_of(text) > room:
                yield Segment(text[: min(start, room)], part.style)
                text = text[start:]
            for piece in [text] if width_of(text) <= room else filter(None, chop_cells(text, room)):
                yield Segment(piece, part.style)


def _joined(line: Line) -> Line:
    """A line whose neighbors of one style are one segment."""
    return [
        Segment("".join(part.text for part in parts), style)
        for style, parts in groupby(line, key=lambda part: part.style)
    ]


def _whole_marks(lines: list[Line]) -> list[Line]:
    """Marks around a word that runs over the end of a line, on both lines."""
    is_open = False
    for line in lines:
        if is_open:
            line.insert(0 if line[0].text.strip(" ") else 1, Segment(MARK))
        is_open = sum(part.text.count(MARK) for part in line) % 2 == 1
        if is_open:
            line.append(Segment(MARK))
    return lines


def wrapped(text: str, width: int, indent: int) -> list[str]:
    """`text` broken at spaces into lines of at most `width` columns; later ones are indented.

    Spaces inside a line stay as they are. A piece longer than the line stands alone, uncut.
    """
    lines: list[str] = []
    line, used = "", 0
    for piece in re.findall(r" *[^ ]+", text):
        size = width_of(piece)
        if line.strip() and used + size > width:
            lines.append(line)
            piece = " " * indent + piece.lstrip(" ")
            line, used = piece, width_of(piece)
        else:
            line, used = line + piece, used + size
    return whole_marks([*lines, line])
