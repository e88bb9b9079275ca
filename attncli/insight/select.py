"""Part of a result: some layers, some heads, or their mean.

Pure functions, result → result, for every mechanism and for matrices of other tools. What was done
is kept in `result.selection`, so that a view can say "layer 5, mean of 12 heads" and nothing is
left out in silence. Layers and heads are chosen by their numbers in the model, counted from 0 as in
the tensors of Hugging Face and BertViz; −1 is the last. What they are called:
`attncli.results.names`. Words instead of pieces, and fewer tokens: `attncli.insight.tokens`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from attncli.arrays import Float32Array
from attncli.insight.measures import measures_of_tokens
from attncli.results.decoded import on_each_part
from attncli.results.facts import AttentionSettings, ResultWarning
from attncli.results.names import (
    VECTORS_AFTER,
    Axis,
    axis_numbers,
    layer_of_vectors,
    pooling,
    positions,
)
from attncli.results.result import AttentionResult

Pooling: TypeAlias = Literal["mean", "max"]

BY_HEAD = ("query", "key", "value", "scores")
_AXIS: dict[Axis, int] = {"layers": -4, "heads": -3}
_MAXIMUM = "a maximum of several matrices: rows sum to 1 or more, they are no shares"


class Matrices(NamedTuple):
    """What belongs to layers and heads, of one result or of many alike.

    Shapes: weights (…, n_layers, n_heads, n_tokens, n_tokens); each of `by_head`, which are those
    of query, key, value and scores that there are, (…, n_layers, n_heads, n_tokens, d).
    """

    attention: AttentionSettings
    selection: Mapping[str, Any] | None
    weights: Float32Array
    by_head: Mapping[str, Float32Array] = {}
    warnings: tuple[ResultWarning, ...] = ()


def chosen(matrices: Matrices, axis: Axis, numbers: Sequence[int]) -> Matrices:
    """These layers or heads only, in the order given; −1 is the last.

    Raises: UsageError when one does not exist.
    """
    places = positions(matrices, axis, numbers)
    selection = dict(matrices.selection or {})
    if not pooling(matrices, axis):  # else it says what they were drawn together from
        names = axis_numbers(matrices, axis)
        selection[axis] = [names[place] for place in places]
        if axis == "layers" and matrices.attention.has_layers:
            after = layer_of_vectors(matrices)
            if after not in selection[axis]:  # else the highest of the layers says it
                selection[VECTORS_AFTER] = after
    return _with_weights(
        matrices._replace(
            selection=selection,
            by_head={
                name: np.take(array, places, axis=_AXIS[axis])
                for name, array in matrices.by_head.items()
            },
        ),
        np.take(matrices.weights, places, axis=_AXIS[axis]),
    )


def pooled(matrices: Matrices, over: Sequence[Axis], how: Pooling) -> Matrices:
    """The layers, the heads or both drawn together into one; what belongs to one head is left out."""
    weights = matrices.weights
    selection = dict(matrices.selection or {})
    for axis in over:
        if weights.shape[_AXIS[axis]] == 1:
            continue
        weights = getattr(weights, how)(axis=_AXIS[axis], keepdims=True)
        selection.setdefault(axis, axis_numbers(matrices, axis))
        selection[f"{axis}_pooled"] = how
    if weights is matrices.weights:
        return matrices
    said = () if how == "mean" else (ResultWarning("row-sums", _MAXIMUM),)
    warnings = (*matrices.warnings, *said)
    return _with_weights(
        matrices._replace(selection=selection, by_head={}, warnings=warnings), weights
    )


def select_layers(result: AttentionResult, layers: Sequence[int]) -> AttentionResult:
    """The result with these layers only, in the order given; −1 is the last layer.

    A layer has the number that it has in the model, also where the result holds only some.
    The parts of the result are cut likewise. The contextual vectors stay: where the last layer is
    left out, the selection says after which layer they are.
    Raises: UsageError when a layer does not exist.
    """
    return _of_numbers(result, "layers", layers)


def select_heads(result: AttentionResult, heads: Sequence[int]) -> AttentionResult:
    """The result with these heads of every layer only, in the order given; −1 is the last head.

    Raises: UsageError when a head does not exist.
    """
    return _of_numbers(result, "heads", heads)


def _of_numbers(result: AttentionResult, axis: Axis, numbers: Sequence[int]) -> AttentionResult:
    """The layers or heads with these numbers, of each part of the result. Raises: UsageError."""
    return on_each_part(result, lambda part: _cut(part, chosen(_matrices(part), axis, numbers)))


def aggregate(
    result: AttentionResult, over: Sequence[Axis] = ("heads",), how: Pooling = "mean"
) -> AttentionResult:
    """The result with its heads, its layers or both drawn together into one.

    A mean keeps rows that sum to 1; a maximum shows the strongest link that any head or layer has,
    and its rows sum to more than 1, which a warning says. Query, key, value and scores belong to
    one head: they are left out of a mean.
    """

    def drawn(part: AttentionResult) -> AttentionResult:
        whole = _matrices(part)
        together = pooled(whole, over, how)
        return part if together is whole else _cut(part, together)

    return on_each_part(result, drawn)


def _matrices(result: AttentionResult) -> Matrices:
    held = held_by_head(result)
    return Matrices(result.attention, result.selection, result.weights, held)


def held_by_head(result: AttentionResult) -> dict[str, Float32Array]:
    """What the result holds of single heads: query, key, value, scores."""
    return {name: array for name in BY_HEAD if (array := getattr(result, name)) is not None}


def _cut(result: AttentionResult, matrices: Matrices) -> AttentionResult:
    """The result with these matrices; of its measures those stay that tokens have."""
    by_head: dict[str, Any] = {name: matrices.by_head.get(name) for name in BY_HEAD}
    return replace(
        result,
        attention=matrices.attention,
        selection=matrices.selection,
        weights=matrices.weights,
        warnings=(*result.warnings, *matrices.warnings),
        measures=measures_of_tokens(result),
        **by_head,
    )


def _with_weights(matrices: Matrices, weights: Float32Array) -> Matrices:
    n_layers, n_heads = weights.shape[_AXIS["layers"]], weights.shape[_AXIS["heads"]]
    attention = matrices.attention._replace(n_layers=n_layers, n_heads=n_heads)
    return matrices._replace(weights=weights, attention=attention)
