"""What a figure consists of, in pixels from its upper left corner; SVG and TeX are written of it."""

from typing import NamedTuple, TypeAlias

from attncli.arrays import BoolArray, FloatArray
from attncli.views.palette import BLACK, RGB

INK: RGB = (27, 31, 36)
SOFT: RGB = (87, 96, 106)
CHAR = 0.602  # of the size of letters, the width of one


class Box(NamedTuple):
    """A rectangle, filled or with a line around it."""

    x: float
    y: float
    width: float
    height: float
    fill: RGB | None = None
    line: RGB | None = None


class Text(NamedTuple):
    """A text whose baseline begins, has its middle, or ends at a place.

    `full` is the whole of a text that was cut; `room` is the width that it may take.
    """

    x: float
    y: float
    text: str
    size: float
    anchor: str = "start"
    turned: bool = False
    color: RGB = INK
    bold: bool = False
    full: str = ""
    room: float = 0


class Segment(NamedTuple):
    """A straight line."""

    x: float
    y: float
    to_x: float
    to_y: float
    width: float
    color: RGB = BLACK
    opacity: float = 1


class Cells(NamedTuple):
    """A matrix as colored cells: shares (n, m) of the palette, 0 to 1; what is not `seen` is empty."""

    x: float
    y: float
    width: float
    height: float
    shares: FloatArray
    seen: BoolArray | None
    palette: str
    gaps: bool


Item: TypeAlias = Box | Text | Segment | Cells


class FigureScene(NamedTuple):
    """One picture, or one page."""

    width: float
    height: float
    items: tuple[Item, ...]
