"""Several heads side by side: a wide array split into heads, and heads joined again."""

from attncli.arrays import FloatArray
from attncli.errors import ShapeError


def split_heads(wide: FloatArray, n_heads: int) -> FloatArray:
    """The columns of `wide` dealt to heads in order: head h has columns h·d … (h+1)·d−1.

    Shapes: (…, n_tokens, n_heads·d) → (…, n_heads, n_tokens, d), a view.
    Raises: ShapeError when the width is no multiple of `n_heads`.

    >>> import numpy as np
    >>> split_heads(np.arange(4).reshape(1, 4), 2).tolist()
    [[[0, 1]], [[2, 3]]]
    """
    width, rest = divmod(wide.shape[-1], n_heads)
    if rest:
        raise ShapeError(f"{wide.shape[-1]} columns cannot be dealt to {n_heads} heads evenly")
    tall = wide.reshape(*wide.shape[:-1], n_heads, width)  # (…, n_tokens, n_heads, d)
    return tall.swapaxes(-2, -3)  # (…, n_heads, n_tokens, d)


def merge_heads(heads: FloatArray) -> FloatArray:
    """The heads joined side by side: the inverse of `split_heads`.

    Shapes: (…, n_heads, n_tokens, d) → (…, n_tokens, n_heads·d).
    """
    tall = heads.swapaxes(-2, -3)  # (…, n_tokens, n_heads, d)
    return tall.reshape(*tall.shape[:-2], tall.shape[-2] * tall.shape[-1])
