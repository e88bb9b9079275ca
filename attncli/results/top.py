"""The strongest keys of each row."""

import numpy as np

from attncli.arrays import Float32Array, IntArray


def strongest_of_rows(weights: Float32Array, count: int) -> tuple[IntArray, Float32Array]:
    """The positions and weights of the `count` strongest keys of each row, strongest first.

    Shapes: (…, n_tokens, n_tokens) → twice (…, n_tokens, min(count, n_tokens)). Of equal weights
    the earlier key comes first.
    """
    kept = min(count, weights.shape[-1])
    keys = np.argsort(-weights, axis=-1, kind="stable")[..., :kept]
    return keys, np.take_along_axis(weights, keys, axis=-1)
