"""Names for array types, and the axis names used in every shape comment.

Axes: `n_layers`, `n_heads`, `n_tokens` (also `n_q` queries and `n_k` keys), `d_model` (width of an
embedding), `d_k` (of a query or key), `d_v` (of a value), `n_words` (of a vocabulary).
"""

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:  # numpy.typing costs a tenth of numpy itself, and only readers of types need it
    import numpy.typing as npt

    AnyArray: TypeAlias = npt.NDArray[Any]
    FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
    Float32Array: TypeAlias = npt.NDArray[np.float32]
    BoolArray: TypeAlias = npt.NDArray[np.bool_]
    IntArray: TypeAlias = npt.NDArray[np.integer[Any]]
else:
    AnyArray = FloatArray = Float32Array = BoolArray = IntArray = np.ndarray


def nearest_whole(values: FloatArray, low: int, high: int) -> IntArray:
    """The nearest whole number to each value, none outside [low, high]; `low` for NaN.

    A float outside the range of an integer becomes another number on every processor, so that no
    value may be converted whose range was not looked at: every conversion goes through here, or is
    of numbers that are whole already.

    >>> nearest_whole(np.array([-5.0, 1.6, np.inf, np.nan]), 0, 9).tolist()
    [0, 2, 9, 0]
    """
    within = np.clip(np.where(np.isnan(values), low, values), low, high)
    whole: IntArray = np.rint(within).astype(np.intp)
    return whole


def read_only(array: AnyArray) -> AnyArray:
    """The same array as a view that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view
