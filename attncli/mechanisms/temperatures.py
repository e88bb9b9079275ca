"""The temperature of a sentence: solved for a mean self-weight, or as a way out of a degenerate matrix."""

import numpy as np

from attncli.arrays import BoolArray, Float32Array, FloatArray
from attncli.attention.core import attention_scores, masked, softmax
from attncli.attention.general import matching_rows, score_scale
from attncli.errors import UsageError, field_name, setting
from attncli.errors.wording import quoted
from attncli.insight.degenerate import degenerate
from attncli.settings import Score

_HINT_UP_TO = 128  # tokens: a way out of a degenerate matrix is sought for shorter sentences only


def way_out(embeddings: Float32Array, score: Score, mask: BoolArray | None) -> str:
    """A hint to another temperature, or nothing. Shapes: embeddings (n_tokens, dim)."""
    if len(embeddings) > _HINT_UP_TO:
        return ""
    from attncli.attention.self_weight import solve_temperature

    scores = _scores(embeddings, score)
    for target in (0.7, 0.5, 0.9):
        solved = solve_temperature(scores, target, mask)
        if solved is not None and not degenerate(softmax(masked(scores / solved, mask)), mask):
            return f"; {setting(target_self=target)} finds a temperature that does not"
    return ""


def solved_temperature(
    embeddings: Float32Array, score: Score, target: float, mask: BoolArray | None, text: str
) -> float:
    """The temperature that gives a sentence the mean self-weight that is asked for.

    Shapes: embeddings (n_tokens, dim), mask (n_tokens, n_tokens). Raises: UsageError where no
    temperature does, said of the `text`.
    """
    from attncli.attention.self_weight import self_weight_range, solve_temperature

    scores = _scores(embeddings, score)
    solved = solve_temperature(scores, target, mask)
    if solved is None:
        low, high = self_weight_range(scores, mask)
        raise UsageError(
            f"no temperature gives {quoted(text)} a mean self-weight of {target:g}; "
            f"it can be {low:.3f} to {high:.3f}",
            place=field_name("target_self"),
        )
    return solved


def _scores(embeddings: Float32Array, score: Score) -> FloatArray:
    rows = matching_rows(embeddings.astype(np.float64), score)  # (n_tokens, d_model)
    return attention_scores(rows, rows, scale=score_scale(score, rows.shape[-1]))
