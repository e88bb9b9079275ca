"""The drawing of attention for a terminal: a column for each word, or one below the other if narrow."""

from collections.abc import Sequence
from functools import partial

from rich.segment import Segment

from attncli.insight.diagram import Diagram
from attncli.settings import Notation
from attncli.views.diagram import Cell, Drawn, MatrixBox, Stage, drawn_texts
from attncli.views.ink import Ink, Line, left, right, width_of, wrapped

_PANEL = 24  # columns of what stands at the left of the stages
_LABEL = 12  # columns of a word above its numbers
_NARROW_LABEL = 16
_BAR = 8  # columns of a weight of 1, where words stand below each other


def diagram_lines(
    diagram: Diagram,
    ink: Ink,
    *,
    width: int = 80,
    precision: int | None = None,
    notation: Notation = "words",
) -> list[Line]:
    """The drawing in at most `width` columns."""
    shown = partial(ink.word, limit=_NARROW_LABEL)
    drawn = drawn_texts(diagram, precision, shown, notation)
    size = _column(drawn, ink)
    wide = _PANEL + size * len(drawn.words) <= width
    lines = _beside(drawn, ink, size, width) if wide else _below(drawn, ink, width)
    for text in drawn.equations:
        lines += [[Segment(part)] for part in wrapped(ink.plain(text), width, 4)]
    for note in drawn.notes:
        lines += [[ink.dim(part)] for part in wrapped(ink.plain(note), width, 2)]
    return lines


def _column(drawn: Drawn, ink: Ink) -> int:
    """The columns of a word: its name in brackets, or its longest number."""
    texts = [text for stage in drawn.stages() for cell in stage.cells for text in _rows(cell)]
    names = [width_of(ink.word(word, _LABEL)) + 2 for word in drawn.words]
    return max(*(len(text) for text in texts), *names) + 2


def _rows(cell: Cell) -> tuple[str, ...]:
    return (*cell.texts, f"+{cell.more}") if cell.more else cell.texts


def _beside(drawn: Drawn, ink: Ink, size: int, width: int) -> list[Line]:
    heads = [_named(drawn, i, ink) for i in _columns(drawn)]
    above = "".join(right(head, size) for head in heads)
    lines: list[Line] = [[Segment(" " * _PANEL), ink.bold(above)]]
    sign = "↓" if ink.unicode else "v"
    signs = "".join(right(sign if at in drawn.attended else "", size) for at in _columns(drawn))
    arrows = [Segment(" " * _PANEL), ink.dim(signs)]
    of_each = [Segment(" " * _PANEL), ink.dim(right(sign, size) * len(drawn.words))]
    if drawn.embedding is not None:
        lines += _stage_beside(drawn.embedding, ink, size)
    if drawn.query is not None and drawn.key is not None and drawn.value is not None:
        lines += [arrows] if drawn.embedding is not None else []
        lines += _made(drawn.matrices, drawn.made_by, ink, width)
        lines.append(of_each)
        for stage in (drawn.query, drawn.key, drawn.value):
            lines += _stage_beside(stage, ink, size)
    for stage in (drawn.product, drawn.scaled, drawn.power):
        lines += [arrows, *_stage_beside(stage, ink, size)]
    lines[-1:] = [*lines[-1:], [Segment(f"  Σ = {drawn.total}")]]
    lines += [arrows, *_stage_beside(drawn.weight, ink, size)]
    bars = "".join(right(_bar(cell, size - 2, ink), size) for cell in drawn.weight.cells)
    lines += [[Segment(" " * _PANEL + bars)]] if bars.strip() else []
    lines += [arrows, *_stage_beside(drawn.part, ink, size)]
    lines.append([Segment(" " * _PANEL + _joining(drawn, size, ink))])
    lines += _alone(drawn.new, drawn.row, ink, size)
    lines += _made((), drawn.across, ink, width)
    if drawn.joined is None:
        return lines
    lines += [] if drawn.output is None else _made((drawn.output,), "", ink, width)
    return lines + _alone(drawn.joined, drawn.row, ink, size)


def _named(drawn: Drawn, place: int, ink: Ink) -> str:
    name = ink.word(drawn.words[place], _LABEL)
    return f"[{name}]" if place == drawn.row else name


def _columns(drawn: Drawn) -> range:
    return range(len(drawn.words))


def _joining(drawn: Drawn, size: int, ink: Ink) -> str:
    """The line that gathers all words into one sum, which stands among them or at their left."""
    count = len(drawn.words)
    if count == 1:
        return right("↓" if ink.unicode else "v", size)
    corner, line, joint, end = "└─┴┘" if ink.unicode else "+-++"
    corner = "┌" if drawn.apart and ink.unicode else corner
    inner = "".join(line * (size - 1) + joint for _ in range(count - 2))
    return " " * (size - 1) + corner + inner + line * (size - 1) + end


