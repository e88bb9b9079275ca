"""A scene as SVG: a drawing among others, or a file of its own of exactly the size asked for."""

from collections.abc import Iterator

import numpy as np

from attncli.errors.wording import visible
from attncli.escape import drawable, isolated
from attncli.views.figures.scene import CHAR, Box, Cells, FigureScene, Segment, Text
from attncli.views.markup import escaped_text
from attncli.views.palette import PALETTES, hex_code, palette_steps
from attncli.views.svg import FONT, PAPER, Drawing, columns_of, in_scripts

OVERLAP = 0.03  # of a cell, so that no paper shines through between two


def scene_drawing(scene: FigureScene) -> Drawing:
    """The scene as a drawing that stands among others."""
    return Drawing(scene.width, scene.height, tuple(_parts(scene)))


def scene_svg(
    scene: FigureScene, title: str, description: str = "", sides: tuple[str, str] | None = None
) -> str:
    """A whole SVG file; `sides` are its width and height as they are written, pixels if not given."""
    view = f"{scene.width:.6g} {scene.height:.6g}"
    width, height = sides or tuple(view.split(" "))
    described = f"<desc>{escaped_text(drawable(description))}</desc>\n" if description else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {view}" role="img" font-family="{FONT}" font-size="14">\n'
        f"<title>{escaped_text(drawable(title))}</title>\n{described}"
        f'<rect width="{scene.width:.6g}" height="{scene.height:.6g}" fill="{PAPER}"/>\n'
        + "\n".join(_parts(scene))
        + "\n</svg>\n"
    )


def _parts(scene: FigureScene) -> Iterator[str]:
    for item in scene.items:
        if isinstance(item, Text):
            yield _text(item)
        elif isinstance(item, Box):
            yield _box(item)
        elif isinstance(item, Segment):
            yield (
                f'<path d="M{item.x:.5g} {item.y:.5g}L{item.to_x:.5g} {item.to_y:.5g}" '
                f'stroke="{hex_code(item.color)}" stroke-width="{item.width:.3g}" '
                f'stroke-opacity="{item.opacity:.3g}"/>'
            )
        else:
            yield from _cells(item)


def _text(item: Text) -> str:
    shown = isolated(item.text)
    content, anchor, shift = escaped_text(shown), item.anchor, 0.0
    parted = in_scripts(shown, CHAR * item.size)
    if "<tspan" in parted:  # words at places of their own, counted from the beginning
        width = columns_of(shown) * CHAR * item.size
        shift = -width * {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor]
        content, anchor = parted, "start"
    place = f'x="{item.x:.5g}" y="{item.y:.5g}"'
    if item.turned or anchor != item.anchor or content is parted:
        turn = " rotate(-90)" if item.turned else ""
        start = f" translate({shift:.5g} 0)" if shift else ""
        place = f'transform="translate({item.x:.5g} {item.y:.5g}){turn}{start}"'
    anchored = "" if anchor == "start" else f' text-anchor="{anchor}"'
    title = f"<title>{escaped_text(visible(item.full))}</title>" if item.full else ""
    weight = ' font-weight="bold"' if item.bold else ""
    return (
        f'<text {place}{anchored} font-size="{item.size:.4g}" fill="{hex_code(item.color)}"{weight}>'
        f"{title}{content}</text>"
    )


def _box(item: Box) -> str:
    fill = "none" if item.fill is None else hex_code(item.fill)
    line = "" if item.line is None else f' stroke="{hex_code(item.line)}" stroke-width="0.7"'
    return (
        f'<rect x="{item.x:.5g}" y="{item.y:.5g}" width="{item.width:.5g}" '
        f'height="{item.height:.5g}" fill="{fill}"{line}/>'
    )


def _cells(item: Cells) -> Iterator[str]:
    """Runs of cells of one color as strokes of one path a color; gaps as white lines upon them."""
    rows, columns = item.shares.shape
    if not item.shares.size:
        return
    wide, high = item.width / columns, item.height / rows
    yield (
        f'<g transform="translate({item.x:.6g} {item.y:.6g}) scale({wide:.6g} {high:.6g})" '
        'shape-rendering="crispEdges">'
    )
    colors, more = PALETTES[item.palette], 0 if item.gaps else OVERLAP
    for step, moves in sorted(cell_runs(item).items()):
        path = "".join(
            f"M{start} {row}.5h{length + (more if start + length < columns else 0)}"
            for row, start, length in moves
        )
        yield f'<path stroke="{hex_code(colors[step])}" stroke-width="{1 + more}" d="{path}"/>'
    yield "</g>"
    if item.gaps:
        lines = "".join(
            (f"M{item.x + k * wide:.5g} {item.y:.5g}v{item.height:.5g}" if k <= columns else "")
            + (f"M{item.x:.5g} {item.y + k * high:.5g}h{item.width:.5g}" if k <= rows else "")
            for k in range(max(rows, columns) + 1)
        )
        yield f'<path stroke="{PAPER}" stroke-width="1" d="{lines}"/>'


def cell_runs(item: Cells) -> dict[int, list[tuple[int, int, int]]]:
    """For each color of the palette its runs of cells: row, first cell, number of cells."""
    runs: dict[int, list[tuple[int, int, int]]] = {}
    for row, shares in enumerate(item.shares):
        steps = palette_steps(shares, item.palette)  # type: ignore[arg-type]  # a palette's name
        if item.seen is not None:
            steps = np.where(item.seen[row], steps, -1)
        starts = np.flatnonzero(np.diff(steps, prepend=-2))
        lengths = np.diff([*starts, len(steps)])
        for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
            if steps[start] >= 0:
                runs.setdefault(int(steps[start]), []).append((row, start, length))
    return runs
