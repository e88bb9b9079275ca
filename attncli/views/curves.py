"""Curves as points of a drawing, and the cells of cards as texts: what HTML and LaTeX share."""

from collections.abc import Sequence
from typing import NamedTuple

from attncli.results.cards import Cell, Curve, Shaded

_MOST = 400  # points of a line

Points = list[tuple[float, float]]


class Plot(NamedTuple):
    """A curve in a field: points of each line from the top left; the numbers at its ends as texts."""

    lines: list[Points]
    ends: list[str]
    high: str
    low: str
    first: str
    last: str


def plotted(curve: Curve, width: float, height: float) -> Plot:
    """The curve in a field of this size; of very many steps some."""
    places = _places(len(curve.steps))
    known = [value for line in curve.lines.values() for value in line if value is not None]
    low, high = min(known, default=0.0), max(known, default=1.0)
    first, last = (curve.steps[0], curve.steps[-1]) if curve.steps else (0.0, 1.0)
    across, up = (last - first) or 1.0, (high - low) or 1.0
    lines = [
        [
            ((curve.steps[at] - first) / across * width, (high - value) / up * (height - 8))
            for at in places
            if (value := line[at]) is not None
        ]
        for line in curve.lines.values()
    ]
    ends = [
        next((f"{value:.4g}" for value in reversed(line) if value is not None), "none")
        for line in curve.lines.values()
    ]
    return Plot(lines, ends, f"{high:.4g}", f"{low:.4g}", f"{first:g}", f"{last:g}")


def cell_text(cell: Cell, digits: int) -> str:
    """A cell as text: whole numbers as they are, others with so many digits."""
    if cell is None:
        return "–"
    if isinstance(cell, Shaded):
        return cell.text
    if isinstance(cell, float):
        return f"{cell:.{digits}f}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def _places(count: int) -> Sequence[int]:
    if count <= _MOST:
        return range(count)
    return [round(i * (count - 1) / (_MOST - 1)) for i in range(_MOST)]
