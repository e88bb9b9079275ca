"""What `attn train` says on its way: a line an epoch, and a small curve at the end."""

from collections.abc import Sequence
from itertools import pairwise

_BARS = "▁▂▃▄▅▆▇█"
_ASCII_BARS = "_.-=+*#@"
_CURVE = 48  # columns of a curve at most


def epoch_text(
    epoch: int,
    epochs: int,
    loss: float,
    *,
    held_out: tuple[str, float] | None = None,
    worst: float | None = None,
    best: bool = False,
) -> str:
    """One epoch in words: `epoch 3/15  loss 0.412  held-out accuracy 0.910  best so far`."""
    parts = [f"epoch {epoch:>{len(str(epochs))}}/{epochs}", f"loss {loss:.4f}"]
    if held_out is not None:
        figure, value = held_out
        parts.append(f"held-out {figure} {value:.3f}")
        if best:
            parts.append("best so far")
    if worst is not None:
        parts.append(f"worst cell off by {worst:.4f}")
    return "  ".join(parts)


def sparkline(values: Sequence[float], *, unicode: bool = True, columns: int = _CURVE) -> str:
    """The values as bars of eight heights, from the least to the greatest; means when they are many.

    >>> sparkline([1.0, 0.5, 0.0])
    '█▅▁'
    """
    bars = _BARS if unicode else _ASCII_BARS
    if len(values) > columns:
        edges = [round(i * len(values) / columns) for i in range(columns + 1)]
        spans = pairwise(edges)
        values = [sum(values[a:b]) / (b - a) for a, b in spans]
    low, high = min(values), max(values)
    if high == low:
        return bars[0] * len(values)
    return "".join(bars[round((v - low) / (high - low) * (len(bars) - 1))] for v in values)


def curve_texts(
    losses: Sequence[float],
    figures: Sequence[float],
    *,
    figure: str = "accuracy",
    unicode: bool = True,
    width: int = 80,
) -> list[str]:
    """The course of a training: a curve of the loss, and one of the held-out figure if any."""
    columns = max(4, min(_CURVE, width - 36))
    arrow = "→" if unicode else "->"
    return [
        f"{name:<17} {sparkline(values, unicode=unicode, columns=columns)} "
        f"{values[0]:.3f} {arrow} {values[-1]:.3f}"
        for name, values in (("loss", losses), (f"held-out {figure}", figures))
        if values
    ]
