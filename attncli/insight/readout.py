"""How labels are read from new embeddings, every stage kept: `gradients.forward`, unfolded.

Every product is of one sentence and one head or member, so that a sentence's numbers do not depend
on its company, to the last bit.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from attncli.arrays import FloatArray, IntArray
from attncli.attention.core import softmax
from attncli.attention.parameters import Architecture, Parameters
from attncli.attention.products import product
from attncli.results.result import AttentionResult

if TYPE_CHECKING:
    from attncli.insight.learned import LabelModel


@dataclass(frozen=True, slots=True, eq=False)
class ReadOut:
    """The stages of B sentences, in float64.

    asked, shares: how much each head wants of each token, before and after the softmax,
    (B, all_heads, n_tokens); None for a target, and `asked` also for mean pooling. read: the vector
    that each member reads, (B, committee, n_heads·d_v). logits, probabilities: (B, committee,
    n_labels); mean: over the committee, (B, n_labels).
    """

    asked: FloatArray | None
    shares: FloatArray | None
    read: FloatArray
    logits: FloatArray
    probabilities: FloatArray
    mean: FloatArray


def read_out(
    parameters: Parameters,
    architecture: Architecture,
    contextual: FloatArray,
    targets: IntArray | None = None,
) -> ReadOut:
    """The stages from new embeddings, (B, n_tokens, all_heads·d_v), to probabilities.

    `targets` (B,) are the places of the target tokens, for a model that reads one.
    """
    a = architecture
    count, n_tokens = contextual.shape[:2]
    asked: FloatArray | None = None
    shares: FloatArray | None = None
    if a.readout == "target":
        if targets is None:
            raise ValueError("this read-out needs the places of the targets")
        heads = contextual[np.arange(count), targets].astype(np.float64)  # (B, all_heads·d_v)
    else:
        split = contextual.astype(np.float64).reshape(count, n_tokens, a.all_heads, a.d_v)
        new = np.ascontiguousarray(split.swapaxes(1, 2))  # (B, all_heads, n_tokens, d_v)
        if a.readout == "attention":
            pool = parameters["pool"].astype(np.float64)[:, :, None]  # (all_heads, d_v, 1)
            asked = product(new, pool)[..., 0]  # (B, all_heads, n_tokens)
            shares = softmax(asked.copy(), may_be_empty=False)
        else:
            shares = np.full((count, a.all_heads, n_tokens), 1.0 / n_tokens)
        heads = product(shares[:, :, None], new)  # (B, all_heads, 1, d_v)
    read = heads.reshape(count, a.committee, a.n_heads * a.d_v)
    W_out = parameters["W_out"].astype(np.float64)  # (committee, n_heads·d_v, n_labels)
    logits = product(read[:, :, None], W_out)[:, :, 0] + parameters["b_out"]
    probabilities = softmax(logits.copy(), may_be_empty=False)
    return ReadOut(asked, shares, read, logits, probabilities, probabilities.mean(axis=1))


@dataclass(frozen=True, slots=True, eq=False)
class LabelStages:
    """The stages of one sentence's label, with the matrices they go through.

    target: the place of the token that is read, None where all are. pool: (all_heads, d_v), where
    tokens are asked for their share; W_out: (committee, n_heads·d_v, n_labels); b_out: (committee,
    n_labels).
    """

    stages: ReadOut
    labels: tuple[str, ...]
    target: int | None
    n_heads: int
    pool: FloatArray | None
    W_out: FloatArray
    b_out: FloatArray


def label_stages(result: AttentionResult, model: "LabelModel") -> LabelStages | None:
    """How the model reads the label of a result; None where some of its tokens are not there."""
    label = result.model
    if label is None or label.label is None or is_partial(result):
        return None
    parameters, targets = model.parameters, None
    if label.target is not None:
        targets = np.array([label.target])
    return LabelStages(
        read_out(parameters, model.architecture, result.contextual[None], targets),
        model.labels,
        label.target,
        model.architecture.n_heads,
        parameters["pool"] if model.architecture.readout == "attention" else None,
        parameters["W_out"],
        parameters["b_out"],
    )


def is_partial(result: AttentionResult) -> bool:
    """Whether a result has not every token that was attended to: a label cannot be read from it."""
    return bool({"hidden", "merged"} & set(result.selection or {}))
