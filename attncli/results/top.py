"""The strongest keys of each row."""

import numpy as np

from attncli.arrays import Float32Array, IntArray
from attncli.arrays.compiled import compiled

_INFINITY = 0x7F800000  # its bits


def strongest_of_rows(weights: Float32Array, count: int) -> tuple[IntArray, Float32Array]:
    """The positions and weights of the `count` strongest keys of each row, strongest first.

    Shapes: (…, n_tokens, n_tokens) → twice (…, n_tokens, min(count, n_tokens)). Of equal weights
    the earlier key comes first.
    """
    kept = min(count, weights.shape[-1])
    kernel = compiled()
    done = None if kernel is None else kernel.strongest(weights, kept)
    return sorted_rows(weights, kept) if done is None else done


def sorted_rows(weights: Float32Array, kept: int) -> tuple[IntArray, Float32Array]:
    """The same by sorting each row."""
    bits = _bits_in_order(weights)
    if bits is None:
        keys: IntArray = np.argsort(-weights, axis=-1, kind="stable")[..., :kept]
        return keys, np.take_along_axis(weights, keys, axis=-1)
    # a weight and its place in one whole number: of equal weights the earlier has the larger
    places = np.arange(weights.shape[-1])[::-1]
    both = (bits.astype(np.int64) << 32) | places
    both.sort(axis=-1)
    strongest = both[..., : -kept - 1 : -1]  # (…, n_tokens, kept), strongest first
    return places[strongest & 0xFFFFFFFF], (strongest >> 32).astype(np.int32).view(np.float32)


def _bits_in_order(weights: Float32Array) -> IntArray | None:
    """The bits of float32 as whole numbers of the same order; None where one is negative or NaN."""
    if weights.dtype != np.float32 or not weights.size:
        return None
    bits = np.ascontiguousarray(weights).view(np.int32)
    return bits if bits.min() >= 0 and bits.max() <= _INFINITY else None
