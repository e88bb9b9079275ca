"""General attention as a textbook has it: what the ways for many sentences are compared with."""

from attncli.arrays import BoolArray, FloatArray
from attncli.attention.core import attend
from attncli.attention.general import matching_rows, score_scale
from attncli.settings import Score


def general_attention(
    embeddings: FloatArray,
    *,
    score: Score = "scaled",
    temperature: float = 1.0,
    mask: BoolArray | None = None,
) -> tuple[FloatArray, FloatArray]:
    """The contextual vectors and the weights of general attention.

    Shapes: embeddings (…, n_tokens, d_model) → contextual (…, n_tokens, d_model),
    weights (…, n_tokens, n_tokens). The dtype is kept.
    """
    rows = matching_rows(embeddings, score)
    scale = score_scale(score, embeddings.shape[-1]) / temperature
    return attend(rows, rows, embeddings, mask=mask, scale=scale)
