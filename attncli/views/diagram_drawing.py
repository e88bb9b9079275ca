"""The drawing of attention: black lines on no ground, so that print and dark pages have it too.

What is followed has thick lines, what is not has broken ones; a weight is a bar beside its number.
Each box is a group with the name of its stage and the place of its word (`data-stage`, `data-word`).
Of a few words query, key and value stand side by side, of more below each other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias
from xml.sax.saxutils import escape

from attncli.errors.wording import visible
from attncli.escape import drawable, isolated
from attncli.views.canvas import NODE, Canvas, letters
from attncli.views.diagram import Cell, Drawn, MatrixBox, Stage
from attncli.views.ink import width_of, word, wrapped
from attncli.views.svg import Drawing, in_scripts

LABEL = 16  # columns of a word at most
_BESIDE = 4  # words up to which query, key and value stand side by side
_CHAR, _LINE, _SIZE = 7.83, 18, 13  # pixels: of a character, of a line, of the font
_PANEL, _PANEL_COLUMNS = 186, 22  # what stands at the left of the stages
_PAD, _GAP, _STEP = 7, 10, 24  # inside a box, between boxes, between stages
_LANE = 8  # between the lines that run beside boxes
_SOFT = 'opacity="0.72"'
_BROKEN, _THICK = 'stroke-dasharray="3 3"', 'stroke-width="2.5"'
_Path: TypeAlias = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where the words stand: their middles, how wide a box is, and how q, k and v stand."""

    middles: tuple[float, ...]
    box: float
    width: float
    beside: bool


class _Ways(NamedTuple):
    """The lines by which the followed query, all keys and all values leave their boxes."""

    query: _Path
    keys: tuple[_Path, ...]
    values: tuple[_Path, ...]


def diagram_drawing(drawn: Drawn) -> Drawing:
    """The drawing itself, in the color that text around it has."""
    columns = _columns(drawn)
    canvas = Canvas()
    _words(canvas, drawn, columns)
    _embeddings(canvas, drawn, columns)
    ways = _projected(canvas, drawn, columns)
    _scores(canvas, drawn, columns, ways)
    _sum(canvas, drawn, columns, ways)
    room = max(60, int((_PANEL + columns.width) / _CHAR))
    texts = [(text, "") for text in drawn.equations] + [(note, _SOFT) for note in drawn.notes]
    lines = [(line, soft) for text, soft in texts for line in wrapped(text, room, 2)]
    canvas.top += 8
    for line, soft in lines:
        canvas.text(0, canvas.top + 14, in_scripts(drawable(line), _CHAR), soft)
        canvas.top += _LINE
    longest = max(width_of(line) for line, _ in lines)
    width = max(_PANEL + columns.width, longest * _CHAR)
    group = f'<g font-size="{_SIZE}" fill="none" stroke="currentColor" stroke-width="1.2">'
    return Drawing(width, canvas.top, (group, *canvas.parts, "</g>"))


def _columns(drawn: Drawn) -> _Columns:
    texts = [text for stage in drawn.stages() for cell in stage.cells for text in cell.texts]
    texts += [_more(cell) for stage in drawn.stages() for cell in stage.cells if cell.more]
    box = max(map(len, texts)) * _CHAR + 2 * _PAD
    label = max(width_of(word(text, LABEL)) for text in drawn.words) * _CHAR + 16
    beside = drawn.query is not None and len(drawn.words) <= _BESIDE
    inner = 3 * box + 2 * _GAP if beside else box + 40
    size = max(inner, label) + (2 * _GAP if beside else _LANE)
    middles = tuple(_PANEL + size * (i + 0.5) for i in range(len(drawn.words)))
    width = max(size * len(middles), *(_band_width(drawn), box + 80))
    return _Columns(middles, box, width, beside)


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
        label = word(text, LABEL)
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


def _projected(canvas: Canvas, drawn: Drawn, columns: _Columns) -> _Ways:
    """W_q, W_k, W_v, and the query, key and value of each word; how these go on."""
    if drawn.query is None or drawn.key is None or drawn.value is None:
        return _shared(canvas, drawn, columns)
    if drawn.embedding is not None:
        for middle in columns.middles:
            canvas.arrow((middle, canvas.top), (middle, canvas.top + 26))
        canvas.top += 26
    _band(canvas, columns.width, drawn.matrices, drawn.made_by)
    three = (drawn.query, drawn.key, drawn.value)
    return (_side_by_side if columns.beside else _below)(canvas, drawn, three, columns)


