"""Quantized numbers → float32, a block at a time, to the bit as the `gguf` package gives them.

A block has a scale d (float16), perhaps a smallest value, and for each number a few bits q. Sources:
the structures of ggml (ggml-org/ggml, ggml-common.h); MXFP4: OCP Microscaling Formats 1.0, 6.3.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from attncli.arrays import AnyArray, Float32Array
from attncli.arrays.compiled import compiled
from attncli.files.gguf import QUANTIZATIONS, Quantization
from attncli.models.gguf.widening import AT_ONCE, WIDENED, Unpacked, float32_of_halves

_KEPT = 8 << 20  # bytes
_SHORT_RUN = 16  # numbers
_LOWER, _HALF = np.uint8(15), np.uint8(4)  # the lower bits of a byte, and how many they are
# Values that four bits stand for: of IQ4_NL and IQ4_XS, and of MXFP4 twice as large.
_NONLINEAR = np.array(
    [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], np.int8
)
_HALVES = np.array([0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12], np.int8)


def _keep_freed_memory() -> None:
    """Lets glibc keep the memory of a matrix that was used, for the next one.

    It gives larger arrays pages of their own and takes them back, and filling in new pages takes longer
    than unpacking. After one large array is freed, of which no page was touched, it keeps twice as much
    (mallopt(3), M_MMAP_THRESHOLD). Elsewhere this does nothing.
    """
    np.empty(_KEPT, np.uint8)


_keep_freed_memory()


def dequantized(raw: AnyArray, quantization: Quantization) -> Float32Array:
    """The numbers of rows of blocks. Shapes: (n_rows, bytes), uint8 → (n_rows, n_numbers)."""
    return numbers_of_blocks(raw, quantization).numbers


def numbers_of_blocks(
    raw: AnyArray, quantization: Quantization, room: Float32Array | None = None
) -> Unpacked:
    """The numbers of rows of blocks: finite where the float16 of their blocks are, since what these
    are multiplied with is small. Blocks of several numbers fill a given `room`.

    Shapes: (n_rows, bytes), uint8, room (n_rows·n_numbers,) → (n_rows, n_numbers).
    """
    n_rows, width = raw.shape
    per_row = width // quantization.size
    if (widened := WIDENED.get(quantization.name)) is not None:
        with np.errstate(over="ignore", invalid="ignore"):
            return widened(raw)
    if room is None:
        room = np.empty(n_rows * per_row * quantization.block, dtype=np.float32)
    out = room.reshape(n_rows * per_row, quantization.block)
    blocks = raw.reshape(n_rows * per_row, quantization.size)
    step = max(1, AT_ONCE // quantization.block)
    unpack, places = _BLOCKS[quantization.name]
    with np.errstate(over="ignore", invalid="ignore"):
        halves = [_halves(blocks, at) for at in places]
        for start in range(0, len(blocks), step):
            part = slice(start, start + step)
            unpack(blocks[part], out[part], *(half.numbers[part] for half in halves))
    is_finite = bool(halves) and all(half.is_finite for half in halves)
    return Unpacked(out.reshape(n_rows, per_row * quantization.block), is_finite)


def _part(blocks: AnyArray, at: int, count: int) -> AnyArray:
    """Some bytes of each block, side by side. Shape (n, count), uint8."""
    whole = blocks[:, at : at + count].view(f"V{count}")  # one copy a block, not one a byte
    return np.ascontiguousarray(whole).view(np.uint8).reshape(-1, count)


def _halves(blocks: AnyArray, at: int) -> Unpacked:
    """The float16 of each block at a byte. Shape (n, 1)."""
    return float32_of_halves(np.ascontiguousarray(blocks[:, at : at + 2].view("<u2")))


def _joined(parts: Sequence[AnyArray] | AnyArray) -> AnyArray:
    """Arrays side by side, run by run. Shapes: each (…, k), contiguous → (…, len(parts), k)."""
    *leading, run = parts[0].shape
    out = np.empty((*leading, len(parts), run), dtype=parts[0].dtype)
    items = out.view(f"V{run}")  # (…, len(parts), 1): a run is copied at once
    for number, part in enumerate(parts):
        items[..., number, :] = part.view(f"V{run}")
    return out


def _nibbles(packed: AnyArray) -> AnyArray:
    """Both halves of bytes, all lower ones before all upper ones. Shapes: (…, k) → (…, 2, k)."""
    return _joined((packed & _LOWER, packed >> _HALF))


def _fields(packed: AnyArray, width: int, place: int = 0) -> AnyArray:
    """The fields of some bits that bytes are made of, all lowest ones first, each moved to a place.

    Shapes: (…, k) → (…, 8 / width, k), uint8.
    """
    words = packed.reshape(-1).view("<u4")  # numpy shifts single bytes to the left one by one
    up, down, mask = _SHIFTS[width, place]
    moved = np.empty((8 // width, words.size), dtype="<u4")
    np.left_shift(words, up, out=moved[: len(up)])
    np.right_shift(words, down, out=moved[len(up) :])
    moved &= mask
    return _joined(moved.view(np.uint8).reshape(-1, *packed.shape))


def _shifts(width: int, place: int) -> tuple[AnyArray, AnyArray, AnyArray]:
    """How far the fields of a byte go up and down to a place, and what is masked there, of four bytes.

    Shapes: (n_up, 1), (n_down, 1), ().
    """
    bits = range(0, 8, width)
    ways = (
        [place - bit for bit in bits if bit < place],
        [bit - place for bit in bits if bit >= place],
    )
    up, down = (np.array(way, dtype="<u4").reshape(-1, 1) for way in ways)
    return up, down, np.array((((1 << width) - 1) << place) * 0x01010101, dtype="<u4")


_SHIFTS = {
    (width, place): _shifts(width, place) for width, place in ((2, 0), (2, 4), (1, 2), (1, 4))
}


def _four_bits(blocks: AnyArray, at: int) -> AnyArray:
    """q of 32 numbers in 16 bytes. Shape (n, 32), uint8."""
    return _nibbles(_part(blocks, at, 16)).reshape(-1, 32)


def _five_bits(blocks: AnyArray, at: int) -> AnyArray:
    """q of 32 numbers: their upper bits in 4 bytes, then the lower four. Shape (n, 32), uint8."""
    upper = np.unpackbits(_part(blocks, at, 4).reshape(-1), bitorder="little").reshape(-1, 32)
    words = upper.view("<u4")
    words <<= np.uint32(4)
    upper |= _four_bits(blocks, at + 4)
    return upper


def _looked_up(packed: AnyArray, values: AnyArray) -> AnyArray:
    """What four bits stand for, of both halves of bytes. Shapes: (…, k) → (…, 2, k), int8."""
    raw, every = packed.tobytes(), np.arange(256)
    halves = [raw.translate(values[part].tobytes()) for part in (every & 15, every >> 4)]
    return _joined([np.frombuffer(half, np.int8).reshape(packed.shape) for half in halves])


def _less(q: AnyArray, offset: int) -> AnyArray:
    """q − offset, as small signed numbers."""
    signed = q.view(np.int8)
    signed -= np.int8(offset)
    return signed


def _scaled(q: AnyArray, scale: Float32Array, out: Float32Array) -> None:
    """out = scale·q. Shapes: q (n, block), scale (n, runs), one for each run of a block."""
    np.copyto(out, q.reshape(out.shape))
    runs, factors = _beside(out, scale)
    runs *= factors


def _raised(out: Float32Array, least: Float32Array) -> None:
    """out + least, one for each run of a block."""
    runs, summands = _beside(out, least)
    runs += summands


def _beside(out: Float32Array, values: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Views of blocks and of one value for each of their runs, which broadcast.

    A loop over a short run takes longer to begin than to go through, so there the values are repeated,
    once a number. Shapes: out (n, block), values (n, runs).
    """
    length = out.size // values.size
    if length <= _SHORT_RUN:
        return out.reshape(-1), np.repeat(values.reshape(-1), length)
    return out.reshape(*values.shape, length), values[..., None]


