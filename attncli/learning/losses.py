"""Losses, each with its own gradient."""

import numpy as np

from attncli.arrays import BoolArray, Float32Array, FloatArray, IntArray
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


def squared_error(cosines: FloatArray, scores: FloatArray) -> tuple[float, FloatArray]:
    """The mean square of cosine − score over pairs, averaged over a committee, and d_cosines of its sum.

    Shapes: cosines (committee, B), scores (B,) → d_cosines like cosines. Source: Reimers and
    Gurevych 2019, arXiv:1908.10084, section 3 (regression objective).
    """
    members, n_batch = cosines.shape
    apart = cosines - scores.astype(cosines.dtype)  # (committee, B)
    return float(np.square(apart).sum()) / (n_batch * members), apart * (2.0 / n_batch)


def contrastive(
    cosines: FloatArray, temperature: float, same: BoolArray | None = None
) -> tuple[float, FloatArray]:
    """The cross-entropy of each sentence's own partner among all of the batch, both ways.

    Shapes: cosines (committee, B, B), same (B, B) → the mean of the ways, averaged over a committee,
    and d_cosines of its sum. Row i are the cosines of the first sentence of pair i with the second
    ones of all pairs; the softmax is over cosines ÷ temperature, along rows and along columns. A
    pair that shares a sentence with another (`same`) is no wrong partner of it and is left out.
    Sources: Henderson et al. 2017, arXiv:1705.00652, section 4.4 (the other answers of a batch);
    van den Oord et al. 2018, arXiv:1807.03748, equation 4 (InfoNCE); both ways as in Radford et al.
    2021, arXiv:2103.00020, figure 3.
    """
    members, n_batch = cosines.shape[:2]
    own = np.eye(n_batch, dtype=np.bool_)
    scores = cosines / cosines.dtype.type(temperature)
    if same is not None:
        scores[:, same & ~own] = -np.inf
    tiny = np.finfo(cosines.dtype).tiny
    loss, d_cosines = 0.0, np.zeros_like(cosines)
    for turned in (False, True):
        way = np.ascontiguousarray(scores.swapaxes(1, 2)) if turned else scores.copy()
        shares = softmax(way, may_be_empty=False)  # (committee, B, B)
        right = shares[:, own]  # (committee, B)
        loss -= float(np.log(np.maximum(right, tiny)).sum())
        slope = shares - own
        d_cosines += slope.swapaxes(1, 2) if turned else slope
    d_cosines *= 0.5 / (n_batch * temperature)
    return 0.5 * loss / (n_batch * members), d_cosines


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
