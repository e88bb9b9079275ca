"""Several heads side by side."""

from attncli.arrays import FloatArray


def merge_heads(heads: FloatArray) -> FloatArray:
    """The heads joined side by side: head h has the columns h·d … (h+1)·d−1.

    Shapes: (…, n_heads, n_tokens, d) → (…, n_tokens, n_heads·d).
    """
    tall = heads.swapaxes(-2, -3)  # (…, n_tokens, n_heads, d)
    return tall.reshape(*tall.shape[:-2], tall.shape[-2] * tall.shape[-1])
