"""The drawing of attention: black lines on no ground, so that print and dark pages have it too.

What is followed has thick lines, what is not has broken ones; a weight is a bar beside its number.
Each box is a group with the name of its stage and the place of its column (`data-stage`, `data-word`).
Of a few words query, key and value stand side by side, of more below each other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from attncli.errors.wording import visible
from attncli.escape import drawable, isolated
from attncli.views.canvas import NODE, Canvas, letters
from attncli.views.diagram import Cell, Drawn, MatrixBox, Stage
from attncli.views.ink import width_of, word, wrapped
from attncli.views.markup import escaped_text
from attncli.views.svg import Drawing, in_scripts

LABEL = 16  # columns of a word at most
_BESIDE = 4  # words up to which query, key and value stand side by side
_CHAR, _LINE, _SIZE = 7.83, 18, 13  # pixels: of a character, of a line, of the font
_PANEL, _PANEL_COLUMNS = 186, 22  # what stands at the left of the stages
_PAD, _GAP, _STEP = 7, 10, 24  # inside a box, between boxes, between stages
_LANE = 8  # between the lines that run beside boxes
_SIDES = "q of the decoder, k and v of the encoder"
_SIDES_COLUMNS = 40  # of what is said of another text, at least
_SOFT = 'opacity="0.72"'
_BROKEN, _THICK = 'stroke-dasharray="3 3"', 'stroke-width="2.5"'
_Path: TypeAlias = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where the words stand: the middles of all and of those that are attended to, how wide a box is,
    and how q, k and v stand.
    """

    middles: tuple[float, ...]
    attended: tuple[float, ...]
    box: float
    width: float
    beside: bool


class _Ways(NamedTuple):
    """The lines by which the followed query, all keys and all values leave their boxes."""

    query: _Path
    keys: tuple[_Path, ...]
    values: tuple[_Path, ...]


