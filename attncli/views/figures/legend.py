"""The scale of the colors of a figure, and the color of lines."""

from collections.abc import Iterator

from attncli.views.figures.scene import CHAR, SOFT, Box, Item, Text
from attncli.views.figures.wishes import Figure
from attncli.views.numbers import scale_digits
from attncli.views.palette import PALETTES, RGB, WHITE, mixed, palette_step

_PALEST = 0.12  # opacity of the thinnest line
_TICKS = 5
_SMALL = 0.85  # of the size of letters: the numbers of the scale
# Where in a palette the color of lines is: dark on white paper, and far from black.
_LINE_AT = {"viridis": 0.3, "cividis": 0.2, "magma": 0.45, "blues": 0.85, "greys": 0.85}


def line_color(palette: str) -> RGB:
    """The color of lines on white paper."""
    return PALETTES[palette][round(_LINE_AT[palette] * (len(PALETTES[palette]) - 1))]


def line_opacity(share: float) -> float:
    """How dark a line is; thin ones are still seen."""
    return round(_PALEST + (1 - _PALEST) * share, 3)


def legend_width(font: float) -> float:
    """The width that the scale takes, if there is as much."""
    return 22 * font


def figure_legend(
    figure: Figure, font: float, width: float, y: float, scale: tuple[float, float]
) -> Iterator[Item]:
    """The scale of the colors with its numbers, in the middle of the picture."""
    whole = min(legend_width(font), width - 1.2 * font)
    name = "weight"
    before = len(name) * CHAR * font + 0.8 * font
    edge = _SMALL * font * 4 * CHAR / 2  # half of the last number
    bar = whole - before - edge
    x = (width - whole) / 2 + before
    yield Text(x - 0.7 * font, y + 0.85 * font, name, font, "end", color=SOFT)
    colors = _scale_colors(figure)
    step = bar / len(colors)
    for at, color in enumerate(colors):
        yield Box(x + at * step, y, bar - at * step, font, fill=color)  # no seams
    yield Box(x, y, bar, font, line=SOFT)
    span = scale[1] - scale[0]
    digits = 2 if span >= 0.5 else scale_digits(span)
    for tick in range(_TICKS):
        value = scale[0] + (scale[1] - scale[0]) * tick / (_TICKS - 1)
        place = x + bar * tick / (_TICKS - 1)
        text = f"{value:.{digits}f}".rstrip("0").rstrip(".") or "0"
        yield Text(place, y + 2.1 * font, text, _SMALL * font, "middle", color=SOFT)


def _scale_colors(figure: Figure) -> list[RGB]:
    """The colors of the scale from its low to its high end."""
    steps = len(PALETTES[figure.palette])
    if figure.lines:
        color = line_color(figure.palette)
        return [mixed(WHITE, color, line_opacity(step / (steps - 1))) for step in range(steps)]
    return [
        PALETTES[figure.palette][palette_step(s / (steps - 1), figure.palette)]
        for s in range(steps)
    ]
