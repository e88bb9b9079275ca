"""Pieces of text by number: what `Piecewise` remembers is kept in arrays, at these numbers."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import NamedTuple

import numpy as np

from attncli.arrays import IntArray
from attncli.arrays.compiled import compiled
from attncli.arrays.word_table import WordTable

NEW = -1  # the number of a piece that is not there
_MANY = 256  # pieces for which the compiled loops are loaded


class FoundPieces(NamedTuple):
    """The numbers of pieces, (n_pieces,), and those that are new: where they are, and their texts."""

    numbers: IntArray
    new: IntArray
    texts: list[str]


class PieceNumbers:
    """Numbers pieces in the order in which they come; finds those of many texts at once."""

    def __init__(self, pieces: Iterable[str] = ()) -> None:
        self._numbers: dict[str, int] = {}
        self._table: WordTable | None = None  # the same, where many are looked up
        self.add(list(pieces))

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[str]:
        return iter(self._numbers)

    def get(self, piece: str) -> int | None:
        """The number of a piece, if it is there."""
        return self._numbers.get(piece)

    def add(self, pieces: Sequence[str]) -> None:
        """Gives numbers to pieces, each of which is new."""
        for piece in pieces:
            self._numbers[piece] = len(self._numbers)
        if self._table is not None:
            self._table.add([piece.encode() for piece in pieces])

    def found(self, texts: Sequence[str], count: int) -> FoundPieces:
        """The numbers of the pieces between spaces, text after text; there are `count`."""
        joined = " ".join(texts)
        if self._table is None and count >= _MANY and (kernel := compiled()) is not None:
            self._table = WordTable(kernel)
            self._table.add([piece.encode() for piece in self])
        if self._table is not None:
            data = joined.encode()
            numbers, ends = self._table.find(data, count)
            new = np.flatnonzero(numbers == NEW)
            begins = np.where(new > 0, ends[new - 1] + 1, 0).tolist()
            spans = zip(begins, ends[new].tolist(), strict=True)
            return FoundPieces(numbers, new, [data[begin:end].decode() for begin, end in spans])
        pieces = joined.split(" ")
        numbers = np.fromiter(map(self._numbers.get, pieces, repeat(NEW)), np.intp, count)
        new = np.flatnonzero(numbers == NEW)
        return FoundPieces(numbers, new, [pieces[at] for at in new.tolist()])
