"""How large everything in a figure is: letters, strips for words, the panels of a grid.

All of it follows from the size of the picture, or, where none is asked for, from what is in it. Words
and numbers get smaller down to where they can still be read, and are then left out.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Literal, NamedTuple, TypeAlias

from attncli.errors import UsageError, field_name
from attncli.errors.wording import visible
from attncli.views.figures.panels import Panel
from attncli.views.figures.scene import CHAR
from attncli.views.figures.wishes import Figure
from attncli.views.ink import width_of, word

Heads: TypeAlias = Literal["", "names", "grid"]
LABEL = 20  # columns of a word at most
NUMBERS_UP_TO = 40  # words, unless numbers are asked for
_FONT, _SMALL_FONT = 14.0, 11.0  # pixels, of one panel and of several
_LEAST_LABEL, _LEAST_NUMBER, _LEAST_ASKED = 5.0, 6.0, 3.5
_PAGE = (960.0, 1300.0)  # pixels of a grid where no size is asked for
_LEAST_PANEL = 48.0  # pixels with the space beside it, below which a PDF takes another page
_STRIPS = 0.34  # of the width, that words may take beside panels
_SMALLEST = 4.0  # pixels of a panel


class FigureFrame(NamedTuple):
    """The sizes of a page, in pixels: of letters, of words, of numbers (0: none), of panels.

    `left`, `right` and `top` are strips for words, of each panel or, where they are `shared`, of the
    whole grid; `headed` says what stands above panels.
    """

    columns: int
    rows: int
    font: float
    label: float
    number: float
    width: float
    height: float
    left: float
    right: float
    top: float
    turned: bool
    shared: bool
    headed: Heads
    axes: bool
    lines: bool

    @property
    def margin(self) -> float:
        """Around everything."""
        return 0.6 * self.font

    @property
    def gap(self) -> float:
        """Between panels."""
        return self.font

    @property
    def name(self) -> float:
        """The height of the name above a panel."""
        return 1.5 * self.font if self.headed == "names" else 0.0

    @property
    def before(self) -> tuple[float, float]:
        """What stands at the left of the grid and above it: titles of axes and of rows and columns."""
        heads = 1.6 * self.font if self.headed == "grid" else 0.0
        axis = 1.6 * self.font if self.axes else 0.0
        return heads + (0.0 if self.lines else axis), heads + axis

    def strip(self, columns: int, rows: int) -> tuple[float, float]:
        """The width and height that words take beside and above this many panels."""
        across, down = (1, 1) if self.shared else (columns, rows)
        return (self.left + self.right) * across, self.top * down

    def grid(self, rows: int) -> tuple[float, float]:
        """The width and height of the whole grid, with what stands before it."""
        wide, high = self.strip(self.columns, rows)
        left, top = self.before
        return (
            left + wide + self.columns * self.width + (self.columns - 1) * self.gap,
            top + high + rows * (self.height + self.name) + (rows - 1) * self.gap,
        )


class _Asked(NamedTuple):
    """A figure that is to be laid out: with how many digits, columns and rows of a page, and heads."""

    figure: Figure
    panels: Sequence[Panel]
    precision: int
    columns: int
    rows: int
    headed: Heads


def fitted_title(title: str | None, width: float, font: float) -> list[str]:
    """The title in lines that fit."""
    from attncli.views.svg import folded

    columns = max(int(width / (CHAR * 1.15 * font)), 4)
    return folded(visible(title), 6, columns) if title else []


def title_height(lines: int, font: float) -> float:
    """Of this many lines."""
    return lines * 1.6 * font + (0.4 * font if lines else 0)


def legend_height(figure: Figure, font: float) -> float:
    """Of the scale of the colors with its numbers, and the space above it."""
    return 3.2 * font if figure.legend else 0.0


def frames(
    figure: Figure, panels: Sequence[Panel], precision: int, *, pages: bool
) -> Iterator[tuple[FigureFrame, Sequence[Panel]]]:
    """Each page with its panels; without `pages` there is one. Raises: UsageError."""
    asked = _Asked(figure, panels, precision, *_grid(figure, panels, pages=pages))
    if figure.size is None:
        frame = _natural(asked)
        if pages and figure.grid is None:
            each = frame.height + frame.name + frame.gap
            frame = frame._replace(rows=min(asked.rows, max(1, int(_PAGE[1] / each))))
    else:
        frame = _sized(asked)
    each_page = frame.columns * frame.rows
    for start in range(0, len(panels), each_page):
        yield frame, panels[start : start + each_page]


def _grid(figure: Figure, panels: Sequence[Panel], *, pages: bool) -> tuple[int, int, Heads]:
    """Columns, rows of a page, and what stands above the panels."""
    count = len(panels)
    heads = len({panel.across for panel in panels if panel.across})
    layers = len({panel.down for panel in panels if panel.down})
    whole = heads * layers == count
    if figure.grid is not None:
        columns, rows = figure.grid
        if columns * rows < count and not pages:
            raise UsageError(
                f"found {columns} x {rows} places for {count} matrices, expected as many places, "
                "auto, or a .pdf, which takes several pages",
                place=field_name("grid"),
            )
        columns = min(columns, count)
        rows = min(rows, math.ceil(count / columns))
        return columns, rows, "grid" if whole and columns == heads else _named(panels)
    width, height = figure.size[:2] if figure.size else (1.4, 1.0)
    columns = min(count, max(1, math.ceil(math.sqrt(count * width / height) - 1e-9)))
    columns = heads if whole else _in_groups(panels) or columns
    rows = math.ceil(count / columns)
    room = _PAGE[0] if figure.size is None else width
    if pages and count > 1:
        columns = _legible(columns, int(room / _LEAST_PANEL))
        rows = math.ceil(count / columns)
        if figure.size is not None:  # as high as they are wide, each under its name
            each = max(width / columns, _LEAST_PANEL) + (
                0 if columns == heads else 1.5 * _SMALL_FONT
            )
            rows = min(rows, max(1, int(0.9 * height / each)))
    return columns, rows, "grid" if whole and columns == heads else _named(panels)


def _in_groups(panels: Sequence[Panel]) -> int:
    """The columns where each of several groups has a row; 0 where they have no such number."""
    sizes = Counter(panel.group for panel in panels)
    size = max(sizes.values())
    return size if len(sizes) > 1 and size > 1 and set(sizes.values()) == {size} else 0


def _legible(columns: int, most: int) -> int:
    """At most so many columns, an even part of those that there would be if there is one."""
    if columns <= max(most, 1):
        return columns
    parts = [part for part in range(max(most // 2, 1), most + 1) if columns % part == 0]
    return parts[-1] if parts else max(most, 1)


def _named(panels: Sequence[Panel]) -> Heads:
    return "names" if len(panels) > 1 and any(panel.name for panel in panels) else ""


def _natural(asked: _Asked) -> FigureFrame:
    """The sizes where no size of the whole is asked for: letters first, then cells that hold them."""
    is_one = len(asked.panels) == 1
    font = asked.figure.font_size or (_FONT if is_one else _SMALL_FONT)
    wanted = _natural_panel(asked.figure, asked.panels, asked.precision, font)
    room = _PAGE[0] / asked.columns
    if not is_one and wanted[0] > room:
        shrunk = max(room, _LEAST_PANEL)
        wanted = (shrunk, min(wanted[1], shrunk))
    return _best(asked, font, partial(_frame, asked, font, panel=wanted))


def _natural_panel(
    figure: Figure, panels: Sequence[Panel], precision: int, font: float
) -> tuple[float, float]:
    """How large a panel would like to be."""
    rows, columns = _cells_of(panels)
    most, longest = max(rows, columns), _longest(panels, LABEL, keys=True) * CHAR * font
    if figure.lines:
        return 12 * font, most * max(1.7 * font, 2) if most <= 80 else 900.0
    if most > NUMBERS_UP_TO and not figure.numbers:
        side = max(2, 10 if most <= 80 else 800 // most)
        return columns * side, rows * side
    if figure.numbers is False or (len(panels) > 1 and most > 12 and not figure.numbers):
        return columns * 1.9 * font, rows * 1.9 * font
    digits = (precision + 2) * CHAR * font + font
    cell = max(digits, min(longest + 0.85 * font, 5.7 * font))
    return columns * cell, rows * 2.3 * font


def _sized(asked: _Asked) -> FigureFrame:
    """The sizes that fill a picture of a size."""
    figure, panels = asked.figure, asked.panels
    assert figure.size is not None
    width, height, unit = figure.size
    largest = _FONT if unit != "px" else max(_FONT, min(width, height) / 40)
    font = figure.font_size or max(min(largest, width / 24, height / 16), 6.0)
    if len(panels) > 1 and not figure.font_size:
        font = min(font, _SMALL_FONT if unit != "px" else max(_SMALL_FONT, min(width, height) / 60))
    best = _best(asked, font, partial(_frame, asked, font, size=(width, height)))
    frame = _shaped(best, _cells_of(panels))
    frame = _turned_if_narrow(frame, panels, (width, height))
    if min(frame.width, frame.height) < _SMALLEST:
        raise UsageError(
            f"found {' x '.join(figure.size.said)}, in which {len(panels)} panel"
            f"{'s have' if len(panels) > 1 else ' has'} no room; expected a larger picture, or "
            "smaller letters",
            place=field_name("size"),
        )
    return frame


def _shaped(frame: FigureFrame, cells: tuple[int, int]) -> FigureFrame:
    """The frame with cells that are squares, or broad enough for their numbers; so many of them."""
    if frame.lines:
        return frame
    broadest, shape = 2.6 if frame.number else 1.0, cells[1] / cells[0]
    width = min(frame.width, broadest * frame.height * shape)
    return frame._replace(width=width, height=min(frame.height, width / shape))


def _best(asked: _Asked, font: float, at: Callable[[float], FigureFrame]) -> FigureFrame:
    """The frame with the largest words beside which the numbers fit, where they are wanted."""
    figure, panels = asked.figure, asked.panels
    cells = _cells_of(panels)
    steps = max(int((font - _LEAST_LABEL) / 0.5), 0)
    candidates = [at(font - 0.5 * step) for step in range(steps + 1)]
    if figure.axes is False:
        candidates = [at(0)]
    fitting = [frame for frame in candidates if _labels_fit(frame, cells)]
    fitting = _whole(fitting, panels) or fitting or [at(0)]
    wanted = figure.numbers or (figure.numbers is None and max(cells) <= NUMBERS_UP_TO)
    if wanted and not figure.lines:
        least = _LEAST_ASKED if figure.numbers else _LEAST_NUMBER
        for frame in [*fitting, at(0)] if figure.numbers else fitting:
            number = _number(frame, cells, asked.precision)
            if number >= least:
                return frame._replace(number=number)
    return fitting[0]


def _frame(
    asked: _Asked,
    font: float,
    label: float,
    *,
    size: tuple[float, float] | None = None,
    panel: tuple[float, float] = (0, 0),
) -> FigureFrame:
    """The frame of a picture of this size, or of panels of this size."""
    figure, panels, _, columns, rows, headed = asked
    first = panels[0]
    shared = len(panels) > 1 and all(
        p.words == first.words and p.columns == first.columns for p in panels[1:]
    )
    across = 1 if shared else columns
    limit = LABEL
    if size is not None and label:
        sides = 1.2 if figure.lines else 1  # both may take more than one
        limit = max(3, min(LABEL, int(_STRIPS * size[0] / (CHAR * label * across * sides))))
    left, right = (
        _longest(panels, limit, keys=keys) * CHAR * label + 0.5 * label for keys in (False, True)
    )
    frame = FigureFrame(
        columns=columns,
        rows=rows,
        font=font,
        label=label,
        number=0.0,
        width=panel[0],
        height=panel[1],
        left=left,
        right=right if figure.lines else 0.0,
        top=0.0,
        turned=False,
        shared=shared,
        headed=headed,
        axes=bool(figure.axes),
        lines=figure.lines,
    )
    if size is not None:
        room = size[0] - 2 * frame.margin
        frame = frame._replace(width=panel_room(room, frame.grid(rows)[0], columns))
    if not figure.lines:
        frame = _topped(frame, panels, size, 1 if shared else rows)
    if size is not None:
        lines = fitted_title(figure.title, size[0] - 2 * frame.margin, font)
        other = title_height(len(lines), font) + legend_height(figure, font) + 2 * frame.margin
        frame = frame._replace(height=panel_room(size[1] - other, frame.grid(rows)[1], rows))
    return frame


def panel_room(room: float, others: float, count: int) -> float:
    """What is left for each of `count` panels of a room; `others` is what everything else takes."""
    return (room - others) / count


def _topped(
    frame: FigureFrame, panels: Sequence[Panel], size: tuple[float, float] | None, down: int
) -> FigureFrame:
    """The frame with its strip of words above: as they are, or turned where cells are narrow."""
    label = frame.label
    if not label:
        return frame
    limit = LABEL
    if size is not None:
        limit = max(3, min(LABEL, int(0.3 * size[1] / (CHAR * label * down))))
    cell = frame.width / _cells_of(panels)[1]
    longest = _longest(panels, LABEL, keys=True) * CHAR * label
    turned = longest + 0.6 * label > cell
    longest = min(longest, limit * CHAR * label)
    return frame._replace(turned=turned, top=longest + 0.5 * label if turned else 1.4 * label)


def _turned_if_narrow(
    frame: FigureFrame, panels: Sequence[Panel], size: tuple[float, float]
) -> FigureFrame:
    """The frame with its words above turned, where its cells became too narrow for them."""
    if not frame.label or frame.lines or frame.turned:
        return frame
    down = 1 if frame.shared else frame.rows
    turned = _topped(frame, panels, size, down)
    lost = (turned.top - frame.top) * down / frame.rows
    if not turned.turned or frame.height - lost < _SMALLEST:
        return frame
    return _shaped(turned._replace(height=frame.height - lost), _cells_of(panels))


def _whole(fitting: Sequence[FigureFrame], panels: Sequence[Panel]) -> list[FigureFrame]:
    """Those in which no word is cut, if they can be read well."""
    longest, of_keys = (_longest(panels, LABEL, keys=keys) * CHAR for keys in (False, True))
    return [
        frame
        for frame in fitting
        if frame.label >= _LEAST_NUMBER
        and frame.left + 1e-6 >= longest * frame.label
        and (not frame.lines or frame.right + 1e-6 >= of_keys * frame.label)
        and (not frame.turned or frame.top + 1e-6 >= of_keys * frame.label)
    ]


def _labels_fit(frame: FigureFrame, cells: tuple[int, int]) -> bool:
    """Whether rows of words do not touch, nor columns of turned ones."""
    if not frame.label or min(frame.width, frame.height) < _SMALLEST:
        return False
    rows, columns = cells
    high = frame.height / (max(cells) if frame.lines else rows) >= 1.1 * frame.label
    return high and (frame.lines or not frame.turned or frame.width / columns >= 1.1 * frame.label)


def _number(frame: FigureFrame, cells: tuple[int, int], precision: int) -> float:
    """The size of numbers that fit into the cells."""
    wide = (frame.width / cells[1] - 3) / ((precision + 2) * CHAR)
    return min(frame.label or frame.font, frame.font, wide, frame.height / cells[0] / 1.3)


def _cells_of(panels: Sequence[Panel]) -> tuple[int, int]:
    """The most rows and the most columns that a panel has."""
    rows = max((len(panel.words) for panel in panels), default=1)
    return max(rows, 1), max(1, *(len(panel.columns) for panel in panels)) if panels else 1


def _longest(panels: Sequence[Panel], limit: int, *, keys: bool = False) -> int:
    """Columns of the longest word of the rows, or of the `keys`, which is cut at the limit."""
    texts = {text for panel in panels for text in (panel.columns if keys else panel.words)}
    return max((width_of(word(text, limit)) for text in texts), default=0)
