"""What each token of two sentences adds to what a model says of them.

What a member reads of a sentence is a sum over its tokens, u = Σ u(j). With the lengths of u and v as
they are, cos(u, v) is linear in u and in v: half of it is shared out over the tokens of each, so that
what all tokens add sums to the cosine. A logit of [u, v, |u − v|, u·v]·W_out is linear in the same
way while the signs of u − v stay; u·v is shared half and half. What is left is the bias.
"""

import numpy as np

from attncli.arrays import FloatArray
from attncli.attention.core import softmax
from attncli.attention.parameters import PAIR_FEATURES, Architecture, Parameters
from attncli.attention.products import product
from attncli.learning.context_gradients import read_rows
from attncli.learning.minibatches import Batch
from attncli.learning.pairs import logits_of_both, of_length_one
from attncli.learning.passes import started


class PairReading:
    """A model of pairs, and what each token of both sentences adds to what it says."""

    def __init__(self, parameters: Parameters, architecture: Architecture) -> None:
        self._parameters, self._architecture = parameters, architecture

    def of(self, batch: Batch) -> tuple[FloatArray, FloatArray]:
        """What is said of each pair, and what each token adds to it, (2·B, n), the first sentences first.

        That is the cosine, (B,), or the probability of each label, (B, n_labels); of labels a token
        adds to the logit of the most probable one against the mean of all. All are means over the
        committee.
        """
        a = self._architecture
        given = started(self._parameters, a, batch, None)
        rows = read_rows(given)  # (2·B, all_heads, n)
        values = product(given.values[:, None], self._parameters["W_v"])  # (2·B, all_heads, n, d_v)
        tokens = rows[..., None] * values
        n_all, _, n_tokens, _ = tokens.shape
        members = tokens.reshape(n_all, a.committee, a.n_heads, n_tokens, a.d_v)
        tokens = members.transpose(1, 0, 3, 2, 4).reshape(a.committee, n_all, n_tokens, -1)
        read = tokens.sum(axis=2)  # (committee, 2·B, n_heads·d_v)
        said, directions = self._labels(read) if a.has_labels else self._cosines(read)
        added = product(tokens, directions[..., None])[..., 0].mean(axis=0)  # (2·B, n)
        return said, added

    def _cosines(self, read: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The cosines, (B,), and what of each sentence is along the other: read's shape."""
        units, _ = of_length_one(read)
        first, second = np.split(units, 2, axis=1)
        along = np.concatenate([second, first], axis=1)
        lengths = np.sqrt(np.square(read).sum(axis=-1, keepdims=True))
        is_zero = lengths <= np.finfo(read.dtype).tiny
        directions = np.where(is_zero, 0, along / np.where(is_zero, 1, 2 * lengths))
        return (first * second).sum(axis=2).mean(axis=0), directions

    def _labels(self, read: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The probabilities, (B, n_labels), and the way of each sentence to the logit: read's shape."""
        first, second = np.split(read, 2, axis=1)  # (committee, B, size)
        logits = logits_of_both(read, self._parameters)
        probabilities = softmax(logits, may_be_empty=False).mean(axis=0)  # (B, n_labels)
        W_out = self._parameters["W_out"]
        centered = W_out - W_out.mean(axis=2, keepdims=True)  # (committee, 4·size, n_labels)
        chosen = centered[:, :, probabilities.argmax(axis=1)].transpose(0, 2, 1)
        own, other, apart, both = np.split(chosen, PAIR_FEATURES, axis=2)  # (committee, B, size)
        signed = apart * np.sign(first - second)
        ways = [own + signed + 0.5 * both * second, other - signed + 0.5 * both * first]
        return probabilities, np.concatenate(ways, axis=1)
