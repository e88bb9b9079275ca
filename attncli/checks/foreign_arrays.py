"""Arrays of other libraries as those of numpy, without importing any of these libraries.

Taken are PyTorch tensors (on any device, with gradients, sparse, of 16 bits), whatever exports its
numbers by `__array__` or `__dlpack__` (JAX, TensorFlow, CuPy, polars, pandas), and lists of them.
"""

from typing import Any

import numpy as np

from attncli.arrays import AnyArray

_PLAIN = (float, int, bool, str, bytes, type(None))


def as_numpy(value: Any) -> AnyArray:
    """An array, or lists of arrays, as one array of numpy; 16 bits that numpy lacks become 32.

    Raises: whatever the array's own library raises, ValueError for lists of unequal lengths.
    """
    array = np.asarray(_converted(value))
    dtype = array.dtype
    if dtype.kind == "V" and dtype.names is None and dtype.type is not np.void:
        return array.astype(np.float32)  # bfloat16 and its like, of the package ml_dtypes
    return array


def _converted(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_converted(item) for item in value] if _holds_arrays(value) else value
    return _of_library(value) if _is_array(value) else value


def _holds_arrays(items: list[Any] | tuple[Any, ...]) -> bool:
    """Whether one of the items is an array of another library, at any depth."""
    for item in items:
        if isinstance(item, _PLAIN):
            continue
        if isinstance(item, list | tuple):
            if _holds_arrays(item):
                return True
        elif _is_array(item):
            return True
    return False


def _is_array(value: Any) -> bool:
    if isinstance(value, np.ndarray | np.generic):
        return False
    return any(_has(value, name) for name in ("__array__", "__dlpack__"))


def _of_library(value: Any) -> AnyArray:
    if _has(value, "detach") and _has(value, "is_floating_point"):
        return _of_tensor(value)
    ways = [way for name, way in _WAYS if _has(value, name)]
    for way in ways[:-1]:
        try:
            return way(value)
        except Exception:  # noqa: S112 - whatever its library raises; there is another way
            continue
    return ways[-1](value)


def _of_tensor(tensor: Any) -> AnyArray:
    """A PyTorch tensor; numpy knows no bfloat16 and no gradients."""
    tensor = tensor.detach().cpu()
    if getattr(tensor, "is_sparse", False):
        tensor = tensor.to_dense()
    if tensor.is_floating_point() and "float64" not in str(tensor.dtype):
        tensor = tensor.float()
    array: AnyArray = tensor.numpy()
    return array


def _has(value: Any, name: str) -> bool:
    """Whether a value has an attribute and gives it."""
    try:
        return getattr(value, name) is not None
    except Exception:  # a value of somebody else's making
        return False


_WAYS = (("__array__", np.asarray), ("__dlpack__", np.from_dlpack))
