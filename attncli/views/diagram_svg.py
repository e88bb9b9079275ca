"""The drawing of attention as SVG: black lines on no ground, so that print and dark pages have it too.

What is followed has thick lines, what is not has broken ones; a weight is a bar beside its number.
Each box is a group with the name of its stage and the place of its word (`data-stage`, `data-word`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from attncli.escape import drawable, isolated, visible
from attncli.insight.diagram import Diagram
from attncli.results.result import AttentionResult
from attncli.views.canvas import NODE, Canvas, letters
from attncli.views.diagram import Cell, Drawn, MatrixBox, Stage, drawn_texts, in_words
from attncli.views.ink import width_of, word, wrapped
from attncli.views.svg import FONT, INK, Drawing, heading_drawing, in_scripts, stacked, svg_document

_CHAR, _LINE, _SIZE = 7.83, 18, 13  # pixels: of a character, of a line, of the font
_PANEL, _PANEL_COLUMNS = 186, 22  # what stands at the left of the stages
_PAD, _GAP, _STEP = 7, 10, 24  # inside a box, between boxes, between stages
_LABEL = 16  # columns of a word at most
# Rules of a page for its drawings: on paper they shrink to the width of the sheet.
PAGE_STYLE = """.attn .diagram .scroll { max-height: none; }
@media print { .attn .diagram svg { max-width: 100%; height: auto; } }
"""
_SOFT = 'opacity="0.72"'
_BROKEN, _THICK = 'stroke-dasharray="3 3"', 'stroke-width="2.5"'


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where the words stand: their middles, and where in a word's column q, k and v are."""

    middles: tuple[float, ...]
    box: float
    asked: float
    met: float
    mixed: float
    width: float


def diagram_svg(diagrams: Sequence[Diagram], precision: int | None = None) -> str:
    """One SVG with the drawings below one another, each under what was computed."""
    parts: list[Drawing] = []
    texts: list[str] = []
    results: list[AttentionResult] = []
    for diagram in diagrams:
        drawn = drawn_texts(diagram, precision, _word)
        if not any(result is diagram.result for result in results):
            results.append(diagram.result)
            parts.append(heading_drawing(diagram.result))
        parts.append(_dark_on_white(diagram_drawing(drawn)))
        texts += [f"{diagram_title(diagram)}."]
        texts += in_words(drawn, _word)
    title = "; ".join(diagram_title(diagram) for diagram in diagrams)
    return svg_document(stacked(parts), title, " ".join(texts))


def diagram_figure(diagram: Diagram, number: int, precision: int | None = None) -> str:
    """A figure for a page: the drawing, and the same in words."""
    drawn = drawn_texts(diagram, precision, _word)
    drawing, title = diagram_drawing(drawn), escape(drawable(diagram_title(diagram)))
    items = "".join(f"<li>{escape(drawable(line))}</li>" for line in in_words(drawn, _word))
    width, height = round(drawing.width + 4), round(drawing.height + 4)
    return (
        f'<figure class="diagram"><figcaption>{title}</figcaption><div class="scroll">'
        f'<svg width="{width}" height="{height}" viewBox="-2 -2 {width} {height}" role="img" '
        f'aria-labelledby="diagram-{number}" font-family="{FONT}" font-size="14">'
        f'<title id="diagram-{number}">{title}</title>'
        + "\n".join(drawing.parts)
        + "</svg></div><details><summary>The drawing in words</summary>"
        f"<ol>{items}</ol></details></figure>"
    )


def diagram_title(diagram: Diagram) -> str:
    """What the drawing shows: "How bank attends in “money bank grows”, layer 0, head 1"."""
    of = f", {diagram.name}" if diagram.name else ""
    text = isolated(word(diagram.result.text, 80))
    return f"How {_word(diagram.followed)} attends in “{text}”{of}"


def diagram_drawing(drawn: Drawn) -> Drawing:
    """The drawing itself, in the color that text around it has."""
    columns = _columns(drawn)
    canvas = Canvas()
    _words(canvas, drawn, columns)
    _embeddings(canvas, drawn, columns)
    value_from = _projected(canvas, drawn, columns)
    _scores(canvas, drawn, columns)
    _sum(canvas, drawn, columns, value_from)
    for note in drawn.notes:
        for line in wrapped(note, 90, 2):
            canvas.text(0, canvas.top + 14, escape(line), _SOFT)
            canvas.top += _LINE
    longest = max((width_of(note) for note in drawn.notes), default=0)
    width = max(_PANEL + columns.width, min(longest, 92) * _CHAR)
    group = f'<g font-size="{_SIZE}" fill="none" stroke="currentColor" stroke-width="1.2">'
    return Drawing(width, canvas.top, (group, *canvas.parts, "</g>"))


