"""One safetensors file, mapped: its header is checked before a byte is used, and nothing is run."""

import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from attncli.arrays import Float32Array
from attncli.attention.products import product
from attncli.errors import DataError, InputError
from attncli.errors.wording import quoted, visible
from attncli.files.paths import exists, is_file
from attncli.files.stream import PIECE, ByteStream
from attncli.files.tensors import FLOAT_DTYPES, Tensor, read_tensor_header, tensor_array


class TensorFile:
    """A safetensors file whose header was checked; tensors are views of the mapped file.

    `shared` has the names that save_model of safetensors dropped because another tensor is the
    same, and the name that it kept.
    Raises: InputError when it cannot be opened; DataError when it is damaged or lies; LimitError
    when its header is larger than the format allows.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.place = visible(str(path))
        require_file(path)
        try:
            with path.open("rb") as file:
                size = file.seek(0, 2)
                file.seek(0)
                stream = ByteStream(self.place, lambda: file.read(PIECE), size=size)
                entries, metadata = read_tensor_header(stream)
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except OSError as fault:
            raise InputError(f"cannot open: {fault.strerror}", place=self.place) from None
        self.size = size
        self.entries: Mapping[str, Tensor] = entries
        self.shared: Mapping[str, str] = _shared(metadata, entries)

    def expect_unchanged(self) -> None:
        """Raises DataError when the mapped file has another length than when it was opened.

        What lies beyond the end of a mapped file cannot be read: touching it ends the process.
        """
        expect_length(self._map, self.size, self.place)

    def read(self, name: str, rows: Any = None) -> Float32Array:
        """The tensor as float32, or only these rows of it.

        A float32 tensor is a read-only view of the mapped file; of others a copy is made.
        Raises: DataError when its dtype is no float, a number in it is not finite, or the file has
        changed its length.
        """
        self.expect_unchanged()
        entry = self.entries[name]
        if entry.dtype not in FLOAT_DTYPES:
            raise DataError(
                f"{quoted(name)} has the dtype {entry.dtype}, expected {', '.join(FLOAT_DTYPES)}",
                place=self.place,
            )
        with np.errstate(over="ignore"):  # a float64 too large becomes inf, which is refused
            values = np.asarray(tensor_array(self._map, entry, rows), dtype=np.float32)
        expect_finite(values, quoted(name), self.place)
        return values


def expect_finite(values: Float32Array, what: str, place: str) -> None:
    """Raises: DataError for the first number that is NaN or infinite."""
    if not _all_finite(values):
        at = int(np.flatnonzero(~np.isfinite(values.ravel()))[0])
        raise DataError(f"{what}: value {at + 1} is not finite", place=place)


def expect_length(mapped: mmap.mmap, size: int, place: str) -> None:
    """Raises: DataError when a mapped file has another length than when it was opened."""
    if (now := mapped.size()) != size:
        raise DataError(
            f"the file had {size} bytes and has {now} now: it was changed while it was used",
            place=place,
        )


def require_file(path: Path) -> None:
    """Raises InputError for what is there but no file: a folder, a pipe that would block."""
    if exists(path) and not is_file(path):
        raise InputError("cannot open: this is no file", place=visible(str(path)))


def _all_finite(values: Float32Array) -> bool:
    """Whether no number is NaN or infinite: a finite sum of squares tells it without a copy."""
    flat = values.reshape(-1)
    with np.errstate(over="ignore", invalid="ignore"):
        quick = np.isfinite(product(flat, flat))
    return bool(quick) or bool(np.isfinite(flat).all())


def _shared(metadata: Mapping[str, str], entries: Mapping[str, Tensor]) -> dict[str, str]:
    """Which names the metadata gives to tensors that are stored under another."""
    return {
        name: kept for name, kept in metadata.items() if kept in entries and name not in entries
    }
