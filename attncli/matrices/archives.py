"""Files of arrays, npy, npz and safetensors → arrays by name; nothing is unpickled.

The bytes are read by the readers of vectors, which check each claim before they believe it.
"""

import io
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from attncli.arrays import AnyArray, FloatArray
from attncli.checks.records import json_of
from attncli.errors import AttnError, Blank, DataError, LimitError, RefusedError, command_line
from attncli.errors.wording import quoted
from attncli.files.archive import checked_archive, member_stream
from attncli.files.limits import Limits
from attncli.files.npy import NpyHeader, read_header
from attncli.files.stream import ByteStream, bytes_stream
from attncli.files.tensors import FLOAT_DTYPES, read_tensor_header, tensor_array
from attncli.matrices.build import result_from_record
from attncli.matrices.shapes import MAX_WEIGHTS, by_number, joined_layers
from attncli.matrices.texts import KEY_NAMES, GivenNumbers
from attncli.results.fields import PARTS
from attncli.results.names import selection_of
from attncli.results.result import AttentionResult

_LAYER = re.compile(r"(?:^|[^a-z])layers?[^a-z0-9]?([0-9]{1,5})(?![0-9])", re.IGNORECASE)
_NUMBERS = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1"}
_MOST_NUMBERS = 1 << 40  # along an axis: no array of ours, whatever its other axes are
_TENSORS = {
    *(*FLOAT_DTYPES, "BOOL"),
    *(f"{sign}{8 * size}" for sign in "IU" for size in (1, 2, 4, 8)),
}
TORCH_FILE = "weights.pt"  # in the hints: the file that was refused
# A list of layers or one tensor, on any device, with gradients or without, becomes one array.
_AS_NPY = (
    "python -c \"import numpy, torch; numpy.save('attention.npy', torch.stack([*torch.load("
    f"'{TORCH_FILE}', map_location='cpu', weights_only=True)]).detach().float().numpy())\""
)


def torch_hints() -> tuple[str, str]:
    """How weights that PyTorch saved are shown."""
    return _AS_NPY, command_line("view attention.npy", tokens="a b c")


def npy_array(data: bytes) -> AnyArray:
    """The array of a .npy file. Raises: DataError, RefusedError."""
    try:
        return _array(bytes_stream(data, ""))
    except DataError as fault:
        raise DataError(f"the .npy array cannot be read: {fault.message}") from None
    except RefusedError as fault:
        raise RefusedError(fault.message, hints=_SAVE) from None


def npz_givens(data: bytes, member: str | None) -> "list[GivenNumbers | AttentionResult]":
    """Our own results of an archive, or the weights of someone else.

    Raises: DataError, LimitError, RefusedError.
    """
    held = arrays_of(data)
    if any(key.partition("_")[0] == "record" for key in held):
        return list(_own_arrays(held))
    named = held.pop("tokens", held.pop("words", None)) if member is None else held.get("tokens")
    columns = next((held[name] for name in KEY_NAMES if name in held), None)
    tokens, keys = (
        None if of is None or of.dtype.kind != "O" else tuple(str(token) for token in of.ravel())
        for of in (named, columns)
    )
    return [chosen_given(held, member, tokens)._replace(keys=keys)]


def arrays_of(data: bytes) -> dict[str, AnyArray]:
    """The arrays of an archive. Raises: DataError, LimitError, RefusedError."""
    archive = checked_archive(io.BytesIO(data), "the archive")
    infos = archive.infolist()
    if any(info.filename.endswith("data.pkl") for info in infos):
        raise RefusedError(
            "this is a PyTorch file, a pickle: reading it could run code",
            hints=torch_hints(),
        )
    if sum(info.file_size for info in infos) > 4 * MAX_WEIGHTS + 2**20:
        raise LimitError(f"the arrays unpack to more than {4 * MAX_WEIGHTS} bytes")
    held: dict[str, AnyArray] = {}
    for info in infos:
        name = info.filename.removesuffix(".npy")
        if not info.filename.endswith(".npy") or name in held:
            raise DataError(f"{quoted(info.filename)} is no array, or is there twice")
        try:
            held[name] = _array(member_stream(archive, info, Path(), Limits()))
        except AttnError as fault:
            hints = _SAVE if isinstance(fault, RefusedError) else fault.hints
            raise type(fault)(f"{quoted(name)}: {fault.message}", hints=hints) from None
    return held


_SAVE = ("numpy.save(FILE, numpy.array(weights, dtype='float32')) saves numbers",)


