"""The strongest keys of each row as JSON, those of all sentences of a stack together.

Numbers are taken from a table as bytes of one width, brackets stand at fixed places, and the bytes
that are empty are left out at the end.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from attncli.arrays import IntArray
from attncli.arrays.compiled import Texts, compiled

_TABLE = 1024  # the least numbers a table holds


def key_texts(stacks: Sequence[IntArray]) -> list[bytes] | Texts:
    """The nested JSON list of each sentence. Shapes: (B, n_layers, n_heads, n_tokens, n_kept) each.

    Keys may be more than the tokens of the rows: across they are those of another text.
    """
    kernel = compiled()
    if kernel is not None and stacks and all(keys.size for keys in stacks):
        return Texts.joined([kernel.print_keys(keys) for keys in stacks])
    return [text for keys in stacks for text in keys_by_table(keys)]


def keys_by_table(keys: IntArray) -> list[bytes]:
    """Those of one stack by numpy."""
    count, n_layers, n_heads, n_tokens, n_kept = keys.shape
    n_keys = int(keys.max(initial=0)) + 1
    table = _table(max(_TABLE, n_keys))
    width = len(str(n_keys - 1)) + 1
    cells = n_kept * width
    # of each row: up to four brackets, its numbers, each with what follows it, up to four more
    buffer = np.zeros((count, n_layers, n_heads, n_tokens, 4 + cells + 4), dtype=np.uint8)
    numbers = table[:, -width:].take(
        keys, axis=0
    )  # (B, n_layers, n_heads, n_tokens, n_kept, width)
    buffer[..., 4 : 4 + cells] = numbers.reshape(*keys.shape[:-1], cells)
    buffer[..., 3], buffer[..., 3 + cells] = b"["[0], b"]"[0]
    for axis, first, last in ((3, 2, 0), (2, 1, 1), (1, 0, 2)):
        index: list[Any] = [slice(None)] * 5
        for inner in range(axis, 4):
            index[inner] = 0
        buffer[(*index[:4], first)] = b"["[0]
        for inner in range(axis, 4):
            index[inner] = -1
        buffer[(*index[:4], 4 + cells + last)] = b"]"[0]
    buffer[..., -1] = b","[0]
    buffer[:, -1, -1, -1, -1] = 0
    whole = buffer.tobytes()
    size = len(whole) // count
    return [whole[i : i + size].translate(None, b"\0") for i in range(0, len(whole), size)]


@lru_cache(maxsize=2)
def _table(count: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """The digits of the numbers below `count`, on the right, each with a comma; zeros before them."""
    width = len(str(count - 1))
    numbers = np.arange(count)
    table = np.zeros((count, width + 1), dtype=np.uint8)
    table[:, width] = b","[0]
    for place in range(width):
        power = 10**place
        digits = numbers // power % 10 + b"0"[0]
        table[:, width - 1 - place] = np.where((numbers >= power) | (place == 0), digits, 0)
    return table
