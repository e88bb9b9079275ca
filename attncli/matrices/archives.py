"""Files of arrays, npy, npz and safetensors → arrays by name; nothing is unpickled."""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from attncli.arrays import FloatArray
from attncli.errors import DataError, LimitError, RefusedError
from attncli.escape import quoted, visible
from attncli.matrices.build import result_from_record
from attncli.matrices.shapes import MAX_WEIGHTS, joined_layers
from attncli.matrices.texts import Given
from attncli.result import AttentionResult


def _refuse_objects(fault: Exception) -> None:
    """Raises: RefusedError when numpy found Python objects, which are a pickle."""
    if "allow_pickle" in str(fault):
        raise RefusedError(
            "this holds Python objects, a pickle: reading it could run code; expected numbers",
            hints=("numpy.save(FILE, numpy.array(weights, dtype='float32')) saves numbers",),
        ) from None


def npy_array(data: bytes) -> FloatArray:
    """The array of a .npy file. Raises: DataError, RefusedError."""
    try:
        array: FloatArray = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError, MemoryError) as fault:
        _refuse_objects(fault)
        raise DataError(f"the .npy array cannot be read: {fault}") from None
    return array


def npz_givens(data: bytes, member: str | None) -> "list[Given | AttentionResult]":
    """Our own results of an archive, or the weights of someone else.

    Raises: DataError, LimitError, RefusedError.
    """
    held = arrays_of(data)
    if any(key.partition("_")[0] == "record" for key in held):
        return list(_own_arrays(held))
    named = held.pop("tokens", held.pop("words", None)) if member is None else held.get("tokens")
    tokens = None if named is None else tuple(str(token) for token in named.ravel())
    return [Given(chosen_array(held, member), tokens)]


def arrays_of(data: bytes) -> dict[str, Any]:
    """The arrays of an archive. Raises: DataError, LimitError, RefusedError."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        infos = archive.infolist()
    except (zipfile.BadZipFile, ValueError) as fault:
        raise DataError(f"the archive is damaged: {fault}") from None
    if any(info.filename.endswith("data.pkl") for info in infos):
        raise RefusedError(
            "this is a PyTorch file, a pickle: reading it could run code",
            hints=(
                "numpy.savez('attention.npz', *[layer.numpy() for layer in attentions])",
                "attn view attention.npz --tokens 'a b c'",
            ),
        )
    if sum(info.file_size for info in infos) > 4 * MAX_WEIGHTS + 2**20:
        raise LimitError(f"the arrays unpack to more than {4 * MAX_WEIGHTS} bytes")
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return {key: arrays[key] for key in arrays.files}
    except (ValueError, OSError, EOFError, KeyError, MemoryError, zipfile.BadZipFile) as fault:
        _refuse_objects(fault)
        raise DataError(f"the arrays cannot be read: {fault}") from None


def _own_arrays(held: dict[str, Any]) -> Iterator[AttentionResult]:
    """The results that attncli.views.npz wrote."""
    for key in [key for key in held if key.startswith("record")]:
        end = key.removeprefix("record")
        record = json.loads(str(held[key]))
        arrays = {
            name.removesuffix(end): array
            for name, array in held.items()
            if name.endswith(end) and array.dtype.kind == "f"
        }
        yield result_from_record({**record, **arrays})


def safetensors_arrays(data: bytes) -> dict[str, FloatArray]:
    """The arrays of a safetensors file. Raises: DataError."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return dict(load(data))
    except (SafetensorError, ValueError, TypeError, KeyError) as fault:
        raise DataError(f"the safetensors file cannot be read: {visible(str(fault))}") from None


def chosen_array(arrays: dict[str, FloatArray], member: str | None) -> FloatArray:
    """The array called `member`, or all arrays of two axes and more, as layers."""
    if member is not None:
        if member not in arrays:
            names = ", ".join(quoted(name) for name in list(arrays)[:8])
            raise DataError(f"no array is called {quoted(member)}; there are {names}")
        return arrays[member]
    matrices = {name: array for name, array in arrays.items() if array.ndim >= 2}
    for name in ("attention", "attentions", "weights"):
        if name in matrices:
            return matrices[name]
    if not matrices:
        raise DataError("found no array of two axes or more")
    if len({array.shape for array in matrices.values()}) > 1:
        names = ", ".join(f"{quoted(name)} {array.shape}" for name, array in matrices.items())
        raise DataError(
            f"found several arrays: {names[:300]}",
            hints=("attn view FILE --array NAME chooses one of them",),
        )
    return joined_layers(matrices)
