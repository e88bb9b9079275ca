"""Part of a result: some layers, some heads, or their mean.

Pure functions, result → result, for every mechanism and for matrices of other tools. What was done
is kept in `result.selection`, so that a view can say "layer 5, mean of 12 heads" and nothing is
left out in silence. Layers and heads are chosen by their numbers in the model, counted from 0 as in
the tensors of Hugging Face and BertViz; −1 is the last. What they are called:
`attncli.insight.names`. Words instead of pieces, and fewer tokens: `attncli.insight.tokens`.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias

import numpy as np

from attncli.insight.names import Axis, axis_numbers, pooling, positions
from attncli.result import AttentionResult, ResultWarning

Pooling: TypeAlias = Literal["mean", "max"]

_AXIS: dict[Axis, int] = {"layers": 0, "heads": 1}
_BY_HEAD = ("query", "key", "value", "scores")
_MAXIMUM = "a maximum of several matrices: rows sum to 1 or more, they are no shares"


def select_layers(result: AttentionResult, layers: Sequence[int]) -> AttentionResult:
    """The result with these layers only, in the order given; −1 is the last layer.

    A layer has the number that it has in the model, also where the result holds only some.
    The contextual vectors stay those of the result.
    Raises: UsageError when a layer does not exist.
    """
    return _taken(result, "layers", layers)


def select_heads(result: AttentionResult, heads: Sequence[int]) -> AttentionResult:
    """The result with these heads of every layer only, in the order given; −1 is the last head.

    Raises: UsageError when a head does not exist.
    """
    return _taken(result, "heads", heads)


def aggregate(
    result: AttentionResult, over: Sequence[Axis] = ("heads",), how: Pooling = "mean"
) -> AttentionResult:
    """The result with its heads, its layers or both drawn together into one.

    A mean keeps rows that sum to 1; a maximum shows the strongest link that any head or layer has,
    and its rows sum to more than 1, which a warning says. Query, key, value and scores belong to
    one head: they are left out of a mean.
    """
    weights = result.weights
    selection = dict(result.selection or {})
    for axis in over:
        size = weights.shape[_AXIS[axis]]
        if size == 1:
            continue
        weights = getattr(weights, how)(axis=_AXIS[axis], keepdims=True)
        selection.setdefault(axis, axis_numbers(result, axis))
        selection[f"{axis}_pooled"] = how
    if weights is result.weights:
        return result
    n_layers, n_heads = weights.shape[:2]
    said = () if how == "mean" else (ResultWarning("row-sums", _MAXIMUM),)
    dropped: dict[str, Any] = dict.fromkeys(_BY_HEAD)
    return replace(
        result,
        weights=weights,  # (1 or n_layers, 1 or n_heads, n_tokens, n_tokens)
        attention=result.attention._replace(n_layers=n_layers, n_heads=n_heads),
        selection=selection,
        warnings=(*result.warnings, *said),
        **dropped,
    )


def _taken(result: AttentionResult, axis: Axis, chosen: Sequence[int]) -> AttentionResult:
    at = _AXIS[axis]
    indices = positions(result, axis, chosen)
    selection = dict(result.selection or {})
    if not pooling(result, axis):  # else it says what they were drawn together from
        numbers = axis_numbers(result, axis)
        selection[axis] = [numbers[index] for index in indices]
    arrays: dict[str, Any] = {
        name: np.take(array, indices, axis=at)
        for name in ("weights", *_BY_HEAD)
        if (array := getattr(result, name)) is not None
    }
    n_layers, n_heads = arrays["weights"].shape[:2]
    return replace(
        result,
        attention=result.attention._replace(n_layers=n_layers, n_heads=n_heads),
        selection=selection,
        **arrays,
    )