def _by_loops(
    name: str,
    blocks: AnyArray,
    out: Float32Array,
    scale: Float32Array,
    least: Float32Array | None = None,
) -> bool:
    """out = scale·q − least by the compiled loops, where they are. Shapes: scale, least (n, runs)."""
    kernel = compiled()
    return kernel is not None and kernel.unpack(_NUMBERS[name], blocks, scale, least, out)


def _q4_0(blocks: AnyArray, out: Float32Array, d: Float32Array) -> None:
    if not _by_loops("Q4_0", blocks, out, d):
        _scaled(_less(_four_bits(blocks, 2), 8), d, out)


def _q4_1(blocks: AnyArray, out: Float32Array, d: Float32Array, smallest: Float32Array) -> None:
    if not _by_loops("Q4_1", blocks, out, d, -smallest):
        _scaled(_four_bits(blocks, 4), d, out)
        _raised(out, smallest)


def _q5_0(blocks: AnyArray, out: Float32Array, d: Float32Array) -> None:
    _scaled(_less(_five_bits(blocks, 2), 16), d, out)


def _q5_1(blocks: AnyArray, out: Float32Array, d: Float32Array, smallest: Float32Array) -> None:
    _scaled(_five_bits(blocks, 4), d, out)
    _raised(out, smallest)