def _shared(canvas: Canvas, drawn: Drawn, columns: _Columns) -> _Ways:
    """The ways from boxes that are query, key and value at once."""
    end, half = canvas.top, columns.box / 2
    side = end - (0 if drawn.embedding is None else _height(drawn.embedding) / 2)
    return _Ways(
        ((columns.middles[drawn.row] - half / 2, end),),
        tuple(((middle, end),) for middle in columns.middles),
        tuple(((m + half, side), (m + half + 2 * _LANE, side)) for m in columns.middles),
    )


def _side_by_side(canvas: Canvas, drawn: Drawn, three: Sequence[Stage], columns: _Columns) -> _Ways:
    start, shift = canvas.top, columns.box + _GAP
    canvas.top += 44
    height = max(map(_height, three))
    _panel(canvas, "query q, key k and value v of each word", canvas.top)
    for i, middle in enumerate(columns.middles):
        for stage, x in zip(three, (middle - shift, middle, middle + shift), strict=True):
            canvas.arrow((x, start), (x, start + 22))
            canvas.text(x, start + 37, stage.name[0], 'text-anchor="middle" font-style="italic"')
            _projection(canvas, drawn, stage, i, x, columns, height)
    canvas.top += height
    end = canvas.top
    return _Ways(
        ((columns.middles[drawn.row] - shift, end),),
        tuple(((middle, end),) for middle in columns.middles),
        tuple(((middle + shift, end),) for middle in columns.middles),
    )


def _below(canvas: Canvas, drawn: Drawn, three: Sequence[Stage], columns: _Columns) -> _Ways:
    for middle in columns.middles:
        canvas.arrow((middle, canvas.top), (middle, canvas.top + 22))
    canvas.top += 22
    sides: list[float] = []
    for stage in three:
        height = _height(stage)
        _panel(canvas, stage.title, canvas.top)
        for i, middle in enumerate(columns.middles):
            _projection(canvas, drawn, stage, i, middle, columns, height)
        sides.append(canvas.top + height / 2)
        canvas.top += height + 4
    end, half = canvas.top + _LANE, columns.box / 2
    asked = columns.middles[drawn.row] - half
    query, key, value = sides
    canvas.top += 12
    return _Ways(
        ((asked, query), (asked - 2 * _LANE, query)),
        tuple(
            ((m - half, key), (m - half - _LANE, key), (m - half - _LANE, end), (m, end))
            for m in columns.middles
        ),
        tuple(((m + half, value), (m + half + _LANE, value)) for m in columns.middles),
    )


def _projection(
    canvas: Canvas,
    drawn: Drawn,
    stage: Stage,
    place: int,
    middle: float,
    columns: _Columns,
    height: float,
) -> None:
    """The box of a query, key or value; of queries the followed one is thick."""
    is_query, is_row = stage is drawn.query, place == drawn.row
    _box(
        canvas,
        stage,
        place,
        middle,
        columns.box,
        height,
        thick=is_query and is_row,
        broken=is_query and not is_row,
    )


def _scores(canvas: Canvas, drawn: Drawn, columns: _Columns, ways: _Ways) -> None:
    """The query's way along all keys, then scale and softmax."""
    bus = canvas.top + 24
    asked = ways.query[-1][0]
    canvas.line(*ways.query, (asked, bus), attributes=_THICK)
    canvas.bus(bus, columns.middles, asked, _THICK)
    top = bus + 32
    for middle, way in zip(columns.middles, ways.keys, strict=True):
        canvas.line(*way, (middle, bus - NODE))
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


def _sum(canvas: Canvas, drawn: Drawn, columns: _Columns, ways: _Ways) -> None:
    """Each value times its weight, and their sum."""
    node, top = canvas.top + 26, canvas.top + 58
    for middle, way in zip(columns.middles, ways.values, strict=True):
        canvas.line((middle, canvas.top), (middle, node - NODE))
        lane = way[-1][0]
        canvas.line(*way, (lane, node), (middle + NODE, node), attributes=_SOFT)
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
