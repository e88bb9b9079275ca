"""What each token of a sentence adds to the label that a model says.

A logit is a sum over heads and tokens, Σ a(j)·(x(j)·W_v)·W_out + b_out, where a is the row of weights
that is read: so the share of a token in it is exact, and needs no second pass. A softmax sees only
differences of logits; what a token adds is counted against the mean of all labels.
"""

import numpy as np

from attncli.arrays import FloatArray
from attncli.attention.core import softmax
from attncli.attention.parameters import Architecture, Parameters
from attncli.attention.products import product
from attncli.learning.context_gradients import read_rows
from attncli.learning.minibatches import Batch
from attncli.learning.passes import started


class LabelReading:
    """A model that reads labels, with W_v·W_out of each head against the mean of all labels."""

    def __init__(self, parameters: Parameters, architecture: Architecture) -> None:
        a = self._architecture = architecture
        self._parameters = parameters
        W_out = parameters["W_out"].reshape(a.all_heads, a.d_v, a.n_labels)
        self._to_logits: FloatArray = product(parameters["W_v"], W_out)  # (heads, width, n_labels)
        centered = self._to_logits - self._to_logits.mean(axis=2, keepdims=True)
        self._to_label = np.ascontiguousarray(
            centered.transpose(2, 0, 1)
        )  # (n_labels, heads, width)

    def of(self, batch: Batch) -> tuple[FloatArray, FloatArray]:
        """Probabilities (B, n_labels), and what each token adds to the most probable label (B, n).

        The sum of what the tokens add, and of b_out against its mean, is the logit of that label
        less the mean of all logits, both the means over the committee.
        """
        a = self._architecture
        given = started(self._parameters, a, batch, None)
        rows = read_rows(given)  # (B, all_heads, n)
        context = product(rows, given.values).transpose(1, 0, 2)  # (all_heads, B, width)
        by_head = product(context, self._to_logits)  # (all_heads, B, n_labels)
        members = by_head.reshape(a.committee, a.n_heads, *by_head.shape[1:]).sum(axis=1)
        logits = members + self._parameters["b_out"][:, None]  # (committee, B, n_labels)
        probabilities = softmax(logits, may_be_empty=False).mean(axis=0)  # (B, n_labels)
        labels = probabilities.argmax(axis=1)  # (B,)
        spoken = product(given.values, self._to_label[labels].transpose(0, 2, 1))  # (B, n, heads)
        added = (spoken.transpose(0, 2, 1) * rows).sum(axis=1) / a.committee  # (B, n)
        return probabilities, added
