"""A table or a text to predict → its rows in order, each with all its cells, and what is said of it."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from attncli.errors import AttnError, UsageError
from attncli.files.rows.columns import is_alike
from attncli.files.rows.inputs import text_of_row
from attncli.files.rows.reader import InputRow, Table, rows_of
from attncli.files.source import InputSource, is_url
from attncli.reading.targets import Target
from attncli.training.columns import Columns, remarks_of
from attncli.training.plain_cells import well_formed_text
from attncli.training.predicting import Prediction, Predictor
from attncli.training.rows import target_of

_LOT = 1024  # rows predicted together
OURS = ("label", "probability", "words", "unknown", "unsure")


class Predicted(NamedTuple):
    """A row: its line, its own cells by the names they keep, and what the model says of it."""

    line: int
    cells: dict[str, Any]
    prediction: Prediction


class RowsToPredict:
    """The rows of an input; `table` is known once the first of them is read."""

    def __init__(
        self,
        source: InputSource,
        columns: Columns = Columns(),  # noqa: B008 - a tuple
        note: Callable[[str], None] | None = None,
    ) -> None:
        if is_url(source.path):
            raise UsageError(
                "this is an address, expected a file: attn reads local files only; download it "
                "first",
                place=source.name,
            )
        self.table = Table("text")
        self._source, self._columns, self._note = source, columns, note
        self._names: list[str] = []

    @property
    def name(self) -> str:
        """The name of the input, for messages."""
        return self._source.name

    def _seen(self, table: Table) -> None:
        self.table = table
        self._names = kept_names(table.columns)
        if self._note is not None:
            for remark in remarks_of(table, self._source.path, self._source.name):
                self._note(remark)

    def predicted(self, predictor: Predictor) -> Iterator[list[Predicted]]:
        """The rows with what the model says of them, some at a time, in order."""
        shape = self._columns.shape(self._seen, labeled=False)
        rows = (row for lot in rows_of(self._source, shape) for row in lot)
        while lot := list(islice(rows, _LOT)):
            yield self._predicted(lot, predictor)

    def _predicted(self, lot: Sequence[InputRow], predictor: Predictor) -> list[Predicted]:
        texts: list[str] = []
        targets: list[Target | None] = []
        faults: dict[int, AttnError] = {}
        for i, row in enumerate(lot):
            text, target = "", None
            try:
                text = text_of_row(row, self.name)
                target = self._target(row)
            except AttnError as fault:
                faults[i] = fault
            texts.append("" if i in faults else text)
            targets.append(target)
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
            names = kept_names(tuple(map(str, whole)))
            return dict(zip(names, whole.values(), strict=True))
        if isinstance(whole, list | tuple):
            cells = [*whole[: len(self._names)], *[None] * (len(self._names) - len(whole))]
            return dict(zip(self._names, cells, strict=True))
        if not text and isinstance(row.text, bytes):
            text = row.text.decode("utf-8", "replace").removesuffix("\r")
        return {"text": text}


def kept_names(columns: Sequence[str]) -> list[str]:
    """The names that columns keep beside those of a prediction: each once, none empty.

    >>> kept_names(["id", "id", "", "Label"])
    ['id', 'id_2', 'column_3', 'Label_given']
    """
    names: list[str] = []
    for number, column in enumerate(columns, start=1):
        name = well_formed_text(column).strip() or f"column_{number}"
        if any(is_alike(name, ours) for ours in (*OURS, "error")):
            name = f"{name}_given"
        base, count = name, 2
        while name in names:
            name, count = f"{base}_{count}", count + 1
        names.append(name)
    return names
