"""What T5 adds to scores: a number for each head and each bucket of distances.

Source: Raffel et al. 2020 (arXiv:1910.10683), section 2.1; the buckets are those of its code, which
are computed in float32 so that a distance at a bucket's edge falls where the model learned it.
"""

import math
from typing import NamedTuple

import numpy as np

from attncli.arrays import Float32Array, IntArray


class RelativeBias(NamedTuple):
    """The bias of every query and key by their distance. Shape: table (n_buckets, n_heads).

    Buckets are exact for near places and grow with the logarithm up to `max_distance`. With
    `both_ways` half of them are for later keys; without it later keys are in the first.
    """

    table: Float32Array
    both_ways: bool
    max_distance: int

    def __call__(self, n_q: int, n_k: int, start: int = 0) -> Float32Array:
        """Shapes: → (n_heads, n_q, n_k); `start` is the place of the first query."""
        ahead = np.arange(n_k)[None, :] - (start + np.arange(n_q))[:, None]  # (n_q, n_k)
        return np.ascontiguousarray(np.moveaxis(self.table[self.buckets(ahead)], -1, 0))

    def buckets(self, ahead: IntArray) -> IntArray:
        """The bucket of each place of a key less that of its query. Shapes: any → the same."""
        n_buckets = len(self.table)
        if self.both_ways:
            n_buckets //= 2
            first = np.where(ahead > 0, n_buckets, 0)
            distance = np.abs(ahead)
        else:
            first, distance = np.zeros_like(ahead), np.maximum(-ahead, 0)
        exact = n_buckets // 2
        ratio = np.maximum(distance, exact).astype(np.float32) / np.float32(exact)
        growth = np.log(ratio) / np.float32(math.log(self.max_distance / exact))
        far = exact + (growth * np.float32(n_buckets - exact)).astype(np.intp)
        near = distance < exact
        return first + np.where(near, distance, np.minimum(far, n_buckets - 1))