@dataclass(slots=True)
class _Sketch(Canvas):
    """A drawing as it grows, stage by stage."""

    drawn: Drawn = field(kw_only=True)
    columns: _Columns = field(kw_only=True)

    def words(self) -> None:
        drawn, columns = self.drawn, self.columns
        for i, (middle, text) in enumerate(zip(columns.middles, drawn.words, strict=True)):
            label = word(text, LABEL)
            full = "" if label == text else f"<title>{escaped_text(visible(text))}</title>"
            if i == drawn.row:
                half = width_of(label) * _CHAR / 2 + 8
                self.parts.append(
                    f'<rect x="{middle - half:g}" y="0" width="{2 * half:g}" height="24" rx="12" '
                    f"{_THICK}/>"
                )
            self.text(
                middle,
                17,
                full + escaped_text(isolated(label)),
                'text-anchor="middle" font-weight="bold"',
            )
        self.top = 24 + 12

    def embeddings(self) -> None:
        drawn, columns = self.drawn, self.columns
        stage = drawn.embedding
        if stage is None:
            return
        height = _height(stage)
        self._panel(stage.title, self.top)
        for i, middle in enumerate(columns.middles):
            thick = i == drawn.row and drawn.query is None
            self._box(stage, i, middle, height, _THICK if thick else "")
        self.top += max(height, _LINE * len(wrapped(stage.title, _PANEL_COLUMNS, 0)))

    def projected(self) -> _Ways:
        """W_q, W_k, W_v, and the query, key and value of each word; how these go on.

        The ways of keys and values are those of the words that are attended to.
        """
        drawn, columns = self.drawn, self.columns
        if drawn.query is None or drawn.key is None or drawn.value is None:
            return self._shared()
        if drawn.embedding is not None:
            self._arrows(26)
        self._band(drawn.matrices, drawn.made_by)
        three = (drawn.query, drawn.key, drawn.value)
        return (self._side_by_side if columns.beside else self._below)(three)

    def _shared(self) -> _Ways:
        """The ways from boxes that are query, key and value at once."""
        drawn, columns = self.drawn, self.columns
        end, half = self.top, columns.box / 2
        side = end - (0 if drawn.embedding is None else _height(drawn.embedding) / 2)
        return _Ways(
            ((columns.middles[drawn.row] - half / 2, end),),
            tuple(((middle, end),) for middle in columns.attended),
            tuple(((m + half, side), (m + half + 2 * _LANE, side)) for m in columns.attended),
        )

    def _side_by_side(self, three: Sequence[Stage]) -> _Ways:
        drawn, columns = self.drawn, self.columns
        start, shift = self.top, columns.box + _GAP
        self.top += 44
        height = max(map(_height, three))
        of_each = "query q, key k and value v of each word"
        self._panel(of_each if not drawn.apart else _SIDES, self.top)
        for i, middle in enumerate(columns.middles):
            for stage, x in zip(three, (middle - shift, middle, middle + shift), strict=True):
                if not stage.cells[i].texts:
                    continue
                self.arrow((x, start), (x, start + 22))
                self.text(x, start + 37, stage.name[0], 'text-anchor="middle" font-style="italic"')
                self._projection(stage, i, x, height)
        self.top += height
        end = self.top
        return _Ways(
            ((columns.middles[drawn.row] - shift, end),),
            tuple(((middle, end),) for middle in columns.attended),
            tuple(((middle + shift, end),) for middle in columns.attended),
        )

    def _below(self, three: Sequence[Stage]) -> _Ways:
        drawn, columns = self.drawn, self.columns
        start = self.top
        self._arrows(22, columns.middles[: 1 if drawn.apart else None])
        if drawn.apart and drawn.query is not None:
            # boxes of keys begin where that of the query ends
            for middle in columns.attended:
                self.arrow((middle, start), (middle, self.top + _height(drawn.query) + 4))
        sides: list[float] = []
        for stage in three:
            height = _height(stage)
            self._panel(stage.title, self.top)
            for i, middle in enumerate(columns.middles):
                self._projection(stage, i, middle, height)
            sides.append(self.top + height / 2)
            self.top += height + 4
        end, half = self.top + _LANE, columns.box / 2
        asked = columns.middles[drawn.row] - half
        query, key, value = sides
        self.top += 12
        return _Ways(
            ((asked, query), (asked - 2 * _LANE, query)),
            tuple(
                ((m - half, key), (m - half - _LANE, key), (m - half - _LANE, end), (m, end))
                for m in columns.attended
            ),
            tuple(((m + half, value), (m + half + _LANE, value)) for m in columns.attended),
        )

    def _projection(self, stage: Stage, place: int, middle: float, height: float) -> None:
        """The box of a query, key or value; of queries the followed one is thick."""
        style = _THICK if place == self.drawn.row else _BROKEN
        self._box(stage, place, middle, height, style if stage is self.drawn.query else "")

    def scores(self, ways: _Ways) -> None:
        """The query's way along all keys, then scale and softmax."""
        drawn, columns = self.drawn, self.columns
        bus = self.top + 24
        asked = ways.query[-1][0]
        self.line(*ways.query, (asked, bus), attributes=_THICK)
        self.bus(bus, columns.attended, asked, _THICK)
        top = bus + 32
        for middle, way in zip(columns.attended, ways.keys, strict=True):
            self.line(*way, (middle, bus - NODE))
            self.arrow((middle, bus + NODE), (middle, top))
            self.node(middle, bus, "·")
        self.top = top
        for stage in (drawn.product, drawn.scaled):
            step = max(_STEP, self._numbers(stage) - _height(stage) + 4)
            self._arrows(step)
        band = self.top
        self.top += 8
        self._numbers(drawn.power, f"Σ = {drawn.total}")
        self.top += 8
        left = _PANEL + 2
        self.parts.append(
            f'<rect x="{left:g}" y="{band:g}" width="{columns.width - 4:g}" '
            f'height="{self.top - band:g}" rx="12" {_BROKEN} class="softmax"/>'
        )
        self._arrows(22)
        self._numbers(drawn.weight, bars=True)

    def sum(self, ways: _Ways) -> None:
        """Each value times its weight, and their sum."""
        drawn, columns = self.drawn, self.columns
        node, top = self.top + 26, self.top + 58
        for middle, way in zip(columns.attended, ways.values, strict=True):
            self.line((middle, self.top), (middle, node - NODE))
            lane = way[-1][0]
            self.line(*way, (lane, node), (middle + NODE, node), attributes=_SOFT)
            self.arrow((middle, node + NODE), (middle, top))
            self.node(middle, node, "×")
        height = _height(drawn.part)
        self.top = top
        self._panel(drawn.part.title, top)
        for i, middle in enumerate(columns.middles):
            self._box(drawn.part, i, middle, height)
        bus, under = top + height + 24, columns.middles[drawn.row]
        for middle in columns.attended:
            end = bus - NODE if middle == under else bus
            self.line((middle, top + height), (middle, end))
        for middle in (columns.attended[0], columns.attended[-1]):
            self.bus(bus, (under,), middle)
        self.arrow((under, bus + NODE), (under, bus + 34))
        self.node(under, bus, "+")
        self.top = bus + 34
        self._result(drawn.new)
        if drawn.across:
            self.arrow((under, self.top), (under, self.top + 26))
            self.top += 26
            self._band((), drawn.across)
        if drawn.joined is not None:
            self.arrow((under, self.top), (under, self.top + 26))
            self.top += 26
            if drawn.output is not None:
                self._band((drawn.output,), "")
                self.arrow((under, self.top), (under, self.top + 26))
                self.top += 26
            self._result(drawn.joined)
        self.top += 10

    def _result(self, stage: Stage) -> None:
        """One box under the followed word."""
        drawn, columns = self.drawn, self.columns
        height = _height(stage)
        panel = self._panel(stage.title, self.top)
        self._box(stage, 0, columns.middles[drawn.row], height, _THICK)
        self.top += max(height, panel)

    def _numbers(self, stage: Stage, *more: str, bars: bool = False) -> float:
        """A row of single numbers under the words; gives the height of what stands at their left."""
        columns = self.columns
        panel = self._panel(stage.title, self.top, *more)
        height = _height(stage)
        for i, middle in enumerate(columns.middles):
            self._box(stage, i, middle, height, bar=bars)
        self.top += height
        return panel

    def _panel(self, title: str, top: float, *more: str) -> float:
        """What a stage is, at its left; gives the height."""
        lines = [*wrapped(title, _PANEL_COLUMNS, 0), *more]
        for i, line in enumerate(lines):
            self.text(0, top + 14 + _LINE * i, in_scripts(drawable(line), _CHAR))
        return _LINE * len(lines)

    def _box(
        self,
        stage: Stage,
        place: int,
        middle: float,
        height: float,
        style: str = "",
        bar: bool = False,
    ) -> None:
        cell, top, width = stage.cells[place], self.top, self.columns.box
        if not cell.texts:
            return
        left = middle - width / 2
        parts = [f'<g data-stage="{stage.name}" data-word="{place}">']
        if bar:
            share = min(max(float(cell.texts[0]), 0.0), 1.0) * width
            parts.append(
                f'<rect x="{left:g}" y="{top:g}" width="{share:g}" height="{height:g}" '
                'fill="currentColor" fill-opacity="0.25" stroke="none"/>'
            )
        parts.append(
            f'<rect x="{left:g}" y="{top:g}" width="{width:g}" height="{height:g}" rx="3"{style and " "}{style}/>'
        )
        bold = ' font-weight="bold"' if stage.name in ("weight", "new", "joined") else ""
        for i, text in enumerate(cell.texts):
            right, y = left + width - _PAD, top + 18 + _LINE * i
            parts.append(letters(right, y, text, f'text-anchor="end"{bold}'))
        if cell.more:
            text = f"<title>{cell.more} more numbers</title>{_more(cell)}"
            y = top + 18 + _LINE * len(cell.texts)
            parts.append(letters(middle, y, text, f'text-anchor="middle" {_SOFT}'))
        self.parts.append("".join(parts) + "</g>")

    def _band(self, matrices: Sequence[MatrixBox], made_by: str) -> None:
        """A band across all words: matrices with their numbers, and what they make."""
        width = self.columns.width
        rows = max((len(matrix.rows) for matrix in matrices), default=0)
        said = wrapped(made_by, int((width - 20) / _CHAR + 1e-6), 0) if made_by else []
        heights = (len(matrices) > 0) * 22 + rows * _LINE + _LINE * len(said) + 10
        heights += 4 if made_by else 0
        self.parts.append(
            f'<rect x="{_PANEL + 2:g}" y="{self.top:g}" width="{width - 4:g}" '
            f'height="{heights:g}" rx="12" fill="currentColor" fill-opacity="0.07"/>'
        )
        self.parts += _matrix_parts(matrices, width, self.top)
        for i, line in enumerate(said, start=1):
            middle, y = _PANEL + width / 2, self.top + heights - 11 - _LINE * (len(said) - i)
            self.text(middle, y, escaped_text(line), 'text-anchor="middle"')
        self.top += heights

    def _arrows(self, length: float, middles: Sequence[float] = ()) -> None:
        """An arrow down from each word that is attended to, or from those at these `middles`."""
        for middle in middles or self.columns.attended:
            self.arrow((middle, self.top), (middle, self.top + length))
        self.top += length


