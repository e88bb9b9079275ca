"""A file that was not converted: the few words of a sentence are found in one pass over it."""

import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from attncli.arrays import Float32Array, IntArray
from attncli.checks.arguments import text_of
from attncli.embeddings.marks import marked_forms, marks_of
from attncli.embeddings.protocols import PlainStore, encoded_word, gathered
from attncli.embeddings.readers.any_format import ReadOptions, open_reading, text_stream
from attncli.embeddings.readers.text.scan import find_in_text
from attncli.errors import DataError
from attncli.errors.wording import typed
from attncli.files.access import Say
from attncli.files.stream import place_of
from attncli.text.forms import all_forms

_HEAD, _OF_A_BLOCK, _TAIL = 2000, 64, 1 << 16  # words, words, bytes looked at for marks
_SLOW = 1.0  # seconds of scanning after which it is said how to avoid it


class ScannedStore(PlainStore):
    """A store that looks for words in its file when they are asked for.

    `prefetch` with all words of a text costs one pass; asking one by one costs a pass each. What is
    said of the file goes to `say`, as ("warning" | "hint", text).
    """

    def __init__(
        self, name: str, path: str | os.PathLike[str], options: ReadOptions, say: Say
    ) -> None:
        self.name = name
        self.path = path
        self.words: int | None = None
        self.sha256: str | None = None
        self.seconds = 0.0
        self._options = options
        self._say = say
        self._said: set[str] = set()
        self._looked_for: set[str] = set()
        self._row_of: dict[str, int] = {}
        self._vectors: list[Float32Array] = []
        self._dim: int | None = None
        self._marked: bool | None = None

    @property
    def dim(self) -> int:
        """The number of values of a vector."""
        if self._dim is None:
            with_text = text_stream(self.path, self._options)
            if with_text is None:
                self._dim = open_reading(self.path, self._options).dim
            else:
                from attncli.embeddings.readers.text.form import text_form

                with with_text as stream:
                    self._dim = text_form(stream, self._options.limits).dim
        return self._dim

    @property
    def searches(self) -> bool:
        """Words are searched for in the file."""
        return True

    def prefetch(self, words: Iterable[str]) -> None:
        """Looks for all these words, in all their forms, in one pass. Raises: as the reader does."""
        groups = [all_forms(word) for word in dict.fromkeys(words)]
        new = [form for group in groups for form in group if form not in self._looked_for]
        if new:
            self._scan(groups, new)

    def _scan(self, groups: list[list[str]], new: list[str]) -> None:
        start = time.perf_counter()
        self._looked_for.update(new)
        wanted = frozenset(encoded_word(word) for word in new)
        first = {encoded_word(group[0]) for group in groups} & wanted
        dim, vectors, warnings = self._found(wanted, lambda have: first <= have.keys())
        if self._dim not in (None, dim):
            raise DataError(f"the file changed while it was read: found {dim} values",
                            place=place_of(self.path))  # fmt: skip
        self._dim = dim
        for word, vector in vectors.items():
            self._row_of[word.decode("utf-8", "surrogateescape")] = len(self._vectors)
            self._vectors.append(vector)
        self.seconds += time.perf_counter() - start
        for warning in warnings:
            self._once("warning", warning)
        if self.seconds > _SLOW:
            self._once("hint", f"attn vectors import {typed(os.fspath(self.path))}")

    def _found(
        self, wanted: frozenset[bytes], done: Callable[[dict[bytes, Float32Array]], bool]
    ) -> tuple[int, dict[bytes, Float32Array], list[str]]:
        stream = text_stream(self.path, self._options)
        if stream is not None:
            with stream:
                if not self._may_be_marked(stream.file):
                    dim, vectors, warnings = find_in_text(
                        stream, self._options.limits, wanted, done
                    )
                    return dim, vectors, warnings + stream.warnings
        reading = open_reading(self.path, self._options)
        tokens, sample, hits = marked_forms(wanted), list[bytes](), dict[bytes, Float32Array]()
        for block in reading.blocks:
            sample += block.words[:_OF_A_BLOCK]
            for row, word in enumerate(block.words):
                if word in tokens:
                    hits.setdefault(word, np.array(block.values[row]))
        marks = reading.marks(sample)
        named = {word if marks is None else marks.name(word): hits[word] for word in hits}
        return reading.dim, {w: named[w] for w in named if w in wanted}, reading.warnings

    def _may_be_marked(self, file: Path | None) -> bool:
        """Whether the first or the last words look like those of a marked vocabulary."""
        if self._marked is None:
            reading = open_reading(self.path, self._options)
            head: list[bytes] = []
            for block in reading.blocks:
                head += block.words
                if len(head) >= _HEAD:
                    break
            self._marked = marks_of(head) is not None or marks_of(_last_words(file)) is not None
        return self._marked

    def _once(self, kind: str, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._say(kind, text)

    def has_word(self, word: str) -> bool:
        """Whether the file holds exactly this word."""
        return self.row(word) is not None

    def row(self, word: str) -> int | None:
        """The row of exactly this word among those found so far; a new word costs a pass."""
        if text_of(word, "word") not in self._looked_for:
            self.prefetch([word])
            if word not in self._looked_for:  # no form of itself (not composed)
                self._scan([[word]], [word])
        return self._row_of.get(word)

    def vectors(self, rows: Sequence[int] | IntArray) -> Float32Array:
        """The vectors of these rows, (n, dim)."""
        return gathered(self._vectors, rows, self.dim)


def _last_words(file: Path | None) -> list[bytes]:
    """What the last lines of an unpacked text file begin with."""
    if file is None:
        return []
    with file.open("rb") as opened:
        opened.seek(max(opened.seek(0, 2) - _TAIL, 0))
        return [line.partition(b" ")[0] for line in opened.read().split(b"\n")[1:-1]]
