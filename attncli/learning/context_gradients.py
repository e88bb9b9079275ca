"""The context that a read-out sees, weights times values, and its gradients.

`target_context` reads the row of one token, `pooled_context` the rows of all, pooled. Both end in
the same sum of values under one row of weights for each head: `_Sum`.
"""

from dataclasses import dataclass

import numpy as np

from attncli.arrays import BoolArray, FloatArray, IntArray
from attncli.attention.core import softmax
from attncli.attention.parameters import Architecture
from attncli.attention.products import product
from attncli.learning.minibatches import Batch
from attncli.learning.passes import Pass
from attncli.learning.score_gradients import VectorsBackward, all_scores, target_scores
from attncli.learning.slopes import Gradients


def softmax_backward(weights: FloatArray, d_weights: FloatArray) -> FloatArray:
    """d_scores of weights = softmax(scores): w·(d_w − Σ w·d_w) in each row. Shapes kept."""
    d_scores = weights * d_weights
    d_scores -= weights * d_scores.sum(axis=-1, keepdims=True)
    return d_scores


@dataclass(frozen=True, slots=True, eq=False)
class _Sum:
    """The values of each sentence summed under a row of weights for each head, with dropout.

    rows (B, all_heads, n): the weights after dropout. dropped: its factors, of the same shape.
    """

    given: Pass
    rows: FloatArray
    dropped: FloatArray | None

    @classmethod
    def under(cls, rows: FloatArray, given: Pass) -> "_Sum":
        """The sum under these rows (B, all_heads, n), of which dropout takes some weights."""
        dropped = given.dropped_weights(rows)
        return cls(given, rows if dropped is None else rows * dropped, dropped)

    def context(self) -> FloatArray:
        """The sums, (all_heads, B, width)."""
        context: FloatArray = product(self.rows, self.given.values).transpose(1, 0, 2)
        return context

    def d_rows(self, d_context: FloatArray) -> FloatArray:
        """d_context (all_heads, B, width) → the slope of the rows (B, all_heads, n)."""
        d_by_sentence = d_context.transpose(1, 0, 2)  # (B, all_heads, width)
        d_rows: FloatArray = product(d_by_sentence, self.given.values.transpose(0, 2, 1))
        if self.dropped is not None:
            d_rows *= self.dropped
        return d_rows

    def d_vectors(self, d_context: FloatArray) -> FloatArray:
        """d_context (all_heads, B, width) → what the values add to d_vectors (B, n, d_model)."""
        own = d_context.transpose(1, 0, 2)[..., : self.given.architecture.d_model]
        d_vectors: FloatArray = product(self.rows.transpose(0, 2, 1), own)
        return d_vectors


def target_context(given: Pass) -> tuple[FloatArray, FloatArray, VectorsBackward]:
    """The mean of the values under each target's weights: context (all_heads, B, width)."""
    targets = _required(given.batch.targets)
    if given.architecture.positions == "rope":
        scores, scores_back = all_scores(given, targets[:, None])
    else:
        groups = _target_groups(given.batch, given.architecture)
        scores, scores_back = target_scores(given, targets, groups)
    weights = _weights(scores, targets[:, None], given)  # (B, all_heads, 1, n)
    rows = weights[:, :, 0]  # (B, all_heads, n)
    total = _Sum.under(rows, given)

    def backward(d_context: FloatArray, gradients: Gradients) -> FloatArray | None:
        d_scores = softmax_backward(rows, total.d_rows(d_context))  # (B, all_heads, n)
        d_vectors = scores_back(d_scores[:, :, None], gradients)
        if d_vectors is not None:
            d_vectors += total.d_vectors(d_context)
        return d_vectors

    return total.context(), weights, backward


def pooled_context(given: Pass) -> tuple[FloatArray, FloatArray, VectorsBackward]:
    """The mean of the values under pooled weights α·A: context (all_heads, B, width).

    α is even over the sentence's tokens, or softmax of each new embedding's product with `pool`.
    """
    if given.architecture.readout == "attention":
        return _pooled_by_query(given)
    weights, scores_back = all_weights(given)
    share = _even_share(given, weights)  # (B, 1, n)
    total = _Sum.under(product(share[:, :, None], weights)[:, :, 0], given)

    def backward(d_context: FloatArray, gradients: Gradients) -> FloatArray | None:
        d_pooled = total.d_rows(d_context)  # (B, all_heads, n)
        seen = product(weights, d_pooled[..., None])[..., 0]  # (B, all_heads, n)
        d_scores = d_pooled[:, :, None] - seen[..., None]  # (B, all_heads, n, n)
        d_scores *= share[..., None]
        d_scores *= weights
        d_vectors = scores_back(d_scores, gradients)
        if d_vectors is not None:
            d_vectors += total.d_vectors(d_context)
        return d_vectors

    return total.context(), weights, backward