def _stage_beside(stage: Stage, ink: Ink, size: int) -> list[Line]:
    """What the stage is at the left, the numbers of each word below its name."""
    titles = wrapped(ink.plain(stage.title), _PANEL - 2, 2)
    cells = [_rows(cell) for cell in stage.cells]
    height = max(len(titles), *(len(rows) for rows in cells))
    lines: list[Line] = []
    for at in range(height):
        title = titles[at] if at < len(titles) else ""
        texts = [rows[at] if at < len(rows) else "" for rows in cells]
        numbers = "".join(right(ink.plain(text), size) for text in texts)
        of_weight = stage.name in ("weight", "new", "joined")
        shown = ink.bold(numbers.rstrip()) if of_weight else Segment(numbers.rstrip())
        lines.append([Segment(left(title, _PANEL)), shown] if numbers.strip() else [Segment(title)])
    return lines


def _alone(stage: Stage, row: int, ink: Ink, size: int) -> list[Line]:
    """The one box of a stage under the followed word."""
    empty = Cell(())
    cells = [*[empty] * row, stage.cells[0]]
    return _stage_beside(stage._replace(cells=tuple(cells)), ink, size)


def _bar(cell: Cell, room: int, ink: Ink) -> str:
    """A weight as a bar; nothing of one that would be less than half a sign, or of no box."""
    if not cell.texts:
        return ""
    share = min(max(float(cell.texts[0]), 0.0), 1.0)
    return ("█" if ink.unicode else "#") * round(share * room)


def _made(matrices: Sequence[MatrixBox], made_by: str, ink: Ink, width: int) -> list[Line]:
    """Matrices beside each other where they fit, with their numbers, and what they make."""
    blocks = [_matrix(matrix) for matrix in matrices]
    lines: list[Line] = []
    total = sum(max(map(len, block)) + 4 for block in blocks)
    groups = [blocks] if total <= width else [[block] for block in blocks]
    for group in groups:
        height = max((len(block) for block in group), default=0)
        for at in range(height):
            texts = [
                left(block[at] if at < len(block) else "", max(map(len, block)) + 4)
                for block in group
            ]
            text = ink.plain("  " + "".join(texts).rstrip())
            lines.append([ink.bold(text) if at == 0 else Segment(text)])
    return lines + [
        [ink.dim(part)] for part in wrapped(ink.plain("  " + made_by), width, 4) if made_by
    ]


def _matrix(matrix: MatrixBox) -> list[str]:
    """A matrix with its numbers, right-aligned, under its name."""
    column = max((len(text) for row in matrix.rows for text in row), default=0)
    rows = ["  ".join(text.rjust(column) for text in row) for row in matrix.rows]
    return [f"{matrix.name} {matrix.size}".rstrip(), *rows]


def _below(drawn: Drawn, ink: Ink, width: int) -> list[Line]:
    """Each stage with its words below each other."""
    lines: list[Line] = []
    arrow = [ink.dim("  ↓" if ink.unicode else "  v")]
    for stage in drawn.stages():
        if stage is drawn.query or (stage is drawn.product and drawn.query is None):
            lines += [arrow] if lines else []
            lines += _made(drawn.matrices, drawn.made_by, ink, width) if drawn.made_by else []
        elif stage not in (drawn.embedding, drawn.key, drawn.value):
            lines.append(arrow)
        if stage is drawn.joined and drawn.output is not None:
            lines += _made((drawn.output,), "", ink, width)
        lines += _stage_below(drawn, stage, ink, width)
        if stage is drawn.power:
            lines.append([Segment(f"  Σ = {drawn.total}")])
        if stage is drawn.new and drawn.across:
            lines += [arrow, *_made((), drawn.across, ink, width)]
    return lines


def _stage_below(drawn: Drawn, stage: Stage, ink: Ink, width: int) -> list[Line]:
    lines: list[Line] = [[ink.bold(part)] for part in wrapped(ink.plain(stage.title), width, 2)]
    alone = stage in (drawn.new, drawn.joined)
    names = [ink.word(word, _NARROW_LABEL) for word in drawn.words]
    if alone:
        names = [names[drawn.row]]
    indent = max(map(width_of, names)) + 4
    size = max(len(text) for cell in stage.cells for text in cell.texts)
    for name, cell in zip(names, stage.cells, strict=True):
        if not cell.texts:
            continue
        texts = [ink.plain(text).rjust(size) for text in cell.texts]
        texts += [f"+{cell.more}"] if cell.more else []
        if stage is drawn.weight:
            texts.append(_bar(cell, _BAR, ink))
        text = left(f"  {name}", indent) + " ".join(texts)
        lines += [[Segment(part.rstrip())] for part in wrapped(text, width, indent)]
    return lines
