"""Rows of a file → examples to learn from: words looked up, targets found, labels numbered."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

import numpy as np

from attncli.arrays import FloatArray, IntArray
from attncli.errors import AttnError, DataError, EmptyError
from attncli.errors.wording import quoted
from attncli.learning.minibatches import Examples
from attncli.models.trained import TrainedModel
from attncli.reading.embedder import Embedder
from attncli.reading.reader import Reading, Tick, ignored
from attncli.reading.targets import is_ambiguous, target_place
from attncli.results.result import VectorsInfo
from attncli.settings import OF_MODEL
from attncli.training.labels import alike, counted
from attncli.training.rows import Bad, Row

_DIRECTIONS = 128  # of a transformer's vectors that are learned in, chosen by cross-validation
_LANDMARKS = 200  # of vectors that are learned in as they are, chosen by cross-validation
_MEMBERS, _MEMBERS_OF_A_VIEW = 4, 2  # of a committee, chosen by cross-validation
_MANY_TARGETS = 10_000
_FIRST = 64  # sentences whose words are kept


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Rows as arrays: the examples, the names of the labels, and the words that were targets.

    `views` are the sizes of the vectors of a word that stand side by side, if there are several.
    texts: the sentences. ambiguous: the places of rows whose target is a number that could be meant
    in two ways. words: the tokens of the first sentences, of which one may be watched.
    """

    examples: Examples
    labels: tuple[str, ...]
    targets: tuple[str, ...]
    views: tuple[int, ...] = ()
    texts: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()
    words: tuple[tuple[str, ...], ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many rows have each label, the most frequent first; none for given weights."""
        numbers = [] if self.examples.labels is None else self.examples.labels.tolist()
        return counted(self.labels[number] for number in numbers)

    @property
    def gold(self) -> IntArray:
        """The number of each row's label, (n,). Raises: ValueError for rows of given weights."""
        if self.examples.labels is None:
            raise ValueError("rows of given weights have no labels")
        return self.examples.labels


def rows_at(prepared: Prepared, places: IntArray) -> Prepared:
    """Some of the rows, in this order, with the labels of all."""
    return replace(
        prepared,
        examples=prepared.examples.pick(places),
        texts=tuple(prepared.texts[place] for place in places),
    )


class VectorTable:
    """Distinct vectors, each once, in the order they are met."""

    def __init__(self) -> None:
        self._row_of: dict[bytes, int] = {}
        self._vectors: list[FloatArray] = []

    def rows(self, vectors: FloatArray) -> IntArray:
        """The rows of these vectors, (n,). Shapes: vectors (n, d_model)."""
        numbers = np.empty(len(vectors), dtype=np.intp)
        for i, vector in enumerate(np.ascontiguousarray(vectors, dtype=np.float32)):
            name = blake2b(vector, digest_size=16).digest()
            row = self._row_of.get(name)
            if row is None:
                row = self._row_of[name] = len(self._vectors)
                self._vectors.append(vector)
            numbers[i] = row
        return numbers

    def matrix(self) -> FloatArray:
        """All vectors, (n_rows, d_model), float32."""
        return np.stack(self._vectors)


def default_directions(vectors: VectorsInfo) -> int | None:
    """How many main directions of the vectors the model learns in; None: all of them.

    Only a transformer's vectors are cut to their main directions.
    """
    return _DIRECTIONS if vectors.name.startswith(OF_MODEL) else None


def default_committee(views: Sequence[int]) -> int:
    """How many members a model has: four, or two for each of several vectors of a word."""
    return _MEMBERS if len(views) < 2 else _MEMBERS_OF_A_VIEW * len(views)


def default_landmarks(vectors: VectorsInfo, examples: Examples) -> int:
    """How many landmarks values see: no more than there are vectors, none for a transformer's."""
    if default_directions(vectors) is not None or examples.weights is not None:
        return 0
    return min(_LANDMARKS, len(examples.table))


def prepare(
    rows: Sequence[Row],
    embedder: Embedder,
    *,
    model: TrainedModel | None = None,
    tick: Tick = ignored,
    bad: Bad | None = None,
) -> Prepared:
    """The rows as arrays; each distinct vector is held once.

    With `model` the rows are what it needs: its labels, and a target if it reads one. Without it
    labels are the sorted ones of the rows, and targets or given weights are used if there are any.
    `tick` is told how far a transformer that encodes the sentences is. A row that cannot be used (it
    lacks a label or target that others have, its target or weights do not fit its sentence, the
    model does not know its label) is noted in `bad` and left out.
    Raises: DataError at the first such row without `bad`, and when no row is left.
    """
    wanted = _wanted(rows, model)
    table, taken = VectorTable(), _Taken()
    for row, reading in zip(rows, embedder.each([r.text for r in rows], tick), strict=True):
        try:
            taken.add(row, reading, wanted, table)
        except AttnError as error:
            if bad is None:
                error.place = error.place or row.place
                raise
            bad.add(error, row.place)
    if not taken.rows:
        if bad is not None:
            bad.expect_none()
        raise EmptyError("found no row that can be used, expected at least two")
    names, numbers = ((), None) if wanted.weights else _numbered(taken.rows, model)
    examples = Examples(
        table.matrix(),
        taken.row_index,
        np.array(taken.targets, dtype=np.intp) if wanted.target else None,
        numbers,
        taken.weights if wanted.weights else None,
    )
    return Prepared(
        examples,
        names,
        tuple(word for word, _ in taken.words.most_common(_MANY_TARGETS)),
        embedder.views,
        tuple(row.text for row in taken.rows),
        tuple(taken.ambiguous),
        tuple(taken.first),
    )


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What rows must have: of what the message of a row that lacks it says who has it."""

    target: str | None
    weights: str | None
    labels: Sequence[str] | None


def _wanted(rows: Sequence[Row], model: TrainedModel | None) -> _Wanted:
    if model is None:
        return _Wanted(_having(rows, "target"), _having(rows, "weights"), None)
    needs = "the model needs one" if model.architecture.readout == "target" else None
    return _Wanted(needs, None, model.labels)


def _having(rows: Sequence[Row], name: str) -> str | None:
    """Which row has this, in words, if any has."""
    first = next((row for row in rows if getattr(row, name) is not None), None)
    return None if first is None else f"{first.place} has one"


@dataclass(slots=True)
class _Taken:
    """Rows that can be used, as lists."""

    rows: list[Row] = field(default_factory=list)
    row_index: list[IntArray] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    weights: list[FloatArray] = field(default_factory=list)
    words: Counter[str] = field(default_factory=Counter)
    ambiguous: list[str] = field(default_factory=list)
    first: list[tuple[str, ...]] = field(default_factory=list)

    def add(
        self, row: Row, reading: Reading | AttnError, wanted: _Wanted, table: VectorTable
    ) -> None:
        """Takes a row. Raises: AttnError for one that cannot be used."""
        if isinstance(reading, AttnError):
            raise reading
        _check_has(row, wanted)
        place = target_place(reading.tokens, row.target, row.place) if wanted.target else None
        if wanted.weights and row.weights is not None:
            self.weights.append(_fitting(row.weights, reading, row.place))
        if place is not None:
            self.targets.append(place)
            self.words[reading.tokens[place].key] += 1
            if is_ambiguous(reading.tokens, row.target, place):
                self.ambiguous.append(row.place)
        if len(self.first) < _FIRST:
            self.first.append(tuple(token.text for token in reading.tokens))
        self.rows.append(row)
        self.row_index.append(table.rows(reading.embeddings))


def _check_has(row: Row, wanted: _Wanted) -> None:
    """Raises: DataError for a row that lacks what others have, or has an unknown label."""
    for name, why in (("weights", wanted.weights), ("target", wanted.target)):
        if why is not None and getattr(row, name) is None:
            raise DataError(f"found no {name}, but {why}", place=row.place)
    if wanted.weights is not None:
        return
    if row.label is None:
        raise DataError("found no label, expected one", place=row.place)
    if wanted.labels is not None and row.label not in map(_plain, wanted.labels):
        known = ", ".join(quoted(name) for name in wanted.labels[:5])
        more = f" and {len(wanted.labels) - 5} more" if len(wanted.labels) > 5 else ""
        near = alike(row.label, wanted.labels)
        meant = "" if near is None else f"; is {quoted(near)} meant?"
        raise DataError(
            f"the label {quoted(row.label)} is not one the model knows: {known}{more}{meant}",
            place=row.place,
        )


def _plain(label: str) -> str:
    """A label of a model as files give it, also of one that was trained before blanks went."""
    return unicodedata.normalize("NFC", label).strip()


def _fitting(weights: FloatArray, reading: Reading, place: str) -> FloatArray:
    if len(weights) != len(reading.tokens):
        raise DataError(
            f"found {len(weights)} rows of weights for the {len(reading.tokens)} tokens "
            f"{' '.join(quoted(t.text) for t in reading.tokens[:6])}",
            place=place,
        )
    return weights


def _numbered(rows: Sequence[Row], model: TrainedModel | None) -> tuple[tuple[str, ...], IntArray]:
    names = tuple(sorted({str(row.label) for row in rows}) if model is None else model.labels)
    number = {_plain(name): i for i, name in enumerate(names)}
    return names, np.array([number[str(row.label)] for row in rows], dtype=np.intp)
