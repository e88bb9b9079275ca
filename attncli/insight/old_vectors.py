"""The old vectors of a result, in the space of its new ones: the one place that says which they are.

General attention sums the embeddings themselves, a transformer adds to the vectors that enter it.
Task-specific attention sums values, so there the old vector of a word is its value, X·W_v with the
heads side by side, never its embedding, even where that has the same size.
"""

import numpy as np

from attncli.arrays import Float32Array
from attncli.results.result import AttentionResult


def old_vectors(result: AttentionResult) -> Float32Array | None:
    """What each new vector is compared with, (n_tokens, d_v); None where that is not held."""
    before = result.before
    if before is None and result.attention.old_field == "embeddings":
        before = result.embeddings
    elif (
        before is None
        and result.attention.old_field == "value"
        and not (result.model is not None and result.model.has_output)
    ):
        before = _values(result)
    return before if before is not None and before.shape == result.contextual.shape else None


def side_by_side(value: Float32Array) -> Float32Array:
    """The values of the heads of a layer beside one another.

    Shapes: (…, n_heads, n_tokens, d_v) → (…, n_tokens, n_heads·d_v).
    """
    beside = np.moveaxis(value, -3, -2)  # (…, n_tokens, n_heads, d_v)
    return beside.reshape(*beside.shape[:-2], -1)


def _values(result: AttentionResult) -> Float32Array | None:
    """The values where those of all heads are held."""
    if result.value is None or result.attention.n_layers != 1:
        return None
    return side_by_side(result.value[0])
