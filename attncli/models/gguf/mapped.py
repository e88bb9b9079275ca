"""A GGUF file, mapped: its header checked, its tensors named and shaped as Hugging Face has them."""

import mmap
import os
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import numpy as np

from attncli.arrays import AnyArray, Float32Array, IntArray
from attncli.errors import DataError, InputError
from attncli.errors.wording import quoted, visible
from attncli.files.gguf import GgufHeader, GgufTensor, read_gguf_header
from attncli.files.paths import is_file
from attncli.files.writing import reason
from attncli.models.gguf.unpacking import numbers_of_blocks
from attncli.models.local_stores import GGUF_PART
from attncli.models.tensors import expect_finite, expect_length, require_file

_MOST_PARTS = 1000


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
            raise InputError(f"cannot open: {reason(fault)}", place=self.place) from None
        self.sizes = {path: self.size}
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

    def forget(self, tensor: GgufTensor, rows: slice | None = None) -> None:
        """Lets the system take back the memory of a tensor's bytes, or of these rows of it; they are
        read again if needed.
        """
        if hasattr(mmap, "MADV_DONTNEED"):
            n_rows = prod(tensor.shape[:-1])
            width = (tensor.end - tensor.start) // n_rows
            first, last, _ = (rows or slice(None)).indices(n_rows)
            start, end = (tensor.start + width * row for row in (first, last))
            start = -(-start // mmap.PAGESIZE) * mmap.PAGESIZE  # whole pages of its own
            length = end - start
            if length >= mmap.PAGESIZE:
                self._map.madvise(
                    mmap.MADV_DONTNEED, start, length // mmap.PAGESIZE * mmap.PAGESIZE
                )


class GgufParts:
    """A model that lies in several files, as one: the metadata of the first, the tensors of all.

    Raises: InputError for a part that is not there; DataError for parts that do not belong together.
    """

    def __init__(self, files: Sequence[GgufFile]) -> None:
        first = files[0]
        self.sizes = {file.path: file.size for file in files}
        self.path, self.place = first.path, first.place
        self.size = sum(file.size for file in files)
        self._files = files
        self._file_of: dict[str, GgufFile] = {}
        tensors: dict[str, GgufTensor] = {}
        for number, file in enumerate(files):
            _expect_part(file, number, len(files))
            for name, tensor in file.header.tensors.items():
                if name in tensors:
                    raise DataError(
                        f"the tensor {quoted(name, 80)} is in {quoted(self._file_of[name].path.name)} too",
                        place=file.place,
                    )
                tensors[name], self._file_of[name] = tensor, file
        n_tensors = first.header.metadata.get("split.tensors.count", len(tensors))
        if n_tensors != len(tensors):
            raise DataError(
                f"{len(files)} files have {len(tensors)} tensors, the first says {quoted(str(n_tensors))}",
                place=self.place,
            )
        self.header = first.header._replace(tensors=tensors)

    def expect_unchanged(self) -> None:
        """Raises: DataError when a file has another length than when it was opened."""
        for file in self._files:
            file.expect_unchanged()

    def blocks(self, tensor: GgufTensor) -> AnyArray:
        """The bytes of a tensor by row, (n_rows, bytes), a view of the mapped file."""
        return self._file_of[tensor.name].blocks(tensor)

    def forget(self, tensor: GgufTensor, rows: slice | None = None) -> None:
        """Lets the system take back the memory of a tensor's bytes, or of these rows of it."""
        self._file_of[tensor.name].forget(tensor, rows)


GgufSource = GgufFile | GgufParts


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

    def __init__(self, file: GgufSource, entries: Mapping[str, Stored]) -> None:
        self._file, self.entries = file, entries
        self.path, self.place, self.size = file.path, file.place, file.size
        self._rooms: dict[str, Float32Array] = {}

    def expect_unchanged(self) -> None:
        """Raises: DataError when the mapped file has another length than when it was opened."""
        self._file.expect_unchanged()

    def make_room(self, names: Iterable[str]) -> None:
        """Takes the memory that the next reading of each of these fills, and gives back older one."""
        self._rooms = {
            name: np.empty(prod(self.entries[name].shape), dtype=np.float32) for name in names
        }

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
        room = self._rooms.pop(name, None) if rows is None else None
        values, is_finite = numbers_of_blocks(blocks, stored.tensor.quantization, room)
        if not is_finite:
            expect_finite(values, quoted(name), self.place)
        if rows is None or (isinstance(rows, slice) and stored.order is None):
            self._file.forget(stored.tensor, rows)
        if rows is None:
            values = values.reshape(stored.shape)
            is_ordered = stored.order is None or values.ndim > 1
            return values if is_ordered else values[stored.order]
        return values.reshape(-1, *stored.shape[1:])


_open: WeakValueDictionary[tuple[str, int, int], GgufFile] = WeakValueDictionary()


def opened_gguf(path: Path) -> GgufSource:
    """The file, or with any part of a model in several files all of them, in order.

    Raises: InputError, DataError, LimitError.
    """
    file = _opened_file(path)
    count = file.header.metadata.get("split.count", 1)
    if not isinstance(count, int) or count <= 1:
        return file
    named = GGUF_PART.search(path.name)
    if count > _MOST_PARTS or named is None or int(named[2]) != count:
        raise DataError(
            f"one of {count} files of a model, expected a name that ends in -00001-of-{count:05}.gguf: "
            "the others are found by it",
            place=file.place,
            hints=("llama-gguf-split --merge FIRST.gguf WHOLE.gguf joins them",),
        )
    names = [
        f"{path.name[: named.start()]}-{number:05}-of-{count:05}.gguf"
        for number in range(1, count + 1)
    ]
    paths = [path.with_name(name) for name in names]
    missing = [part.name for part in paths if not is_file(part)]
    if missing:
        raise InputError(
            f"one of {count} files of a model, of which {len(missing)} are not beside it: "
            f"{quoted(missing[0])}{' …' if len(missing) > 1 else ''}",
            place=file.place,
        )
    return GgufParts([_opened_file(part) for part in paths])


def _expect_part(file: GgufFile, number: int, count: int) -> None:
    """Raises: DataError for a file that does not say that it is this part."""
    said = file.header.metadata
    if (said.get("split.no"), said.get("split.count")) != (number, count):
        raise DataError(
            f"its metadata say part {quoted(str(said.get('split.no')))} of "
            f"{quoted(str(said.get('split.count')))}, counted from 0, expected {number} of {count}",
            place=file.place,
        )


def _opened_file(path: Path) -> GgufFile:
    """The file, opened; one that is in use, by a model or a tokenizer, is not read twice."""
    require_file(path)
    try:
        about = path.stat()
    except OSError as fault:
        raise InputError(f"cannot open: {reason(fault)}", place=visible(str(path))) from None
    key = (str(path.absolute()), about.st_size, about.st_mtime_ns)
    file = _open.get(key)
    if file is None:
        file = _open[key] = GgufFile(path)
    return file
