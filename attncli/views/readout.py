"""The last stages of a trained model: what it reads, its logits, its probabilities, its label."""

import numpy as np
from rich.segment import Segment

from attncli.arrays import FloatArray
from attncli.errors import Blank, command_line, field_name
from attncli.insight.readout import LabelStages, is_partial
from attncli.results.result import AttentionResult
from attncli.views.ink import Ink, Line, wrapped
from attncli.views.numbers import number, number_lines, vector_block

_LARGE = 200  # numbers of a matrix that are printed unless all are asked for
_WIDE = 64  # numbers of a vector, and labels, that are printed unless all are asked for
_LABEL = 48  # columns of a label


def readout_lines(
    result: AttentionResult,
    label: LabelStages,
    ink: Ink,
    *,
    width: int,
    precision: int,
    everything: bool,
) -> list[Line]:
    """Stages 8 to 10. Vectors and matrices have precision + 3 digits, logits + 2, probabilities + 1."""
    drawn = _Drawn(label, ink, width, precision, everything)
    return [*drawn.reading(result), *drawn.logits(), *drawn.probabilities()]


class _Drawn:
    """The stages as lines."""

    def __init__(
        self, label: LabelStages, ink: Ink, width: int, precision: int, everything: bool
    ) -> None:
        self._label, self._stages, self._ink, self._width = label, label.stages, ink, width
        self._digits, self._everything = precision, everything
        count = len(label.W_out)
        self._members = [f"member {i + 1}" for i in range(count)] if count > 1 else [""]
        self._heads = [f"head {i}" for i in range(count * label.n_heads)]

    def reading(self, result: AttentionResult) -> list[Line]:
        """What is read of the new vectors, and by which member."""
        stages, target = self._stages, self._label.target
        if target is not None:
            lines = self._title(
                f"8. read: z is the target's new vector, {self._ink.word(result.words[target])}"
            )
        elif stages.asked is None or stages.shares is None or self._label.pool is None:
            lines = self._title("8. read: z is the mean of the new vectors y")
        else:
            lines = self._title("8. read: each head asks by its u which new vectors y count")
            lines += self._matrix("u", self._heads, self._label.pool)
            lines += self._note("y·u")
            lines += self._table(self._heads, result.words, stages.asked[0], self._digits + 2)
            lines += self._note("α = softmax(y·u), and z = Σ α·y")
            lines += self._table(self._heads, result.words, stages.shares[0], self._digits + 1)
        size = self._label.n_heads
        for member, name in enumerate(self._members):
            heads = f"heads {member * size}–{(member + 1) * size - 1}" if size > 1 else ""
            label = f"z({', '.join(part for part in (name, heads) if part)})".replace("z()", "z")
            lines += self._vector(label, stages.read[0, member])
        return lines

    def logits(self) -> list[Line]:
        """z·W_out + b_out of each member."""
        lines = self._title("9. logits ℓ = z·W_out + b_out, a number for each label")
        for member, name in enumerate(self._members):
            matrix = self._label.W_out[member]  # (n_heads·d_v, n_labels)
            rows = [str(row + 1) for row in range(len(matrix))]
            lines += self._matrix(f"W_out {name}".rstrip(), rows, matrix, self._label.labels)
        columns = [*self._columns("b_out"), *self._columns("ℓ")]
        table = np.vstack([self._label.b_out, self._stages.logits[0]]).T
        return lines + self._by_label(columns, table, self._digits + 2)

    def probabilities(self) -> list[Line]:
        """The softmax of each member's logits, their mean, and the label."""
        mean = self._stages.mean[0]  # (n_labels,)
        several = len(self._members) > 1
        text = "10. probabilities p = softmax(ℓ) = e^(ℓ − max ℓ) ÷ Σ e^(ℓ − max ℓ)"
        lines = self._title(text + (", of each member and their mean" if several else ""))
        columns = self._columns("p")
        table = self._stages.probabilities[0].T  # (n_labels, committee)
        if several:
            columns, table = [*columns, "mean"], np.column_stack([table, mean])
        lines += self._by_label(columns, table, self._digits + 1)
        best = int(mean.argmax())
        label = self._ink.word(self._label.labels[best], 200)
        said = number(float(mean[best]), self._digits + 1)
        what = "the greatest mean" if several else "the greatest p"
        text = f"label: {label}, {what}: {said}"
        return [*lines, *([self._ink.bold(part)] for part in wrapped("  " + text, self._width, 4))]

    def _columns(self, letter: str) -> list[str]:
        several = len(self._members) > 1
        return [f"{letter} {i + 1}" if several else letter for i in range(len(self._members))]

    def _by_label(self, columns: list[str], table: FloatArray, digits: int) -> list[Line]:
        """A row for each label, the likeliest first."""
        order = np.argsort(-self._stages.mean[0], kind="stable")
        shown = order if self._everything else order[:_WIDE]
        labels = [self._label.labels[i] for i in shown]
        names = _LABEL if self._ink.unicode else 4 * _LABEL  # a letter may be \\u0915
        lines = self._table(labels, columns, table[shown], digits, names=names)
        hidden = len(order) - len(shown)
        return [
            *lines,
            *(
                self._note(f"  {hidden} more labels are hidden: {field_name('full')}")
                if hidden
                else []
            ),
        ]

    def _matrix(
        self, name: str, rows: list[str], matrix: FloatArray, columns: tuple[str, ...] = ()
    ) -> list[Line]:
        n_rows, n_columns = matrix.shape
        title = self._ink.plain(f"  {name}, {n_rows} × {n_columns}")
        lines: list[Line] = [[self._ink.bold(title)]]
        if matrix.size > _LARGE and not self._everything:
            return lines + self._note(
                f"  its {matrix.size} numbers are hidden: {field_name('full')}"
            )
        heads = list(columns) or [str(column + 1) for column in range(n_columns)]
        return lines + self._table(rows, heads, matrix, self._digits + 3, names=_LABEL)

    def _table(
        self,
        rows: list[str],
        columns: list[str],
        values: FloatArray,
        digits: int,
        *,
        names: int = 16,
    ) -> list[Line]:
        return number_lines(
            rows, columns, values, self._ink, width=self._width, precision=digits, names=names
        )

    def _vector(self, label: str, values: FloatArray) -> list[Line]:
        cut = values if self._everything else values[:_WIDE]
        digits = self._digits + 3
        lines = vector_block(label, cut, self._ink, width=self._width, precision=digits)
        hidden = len(values) - len(cut)
        note = f"  {hidden} more of {len(values)} are hidden: {field_name('full')}"
        return lines + (self._note(note) if hidden else [])

    def _title(self, text: str) -> list[Line]:
        parts = wrapped(self._ink.plain(text), self._width, 4)
        return [[], *([self._ink.bold(part)] for part in parts)]

    def _note(self, text: str) -> list[Line]:
        return [[self._ink.dim("  " + self._ink.plain(text))]]


def readout_note(result: AttentionResult, ink: Ink) -> list[Line]:
    """Why no read-out follows, where the model named a label; else nothing."""
    named = result.model
    if named is None or named.label is None:
        return []
    line = command_line("explain", model=Blank("FILE"), steps=True)
    why = f"the read-out needs the matrices: {line}"
    if is_partial(result):
        parts = f"{field_name('part.hide')} and {field_name('part.merge')}"
        why = f"the read-out needs every token: it is shown without {parts}"
    return [[], [Segment(ink.plain(why))]]
