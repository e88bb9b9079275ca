"""Any usual layout of attention weights → (n_layers, n_heads, n_tokens, n_tokens).

Read are: one matrix (n, n); heads of one layer (n_heads, n, n); layers and heads (n_layers, n_heads,
n, n); and what `output_attentions=True` of Hugging Face gives and BertViz takes: one array
(1, n_heads, n, n) for each layer, also stacked into five axes.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from attncli.arrays import Float32Array, FloatArray
from attncli.attention.core import softmax
from attncli.errors import DataError, LimitError, setting

MAX_WEIGHTS = 2**28  # 1 GiB of float32
_SUM_TOLERANCE = 1e-3
_SIGN_TOLERANCE = 1e-4


def four_axes(array: FloatArray, *, masked: bool = False, square: bool = True) -> Float32Array:
    """The array as (n_layers, n_heads, n_tokens, n_tokens), float32.

    With `masked`, a cell may be −∞: its key is not seen. Without `square`, the number of keys may
    differ from the number of queries.
    Raises: DataError for any other layout, or numbers that are not finite.
    """
    if array.dtype.kind not in "fiub":
        raise DataError(f"found values of the type {array.dtype}, expected numbers")
    if array.ndim == 5:
        array = _without_batch(array)
    if not 2 <= array.ndim <= 4:
        raise DataError(
            f"found the shape {array.shape}, expected 2 axes (n, n) to 4 (layers, heads, n, n)"
        )
    if square and array.shape[-1] != array.shape[-2]:
        raise DataError(
            f"found {array.shape[-2]} queries and {array.shape[-1]} keys in the shape "
            f"{array.shape}, expected as many keys as queries (self-attention)"
        )
    check_size(array.shape)
    if 0 in array.shape:
        raise DataError(f"found the shape {array.shape}, expected at least one token")
    with np.errstate(over="ignore"):
        values = np.asarray(array, dtype=np.float32)
    known = np.isfinite(values)
    if masked:
        known |= np.isneginf(array).reshape(values.shape)  # not what is too small for float32
    if not known.all():
        hints = () if masked or not np.isneginf(values).any() else (_scores_hint(),)
        raise DataError("found a number that is not finite, expected weights", hints=hints)
    return values.reshape((1,) * (4 - values.ndim) + values.shape)


def _scores_hint() -> str:
    return f"{setting(scores=True)} takes the softmax of each row first"


def check_size(shape: Sequence[int]) -> None:
    """Raises: LimitError when that many weights are more than can be drawn."""
    if (count := int(np.prod([float(size) for size in shape]))) > MAX_WEIGHTS:
        raise LimitError(f"found {count} weights, the limit is {MAX_WEIGHTS}")


def joined_layers(arrays: Mapping[str, FloatArray]) -> FloatArray:
    """Arrays named by layer, in the order of the numbers in their names, as one array.

    Raises: DataError when their shapes differ.
    """
    names = sorted(arrays, key=by_number)
    if len(names) == 1:
        return arrays[names[0]]
    shapes = {name: arrays[name].shape for name in names}
    first = names[0]
    for name, shape in shapes.items():
        if shape != shapes[first]:
            raise DataError(
                f"layer {first} has the shape {shapes[first]}, but layer {name} has {shape}"
            )
    check_size((len(names), *shapes[first]))
    parts = [arrays[name] for name in names]
    if parts[0].ndim == 4:
        return np.stack([_without_batch(part[None])[0] for part in parts])
    if parts[0].ndim == 2:  # one head a layer
        return np.stack([part[None] for part in parts])
    return np.stack(parts)  # (n_layers, n_heads, n_tokens, n_tokens)


def checked_weights(values: Float32Array, *, scores: bool = False) -> tuple[Float32Array, str]:
    """The weights, and a remark where rows do not sum to 1. With `scores`, their softmax:
    a row of −∞ alone, in which nothing may be seen, becomes zeros.

    Shapes: (…, n_tokens, n_tokens) → the same.
    Raises: DataError when numbers are not weights, saying how scores are read.
    """
    if scores:
        return softmax(values.astype(np.float64)).astype(np.float32), ""
    low, high = float(values.min()), float(values.max())
    if low < -_SIGN_TOLERANCE or high > 1 + _SUM_TOLERANCE:
        worst = low if low < -_SIGN_TOLERANCE else high
        raise DataError(
            f"found {worst:.4g}, expected weights between 0 and 1",
            hints=(_scores_hint(),),
        )
    values = np.clip(values, 0, 1)
    return values, row_remark(values)


def row_remark(values: Float32Array) -> str:
    """What is odd about weights: their range, or rows that sum neither to 1 nor to 0; or nothing."""
    if values.size == 0:
        return ""
    low, high = float(values.min()), float(values.max())
    sums = values.sum(axis=-1, dtype=np.float64)
    off = sums[(sums != 0) & (np.abs(sums - 1) > _SUM_TOLERANCE)]
    if low < -_SIGN_TOLERANCE or (off.size and high > 1 + _SUM_TOLERANCE):
        return f"numbers from {low:.4g} to {high:.4g} are no weights; shown as they are"
    if off.size == 0:
        return ""
    return f"rows sum to {off.min():.4g} … {off.max():.4g}, not to 1; shown as they are"


def _without_batch(array: FloatArray) -> FloatArray:
    """Five axes (n_layers, 1, n_heads, n, n) without the second."""
    if array.shape[1] != 1:
        raise DataError(
            f"found {array.shape[1]} sentences in a batch, the shape {array.shape}; "
            "expected one: save attentions[:, i:i+1]"
        )
    return array[:, 0]


def by_number(name: str) -> list[tuple[int, int, str]]:
    """A name as a key to sort by: layer_10 comes after layer_9."""
    parts = re.split(r"(\d+)", name)
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]