def _array(stream: ByteStream) -> AnyArray:
    """The array that a stream holds, and nothing behind it. Raises: DataError, RefusedError."""
    header = read_header(stream, stream.place)
    count = math.prod(header.shape)
    if max((*header.shape, count)) > _MOST_NUMBERS or (count > 1 and header.itemsize == 0):
        raise DataError(f"an array of the shape {header.shape}, more than is stored")
    raw = bytearray()
    while piece := stream.take():  # grows with what comes, whatever the header claims
        raw += piece
    if len(raw) != count * header.itemsize:
        raise DataError(
            f"the header claims {count * header.itemsize} bytes, {len(raw)} are stored",
            place=stream.place,
        )
    values = _values(raw, header)
    if header.fortran:
        return values.reshape(header.shape[::-1]).T
    return values.reshape(header.shape)


def _values(raw: bytearray, header: NpyHeader) -> AnyArray:
    if header.kind in _NUMBERS:
        return np.frombuffer(raw, dtype=header.order.replace("=", "<") + header.kind)
    if header.kind[0] not in "US":
        raise DataError(f"found values of the type {quoted(header.kind)}, expected numbers")
    size = header.itemsize or 1
    codec = (
        "utf-8" if header.kind[0] == "S" else "utf-32-be" if header.order == ">" else "utf-32-le"
    )
    try:
        texts = [
            raw[at : at + size].decode(codec, "surrogatepass").rstrip("\0")
            for at in range(0, max(len(raw), 1), size)
        ]
    except UnicodeError:
        raise DataError("found an item that is no text") from None
    return np.array(texts, dtype=np.object_)


def _own_arrays(held: dict[str, Any]) -> Iterator[AttentionResult]:
    """The results that attncli.views.npz wrote."""
    for key in [key for key in held if key.startswith("record")]:
        end = key.removeprefix("record")
        record = dict(_record(held[key]))
        for name, array in held.items():
            if name.endswith(end) and array.dtype.kind == "f":
                part, _, field = name.removesuffix(end).rpartition(".")
                within = record.get(part) if part in PARTS else record
                if isinstance(within, dict):
                    within[field] = array
        yield result_from_record(record)


def _record(held: AnyArray) -> Mapping[str, Any]:
    try:
        record = json_of(str(held.item()))
    except ValueError:
        raise DataError("the record in the archive is no JSON") from None
    if not isinstance(record, dict):
        raise DataError("the record in the archive is no object")
    return record


def safetensors_arrays(data: bytes) -> dict[str, FloatArray]:
    """The arrays of a safetensors file. Raises: DataError, LimitError."""
    try:
        tensors, _ = read_tensor_header(bytes_stream(data, ""))
    except (DataError, LimitError) as fault:
        raise type(fault)(f"the safetensors file cannot be read: {fault.message}") from None
    for name, tensor in tensors.items():
        if tensor.dtype not in _TENSORS:
            raise DataError(f"{quoted(name)}: type {tensor.dtype}, expected F32, F16, BF16 or F64")
    return {name: tensor_array(data, tensor) for name, tensor in tensors.items()}


def chosen_given(
    arrays: Mapping[str, FloatArray], member: str | None, tokens: tuple[str, ...] | None = None
) -> GivenNumbers:
    """The array called `member`, or all arrays of two axes and more, as layers.

    Arrays that are called "layer_3" and "layer_5" are the layers 3 and 5 of a model.
    """
    array, names = _chosen_array(arrays, member)
    numbers = [int(match[1]) for name in names if (match := _LAYER.search(name))]
    n_layers = array.shape[0] if array.ndim > 3 else 1
    if not len(names) == len(set(numbers)) == n_layers:
        return GivenNumbers(array, tokens)
    return GivenNumbers(array, tokens, selection_of([str(number) for number in numbers], ()))


def _chosen_array(
    arrays: Mapping[str, FloatArray], member: str | None
) -> tuple[FloatArray, list[str]]:
    """The array called `member`, or all of two axes and more as layers; with their names."""
    if member is not None:
        if member not in arrays:
            names = ", ".join(quoted(name) for name in list(arrays)[:8])
            raise DataError(f"no array is called {quoted(member)}; there are {names}")
        return arrays[member], [member]
    matrices = {name: array for name, array in arrays.items() if array.ndim >= 2}
    for name in ("attention", "attentions", "weights"):
        if name in matrices:
            return matrices[name], [name]
    if not matrices:
        raise DataError("found no array of two axes or more")
    if len({array.shape for array in matrices.values()}) > 1:
        names = ", ".join(f"{quoted(name)} {array.shape}" for name, array in matrices.items())
        raise DataError(
            f"found several arrays: {names[:300]}",
            hints=(command_line("view FILE", array=Blank("NAME")),),
        )
    return joined_layers(matrices), sorted(matrices, key=by_number)
