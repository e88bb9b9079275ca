"""Forward and backward of a whole model for a batch: closed-form gradients, numpy only.

The read-outs see new embeddings only through sums over the weights: for a target, w·(X·W_v) is
(w·X)·W_v, and pooling the rows of A·(X·W_v) by α is ((α·A)·X)·W_v. So values and new embeddings are
never computed while learning. The numbers equal those of `attention.projections.task_attention`;
the weights come from the same `attention.core` functions. With landmarks values are made of rows
[X F] of the width d_model + landmarks, and the batch has these rows (`learning.landmarks`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from attncli.arrays import BoolArray, FloatArray, IntArray
from attncli.attention.core import softmax
from attncli.attention.positions import sinusoidal
from attncli.attention.products import product
from attncli.learning.batches import Batch
from attncli.learning.members import shares
from attncli.learning.parameters import Architecture, Parameters
from attncli.learning.score_gradients import ScoresBackward, all_scores, target_scores

# d_context (all_heads, B, width), gradients → d_vectors or None
ContextBackward: TypeAlias = Callable[[FloatArray, Parameters, bool], FloatArray | None]
Backward: TypeAlias = Callable[[FloatArray, Parameters], None]


@dataclass(frozen=True, slots=True, eq=False)
class Noise:
    """Dropout while learning: the rates at which weights, and inputs of the read-out, become zero.

    What stays is divided by 1 − rate (Srivastava et al. 2014), so that sums keep their mean.
    """

    rng: np.random.Generator
    weights: float = 0.0
    readout: float = 0.0

    def kept(self, rate: float, like: FloatArray) -> FloatArray | None:
        """Factors of the shape of `like`: zero at the rate, else 1/(1 − rate); None for rate 0."""
        if not rate:
            return None
        alive = self.rng.random(like.shape, dtype=np.float32) >= rate
        return alive.astype(like.dtype) * like.dtype.type(1.0 / (1.0 - rate))


@dataclass(frozen=True, slots=True, eq=False)
class Forward:
    """What a batch gives: logits (committee, B, n_labels), weights (B, all_heads, m, n).

    `backward(d_logits, gradients)` fills `gradients`; for the read-out "weights" it takes d_weights.
    """

    logits: FloatArray | None
    weights: FloatArray
    backward: Backward


def forward(
    parameters: Parameters,
    architecture: Architecture,
    batch: Batch,
    *,
    noise: Noise | None = None,
) -> Forward:
    """The logits and weights of a batch, and the way back; `noise` only while learning."""
    if batch.views > 1:
        return _by_views(parameters, architecture, batch, noise)
    vectors, values = _vectors_and_values(batch, parameters, architecture)
    learns_places = architecture.positions == "learned"
    if architecture.readout == "target":
        context, weights, back = _target_context(
            vectors, values, batch, parameters, architecture, noise
        )
    else:
        weights, scores_back = _all_weights(vectors, batch, parameters, architecture)
        if architecture.readout == "weights":
            return Forward(None, weights, _weights_only(weights, scores_back, learns_places))
        context, back = _pooled(
            vectors, values, weights, scores_back, batch, parameters, architecture, noise
        )
    logits, readout_back = _read_out(context, parameters, architecture, noise)

    def backward(d_logits: FloatArray, gradients: Parameters) -> None:
        d_context = readout_back(d_logits, gradients)
        d_vectors = back(d_context, gradients, learns_places)
        if d_vectors is not None:
            _places_backward(d_vectors, gradients)

    return Forward(logits, weights, backward)


def _by_views(
    parameters: Parameters, architecture: Architecture, batch: Batch, noise: Noise | None
) -> Forward:
    """The members of each view on their own, then side by side."""
    parts = list(shares(architecture, batch))
    found = [forward(s.of(parameters), s.architecture, s.batch, noise=noise) for s in parts]

    def backward(d_logits: FloatArray, gradients: Parameters) -> None:
        for share, own in zip(parts, found, strict=True):
            own.backward(d_logits[share.members], share.of(gradients))

    logits = [own.logits for own in found if own.logits is not None]
    return Forward(
        np.concatenate(logits),
        np.concatenate([own.weights for own in found], axis=1),
        backward,
    )


def _vectors_and_values(
    batch: Batch, parameters: Parameters, architecture: Architecture
) -> tuple[FloatArray, FloatArray]:
    """What queries and keys are made of (B, n, d_model), and values (B, n, width): X and [X F]."""
    if not architecture.landmarks:
        vectors = placed_vectors(batch.vectors, parameters, architecture)
        return vectors, vectors
    plain, alike = np.split(batch.vectors, [architecture.d_model], axis=-1)
    vectors = placed_vectors(np.ascontiguousarray(plain), parameters, architecture)
    if architecture.positions in ("sinusoidal", "learned"):
        return vectors, np.concatenate([vectors, alike], axis=-1)
    return vectors, batch.vectors


def placed_vectors(
    vectors: FloatArray, parameters: Parameters, architecture: Architecture
) -> FloatArray:
    """The vectors with what the positions add to them. Shape (B, n, d_model)."""
    n_tokens = vectors.shape[1]
    if architecture.positions == "sinusoidal":
        return vectors + sinusoidal(n_tokens, architecture.d_model).astype(vectors.dtype)
    if architecture.positions == "learned":
        table = parameters["position_table"]
        return vectors + table[np.minimum(np.arange(n_tokens), len(table) - 1)]
    return vectors


def softmax_backward(weights: FloatArray, d_weights: FloatArray) -> FloatArray:
    """d_scores of weights = softmax(scores): w·(d_w − Σ w·d_w) in each row. Shapes kept."""
    d_scores = weights * d_weights
    d_scores -= weights * d_scores.sum(axis=-1, keepdims=True)
    return d_scores


def _target_context(
    vectors: FloatArray,
    values: FloatArray,
    batch: Batch,
    parameters: Parameters,
    architecture: Architecture,
    noise: Noise | None,
) -> tuple[FloatArray, FloatArray, ContextBackward]:
    """The mean of `values` under each target's weights: context (all_heads, B, width)."""
    targets = _required(batch.targets)
    if architecture.positions == "rope":
        scores, scores_back = all_scores(vectors, targets[:, None], parameters, architecture)
    else:
        groups = _target_groups(batch, architecture)
        scores, scores_back = target_scores(vectors, targets, groups, parameters, architecture)
    weights = _weights(scores, batch, targets[:, None], architecture)  # (B, all_heads, 1, n)
    rows = weights[:, :, 0]  # (B, all_heads, n)
    kept = None if noise is None else noise.kept(noise.weights, rows)
    summed = rows if kept is None else rows * kept
    context = product(summed, values).transpose(1, 0, 2)  # (all_heads, B, width)

    def backward(
        d_context: FloatArray, gradients: Parameters, want_vectors: bool
    ) -> FloatArray | None:
        d_by_sentence = d_context.transpose(1, 0, 2)  # (B, all_heads, width)
        d_rows = product(d_by_sentence, values.transpose(0, 2, 1))  # (B, all_heads, n)
        if kept is not None:
            d_rows *= kept
        d_scores = softmax_backward(rows, d_rows)[:, :, None]  # (B, all_heads, 1, n)
        d_vectors = scores_back(d_scores, gradients, want_vectors)
        if d_vectors is not None:
            own = d_by_sentence[..., : architecture.d_model]
            d_vectors += product(summed.transpose(0, 2, 1), own)
        return d_vectors

    return context, weights, backward


