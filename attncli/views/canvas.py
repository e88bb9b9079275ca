"""Marks of a drawing in SVG: text, lines, arrows, and the circles of operations."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

NODE = 9  # pixels from the middle of an operation to its edge


@dataclass(slots=True)
class Canvas:
    """Markup that grows downwards; `top` is where the next stage begins."""

    parts: list[str] = field(default_factory=list)
    top: float = 0.0

    def text(self, x: float, y: float, text: str, attributes: str = "") -> None:
        self.parts.append(letters(x, y, text, attributes))

    def line(self, *points: tuple[float, float], attributes: str = "") -> None:
        moves = " ".join(f"{x:g},{y:g}" for x, y in points)
        space = " " if attributes else ""
        self.parts.append(f'<polyline points="{moves}"{space}{attributes}/>')

    def arrow(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """An arrow that points down."""
        x, y = end
        self.line(start, (x, y - 5))
        head = f"{x - 4:g},{y - 7:g} {x + 4:g},{y - 7:g} {x:g},{y:g}"
        self.parts.append(f'<polygon points="{head}" fill="currentColor" stroke="none"/>')

    def node(self, x: float, y: float, sign: str) -> None:
        """A circle with the sign of an operation."""
        self.parts.append(f'<circle cx="{x:g}" cy="{y:g}" r="{NODE}"/>')
        self.text(x, y + 4.5, sign, 'text-anchor="middle"')

    def bus(self, y: float, nodes: Sequence[float], start: float, attributes: str = "") -> None:
        """A line along all nodes and `start`, with room for their circles."""
        stops = sorted({*nodes, start})
        for one, other in pairwise(stops):
            left = one + (NODE if one in nodes else 0)
            right = other - (NODE if other in nodes else 0)
            self.line((left, y), (right, y), attributes=attributes)


def letters(x: float, y: float, text: str, attributes: str = "") -> str:
    """Text, which has no outline; `text` is markup."""
    return (
        f'<text x="{x:g}" y="{y:g}" fill="currentColor" stroke="none"'
        f"{' ' if attributes else ''}{attributes}>{text}</text>"
    )
