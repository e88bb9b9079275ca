"""Panels at their places: heat maps or lines, with words, names, titles and the scale of the colors."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from attncli.arrays import FloatArray
from attncli.errors import field_name
from attncli.insight.squares import largest_of_squares
from attncli.views.figures.fitting import (
    FigureFrame,
    fitted_title,
    frames,
    legend_height,
    title_height,
)
from attncli.views.figures.legend import figure_legend, legend_width, line_color, line_opacity
from attncli.views.figures.panels import Panel, beyond, scale_of_weights
from attncli.views.figures.scene import (
    CHAR,
    INK,
    SOFT,
    Box,
    Cells,
    FigureScene,
    Item,
    Segment,
    Text,
)
from attncli.views.figures.wishes import Figure
from attncli.views.ink import width_of, word
from attncli.views.palette import (
    text_on,
    weight_rgb,
)

FROM, TO = "attends from", "attends to"
_MOST_LINES = 20_000
_FAINTEST = 0.01  # of the largest weight: thinner lines are not seen
_CELLS = 2  # of a heat map in a pixel; what is smaller is drawn together


class DrawnFigure(NamedTuple):
    """The pages of a figure, and what they cannot show."""

    scenes: list[FigureScene]
    notes: list[str]


class _Page(NamedTuple):
    """A page of a figure: its sizes, the ends of the scale, digits, and where its grid begins."""

    figure: Figure
    frame: FigureFrame
    scale: tuple[float, float]
    precision: int
    left: float = 0.0
    top: float = 0.0

    def corner(self, at: int) -> tuple[float, float]:
        """The upper left corner of what a panel draws, behind its strips of words."""
        frame = self.frame
        column, row = at % frame.columns, at // frame.columns
        before, above = frame.before
        strips = (column * (frame.left + frame.right) + frame.left, (row + 1) * frame.top)
        if frame.shared:
            strips = (frame.left, frame.top)
        x = self.left + before + strips[0] + column * (frame.width + frame.gap)
        y = self.top + above + strips[1] + row * (frame.height + frame.gap) + (row + 1) * frame.name
        return x, y


def drawn(
    figure: Figure, panels: Sequence[Panel], precision: int, *, pages: bool = False
) -> DrawnFigure:
    """The pages of a figure; without `pages` there is one. Raises: UsageError."""
    scale = scale_of_weights([panel.weights for panel in panels], figure.scale)
    scenes, notes = list[FigureScene](), list[str]()
    for frame, shown in frames(figure, panels, precision, pages=pages):
        scenes.append(_scene(_Page(figure, frame, scale, precision), shown))
        notes += _notes(figure, frame, shown)
    if figure.grid is not None and len(panels) == 1:
        notes.append(f"{field_name('grid')} has no effect on the one matrix that there is")
    outside = beyond(panels, scale)
    if outside:
        lie, have = (
            ("weight lies", "has the color of its end")
            if outside == 1
            else ("weights lie", "have the colors of its ends")
        )
        notes.append(f"{outside:,} {lie} beyond the scale {scale[0]:g} to {scale[1]:g}, and {have}")
    return DrawnFigure(scenes, list(dict.fromkeys(notes)))


def _notes(figure: Figure, frame: FigureFrame, panels: Sequence[Panel]) -> Iterator[str]:
    n_tokens = max(len(panel.words) for panel in panels)
    n_keys = max(len(panel.columns) for panel in panels)
    cell = f"{frame.width / n_keys:.1f} x {frame.height / n_tokens:.1f} px"
    if not frame.label and figure.axes is not False:
        row = (
            f"a word would have {frame.height / n_tokens:.1f} px"
            if frame.lines
            else f"a cell has {cell}"
        )
        yield f"the words are left out: {row}"
    elif figure.font_size and frame.label and frame.label < figure.font_size - 1e-9:
        yield f"the words are {frame.label:.3g} px high, not {figure.font_size:.3g}, to fit"
    if figure.numbers and not frame.number and not frame.lines:
        yield f"the numbers are left out: a cell has {cell}"


def _scene(page: _Page, panels: Sequence[Panel]) -> FigureScene:
    figure, frame = page.figure, page.frame
    rows = frame.rows if figure.size else -(-len(panels) // frame.columns)
    wide, high = frame.grid(rows)
    if figure.size is None:
        least = (legend_width(frame.font) if figure.legend else 0) + 0.1
        width = max(wide, least) + 2 * frame.margin
    else:
        width = figure.size.width
    title = fitted_title(figure.title, width - 2 * frame.margin, frame.font)
    top = frame.margin + title_height(len(title), frame.font)
    if figure.size is not None:  # what is above and below the grid stays near it
        rest = figure.size.height - frame.margin - legend_height(figure, frame.font)
        top += max(rest - top - high, 0) / 2
    items: list[Item] = [
        Text(
            width / 2,
            top - title_height(len(title), frame.font) + (1.6 * line + 1) * frame.font,
            text,
            1.15 * frame.font,
            "middle",
            bold=True,
            room=width - 2 * frame.margin,
        )
        for line, text in enumerate(title)
    ]
    page = page._replace(left=(width - wide) / 2, top=top)
    items += _grid_heads(page, panels, wide, rows)
    for at, panel in enumerate(panels):
        items += _placed(page, panel, at)
    bottom = top + high
    if figure.legend:
        items += figure_legend(figure, frame.font, width, bottom + 0.9 * frame.font, page.scale)
        bottom += 3.2 * frame.font
    height = bottom + frame.margin if figure.size is None else figure.size.height
    return FigureScene(width, height, tuple(items))


def _grid_heads(page: _Page, panels: Sequence[Panel], wide: float, rows: int) -> Iterator[Item]:
    """Titles of the axes, and the names of columns and rows of a grid of layers and heads."""
    frame, left, top = page.frame, page.left, page.top
    font = frame.font
    before, above = frame.before
    strips, _ = frame.strip(frame.columns, rows)
    across = frame.columns * frame.width + (frame.columns - 1) * frame.gap
    high = frame.grid(rows)[1]
    if frame.axes and frame.lines:
        size = min(font, wide / 2.1 / (CHAR * len(FROM)))
        yield Text(left + before, top + font, FROM, size, color=SOFT, room=wide / 2)
        yield Text(left + wide, top + font, TO, size, "end", color=SOFT, room=wide / 2)
    elif frame.axes:
        middle, room = left + before + (strips + across) / 2, strips + across
        size = min(font, room / (CHAR * len(TO)))
        yield Text(middle, top + font, TO, size, "middle", color=SOFT, room=room)
        middle, room = top + (high + above) / 2, high - above
        size = min(font, room / (CHAR * len(FROM)))
        yield Text(left + font, middle, FROM, size, "middle", turned=True, color=SOFT, room=room)
    if frame.headed != "grid":
        return
    heads, layers = panels[: frame.columns], panels[:: frame.columns]
    room = frame.width + frame.gap * 0.8
    for at, name in enumerate(_fitting([panel.across for panel in heads], font, room)):
        x, _ = page.corner(at)
        middle, line = x + frame.width / 2, top + above - 0.5 * font
        yield Text(middle, line, name, font, "middle", room=room)
    room = frame.height + frame.gap * 0.8
    for at, name in enumerate(_fitting([panel.down for panel in layers], font, room)):
        _, y = page.corner(at * frame.columns)
        place, middle = left + before - 0.4 * font, y + frame.height / 2
        yield Text(place, middle, name, font, "middle", turned=True, room=room)


def _fitting(names: Sequence[str], font: float, room: float) -> list[str]:
    """The names, "layer 3", or "L3" where one of them has too little room."""
    if max(map(width_of, names), default=0) * CHAR * font <= room:
        return list(names)
    return [f"{name[0].upper()}{name.rpartition(' ')[2]}" for name in names]


def _placed(page: _Page, panel: Panel, at: int) -> Iterator[Item]:
    """One panel with its words and its name."""
    frame, (x, y), (low, high) = page.frame, page.corner(at), page.scale
    column, row = at % frame.columns, at // frame.columns
    if frame.headed == "names" and panel.name:
        above = y - (0 if frame.shared and row else frame.top)
        yield _name(frame, panel, x, above - 0.5 * frame.font)
    if frame.label:
        sides = (column == 0, row == 0, column == frame.columns - 1)
        at_left, at_top, at_right = (is_outer or not frame.shared for is_outer in sides)
        yield from _words(frame, panel, x, y, at_left=at_left, at_top=at_top, at_right=at_right)
    shares = np.clip((panel.weights - low) / (high - low), 0.0, 1.0)
    if frame.lines:
        yield from _lines(frame, panel, shares, x, y, page.figure.palette)
    else:
        yield from _heat(page, panel, shares, x, y)


def _name(frame: FigureFrame, panel: Panel, x: float, y: float) -> Text:
    """The name above a panel and its words, its short one where there is little room."""
    left, right = (0.0, 0.0) if frame.shared else (frame.left, frame.right)
    room = left + frame.width + right + 0.8 * frame.gap
    fits = width_of(panel.name) * CHAR * frame.font <= room
    name = panel.name if fits or not panel.short else panel.short
    size = max(min(frame.font, room / (CHAR * max(width_of(name), 1))), 0.6 * frame.font)
    cut = _cut(name, size, room)
    full = "" if cut == panel.name else panel.name
    middle = x + (frame.width + right - left) / 2
    return Text(middle, y, cut, size, "middle", full=full, room=room)


def _cut(text: str, size: float, room: float) -> str:
    """A text cut to what fits into a room."""
    return word(text, max(1, int(room / (CHAR * size) + 1e-6)))


def _words(
    frame: FigureFrame,
    panel: Panel,
    x: float,
    y: float,
    *,
    at_left: bool,
    at_top: bool,
    at_right: bool,
) -> Iterator[Text]:
    """The words at the left of a panel, and those of its columns above it or at its right."""
    rows, columns = len(panel.words), len(panel.columns)
    for i in range(max(rows, columns)):
        if at_left and i < rows:
            yield _beside(frame, panel.words, i, x, y, bold=i == panel.row)
        if i >= columns:
            continue
        if frame.lines and at_right:
            bold = i == panel.row and not panel.keys
            yield _beside(frame, panel.columns, i, x, y, right=True, bold=bold)
        elif at_top and not frame.lines:
            yield _above(frame, panel.columns, i, x, y)


def _beside(
    frame: FigureFrame,
    words: Sequence[str],
    i: int,
    x: float,
    y: float,
    *,
    right: bool = False,
    bold: bool = False,
) -> Text:
    """A word at the left of its row, or at the right of the lines."""
    size, text = frame.label, words[i]
    middle = y + (i + 0.5) * frame.height / max(len(words), 1) + 0.35 * size
    room = (frame.right if right else frame.left) - 0.4 * size
    cut = _cut(text, size, room)
    place = x + frame.width + 0.35 * size if right else x - 0.35 * size
    anchor = "start" if right else "end"
    full = "" if cut == text else text
    return Text(place, middle, cut, size, anchor, bold=bold, full=full, room=room)


def _above(frame: FigureFrame, words: Sequence[str], i: int, x: float, y: float) -> Text:
    """A word above its column, turned where that is narrow."""
    size, text, wide = frame.label, words[i], frame.width / max(len(words), 1)
    across, line = x + (i + 0.5) * wide, y - 0.35 * size
    room = frame.top - 0.4 * size if frame.turned else wide
    cut = _cut(text, size, room)
    full = "" if cut == text else text
    if frame.turned:
        return Text(across + 0.35 * size, line, cut, size, turned=True, full=full, room=room)
    return Text(across, line, cut, size, "middle", full=full, room=wide)


def _heat(page: _Page, panel: Panel, shares: FloatArray, x: float, y: float) -> Iterator[Item]:
    """A heat map; a cell that its word may not see is empty."""
    frame, palette = page.frame, page.figure.palette
    n_rows, n_columns = len(panel.words), len(panel.columns)
    wide, high = frame.width / n_columns, frame.height / n_rows
    empty = None if panel.seen is None else (panel.seen | (panel.weights > 0))
    gaps = min(wide, high) >= 12
    side = math.ceil(_CELLS * min(frame.width, frame.height))
    seen, drawn_shares = empty, shares
    if max(n_rows, n_columns) > side:  # of cells that nobody could tell apart the largest
        drawn_shares = largest_of_squares(shares, side)
        seen = None if empty is None else largest_of_squares(empty, side)
    area = (x, y, frame.width, frame.height)
    yield Cells(*area, drawn_shares, seen, palette, gaps)
    if palette in ("blues", "greys") or empty is not None:
        yield Box(x, y, frame.width, frame.height, line=SOFT)
    if frame.number:
        for i, row in enumerate(panel.weights.tolist()):
            for j, weight in enumerate(row):
                if empty is not None and not empty[i, j]:
                    continue
                ink = text_on(weight_rgb(float(shares[i, j]), palette))
                place = (x + (j + 0.5) * wide, y + (i + 0.5) * high + 0.35 * frame.number)
                text = f"{weight:.{page.precision}f}"
                yield Text(*place, text, frame.number, "middle", color=ink, room=wide)
    if panel.row is not None:
        yield Box(x, y + panel.row * high, frame.width, high, line=INK)


def _lines(
    frame: FigureFrame, panel: Panel, shares: FloatArray, x: float, y: float, palette: str
) -> Iterator[Segment]:
    """A line from each word to each that it attends to: wider and darker the larger the weight."""
    high, color = frame.height / len(panel.words), line_color(palette)
    of_column = frame.height / len(panel.columns)
    widest = max(min(6.0, 0.5 * high), 0.8)
    places = np.argwhere(shares >= _FAINTEST)
    values = shares[tuple(places.T)]
    order = np.argsort(values, kind="stable")[-_MOST_LINES:]
    for at in order.tolist():
        i, j = places[at].tolist()
        if panel.row is not None and i != panel.row:
            continue
        share = float(values[at])
        ends = (y + (i + 0.5) * high, y + (j + 0.5) * of_column)
        width = 0.3 + (widest - 0.3) * share
        yield Segment(x, ends[0], x + frame.width, ends[1], width, color, line_opacity(share))
