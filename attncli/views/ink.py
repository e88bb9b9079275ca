"""Text for a terminal: lines of styled segments, and what the terminal can show.

A view returns lines (lists of rich `Segment`s) and never asks the environment: whether there are
colours, and which, is said by the `Ink` it is given. Words from outside enter through `word`, which
makes control characters visible.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

from rich.cells import cell_len, set_cell_size
from rich.color import Color, ColorSystem
from rich.segment import Segment
from rich.style import Style

from attncli.escape import spelled, visible
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


@dataclass(frozen=True, slots=True)
class Ink:
    """What the terminal can show: how many colours (None: none at all), and whether Unicode."""

    colors: Colors | None = None
    unicode: bool = True
    palette: PaletteName = "viridis"

    def weight(self, text: str, weight: float) -> Segment:
        """A cell coloured by its weight in 0 … 1."""
        return Segment(text, _cell_style(self.colors, self.palette, round(weight, 4)))

    def bold(self, text: str) -> Segment:
        """A heading."""
        return Segment(text, _BOLD if self.colors else None)

    def dim(self, text: str) -> Segment:
        """An aside."""
        return Segment(text, _DIM if self.colors else None)

    def word(self, text: str, limit: int = 40) -> str:
        """A word as this terminal may show it: see `word`; in ASCII where Unicode cannot be shown."""
        return word(text, limit, ascii_only=not self.unicode)

    def plain(self, text: str) -> str:
        """`text`, with the few signs of the views spelled in ASCII where Unicode cannot be shown."""
        return text if self.unicode else spelled(text, formula=True)

    def rendered(self, lines: Iterable[Line]) -> str:
        """The lines as text with escape codes for this terminal, each ended by a newline."""
        system = None if self.colors is None else _SYSTEMS[self.colors]
        return "".join(
            "".join(_rendered(self.plain(part.text), part.style, system) for part in line) + "\n"
            for line in lines
        )


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
    return [*lines, line]
