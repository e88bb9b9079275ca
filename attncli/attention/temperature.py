"""The temperature that gives a wanted mean self-weight."""

import math

import numpy as np

from attncli.arrays import BoolArray, FloatArray
from attncli.attention.core import masked, softmax

_GRID = np.linspace(-12, 12, 193)  # natural logarithm of the temperature over the scores' spread
_STEPS = 200


def mean_self_weight(scores: FloatArray, mask: BoolArray | None = None) -> float:
    """The mean weight that tokens give themselves. Shapes: scores and mask (n_tokens, n_tokens)."""
    weights = softmax(masked(scores, mask).copy())  # (n_tokens, n_tokens)
    return float(np.diagonal(weights).mean())


def solve_temperature(
    scores: FloatArray, target: float, mask: BoolArray | None = None
) -> float | None:
    """τ such that softmax(scores / τ) has the mean self-weight `target`, or None if no τ has.

    Shapes: scores and mask (n_tokens, n_tokens), float64. The mean self-weight tends to the share of
    rows whose own score is the highest as τ → 0, and to the uniform weight as τ → ∞; between them it
    need not be monotone, so the crossing nearest to τ = 1 is taken, then bisected.
    """
    spread = float(np.ptp(scores))
    if spread == 0 or not math.isfinite(spread):
        reached = mean_self_weight(scores, mask)
        return 1.0 if abs(reached - target) < 1e-9 else None
    logs = _GRID + math.log(spread)
    gaps = [mean_self_weight(scores / math.exp(log), mask) - target for log in logs]
    crossings = [i for i in range(len(gaps) - 1) if gaps[i] * gaps[i + 1] <= 0]
    if not crossings:
        return None
    first = min(crossings, key=lambda i: abs(logs[i]))
    return math.exp(_bisected(scores, target, mask, logs[first], logs[first + 1]))


def self_weight_range(scores: FloatArray, mask: BoolArray | None = None) -> tuple[float, float]:
    """The smallest and the largest mean self-weight that some temperature gives."""
    spread = float(np.ptp(scores)) or 1.0
    reached = [mean_self_weight(scores / math.exp(log) / spread, mask) for log in _GRID]
    return min(reached), max(reached)


def _bisected(
    scores: FloatArray, target: float, mask: BoolArray | None, low: float, high: float
) -> float:
    rising = mean_self_weight(scores / math.exp(low), mask) < target
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if (mean_self_weight(scores / math.exp(middle), mask) < target) == rising:
            low = middle
        else:
            high = middle
    return (low + high) / 2
