"""Rows of a file → examples to learn from: words looked up, targets found, labels numbered."""

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

import numpy as np

from attncli.arrays import FloatArray, IntArray
from attncli.attention.parameters import PairTask
from attncli.errors import AttnError, DataError, EmptyError
from attncli.errors.wording import quoted, visible
from attncli.learning.minibatches import Examples
from attncli.models.trained import TrainedModel
from attncli.reading.embedder import Embedder
from attncli.reading.reader import Reading, Tick, ignored
from attncli.reading.targets import is_ambiguous, target_place
from attncli.results.facts import VectorsInfo
from attncli.settings import OF_MODEL
from attncli.training.labels import alike, counted
from attncli.training.pair_task import as_cosines, pair_task_of, score_range_of
from attncli.training.rows import Bad, Row

_DIRECTIONS = 128  # of a transformer's vectors that are learned in, chosen by cross-validation
_LANDMARKS = 200  # of vectors that are learned in as they are, chosen by cross-validation
_MEMBERS, _MEMBERS_OF_A_VIEW = 4, 2  # of a committee, chosen by cross-validation
_MANY_TARGETS = 10_000
_NEEDED = ("weights", "target", "pair", "score")
_FIRST = 64  # sentences whose words are kept


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Rows as arrays: the examples, the names of the labels, and the words that were targets.

    `views` are the sizes of the vectors of a word that stand side by side, if there are several.
    texts: the sentences. ambiguous: the places of rows whose target is a number that could be meant
    in two ways. words: the tokens of the first sentences, of which one may be watched. pair: what is
    learned of two sentences; beside: the second ones; scores: what was given, and their range.
    """

    examples: Examples
    labels: tuple[str, ...]
    targets: tuple[str, ...]
    views: tuple[int, ...] = ()
    texts: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()
    words: tuple[tuple[str, ...], ...] = ()
    pair: PairTask | None = None
    beside: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    score_range: tuple[float, float] | None = None

    @property
    def whole_texts(self) -> list[str]:
        """What is told apart as seen before: the sentences, both of a pair together."""
        if self.pair is None:
            return list(self.texts)
        return [f"{text} | {pair}" for text, pair in zip(self.texts, self.beside, strict=True)]

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


def expect_difference(prepared: Prepared, place: str) -> None:
    """Raises: DataError where all examples are to have the same outcome: there is nothing to learn."""
    pairs = prepared.examples.pairs
    if prepared.examples.weights is not None:
        return
    if prepared.pair == "match" and pairs is not None:
        if len(set(prepared.whole_texts)) < 2:
            raise DataError("found one pair of sentences, expected at least two", place=place)
    elif prepared.pair == "similarity":
        if len(set(prepared.scores)) < 2:
            only = f"every pair has the score {prepared.scores[0]:g}"
            raise DataError(f"{only}, expected at least two", place=place)
    elif len(prepared.labels) < 2:
        what = "sentence" if prepared.pair is None else "pair"
        only = f'every {what} has the label "{visible(prepared.labels[0][:40])}"'
        raise DataError(f"{only}, expected at least two", place=place)


def rows_at(prepared: Prepared, places: IntArray) -> Prepared:
    """Some of the rows, in this order, with the labels of all."""
    return replace(
        prepared,
        examples=prepared.examples.pick(places),
        texts=tuple(prepared.texts[place] for place in places),
        beside=tuple(prepared.beside[place] for place in places) if prepared.beside else (),
        scores=tuple(prepared.scores[place] for place in places) if prepared.scores else (),
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
    labels are the sorted ones of the rows, and targets, given weights or second sentences are used
    if there are any.
    `tick` is told how far a transformer that encodes the sentences is. A row that cannot be used (it
    lacks a label or target that others have, its target or weights do not fit its sentence, the
    model does not know its label) is noted in `bad` and left out.
    Raises: DataError at the first such row without `bad`, and when no row is left.
    """
    wanted = _wanted(rows, model)
    table, taken = VectorTable(), _Taken()
    for row, readings in zip(rows, _read(rows, embedder, wanted, tick), strict=True):
        try:
            taken.add(row, readings, wanted, table)
        except AttnError as error:
            if bad is None:
                error.place = error.place or row.place
                raise
            bad.add(error, row.place)
    if not taken.rows:
        if bad is not None:
            bad.expect_none()
        raise EmptyError("found no row that can be used, expected at least two")
    names, numbers = _numbered(taken.rows, model) if wanted.has_labels else ((), None)
    scores = [row.score for row in taken.rows if row.score is not None and "score" in wanted.needs]
    span = None if not scores else score_range_of(scores) if model is None else model.score_range
    examples = Examples(
        table.matrix(),
        taken.row_index,
        np.array(taken.targets, dtype=np.intp) if wanted.needs.get("target") else None,
        numbers,
        taken.weights if wanted.needs.get("weights") else None,
        pairs=taken.pair_index if wanted.pair else None,
        scores=None if span is None else as_cosines(scores, span),
    )
    return Prepared(
        examples,
        names,
        tuple(word for word, _ in taken.words.most_common(_MANY_TARGETS)),
        embedder.views,
        tuple(row.text for row in taken.rows),
        tuple(taken.ambiguous),
        tuple(taken.first),
        wanted.pair,
        tuple(str(row.pair) for row in taken.rows) if wanted.pair else (),
        tuple(scores),
        span,
    )


