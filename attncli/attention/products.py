"""The one door to matrix products: right ones, and of a row the same bits in every company.

A BLAS chooses among kernels by the processor and by the sizes of a product. Two things follow.

Some kernels are wrong on some machines. At the first product of a process small products of whole
numbers are compared with plain sums, which both must give exactly.

A row of a large product can have other last bits than the same row of a small one. Where rows of
several sentences go through one matrix together, `shared_product` makes products that leave the
BLAS no choice. OpenBLAS has three roads, measured with one thread on eleven of its kernels:

- products of few multiplications have kernels of their own on processors with AVX-512 and on some
  ARM: up to 10⁶ multiplications, and where the matrix lies row by row up to 28·512²;
- all others are computed in tiles of 4, 8 or 12 rows, each tile alike; a sum whose length is no
  multiple of 16 has a remainder, which tiles of other heights add up in another order;
- several threads cut the rows anywhere.

So a product is made large enough for the second road by rows of zeros, or, where that would take
more than 48 rows or the sums have remainders, it is cut into products of exactly 48 rows. With
several threads, or another BLAS, of which none of this is known, rows must not be shared at all:
`may_share_rows` tells.
"""

import os
from functools import cache
from typing import Any

import numpy as np

from attncli.arrays import AnyArray, FloatArray, IntArray
from attncli.errors import NumericError

TILE_ROWS = 12  # a sentence begins at a multiple of it: a multiple of nearly every kernel's tile
_FIXED_ROWS = 48  # of a small product: a multiple of every kernel's tile
_SUM_STEP = 16  # numbers that a kernel adds up at once, at most
_SMALL, _SMALL_BY_ROWS = (
    1 << 20,
    1 << 23,
)  # multiplications of the largest product of the first road
_FILLING = (192, 96, 768)  # rows, summands, columns
_CHECKED_SIZES = ((1, 24, 9), (3, 8, 5), (9, 19, 17))  # rows, summands, columns

_is_checked = False
_are_filled = False


def product(left: Any, right: Any, out: Any = None) -> Any:
    """left·right as `numpy.matmul` has it. Shapes: (…, n, k), (…, k, m) → (…, n, m).

    Raises: NumericError when this machine's BLAS computes wrong products.
    """
    if not _is_checked:
        require_right_products()
    return np.matmul(left, right, out=out)


