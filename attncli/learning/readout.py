"""How a label is read from new embeddings, every stage kept: the way of `gradients.forward`, unfolded."""

from dataclasses import dataclass

import numpy as np

from attncli.arrays import FloatArray
from attncli.attention.core import softmax
from attncli.learning.checkpoint import TrainedModel


@dataclass(frozen=True, slots=True, eq=False)
class ReadOut:
    """The stages of one sentence, in float64.

    asked, shares: how much each head wants of each token, before and after the softmax,
    (all_heads, n_tokens); None for a target, and `asked` also for mean pooling. read: the vector
    that each member reads, (committee, n_heads·d_v). logits, probabilities: (committee, n_labels).
    """

    asked: FloatArray | None
    shares: FloatArray | None
    read: FloatArray
    logits: FloatArray
    probabilities: FloatArray

    @property
    def mean(self) -> FloatArray:
        """The probability of each label, averaged over the members: (n_labels,)."""
        return np.asarray(self.probabilities.mean(axis=0))


def read_out(model: TrainedModel, contextual: FloatArray, target: int | None = None) -> ReadOut:
    """The stages from new embeddings, (n_tokens, all_heads·d_v), to probabilities.

    `target` is the place of the target token, for a model that reads one.
    """
    a = model.architecture
    n_tokens = len(contextual)
    new = contextual.astype(np.float64).reshape(n_tokens, a.all_heads, a.d_v).swapaxes(0, 1)
    asked: FloatArray | None = None
    shares: FloatArray | None = None
    if a.readout == "target":
        if target is None:
            raise ValueError("this read-out needs the place of the target")
        heads = new[:, target]  # (all_heads, d_v)
    else:
        if a.readout == "attention":
            pool = model.parameters["pool"].astype(np.float64)  # (all_heads, d_v)
            asked = np.matmul(new, pool[:, :, None])[..., 0]  # (all_heads, n_tokens)
            shares = softmax(asked.copy(), may_be_empty=False)
        else:
            shares = np.full((a.all_heads, n_tokens), 1.0 / n_tokens)
        heads = np.matmul(shares[:, None], new)[:, 0]  # (all_heads, d_v)
    read = heads.reshape(a.committee, a.n_heads * a.d_v)
    W_out = model.parameters["W_out"].astype(np.float64)  # (committee, n_heads·d_v, n_labels)
    logits = np.matmul(read[:, None], W_out)[:, 0] + model.parameters["b_out"]
    return ReadOut(asked, shares, read, logits, softmax(logits.copy(), may_be_empty=False))
