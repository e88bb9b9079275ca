"""A Reading → a store folder, block by block: the matrix is never held whole.

The folder is that of `attncli.embeddings.store` with checksums beside (see `checked`), and for
vectors with subwords also `ngrams.npy`.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from attncli.embeddings.cache.checked import (
    HEADER,
    block_sums,
    header_of,
    raw_bytes,
    sum_of,
    write_facts,
)
from attncli.embeddings.marks import NAMING, marked_forms, names
from attncli.embeddings.pieces import TokenizerSubwords
from attncli.embeddings.readers.loading import Distinct
from attncli.embeddings.readers.ngrams import NgramSubwords
from attncli.embeddings.readers.reading import OpenedVectors, VectorBlock
from attncli.embeddings.store import STORE_FORMAT
from attncli.errors import DataError, LimitError, command_line
from attncli.files.access import Tick
from attncli.files.limits import Limits, memory_budget
from attncli.files.meanwhile import meanwhile

_ROWS = 16384
_WORD = 110  # bytes that a word takes in a list and a set, beside its letters


@dataclass(frozen=True, slots=True)
class Selection:
    """Which words to keep: the first `limit`, and of these only those in `words`."""

    limit: int | None = None
    words: frozenset[bytes] | None = None


class WordBudget:
    """The memory that the words of a vocabulary take while they are told apart."""

    def __init__(self, place: str, limits: Limits) -> None:
        self._place, self._left = place, memory_budget(limits)

    def add(self, words: Sequence[bytes]) -> None:
        """Counts new words. Raises: LimitError when they are more than the budget holds."""
        self._left -= _WORD * len(words) + sum(map(len, words))
        if self._left < 0:
            raise LimitError(
                "the words need more memory than the limit",
                place=self._place,
                hints=(command_line("vectors import FILE", limit=1000000),),
            )


def build_store(
    folder: Path,
    reading: OpenedVectors,
    place: str,
    *,
    facts: dict[str, Any],
    selection: Selection | None = None,
    limits: Limits = Limits(),  # noqa: B008  (frozen)
    tick: Tick = lambda done, total: None,
) -> list[str]:
    """Writes the words and vectors of a reading into `folder`; returns the warnings.

    `facts` (name, source) go into meta.json. Raises: what the reader raises, LimitError when the
    words need more memory than the limit, OSError.
    """
    distinct, budget = Distinct(place), WordBudget(place, limits)
    with (folder / "vectors.npy").open("wb") as file:
        file.write(bytes(HEADER))
        words = _write_rows(file, reading, distinct, selection or Selection(), budget, tick)
        if not words:
            raise DataError("no vectors found", place=place)
        file.seek(0)
        file.write(header_of("<f4", (len(words), reading.dim)))
        file.flush()
        with meanwhile(partial(os.fsync, file.fileno())):
            warnings = reading.warnings + distinct.warnings()
            repeated = distinct.repeated
            words = names(words, reading.marks(distinct.words))
            del distinct
            digest = hash_of(words)
            sums = block_sums(folder / "vectors.npy", reading.dim, digest.update)
            write_array(folder / "vectors.sums.npy", sums)
            write_words(folder, words)
    meta = {
        "format": STORE_FORMAT,
        "words": len(words),
        "dim": reading.dim,
        "sha256": digest.hexdigest(),
        "source_format": reading.format,
        "repeated": repeated,
        "naming": NAMING,
        "warnings": warnings[:20],
        **facts,
    }
    subwords = _write_subwords(folder, reading.subwords())
    if subwords is not None:
        meta["subwords"] = subwords
    meta["sums"] = {
        path.name: sum_of(path)
        for path in sorted(folder.iterdir())
        if path.name not in ("vectors.npy", "ngrams.npy")
    }
    write_facts(folder / "meta.json", meta)
    return warnings


def _write_rows(
    file: BinaryIO,
    reading: OpenedVectors,
    distinct: Distinct,
    selection: Selection,
    budget: WordBudget,
    tick: Tick,
) -> list[bytes]:
    words: list[bytes] = []
    if selection.words is not None:
        selection = replace(selection, words=marked_forms(selection.words))
    for block in reading.blocks:
        fresh = distinct(block)
        budget.add(fresh.words)
        kept = _selected(fresh, len(distinct) - len(fresh.words), selection)
        words += kept.words
        file.write(raw_bytes(kept.values.astype("<f4", copy=False)))
        tick(*reading.progress())
        if selection.limit is not None and len(distinct) >= selection.limit:
            break
    return words


def _selected(block: VectorBlock, before: int, selection: Selection) -> VectorBlock:
    """The words of a block that are to be kept; `before` it came so many words."""
    if selection.limit is not None and before + len(block.words) > selection.limit:
        room = max(selection.limit - before, 0)
        block = VectorBlock(block.words[:room], block.values[:room])
    if selection.words is None:
        return block
    rows = [row for row, word in enumerate(block.words) if word in selection.words]
    return VectorBlock([block.words[row] for row in rows], block.values[rows])


def hash_of(words: Iterable[bytes]) -> Any:
    """The content hash of `attncli.embeddings.store` after the words; the matrix is still to come."""
    digest = hashlib.sha256()
    for part in _batches(words):
        joined = b"\n".join(part) + b"\n"
        if b"\\" in joined or joined.count(b"\n") != len(part):
            escaped = (w.replace(b"\\", b"\\\\").replace(b"\n", b"\\n") for w in part)
            joined = b"\n".join(escaped) + b"\n"
        digest.update(joined)
    return digest


def _batches(words: Iterable[bytes]) -> Iterator[list[bytes]]:
    remaining = iter(words)
    while batch := list(islice(remaining, _ROWS)):
        yield batch


def write_array(path: Path, array: Any) -> None:
    """An array as `checked.mapped` reads it."""
    with path.open("wb") as file:
        file.write(header_of(array.dtype.newbyteorder("<").str, array.shape))
        file.write(raw_bytes(array))


def write_words(folder: Path, words: Sequence[bytes]) -> None:
    """Writes the word index: words.marisa, ids.npy and rows.npy."""
    import marisa_trie

    trie = marisa_trie.BinaryTrie(words)
    ids = np.fromiter(map(trie.__getitem__, words), dtype="<u4", count=len(words))
    rows = np.empty(len(words), dtype="<u4")
    rows[ids] = np.arange(len(words), dtype="<u4")
    # not trie.save(path): it takes no name that the locale cannot spell, and hides a full disk
    (folder / "words.marisa").write_bytes(trie.tobytes())
    write_array(folder / "ids.npy", ids)
    write_array(folder / "rows.npy", rows)


def _write_subwords(folder: Path, subwords: object) -> dict[str, Any] | None:
    """The matrix of n-grams, and what is needed to use it."""
    if isinstance(subwords, TokenizerSubwords):
        (folder / "tokenizer.json").write_bytes(subwords.content)
        return {"kind": "tokenizer"}
    if not isinstance(subwords, NgramSubwords):
        return None
    matrix = subwords.matrix
    with (folder / "ngrams.npy").open("wb") as file:
        file.write(header_of("<f4", matrix.shape))
        for start in range(0, len(matrix), _ROWS):
            block = np.ascontiguousarray(matrix[start : start + _ROWS], dtype="<f4")
            file.write(raw_bytes(block))
    write_array(folder / "ngrams.sums.npy", block_sums(folder / "ngrams.npy", matrix.shape[1]))
    facts = {
        "kind": "ngrams",
        "rows": len(matrix),
        "shortest": subwords.shortest,
        "longest": subwords.longest,
        "buckets": None if subwords.rows is None else len(subwords.rows),
    }
    if subwords.rows is not None:
        write_array(folder / "buckets.npy", subwords.rows.astype("<i8"))
    return facts


def sync(folder: Path, *files: Path) -> None:
    """Makes files of a folder durable, and their names in it."""
    for path in [*sorted(files), folder]:
        if os.name == "nt" and path == folder:
            continue
        number = os.open(
            path, os.O_RDWR if os.name == "nt" else os.O_RDONLY
        )  # Windows syncs writers
        try:
            os.fsync(number)
        finally:
            os.close(number)
