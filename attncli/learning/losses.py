"""Losses, each with its own gradient."""

import numpy as np

from attncli.arrays import Float32Array, FloatArray, IntArray
from attncli.attention.core import softmax


def cross_entropy(
    logits: FloatArray,
    labels: IntArray,
    *,
    label_weights: FloatArray | None = None,
    smoothing: float = 0.0,
) -> tuple[float, FloatArray]:
    """The mean cross-entropy of the labels, averaged over a committee, and d_logits of its sum.

    Shapes: logits (committee, B, n_labels), labels (B,), label_weights (n_labels,) → d_logits like
    logits. Members learn on their own, so the gradient is that of the sum of their losses.
    `smoothing` spreads that share of the aim over all labels (Szegedy et al. 2016, section 7).
    """
    members, n_batch, n_labels = logits.shape
    probabilities = softmax(logits.copy(), may_be_empty=False)  # (committee, B, n_labels)
    each = np.arange(n_batch)
    aim = np.full((n_batch, n_labels), smoothing / n_labels, dtype=logits.dtype)  # (B, n_labels)
    aim[each, labels] += 1.0 - smoothing
    importance = np.ones(n_batch, dtype=logits.dtype)
    if label_weights is not None:
        importance = label_weights.astype(logits.dtype)[labels]
    importance /= n_batch
    tiny = np.finfo(logits.dtype).tiny
    logs = np.log(np.maximum(probabilities, tiny))  # (committee, B, n_labels)
    loss = -float(((logs * aim).sum(axis=-1) * importance).sum()) / members
    d_logits = (probabilities - aim) * importance[:, None]  # (committee, B, n_labels)
    return loss, d_logits


def weights_loss(weights: FloatArray, given: FloatArray) -> tuple[float, FloatArray, float]:
    """How far the mean weights of the heads are from the given rows: Kullback-Leibler divergence.

    Shapes: weights (B, n_heads, n, n); given (B, n, n), rows of NaN are not given.
    → the mean over given rows, d_weights, and the greatest difference in any given cell.
    """
    heads = weights.shape[1]
    mean = weights.mean(axis=1)  # (B, n, n)
    known = ~np.isnan(given)
    aim = np.where(known, given, 0.0).astype(weights.dtype)  # (B, n, n)
    rows = max(1, int(known.any(axis=-1).sum()))
    tiny = np.finfo(weights.dtype).tiny
    safe = np.maximum(mean, tiny)
    divergence = aim * (np.log(np.maximum(aim, tiny)) - np.log(safe))
    d_mean = np.where(mean > 0, -(aim / safe) / rows, 0)  # (B, n, n); a masked cell cannot move
    d_weights = np.repeat(d_mean[:, None] / heads, heads, axis=1)  # (B, n_heads, n, n)
    worst = float(np.abs(np.where(known, mean - aim, 0.0)).max(initial=0.0))
    return float(divergence.sum()) / rows, d_weights, worst


def balanced_label_weights(labels: IntArray, n_labels: int, balance: float) -> Float32Array:
    """How much an example of each label counts: (1 / its share)^balance, 1 on average.

    Shape (n_labels,). `balance` 0 counts all examples alike, 1 gives each label the same say.
    """
    counts = np.maximum(np.bincount(labels, minlength=n_labels), 1)  # (n_labels,)
    raw = (len(labels) / (n_labels * counts)) ** balance
    return np.asarray(raw / ((raw * counts).sum() / counts.sum()), dtype=np.float32)
