"""What a file of vectors holds, told of any file that can be read, also of one that cannot be used.

A value that is not finite is counted, a line that cannot be read is left out and told. Nothing is kept:
the values pass once, by way of a temporary file, for the hash begins with the words.
"""

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from attncli.arrays import Float32Array, FloatArray
from attncli.embeddings.cache.building import WordBudget, hash_of
from attncli.embeddings.cache.checked import raw_bytes
from attncli.embeddings.marks import names
from attncli.embeddings.readers.any_format import ReadOptions, open_reading
from attncli.embeddings.readers.loading import Distinct
from attncli.errors import DataError, command_line
from attncli.errors.wording import quoted
from attncli.files.access import Tick
from attncli.files.member import split_member
from attncli.files.paths import is_file
from attncli.files.stream import place_of

_PIECE = 1 << 20
_ROWS = 8192


@dataclass(slots=True)
class Norms:
    """The lengths of the vectors met so far: of the finite ones the extremes and the mean."""

    finite: int = 0
    not_finite: int = 0
    zero: int = 0
    least: float = np.inf
    most: float = 0.0
    total: float = 0.0
    first: bytes | None = None  # the first word whose vector is not finite

    def add(self, words: Sequence[bytes], values: Float32Array) -> None:
        """Counts vectors, (n, dim); `words` names them, if it is known."""
        for start in range(0, len(values), _ROWS):
            block = values[start : start + _ROWS].astype(np.float64)
            lengths = np.sqrt(np.einsum("ij,ij->i", block, block))  # (rows,)
            whole = np.isfinite(lengths)
            if not whole.all() and self.first is None and words:
                self.first = words[start + int(np.flatnonzero(~whole)[0])]
            self._count(lengths[whole], len(lengths))

    def _count(self, lengths: FloatArray, rows: int) -> None:
        self.finite += len(lengths)
        self.not_finite += rows - len(lengths)
        self.zero += int(np.count_nonzero(lengths == 0))
        self.total += float(lengths.sum())
        self.least = min(self.least, float(lengths.min(initial=np.inf)))
        self.most = max(self.most, float(lengths.max(initial=0.0)))

    def facts(self) -> dict[str, Any]:
        """The facts as `attn vectors info` tells them."""
        some = self.finite > 0
        return {
            "norms": {
                "min": self.least if some else None,
                "mean": self.total / self.finite if some else None,
                "max": self.most if some else None,
            },
            "zero": self.zero,
            "not_finite": self.not_finite,
        }


@dataclass(slots=True)
class Survey:
    """What a file holds."""

    format: str
    words: int
    dim: int
    norms: Norms
    repeated: int
    subwords: str | None
    sha256: str
    warnings: list[str]
    left_out: list[str]

    def facts(self) -> dict[str, Any]:
        """The facts as `attn vectors info` tells them."""
        return {
            "format": self.format,
            "words": self.words,
            "dim": self.dim,
            **self.norms.facts(),
            "duplicates": self.repeated,
            "subwords": self.subwords,
            "sha256": self.sha256,
        }

    def fault(self, path: str) -> DataError | None:
        """Why these cannot be used as vectors, if they cannot."""
        norms = self.norms
        if norms.not_finite:
            first = quoted((norms.first or b"").decode("utf-8", "surrogateescape"))
            vectors = "1 vector is" if norms.not_finite == 1 else f"{norms.not_finite} vectors are"
            return DataError(
                f"cannot be used as vectors: {vectors} not finite (the first: {first})",
                place=place_of(path),
            )
        if self.left_out:
            lines = "1 line" if len(self.left_out) == 1 else f"{len(self.left_out)} lines"
            return DataError(
                f"cannot be used as vectors: {lines} cannot be read (the first: {self.left_out[0]})",
                place=place_of(path),
                hints=(command_line("vectors import FILE", on_bad_line="skip"),),
            )
        return None


def survey(path: str, options: ReadOptions, tick: Tick = lambda done, total: None) -> Survey:
    """Looks through a file. Raises: what reading it raises, but for values that are not finite."""
    lenient = replace(options, skip_bad=True, limits=options.limits._replace(finite=False))
    reading = open_reading(path, lenient)
    distinct, norms, words = Distinct(place_of(path)), Norms(), list[bytes]()
    budget = WordBudget(place_of(path), options.limits)
    with tempfile.TemporaryFile() as values:
        for block in map(distinct, reading.blocks):
            budget.add(block.words)
            words += block.words
            norms.add(block.words, block.values)
            values.write(raw_bytes(block.values.astype("<f4", copy=False)))
            tick(*reading.progress())
        if not words:
            raise DataError("no vectors found", place=place_of(path))
        digest = hash_of(names(words, reading.marks(words)))
        values.seek(0)
        while piece := values.read(_PIECE):
            digest.update(piece)
    subwords = reading.subwords()
    return Survey(
        reading.format,
        len(words),
        reading.dim,
        norms,
        distinct.repeated,
        None if subwords is None else subwords.kind,
        digest.hexdigest(),
        reading.warnings + distinct.warnings(),
        reading.left_out,
    )


def file_hash(path: str) -> str | None:
    """The SHA-256 of a regular file as it lies on disk, or None."""
    file, _ = split_member(path)
    if not is_file(file):
        return None
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
