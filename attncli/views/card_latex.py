"""Cards as LaTeX, for a notebook that is printed: its preamble has xcolor, graphicx and pgf.

Without pgf a curve is its numbers. Words are printed as they are; a character that the font lacks is
printed as its code point.
"""

import re
from collections.abc import Sequence

from attncli.results.cards import Card, Cell, Curve, Facts, Grid, Part, Shaded
from attncli.views.curves import Points, cell_text, plotted
from attncli.views.latex import CHARACTERS
from attncli.views.latex_words import DIRECTIONS, latex_escaped
from attncli.views.palette import hex_code, text_on, weight_rgb

_ROWS, _COLUMNS = 40, 20  # of one table; more of them become several
_WIDTH, _HEIGHT = 360, 110  # points of a curve
_DASHES = ("", "{6pt}{3pt}", "{1.5pt}{2pt}", "{8pt}{2pt}{1.5pt}{2pt}")
_MATH = {
    **{"→": r"\to", "−": "-", "×": r"\times", "√": r"\surd", "±": r"\pm", "…": r"\ldots"},
    **{"–": r"\mbox{--}", "τ": r"\tau", "·": r"\cdot", "÷": r"\div", "Σ": r"\Sigma"},
    **{digit: f"{{}}_{{{value}}}" for value, digit in enumerate("₀₁₂₃₄₅₆₇₈₉")},
}
_SIGN = re.compile(f"([{''.join(_MATH)}])")


def card_latex(card: Card) -> str:
    """A card as LaTeX for the body of a document."""
    lines = [rf"{{\large\bfseries {_text(card.title)}\par}}"]
    lines += [rf"{{\small {_text(card.line)}\par}}"] if card.line else []
    for part in card.parts:
        lines += _part(part)
    body = "\n".join(lines)
    directions = DIRECTIONS if r"\attnright" in body else ""
    head = "\\begingroup\n\\setlength{\\parindent}{0pt}\\setlength{\\parskip}{2pt}\\medskip\n"
    return f"{head}{CHARACTERS}{directions}{body}\n\\par\\medskip\\endgroup\n"


def _text(text: str) -> str:
    parts = (rf"\({_MATH[p]}\)" if p in _MATH else latex_escaped(p) for p in _SIGN.split(text))
    return "".join(part for part in parts if part)


def _part(part: Part) -> list[str]:
    title = [rf"\smallskip{{\small {_text(part.title)}\par}}\nobreak"] if part.title else []
    if isinstance(part, Facts):
        return [*title, *_facts(part)]
    if isinstance(part, Grid):
        return [*title, *_grid(part)]
    return [*title, *_curve(part)]


def _facts(part: Facts) -> list[str]:
    return [
        rf"{{\small\hangindent=1.5em\hangafter=1\textbf{{{_text(name)}}}\quad {_text(cell_text(value, 4))}\par}}"
        for name, value in part.facts.items()
    ]


def _grid(part: Grid) -> list[str]:
    if len(part.columns) == 1:  # texts, which may be longer than a line
        texts = [_text(cell_text(row[0], part.digits)) for row in part.rows]
        titled = rf"{{\small\textbf{{{_text(part.columns[0])}}}\par}}"
        return [titled, *(rf"{{\small\hangindent=1.5em {text}\par}}" for text in texts)]
    lines: list[str] = []
    for start in range(0, max(len(part.rows), 1), _ROWS):
        rows = part.rows[start : start + _ROWS]
        for left in range(1, max(len(part.columns), 2), _COLUMNS):
            lines += _table(part, rows, range(left, min(left + _COLUMNS, len(part.columns))))
    return lines


def _table(part: Grid, rows: Sequence[Sequence[Cell]], columns: range) -> list[str]:
    """The rows with some of the columns, as wide as the page at most."""
    kinds = [_kind(rows, at) for at in columns]
    shaded = "c" in kinds
    gap = "1.5pt" if set(kinds) == {"c"} else "4pt"
    heads = [rf"\textbf{{{_text(part.columns[at])}}}" for at in (0, *columns)]
    if shaded and sum(map(len, part.columns)) > 60:
        heads = [heads[0], *(rf"\rotatebox{{60}}{{{head}}}" for head in heads[1:])]
    lines = [
        r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{\small%",
        rf"\setlength{{\fboxsep}}{{3pt}}\setlength{{\tabcolsep}}{{{gap}}}\begin{{tabular}}{{@{{}}r{''.join(kinds)}@{{}}}}"
        if shaded
        else rf"\begin{{tabular}}{{@{{}}l{''.join(kinds)}@{{}}}}",
        " & ".join(heads) + r" \\",
    ]
    for row in rows:
        cells = [_cell(row[at], part.digits) for at in columns]
        lines.append(" & ".join([_text(cell_text(row[0], part.digits)), *cells]) + r" \\")
    return [*lines, r"\end{tabular}}\par\smallskip"]


def _kind(rows: Sequence[Sequence[Cell]], at: int) -> str:
    cells = [row[at] for row in rows]
    if any(isinstance(cell, Shaded) for cell in cells):
        return "c"
    if any(isinstance(cell, int | float) for cell in cells):
        return "r"
    longest = max((len(cell_text(cell, 0)) for cell in cells), default=0)
    return "l" if longest <= 60 else r"p{0.7\linewidth}"


def _cell(cell: Cell, digits: int) -> str:
    text = _text(cell_text(cell, digits))
    if not isinstance(cell, Shaded):
        return text
    color = weight_rgb(cell.share)
    fill, ink = (hex_code(of)[1:].upper() for of in (color, text_on(color)))
    return rf"\colorbox[HTML]{{{fill}}}{{\textcolor[HTML]{{{ink}}}{{{text}}}}}"


def _curve(part: Curve) -> list[str]:
    plot = plotted(part, _WIDTH, _HEIGHT)
    drawn = [
        rf"\pgfsetdash{{{dash}}}{{0pt}}{_path(points)}"
        for dash, points in zip(_DASHES, plot.lines, strict=False)
    ]
    names = "; ".join(
        f"{name} ({kind}): {end} at last"
        for name, kind, end in zip(
            part.lines, ("whole", "dashed", "dotted", "dash and dot"), plot.ends, strict=False
        )
    )
    ends = (
        f"{part.across} {plot.first} to {plot.last}; {plot.low} at the foot, {plot.high} at the top"
    )
    return [
        r"\ifdefined\pgfpicture",
        r"\begin{pgfpicture}\pgfsetlinewidth{0.4pt}",
        _path([(0, 0), (0, _HEIGHT - 8), (_WIDTH, _HEIGHT - 8)]),
        r"\pgfsetlinewidth{1pt}",
        *drawn,
        r"\end{pgfpicture}\par",
        r"\fi",
        rf"{{\small {_text(names)}\par {_text(ends)}\par}}",
    ]


def _path(points: Points) -> str:
    if not points:
        return ""
    ways = [r"\pgfpathmoveto", *[r"\pgfpathlineto"] * (len(points) - 1)]
    steps = (
        rf"{way}{{\pgfpoint{{{x:.1f}pt}}{{{_HEIGHT - 8 - y:.1f}pt}}}}"
        for way, (x, y) in zip(ways, points, strict=True)
    )
    return "".join(steps) + r"\pgfusepath{stroke}"
