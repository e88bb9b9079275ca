"""Where a word stands: position vectors, rotations and biases for attention, which sees a set.

none        the order of the words does not matter
sinusoidal  fixed waves are added to the embeddings (Vaswani et al. 2017, arXiv:1706.03762, 3.5)
learned     a vector for each position, learned, is added to the embeddings (the same, 3.5)
rope        queries and keys are rotated by their position, so that a score depends on the
            distance (Su et al. 2021, arXiv:2104.09864, equation 34)
relative    a bias for each head and distance, learned, is added to the scores (Shaw et al. 2018,
            arXiv:1803.02155; as a scalar: Raffel et al. 2020, arXiv:1910.10683, 2.1)
"""

from typing import get_args

import numpy as np

from attncli.arrays import FloatArray, IntArray
from attncli.settings import Positions

POSITIONS: tuple[Positions, ...] = get_args(Positions)
_BASE = 10000.0


def sinusoidal(n_tokens: int, dim: int) -> FloatArray:
    """The waves added to the embeddings: sine in even columns, cosine in odd ones.

    Shape (n_tokens, dim), float64; column 2i and 2i+1 have the wavelength 2π·10000^(2i/dim).

    >>> sinusoidal(2, 2).round(3).tolist()
    [[0.0, 1.0], [0.841, 0.54]]
    """
    columns = np.arange(dim)
    rate = _BASE ** (-(columns - columns % 2) / dim)  # (dim,)
    angle = np.arange(n_tokens)[:, None] * rate[None, :]  # (n_tokens, dim)
    return np.where(columns % 2 == 0, np.sin(angle), np.cos(angle))


def rotations(n_tokens: int, dim: int) -> tuple[FloatArray, FloatArray]:
    """The cosines and sines by which `rotated` turns each pair of columns.

    Shapes: two of (n_tokens, dim // 2), float64. An odd last column is not turned.
    """
    pairs = dim // 2
    rate = _BASE ** (-2.0 * np.arange(pairs) / dim)  # (dim // 2,)
    angle = np.arange(n_tokens)[:, None] * rate[None, :]  # (n_tokens, dim // 2)
    return np.cos(angle), np.sin(angle)


def rotated(rows: FloatArray, cosines: FloatArray, sines: FloatArray) -> FloatArray:
    """Rows with columns (2i, 2i+1) turned as one point of the plane; `−sines` turns back.

    Shapes: rows (…, n_tokens, d), cosines and sines broadcasting to (…, n_tokens, d // 2)
    → (…, n_tokens, d). The product of two rotated rows depends on their distance only.
    """
    pairs = rows.shape[-1] // 2
    cosines, sines = cosines.astype(rows.dtype), sines.astype(rows.dtype)
    even, odd = rows[..., 0 : 2 * pairs : 2], rows[..., 1 : 2 * pairs : 2]
    turned = rows.copy()
    turned[..., 0 : 2 * pairs : 2] = even * cosines - odd * sines
    turned[..., 1 : 2 * pairs : 2] = even * sines + odd * cosines
    return turned


def distance_index(query_places: IntArray, n_keys: int, reach: int) -> IntArray:
    """The column of a bias table for each query and key: their distance, cut at ±(reach + 1).

    Shapes: query_places (…,) → (…, n_keys), values 0 … 2·reach + 2. Column reach + 1 is distance
    0; the first and last columns stand for everything further than `reach`.

    >>> distance_index(np.array([1]), 3, 1).tolist()
    [[1, 2, 3]]
    """
    distance = np.arange(n_keys) - np.asarray(query_places)[..., None]  # (…, n_keys)
    return np.asarray(np.clip(distance, -reach - 1, reach + 1) + reach + 1)


def table_width(reach: int) -> int:
    """The number of columns of a bias table: distances −reach−1 … reach+1."""
    return 2 * reach + 3


def reach_of(table: FloatArray) -> int:
    """The reach of a bias table, (n_heads, 2·reach + 3)."""
    return (int(table.shape[1]) - 3) // 2