def _all_weights(
    vectors: FloatArray, batch: Batch, parameters: Parameters, architecture: Architecture
) -> tuple[FloatArray, ScoresBackward]:
    n_batch, n_tokens, _ = vectors.shape
    places = np.broadcast_to(np.arange(n_tokens), (n_batch, n_tokens))
    scores, scores_back = all_scores(vectors, places, parameters, architecture)
    return _weights(scores, batch, places, architecture), scores_back


def _weights(
    scores: FloatArray, batch: Batch, places: IntArray, architecture: Architecture
) -> FloatArray:
    """softmax of the scores (B, all_heads, m, n) under padding, dropped words, causal, window."""
    hidden: BoolArray = batch.hidden[:, None, :]  # (B, 1, n)
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


def _pooled(
    vectors: FloatArray,
    values: FloatArray,
    weights: FloatArray,
    scores_back: ScoresBackward,
    batch: Batch,
    parameters: Parameters,
    architecture: Architecture,
    noise: Noise | None,
) -> tuple[FloatArray, ContextBackward]:
    """The mean of `values` under pooled weights α·A: context (all_heads, B, width).

    α is even over the sentence's tokens, or softmax of each new embedding's product with `pool`.
    """
    inside = np.arange(vectors.shape[1]) < batch.lengths[:, None]  # (B, n)
    learned = architecture.readout == "attention"
    if learned:
        salience = product(parameters["W_v"], parameters["pool"][:, :, None])[:, :, 0]
        told = product(values, salience.T).transpose(0, 2, 1)  # (B, all_heads, n)
        asked = product(weights, told[..., None])[..., 0]  # (B, all_heads, n)
        asked += np.where(inside, asked.dtype.type(0), asked.dtype.type(-np.inf))[:, None]
        share = softmax(asked, may_be_empty=False)  # (B, all_heads, n)
    else:
        even = inside / batch.lengths[:, None]
        share = even.astype(weights.dtype)[:, None]  # (B, 1, n)
    pooled = product(share[:, :, None], weights)[:, :, 0]  # (B, all_heads, n)
    kept = None if noise is None else noise.kept(noise.weights, pooled)
    summed = pooled if kept is None else pooled * kept
    context = product(summed, values).transpose(1, 0, 2)  # (all_heads, B, width)

    def backward(
        d_context: FloatArray, gradients: Parameters, want_vectors: bool
    ) -> FloatArray | None:
        d_by_sentence = d_context.transpose(1, 0, 2)  # (B, all_heads, width)
        d_pooled = product(d_by_sentence, values.transpose(0, 2, 1))  # (B, all_heads, n)
        if kept is not None:
            d_pooled *= kept
        seen = product(weights, d_pooled[..., None])[..., 0]  # (B, all_heads, n)
        d_told: FloatArray | None = None
        if learned:
            d_asked = softmax_backward(share, seen)  # (B, all_heads, n)
            heard = product(weights, told[..., None])[..., 0]  # (B, all_heads, n)
            left = np.stack([share, d_asked], axis=-1)  # (B, all_heads, n, 2)
            d_scores = product(left, np.stack([d_pooled, told], axis=-2))  # (…, n, n): d_weights
            d_scores -= (share * seen + d_asked * heard)[..., None]
            d_told = product(d_asked[:, :, None], weights)[:, :, 0]  # (B, all_heads, n)
            _salience_backward(d_told, values, parameters, gradients)
        else:
            d_scores = d_pooled[:, :, None] - seen[..., None]  # (B, all_heads, n, n)
            d_scores *= share[..., None]
        d_scores *= weights
        d_vectors = scores_back(d_scores, gradients, want_vectors)
        if d_vectors is not None:
            own = slice(architecture.d_model)
            d_vectors += product(summed.transpose(0, 2, 1), d_by_sentence[..., own])
            if d_told is not None:
                d_vectors += product(d_told.transpose(0, 2, 1), salience[:, own])
        return d_vectors

    return context, backward