def _q8_0(blocks: AnyArray, out: Float32Array, d: Float32Array) -> None:
    if not _by_loops("Q8_0", blocks, out, d):
        _scaled(blocks[:, 2:].view(np.int8), d, out)


def _iq4_nl(blocks: AnyArray, out: Float32Array, d: Float32Array) -> None:
    _scaled(_looked_up(_part(blocks, 2, 16), _NONLINEAR), d, out)


def _mxfp4(blocks: AnyArray, out: Float32Array) -> None:
    exponent = blocks[:, :1].astype(np.uint32)  # d = 2^(e − 128): the values are twice as large
    tiny = np.uint32(1 << 21) << np.minimum(exponent, 1)
    bits = np.where(exponent < 2, tiny, (exponent - np.uint32(1)) << np.uint32(23))
    _scaled(_looked_up(_part(blocks, 1, 16), _HALVES), bits.view(np.float32), out)


def _q2_k(blocks: AnyArray, out: Float32Array, d: Float32Array, dmin: Float32Array) -> None:
    scales = _nibbles(_part(blocks, 0, 16))  # (n, 2, 16): the scale and the smallest of 16 numbers
    scale, least = d * scales[:, 0], dmin * scales[:, 1]
    if not _by_loops("Q2_K", blocks, out, scale, least):
        _scaled(_fields(_part(blocks, 16, 64).reshape(-1, 2, 32), 2), scale, out)
        _raised(out, -least)


def _q3_k(blocks: AnyArray, out: Float32Array, d: Float32Array) -> None:
    low, high = _part(blocks, 96, 8), _part(blocks, 104, 4)
    scales = _nibbles(low).reshape(-1, 16)
    scales |= _fields(high, 2, 4).reshape(-1, 16)
    scale = d * _less(scales, 32)
    if not _by_loops("Q3_K", blocks, out, scale):
        q = _fields(_part(blocks, 32, 64).reshape(-1, 2, 32), 2).reshape(-1, 8, 32)
        q -= _fields(~_part(blocks, 0, 32), 1, 2)  # where the third bit is missing, four less
        _scaled(q.view(np.int8), scale, out)


def _q4_k(blocks: AnyArray, out: Float32Array, d: Float32Array, dmin: Float32Array) -> None:
    scale, least = _of_eights(blocks, d, dmin)
    if not _by_loops("Q4_K", blocks, out, scale, least):
        _scaled(_nibbles(_part(blocks, 16, 128).reshape(-1, 4, 32)), scale, out)
        _raised(out, -least)


