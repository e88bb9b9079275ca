"""A whole file in memory: for small files, for vectors that are not to be cached, and for tests."""

import os
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from attncli.arrays import Float32Array
from attncli.embeddings.marks import names
from attncli.embeddings.protocols import Subwords
from attncli.embeddings.readers.any_format import DEFAULTS, ReadOptions, open_reading
from attncli.embeddings.readers.reading import OpenedVectors, VectorBlock
from attncli.errors import DataError, LimitError, setting
from attncli.errors.wording import quoted, size_text
from attncli.files.limits import memory_budget
from attncli.files.stream import place_of


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """Distinct words in file order, their vectors (len(words), dim), and warnings."""

    words: list[str]
    matrix: Float32Array
    format: str
    warnings: list[str]
    subwords: Subwords | None = None
    duplicates: int = 0


class Distinct:
    """Lets each word pass once; counts those that come again, are empty, or are not UTF-8."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._seen: set[bytes] = set()
        self.repeated = 0
        self._counts: Counter[str] = Counter()
        self._first: dict[str, bytes] = {}

    def __len__(self) -> int:
        return len(self._seen)

    @property
    def words(self) -> Collection[bytes]:
        """All words that have passed."""
        return self._seen

    def __call__(self, block: VectorBlock) -> VectorBlock:
        """The block without the words that were there before."""
        self._look_at(block.words)
        seen = self._seen
        if seen.isdisjoint(block.words):
            size = len(seen)
            seen.update(block.words)
            if len(seen) == size + len(block.words):
                return block
            seen.difference_update(block.words)  # repeated within the block
        rows: list[int] = []
        for row, word in enumerate(block.words):
            if word in seen:
                self._note("repeated", word)
            else:
                seen.add(word)
                rows.append(row)
        self.repeated = self._counts["repeated"]
        if self.repeated > _MOST_REPEATED and self.repeated > 4 * len(seen):
            raise DataError(
                f"{self.repeated} words occur again, only {len(seen)} are distinct",
                place=self._place,
            )
        return VectorBlock([block.words[row] for row in rows], block.values[rows])

    def _look_at(self, words: list[bytes]) -> None:
        joined = b"\n".join(words)
        if joined.isascii() and b"" not in words:
            return
        try:
            joined.decode("utf-8")
        except UnicodeDecodeError:
            for word in words:
                if not _is_text(word):
                    self._note("not UTF-8", word)
        for _ in range(words.count(b"")):
            self._note("empty", b"")

    def _note(self, what: str, word: bytes) -> None:
        self._counts[what] += 1
        self._first.setdefault(what, word)

    def warnings(self) -> list[str]:
        """One sentence for each kind of odd word that was met."""
        found, encoding = [], setting(encoding="latin-1")
        for what, count in self._counts.items():
            first = quoted(self._first[what].decode("utf-8", "surrogateescape"))
            said = _SAID_OF_ONE[what] if count == 1 else _SAID[what]
            found.append(
                f"{self._place}: {said.format(count=count, first=first, encoding=encoding)}"
            )
        return found


_MOST_REPEATED = 100_000
_SAID = {
    "repeated": "{count} words occur again; the first of each is used (first: {first})",
    "not UTF-8": "{count} words not in UTF-8, kept as they are (first: {first}); "
    "{encoding} when importing, if the whole file is",
    "empty": "{count} words without any letters kept",
}
_SAID_OF_ONE = {
    "repeated": "1 word occurs again, {first}; the first is used",
    "not UTF-8": "1 word not in UTF-8, kept as it is: {first}; "
    "{encoding} when importing, if the whole file is",
    "empty": "1 word without any letters kept",
}


def _is_text(word: bytes) -> bool:
    try:
        word.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def load(path: str | os.PathLike[str], options: ReadOptions = DEFAULTS) -> Loaded:
    """All vectors of a file, in memory. Raises: any AttnError that says what is wrong with it."""
    return load_reading(open_reading(path, options), place_of(path), options)


def load_reading(reading: OpenedVectors, place: str, options: ReadOptions = DEFAULTS) -> Loaded:
    """All vectors of a reading; matrices grow as the bytes come, never by what a header claims."""
    distinct = Distinct(place)
    budget = memory_budget(options.limits)
    words: list[bytes] = []
    parts: list[Float32Array] = []
    used = 0
    for block in map(distinct, reading.blocks):
        words += block.words
        parts.append(block.values)
        used += block.values.nbytes + 100 * len(block.words)
        if used > budget:
            raise LimitError(f"the vectors need more than {size_text(budget)}", place=place)
    if not words:
        raise DataError("no vectors found", place=place)
    warnings = reading.warnings + distinct.warnings()
    matrix = np.concatenate(parts)  # (n_words, dim)
    named = names(words, reading.marks(words))
    decoded = [word.decode("utf-8", "surrogateescape") for word in named]
    return Loaded(decoded, matrix, reading.format, warnings, reading.subwords(), distinct.repeated)