def _salience_backward(
    d_told: FloatArray, values: FloatArray, parameters: Parameters, gradients: Parameters
) -> None:
    """Adds what the pooling query says to d_W_v, and sets d_pool."""
    d_salience = product(d_told, values).sum(axis=0)  # (all_heads, width)
    gradients["W_v"][...] += d_salience[:, :, None] * parameters["pool"][:, None, :]
    d_pool = product(d_salience[:, None], parameters["W_v"])  # (all_heads, 1, d_v)
    gradients["pool"][...] = d_pool[:, 0]


def _read_out(
    context: FloatArray,
    parameters: Parameters,
    architecture: Architecture,
    noise: Noise | None,
) -> tuple[FloatArray, Callable[[FloatArray, Parameters], FloatArray]]:
    """Each member's heads side by side, times W_out: logits (committee, B, n_labels)."""
    members, n_batch = architecture.committee, context.shape[1]
    W_v, W_out = parameters["W_v"], parameters["W_out"]
    new = product(context, W_v)  # (all_heads, B, d_v): the new embeddings of the read tokens
    kept = None if noise is None else noise.kept(noise.readout, new)
    if kept is not None:
        new *= kept
    by_member = new.reshape(members, architecture.n_heads, n_batch, architecture.d_v)
    joined = by_member.transpose(0, 2, 1, 3).reshape(members, n_batch, -1)
    logits = product(joined, W_out)  # (committee, B, n_labels)
    logits += parameters["b_out"][:, None]

    def backward(d_logits: FloatArray, gradients: Parameters) -> FloatArray:
        product(joined.transpose(0, 2, 1), d_logits, out=gradients["W_out"])
        gradients["b_out"][...] = d_logits.sum(axis=1)
        d_joined = product(d_logits, W_out.transpose(0, 2, 1))  # (committee, B, heads·d_v)
        d_split = d_joined.reshape(members, n_batch, architecture.n_heads, architecture.d_v)
        d_new = d_split.transpose(0, 2, 1, 3).reshape(new.shape)  # (all_heads, B, d_v)
        if kept is not None:
            d_new = d_new * kept
        product(context.transpose(0, 2, 1), d_new, out=gradients["W_v"])
        d_context: FloatArray = product(d_new, W_v.transpose(0, 2, 1))
        return d_context  # (all_heads, B, width)

    return logits, backward


def _weights_only(
    weights: FloatArray, scores_back: ScoresBackward, learns_places: bool
) -> Backward:
    def backward(d_weights: FloatArray, gradients: Parameters) -> None:
        d_scores = softmax_backward(weights, d_weights)
        d_vectors = scores_back(d_scores, gradients, learns_places)
        if d_vectors is not None:
            _places_backward(d_vectors, gradients)

    return backward


def _places_backward(d_vectors: FloatArray, gradients: Parameters) -> None:
    d_table = gradients["position_table"]  # (max_positions, d_model)
    d_places = d_vectors.sum(axis=0)  # (n, d_model)
    within = min(len(d_places), len(d_table))
    d_table[:within] = d_places[:within]
    d_table[within:] = 0
    if len(d_places) > within:
        d_table[-1] += d_places[within:].sum(axis=0)


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
