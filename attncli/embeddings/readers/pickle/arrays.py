"""numpy arrays out of an inert pickle: the raw bytes are checked against the shape they claim."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from attncli.embeddings.readers.pickle.values import Name, Thing, shown_type
from attncli.errors import DataError, RefusedError

_KINDS = {"f2": np.float16, "f4": np.float32, "f8": np.float64}
_RECONSTRUCT = frozenset(
    {"numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct"}
)
_FROM_BUFFER = frozenset({"numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer"})


def is_array(value: object) -> bool:
    """Whether this stands for a numpy array."""
    return isinstance(value, Thing) and value.made_by in _RECONSTRUCT | _FROM_BUFFER


def float_matrix(value: object, place: str) -> npt.NDArray[np.floating[Any]]:
    """The matrix that `value` stands for, in the byte order of this machine. Shape (rows, columns).

    Raises: DataError, or RefusedError for an array of Python objects.
    """
    if not isinstance(value, Thing) or not is_array(value):
        raise DataError(f"expected a matrix, found {shown_type(value)}", place=place)
    try:
        if value.made_by in _FROM_BUFFER:
            raw, dtype, shape, order = value.args
            fortran = order == "F"
        else:
            _, shape, dtype, fortran, raw = value.state[-1]
    except (ValueError, TypeError, IndexError):
        raise DataError("this array is damaged: it has no shape and data", place=place) from None
    kind = _dtype(dtype, place)
    if type(raw) is list:
        raise RefusedError("refused: arrays of Python objects can run code", place=place)
    data = _raw_bytes(raw, place)
    sizes = _shape(shape, place)
    if math.prod(sizes) * kind.itemsize != len(data):
        claimed = " × ".join(map(str, sizes))
        raise DataError(
            f"the array claims {claimed} values of {kind.itemsize} bytes, {len(data)} bytes are stored",
            place=place,
        )
    array = np.frombuffer(data, dtype=kind).reshape(sizes, order="F" if fortran else "C")
    return array.astype(kind.newbyteorder("="), copy=False)


def _shape(shape: object, place: str) -> tuple[int, int]:
    if (
        type(shape) is not tuple
        or len(shape) != 2
        or not all(type(size) is int and 0 <= size < 1 << 40 for size in shape)
    ):
        rank = len(shape) if type(shape) is tuple else "no"
        raise DataError(f"expected a matrix of rank 2, found rank {rank}", place=place)
    return shape


def _dtype(value: object, place: str) -> np.dtype[Any]:
    """The float type a pickled dtype stands for."""
    if isinstance(value, Thing) and value.made_by == "numpy.dtype" and value.args:
        code = value.args[0]
        order = "<"
        if value.state and type(value.state[-1]) is tuple and len(value.state[-1]) > 1:
            order = value.state[-1][1]
        if (
            isinstance(code, str)
            and code.lstrip("|<>=") in _KINDS
            and order in ("<", ">", "=", "|")
        ):
            return np.dtype(("<" if order in "|=" else order) + code.lstrip("|<>="))
        if isinstance(code, str) and code.lstrip("|<>=").startswith("O"):
            raise RefusedError("refused: arrays of Python objects can run code", place=place)
    if isinstance(value, Name) and value.path in (
        "numpy.float16",
        "numpy.float32",
        "numpy.float64",
    ):
        return np.dtype(value.path.removeprefix("numpy."))
    raise DataError("expected an array of float16, float32 or float64", place=place)


def _raw_bytes(raw: object, place: str) -> bytes:
    """The bytes of an array: as they are, or as the latin-1 text of protocol 2."""
    if isinstance(raw, Thing) and raw.made_by == "_codecs.encode" and len(raw.args) == 2:
        text, encoding = raw.args
        if encoding not in ("latin1", "latin-1"):
            raise DataError("expected the bytes of an array", place=place)
        raw = text
    if isinstance(raw, bytes):
        return raw
    if isinstance(raw, str):
        try:
            return raw.encode("latin-1")
        except UnicodeEncodeError:
            pass
    raise DataError(f"expected the bytes of an array, found {shown_type(raw)}", place=place)


def integer(value: object, place: str, what: str) -> int:
    """A whole number, also one that numpy pickled as a scalar."""
    if (
        isinstance(value, Thing)
        and value.made_by.endswith("multiarray.scalar")
        and len(value.args) == 2
    ):
        raw = _raw_bytes(value.args[1], place)
        if len(raw) <= 8:
            return int.from_bytes(raw, "little", signed=True)
    if type(value) is not int:
        raise DataError(f"{what} is {shown_type(value)}, expected a whole number", place=place)
    return value
