"""Figures of several ways side by side: what a training gave, and what no training gives."""

from collections.abc import Mapping

from rich.segment import Segment

from attncli.views.ink import Ink, Line, left, width_of


def beside_lines(figures: Mapping[str, Mapping[str, float]], ink: Ink) -> list[Line]:
    """A column for each way, a row for each of its figures, to four digits."""
    names = [ink.plain(name) for name in next(iter(figures.values()))]
    wide = max(map(width_of, names))
    heads = "  ".join(f"{way:>7}" for way in figures)
    lines: list[Line] = [[ink.dim(f"{'':{wide}}  {heads}")]]
    for row, name in enumerate(names):
        values = [list(way.values())[row] for way in figures.values()]
        cells = "  ".join(f"{v:>{max(len(w), 7)}.4f}" for w, v in zip(figures, values, strict=True))
        lines.append([ink.bold(left(name, wide)), Segment(f"  {cells}")])
    return lines
