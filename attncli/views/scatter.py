"""A small map of points: in a terminal, and as an SVG drawing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import chop_cells
from rich.segment import Segment

from attncli.errors.wording import visible
from attncli.escape import isolated
from attncli.results.comparison import Point
from attncli.views.ink import Ink, Line, width_of, word, wrapped
from attncli.views.markup import escaped_text
from attncli.views.svg import PAPER, SOFT, Drawing

MARKS = {"static": "o", "contextual": "*", "sentence": "+", "neighbor": "."}
MEANINGS = {
    "static": "without a context",
    "contextual": "in its sentence",
    "sentence": "word of a sentence",
    "neighbor": "near word",
}
_COLORS = {
    "static": "#000000",
    "contextual": "#b3261e",
    "sentence": "#0550ae",
    "neighbor": "#57606a",
}
_RANK = ("contextual", "static", "sentence", "neighbor")


@dataclass(slots=True)
class _Grid:
    """Characters of the map; a cell of a wide character holds it and an empty text."""

    width: int
    height: int
    cells: list[list[str]]

    def free(self, row: int, column: int, size: int) -> bool:
        return (
            0 <= row < self.height
            and column >= 0
            and column + size <= self.width
            and all(cell == " " for cell in self.cells[row][column : column + size])
        )

    def put(self, row: int, column: int, text: str) -> None:
        """Writes a text into free cells; what takes no room joins the character before it."""
        start = column
        for sign in filter(None, chop_cells(text, 1)):
            size = width_of(sign)
            if size == 0:
                self.cells[row][max(column - 1, start)] += sign
                continue
            before = self.cells[row][column] if column == start else " "
            self.cells[row][column] = before.strip(" ") + sign  # a mark may stand before the first
            if size == 2:
                self.cells[row][column + 1] = ""
            column += size


def scatter_lines(points: Sequence[Point], ink: Ink, *, width: int = 80) -> list[Line]:
    """The map in characters, then what the marks mean, and every word that found no room in it."""
    columns = max(min(width - 4, 76), 16)
    rows = max(min(columns // 4, 18), 8)
    grid = _Grid(columns, rows, [[" "] * columns for _ in range(rows)])
    places = _places(points, columns, rows)
    ordered = sorted(range(len(points)), key=lambda i: _RANK.index(points[i].kind))
    covered = []
    for i in ordered:
        row, column = places[i]
        if grid.cells[row][column] != " ":
            covered.append(points[i].label)
        if grid.cells[row][column] == " ":
            grid.put(row, column, MARKS[points[i].kind])
    missed = [
        points[i]
        for i in ordered
        if not _labeled(grid, _name(points[i].label, lambda text: ink.word(text, 20)), *places[i])
    ]
    edge = "+" + "-" * columns + "+"
    lines: list[Line] = [[Segment("  " + edge)]]
    lines += [[Segment("  |" + "".join(cells) + "|")] for cells in grid.cells]
    lines.append([Segment("  " + edge)])
    kinds = dict.fromkeys(points[i].kind for i in ordered)
    key = "  " + ", ".join(f"{MARKS[kind]} {MEANINGS[kind]}" for kind in kinds)
    notes = [key]
    if covered:
        notes.append(
            f"  marks under another: {', '.join(_name(label, ink.word) for label in covered)}"
        )
    if missed:
        named = ", ".join(f"{_name(p.label, ink.word)} ({p.x:.2f}, {p.y:.2f})" for p in missed)
        notes.append(f"  no room for the names: {named}")
    return lines + [[ink.dim(part)] for note in notes for part in wrapped(note, width, 4)]


def scatter_drawing(points: Sequence[Point]) -> Drawing:
    """The map as SVG: a mark and a name for each point; names move down until they are free."""
    width, height, margin = 640, 420, 24
    parts = [
        f'<rect width="{width}" height="{height + 32}" fill="{PAPER}"/>',
        f'<rect width="{width}" height="{height}" fill="none" stroke="{SOFT}"/>',
    ]
    taken: list[tuple[float, float, float, float]] = []
    for point, (x, y) in _scaled(points, width - 8 * margin, height - 2 * margin):
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
            f"{escaped_text(_name(point.label, lambda text: isolated(word(text, 24))))}</text>"
        )
    x = 0.0
    for kind in (kind for kind in _RANK if any(point.kind == kind for point in points)):
        parts.append(_mark(kind, x + 8, height + 20, _COLORS[kind]))
        parts.append(
            f'<text x="{x + 18:.0f}" y="{height + 24}" font-size="12">{MEANINGS[kind]}</text>'
        )
        x += 30 + 7.4 * len(MEANINGS[kind])
    return Drawing(width, height + 32, tuple(parts))


def _name(label: str, shown: Callable[[str], str]) -> str:
    """The name of a point, its word as `shown` gives it; a number behind it stays behind it."""
    word, space, number = label.rpartition(" ")
    return f"{shown(word)} {number}" if space and number.isdecimal() else shown(label)


def _places(points: Sequence[Point], columns: int, rows: int) -> list[tuple[int, int]]:
    room = max(columns - 14, 8)
    return [
        (round(y * (rows - 1)), 1 + round(x * (room - 1))) for _, (x, y) in _scaled(points, 1, 1)
    ]


def _scaled(
    points: Sequence[Point], width: float, height: float
) -> list[tuple[Point, tuple[float, float]]]:
    """Each point with its place from the left and the top."""
    left, right = min(p.x for p in points), max(p.x for p in points)
    low, high = min(p.y for p in points), max(p.y for p in points)

    def share(value: float, start: float, end: float) -> float:
        return 0.5 if start == end else (value - start) / (end - start)

    return [(p, (share(p.x, left, right) * width, share(p.y, high, low) * height)) for p in points]


def _labeled(grid: _Grid, label: str, row: int, column: int) -> bool:
    """Writes the name beside its mark where there is room, and says whether it did."""
    size = width_of(label)
    for at, start in (
        (row, column + 2),
        (row, column - size - 1),
        (row - 1, column),
        (row + 1, column),
        (row - 1, column - size + 1),
        (row + 1, column - size + 1),
    ):
        if grid.free(at, start - 1, size + 1) or (start == 0 and grid.free(at, start, size)):
            grid.put(at, start, label)
            return True
        if at == row and start > column and grid.free(at, start, size):
            grid.put(at, start, label)
            return True
    return False


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
