"""A small map of points in a terminal, and what its drawing shares with it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import chop_cells
from rich.segment import Segment

from attncli.results.comparison import Point
from attncli.views.ink import Ink, Line, width_of, wrapped

MARKS = {"static": "o", "contextual": "*", "sentence": "+", "neighbor": "."}
MEANINGS = {
    "static": "without a context",
    "contextual": "in its sentence",
    "sentence": "word of a sentence",
    "neighbor": "near word",
}
RANK = ("contextual", "static", "sentence", "neighbor")


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
    ordered = sorted(range(len(points)), key=lambda i: RANK.index(points[i].kind))
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
        if not _labeled(
            grid, point_name(points[i].label, lambda text: ink.word(text, 20)), *places[i]
        )
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
            f"  marks under another: {', '.join(point_name(label, ink.word) for label in covered)}"
        )
    if missed:
        named = ", ".join(f"{point_name(p.label, ink.word)} ({p.x:.2f}, {p.y:.2f})" for p in missed)
        notes.append(f"  no room for the names: {named}")
    return lines + [[ink.dim(part)] for note in notes for part in wrapped(note, width, 4)]


def point_name(label: str, shown: Callable[[str], str]) -> str:
    """The name of a point, its word as `shown` gives it; a number behind it stays behind it."""
    word, space, number = label.rpartition(" ")
    return f"{shown(word)} {number}" if space and number.isdecimal() else shown(label)


def _places(points: Sequence[Point], columns: int, rows: int) -> list[tuple[int, int]]:
    room = max(columns - 14, 8)
    return [
        (round(y * (rows - 1)), 1 + round(x * (room - 1))) for _, (x, y) in scaled(points, 1, 1)
    ]


def scaled(
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
