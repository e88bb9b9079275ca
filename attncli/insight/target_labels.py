"""Labels of many sentences from one token of each: `readout.read_out`, folded."""

import numpy as np

from attncli.arrays import FloatArray
from attncli.attention.core import softmax
from attncli.attention.parameters import Architecture, Parameters
from attncli.attention.products import may_share_rows, product, room_for_rows, shared_product
from attncli.attention.projections import Projections


class TargetLabels:
    """W_v and W_out as one matrix for each member of the committee."""

    def __init__(
        self, layer: Projections, parameters: Parameters, architecture: Architecture
    ) -> None:
        a = architecture
        W_out = parameters["W_out"].astype(np.float64)
        by_head = W_out.reshape(a.all_heads, a.d_v, a.n_labels)
        folded = product(layer.W_v.astype(np.float64), by_head)  # (all_heads, width, n_labels)
        self._matrices = folded.reshape(a.committee, -1, a.n_labels)
        self._b_out = parameters["b_out"].astype(np.float64)

    def probabilities(self, sums: FloatArray) -> FloatArray:
        """Of each label, the mean over the committee. Shapes: (B, all_heads, width) → (B, n_labels).

        That is fast where `room_for_rows` are there.
        """
        members = len(self._matrices)
        rows = sums.reshape(len(sums), members, -1)
        logits = np.stack([self._logits(rows[:, m], m) for m in range(members)], axis=1)
        shares = softmax(logits, may_be_empty=False)  # (B, committee, n_labels)
        mean: FloatArray = shares.mean(axis=1)
        return mean

    def _logits(self, rows: FloatArray, member: int) -> FloatArray:
        matrix, count = self._matrices[member], len(rows)
        logits: FloatArray
        if may_share_rows():
            if missing := room_for_rows(count) - count:
                rows = np.pad(rows, ((0, missing), (0, 0)))
            logits = shared_product(rows, matrix)[:count]
        else:
            logits = product(rows[:, None], matrix)[:, 0]
        logits += self._b_out[member]
        return logits
