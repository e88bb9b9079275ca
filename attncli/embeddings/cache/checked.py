"""Arrays in files whose every byte is covered by a checksum, verified no later than it is used.

A small file is verified when it is opened. A matrix is verified in blocks of rows, each when one of
its rows is first asked for, so that opening costs the same whatever the size. The checksum (CRC-32)
is against decay and crashes; against people there are the permissions of the cache.
"""

import json
import math
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from attncli.arrays import Float32Array, IntArray
from attncli.errors import DataError, InputError
from attncli.errors.wording import visible
from attncli.files.meanwhile import meanwhile

if TYPE_CHECKING:
    import numpy.typing as npt

HEADER = 128  # bytes before the values of an array
_BLOCK = 16 << 10  # bytes that one checksum covers, about
_LOT = 4 << 20  # bytes read at once, about


class DamagedError(DataError):
    """A file of the cache is not what was written; it can be made again."""


def header_of(dtype: str, shape: tuple[int, ...]) -> bytes:
    """The header of a .npy file (version 1.0), always HEADER bytes."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    return b"\x93NUMPY\x01\x00\x76\x00" + text.ljust(HEADER - 11).encode("ascii") + b"\n"


def rows_of_a_block(dim: int) -> int:
    """How many rows one checksum covers."""
    return max(1, _BLOCK // (4 * dim))


def mapped(path: Path, dtype: str, shape: tuple[int, ...]) -> Any:
    """The array of a file, mapped. Raises: DamagedError when it is not of this size and kind."""
    place = visible(str(path))
    try:
        with path.open("rb") as file:
            head = file.read(HEADER)
            size = file.seek(0, 2)
            n_bytes = np.dtype(dtype).itemsize * math.prod(shape)
            if head != header_of(dtype, shape) or size != HEADER + n_bytes:
                raise DamagedError("this store is damaged", place=place)
            if size == HEADER:
                return np.zeros(shape, dtype=dtype)
            return np.memmap(file, dtype=dtype, mode="r", offset=HEADER, shape=shape)
    except OSError as fault:
        raise DamagedError(f"cannot open: {fault.strerror}", place=place) from None


def sum_of(path: Path) -> int:
    """The checksum of a whole file."""
    total = 0
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            total = zlib.crc32(piece, total)
    return total


def verify(path: Path, expected: object) -> None:
    """Raises: DamagedError when the file is not the one whose checksum this is."""
    try:
        found = sum_of(path)
    except OSError as fault:
        raise DamagedError(f"cannot open: {fault.strerror}", place=visible(str(path))) from None
    if found != expected:
        raise DamagedError("this store is damaged", place=visible(str(path)))


def block_sums(path: Path, dim: int, see: Callable[[memoryview], object] = len) -> IntArray:
    """The checksum of each block of rows of a matrix file; `see` is shown all its values' bytes.

    Shape (n_blocks,), uint32. The file is read, not mapped: it is new, and may be large.
    """
    size, sums = 4 * dim * rows_of_a_block(dim), list[int]()
    with path.open("rb") as file:
        file.seek(HEADER)
        lot = memoryview(bytearray(max(1, _LOT // size) * size))
        while n_bytes := file.readinto(lot):
            values = lot[:n_bytes]
            with meanwhile(partial(see, values)):
                sums += [zlib.crc32(values[at : at + size]) for at in range(0, n_bytes, size)]
    return np.array(sums, dtype="<u4")


def raw_bytes(array: "npt.NDArray[Any]") -> memoryview:
    """The bytes of an array in C order."""
    whole = np.ascontiguousarray(array)
    return whole.data.cast("B") if whole.size else memoryview(b"")


class CheckedMatrix:
    """A mapped matrix, `NAME.npy`, with the checksums of its blocks in `NAME.sums.npy`."""

    def __init__(self, folder: Path, name: str, shape: tuple[int, int], total: object) -> None:
        self.path = folder / f"{name}.npy"
        self.shape = shape
        self._rows = rows_of_a_block(shape[1])
        n_blocks = -(-shape[0] // self._rows)
        verify(folder / f"{name}.sums.npy", total)
        self._sums = mapped(folder / f"{name}.sums.npy", "<u4", (n_blocks,))
        self._array: Float32Array = mapped(self.path, "<f4", shape)
        self._seen = np.zeros(n_blocks, dtype=np.bool_)
        self._whole = False

    def take(self, rows: IntArray) -> Float32Array:
        """A copy of these rows, (n, dim). Raises: DamagedError."""
        if not self._whole:
            self._verify(np.asarray(rows, dtype=np.intp) // self._rows)
        return np.asarray(self._array[rows])

    def whole(self) -> Float32Array:
        """The mapped matrix, every byte of it verified. Raises: DamagedError."""
        if not self._whole:
            self._verify(np.arange(len(self._sums)))
            self._whole = True
        return self._array

    def _verify(self, blocks: IntArray) -> None:
        # not np.unique, which loads numpy's masked arrays
        for block in sorted(set(blocks[~self._seen[blocks]].tolist())):
            start = block * self._rows
            if zlib.crc32(raw_bytes(self._array[start : start + self._rows])) != self._sums[block]:
                raise DamagedError("this store is damaged", place=visible(str(self.path)))
            self._seen[block] = True


def write_facts(path: Path, facts: dict[str, Any]) -> None:
    """Writes facts as JSON with a checksum of their own."""
    whole = {**facts, "check": _check(facts)}
    path.write_text(json.dumps(whole, indent=1, ensure_ascii=True) + "\n", encoding="ascii")


def read_facts(path: Path) -> dict[str, Any]:
    """Facts that write_facts wrote. Raises: DamagedError, InputError when there are none."""
    place = visible(str(path))
    try:
        facts = json.loads(path.read_bytes())
    except OSError as fault:
        raise InputError(f"cannot open: {fault.strerror}", place=place) from None
    except (ValueError, RecursionError):
        raise DamagedError("the facts of this store are damaged", place=place) from None
    if not isinstance(facts, dict) or facts.pop("check", None) != _check(facts):
        raise DamagedError("the facts of this store are damaged", place=place)
    return facts


def _check(facts: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(facts, sort_keys=True, ensure_ascii=True).encode("ascii"))
