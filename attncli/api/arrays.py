"""Attention of arrays that a caller gives, of whatever library."""

from typing import Any

from attncli.arrays import FloatArray
from attncli.attention import core
from attncli.checks.arguments import array_of, flag_of, number_of, unexpected

_MASKS = "an array of True and False, or of floats to be added"


def attend(
    query: Any,
    key: Any,
    value: Any,
    *,
    mask: Any = None,
    causal: bool = False,
    scale: float | None = None,
    softcap: float | None = None,
) -> tuple[FloatArray, FloatArray]:
    """The contextual vectors and the weights: weights = softmax(scores), contextual = weights·value.

    Shapes:
        query (…, n_q, d_k), key (…, n_k, d_k), value (…, n_k, d_v)
        → contextual (…, n_q, d_v), weights (…, n_q, n_k). Leading axes broadcast. With a heads
        axis (third from the end), fewer key/value heads are shared in groups: key head h serves
        query heads h·g … h·g+g−1.
    Options:
        mask: boolean (True: may attend) or additive (−inf: may not), broadcasting to the scores.
        causal: query i sees keys 0…i, aligned top-left when there are fewer queries than keys.
        scale: factor on the scores, 1/√d_k when None. softcap: applied before the mask.
    Rows of weights sum to 1; a row with every key masked is zeros, and so is its contextual
    vector. What a masked position holds, NaN included, never reaches the result.
    Lists, PyTorch tensors and whatever has `__array__` or `__dlpack__` are taken as arrays.
    Raises: ShapeError when the shapes do not fit together, ArgumentError for what holds no numbers.
    Source: arXiv:1706.03762, equation 1.

    >>> contextual, weights = attend([[1, 0], [0, 1]], [[1, 0], [0, 1]], [[1], [0]], causal=True)
    >>> weights[0]
    array([1., 0.])
    """
    arrays = [array_of(query, "query"), array_of(key, "key"), array_of(value, "value")]
    mask = None if mask is None else array_of(mask, "mask", _MASKS)
    scale = None if scale is None else number_of(scale, "scale", finite=False)
    softcap = None if softcap is None else number_of(softcap, "softcap")
    if softcap is not None and softcap <= 0:
        raise unexpected(softcap, "softcap", "a number above 0")
    return core.attend(
        *arrays, mask=mask, causal=flag_of(causal, "causal"), scale=scale, softcap=softcap
    )
