"""Decimal numbers in bytes → float32, many at a time, exactly as `np.float32(float(text))` gives.

Most values of a vectors file look like `-0.04857`: a sign or none, at most one digit, a point, and
up to 15 digits. Their digits are read eight at a time as one 64-bit integer (three multiplications
turn eight digits into their number; Lemire, "Quickly parsing eight digits", 2018), and the decimal
integer is divided by a power of ten in float64. Both are below 2^53 and 10^22, so the quotient is
correctly rounded. Every other token goes one by one through a strict grammar.
"""

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from attncli.arrays import BoolArray, Float32Array, FloatArray

# [+-] digits with an optional point, [exponent]: what C writes; no nan, inf, hex, `_`, other digits
NUMBER = re.compile(rb"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NUMBERS = re.compile(rb"(?:" + NUMBER.pattern + rb" )*+")
PAD = 16  # bytes that must lie before the first token

_U64: Any = np.uint64
_ZEROS, _LIMIT, _HIGH = _U64(0x3030303030303030), _U64(0x7676767676767676), _U64(0x8080808080808080)
_SIGNS = np.array([1.0, -1.0])
_MOST_DIGITS = 14  # after the point, so that every number stays below 2^53
_POWERS = 10.0 ** np.arange(_MOST_DIGITS + 1)


def parse_tokens(
    text: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]
) -> tuple[Float32Array, BoolArray]:
    """The values of tokens text[start:end], and which of them are finite numbers.

    Shapes: text (bytes,), of which the first PAD belong to no token; starts, ends and both results
    (n,). A value that is no finite number is 0.
    """
    first = text.take(starts)  # (n,)
    negative = first == ord("-")
    begin = starts + (negative | (first == ord("+")))  # (n,)
    lead = text.take(begin) - np.uint8(ord("0"))  # (n,), wraps above 9 for all but a digit
    has_lead = lead <= 9
    point = begin + has_lead  # (n,)
    digits = ends - point - 1  # (n,) after the point
    plain = (text.take(point) == ord(".")) & (digits >= 1) & (digits <= _MOST_DIGITS)
    plain |= has_lead & (digits == -1)  # one digit and nothing else: 0, 1, -1
    words = _words_of(text)
    number = _eight_digits(words, ends, np.clip(digits, 0, 8), plain)  # (n,)
    longer = np.flatnonzero(digits > 8)
    if len(longer):
        fits = plain[longer]
        more = np.minimum(digits[longer] - 8, 8)
        number[longer] += 1e8 * _eight_digits(words, ends[longer] - 8, more, fits)
        plain[longer] = fits
    lead *= has_lead
    power = _POWERS.take(digits, mode="clip")  # (n,)
    number += lead * power
    number /= power
    number *= _SIGNS.take(negative.view(np.uint8))
    values = number.astype(np.float32)
    odd = np.flatnonzero(~plain)
    if len(odd):
        _parse_odd(text, starts, ends, odd, values, plain)
    return values, plain


def _words_of(text: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """The text as 64-bit integers, with zeros after its end."""
    size = -len(text) % 8 + 8
    return np.concatenate([text, np.zeros(size, dtype=np.uint8)]).view("<u8")


def _eight_digits(
    words: npt.NDArray[np.uint64],
    ends: npt.NDArray[np.int64],
    kept: npt.NDArray[np.int64],
    fits: BoolArray,
) -> FloatArray:
    """The number that the last `kept` (1 to 8) bytes before each end write; clears `fits` elsewhere."""
    at = ends >> 3
    inside = ((ends & 7) << 3).astype(np.uint64)  # (n,) bits of the end's own word before it
    # a shift by 64 gives 0 in numpy, which is what an end on a word's edge needs
    bits = (words.take(at) << (_U64(64) - inside)) | (words.take(at - 1) >> inside)
    bits ^= _ZEROS  # each byte 0…9 when it was a digit
    shift = ((8 - kept) << 3).astype(np.uint64)  # (n,)
    bits >>= shift
    bits <<= shift
    fits &= (((bits + _LIMIT) | bits) & _HIGH) == 0
    bits *= _U64(2561)
    bits >>= _U64(8)
    bits &= _U64(0x00FF00FF00FF00FF)
    bits *= _U64(6553601)
    bits >>= _U64(16)
    bits &= _U64(0x0000FFFF0000FFFF)
    bits *= _U64(42949672960001)
    bits >>= _U64(32)
    numbers: FloatArray = bits.astype(np.float64)
    return numbers


def _parse_odd(
    text: npt.NDArray[np.uint8],
    starts: npt.NDArray[np.int64],
    ends: npt.NDArray[np.int64],
    odd: npt.NDArray[np.intp],
    values: Float32Array,
    fine: BoolArray,
) -> None:
    """Fills in the tokens that are not of the usual form, one by one."""
    data = text.tobytes()
    spans = zip(starts[odd].tolist(), ends[odd].tolist(), strict=True)
    tokens = [data[start:end] for start, end in spans]
    joined = b" ".join(tokens) + b" "
    if len(joined) < 40 * len(tokens) and _NUMBERS.fullmatch(joined) is not None:
        with np.errstate(over="ignore"):
            singles = np.array(list(map(float, tokens))).astype(np.float32)
        fine[odd] = np.isfinite(singles)
        values[odd] = np.where(fine[odd], singles, np.float32(0))
        return
    numbers = [parse_one(token) for token in tokens]
    fine[odd] = [value is not None for value in numbers]
    values[odd] = [0.0 if value is None else value for value in numbers]


def parse_one(token: bytes) -> float | None:
    """The float32 value of one token, or None when it is no number or not finite as float32.

    >>> parse_one(b"-.5"), parse_one(b"1_0"), parse_one(b"1e39")
    (-0.5, None, None)
    """
    if len(token) > 400 or NUMBER.fullmatch(token) is None:
        return None
    value = np.float64(float(token))
    with np.errstate(over="ignore"):
        single = value.astype(np.float32)
    return float(single) if np.isfinite(single) else None


def parse_not_finite(token: bytes) -> float | None:
    """What a token stands for that is no finite float32, or None when it is no number at all.

    >>> parse_not_finite(b"-inf"), parse_not_finite(b"1e39"), parse_not_finite(b"0x10")
    (-inf, inf, None)
    """
    if token.lower().lstrip(b"+-") in (b"nan", b"inf", b"infinity") or (
        len(token) <= 400 and NUMBER.fullmatch(token) is not None
    ):
        with np.errstate(over="ignore"):
            return float(np.float64(float(token)).astype(np.float32))
    return None
