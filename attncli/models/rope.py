"""Rotary positions: how fast each pair of a query's numbers turns, and the turning itself.

The two numbers i and i + n/2 of the turned part are one pair (the layout of Hugging Face). Angles,
cosines and sines are float32 step by step, as the models were trained and as transformers computes
them: in float64 the cosine differs by 1e-5 at position 512.

Sources: Su et al. 2021 (arXiv:2104.09864), equation 34; linear and dynamic scaling, Chen et al. 2023
(arXiv:2306.15595) and the NTK-aware base; YaRN, Peng et al. 2023 (arXiv:2309.00071); LongRoPE, Ding
et al. 2024 (arXiv:2402.13753); the scaling of Llama 3.1, Grattafiori et al. 2024 (arXiv:2407.21783).
"""

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from attncli.arrays import Float32Array
from attncli.errors.wording import quoted
from attncli.models.keys import ConfigKeys

_FASTEST = 1e30  # radians a token: of the longest text they are still numbers of float32
_ALIASES = {"su": "longrope"}  # what Phi-3 called it first


Frequencies = Callable[[int], tuple[Float32Array, float]]
Scaled = tuple[Frequencies, float]


class Rope(NamedTuple):
    """The positions of one kind of layer.

    `tables` gives the cosines and sines of the angles by which each pair of numbers turns at each
    place of a text of n tokens. Shapes: n → (n, n_turned / 2) twice. `factor` is how much longer a
    text may be than at the first training.
    """

    kind: str
    theta: float
    tables: Callable[[int], tuple[Float32Array, Float32Array]]
    factor: float = 1.0

    def turned(self, rows: Float32Array, start: int = 0) -> Float32Array:
        """The rows of queries or keys, each turned by its place; numbers beyond the pairs stay.

        Shapes: (…, n, d_k) → (…, n, d_k). `start` is the place of the first row.
        """
        cos, sin = (table[start:] for table in self.tables(start + rows.shape[-2]))
        half = cos.shape[-1]
        first, second = rows[..., :half], rows[..., half : 2 * half]
        out = np.array(rows)
        out[..., :half] = first * cos - second * sin
        out[..., half : 2 * half] = second * cos + first * sin
        return out


class Reach(NamedTuple):
    """The longest text of a model, and that of its first training where it is told elsewhere."""

    now: int
    first: int | None = None


def read_rope(keys: ConfigKeys, n_turned: int, theta: float, reach: Reach) -> Rope:
    """The rope that a flat object of parameters says (rope_parameters, rope_scaling).

    `theta` is the base where the object has none. Raises: DataError for a kind that is not known,
    or values that are missing or out of range.
    """
    kind = keys.given.get("rope_type") or keys.given.get("type") or "default"
    share = keys.optional_number("partial_rotary_factor")
    kind = _ALIASES.get(kind, kind) if isinstance(kind, str) else kind
    if not isinstance(kind, str) or kind not in _KINDS:
        raise keys.fault(f"rope_type is {quoted(str(kind))}, expected one of {', '.join(_KINDS)}")
    if kind not in ("default", "proportional") and share not in (None, 1.0):
        raise keys.fault(f"partial_rotary_factor is {share:g}, expected none: all of a head turns")
    if n_turned % 2 or n_turned < 2:
        raise keys.fault(f"{n_turned} numbers of a head turn, expected an even number of them")
    base = keys.number("rope_theta", default=theta)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        frequencies, factor = _KINDS[kind](keys, n_turned, base, reach)
        speeds, _ = frequencies(1)
    if not (np.abs(speeds) < _FASTEST).all():
        raise keys.fault(f"a rope of the base {base:g} turns too fast to be computed")
    return Rope(kind, base, _tables(frequencies), factor)


def expect_rounded_ends(*places: ConfigKeys) -> None:
    """Raises: DataError where the ramp of a yarn for one kind of layers is not to end at whole pairs.

    transformers reads truncate beside the kinds of layers and leaves it out where it belongs.
    """
    for keys in places:
        if (value := keys.given.get("truncate", True)) is not True:
            raise keys.fault(
                f"truncate is {quoted(str(value))}, expected none for some layers alone"
            )


def _tables(frequencies: Frequencies) -> Callable[[int], tuple[Float32Array, Float32Array]]:
    """The cosines and sines of texts by their length; those of the last lengths are remembered."""

    @lru_cache(maxsize=4)
    def tables(n: int) -> tuple[Float32Array, Float32Array]:
        speeds, scale = frequencies(n)
        angles = np.arange(n, dtype=np.float32)[:, None] * speeds  # (n, n_turned / 2)
        cos, sin = np.cos(angles), np.sin(angles)
        if scale != 1.0:
            cos *= np.float32(scale)
            sin *= np.float32(scale)
        return cos, sin

    return tables


def _plain(n_turned: int, theta: float) -> Float32Array:
    """1 / theta^(2i/n). Shape (n_turned / 2,)."""
    return np.float32(1) / _powers(n_turned, theta)


def _powers(n_turned: int, theta: float) -> Float32Array:
    exponents = np.arange(0, n_turned, 2, dtype=np.float32) / np.float32(n_turned)
    return np.asarray(np.float32(theta) ** exponents, dtype=np.float32)


def _first(keys: ConfigKeys, reach: Reach) -> int:
    """The longest text of the first training."""
    inner = keys.size("original_max_position_embeddings", default=reach.now)
    return inner if reach.first is None else reach.first


def _needed(keys: ConfigKeys, name: str) -> float:
    """A number that a kind of scaling cannot do without. Raises: DataError."""
    value = keys.optional_number(name)
    if value is None:
        raise keys.fault(f"{name} is missing")
    return value


