"""No value that is not finite gets past a reader."""

from collections.abc import Iterator

import numpy as np

from attncli.arrays import Float32Array
from attncli.embeddings.readers.reading import VectorBlock
from attncli.errors import DataError
from attncli.errors.wording import quoted
from attncli.files.limits import Limits

ROWS = 8192  # of a block


def check_finite(block: VectorBlock, done: int, place: str, limits: Limits) -> None:
    """Raises: DataError naming the first word with a value that is not finite.

    `done` is the number of words before the block.
    """
    finite = np.isfinite(block.values)
    if finite.all() or not limits.finite:
        return
    row, column = (int(i[0]) for i in np.nonzero(~finite))
    word = quoted(block.words[row].decode("utf-8", "surrogateescape"))
    raise DataError(f"word {done + row + 1} {word}: value {column + 1} is not finite", place=place)


def finite_blocks(
    words: list[bytes], matrix: Float32Array, place: str, limits: Limits
) -> Iterator[VectorBlock]:
    """A matrix in blocks of rows, checked one by one. Raises: as `check_finite`."""
    for start in range(0, len(words), ROWS):
        block = VectorBlock(words[start : start + ROWS], matrix[start : start + ROWS])
        check_finite(block, start, place, limits)
        yield block