def diagram_drawing(drawn: Drawn) -> Drawing:
    """The drawing itself, in the color that text around it has."""
    columns = _columns(drawn)
    canvas = _Sketch(drawn=drawn, columns=columns)
    canvas.words()
    canvas.embeddings()
    ways = canvas.projected()
    canvas.scores(ways)
    canvas.sum(ways)
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
    attended = tuple(middles[at] for at in drawn.attended)
    return _Columns(middles, attended, box, width, beside)


def _band_width(drawn: Drawn) -> float:
    boxes = drawn.matrices
    return max(
        sum(_matrix_width(matrix) + 30 for matrix in boxes),
        min(width_of(drawn.made_by), _SIDES_COLUMNS if drawn.apart else 1000) * _CHAR + 20,
        min(width_of(drawn.across), _SIDES_COLUMNS) * _CHAR + 20,
    )


def _matrix_width(matrix: MatrixBox) -> float:
    head = width_of(f"{matrix.name}  {matrix.size}") * _CHAR
    rows = [sum(len(text) + 2 for text in row) * _CHAR for row in matrix.rows]
    return max(head, *rows, 0.0) if rows else head


def _height(stage: Stage) -> float:
    return max(len(cell.texts) + bool(cell.more) for cell in stage.cells) * _LINE + 8


def _more(cell: Cell) -> str:
    return f"+{cell.more}"


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
