"""Numbers that a GGUF file stores each by itself, as float32: F16, BF16, F32, F64."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from attncli.arrays import AnyArray, Float32Array
from attncli.arrays.compiled import compiled

AT_ONCE = 1 << 18  # numbers: with what is made on the way they stay in the cache
_INFINITE, _SIGN = 0x7C00, 0x8000  # of a float16: the exponent of what is no number, and the sign
# 0x8FFFE000: of a float32 the sign, and where a float16 fits.
_SIGN_AND_HALF = np.int32(-0x70002000)
_TO_FLOAT32 = np.int32(13)  # bits: a fraction of 10 becomes one of 23
_HALF_BIAS = np.float32(2.0**112)  # what the exponents of float16 and float32 differ by


class Unpacked(NamedTuple):
    """Numbers of blocks, and whether it is known that all are finite; where it is not, they may be."""

    numbers: Float32Array
    is_finite: bool


def _float32(raw: AnyArray) -> Unpacked:
    return Unpacked(np.ascontiguousarray(raw).view("<f4"), is_finite=False)


def _float16(raw: AnyArray) -> Unpacked:
    return float32_of_halves(np.ascontiguousarray(raw).view("<u2"))


def float32_of_halves(halves: AnyArray) -> Unpacked:
    """Float16 → float32, several times as fast as numpy's conversion; which does it where a number is
    not finite. Shapes: (…) of the bits as uint16, contiguous → (…).

    A half as a signed number keeps its sign when it is made wider, and its exponent and fraction move
    to their places; what was sign between them goes, and a product puts the bias right.
    """
    flat, is_finite = halves.reshape(-1), True
    out = np.empty(flat.size, dtype=np.float32)
    kernel = compiled()
    if kernel is not None and kernel.widen_halves(flat, out):
        return Unpacked(out.reshape(halves.shape), is_finite)
    signed, wide = flat.view("<i2"), out.view(np.int32)
    for start in range(0, flat.size, AT_ONCE):
        part = slice(start, start + AT_ONCE)
        values, bits = out[part], wide[part]
        largest, most_negative = np.maximum.reduce(signed[part]), np.maximum.reduce(flat[part])
        if largest >= _INFINITE or most_negative >= _INFINITE | _SIGN:
            values[:] = flat[part].view("<f2")
            is_finite = False
            continue
        np.copyto(bits, signed[part])
        bits <<= _TO_FLOAT32
        bits &= _SIGN_AND_HALF
        values *= _HALF_BIAS
    return Unpacked(out.reshape(halves.shape), is_finite)


def _float64(raw: AnyArray) -> Unpacked:
    wide = np.ascontiguousarray(raw).view("<f8")
    return Unpacked(wide.astype(np.float32), is_finite=False)


def _bfloat16(raw: AnyArray) -> Unpacked:
    upper = np.ascontiguousarray(raw).view("<u2")  # halves of float32
    wide = np.empty(upper.shape, dtype=np.uint32)
    ins, outs = upper.reshape(-1), wide.reshape(-1)
    if (kernel := compiled()) is not None:
        kernel.widen_uppers(ins, outs)
        return Unpacked(wide.view(np.float32), is_finite=False)
    for start in range(0, ins.size, AT_ONCE):
        part = outs[start : start + AT_ONCE]
        np.copyto(part, ins[start : start + AT_ONCE])
        part <<= np.uint32(16)
    return Unpacked(wide.view(np.float32), is_finite=False)


WIDENED: Mapping[str, Callable[[AnyArray], Unpacked]] = {
    "F32": _float32,
    "F16": _float16,
    "BF16": _bfloat16,
    "F64": _float64,
}
