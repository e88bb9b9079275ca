"""Forward and backward of a whole model for a batch: closed-form gradients, numpy only.

    scores ─ softmax ─► weights ─ ·values ─► context ─ ·W_v ─► new embeddings ─ ·W_out ─► logits

A function computes a step, and returns its result with the way back: a function that takes the
result's slope, adds the slopes of the matrices it used to `gradients`, and returns the slope of what
it was given. Nothing is ever set, so the order of the ways back does not matter. Where to look:

| gradient | where |
|---|---|
| W_q, W_k, the table of relative positions | `score_gradients` |
| softmax, the pooling query `pool` (and its part of W_v) | `context_gradients` |
| W_v | `_joined`, below |
| W_out, b_out | `_output`, below; of pairs `pairs` |
| the table of learned positions | `passes.add_places` |

The read-outs see new embeddings only through sums over the weights: for a target, w·(X·W_v) is
(w·X)·W_v, and pooling the rows of A·(X·W_v) by α is ((α·A)·X)·W_v. So values and new embeddings are
never computed while learning. The numbers equal those of `attention.projections.task_attention`;
the weights come from the same `attention.core` functions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from attncli.arrays import FloatArray
from attncli.attention.parameters import Architecture, Parameters
from attncli.attention.products import product
from attncli.learning.context_gradients import (
    all_weights,
    pooled_context,
    softmax_backward,
    target_context,
)
from attncli.learning.members import shares
from attncli.learning.minibatches import Batch
from attncli.learning.pairs import ReadBackward, compared
from attncli.learning.passes import Noise, Pass, add_places, started
from attncli.learning.slopes import Gradients

# (slope of the output, gradients): adds to gradients
Backward: TypeAlias = Callable[[FloatArray, Gradients], None]
# (slope of what the members read, gradients) → d_context (all_heads, B, width)
ContextBackward: TypeAlias = Callable[[FloatArray, Gradients], FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class Forward:
    """What a batch gives: logits (committee, B, n_labels), weights (B, all_heads, m, n).

    Of pairs that are compared by a cosine there are cosines (`learning.pairs`) instead of logits.
    read: what each member reads of each sentence, (committee, B, n_heads·d_v).
    `backward(d_logits, gradients)` adds to `gradients`; it takes d_cosines where there are cosines,
    and d_weights for the read-out "weights".
    """

    logits: FloatArray | None
    weights: FloatArray
    backward: Backward
    cosines: FloatArray | None = None
    read: FloatArray | None = None


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
    given = started(parameters, architecture, batch, noise)
    if architecture.readout == "weights":
        return _weights_only(given)
    read = target_context if architecture.readout == "target" else pooled_context
    context, weights, context_back = read(given)
    joined, joined_back = _joined(context, given)
    output, output_back = _output(joined, given)

    def backward(d_output: FloatArray, gradients: Gradients) -> None:
        d_context = joined_back(output_back(d_output, gradients), gradients)
        _to_places(context_back(d_context, gradients), gradients)

    if architecture.has_labels:
        return Forward(output, weights, backward, read=joined)
    return Forward(None, weights, backward, output, joined)


def _by_views(
    parameters: Parameters, architecture: Architecture, batch: Batch, noise: Noise | None
) -> Forward:
    """The members of each view on their own, then side by side."""
    views = list(shares(architecture, batch))
    passes = [forward(v.of(parameters), v.architecture, v.batch, noise=noise) for v in views]

    def backward(d_logits: FloatArray, gradients: Gradients) -> None:
        for view, own in zip(views, passes, strict=True):
            own.backward(d_logits[view.members], view.gradients_of(gradients))

    return Forward(
        _members_together([own.logits for own in passes]),
        np.concatenate([own.weights for own in passes], axis=1),
        backward,
        _members_together([own.cosines for own in passes]),
        _members_together([own.read for own in passes]),
    )


def _members_together(parts: Sequence[FloatArray | None]) -> FloatArray | None:
    known = [part for part in parts if part is not None]
    return np.concatenate(known) if known else None


def _weights_only(given: Pass) -> Forward:
    weights, scores_back = all_weights(given)

    def backward(d_weights: FloatArray, gradients: Gradients) -> None:
        d_scores = softmax_backward(weights, d_weights)
        _to_places(scores_back(d_scores, gradients), gradients)

    return Forward(None, weights, backward)


def _joined(context: FloatArray, given: Pass) -> tuple[FloatArray, ContextBackward]:
    """Each member's heads side by side: what it reads, (committee, B, n_heads·d_v)."""
    a = given.architecture
    members, n_batch = a.committee, context.shape[1]
    W_v = given.parameters["W_v"]
    new = product(context, W_v)  # (all_heads, B, d_v): the new embeddings of the read tokens
    dropped = given.dropped_inputs(new)
    if dropped is not None:
        new *= dropped
    by_member = new.reshape(members, a.n_heads, n_batch, a.d_v)
    joined = by_member.transpose(0, 2, 1, 3).reshape(members, n_batch, -1)

    def backward(d_joined: FloatArray, gradients: Gradients) -> FloatArray:
        d_split = d_joined.reshape(members, n_batch, a.n_heads, a.d_v)
        d_new = d_split.transpose(0, 2, 1, 3).reshape(new.shape)  # (all_heads, B, d_v)
        if dropped is not None:
            d_new = d_new * dropped
        gradients.add_product("W_v", context.transpose(0, 2, 1), d_new)
        d_context: FloatArray = product(d_new, W_v.transpose(0, 2, 1))
        return d_context  # (all_heads, B, width)

    return joined, backward


def _output(joined: FloatArray, given: Pass) -> tuple[FloatArray, ReadBackward]:
    """What is read, times W_out: logits (committee, B, n_labels); of pairs what `compared` gives."""
    if given.architecture.pair is not None:
        return compared(joined, given.architecture.pair, given.parameters)
    W_out = given.parameters["W_out"]
    logits = product(joined, W_out)  # (committee, B, n_labels)
    logits += given.parameters["b_out"][:, None]

    def backward(d_logits: FloatArray, gradients: Gradients) -> FloatArray:
        gradients.add("b_out", d_logits.sum(axis=1))
        gradients.add_product("W_out", joined.transpose(0, 2, 1), d_logits)
        d_joined: FloatArray = product(d_logits, W_out.transpose(0, 2, 1))
        return d_joined  # (committee, B, n_heads·d_v)

    return logits, backward


def _to_places(d_vectors: FloatArray | None, gradients: Gradients) -> None:
    """The end of every way back: only learned positions ask for the slope of the vectors."""
    if d_vectors is not None:
        add_places(d_vectors, gradients)
