"""Quantized numbers → float32, a block at a time, to the bit as the `gguf` package gives them.

A block has a scale d (float16), perhaps a smallest value, and for each number a few bits q. Sources:
the structures of ggml (ggml-org/ggml, ggml-common.h); MXFP4: OCP Microscaling Formats 1.0, 6.3.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from attncli.arrays import AnyArray, Float32Array
from attncli.files.gguf import Quantization

_AT_ONCE = 1 << 16  # numbers: with what is made on the way they stay in the cache
# Values that four bits stand for: of IQ4_NL and IQ4_XS, and of MXFP4 twice as large.
_NONLINEAR = np.array(
    [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], np.int8
)
_HALVES = np.array([0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12], np.int8)


def dequantized(raw: AnyArray, quantization: Quantization) -> Float32Array:
    """The numbers of rows of blocks. Shapes: (n_rows, bytes), uint8 → (n_rows, n_numbers)."""
    n_rows, width = raw.shape
    per_row = width // quantization.size
    if (plain := _PLAIN.get(quantization.name)) is not None:
        with np.errstate(over="ignore", invalid="ignore"):
            return plain(raw)
    out = np.empty((n_rows * per_row, quantization.block), dtype=np.float32)
    blocks = raw.reshape(n_rows * per_row, quantization.size)
    step = max(1, _AT_ONCE // quantization.block)
    unpack = _BLOCKS[quantization.name]
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, len(blocks), step):
            unpack(blocks[start : start + step], out[start : start + step])
    return out.reshape(n_rows, per_row * quantization.block)


def _float32(raw: AnyArray) -> Float32Array:
    return np.ascontiguousarray(raw).view("<f4")


def _float16(raw: AnyArray) -> Float32Array:
    return np.ascontiguousarray(raw).view("<f2").astype(np.float32)


def _float64(raw: AnyArray) -> Float32Array:
    return np.ascontiguousarray(raw).view("<f8").astype(np.float32)


def _bfloat16(raw: AnyArray) -> Float32Array:
    wide = np.ascontiguousarray(raw).view("<u2").astype(np.uint32)  # the upper half of a float32
    wide <<= np.uint32(16)
    return wide.view(np.float32)


def _halves(blocks: AnyArray, at: int) -> Float32Array:
    """The float16 of each block at a byte. Shape (n, 1)."""
    return np.asarray(blocks[:, at : at + 2].view("<f2").astype(np.float32))


def _nibbles(packed: AnyArray) -> AnyArray:
    """Both halves of bytes, all lower ones before all upper ones. Shapes: (…, k) → (…, 2, k)."""
    both = np.empty((*packed.shape[:-1], 2, packed.shape[-1]), dtype=np.uint8)
    np.bitwise_and(packed, 15, out=both[..., 0, :])
    np.right_shift(packed, 4, out=both[..., 1, :])
    return both


def _four_bits(blocks: AnyArray, at: int) -> AnyArray:
    """q of 32 numbers in 16 bytes. Shape (n, 32), uint8."""
    return _nibbles(blocks[:, at : at + 16]).reshape(-1, 32)


def _five_bits(blocks: AnyArray, at: int) -> AnyArray:
    """q of 32 numbers: their upper bits in 4 bytes, then the lower four. Shape (n, 32), uint8."""
    upper = np.unpackbits(blocks[:, at : at + 4], axis=1, bitorder="little")  # (n, 32)
    upper <<= 4
    upper |= _four_bits(blocks, at + 4)
    return upper


def _less(q: AnyArray, offset: int) -> AnyArray:
    """q − offset, as small signed numbers."""
    signed = q.view(np.int8)
    signed -= np.int8(offset)
    return signed


def _scaled(q: AnyArray, scale: Float32Array, out: Float32Array) -> None:
    """out = scale·q."""
    np.copyto(out, q)
    out *= scale


def _q4_0(blocks: AnyArray, out: Float32Array) -> None:
    _scaled(_less(_four_bits(blocks, 2), 8), _halves(blocks, 0), out)


def _q4_1(blocks: AnyArray, out: Float32Array) -> None:
    _scaled(_four_bits(blocks, 4), _halves(blocks, 0), out)
    out += _halves(blocks, 2)


def _q5_0(blocks: AnyArray, out: Float32Array) -> None:
    _scaled(_less(_five_bits(blocks, 2), 16), _halves(blocks, 0), out)


def _q5_1(blocks: AnyArray, out: Float32Array) -> None:
    _scaled(_five_bits(blocks, 4), _halves(blocks, 0), out)
    out += _halves(blocks, 2)


def _q8_0(blocks: AnyArray, out: Float32Array) -> None:
    _scaled(blocks[:, 2:].view(np.int8), _halves(blocks, 0), out)


def _iq4_nl(blocks: AnyArray, out: Float32Array) -> None:
    _scaled(_NONLINEAR[_four_bits(blocks, 2)], _halves(blocks, 0), out)


def _mxfp4(blocks: AnyArray, out: Float32Array) -> None:
    exponent = blocks[:, :1].astype(np.uint32)  # d = 2^(e − 128): the values are twice as large
    tiny = np.uint32(1 << 21) << np.minimum(exponent, 1)
    bits = np.where(exponent < 2, tiny, (exponent - np.uint32(1)) << np.uint32(23))
    _scaled(_HALVES[_four_bits(blocks, 1)], bits.view(np.float32), out)


def _q2_k(blocks: AnyArray, out: Float32Array) -> None:
    scales = _nibbles(blocks[:, :16])  # (n, 2, 16): the scale and the smallest value of 16 numbers
    q = _of_runs(blocks[:, 16:80], (0, 2, 4, 6), 3).reshape(-1, 16, 16)
    parts = out.reshape(-1, 16, 16)
    _scaled(q, (_halves(blocks, 80) * scales[:, 0])[..., None], parts)
    parts -= (_halves(blocks, 82) * scales[:, 1])[..., None]


def _q3_k(blocks: AnyArray, out: Float32Array) -> None:
    q = _of_runs(blocks[:, 32:96], (0, 2, 4, 6), 3).reshape(-1, 8, 32)
    missing = np.unpackbits(
        ~blocks[:, :32], axis=1, bitorder="little"
    )  # bit s of byte i: i of run s
    missing = missing.reshape(-1, 32, 8).swapaxes(1, 2)
    signed = _less(q - (missing << 2), 0).reshape(-1, 16, 16)
    low, high = blocks[:, 96:104], blocks[:, 104:108]
    scales = _nibbles(low).reshape(-1, 16)
    scales |= (_of_runs(high, (0, 2, 4, 6), 3).reshape(-1, 16)) << 4
    _scaled(signed, (_halves(blocks, 108) * _less(scales, 32))[..., None], out.reshape(-1, 16, 16))


def _q4_k(blocks: AnyArray, out: Float32Array) -> None:
    _in_eights(blocks, _nibbles(blocks[:, 16:].reshape(-1, 4, 32)), out)


def _q5_k(blocks: AnyArray, out: Float32Array) -> None:
    q = _nibbles(blocks[:, 48:].reshape(-1, 4, 32)).reshape(-1, 8, 32)
    upper = np.unpackbits(blocks[:, 16:48], axis=1, bitorder="little").reshape(-1, 32, 8)
    q |= upper.swapaxes(1, 2) << 4  # bit s of byte i is of number i of run s
    _in_eights(blocks, q, out)


def _q6_k(blocks: AnyArray, out: Float32Array) -> None:
    q = _nibbles(blocks[:, :128].reshape(-1, 2, 64)).reshape(-1, 8, 32)
    q |= _of_runs(blocks[:, 128:192], (0, 2, 4, 6), 3).reshape(-1, 8, 32) << 4
    scales = _halves(blocks, 208) * blocks[:, 192:208].view(np.int8)  # (n, 16)
    _scaled(_less(q, 32).reshape(-1, 16, 16), scales[..., None], out.reshape(-1, 16, 16))


def _iq4_xs(blocks: AnyArray, out: Float32Array) -> None:
    upper = blocks[:, 2:4].view("<u2").astype(np.uint16) >> np.arange(0, 16, 2, dtype=np.uint16)
    lower = blocks[:, 4:8, None] >> np.array([0, 4], np.uint8)  # (n, 4, 2)
    scales = (lower.reshape(-1, 8) & 15) | ((upper & 3).astype(np.uint8) << 4)
    q = _nibbles(blocks[:, 8:].reshape(-1, 8, 16)).reshape(-1, 8, 32)
    scale = _halves(blocks, 0) * _less(scales, 32)  # (n, 8)
    _scaled(_NONLINEAR[q], scale[..., None], out.reshape(-1, 8, 32))


def _in_eights(blocks: AnyArray, q: AnyArray, out: Float32Array) -> None:
    """d·scale·q − dmin·smallest: scales and smallest values of 6 bits for each of 8 runs of 32."""
    packed = blocks[:, 4:16]  # (n, 12)
    scales, smallest = np.empty((2, len(blocks), 8), dtype=np.uint8)
    for part, low in ((scales, packed[:, :4]), (smallest, packed[:, 4:8])):
        np.bitwise_and(low, 63, out=part[:, :4])
        np.right_shift(low, 6, out=part[:, 4:])
        part[:, 4:] <<= 4
    scales[:, 4:] |= packed[:, 8:] & 15
    smallest[:, 4:] |= packed[:, 8:] >> 4
    parts = out.reshape(-1, 8, 32)
    _scaled(q.reshape(-1, 8, 32), (_halves(blocks, 0) * scales)[..., None], parts)
    parts -= (_halves(blocks, 2) * smallest)[..., None]


def _of_runs(packed: AnyArray, shifts: tuple[int, ...], mask: int) -> AnyArray:
    """Pairs of bits: those at the first place of 32 bytes (of all, if they are fewer), then the next.

    Shapes: (n, k) → (n, k / r, 4, r), where r is 32 or k.
    """
    run = min(32, packed.shape[1])
    runs = packed.reshape(len(packed), -1, 1, run)
    q = runs >> np.array(shifts, dtype=np.uint8)[:, None]
    q &= np.uint8(mask)
    return np.asarray(q)


_PLAIN: Mapping[str, Callable[[AnyArray], Float32Array]] = {
    "F32": _float32,
    "F16": _float16,
    "BF16": _bfloat16,
    "F64": _float64,
}
_BLOCKS: Mapping[str, Callable[[Any, Float32Array], None]] = {
    "Q4_0": _q4_0,
    "Q4_1": _q4_1,
    "Q5_0": _q5_0,
    "Q5_1": _q5_1,
    "Q8_0": _q8_0,
    "Q2_K": _q2_k,
    "Q3_K": _q3_k,
    "Q4_K": _q4_k,
    "Q5_K": _q5_k,
    "Q6_K": _q6_k,
    "IQ4_NL": _iq4_nl,
    "IQ4_XS": _iq4_xs,
    "MXFP4": _mxfp4,
}