def _q5_k(blocks: AnyArray, out: Float32Array, d: Float32Array, dmin: Float32Array) -> None:
    scale, least = _of_eights(blocks, d, dmin)
    if not _by_loops("Q5_K", blocks, out, scale, least):
        q = _nibbles(_part(blocks, 48, 128).reshape(-1, 4, 32)).reshape(-1, 8, 32)
        q |= _fields(_part(blocks, 16, 32), 1, 4)
        _scaled(q, scale, out)
        _raised(out, -least)


def _q6_k(blocks: AnyArray, out: Float32Array, d: Float32Array) -> None:
    scale = d * _part(blocks, 192, 16).view(np.int8)  # (n, 16)
    if not _by_loops("Q6_K", blocks, out, scale):
        q = _nibbles(_part(blocks, 0, 128).reshape(-1, 2, 64)).reshape(-1, 8, 32)
        q |= _fields(_part(blocks, 128, 64).reshape(-1, 2, 32), 2, 4).reshape(-1, 8, 32)
        _scaled(_less(q, 32), scale, out)


def _iq4_xs(blocks: AnyArray, out: Float32Array, d: Float32Array) -> None:
    upper = blocks[:, 2:4].view("<u2").astype(np.uint16) >> np.arange(0, 16, 2, dtype=np.uint16)
    lower = blocks[:, 4:8, None] >> np.array([0, 4], np.uint8)  # (n, 4, 2)
    scales = (lower.reshape(-1, 8) & 15) | ((upper & 3).astype(np.uint8) << 4)
    q = _looked_up(_part(blocks, 8, 128).reshape(-1, 8, 16), _NONLINEAR)
    _scaled(q, d * _less(scales, 32), out)


def _of_eights(
    blocks: AnyArray, d: Float32Array, dmin: Float32Array
) -> tuple[Float32Array, Float32Array]:
    """Scales and least values of 8 runs of 32 numbers, of 6 bits each, as numbers. Shapes: (n, 8)."""
    first, second, third = _part(blocks, 4, 12).view("<u4").T  # each (n,): four bytes of a block
    six, four, two = (np.uint32(mask) for mask in (0x3F3F3F3F, 0x0F0F0F0F, 0x30303030))
    words = np.empty((2, len(blocks), 2), dtype="<u4")  # scales, and smallest values
    words[0, :, 0] = first & six
    words[0, :, 1] = (third & four) | ((first >> np.uint32(2)) & two)
    words[1, :, 0] = second & six
    words[1, :, 1] = ((third >> np.uint32(4)) & four) | ((second >> np.uint32(2)) & two)
    scales, smallest = words.view(np.uint8)  # each (n, 8)
    return d * scales, dmin * smallest


# How the blocks of a type are unpacked, and at which of their bytes the float16 stand that it takes.
_BLOCKS: Mapping[str, tuple[Callable[..., None], Sequence[int]]] = {
    "Q4_0": (_q4_0, (0,)),
    "Q4_1": (_q4_1, (0, 2)),
    "Q5_0": (_q5_0, (0,)),
    "Q5_1": (_q5_1, (0, 2)),
    "Q8_0": (_q8_0, (0,)),
    "Q2_K": (_q2_k, (80, 82)),
    "Q3_K": (_q3_k, (108,)),
    "Q4_K": (_q4_k, (0, 2)),
    "Q5_K": (_q5_k, (0, 2)),
    "Q6_K": (_q6_k, (208,)),
    "IQ4_NL": (_iq4_nl, (0,)),
    "IQ4_XS": (_iq4_xs, (0,)),
    "MXFP4": (_mxfp4, ()),
}

_NUMBERS = {one.name: number for number, one in QUANTIZATIONS.items()}  # of ggml
