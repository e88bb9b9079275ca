"""Which sentences go through the model together, and how many rows each takes."""

from collections.abc import Sequence

from attncli.attention.products import TILE_ROWS

_PACK_ROWS = 768  # token rows of one pass: its matrices stay in the cache


def filled(n: int) -> int:
    """How many rows a sentence of n tokens takes in a pack: it begins where a tile begins."""
    return -(-n // TILE_ROWS) * TILE_ROWS


def packs(lengths: Sequence[int]) -> list[list[int]]:
    """The places of sentences of these lengths, shortest first, in packs that suit the cache.

    >>> packs([700, 3, 4])
    [[1, 2, 0]]
    """
    groups: list[list[int]] = []
    rows = _PACK_ROWS + 1
    for at in sorted(range(len(lengths)), key=lengths.__getitem__):
        if rows + filled(lengths[at]) > _PACK_ROWS:
            groups.append([])
            rows = 0
        groups[-1].append(at)
        rows += filled(lengths[at])
    return groups
