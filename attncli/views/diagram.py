"""What stands where in the drawing of attention, as texts: each medium draws the same stages.

Every number is one of the diagram, rounded; a long vector shows its first ones and counts the rest.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from attncli.arrays import FloatArray
from attncli.insight.diagram import Diagram
from attncli.insight.subscripts import Names
from attncli.insight.sums import sums_of
from attncli.settings import Notation
from attncli.views.encoder_states import after_heads, cross_stage, sides_of_cross
from attncli.views.equations import equation, terms
from attncli.views.notation import (
    lecture_equation,
    names_of_result,
    symbols_line,
    text_signs,
)
from attncli.views.numbers import number

MOST_NUMBERS = 5  # of a vector that is shown whole; a longer one shows one number less
_MOST_CELLS = 16  # of a matrix that is shown with its numbers
_FEW = 4  # weights that are all named in the title of their stage
_LARGE = 1e6  # from here on numbers have an exponent


class Cell(NamedTuple):
    """The numbers of one box, and how many more there are; a column without a box has no numbers."""

    texts: tuple[str, ...]
    more: int = 0


_NO_BOX = Cell(())


class Stage(NamedTuple):
    """One stage of the drawing: what it is, and the box of each column, or one box alone."""

    name: str
    title: str
    cells: tuple[Cell, ...]


class MatrixBox(NamedTuple):
    """A matrix: its name, its size, and its numbers by rows where they are few."""

    name: str
    size: str
    rows: tuple[tuple[str, ...], ...] = ()


class Drawn(NamedTuple):
    """All texts of a drawing.

    A column has a word above it. That of the followed one is at `row`; where it is `apart`, a word of
    another text, it is the first column, and has the query and the sum alone. `query`, `key` and
    `value` are None where they are the embedding, `embedding` where it is not known;
    `joined` is what is made of all heads, where the sum is one head's part; `across` says what a
    decoder's layer reads between these two.
    """

    words: tuple[str, ...]
    row: int
    apart: bool
    embedding: Stage | None
    matrices: tuple[MatrixBox, ...]
    made_by: str
    query: Stage | None
    key: Stage | None
    value: Stage | None
    product: Stage
    scaled: Stage
    power: Stage
    total: str
    weight: Stage
    part: Stage
    new: Stage
    across: str
    joined: Stage | None
    output: MatrixBox | None
    equations: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def attended(self) -> range:
        """The columns of the words that are attended to."""
        return range(int(self.apart), len(self.words))

    def stages(self) -> Iterator[Stage]:
        """The stages in the order in which they are computed."""
        for stage in (self.embedding, self.query, self.key, self.value):
            if stage is not None:
                yield stage
        yield from (self.product, self.scaled, self.power, self.weight, self.part, self.new)
        if self.joined is not None:
            yield self.joined


def drawn_texts(
    diagram: Diagram,
    precision: int | None = None,
    shown: Callable[[str], str] = str,
    notation: Notation = "words",
) -> Drawn:
    """The texts of a drawing; words in titles are as `shown` gives them.

    Without `precision` weights have three digits after the point and all else two. In the notation
    of the lecture an embedding is e, a weight w, and the equation has their symbols.
    """
    digits, fine = (2, 3) if precision is None else (precision, precision)
    word, plain = shown(diagram.followed), diagram.is_shared
    x, power = ("x", "e^") if notation == "words" else ("e", "exp")
    made_by, valued = _made_by(diagram, x), x if plain else "v"
    asked, met = (x, x) if plain else ("q", "k")
    names = None if notation == "words" else names_of_result(diagram.result)
    apart, n_words = diagram.row is None, len(diagram.words)
    before = (_NO_BOX,) if apart else ()

    def vectors(name: str, title: str, rows: FloatArray) -> Stage:
        return Stage(name, title, (*before, *(_cell(row, digits) for row in rows)))

    def numbers(name: str, title: str, values: FloatArray, more_digits: int = digits) -> Stage:
        cells = (Cell((_text(value, more_digits),)) for value in values.tolist())
        return Stage(name, title, (*before, *cells))

    own, other = (", the decoder's", ", the encoder's") if apart else ("", "")
    query = None if plain else vectors("query", f"query q{own}", diagram.query)
    if apart and query is not None:
        query = query._replace(cells=(*query.cells[1:], *[_NO_BOX] * n_words))

    joined = None
    if diagram.joined is not None:
        joined = Stage("joined", _joined_title(diagram, word), (_cell(diagram.joined, digits),))
    embedding = None
    if diagram.embeddings is not None:
        embedding = vectors("embedding", _embedding_title(diagram, x), diagram.embeddings)
    return Drawn(
        words=(diagram.followed, *diagram.words) if apart else tuple(diagram.words),
        row=diagram.row or 0,
        apart=apart,
        embedding=embedding,
        matrices=tuple(_matrix(name, matrix, diagram, digits) for name, matrix in diagram.matrices),
        made_by=made_by,
        query=query,
        key=None if plain else vectors("key", f"key k{other}", diagram.key),
        value=None if plain else vectors("value", f"value v{other}", diagram.value),
        product=numbers("product", f"product: {asked} of {word} · each {met}", diagram.products),
        scaled=numbers("scaled", f"scaled {_scale(diagram)}", diagram.scaled),
        power=numbers("power", f"softmax: {power}(s − max)", diagram.powers, fine),
        total=_text(diagram.total, fine),
        weight=numbers("weight", _weight_title(diagram, names), diagram.weights, fine),
        part=vectors("part", f"weight · {valued}", diagram.parts),
        new=Stage("new", _new_title(diagram, word), (_cell(diagram.new, digits),)),
        across=cross_stage(diagram.result),
        joined=joined,
        output=None if diagram.output is None else _matrix("W_o", diagram.output, diagram, digits),
        equations=tuple(_equations(diagram, fine, shown, names)),
        notes=tuple(_notes(diagram, fine)),
    )


def in_words(drawn: Drawn, shown: Callable[[str], str] = str) -> list[str]:
    """The drawing in words, a line a stage: what a screen reader says instead of showing it."""
    words = [shown(word) for word in drawn.words]
    lines: list[str] = []
    for stage in drawn.stages():
        lines += _matrices_before(stage, drawn)
        if len(stage.cells) == 1 and stage.name in ("new", "joined"):
            lines.append(f"{stage.title}: {_spoken(stage.cells[0])}.")
            lines += [f"{drawn.across}."] if drawn.across and stage is drawn.new else []
            continue
        boxes = zip(words, stage.cells, strict=True)
        said = [f"{word} {_spoken(cell)}" for word, cell in boxes if cell.texts]
        lines.append(f"{stage.title}: {'; '.join(said)}.")
        if stage.name == "power":
            lines.append(f"Σ, the sum of these: {drawn.total}.")
    return [*lines, *(f"{text}." for text in (*drawn.equations, *drawn.notes))]


def _matrices_before(stage: Stage, drawn: Drawn) -> Iterator[str]:
    """The matrices that make the queries, or what follows the heads."""
    boxes: tuple[MatrixBox, ...] = ()
    if stage is drawn.query:
        boxes = drawn.matrices
        yield f"{drawn.made_by}."
    elif stage is drawn.joined and drawn.output is not None:
        boxes = (drawn.output,)
    for box in boxes:
        rows = "; ".join(", ".join(row) for row in box.rows)
        yield f"{box.name}, {box.size}{': ' if rows else ''}{rows}."


def _spoken(cell: Cell) -> str:
    more = f" and {cell.more} more" if cell.more else ""
    return ", ".join(cell.texts) + more


def _cell(vector: FloatArray, digits: int) -> Cell:
    shown = len(vector) if len(vector) <= MOST_NUMBERS else MOST_NUMBERS - 1
    texts = tuple(_text(value, digits) for value in vector[:shown].tolist())
    return Cell(texts, len(vector) - shown)


def _text(value: float, digits: int) -> str:
    if np.isfinite(value) and abs(value) >= _LARGE:
        return f"{value:.{digits}e}"
    return number(value, digits)


def _matrix(name: str, matrix: FloatArray | None, diagram: Diagram, digits: int) -> MatrixBox:
    if matrix is None:
        known = diagram.embeddings is not None
        rows = diagram.embeddings.shape[1] if diagram.embeddings is not None else 0
        columns = (diagram.value if name == "W_v" else diagram.query).shape[1]
        return MatrixBox(name, f"{rows} × {columns}" if known else "")
    size = f"{matrix.shape[0]} × {matrix.shape[1]}"
    projections = diagram.learned.projections
    if projections is not None and projections.given and name not in projections.given:
        return MatrixBox(name, f"{size}, the identity")
    if matrix.size > _MOST_CELLS or max(matrix.shape) > MOST_NUMBERS:
        return MatrixBox(name, size)
    rows_shown = tuple(tuple(_text(v, digits) for v in row) for row in matrix.tolist())
    return MatrixBox(name, size, rows_shown)


def _embedding_title(diagram: Diagram, x: str) -> str:
    if diagram.is_shared:
        return f"embedding {x} = query = key = value"
    if diagram.result.attention.has_layers:
        return f"{x}, which enters the layer"
    return f"embedding {x}"


def _weight_title(diagram: Diagram, names: Names | None) -> str:
    if names is None:
        return "weight: ÷ Σ"
    symbols = [names.weight(diagram.place, place) for place in diagram.places]
    listed = symbols if len(symbols) <= _FEW else [symbols[0], "…", symbols[-1]]
    return f"weight ÷ Σ: {' '.join(listed)}"


def _equations(
    diagram: Diagram, digits: int, shown: Callable[[str], str], names: Names | None
) -> Iterator[str]:
    """The sum as an equation; in symbols with what they stand for, and its numbers."""
    result, place = diagram.result, diagram.place
    row, sums = result.weights[0, 0, place], sums_of(result)
    if names is None:
        yield equation(
            result.words,
            place,
            row,
            digits=digits,
            beside=digits,
            shown=shown,
            sums=sums,
            left=diagram.left,
            keys=result.key_words,
        )
        return
    signs, letter = text_signs(shown), "v" if sums.terms == "values" else "e"
    rounded = terms(row, digits=digits, beside=digits)
    yield symbols_line(names, rounded.places, letter, signs)
    yield from filter(None, lecture_equation(names, place, rounded, sums, diagram.left, signs))


def _made_by(diagram: Diagram, x: str) -> str:
    """What turns an embedding into query, key and value, in words."""
    settings, projections = diagram.result.attention, diagram.learned.projections
    if diagram.is_shared:
        return ""
    if settings.sums_embeddings:
        return f"q = k = {x} ÷ its length, v = {x}"
    added = ""
    if diagram.row is None:
        _, columns = sides_of_cross(diagram.result)
        return f"q of the decoder's token, after self-attention; k and v of {columns}"
    if settings.has_layers:
        return "with the layer's norm, biases and positions"
    value = f"v = {x}·W_v"
    if projections is not None and projections.landmarks is not None:
        value = f"v = [{x} f]·W_v, f: likeness to landmarks"
    if settings.positions in ("sinusoidal", "learned"):
        added = f"; {x} with its {settings.positions} position"
    elif settings.positions == "rope":
        added = "; q and k turned by their place"
    return f"q = {x}·W_q, k = {x}·W_k, {value}{added}"


def _scale(diagram: Diagram) -> str:
    settings, d_k = diagram.result.attention, diagram.query.shape[1]
    text = f"× {settings.scale:.6g}"
    if settings.scale == 1:
        text = "× 1"
    elif np.isclose(settings.scale, d_k**-0.5, rtol=1e-5):
        text = f"÷ √{d_k}"
    if settings.temperature != 1:
        text += f" ÷ temperature {settings.temperature:.4g}"
    if settings.positions == "relative" and not settings.has_layers:
        return f"{text} + bias of the distance"
    return text if diagram.is_plain else f"{text}, and what the model adds"


def _new_title(diagram: Diagram, word: str) -> str:
    if diagram.left == "new":
        return f"the sum: new embedding of {word}"
    return f"the sum: what {diagram.name or 'the head'} gives {word}"


def _joined_title(diagram: Diagram, word: str) -> str:
    if diagram.result.attention.has_layers:
        return f"all heads, {after_heads(diagram.result)}: {word} after the layer"
    turned = ", times W_o" if diagram.output is not None else ""
    is_one = diagram.result.attention.n_heads == 1 and not diagram.name
    heads = "the head" if is_one else "all heads side by side"
    return f"{heads}{turned}: new embedding of {word}"


def _notes(diagram: Diagram, digits: int) -> Iterator[str]:
    result, hidden = diagram.result, int(np.isneginf(diagram.scaled).sum())
    if diagram.others:
        words = "1 word is" if diagram.others == 1 else f"{diagram.others} words are"
        weight = _text(diagram.others_weight, digits)
        yield f"{words} not drawn; together they weigh {weight}, and the sums count them too"
    if hidden:
        yield "−∞ stands where a word is not seen; its weight is 0"
    n_layers, n_heads = result.attention.n_layers, result.attention.n_heads
    if n_layers * n_heads > 1:
        layers = f"{n_layers} layers of " if n_layers > 1 else ""
        yield f"{diagram.name} is drawn, the first of {layers}{n_heads} heads"