def _dark_on_white(drawing: Drawing) -> Drawing:
    return Drawing(drawing.width, drawing.height, (f'<g color="{INK}">', *drawing.parts, "</g>"))


def _word(text: str) -> str:
    return isolated(word(text, _LABEL))


def _columns(drawn: Drawn) -> _Columns:
    texts = [text for stage in drawn.stages() for cell in stage.cells for text in cell.texts]
    texts += [_more(cell) for stage in drawn.stages() for cell in stage.cells if cell.more]
    box = max(map(len, texts)) * _CHAR + 2 * _PAD
    label = max(width_of(word(text, _LABEL)) for text in drawn.words) * _CHAR + 16
    three = drawn.query is not None
    inner = 3 * box + 2 * _GAP if three else box + 40
    size = max(inner, label) + 2 * _GAP
    shift = box + _GAP if three else 0.0
    middles = tuple(_PANEL + size * (i + 0.5) for i in range(len(drawn.words)))
    width = max(size * len(middles), *(_band_width(drawn), box + 80))
    if three:
        return _Columns(middles, box, -shift, 0.0, shift, width)
    return _Columns(middles, box, -box / 4, 0.0, box / 2 + 14, width)


def _band_width(drawn: Drawn) -> float:
    boxes = drawn.matrices
    return max(
        sum(_matrix_width(matrix) + 30 for matrix in boxes),
        width_of(drawn.made_by) * _CHAR + 20,
    )


def _matrix_width(matrix: MatrixBox) -> float:
    head = width_of(f"{matrix.name}  {matrix.size}") * _CHAR
    rows = [sum(len(text) + 2 for text in row) * _CHAR for row in matrix.rows]
    return max(head, *rows, 0.0) if rows else head


def _panel(canvas: Canvas, title: str, top: float, *more: str) -> float:
    """What a stage is, at its left; gives the height."""
    lines = [*wrapped(title, _PANEL_COLUMNS, 0), *more]
    for i, line in enumerate(lines):
        canvas.text(0, top + 14 + _LINE * i, in_scripts(drawable(line), _CHAR))
    return _LINE * len(lines)


def _words(canvas: Canvas, drawn: Drawn, columns: _Columns) -> None:
    for i, (middle, text) in enumerate(zip(columns.middles, drawn.words, strict=True)):
        label = word(text, _LABEL)
        full = "" if label == text else f"<title>{escape(visible(text))}</title>"
        if i == drawn.row:
            half = width_of(label) * _CHAR / 2 + 8
            canvas.parts.append(
                f'<rect x="{middle - half:g}" y="0" width="{2 * half:g}" height="24" rx="12" '
                f"{_THICK}/>"
            )
        canvas.text(
            middle, 17, full + escape(isolated(label)), 'text-anchor="middle" font-weight="bold"'
        )
    canvas.top = 24 + 12


def _embeddings(canvas: Canvas, drawn: Drawn, columns: _Columns) -> None:
    stage = drawn.embedding
    if stage is None:
        return
    height = _height(stage)
    _panel(canvas, stage.title, canvas.top)
    for i, middle in enumerate(columns.middles):
        thick = i == drawn.row and drawn.query is None
        _box(canvas, stage, i, middle, columns.box, height, thick=thick)
    canvas.top += max(height, _LINE * len(wrapped(stage.title, _PANEL_COLUMNS, 0)))


