"""Words by number, as the loops of kernel.c find them: a hash table in arrays."""

import os
from collections.abc import Sequence

import numpy as np

from attncli.arrays import IntArray
from attncli.arrays.compiled import Kernel, address


class WordTable:
    """Words by number, found in a text between its spaces; numbers count from 0 as words are added."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._secret = int.from_bytes(os.urandom(8), "little")
        self._words = bytearray()
        self._ends = np.zeros(256, dtype=np.int64)  # of each word, in `_words`
        self._count = 0
        self._table = np.full(512, -1, dtype=np.int32)

    def add(self, words: Sequence[bytes]) -> None:
        """Adds words, none of which is there and none of which has a space."""
        first, self._count = self._count, self._count + len(words)
        if self._count > len(self._ends):
            self._ends = np.concatenate([self._ends, np.zeros(self._count, dtype=np.int64)])
        sizes = np.cumsum(np.fromiter(map(len, words), np.int64, len(words)))
        self._ends[first : self._count] = sizes + len(self._words)
        self._words += b"".join(words)
        if 2 * self._count > len(self._table):
            first = 0
            self._table = np.full(4 << self._count.bit_length(), -1, dtype=np.int32)
        self._kernel.library.attn_remember_words(first, self._count, *self._held())

    def find(self, text: bytes, count: int) -> tuple[IntArray, IntArray]:
        """The number of each word, −1 for what was not added, and where in the text it ends.

        `count` is the number of spaces and one more. Shapes: (n_words,) each.
        """
        numbers, ends = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
        given = np.frombuffer(text, dtype=np.uint8)
        n_words = self._kernel.library.attn_find_words(
            *(address(given), len(text), *self._held(), count, address(numbers), address(ends))
        )
        if n_words != count:
            raise ValueError(f"{n_words} words, expected {count}")
        return numbers, ends

    def _held(self) -> tuple[int, ...]:
        """The table as the loops take it, good until words are added."""
        words = np.frombuffer(self._words, dtype=np.uint8)
        places = (address(words), address(self._ends), self._secret, address(self._table))
        return (*places, len(self._table) - 1)
