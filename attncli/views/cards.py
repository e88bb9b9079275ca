"""Cards of a notebook as HTML: facts, tables and curves, without a script and without a network.

Every rule of the style stands under `.attn-card`, so that nothing else in a notebook changes; words
enter as escaped text in a direction of their own.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources

from attncli.results.cards import Card, Cell, Curve, Facts, Grid, Part, Shaded
from attncli.views.card_latex import card_latex as card_latex
from attncli.views.curves import Plot, cell_text, plotted
from attncli.views.html import UNTYPESET
from attncli.views.page.tables import escaped, word_markup
from attncli.views.palette import PALETTES, hex_code, palette_step, text_on, weight_rgb

_LINES = ("one", "two", "three", "four")  # the class of each line of a curve
_WIDTH, _HEIGHT = 600, 180
_LEFT, _ROOM = 64, 24  # of the numbers beside and below a curve
_NUMBERS = 60  # rows of a curve's numbers


def card_html(card: Card) -> str:
    """A card as a fragment that stands alone, whatever stands beside it."""
    line = f'<p class="line">{escaped(card.line)}</p>' if card.line else ""
    parts = "".join(map(_part, card.parts))
    return (
        f'<div class="attn-card {UNTYPESET}"><style>{_style()}</style>'
        f'<p class="name">{word_markup(card.title)}</p>{line}{parts}</div>'
    )


@cache
def _style() -> str:
    text = resources.files("attncli.views").joinpath("page/card.css").read_text(encoding="utf-8")
    steps = len(PALETTES["viridis"])
    colors = [weight_rgb(step / (steps - 1)) for step in range(steps)]
    rules = [
        f".attn-card .w{step}{{background:{hex_code(color)};color:{hex_code(text_on(color))}}}"
        for step, color in enumerate(colors)
    ]
    return text + "\n".join(rules) + "\n"


def _part(part: Part) -> str:
    if isinstance(part, Facts):
        return _facts(part)
    return _grid(part) if isinstance(part, Grid) else _curve(part)


def _facts(part: Facts) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escaped(name)}</th><td>{word_markup(cell_text(value, 4))}</td></tr>'
        for name, value in part.facts.items()
    )
    return f"<table>{_caption(part.title)}<tbody>{rows}</tbody></table>"


def _grid(part: Grid) -> str:
    numeric = [
        any(isinstance(row[at], int | float) for row in part.rows)
        for at in range(len(part.columns))
    ]
    heads = "".join(
        f'<th scope="col"{_kind(number)}>{word_markup(name)}</th>' if name else "<td></td>"
        for name, number in zip(part.columns, numeric, strict=True)
    )
    rows = "".join(_row(row, part.digits) for row in part.rows)
    return (
        f"<table>{_caption(part.title)}<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _row(row: Sequence[Cell], digits: int) -> str:
    name = word_markup(cell_text(row[0], digits))
    cells = "".join(_cell(cell, digits) for cell in row[1:])
    return f'<tr><th scope="row">{name}</th>{cells}</tr>'


def _cell(cell: Cell, digits: int) -> str:
    text = word_markup(cell_text(cell, digits))
    if isinstance(cell, Shaded):
        return f'<td class="shaded w{palette_step(cell.share)}">{text}</td>'
    return f"<td{_kind(isinstance(cell, int | float))}>{text}</td>"


def _kind(number: bool) -> str:
    return ' class="number"' if number else ""


def _caption(title: str) -> str:
    return f"<caption>{word_markup(title)}</caption>" if title else ""


def _curve(part: Curve) -> str:
    plot = plotted(part, _WIDTH, _HEIGHT)
    lines = zip(_LINES, plot.lines, strict=False)
    drawn = "".join(_line(kind, points) for kind, points in lines)
    ends = (
        f'<text x="{_LEFT - 6}" y="14" text-anchor="end">{plot.high}</text>'
        f'<text x="{_LEFT - 6}" y="{_HEIGHT + 4}" text-anchor="end">{plot.low}</text>'
        f'<text x="{_LEFT}" y="{_HEIGHT + _ROOM - 4}">{escaped(part.across)} {plot.first}</text>'
        f'<text x="{_LEFT + _WIDTH}" y="{_HEIGHT + _ROOM - 4}" text-anchor="end">{plot.last}</text>'
    )
    return (
        f"<figure><figcaption>{escaped(part.title)}</figcaption>"
        f'<svg viewBox="0 0 {_LEFT + _WIDTH + 12} {_HEIGHT + _ROOM}" role="img" '
        f'aria-label="{escaped(_told(part, plot))}">'
        f'<path d="M{_LEFT} 4V{_HEIGHT}H{_LEFT + _WIDTH}"/>{ends}'
        f'<g transform="translate({_LEFT} 4)">{drawn}</g></svg>'
        f"<ul>{''.join(_legend(part, plot))}</ul></figure>{_numbers(part)}"
    )


def _line(kind: str, points: Sequence[tuple[float, float]]) -> str:
    if len(points) == 1:
        x, y = points[0]
        return f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
    listed = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline class="{kind}" points="{listed}"/>'


def _legend(part: Curve, plot: Plot) -> Iterable[str]:
    sample = (
        '<svg viewBox="0 0 30 8" aria-hidden="true"><polyline class="{}" points="0,4 30,4"/></svg>'
    )
    for kind, name, last in zip(_LINES, part.lines, plot.ends, strict=False):
        yield f"<li>{sample.format(kind)}<span>{escaped(name)}: {last} at last</span></li>"


def _told(part: Curve, plot: Plot) -> str:
    """The curve in words, for those who do not see it."""
    lines = ", ".join(
        f"{name} {end} at last" for name, end in zip(part.lines, plot.ends, strict=True)
    )
    return f"{part.title}, {part.across} {plot.first} to {plot.last}: {lines}"


def _numbers(part: Curve) -> str:
    """The numbers of a curve that has few, folded away."""
    if len(part.steps) > _NUMBERS:
        return ""
    columns = [part.across, *part.lines]
    rows = list(zip((f"{step:g}" for step in part.steps), *part.lines.values(), strict=True))
    return f"<details><summary>The numbers</summary>{_grid(Grid(columns, rows))}</details>"