def _pooled_by_query(given: Pass) -> tuple[FloatArray, FloatArray, VectorsBackward]:
    """Pooling by α = softmax(A·s), where s = X·W_v·pool is the salience of each token."""
    values, pool, W_v = given.values, given.parameters["pool"], given.parameters["W_v"]
    weights, scores_back = all_weights(given)
    direction, salience, share = _asked_share(given, weights)
    total = _Sum.under(product(share[:, :, None], weights)[:, :, 0], given)

    def backward(d_context: FloatArray, gradients: Gradients) -> FloatArray | None:
        d_pooled = total.d_rows(d_context)  # (B, all_heads, n)
        d_share = product(weights, d_pooled[..., None])[..., 0]  # (B, all_heads, n)
        d_logits = softmax_backward(share, d_share)  # (B, all_heads, n)
        d_salience = product(d_logits[:, :, None], weights)[:, :, 0]  # (B, all_heads, n)
        d_direction = product(d_salience, values).sum(axis=0)  # (all_heads, width)
        gradients.add("W_v", d_direction[:, :, None] * pool[:, None, :])
        gradients.add("pool", product(d_direction[:, None], W_v)[:, 0])

        # softmax_backward of d_weights = α·d_pooled + d_logits·s, which takes two outer products
        mean = product(weights, salience[..., None])[..., 0]  # (B, all_heads, n): Σ w·s
        left = np.stack([share, d_logits], axis=-1)  # (B, all_heads, n, 2)
        d_scores = product(left, np.stack([d_pooled, salience], axis=-2))  # (B, all_heads, n, n)
        d_scores -= (share * d_share + d_logits * mean)[..., None]
        d_scores *= weights
        d_vectors = scores_back(d_scores, gradients)
        if d_vectors is not None:
            d_vectors += total.d_vectors(d_context)
            own = direction[:, : given.architecture.d_model]
            d_vectors += product(d_salience.transpose(0, 2, 1), own)
        return d_vectors

    return total.context(), weights, backward


def read_rows(given: Pass) -> FloatArray:
    """The row of weights under which each head's values are summed: (B, all_heads, n)."""
    if given.architecture.readout == "target":
        return target_context(given)[1][:, :, 0]
    weights, _ = all_weights(given)
    even = given.architecture.readout == "mean"
    share = _even_share(given, weights) if even else _asked_share(given, weights)[2]
    rows: FloatArray = product(share[:, :, None], weights)[:, :, 0]
    return rows


def _even_share(given: Pass, weights: FloatArray) -> FloatArray:
    """The same share of each token of a sentence, (B, 1, n)."""
    even = _inside(given.batch) / given.batch.lengths[:, None]  # (B, n)
    return even.astype(weights.dtype)[:, None]


def _asked_share(given: Pass, weights: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """W_v·pool (all_heads, width), the salience s of each token and its share α (B, all_heads, n)."""
    pool, W_v = given.parameters["pool"], given.parameters["W_v"]
    direction = product(W_v, pool[:, :, None])[:, :, 0]  # (all_heads, width)
    salience = product(given.values, direction.T).transpose(0, 2, 1)  # (B, all_heads, n)
    logits = product(weights, salience[..., None])[..., 0]  # (B, all_heads, n)
    outside = np.where(_inside(given.batch), logits.dtype.type(0), logits.dtype.type(-np.inf))
    logits += outside[:, None]
    return direction, salience, softmax(logits, may_be_empty=False)


def all_weights(given: Pass) -> tuple[FloatArray, VectorsBackward]:
    """Every token's weights (B, all_heads, n, n), and the way back from the scores."""
    n_batch, n_tokens, _ = given.vectors.shape
    places = np.broadcast_to(np.arange(n_tokens), (n_batch, n_tokens))
    scores, scores_back = all_scores(given, places)
    return _weights(scores, places, given), scores_back


def _weights(scores: FloatArray, places: IntArray, given: Pass) -> FloatArray:
    """softmax of the scores (B, all_heads, m, n) under padding, dropped words, causal, window."""
    architecture = given.architecture
    hidden: BoolArray = given.batch.hidden[:, None, :]  # (B, 1, n)
    limited = architecture.causal or architecture.window is not None
    if limited:
        distance = np.arange(scores.shape[-1]) - places[:, :, None]  # (B, m, n)
        if architecture.causal:
            hidden = hidden | (distance > 0)
        if architecture.window is not None:
            hidden = hidden | (np.abs(distance) > architecture.window)
    if hidden.any():
        forbidden = np.where(hidden, scores.dtype.type(-np.inf), scores.dtype.type(0))
        scores += forbidden[:, None]
    return softmax(scores, may_be_empty=limited)


def _inside(batch: Batch) -> BoolArray:
    """Which places are tokens and no padding, (B, n)."""
    inside: BoolArray = np.arange(batch.vectors.shape[1]) < batch.lengths[:, None]
    return inside


def _target_groups(batch: Batch, architecture: Architecture) -> tuple[IntArray, IntArray]:
    """Sentences that stand for the distinct target vectors, and which of them each has."""
    rows = _required(batch.target_rows)
    if architecture.positions in ("sinusoidal", "learned"):
        own = np.arange(len(rows))
        return own, own
    if (rows == rows[0]).all():
        return np.zeros(1, dtype=np.intp), np.zeros(len(rows), dtype=np.intp)
    _, first, member = np.unique(rows, return_index=True, return_inverse=True)
    return first, member


def _required(array: IntArray | None) -> IntArray:
    if array is None:
        raise ValueError("this read-out needs the place of each target")
    return array
