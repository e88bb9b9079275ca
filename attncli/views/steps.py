"""Every stage of attention with its formula and its numbers, so that a hand can follow.

Digits go down along the way, so that what is printed at one stage gives what is printed at the next:
with precision p vectors have p + 3 digits, scores p + 1, weights p, new vectors p − 1. A read-out
begins again with new vectors of p + 3.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from rich.segment import Segment

from attncli.arrays import FloatArray
from attncli.errors import field_name
from attncli.insight.learned import NOTHING_LEARNED, Learned
from attncli.insight.readout import label_stages
from attncli.insight.stages import Head, is_weighted_sum, placed_embeddings, stages
from attncli.insight.sums import PLAIN, Sums, sums_of
from attncli.results.names import VECTORS_AFTER, axis_numbers, layer_of_vectors, matrix_name
from attncli.results.result import AttentionResult
from attncli.settings import Notation
from attncli.views.encoder_states import after_heads, cross_stage, sides_of_cross
from attncli.views.equations import equation_lines
from attncli.views.formulas import scale_formula, score_formula, vector_name, weight_formula
from attncli.views.ink import Ink, Line, wrapped
from attncli.views.numbers import number, number_lines, vector_block
from attncli.views.readout import readout_lines, readout_note

if TYPE_CHECKING:
    from attncli.insight.subscripts import Names

PRECISION = 4
_LARGE = 200  # numbers of a matrix that are printed unless all are asked for
_WIDE = 64  # numbers of a vector that are printed unless all are asked for


@dataclass(frozen=True, slots=True)
class Steps:
    """How the stages are printed: `rows` are the words followed, None for all.

    Of what was `learned` the matrices W_q, W_k and W_v are printed too, positions where they are
    added to the embeddings, and how the label is read from the new vectors.
    """

    rows: tuple[int, ...] | None = None
    width: int = 80
    precision: int = PRECISION
    everything: bool = False
    learned: Learned = NOTHING_LEARNED
    notation: Notation = "words"

    @property
    def followed(self) -> int:
        """The first word that is followed."""
        return self.rows[0] if self.rows else 0

    def names(self, result: AttentionResult) -> "Names | None":
        """The names of the words in the symbols of the lecture, where it is written in them."""
        if self.notation == "words" or not result.tokens:
            return None
        from attncli.insight.subscripts import symbol_names

        return symbol_names(result.words, result.key_words if result.is_cross else None)


def step_lines(result: AttentionResult, ink: Ink, steps: Steps) -> list[Line]:
    """The stages of each layer and head. The result must hold its `STAGE_FIELDS`."""
    rows = tuple(range(len(result.tokens))) if steps.rows is None else steps.rows
    sheet = _Sheet(result, ink, steps, rows)
    lines = sheet.embeddings()
    for layer in range(result.attention.n_layers):
        for head in range(result.attention.n_heads):
            name = matrix_name(result, layer, head)
            lines += [[], [ink.bold(name)]] if name else []
            lines += step_matrix_lines(steps, axis_numbers(result, "heads")[head], ink)
            lines += sheet.head(stages(result, layer, head, steps.learned.projections))
    lines += sheet.ending()
    model = steps.learned.model
    label = None if model is None else label_stages(result, model)
    if label is None:
        return lines + readout_note(result, ink)
    return lines + readout_lines(
        result,
        label,
        ink,
        width=steps.width,
        precision=steps.precision,
        everything=steps.everything,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Sheet:
    """The stages of one result; `rows` are the places of the words that are followed."""

    result: AttentionResult
    ink: Ink
    steps: Steps
    rows: Sequence[int]

    def embeddings(self) -> list[Line]:
        """The vectors of the words, and positions where they are added."""
        result, steps = self.result, self.steps
        if result.is_cross:
            rows, columns = sides_of_cross(result)
            return self._title("1", f"X: {rows}; H: {columns}")
        if result.embeddings is None:
            return []
        n_tokens, dim = result.embeddings.shape
        name = "embeddings X"
        if result.attention.has_layers:
            name = "vectors before the first layer"
        lines = self._title("1", f"{name}, {n_tokens} words × {dim} numbers")
        shown = self.rows if result.attention.has_layers else None
        lines += self._vectors("x", result.embeddings, shown)
        placed = placed_embeddings(result, steps.learned.projections)
        if placed is not None and steps.learned.projections is not None:
            lines += self._title(
                "1b", f"X with {steps.learned.projections.positions} positions added"
            )
            lines += self._vectors("x", placed, shown)
        return lines

    def head(self, head: Head) -> list[Line]:
        """A head from its queries to what it gives each word that is followed."""
        result, ink, steps = self.result, self.ink, self.steps
        names = self.steps.names(self.result)
        lines = self._projections(head)
        lines += self._title("3", f"scores {score_formula(result, ink, names, steps.followed)}")
        lines += self._rows(head.products, steps.precision + 1)
        lines += self._title("4", scale_formula(result, head))
        if head.bias is not None:
            lines.append([ink.dim("  the bias b(distance)")])
            lines += self._rows(head.bias, steps.precision + 1)
            lines.append([ink.dim("  with the bias")])
        lines += self._rows(head.scaled, steps.precision + 1)
        lines += self._title("5", f"weights {weight_formula(names, steps.followed)}")
        lines += self._softmax(head)
        lines += self._title("6", _sum_title(result))
        for i in self.rows:
            lines += self._equation(head, i)
            label = f"{vector_name('', i, result, ink, names)}({head.left})"
            lines += self._vector(label, head.new[i], steps.precision - 1)
        return lines

    def _projections(self, head: Head) -> list[Line]:
        result = self.result
        if result.attention.sums_embeddings:
            note = "queries, keys and values: Q = K = V = X, no parameters"
            if result.attention.score == "cosine":
                note = "queries and keys: the rows of X divided by their length; V = X"
            lines = self._title("2", note)
            if result.attention.score == "cosine":
                lines += self._vectors("q", head.query)
            return lines
        note = f"queries Q = X·W_q, keys K = X·W_k, values V = {_valued(self.steps)}"
        if result.is_cross:
            note = (
                "queries Q = X·W_q of the decoder, keys K = H·W_k and values V = H·W_v of the "
                "encoder; biases, if any, are added"
            )
        elif result.attention.has_layers:
            note += ", and biases, if any; X enters the layer"
        elif result.attention.positions == "rope":
            note += "; q and k are turned by their place (rope)"
        lines = self._title("2", note)
        lines += self._vectors("q", head.query, self.rows)
        lines += self._vectors("k", head.key)
        return lines + self._vectors("v", head.value)

    def _softmax(self, head: Head) -> list[Line]:
        result, ink, steps = self.result, self.ink, self.steps
        if steps.rows is None:
            lines = [[ink.dim("  e^(s − max s), and their sum Σ")]]
            table = np.hstack([head.powers, head.powers.sum(axis=-1, keepdims=True)])
            columns = [*result.key_words, "Σ"]
            lines += self._table(result.words, columns, table, steps.precision + 1)
            lines.append([ink.dim("  divided by Σ")])
            return lines + self._rows(head.weights, _weight_digits(steps))
        lines = []
        for i in self.rows:
            total = head.powers[i].sum()
            table = np.stack([head.scaled[i], head.powers[i], head.weights[i]], axis=1)
            columns = ["s", "e^(s−max s)", "weight"]
            lines += [[ink.dim(f"  {ink.word(result.words[i])}")]] if len(self.rows) > 1 else []
            lines += self._table(result.key_words, columns, table, _weight_digits(steps))
            lines.append([Segment(f"  Σ e^(s − max s) = {number(total, steps.precision + 1)}")])
        return lines

    def _equation(self, head: Head, query: int) -> list[Line]:
        """The equation of one word; its terms are v(word) where values are not the embeddings."""
        result, ink, steps = self.result, self.ink, self.steps
        general = result.attention.sums_embeddings
        return equation_lines(
            result.words,
            head.weights,
            ink,
            [query],
            width=steps.width,
            digits=steps.precision,
            beside=_weight_digits(steps),
            max_terms=len(result.key_words),
            sums=PLAIN if general else Sums("values"),
            left=head.left,
            names=self.steps.names(self.result),
            keys=result.key_words,
        )

    def ending(self) -> list[Line]:
        """How the heads become the new vectors of the result, where these are not the sums above.

        In a decoder's layer cross-attention comes first.
        """
        result, ink, steps = self.result, self.ink, self.steps
        if sums_of(result).whole and is_weighted_sum(result):
            return []
        hidden = bool((result.selection or {}).get("hidden"))
        title = "the new vectors of the model, from the heads side by side"
        if result.attention.has_layers:
            title = _layer_title(result)
        elif result.attention.sums_embeddings:
            title = "the new embeddings"
        elif steps.learned.projections is not None and steps.learned.projections.given:
            turned = steps.learned.projections.W_o is not None
            title = "new embeddings Y, the heads side by side" + (", times W_o" if turned else "")
        lines: list[Line] = [[]]
        across = cross_stage(result)
        lines += self._title("7", across) if across else []
        title += ", what is hidden counted too" if hidden else ""
        lines += self._title("8" if across else "7", title)
        lines += _output_matrix_lines(steps, ink)
        names = self.steps.names(self.result)
        digits = steps.precision - 1 if steps.learned.model is None else steps.precision + 3
        for i in self.rows:
            label = f"{vector_name('', i, result, ink, names)}(new)"
            lines += self._vector(label, result.contextual[i], digits)
        return lines

    def _rows(self, values: FloatArray, precision: int) -> list[Line]:
        words, keys = self.result.words, self.result.key_words
        return self._table([words[i] for i in self.rows], keys, values[list(self.rows)], precision)

    def _vectors(
        self, letter: str, vectors: FloatArray, rows: Sequence[int] | None = None
    ) -> list[Line]:
        """A vector of each of these words, or of all."""
        names = self.steps.names(self.result)
        lines: list[Line] = []
        for i in range(len(vectors)) if rows is None else rows:
            label = vector_name(letter, i, self.result, self.ink, names)
            lines += self._vector(label, vectors[i], self.steps.precision + 3)
        return lines

    def _vector(self, label: str, values: FloatArray, precision: int) -> list[Line]:
        ink, steps = self.ink, self.steps
        cut = values if steps.everything or len(values) <= _WIDE else values[:_WIDE]
        lines = vector_block(label, cut, ink, width=steps.width, precision=max(precision, 1))
        if len(cut) < len(values):
            note = f"    {len(values) - len(cut)} more of {len(values)} are hidden: {field_name('full')}"
            lines.append([ink.dim(note)])
        return lines

    def _table(
        self, rows: Sequence[str], columns: Sequence[str], values: FloatArray, precision: int
    ) -> list[Line]:
        width = self.steps.width
        return number_lines(rows, columns, values, self.ink, width=width, precision=precision)

    def _title(self, step: str, text: str) -> list[Line]:
        parts = wrapped(self.ink.plain(f"{step}. {text}"), self.steps.width, 3)
        return [[], *([self.ink.bold(part)] for part in parts)]


def _sum_title(result: AttentionResult) -> str:
    """What the products A·V are: the new embeddings, or less."""
    product = "A·X" if result.attention.sums_embeddings else "A·V"
    if (result.selection or {}).get("hidden"):
        return f"{product} of the rescaled rows: no new embeddings, these are of the whole sentence"
    if sums_of(result).whole:
        return f"new embeddings Y = {product}"
    if result.attention.has_layers:
        whose = "encoder's " if result.is_cross else ""
        return f"what a head takes of the {whose}values, {product}"
    return f"the part of the new embeddings that a head gives, {product}"


def _weight_digits(steps: Steps) -> int:
    """Digits of the weights in the table of a softmax: one more where it is told row by row."""
    return steps.precision + (0 if steps.rows is None else 1)


def _valued(steps: Steps) -> str:
    projections = steps.learned.projections
    landmarks = None if projections is None else projections.landmarks
    if landmarks is None:
        return "X·W_v"
    return f"[X F]·W_v, F = (x·l/|x|)³ for {len(landmarks)} landmarks l"


def step_matrix_lines(steps: Steps, head: int, ink: Ink) -> list[Line]:
    """The matrices of one head, and landmarks, row by row; large ones only when all is asked for."""
    if steps.learned.projections is None:
        return []
    lines: list[Line] = []
    matrices = {
        name: getattr(steps.learned.projections, name)[head]  # (d_model, d)
        for name in ("W_q", "W_k", "W_v")
    }
    if steps.learned.projections.landmarks is not None:
        matrices["landmarks"] = steps.learned.projections.landmarks
    for name, matrix in matrices.items():
        lines += _matrix_lines(name, matrix, steps, ink)
    return lines


def _matrix_lines(name: str, matrix: FloatArray, steps: Steps, ink: Ink) -> list[Line]:
    height, size = matrix.shape
    lines: list[Line] = [[], [ink.bold(f"{name}, {height} × {size}")]]
    if matrix.size > _LARGE and not steps.everything:
        return [
            *lines,
            [ink.dim(f"    its {matrix.size} numbers are hidden: {field_name('full')}")],
        ]
    rows = [str(row + 1) for row in range(height)]
    columns = [str(column + 1) for column in range(size)]
    precision = steps.precision + 3
    return lines + number_lines(rows, columns, matrix, ink, width=steps.width, precision=precision)


def _output_matrix_lines(steps: Steps, ink: Ink) -> list[Line]:
    """W_o, where there is one."""
    projections = steps.learned.projections
    if projections is None or projections.W_o is None:
        return []
    return [*_matrix_lines("W_o", projections.W_o, steps, ink), []]


def _layer_title(result: AttentionResult) -> str:
    """After which layer the new vectors are, where that is not the one layer shown."""
    last = layer_of_vectors(result)
    if VECTORS_AFTER in (result.selection or {}):
        return f"the hidden states after layer {last}, which is not among those shown"
    layer = f"layer {last}" if result.attention.n_layers > 1 else "the layer"
    return f"the hidden states after {layer}: {after_heads(result)}"
