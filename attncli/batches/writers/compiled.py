"""The compiled part of a writer, where the wheel has one: `kernel.c`, loaded with ctypes.

It is optional. Where it was not built, or cannot be loaded (another processor, a file system that
lets nothing run), or `pure` forbids it, the writers do the same in Python and numpy, with the same
bytes. Nothing is compiled here.
"""

import ctypes
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from attncli.arrays import Float32Array
from attncli.files.paths import is_file

Places = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

LIBRARY = Path(__file__).with_name("kernel.so")
MOST_DIGITS = 6
_VERSION = 2  # of the functions in kernel.c
_THOUSAND = b"".join(b"%03d," % i for i in range(1000))

_pointer, _many, _int, _real = ctypes.c_void_p, ctypes.c_int64, ctypes.c_int32, ctypes.c_float
_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "version": (),
    "within": (_pointer, _many, _real, _int, _real),
    "lists": (
        *(_pointer, _pointer, _int, _many),
        *(_int, _int, ctypes.c_char_p),
        *(_pointer, _many, _pointer, _many),
    ),
    "texts": (ctypes.c_char_p, _many, _pointer, _many, _pointer, _many, _pointer),
    "sums": (_pointer, _many, _many, _pointer, _pointer),
    "repeated": (ctypes.c_char_p, _many, _many, _pointer, _many, _pointer),
}
_forbidden = 0  # how many `pure` are open


class Kernel:
    """The functions of a loaded library, which check where they write.

    Places are those of the first byte of each text in the target, (count,).
    """

    def __init__(self, library: ctypes.CDLL) -> None:
        for name, types in _SIGNATURES.items():
            function = getattr(library, f"attn_kernel_{name}")
            function.argtypes, function.restype = types, _int
            setattr(self, f"_{name}", function)
        if self._call("version") != _VERSION:
            raise OSError("another version of the kernel")

    def fits(self, stack: Float32Array, digits: int, *, signed: bool) -> bool:
        """Whether `lists` can print the stack: digits before the point, and after it, are few."""
        if stack.dtype != np.float32 or stack.ndim < 3 or not stack.size:
            return False
        if not 1 <= digits <= MOST_DIGITS:
            return False
        limit = float(np.float32(10.0 - 10.0**-digits))  # what is less rounds to less than 10
        numbers = np.ascontiguousarray(stack)
        low = -limit if signed else 0.0
        return bool(self._call("within", numbers.ctypes.data, numbers.size, low, not signed, limit))

    def lists(
        self,
        target: "FreshBytes",
        places: Places,
        stack: Float32Array,
        digits: int,
        *,
        signed: bool,
    ) -> None:
        """Prints each (…, rows, columns) of a stack (count, …, rows, columns) that `fits`."""
        numbers = np.ascontiguousarray(stack, dtype=np.float32)
        shape = np.array(stack.shape[1:], dtype=np.int64)
        self._written(
            "lists",
            *(numbers.ctypes.data, shape.ctypes.data, len(shape), _counted(places, len(stack))),
            *(digits, signed, _THOUSAND),
            *(target.address, target.size, places.ctypes.data),
            list_length(stack.shape[1:], digits, signed=signed),
        )

    def texts(self, target: "FreshBytes", places: Places, texts: Sequence[bytes]) -> None:
        """Copies each text to its place."""
        joined, lengths = b"".join(texts), lengths_of(texts)
        self._written(
            "texts",
            *(joined, len(joined), lengths.ctypes.data, _counted(places, len(lengths))),
            *(target.address, target.size, places.ctypes.data),
        )

    def repeated(self, target: "FreshBytes", places: Places, text: bytes) -> None:
        """Copies a text to every place."""
        self._written(
            "repeated",
            *(text, len(text), _counted(places, len(places))),
            *(target.address, target.size, places.ctypes.data),
        )

    def sums(self, pages: Words) -> tuple[Words, Words]:
        """The sums modulo 2⁶⁴ of words by their place in a page, and of each page. Shape: (pages, row)."""
        if pages.dtype != np.uint64 or not (pages.flags.c_contiguous and pages.flags.aligned):
            raise ValueError("whole words are expected, one behind the other")
        by_place = np.zeros(pages.shape[1], dtype=np.uint64)
        by_page = np.empty(pages.shape[0], dtype=np.uint64)
        self._call(
            "sums", pages.ctypes.data, *pages.shape, by_place.ctypes.data, by_page.ctypes.data
        )
        return by_place, by_page

    def _written(self, name: str, *arguments: Any) -> None:
        if not self._call(name, *arguments):
            raise IndexError(f"{name}: a text does not fit where it was to stand")

    def _call(self, name: str, *arguments: Any) -> int:
        answer: int = getattr(self, f"_{name}")(*arguments)
        return answer


class FreshBytes:
    """Bytes to be written by a kernel; `done` gives them away, and nothing may write then."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._bytes: bytes | None = _fresh_bytes(size)
        self.address = ctypes.cast(ctypes.c_char_p(self._bytes), _pointer).value or 0

    def done(self) -> bytes:
        """The bytes, whole."""
        made, self._bytes = self._bytes, None
        self.address = self.size = 0
        if made is None:
            raise ValueError("these bytes were given away")
        return made


def kernel() -> Kernel | None:
    """The compiled functions; None where the pure path has to be taken."""
    return None if _forbidden else _loaded()


@contextmanager
def pure() -> Iterator[None]:
    """Within it, writers of this process and of those it starts by fork take the pure path."""
    global _forbidden
    _forbidden += 1
    try:
        yield
    finally:
        _forbidden -= 1


def list_length(shape: Sequence[int], digits: int, *, signed: bool) -> int:
    """The bytes of a nested list of this shape."""
    length = digits + 2 + signed
    for size in reversed(shape):
        length = 1 + size * (length + 1)
    return length


def lengths_of(texts: Sequence[bytes]) -> Places:
    """The length of each text, (count,)."""
    return np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))


@cache
def _loaded() -> Kernel | None:
    if sys.implementation.name != "cpython" or not is_file(LIBRARY):
        return None
    try:
        return Kernel(ctypes.CDLL(str(LIBRARY)))
    except (OSError, AttributeError):
        return None


def _fresh_bytes(size: int) -> bytes:
    """Bytes that nobody else has: CPython lets who made them fill them."""
    make = ctypes.pythonapi.PyBytes_FromStringAndSize
    make.argtypes, make.restype = (ctypes.c_void_p, ctypes.c_ssize_t), ctypes.py_object
    made: bytes = make(None, size)
    return made


def _counted(places: Places, count: int) -> int:
    """The number of places, one for each text, as the kernel reads them."""
    if places.dtype != np.int64 or not places.flags.c_contiguous or places.shape != (count,):
        raise ValueError(f"{count} texts have places of shape {places.shape}, {places.dtype}")
    return count
