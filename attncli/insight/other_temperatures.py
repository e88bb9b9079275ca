"""The scores whose softmax a result holds, so that a page can take it at other temperatures."""

import numpy as np

from attncli.arrays import BoolArray, Float32Array, FloatArray
from attncli.attention.core import softmax
from attncli.errors import Blank, DataError, setting
from attncli.insight.heads import MappedResult, matrices_at
from attncli.insight.places import mask_of
from attncli.results.names import Named, axis_numbers
from attncli.results.result import AttentionResult

_TOLERANCE = 2e-6
_SUM_TOLERANCE = 1e-5


def held_scores(
    result: AttentionResult, max_bytes: int
) -> tuple[Float32Array, list[tuple[int, int]]]:
    """The scores whose softmax is the weights, and which (layer, head) each matrix is.

    Masked cells are −inf. Where the result holds no scores, or they do not give its weights, the
    logarithms of the weights serve as well: a softmax does not see a constant added to a row.
    As many matrices are held as fit into `max_bytes` of base64, at least one; where not all fit,
    those of the last layer come first. Raises: DataError for numbers below 0, which have no
    logarithm.

    Shapes: the scores are (n_held, n_tokens, n_keys).
    """
    held = held_places(result, result.weights.shape, max_bytes)
    return _scores(result, held).astype(np.float32), held


def held_places(result: Named, shape: tuple[int, ...], max_bytes: int) -> list[tuple[int, int]]:
    """Which (layer, head) of weights of this shape fit into `max_bytes` of base64, at least one.

    Where not all fit, those of the last layer come first.
    """
    n_layers, n_heads, n_tokens, n_keys = shape
    room = max(1, int(max_bytes * 3 / 4) // max(4 * n_tokens * n_keys, 1))
    held = _every(n_layers, n_heads)
    if room >= len(held):
        return held
    numbers = axis_numbers(result, "layers")
    return sorted(held, key=lambda pair: (-numbers[pair[0]], pair[1]))[:room]


def row_sums(result: AttentionResult, held: list[tuple[int, int]]) -> Float32Array | None:
    """What the rows of the held matrices sum to, or None where that is 1 (or 0) everywhere.

    Shape (n_held, n_tokens). A maximum over heads, and weights of other tools, need not sum to 1.
    """
    sums = _sums(matrices_at(result, held))
    return None if sum_to_one(sums) else sums.astype(np.float32)


def sum_to_one(sums: FloatArray) -> bool:
    """Whether rows with these sums are softmaxes, or see nothing."""
    return bool(((np.abs(sums - 1) < _SUM_TOLERANCE) | (sums == 0)).all())


def no_temperature(result: AttentionResult) -> str:
    """Why another temperature cannot be shown, or an empty text where it can, exactly.

    The logarithms of a softmax are its scores but for a constant, so its weights give those of any
    temperature. A mean, a maximum or a sum of several softmaxes is none.
    """
    selection = result.selection or {}
    if selection.get("heads_pooled") or selection.get("layers_pooled"):
        return "what is drawn together from several heads or layers is no softmax"
    if selection.get("merged"):
        return "weights of merged pieces are sums and means of several softmaxes"
    if not _rows_sum_to_one(result):
        return "the rows do not sum to 1, so they are no softmax"
    if result.attention.is_foreign and result.scores is None:
        return "it is not known whether these weights are one softmax or drawn from several"
    if _given(result) is None and _has_vanished(result):
        return "some weights are too small to be told from 0"
    return ""


def temperature_range(result: AttentionResult) -> tuple[float, float]:
    """The ends of the slider."""
    now = result.attention.temperature
    return min(0.05, now / 2), highest_temperature(now)


def vanished(weights: Float32Array, mask: BoolArray | None, temperature: float) -> bool:
    """Whether a weight that is 0 in float32 would be seen at the highest temperature.

    Shapes: weights (…, n_tokens, n_keys); mask, what may be seen, (n_tokens, n_keys) or as weights.
    """
    share = temperature / highest_temperature(temperature)
    zeros = weights == 0 if mask is None else (weights == 0) & mask
    zeros &= weights.any(axis=-1, keepdims=True)
    return bool(zeros.any()) and float(np.finfo(np.float32).tiny) ** share > _TOLERANCE


def highest_temperature(now: float) -> float:
    """The upper end of the slider."""
    return max(5.0, now * 2)


def _has_vanished(result: AttentionResult) -> bool:
    if isinstance(result, MappedResult) and result.of_page is not None:
        return result.of_page.has_vanished
    return vanished(result.weights, mask_of(result), result.attention.temperature)


def _rows_sum_to_one(result: AttentionResult) -> bool:
    if isinstance(result, MappedResult) and result.of_page is not None:
        return result.of_page.sum_to_one
    return sum_to_one(_sums(result.weights))


def _sums(weights: Float32Array) -> FloatArray:
    sums: FloatArray = weights.sum(axis=-1, dtype=np.float64)
    return sums


def _every(n_layers: int, n_heads: int) -> list[tuple[int, int]]:
    return [(layer, head) for layer in range(n_layers) for head in range(n_heads)]


def _scores(result: AttentionResult, held: list[tuple[int, int]]) -> FloatArray:
    """Shape (n_held, n_tokens, n_keys)."""
    given = _given(result)
    if given is not None:
        chosen: FloatArray = given[tuple(np.array(held).T)]
        return chosen
    is_softmax = isinstance(result, MappedResult)
    least = 0.0 if is_softmax else float(result.weights.min(initial=0))
    if least < -_SUM_TOLERANCE:
        raise DataError(
            f"found the number {least:.4g}, expected weights: a page computes them from scores",
            hints=(
                f"a picture shows the numbers as they are: {setting(output=Blank('FILE.svg'))}",
            ),
        )
    with np.errstate(divide="ignore"):
        return np.log(np.maximum(matrices_at(result, held).astype(np.float64), 0))


def _given(result: AttentionResult) -> FloatArray | None:
    """The scores that the result holds, where they give its weights."""
    if result.scores is None:
        return None
    for factor in (1.0, 1.0 / result.attention.temperature):
        scores = _masked(result, result.scores.astype(np.float64) * factor)
        if np.abs(softmax(scores.copy()) - result.weights).max(initial=0) <= _TOLERANCE:
            return scores
    return None


def _masked(result: AttentionResult, scores: FloatArray) -> FloatArray:
    mask = mask_of(result)
    return scores if mask is None else np.where(mask, scores, -np.inf)
