"""A GGUF file, mapped: its header checked, its tensors named and shaped as Hugging Face has them."""

import mmap
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import numpy as np

from attncli.arrays import AnyArray, Float32Array, IntArray
from attncli.errors import DataError, InputError
from attncli.errors.wording import quoted, visible
from attncli.files.gguf import GgufHeader, GgufTensor, read_gguf_header
from attncli.models.gguf.unpacking import dequantized
from attncli.models.tensors import expect_finite, expect_length, require_file


class GgufFile:
    """A mapped file and its header. Raises: InputError, DataError, LimitError."""

    def __init__(self, path: Path) -> None:
        self.path, self.place = path, visible(str(path))
        require_file(path)
        try:
            with path.open("rb") as file:
                self.size = file.seek(0, os.SEEK_END)
                if not self.size:
                    raise DataError("the file is empty, expected a GGUF model", place=self.place)
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as fault:
            reason = (fault.strerror or str(fault)).lower()
            raise InputError(f"cannot open: {reason}", place=self.place) from None
        self.header: GgufHeader = read_gguf_header(self._map, self.place)

    def expect_unchanged(self) -> None:
        """Raises: DataError when the mapped file has another length than when it was opened."""
        expect_length(self._map, self.size, self.place)

    def blocks(self, tensor: GgufTensor) -> AnyArray:
        """The bytes of a tensor by row, (n_rows, bytes), a view of the mapped file."""
        self.expect_unchanged()
        flat = np.frombuffer(self._map, np.uint8, tensor.end - tensor.start, tensor.start)
        row = tensor.shape[-1] // tensor.quantization.block * tensor.quantization.size
        return flat.reshape(-1, row)

    def forget(self, tensor: GgufTensor) -> None:
        """Lets the system take back the memory of a tensor's bytes; they are read again if needed."""
        if hasattr(mmap, "MADV_DONTNEED"):
            start = -(-tensor.start // mmap.PAGESIZE) * mmap.PAGESIZE  # whole pages of its own
            length = tensor.end - start
            if length >= mmap.PAGESIZE:
                self._map.madvise(
                    mmap.MADV_DONTNEED, start, length // mmap.PAGESIZE * mmap.PAGESIZE
                )


class Stored(NamedTuple):
    """A tensor under its new name. `dtype` is how its numbers are stored, in the words of GGUF.

    `order` has the places of the rows that belong at 0, 1, …; None where they stand there.
    """

    tensor: GgufTensor
    dtype: str
    shape: tuple[int, ...]
    order: IntArray | None = None


class GgufTensors:
    """The tensors of a file by the names of Hugging Face; each is dequantized when it is read."""

    shared: Mapping[str, str] = {}  # no name stands for another

    def __init__(self, file: GgufFile, entries: Mapping[str, Stored]) -> None:
        self._file, self.entries = file, entries
        self.path, self.place, self.size = file.path, file.place, file.size

    def expect_unchanged(self) -> None:
        """Raises: DataError when the mapped file has another length than when it was opened."""
        self._file.expect_unchanged()

    def read(self, name: str, rows: Any = None) -> Float32Array:
        """The tensor as float32, or only these rows of it, in which nothing else is dequantized.

        Raises: DataError when a number in it is not finite, or the file has changed its length.
        """
        stored = self.entries[name]
        blocks = self._file.blocks(stored.tensor)
        if stored.order is not None and len(stored.shape) > 1:
            blocks = blocks[stored.order]
        if rows is not None:
            blocks = blocks[rows]
        values = dequantized(blocks, stored.tensor.quantization)
        expect_finite(values, quoted(name), self.place)
        if rows is None:
            self._file.forget(stored.tensor)
            values = values.reshape(stored.shape)
            is_ordered = stored.order is None or values.ndim > 1
            return values if is_ordered else values[stored.order]
        return values.reshape(-1, *stored.shape[1:])


_open: WeakValueDictionary[tuple[str, int, int], GgufFile] = WeakValueDictionary()


def opened_gguf(path: Path) -> GgufFile:
    """The file, opened; one that is in use, by a model or a tokenizer, is not read twice.

    Raises: InputError, DataError, LimitError.
    """
    require_file(path)
    try:
        about = path.stat()
    except OSError as fault:
        reason = (fault.strerror or str(fault)).lower()
        raise InputError(f"cannot open: {reason}", place=visible(str(path))) from None
    key = (str(path.absolute()), about.st_size, about.st_mtime_ns)
    file = _open.get(key)
    if file is None:
        file = _open[key] = GgufFile(path)
    return file