def _projected(canvas: Canvas, drawn: Drawn, columns: _Columns) -> float:
    """W_q, W_k, W_v, and the query, key and value of each word; where the values begin."""
    if drawn.query is None or drawn.key is None or drawn.value is None:
        return canvas.top - _height(drawn.embedding) / 2 if drawn.embedding else canvas.top
    if drawn.embedding is not None:
        for middle in columns.middles:
            canvas.arrow((middle, canvas.top), (middle, canvas.top + 26))
        canvas.top += 26
    _band(canvas, columns.width, drawn.matrices, drawn.made_by)
    sides = ((drawn.query, columns.asked), (drawn.key, columns.met), (drawn.value, columns.mixed))
    start, top = canvas.top, canvas.top + 44
    height = max(_height(stage) for stage, _ in sides)
    canvas.top = top
    _panel(canvas, "query q, key k and value v of each word", top)
    for i, middle in enumerate(columns.middles):
        for stage, shift in sides:
            x = middle + shift
            canvas.arrow((x, start), (x, start + 22))
            canvas.text(x, start + 37, stage.name[0], 'text-anchor="middle" font-style="italic"')
            is_query = stage is drawn.query
            _box(
                canvas, stage, i, x, columns.box, height,
                thick=is_query and i == drawn.row, broken=is_query and i != drawn.row,
            )  # fmt: skip
    canvas.top = top + height
    return canvas.top


def _scores(canvas: Canvas, drawn: Drawn, columns: _Columns) -> None:
    """The query's way along all keys, then scale and softmax."""
    bus, start = canvas.top + 24, canvas.top
    asked = columns.middles[drawn.row] + columns.asked
    canvas.line((asked, start), (asked, bus), attributes=_THICK)
    canvas.bus(bus, columns.middles, asked, _THICK)
    top = bus + 32
    for middle in columns.middles:
        canvas.line((middle, start), (middle, bus - NODE))
        canvas.arrow((middle, bus + NODE), (middle, top))
        canvas.node(middle, bus, "·")
    canvas.top = top
    for stage in (drawn.product, drawn.scaled):
        step = max(_STEP, _numbers(canvas, stage, columns) - _height(stage) + 4)
        for middle in columns.middles:
            canvas.arrow((middle, canvas.top), (middle, canvas.top + step))
        canvas.top += step
    band = canvas.top
    canvas.top += 8
    _numbers(canvas, drawn.power, columns, f"Σ = {drawn.total}")
    canvas.top += 8
    left = _PANEL + 2
    canvas.parts.append(
        f'<rect x="{left:g}" y="{band:g}" width="{columns.width - 4:g}" '
        f'height="{canvas.top - band:g}" rx="12" {_BROKEN} class="softmax"/>'
    )
    for middle in columns.middles:
        canvas.arrow((middle, canvas.top), (middle, canvas.top + 22))
    canvas.top += 22
    _numbers(canvas, drawn.weight, columns, bars=True)


def _sum(canvas: Canvas, drawn: Drawn, columns: _Columns, value_from: float) -> None:
    """Each value times its weight, and their sum."""
    node, top = canvas.top + 26, canvas.top + 58
    for middle in columns.middles:
        canvas.line((middle, canvas.top), (middle, node - NODE))
        x = middle + columns.mixed
        begins = [(x, value_from)]
        if drawn.query is None:  # from the side of the embedding
            begins = [(middle + columns.box / 2, value_from), (x, value_from)]
        canvas.line(*begins, (x, node), (middle + NODE, node), attributes=_SOFT)
        canvas.arrow((middle, node + NODE), (middle, top))
        canvas.node(middle, node, "×")
    height = _height(drawn.part)
    canvas.top = top
    _panel(canvas, drawn.part.title, top)
    for i, middle in enumerate(columns.middles):
        _box(canvas, drawn.part, i, middle, columns.box, height)
    bus, under = top + height + 24, columns.middles[drawn.row]
    for middle in columns.middles:
        end = bus - NODE if middle == under else bus
        canvas.line((middle, top + height), (middle, end))
    for middle in (columns.middles[0], columns.middles[-1]):
        canvas.bus(bus, (under,), middle)
    canvas.arrow((under, bus + NODE), (under, bus + 34))
    canvas.node(under, bus, "+")
    canvas.top = bus + 34
    _result(canvas, drawn, drawn.new, columns)
    if drawn.joined is not None:
        canvas.arrow((under, canvas.top), (under, canvas.top + 26))
        canvas.top += 26
        if drawn.output is not None:
            _band(canvas, columns.width, (drawn.output,), "")
            canvas.arrow((under, canvas.top), (under, canvas.top + 26))
            canvas.top += 26
        _result(canvas, drawn, drawn.joined, columns)
    canvas.top += 10


