"""Names for array types, and the axis names used in every shape comment.

Axes: `n_layers`, `n_heads`, `n_tokens` (also `n_q` queries and `n_k` keys), `d_model` (width of an
embedding), `d_k` (of a query or key), `d_v` (of a value), `n_words` (of a vocabulary).
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

FloatArray: TypeAlias = npt.NDArray[np.floating[Any]]
Float32Array: TypeAlias = npt.NDArray[np.float32]
BoolArray: TypeAlias = npt.NDArray[np.bool_]
IntArray: TypeAlias = npt.NDArray[np.integer[Any]]


def read_only(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The same array as a view that cannot be written to."""
    view = array.view()
    view.flags.writeable = False
    return view
