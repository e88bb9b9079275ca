"""The map of points as an SVG drawing."""

from collections.abc import Sequence

from attncli.errors.wording import visible
from attncli.escape import isolated
from attncli.results.comparison import Point
from attncli.views.ink import width_of, word
from attncli.views.markup import escaped_text
from attncli.views.scatter import MEANINGS, RANK, point_name, scaled
from attncli.views.svg import PAPER, SOFT, Drawing

_COLORS = {
    "static": "#000000",
    "contextual": "#b3261e",
    "sentence": "#0550ae",
    "neighbor": "#57606a",
}


def scatter_drawing(points: Sequence[Point]) -> Drawing:
    """The map as SVG: a mark and a name for each point; names move down until they are free."""
    width, height, margin = 640, 420, 24
    parts = [
        f'<rect width="{width}" height="{height + 32}" fill="{PAPER}"/>',
        f'<rect width="{width}" height="{height}" fill="none" stroke="{SOFT}"/>',
    ]
    taken: list[tuple[float, float, float, float]] = []
    for point, (x, y) in scaled(points, width - 8 * margin, height - 2 * margin):
        x, y = x + margin, y + margin
        size = width_of(visible(point.label)) * 7.3
        top = _free(taken, x + 9, y - 8, size)
        taken.append((x + 9, top, size, 15))
        if abs(top - (y - 8)) > 8:  # a name that had to move away stays tied to its mark
            parts.append(
                f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{x + 9:.1f}" y2="{top + 8:.1f}" '
                f'stroke="{SOFT}" stroke-width="0.7"/>'
            )
        color, bold = _COLORS[point.kind], point.kind in ("static", "contextual")
        parts.append(
            f'{_mark(point.kind, x, y, color)}<text x="{x + 9:.1f}" y="{top + 12:.1f}" '
            f'font-size="12" fill="{color}"{" font-weight=" + chr(34) + "bold" + chr(34) if bold else ""}>'
            f"{escaped_text(point_name(point.label, lambda text: isolated(word(text, 24))))}</text>"
        )
    x = 0.0
    for kind in (kind for kind in RANK if any(point.kind == kind for point in points)):
        parts.append(_mark(kind, x + 8, height + 20, _COLORS[kind]))
        parts.append(
            f'<text x="{x + 18:.0f}" y="{height + 24}" font-size="12">{MEANINGS[kind]}</text>'
        )
        x += 30 + 7.4 * len(MEANINGS[kind])
    return Drawing(width, height + 32, tuple(parts))


def _free(
    taken: Sequence[tuple[float, float, float, float]], x: float, y: float, width: float
) -> float:
    """The nearest height, downwards first, at which a name does not cover another."""
    for step in range(60):
        top = y + (step + 1) // 2 * 8 * (1 if step % 2 else -1)
        if top < 0:
            continue
        if not any(
            x < left + size and left < x + width and top < above + 14 and above < top + 14
            for left, above, size, _ in taken
        ):
            return top
    return y


def _mark(kind: str, x: float, y: float, color: str) -> str:
    if kind == "contextual":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{color}"/>'
    if kind == "static":
        return (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="none" stroke="{color}" '
            'stroke-width="2"/>'
        )
    if kind == "sentence":
        return f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{color}"/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{color}"/>'
