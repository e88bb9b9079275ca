"""Rows of a file → examples to learn from: words looked up, targets found, labels numbered."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b

import numpy as np

from attncli.arrays import FloatArray, IntArray
from attncli.contextual import ContextualReader, Tick, ignored, open_vectors
from attncli.embeddings.forms import places_of
from attncli.embeddings.protocols import EmbeddingStore
from attncli.embeddings.sources import DEFAULT_ACCESS, Access
from attncli.errors import AttnError, DataError
from attncli.escape import quoted
from attncli.layer_vectors import PREFIX, for_training
from attncli.learning.batches import Examples
from attncli.learning.checkpoint import TrainedModel
from attncli.learning.datasets import Offset, Row, Target
from attncli.reading import Reading, ReadingSettings, reader_for, vectors_info
from attncli.result import Token, VectorsInfo

_DIRECTIONS = 128  # of a transformer's vectors that are learned in, chosen by cross-validation
_LANDMARKS = 200  # of vectors that are learned in as they are, chosen by cross-validation
_MEMBERS, _MEMBERS_OF_A_VIEW = 4, 2  # of a committee, chosen by cross-validation
_TOGETHER = 512  # sentences that a transformer encodes at once
_MANY_TARGETS = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Rows as arrays: the examples, the names of the labels, and the words that were targets.

    `views` are the sizes of the vectors of a word that stand side by side, if there are several.
    """

    examples: Examples
    labels: tuple[str, ...]
    targets: tuple[str, ...]
    views: tuple[int, ...] = ()

    @property
    def gold(self) -> IntArray:
        """The number of each row's label, (n,). Raises: ValueError for rows of given weights."""
        if self.examples.labels is None:
            raise ValueError("rows of given weights have no labels")
        return self.examples.labels


class VectorTable:
    """Distinct vectors, each once, in the order they are met."""

    def __init__(self) -> None:
        self._row_of: dict[bytes, int] = {}
        self._vectors: list[FloatArray] = []

    def rows(self, vectors: FloatArray) -> IntArray:
        """The rows of these vectors, (n,). Shapes: vectors (n, d_model)."""
        found = np.empty(len(vectors), dtype=np.intp)
        for i, vector in enumerate(np.ascontiguousarray(vectors, dtype=np.float32)):
            name = blake2b(vector, digest_size=16).digest()
            row = self._row_of.get(name)
            if row is None:
                row = self._row_of[name] = len(self._vectors)
                self._vectors.append(vector)
            found[i] = row
        return found

    def matrix(self) -> FloatArray:
        """All vectors, (n_rows, d_model), float32."""
        return np.stack(self._vectors)


class Embedder:
    """A sentence → its tokens and their vectors, whatever makes the vectors."""

    def __init__(self, store: EmbeddingStore, settings: ReadingSettings) -> None:
        self._reader = reader_for(store, settings)
        self.views: tuple[int, ...] = getattr(store, "views", (store.dim,))

    def __call__(self, text: str) -> Reading:
        reader = self._reader
        reader.start()
        run = reader.run(text)
        return Reading(text, run.tokens(), reader.vectors(run), reader.warnings(run, text))

    def each(self, texts: Sequence[str], tick: Tick = ignored) -> Iterator[Reading]:
        """The readings of the sentences in order; a transformer encodes many of them together."""
        for at, text in enumerate(texts):
            if isinstance(self._reader, ContextualReader) and at % _TOGETHER == 0:
                since_here = partial(_ticked, tick, at, len(texts))
                self._reader.start(texts[at : at + _TOGETHER], since_here)
            yield self(text)


def _ticked(tick: Tick, before: int, total: int, done: int, _: int) -> None:
    tick(before + done, total)


def open_embedder(
    vectors: str,
    settings: ReadingSettings,
    *,
    dim: int = 50,
    access: Access = DEFAULT_ACCESS,
) -> tuple[Embedder, VectorsInfo]:
    """What turns a sentence into tokens with vectors to learn from, and the facts of these vectors.

    Of a transformer these are a mix of vectors, unless its name says which.
    """
    store = open_vectors(for_training(vectors), dim=dim, seed=settings.seed, access=access)
    return Embedder(store, settings), vectors_info(store)


