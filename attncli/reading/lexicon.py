"""The words met so far with their vectors, in one small matrix that stays in the processor's cache.

Words repeat: a look-up in the store happens once a word, not once a token. What is kept is bounded:
when it is full, `keep` forgets the words that are rare, so that memory does not grow with the length
of the input.
"""

from collections.abc import Callable

import numpy as np

from attncli.arrays import BoolArray, Float32Array, FloatArray, IntArray
from attncli.embeddings.protocols import EmbeddingStore
from attncli.embeddings.seeded import random_vectors
from attncli.reading.lookup import find
from attncli.reading.unknown import stand_in
from attncli.settings import OovPolicy
from attncli.text.forms import plain_form

_MAX_WORDS = 1 << 14
_MAX_BYTES = 64 << 20  # of vectors and of what is made of them
_UNREAD = -1

# A word's key, status and row; the row is −1 when the word has no vector and gets none.
Entry = tuple[str, str, int]


class Lexicon:
    """Distinct words → rows of `vectors()`; a row is valid until `keep` or `forget` is called."""

    def __init__(self, store: EmbeddingStore, oov: OovPolicy = "random", seed: int = 0) -> None:
        self.store = store
        self._oov: OovPolicy = oov
        self._seed = seed
        self._projections: list[tuple[Callable[[Float32Array], FloatArray], GrowingMatrix]] = []
        self._room = _room(store.dim)
        self.forget()

    def __len__(self) -> int:
        return len(self._store_rows)

    @property
    def room(self) -> int:
        """How many words are remembered, or a few more."""
        return self._room

    @property
    def full(self) -> bool:
        """Whether enough words are known that some are to be forgotten."""
        return len(self) >= self._room

    def forget(self) -> None:
        """Forgets every word; all rows given out lose their meaning."""
        self._entries: dict[str, Entry] = {}
        self._row_of_key: dict[str, int] = {}
        self._store_rows: list[int] = []
        self._stand_ins: dict[int, Float32Array] = {}
        self._random: dict[int, str] = {}  # rows whose vectors are random, and whose
        self._vectors = GrowingMatrix(self._room, self.store.dim)
        self._known = np.zeros(self._room, dtype=np.bool_)
        self._projections = [
            (project, GrowingMatrix(self._room, rows.width)) for project, rows in self._projections
        ]

    def keep(self, rows: IntArray) -> IntArray:
        """Forgets all other rows. Shapes: ascending (n_kept,) → (n_rows + 1,): the new number of each
        row, −1 for the forgotten, and −1 at the end, for a word without a row.
        """
        self.vectors()
        renumbered = np.full(len(self) + 1, -1, dtype=np.intp)
        renumbered[rows] = np.arange(len(rows))
        of_row: list[int] = renumbered.tolist()
        self._entries = {
            word: (key, status, of_row[row])
            for word, (key, status, row) in self._entries.items()
            if of_row[row] >= 0
        }
        self._row_of_key = {
            name: of_row[row] for name, row in self._row_of_key.items() if of_row[row] >= 0
        }
        self._store_rows = [self._store_rows[row] for row in rows.tolist()]
        self._known[: len(rows)] = self._known[rows]
        self._vectors.keep(rows)
        for _, projected in self._projections:
            projected.keep(rows[rows < len(projected)])
        return renumbered

    def entry(self, word: str) -> Entry:
        """The key, status and row of a word as a sentence has it."""
        found = self._entries.get(word)
        if found is None:
            found = self._entries[word] = self._new(word)
        return found

    def row_of(self, store_row: int) -> int:
        """A row for a row of the store that no word names: it is met once."""
        self._store_rows.append(store_row)
        return len(self._store_rows) - 1

    def vectors(self) -> Float32Array:
        """The vectors of all rows so far, (n_rows, dim). Not to be kept beyond `forget`."""
        start, end = len(self._vectors), len(self._store_rows)
        if start < end:
            self._load(start, end)
        return self._vectors.array()

    def known(self) -> BoolArray:
        """For each row, whether the store has the word. Shape (n_rows,)."""
        self.vectors()
        return self._known[: len(self)]

    def projection(self, width: int, project: Callable[[Float32Array], FloatArray]) -> int:
        """Registers a function of vectors, (n, dim) → (n, width), computed once for each word.

        It has to compute each row alone: a product of many rows at once would give other last bits
        for another company of words. Returns the number to ask `projected` for; rows given out
        before lose their meaning.
        """
        self._projections.append((project, GrowingMatrix(0, width)))
        self._room = _room(self.store.dim + sum(rows.width for _, rows in self._projections))
        self.forget()
        return len(self._projections) - 1

    def projected(self, number: int) -> Float32Array:
        """What a registered function gives for all rows so far, (n_rows, width)."""
        project, rows = self._projections[number]
        fresh = self.vectors()[len(rows) :]  # (n_new, dim)
        if len(fresh):
            rows.append(np.asarray(project(fresh), dtype=np.float32))
        return rows.array()

    def _new(self, word: str) -> Entry:
        hit = find(self.store, word)
        if hit is not None:
            return hit[1], hit[2], self._row(hit[1], hit[0])
        key = plain_form(word)
        if self._oov in ("skip", "error"):
            return key, self._oov, -1
        shared = f"\0{self._oov}"  # zeros and means are the same for every word
        if self._oov in ("zero", "mean") and shared in self._row_of_key:
            return key, self._oov, self._row(shared, _UNREAD)
        stand = stand_in(self.store, word, self._oov)
        name = shared if self._oov in ("zero", "mean") else f"\0{stand.status}\0{stand.key}"
        if name not in self._row_of_key:
            if stand.vector is None:
                self._random[len(self)] = stand.key
            else:
                self._stand_ins[len(self)] = stand.vector
        return stand.key, stand.status, self._row(name, _UNREAD)

    def _row(self, name: str, store_row: int) -> int:
        row = self._row_of_key.get(name)
        if row is None:
            row = self._row_of_key[name] = len(self._store_rows)
            self._store_rows.append(store_row)
        return row

    def _load(self, start: int, end: int) -> None:
        wanted = self._store_rows[start:end]
        loaded = np.zeros((end - start, self.store.dim), dtype=np.float32)  # (n_new, dim)
        read = [i for i, row in enumerate(wanted) if row != _UNREAD]
        if read:
            loaded[read] = self.store.vectors([wanted[i] for i in read])
        for row, vector in self._stand_ins.items():
            loaded[row - start] = vector
        if self._random:
            keys = list(self._random.values())
            vectors = random_vectors(keys, self.store.dim, self._seed)
            loaded[np.array(list(self._random)) - start] = vectors
        self._stand_ins, self._random = {}, {}
        self._vectors.append(loaded)
        if end > len(self._known):
            self._known = np.concatenate([self._known, np.zeros(end, dtype=np.bool_)])
        self._known[start:end] = [row != _UNREAD for row in wanted]


def _room(width: int) -> int:
    """How many words of `width` numbers are remembered."""
    return max(256, min(_MAX_WORDS, _MAX_BYTES // (4 * width)))


class GrowingMatrix:
    """A matrix that grows at its end."""

    def __init__(self, room: int, width: int) -> None:
        self.width = width
        self._used = 0
        self._array = np.empty((room, width), dtype=np.float32)

    def __len__(self) -> int:
        return self._used

    def array(self) -> Float32Array:
        """The rows so far, (n_rows, width)."""
        return self._array[: self._used]

    def keep(self, rows: IntArray) -> None:
        """Leaves only these rows, ascending (n,)."""
        self._array[: len(rows)] = self._array[rows]
        self._used = len(rows)

    def append(self, rows: Float32Array) -> None:
        """Adds rows, (n, width)."""
        end = self._used + len(rows)
        if end > len(self._array):
            bigger = np.empty((max(end, 2 * len(self._array)), self.width), dtype=np.float32)
            bigger[: self._used] = self._array[: self._used]
            self._array = bigger
        self._array[self._used : end] = rows
        self._used = end