def shared_product(rows: FloatArray, matrix: FloatArray) -> Any:
    """rows·matrix, where a row's bits depend on the row alone if it begins at its tile's place.

    Shapes: rows (n_rows, k), n_rows a multiple of `TILE_ROWS`; matrix (k, m) → (n_rows, m).
    """
    n_rows, k = rows.shape
    small = _SMALL if matrix.flags.f_contiguous else _SMALL_BY_ROWS
    least = TILE_ROWS * -(-(small + 1) // (matrix.size * TILE_ROWS or 1))
    if least > _FIXED_ROWS or k % _SUM_STEP:
        fixed = -(-n_rows // _FIXED_ROWS)
        tiles = _filled(rows, fixed * _FIXED_ROWS).reshape(fixed, _FIXED_ROWS, k)
        return product(tiles, matrix).reshape(fixed * _FIXED_ROWS, -1)[:n_rows]
    return product(_filled(rows, max(n_rows, least)), matrix)[:n_rows]


def fill_buffers() -> None:
    """Fills the memory where OpenBLAS lays out the parts of float32 products, once a process.

    While it multiplies one part it asks the processor for what lies behind it. Before a larger product
    was there, those pages do not exist, and products of 24 rows take about twice as long (measured
    with its Haswell kernels; that each request is looked up in vain is the likeliest reason). This
    one fills far enough in about a millisecond.
    """
    global _are_filled
    if not _are_filled:
        _are_filled = True
        n, k, m = _FILLING
        product(np.zeros((n, k), dtype=np.float32), np.zeros((m, k), dtype=np.float32).T)


def room_for_rows(n_rows: int) -> int:
    """How many rows, these and others behind them, `shared_product` takes without copying them."""
    return -(-n_rows // _FIXED_ROWS) * _FIXED_ROWS


def may_share_rows() -> bool:
    """Whether `shared_product` keeps its promise: on OpenBLAS with one thread."""
    threads = os.environ.get("OPENBLAS_NUM_THREADS") or os.environ.get("OMP_NUM_THREADS")
    return threads == "1" and "openblas" in blas_name()


def require_right_products() -> None:
    """Compares small products with plain sums, once a process. Raises: NumericError."""
    global _is_checked
    for n, k, m in _CHECKED_SIZES:
        left = _whole_numbers(n, k)
        right = _whole_numbers(k, m)
        expected = np.einsum("nk,km->nm", left, right)  # a plain loop, which no BLAS takes part in
        squares = np.einsum("nk,mk->nm", left, left)
        for dtype in (np.float32, np.float64):
            a, b = left.astype(dtype), right.astype(dtype)
            turned = np.ascontiguousarray(b.T).T
            results = (np.matmul(a, b), np.matmul(a, turned), np.matmul(a, a.T))
            if not all(map(_equal, results, (expected, expected, squares))):
                raise _wrong(np.dtype(dtype).name)
    _is_checked = True


@cache
def blas_name() -> str:
    """The BLAS that numpy was built with, in lower case; empty where numpy does not tell."""
    try:
        about: Any = np.show_config(mode="dicts")
        return str(about["Build Dependencies"]["blas"]["name"]).lower()
    except (KeyError, TypeError):
        return ""


def kernel_name() -> str:
    """What OpenBLAS calls the kernels in force, such as "Haswell"; empty for another BLAS."""
    import ctypes
    from pathlib import Path

    libraries = Path(np.__file__).parent.with_name("numpy.libs")
    places = [*libraries.glob("*openblas*"), *Path(np.__file__).parent.glob(".dylibs/*openblas*")]
    names = ("scipy_openblas_get_corename64_", "openblas_get_corename64_", "openblas_get_corename")
    for place in places:
        for name in names:
            try:
                ask = getattr(ctypes.CDLL(str(place)), name)
            except (OSError, AttributeError):
                continue
            ask.restype = ctypes.c_char_p
            return str((ask() or b"").decode("ascii", "replace"))
    return ""


def _wrong(dtype: str) -> NumericError:
    kernel = kernel_name()
    named = f"{blas_name() or 'the BLAS'} of numpy {np.__version__}"
    if kernel:
        named += f" with the kernels {kernel}"
    hint = "pip install --force-reinstall numpy"
    if "openblas" in blas_name():
        other = _other_kernels(kernel)
        hint = f"the environment variable OPENBLAS_CORETYPE={other} chooses other kernels"
    return NumericError(
        f"{named} computes wrong products of {dtype} on this machine, expected the plain sums",
        hints=(hint,),
    )


def _other_kernels(kernel: str) -> str:
    """Older and simpler kernels than those in force, which the same processors run."""
    import platform

    if platform.machine() in ("aarch64", "arm64"):
        return "ARMV8"
    return "Haswell" if kernel.upper() != "HASWELL" else "Nehalem"


def _whole_numbers(n: int, m: int) -> IntArray:
    """Small numbers whose products every floating-point sum gives exactly."""
    return (np.arange(n * m) * 7 % 11 - 5).reshape(n, m)


def _equal(found: AnyArray, expected: AnyArray) -> bool:
    return bool((found == expected).all())


def _filled(rows: FloatArray, n_rows: int) -> FloatArray:
    """The rows and rows of zeros after them. Shapes: (n, k) → (n_rows, k)."""
    if len(rows) == n_rows:
        return rows
    filled = np.zeros((n_rows, rows.shape[1]), dtype=rows.dtype)
    filled[: len(rows)] = rows
    return filled
