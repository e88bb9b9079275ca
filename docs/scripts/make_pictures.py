"""Makes the pictures of the first page from real runs; `--check` says whether they are still true.

python docs/scripts/make_pictures.py [--check]
"""

import sys
from html import escape
from pathlib import Path

from rich.segment import Segment
from rich.style import Style

import attncli
from attncli.cli.explain import POINTER
from attncli.errors import names_as
from attncli.insight.movement import movements
from attncli.views.explain import explain_lines
from attncli.views.ink import Ink, width_of
from attncli.views.layout import Layout

IMAGES = Path(__file__).resolve().parents[1] / "images"
CELL, LINE, MARGIN = 8.4, 18, 14  # pixels
PAPER, TEXT = "#1b1b1f", "#e6e6e6"
NO_BREAK = "\u00a0"  # other spaces would be folded


def terminal_svg(lines: list[list[Segment]], width: int) -> str:
    """A picture of terminal lines: a rectangle for each background, a text for each segment."""
    height = len(lines) * LINE + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * CELL + 2 * MARGIN:.0f}" '
        f'height="{height}" font-family="monospace" font-size="14">',
        f'<rect width="100%" height="100%" rx="8" fill="{PAPER}"/>',
    ]
    for number, line in enumerate(lines):
        column = 0
        for text, style, _ in line:
            parts += _segment(text, style or Style(), column, number)
            column += width_of(text)
    return "\n".join([*parts, "</svg>", ""])


def _segment(text: str, style: Style, column: int, number: int) -> list[str]:
    x, y = MARGIN + column * CELL, MARGIN + number * LINE
    size = width_of(text) * CELL
    parts = []
    if style.bgcolor is not None:
        fill = style.bgcolor.get_truecolor().hex
        parts.append(
            f'<rect x="{x:.1f}" y="{y}" width="{size:.1f}" height="{LINE}" fill="{fill}"/>'
        )
    if text.strip():
        fill = TEXT if style.color is None else style.color.get_truecolor().hex
        weight = ' font-weight="bold"' if style.bold else ""
        fade = ' fill-opacity="0.65"' if style.dim else ""
        parts.append(
            f'<text x="{x:.1f}" y="{y + 13}" fill="{fill}"{weight}{fade} '
            f'textLength="{size:.1f}">{escape(text).replace(" ", NO_BREAK)}</text>'
        )
    return parts


def explain_picture() -> str:
    """`attn explain "money bank grows"` in a terminal of 80 columns and all colors."""
    store = attncli.open_vectors("glove").store
    result = attncli.explain("money bank grows", include=("embeddings",))
    ink = Ink(colors="truecolor")
    with names_as("attncli.cli.naming:Options"):  # as the command says it
        lines = explain_lines(result, movements(result, store), ink, Layout(overview=True))
        lines += [[], [ink.dim(POINTER)]]
    return terminal_svg(lines, 80)


PICTURES = {"explain.svg": explain_picture}


def main() -> None:
    """Writes the pictures, or checks them."""
    for name, make in PICTURES.items():
        path = IMAGES / name
        if "--check" not in sys.argv:
            path.write_text(make(), encoding="utf-8")
        elif path.read_text(encoding="utf-8") != make():
            sys.exit(f"{path} is not what the command prints now: run {Path(__file__).name}")


if __name__ == "__main__":
    main()
