"""Part of a result: some layers, some heads, or their mean.

Pure functions, result → result, for every mechanism and for matrices of other tools. What was done
is kept in `result.selection`, so that a view can say "layer 5, mean of 12 heads" and nothing is
left out in silence. Layers and heads are counted from 0, as in the tensors of Hugging Face and
BertViz; −1 is the last. Words instead of pieces, and fewer tokens: `attncli.insight.tokens`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias

import numpy as np

from attncli.errors import UsageError
from attncli.result import AttentionResult, ResultWarning

Pooling: TypeAlias = Literal["mean", "max"]
Axis: TypeAlias = Literal["layers", "heads"]

_AXIS: dict[Axis, int] = {"layers": 0, "heads": 1}
_BY_HEAD = ("query", "key", "value", "scores")
_MAXIMUM = "a maximum of several matrices: rows sum to 1 or more, they are no shares"


def select_layers(result: AttentionResult, layers: Sequence[int]) -> AttentionResult:
    """The result with these layers only, in the order given; −1 is the last layer.

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
        selection.setdefault(axis, list(range(size)))
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


def describe(selection: Mapping[str, Any] | None) -> str:
    """What a selection shows, for a caption: "layer 5 · mean of heads 0–11 · pieces merged".

    >>> describe({"layers": [5], "heads": [0, 1, 2], "heads_pooled": "mean"})
    'layer 5 · mean of heads 0–2'
    """
    if not selection:
        return ""
    parts = []
    for axis in ("layers", "heads"):
        if axis in selection:
            named = _ranges(axis, selection[axis])
            pooled = selection.get(f"{axis}_pooled")
            parts.append(f"{pooled} of {named}" if pooled else named)
    if selection.get("merged"):
        parts.append("pieces merged")
    if selection.get("hidden"):
        parts.append("hidden: " + " ".join(selection["hidden"]))
    return " · ".join(parts)


def checked_indices(chosen: Sequence[int], size: int, axis: Axis) -> list[int]:
    """The indices counted from 0, negative ones from the end.

    Raises: UsageError when one does not exist.
    """
    if not chosen:
        raise UsageError(f"no {axis} chosen, expected some of 0…{size - 1}", place=f"--{axis[:-1]}")
    for index in chosen:
        if not -size <= index < size:
            raise UsageError(
                f"found {index}, expected 0…{size - 1} (or −{size}…−1 from the end)",
                place=f"--{axis[:-1]}",
            )
    return [index % size for index in chosen]


def _taken(result: AttentionResult, axis: Axis, chosen: Sequence[int]) -> AttentionResult:
    at = _AXIS[axis]
    indices = checked_indices(chosen, result.weights.shape[at], axis)
    selection = dict(result.selection or {})
    before = selection.get(axis, list(range(result.weights.shape[at])))
    if len(before) == result.weights.shape[at]:  # else these were pooled: keep what they came from
        selection[axis] = [before[index] for index in indices]
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


def _ranges(axis: str, indices: Sequence[int]) -> str:
    name = axis if len(indices) != 1 else axis[:-1]
    whole = list(range(indices[0], indices[0] + len(indices))) if indices else []
    if len(indices) > 2 and list(indices) == whole:
        return f"{name} {indices[0]}–{indices[-1]}"
    return f"{name} " + ", ".join(str(index) for index in indices)
