"""Why weights are what they are: vectors, scale, temperature and symmetry, beside the lecture's notes.

All numbers are worked out of one result, but for those of the notes, which are given.
"""

from typing import NamedTuple

import numpy as np

from attncli.arrays import FloatArray
from attncli.attention.core import masked, softmax
from attncli.attention.products import product
from attncli.attention.self_weight import solve_temperature
from attncli.errors import DataError, UsageError
from attncli.insight.places import mask_of
from attncli.results.result import AttentionResult

SELF_WEIGHT = 0.7  # of the notes' first word
NEEDED = ("embeddings", "query", "key", "scores")


class Rounds(NamedTuple):
    """The products of weights around the first three words: w₁₂·w₂₃·w₃₁ and w₁₃·w₃₂·w₂₁.

    They are equal wherever scores are symmetric: both have the same three scores above and the
    same three sums of a softmax below.
    """

    one_way: float
    other_way: float


class Why(NamedTuple):
    """What the weights of the first word come of. Shapes: weights, plain, scaled, softer (n_tokens,).

    `plain` and `scaled` are its weights by products alone, and by products ÷ √`width`; `softer`
    are those at the temperature `solved`, where the mean self-weight is `SELF_WEIGHT`; both are
    None where no temperature gives it. `symmetric` is about scores. `notes` are the weights of the
    notes for this sentence, (n_tokens, n_tokens), or None.
    """

    weights: FloatArray
    width: int
    plain: FloatArray
    scaled: FloatArray
    solved: float | None
    softer: FloatArray | None
    symmetric: bool
    rounds: Rounds | None
    notes: FloatArray | None
    notes_rounds: Rounds | None


def why_of(result: AttentionResult, notes: FloatArray | None = None) -> Why:
    """The reasons for the weights of the first head. Its `NEEDED` fields must be held.

    `notes` are the weights that the notes give for this sentence, (n_tokens, n_tokens).

    Raises: UsageError for weights of a transformer or of other tools; DataError where a field is
    missing.
    """
    settings = result.attention
    if not settings.is_of_words:
        raise UsageError(
            f"found {'a transformer' if settings.has_layers else 'weights of another tool'}, "
            "expected general or task-specific attention"
        )
    if not result.tokens:
        raise DataError("the result holds no word, which the reasons begin with")
    for name in NEEDED:
        if getattr(result, name) is None:
            raise DataError(f"the result holds no {name}, which the reasons are worked out of")
    mask = mask_of(result)
    mask = mask if mask is None or mask.ndim == 2 else mask[0, 0]  # (n_tokens, n_tokens)
    weights = result.weights[0, 0].astype(np.float64)  # (n_tokens, n_tokens)
    query, key = (_wide(result, name) for name in ("query", "key"))  # (n_tokens, d_k)
    scores = _wide(result, "scores") * settings.temperature  # (n_tokens, n_tokens)
    bias = scores - product(query, key.T) * settings.scale  # of relative positions
    if settings.sums_embeddings:  # of cosines too the plain products are those of the vectors
        vectors = np.asarray(result.embeddings, dtype=np.float64)
        query, key, bias = vectors, vectors, np.zeros_like(scores)
    products, width = product(query, key.T), query.shape[1]
    solved = None if len(scores) < 2 else solve_temperature(scores, SELF_WEIGHT, mask)
    return Why(
        weights[0],
        width,
        softmax(masked(products + bias, mask))[0],
        softmax(masked(products / width**0.5 + bias, mask))[0],
        solved,
        None if solved is None else softmax(masked(scores / solved, mask))[0],
        bool(np.allclose(scores, scores.T, rtol=0, atol=1e-4 * max(1.0, np.abs(scores).max()))),
        _rounds(weights),
        notes,
        None if notes is None else _rounds(notes),
    )


def _wide(result: AttentionResult, name: str) -> FloatArray:
    """The first head of a field, in float64."""
    wide: FloatArray = getattr(result, name)[0, 0].astype(np.float64)
    return wide


def _rounds(w: FloatArray) -> Rounds | None:
    """The two products around the first three words; None where there are fewer."""
    if len(w) < 3:
        return None
    return Rounds(float(w[0, 1] * w[1, 2] * w[2, 0]), float(w[0, 2] * w[2, 1] * w[1, 0]))
