"""What is asked of a figure, read from texts: its size, the scale of its colors, its grid."""

import math
import re
from typing import NamedTuple

from attncli.errors import UsageError, field_name
from attncli.errors.wording import quoted
from attncli.settings import FigureSettings, Palette

PIXELS = {"px": 1.0, "pt": 96 / 72, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0}
LEAST, MOST = 32, 20_000  # pixels of a side
LEAST_FONT, MOST_FONT = 3.0, 400.0  # pixels
MOST_PLACES = 1000  # columns or rows of a grid
_NUMBER = r"\s*([0-9]+(?:[.][0-9]*)?|[.][0-9]+)\s*"
_UNIT = "(px|pt|mm|cm|in)?"
_SIZE = re.compile(f"{_NUMBER}{_UNIT}\\s*[x×,]{_NUMBER}{_UNIT}\\s*", re.IGNORECASE)
_LENGTH = re.compile(f"{_NUMBER}{_UNIT}\\s*", re.IGNORECASE)
_GRID = re.compile(r"\s*([0-9]{1,6})\s*[x×]\s*([0-9]{1,6})\s*", re.IGNORECASE)


class Size(NamedTuple):
    """Width and height in pixels, 96 to the inch; and in the unit in which they were given."""

    width: float
    height: float
    unit: str = "px"

    @property
    def said(self) -> tuple[str, str]:
        """Both sides as an SVG says them: "8cm"."""
        sides = (self.width / PIXELS[self.unit], self.height / PIXELS[self.unit])
        unit = "" if self.unit == "px" else self.unit
        width, height = (f"{round(side, 4):g}{unit}" for side in sides)
        return width, height


class Figure(NamedTuple):
    """What a figure is to be; None: what fits.

    `scale` holds the weights at the ends of the colors, None the smallest and largest that make
    sense: 0 and the largest there is. `grid` is a number of columns and rows.
    """

    title: str | None = None
    size: Size | None = None
    palette: Palette = "viridis"
    scale: tuple[float, float] | None = (0.0, 1.0)
    numbers: bool | None = None
    legend: bool = True
    axes: bool | None = None
    font_size: float | None = None
    grid: tuple[int, int] | None = None
    lines: bool = False
    fragment: bool = False


def figure_of(settings: FigureSettings) -> Figure:
    """What is asked for. Raises: UsageError for a value that cannot be read or is out of range."""
    return Figure(
        title=settings.title,
        size=None if settings.size is None else size_from(settings.size),
        palette=settings.palette,
        scale=scale_of(settings.scale),
        numbers=settings.numbers,
        legend=settings.legend,
        axes=settings.axes,
        font_size=None if settings.font_size is None else font_size_of(settings.font_size),
        grid=None if settings.grid is None else grid_of(settings.grid),
        lines=settings.lines,
        fragment=settings.fragment,
    )


def size_from(text: str) -> Size:
    """A size: 800x600, 8cmx6cm, 8x6cm. Raises: UsageError.

    >>> size_from("2inx1in")
    Size(width=192.0, height=96.0, unit='in')
    """
    match = _SIZE.fullmatch(text[:80])
    if match is None:
        raise _unread(text, "WIDTHxHEIGHT such as 800x600, 8cmx6cm or 170x120mm", "size")
    units = [unit and unit.lower() for unit in (match[2], match[4])]
    after = units[1] or units[0] or "px"
    before = units[0] or after
    width, height = float(match[1]) * PIXELS[before], float(match[3]) * PIXELS[after]
    if not (LEAST <= width <= MOST and LEAST <= height <= MOST):
        raise UsageError(
            f"found {quoted(text[:80])}, expected sides from {LEAST} to {MOST:,} px "
            f"({LEAST / PIXELS['cm']:.2f} to {MOST / PIXELS['cm']:.0f} cm)",
            place=field_name("size"),
        )
    return Size(width, height, before)


def scale_of(text: str) -> tuple[float, float] | None:
    """The weights at the ends of the colors: max (None), or LOW,HIGH. Raises: UsageError.

    >>> scale_of("0, 0.5")
    (0.0, 0.5)
    """
    if text.strip().lower() == "max":
        return None
    parts = text.split(",")
    try:
        low, high = map(float, parts)
    except ValueError:
        raise _unread(text, "max, or two numbers such as 0,1", "scale") from None
    if not (math.isfinite(low) and math.isfinite(high) and high - low >= 1e-9):
        raise _unread(text, "max, or two numbers of which the second is larger", "scale")
    return low, high


def font_size_of(text: str) -> float:
    """A size of letters in pixels: 12, 9pt. Raises: UsageError."""
    match = _LENGTH.fullmatch(text[:40])
    if match is None:
        raise _unread(text, "a size such as 12 (px) or 9pt", "font_size")
    size = float(match[1]) * PIXELS[(match[2] or "px").lower()]
    if not LEAST_FONT <= size <= MOST_FONT:
        raise _unread(text, f"{LEAST_FONT:g} to {MOST_FONT:g} px", "font_size")
    return size


def grid_of(text: str) -> tuple[int, int] | None:
    """Columns and rows: 4x3, or auto (None). Raises: UsageError."""
    if text.strip().lower() == "auto":
        return None
    match = _GRID.fullmatch(text)
    columns, rows = (int(match[1]), int(match[2])) if match else (0, 0)
    if not (1 <= columns <= MOST_PLACES and 1 <= rows <= MOST_PLACES):
        raise _unread(
            text, f"COLUMNSxROWS such as 4x3 (1 to {MOST_PLACES:,} each), or auto", "grid"
        )
    return columns, rows


def _unread(text: str, expected: str, name: str) -> UsageError:
    return UsageError(f"found {quoted(text[:80])}, expected {expected}", place=field_name(name))