def default_directions(vectors: VectorsInfo) -> int | None:
    """In how many main directions of these vectors is learned: all (None) but for a transformer."""
    return _DIRECTIONS if vectors.name.startswith(PREFIX) else None


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
) -> Prepared:
    """The rows as arrays; each distinct vector is held once.

    With `model` the rows are what it needs: its labels, and a target if it reads one. Without it
    labels are the sorted ones of the rows, and targets or given weights are used if there are any.
    `tick` is told how far a transformer that encodes the sentences is.
    Raises: DataError at the first row that lacks a label or target that others have, has a target
    or weights that do not fit its sentence, or has a label the model does not know.
    """
    labels: Sequence[str] | None = None
    if model is None:
        needs_weights = _all_or_none(rows, "weights")
        needs_target = _all_or_none(rows, "target")
    else:
        needs_weights, labels = False, model.labels
        needs_target = model.architecture.readout == "target"
    table, words = VectorTable(), Counter[str]()
    row_index: list[IntArray] = []
    targets: list[int] = []
    weights: list[FloatArray] = []
    readings = embedder.each([row.text for row in rows], tick)
    for row in rows:
        reading = _next(readings, row)
        row_index.append(table.rows(reading.embeddings))
        if needs_target:
            targets.append(target_place(reading.tokens, row.target, row.place))
            words[reading.tokens[targets[-1]].key] += 1
        if needs_weights and row.weights is not None:
            weights.append(_fitting(row.weights, reading, row.place))
    names: tuple[str, ...] = ()
    numbers: IntArray | None = None
    if not needs_weights:
        names, numbers = _numbered(rows, labels)
    examples = Examples(
        table.matrix(),
        row_index,
        np.array(targets, dtype=np.intp) if needs_target else None,
        numbers,
        weights if needs_weights else None,
    )
    most_common = tuple(word for word, _ in words.most_common(_MANY_TARGETS))
    return Prepared(examples, names, most_common, embedder.views)


def target_place(tokens: Sequence[Token], target: Target | None, place: str) -> int:
    """The number of the target token: as given, where the word first stands, or by a character.

    Raises: DataError when there is no such token.
    """
    if target is None:
        raise DataError("found no target, expected a token number or a word", place=place)
    if isinstance(target, int):
        found = target if 0 <= target < len(tokens) else None
        missing = f"found the target {target}, expected a token from 0 to {len(tokens) - 1}"
    elif isinstance(target, Offset):
        holding = (i for i, t in enumerate(tokens) if t.start <= target.start < t.end)
        found = next(holding, None)
        missing = f"no token holds the character {target.start}"
    else:
        found = _word_place(tokens, target)
        missing = f"the target {quoted(target)} is no word of the sentence"
    if found is None:
        raise DataError(missing, place=place)
    return found


def _word_place(tokens: Sequence[Token], target: str) -> int | None:
    """Where the word first stands, as it is written or else in any form."""
    found = places_of(target, [t.text for t in tokens], [t.key for t in tokens])
    return next(iter(found), None)


def _all_or_none(rows: Sequence[Row], name: str) -> bool:
    """Whether the rows have this. Raises: DataError when some have it and others do not."""
    having = [row for row in rows if getattr(row, name) is not None]
    if having and len(having) < len(rows):
        lacking = next(row for row in rows if getattr(row, name) is None)
        raise DataError(f"found no {name}, but {having[0].place} has one", place=lacking.place)
    return bool(having)


def _next(readings: Iterator[Reading], row: Row) -> Reading:
    try:
        return next(readings)
    except AttnError as error:
        error.place = row.place
        raise


def _fitting(weights: FloatArray, reading: Reading, place: str) -> FloatArray:
    if len(weights) != len(reading.tokens):
        raise DataError(
            f"found {len(weights)} rows of weights for the {len(reading.tokens)} tokens "
            f"{' '.join(quoted(t.text) for t in reading.tokens[:6])}",
            place=place,
        )
    return weights


def _numbered(
    rows: Sequence[Row], labels: Sequence[str] | None
) -> tuple[tuple[str, ...], IntArray]:
    for row in rows:
        if row.label is None:
            raise DataError("found no label, expected one", place=row.place)
    names = tuple(labels or sorted({str(row.label) for row in rows}))
    number = {name: i for i, name in enumerate(names)}
    for row in rows:
        if row.label not in number:
            known = ", ".join(quoted(name) for name in names[:5])
            raise DataError(
                f"the label {quoted(str(row.label))} is not one the model knows: {known}",
                place=row.place,
            )
    return names, np.array([number[str(row.label)] for row in rows], dtype=np.intp)
