"""Which sentences go through the model together, and how many rows each takes."""

from collections.abc import Sequence

# The kernels of a BLAS compute rows in tiles, and which rows share a tile decides in which order
# a row is summed: every sentence begins at a multiple of the largest tile (see `forward`).
_TILE = 12
_PACK_ROWS = 768  # token rows of one pass: its matrices stay in the cache


def filled(n: int) -> int:
    """How many rows a sentence of n tokens takes in a pack."""
    return -(-n // _TILE) * _TILE


def packs(lengths: Sequence[int]) -> list[list[int]]:
    """The places of sentences of these lengths, shortest first, in packs that suit the cache.

    >>> packs([700, 3, 4])
    [[1, 2, 0]]
    """
    found: list[list[int]] = []
    rows = _PACK_ROWS + 1
    for at in sorted(range(len(lengths)), key=lengths.__getitem__):
        if rows + filled(lengths[at]) > _PACK_ROWS:
            found.append([])
            rows = 0
        found[-1].append(at)
        rows += filled(lengths[at])
    return found
