"""The temperature that gives a wanted mean self-weight."""

import math

import numpy as np

from attncli.arrays import BoolArray, FloatArray
from attncli.attention.core import masked

_GRID = np.linspace(-12, 12, 97)  # natural logarithm of the temperature over the scores' spread
_STEPS = 60  # halvings of a step of the grid, down to the precision of float64


def solve_temperature(
    scores: FloatArray, target: float, mask: BoolArray | None = None
) -> float | None:
    """τ such that softmax(scores / τ) has the mean self-weight `target`, or None if no τ has.

    Shapes: scores and mask (n_tokens, n_tokens), float64. The mean self-weight tends to the share of
    rows whose own score is the highest as τ → 0, and to the uniform weight as τ → ∞; between them it
    need not be monotone, so the crossing nearest to τ = 1 is taken, then bisected.
    """
    leads, n_tokens = _leads(scores, mask)
    spread = _spread(leads)
    if spread == 0:
        return 1.0 if abs(_mean(leads, n_tokens, 1.0) - target) < 1e-9 else None
    logs = _GRID + math.log(spread)
    gaps = [_mean(leads, n_tokens, math.exp(log)) - target for log in logs]
    crossings = [i for i in range(len(gaps) - 1) if gaps[i] * gaps[i + 1] <= 0]
    if not crossings:
        return None
    first = min(crossings, key=lambda i: abs(logs[i]))
    low, high = float(logs[first]), float(logs[first + 1])
    for _ in range(_STEPS):
        middle = (low + high) / 2
        below = _mean(leads, n_tokens, math.exp(middle)) < target
        low, high = (middle, high) if below == (gaps[first] < 0) else (low, middle)
    return math.exp((low + high) / 2)


def self_weight_range(scores: FloatArray, mask: BoolArray | None = None) -> tuple[float, float]:
    """The smallest and the largest mean self-weight that some temperature gives."""
    leads, n_tokens = _leads(scores, mask)
    spread = _spread(leads) or 1.0
    reached = [_mean(leads, n_tokens, spread * math.exp(log)) for log in _GRID]
    return min(reached), max(reached)


def _leads(scores: FloatArray, mask: BoolArray | None) -> tuple[FloatArray, int]:
    """By how much each score exceeds the score of the row's own word, and the number of tokens.

    Rows that do not see themselves are left out.

    Shapes: scores and mask (n_tokens, n_tokens) → (rows, n_tokens), −inf where masked.
    """
    own = np.diagonal(scores)[:, None]  # (n_tokens, 1)
    leads = masked(scores - own, mask)  # (n_tokens, n_tokens)
    return (leads if mask is None else leads[np.diagonal(mask)]), len(scores)


def _mean(leads: FloatArray, n_tokens: int, temperature: float) -> float:
    """The mean of the self-weights 1 / Σ exp(lead / τ); a row that does not see itself gives 0."""
    with np.errstate(over="ignore"):  # a lead that overflows leaves no weight: 1 / inf = 0
        totals = np.exp(leads / temperature).sum(axis=-1)  # (rows,)
    return float((1.0 / totals).sum() / n_tokens)


def _spread(leads: FloatArray) -> float:
    return float(np.abs(leads[np.isfinite(leads)]).max(initial=0.0))