def _read(
    rows: Sequence[Row], embedder: Embedder, wanted: "_Wanted", tick: Tick
) -> Iterator[tuple[Reading | AttnError, ...]]:
    """The readings of the sentences of each row, one or two."""
    texts = [row.text for row in rows]
    if wanted.pair is None:
        return ((reading,) for reading in embedder.each(texts, tick))
    both = [text for row in rows for text in (row.text, row.pair or "")]
    each = embedder.each(both, tick)
    return zip(each, each, strict=True)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What each row must have: why it must, as the message of a row that lacks it says it.

    labels: those that a model knows. pair: what is learned of two sentences.
    """

    needs: Mapping[str, str | None]
    labels: Sequence[str] | None
    pair: PairTask | None

    @property
    def has_labels(self) -> bool:
        """Whether a row needs a label."""
        return self.pair == "relation" if self.pair else self.needs["weights"] is None


def _wanted(rows: Sequence[Row], model: TrainedModel | None) -> _Wanted:
    if model is None:
        labels, pair, whys = None, pair_task_of(rows), [_having(rows, name) for name in _NEEDED]
    else:
        labels, pair = model.labels, model.architecture.pair
        need = "the model needs one"
        whys = [None, need if model.architecture.readout == "target" else None, need, need]
    needs = dict(zip(_NEEDED, whys, strict=True))
    others = {"similarity": ("pair", "score"), "relation": ("pair",), "match": ("pair",)}
    names = ("weights", "target") if pair is None else others[pair]
    return _Wanted({name: needs[name] for name in names}, labels, pair)


def _having(rows: Sequence[Row], name: str) -> str | None:
    """Which row has this, in words, if any has."""
    first = next((row for row in rows if getattr(row, name) is not None), None)
    return None if first is None else f"{first.place} has one"


@dataclass(slots=True)
class _Taken:
    """Rows that can be used, as lists."""

    rows: list[Row] = field(default_factory=list)
    row_index: list[IntArray] = field(default_factory=list)
    pair_index: list[IntArray] = field(default_factory=list)
    targets: list[int] = field(default_factory=list)
    weights: list[FloatArray] = field(default_factory=list)
    words: Counter[str] = field(default_factory=Counter)
    ambiguous: list[str] = field(default_factory=list)
    first: list[tuple[str, ...]] = field(default_factory=list)

    def add(
        self,
        row: Row,
        readings: Sequence[Reading | AttnError],
        wanted: _Wanted,
        table: VectorTable,
    ) -> None:
        """Takes a row. Raises: AttnError for one that cannot be used."""
        if wanted.pair is not None:
            _check_has(row, wanted)
        good: list[Reading] = []
        for one in readings:
            if isinstance(one, AttnError):
                raise one
            good.append(one)
        reading = good[0]
        _check_has(row, wanted)
        place = (
            target_place(reading.tokens, row.target, row.place)
            if wanted.needs.get("target")
            else None
        )
        if row.weights is not None and wanted.needs.get("weights"):
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
        for beside in good[1:]:
            self.pair_index.append(table.rows(beside.embeddings))


def _check_has(row: Row, wanted: _Wanted) -> None:
    """Raises: DataError for a row that lacks what others have, or has an unknown label."""
    for name, why in wanted.needs.items():
        if why is not None and getattr(row, name) is None:
            raise DataError(f"found no {name}, but {why}", place=row.place)
    if not wanted.has_labels:
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
