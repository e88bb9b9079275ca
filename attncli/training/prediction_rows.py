"""A table or a text to predict → its rows in order, each with all its cells, and what is said of it."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from attncli.attention.parameters import PairTask
from attncli.errors import AttnError
from attncli.files.rows.columns import is_alike
from attncli.files.rows.inputs import text_of_row
from attncli.files.rows.reader import InputRow, Table, rows_of
from attncli.files.source import InputSource, expect_no_url
from attncli.reading.targets import Target
from attncli.training.columns import Columns, expect_pair_column, remarks_of
from attncli.training.pair_predicting import PairPredictor
from attncli.training.plain_cells import well_formed_text
from attncli.training.predicting import Prediction, Predictor
from attncli.training.rows import pair_of, target_of

_LOT = 1024  # rows predicted together
# What is said of a row, by what a model learned: of single sentences (None), or of pairs.
_OF_LABELS = ("label", "probability", "words", "unknown", "unsure")
_OF_PAIRS = ("score", "words", "pair_words", "unknown")
_SAID: dict[PairTask | None, tuple[str, ...]] = {
    None: _OF_LABELS,
    "relation": (*_OF_LABELS[:3], "pair_words", *_OF_LABELS[3:]),
    "similarity": _OF_PAIRS,
    "match": _OF_PAIRS,
}


def columns_said(pair: PairTask | None, *, unsure: bool = True) -> tuple[str, ...]:
    """The columns that a model adds to a table; the last of labels only where it may be `unsure`."""
    return tuple(name for name in _SAID[pair] if unsure or name != "unsure")


class Predicted(NamedTuple):
    """A row: its line, its own cells by the names they keep, and what the model says of it."""

    line: int
    cells: dict[str, Any]
    prediction: Prediction


class RowsToPredict:
    """The rows of an input; `table` is known once the first of them is read.

    With `pair` each has a second sentence, as a model of this kind of pairs needs it.
    """

    def __init__(
        self,
        source: InputSource,
        columns: Columns = Columns(),  # noqa: B008 - a tuple
        note: Callable[[str], None] | None = None,
        pair: PairTask | None = None,
    ) -> None:
        expect_no_url(source.path, source.name)
        self.table = Table("text")
        self._source, self._columns, self._note = source, columns, note
        self._pair = pair
        self._names: list[str] = []

    @property
    def name(self) -> str:
        """The name of the input, for messages."""
        return self._source.name

    def _seen(self, table: Table) -> None:
        self.table = table
        self._names = kept_names(table.columns, _names_taken(self._pair))
        if self._pair is not None:
            expect_pair_column(table, self._columns, self._source.name)
        if self._note is not None:
            for remark in remarks_of(table, self._source.path, self._source.name):
                self._note(remark)

    def predicted(self, predictor: Predictor | PairPredictor) -> Iterator[list[Predicted]]:
        """The rows with what the model says of them, some at a time, in order."""
        shape = self._columns.shape(self._seen, labeled=False)
        rows = (row for lot in rows_of(self._source, shape) for row in lot)
        while lot := list(islice(rows, _LOT)):
            yield self._predicted(lot, predictor)

    def _predicted(
        self, lot: Sequence[InputRow], predictor: Predictor | PairPredictor
    ) -> list[Predicted]:
        texts: list[str] = []
        targets: list[Target | None] = []
        pairs: list[str | None] = []
        faults: dict[int, AttnError] = {}
        for i, row in enumerate(lot):
            text, target, pair = "", None, None
            try:
                text = text_of_row(row, self.name)
                if self._pair is None:
                    target = self._target(row)
                else:
                    pair = pair_of(row.cells[1] if row.cells else None)
            except AttnError as fault:
                faults[i] = fault
            texts.append("" if i in faults else text)
            targets.append(target)
            pairs.append(pair)
        if isinstance(predictor, PairPredictor):
            said = predictor(texts, pairs)
        else:
            said = predictor(texts, targets)
        for i, error in faults.items():
            said[i] = Prediction(error=error)
        return [
            Predicted(row.line, self._cells(row, text), prediction)
            for row, text, prediction in zip(lot, texts, said, strict=True)
        ]

    def _target(self, row: InputRow) -> Target | None:
        if not row.cells:
            return None
        target, _, start = row.cells[:3]
        return target_of(target, start if self._columns.target is None else None)

    def _cells(self, row: InputRow, text: str) -> dict[str, Any]:
        """The cells of a row by the names they keep; of a line of text the text."""
        whole = row.cells[-1] if row.cells else None
        if isinstance(whole, dict):
            names = kept_names(tuple(map(str, whole)), _names_taken(self._pair))
            return dict(zip(names, whole.values(), strict=True))
        if isinstance(whole, list | tuple):
            cells = [*whole[: len(self._names)], *[None] * (len(self._names) - len(whole))]
            return dict(zip(self._names, cells, strict=True))
        if not text and isinstance(row.text, bytes):
            text = row.text.decode("utf-8", "replace").removesuffix("\r")
        return {"text": text}


def _names_taken(pair: PairTask | None) -> tuple[str, ...]:
    """The names that no column of a table keeps; of pairs those of every kind of them."""
    return _OF_LABELS if pair is None else (*_OF_LABELS, *_OF_PAIRS)


def kept_names(columns: Sequence[str], said: Sequence[str] = _OF_LABELS) -> list[str]:
    """The names that columns keep beside those that are `said`: each once, none empty.

    >>> kept_names(["id", "id", "", "Label"])
    ['id', 'id_2', 'column_3', 'Label_given']
    """
    names: list[str] = []
    for number, column in enumerate(columns, start=1):
        name = well_formed_text(column).strip() or f"column_{number}"
        if any(is_alike(name, ours) for ours in (*said, "error")):
            name = f"{name}_given"
        base, count = name, 2
        while name in names:
            name, count = f"{base}_{count}", count + 1
        names.append(name)
    return names