def _unless_zero(keys: ConfigKeys, name: str) -> float | None:
    """A number above 0; None where there is none, and for 0, which transformers reads as none."""
    value = keys.given.get(name)
    return None if value == 0 and not isinstance(value, bool) else keys.optional_number(name)


def _default(keys: ConfigKeys, n: int, theta: float, reach: Reach) -> Scaled:
    speeds = _plain(n, theta)
    return (lambda length: (speeds, 1.0)), 1.0


def _linear(keys: ConfigKeys, n: int, theta: float, reach: Reach) -> Scaled:
    factor = _needed(keys, "factor")
    speeds = _plain(n, theta) / np.float32(factor)
    return (lambda length: (speeds, 1.0)), factor


def _dynamic(keys: ConfigKeys, n: int, theta: float, reach: Reach) -> Scaled:
    factor = _needed(keys, "factor")
    if n < 4:
        raise keys.fault(f"dynamic scaling of {n} numbers, expected 4 or more")

    def frequencies(length: int) -> tuple[Float32Array, float]:
        stretch = factor * max(length, reach.now) / reach.now - (factor - 1)
        return _plain(n, theta * stretch ** (n / (n - 2))), 1.0

    return frequencies, factor


def _llama3(keys: ConfigKeys, n: int, theta: float, reach: Reach) -> Scaled:
    factor, first = _needed(keys, "factor"), _first(keys, reach)
    low, high = _needed(keys, "low_freq_factor"), _needed(keys, "high_freq_factor")
    if low == high:
        raise keys.fault("low_freq_factor and high_freq_factor are the same, expected two numbers")
    speeds = _plain(n, theta)
    waves = np.float32(2 * math.pi) / speeds
    scaled = np.where(waves > first / low, speeds / np.float32(factor), speeds)
    smooth = (np.float32(first) / waves - np.float32(low)) / np.float32(high - low)
    mixed = (np.float32(1) - smooth) * scaled / np.float32(factor) + smooth * scaled
    is_between = (waves >= first / high) & (waves <= first / low)
    speeds = np.where(is_between, mixed, scaled)
    return (lambda length: (speeds, 1.0)), factor


def _yarn(keys: ConfigKeys, n: int, theta: float, reach: Reach) -> Scaled:
    first = _first(keys, reach)
    factor = keys.optional_number("factor") or reach.now / first
    fast, slow = _unless_zero(keys, "beta_fast") or 32.0, _unless_zero(keys, "beta_slow") or 1.0
    if theta <= 1:
        raise keys.fault(f"yarn with a rope_theta of {theta:g}, expected more than 1")

    def place(turns: float) -> float:
        """The pair that turns so often in the first training's length."""
        return n * math.log(first / (turns * 2 * math.pi)) / (2 * math.log(theta))

    start, end = place(fast), place(slow)
    has_null = "truncate" in keys.given and keys.given["truncate"] is None
    if not has_null and keys.flag("truncate", default=True):
        start, end = math.floor(start), math.ceil(end)
    start, end = max(start, 0), min(end, n - 1)
    if start == end:
        end += 0.001
    ramp = (np.arange(n // 2, dtype=np.float32) - np.float32(start)) / np.float32(end - start)
    kept = np.float32(1) - np.clip(ramp, np.float32(0), np.float32(1))
    powers = _powers(n, theta)
    slowed = np.float32(1) / (np.float32(factor) * powers)
    speeds = slowed * (np.float32(1) - kept) + np.float32(1) / powers * kept
    attention = _yarn_attention(keys, factor)
    return (lambda length: (speeds, attention)), factor


def _yarn_attention(keys: ConfigKeys, factor: float) -> float:
    """The factor on cosine and sine: as given, or 0.1·ln(factor) + 1."""
    if (given := keys.optional_number("attention_factor")) is not None:
        return given

    def grown(scale: float = 1.0) -> float:
        return 1.0 if factor <= 1 else 0.1 * scale * math.log(factor) + 1.0

    scale, scale_of_all = _unless_zero(keys, "mscale"), _unless_zero(keys, "mscale_all_dim")
    if scale is None or scale_of_all is None:
        return grown()
    return grown(scale) / grown(scale_of_all)


def _longrope(keys: ConfigKeys, n: int, theta: float, reach: Reach) -> Scaled:
    first = _first(keys, reach)
    factor = keys.optional_number("factor") or reach.now / first
    given = keys.optional_number("attention_factor")
    attention = (
        1.0 if factor <= 1 or first < 2 else math.sqrt(1 + math.log(factor) / math.log(first))
    )
    powers = _powers(n, theta)
    short, long = (
        np.float32(1) / (np.array(keys.numbers(f"{name}_factor", n // 2), np.float32) * powers)
        for name in ("short", "long")
    )
    scale = attention if given is None else given
    return (lambda length: (long if length > first else short, scale)), factor


def _proportional(keys: ConfigKeys, n: int, theta: float, reach: Reach) -> Scaled:
    """The first pairs turn as if all did, the others not at all; partial_rotary_factor is their share."""
    factor = keys.number("factor", default=1.0)
    share = keys.number("partial_rotary_factor", default=1.0)
    if share > 1:
        raise keys.fault(f"partial_rotary_factor is {share:g}, expected at most 1")
    speeds = _plain(n, theta)
    speeds[int(share * n // 2) :] = 0
    speeds /= np.float32(factor)
    return (lambda length: (speeds, 1.0)), factor


_KINDS: Mapping[str, Callable[[ConfigKeys, int, float, Reach], Scaled]] = {
    "default": _default,
    "linear": _linear,
    "dynamic": _dynamic,
    "llama3": _llama3,
    "yarn": _yarn,
    "longrope": _longrope,
    "proportional": _proportional,
}