def _result(canvas: Canvas, drawn: Drawn, stage: Stage, columns: _Columns) -> None:
    """One box under the followed word."""
    height = _height(stage)
    panel = _panel(canvas, stage.title, canvas.top)
    _box(canvas, stage, 0, columns.middles[drawn.row], columns.box, height, thick=True)
    canvas.top += max(height, panel)


def _numbers(
    canvas: Canvas, stage: Stage, columns: _Columns, *more: str, bars: bool = False
) -> float:
    """A row of single numbers under the words; gives the height of what stands at their left."""
    panel = _panel(canvas, stage.title, canvas.top, *more)
    height = _height(stage)
    for i, middle in enumerate(columns.middles):
        _box(canvas, stage, i, middle, columns.box, height, bar=bars)
    canvas.top += height
    return panel


def _height(stage: Stage) -> float:
    return max(len(cell.texts) + bool(cell.more) for cell in stage.cells) * _LINE + 8


def _more(cell: Cell) -> str:
    return f"+{cell.more}"


def _box(
    canvas: Canvas,
    stage: Stage,
    place: int,
    middle: float,
    width: float,
    height: float,
    *,
    thick: bool = False,
    broken: bool = False,
    bar: bool = False,
) -> None:
    cell, top = stage.cells[place], canvas.top
    style = f" {_THICK}" if thick else f" {_BROKEN}" if broken else ""
    left = middle - width / 2
    parts = [f'<g data-stage="{stage.name}" data-word="{place}">']
    if bar:
        share = min(max(float(cell.texts[0]), 0.0), 1.0) * width
        parts.append(
            f'<rect x="{left:g}" y="{top:g}" width="{share:g}" height="{height:g}" '
            'fill="currentColor" fill-opacity="0.25" stroke="none"/>'
        )
    parts.append(
        f'<rect x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}" rx="3"{style}/>'
    )
    bold = ' font-weight="bold"' if stage.name in ("weight", "new", "joined") else ""
    for i, text in enumerate(cell.texts):
        right, y = left + width - _PAD, top + 18 + _LINE * i
        parts.append(letters(right, y, text, f'text-anchor="end"{bold}'))
    if cell.more:
        text = f"<title>{cell.more} more numbers</title>{_more(cell)}"
        y = top + 18 + _LINE * len(cell.texts)
        parts.append(letters(middle, y, text, f'text-anchor="middle" {_SOFT}'))
    canvas.parts.append("".join(parts) + "</g>")


def _band(canvas: Canvas, width: float, matrices: Sequence[MatrixBox], made_by: str) -> None:
    """A band across all words: matrices with their numbers, and what they make."""
    rows = max((len(matrix.rows) for matrix in matrices), default=0)
    heights = (len(matrices) > 0) * 22 + rows * _LINE + (22 if made_by else 0) + 10
    canvas.parts.append(
        f'<rect x="{_PANEL + 2:g}" y="{canvas.top:g}" width="{width - 4:g}" '
        f'height="{heights:g}" rx="12" fill="currentColor" fill-opacity="0.07"/>'
    )
    canvas.parts += _matrix_parts(matrices, width, canvas.top)
    if made_by:
        middle, y = _PANEL + width / 2, canvas.top + heights - 11
        canvas.text(middle, y, escape(made_by), 'text-anchor="middle"')
    canvas.top += heights


def _matrix_parts(matrices: Sequence[MatrixBox], width: float, top: float) -> Iterator[str]:
    sizes = [_matrix_width(matrix) for matrix in matrices]
    gap = (width - sum(sizes)) / (len(matrices) + 1)
    middle = float(_PANEL)
    for matrix, size_before, own in zip(matrices, [0.0, *sizes], sizes, strict=False):
        middle += size_before / 2 + gap + own / 2
        size = f'  <tspan font-weight="normal">{matrix.size}</tspan>' if matrix.size else ""
        yield f'<g data-stage="{matrix.name}">'
        yield letters(
            middle, top + 19, matrix.name + size, 'text-anchor="middle" font-weight="bold"'
        )
        column = max((len(text) for row in matrix.rows for text in row), default=0) + 2
        for i, row in enumerate(matrix.rows):
            left = middle - column * len(row) * _CHAR / 2
            for j, text in enumerate(row):
                x, y = left + column * (j + 1) * _CHAR - _CHAR, top + 39 + _LINE * i
                yield letters(x, y, text, 'text-anchor="end"')
        yield "</g>"
