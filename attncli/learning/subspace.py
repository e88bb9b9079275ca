"""Learning within the main directions of wide vectors.

Vectors of hundreds of values hold most of what they say in few directions. Matrices learned on the
coordinates along these, W′ of (count, d), are the same layer as W = B·W′ on the vectors themselves,
with the directions as the columns of B (d_model, count): x·W = (x·B)·W′. So a model that was learned
this way is stored, shown and used like any other, while learning has fewer numbers to fit.
"""

from dataclasses import replace

import numpy as np

from attncli.arrays import FloatArray
from attncli.learning.batches import Examples
from attncli.learning.parameters import Architecture, Parameters

_BLOCK = 1 << 14  # rows that are multiplied at once
_WIDE = ("W_q", "W_k", "W_v")  # (…, d_model, d)


def main_directions(examples: Examples, count: int) -> FloatArray:
    """The `count` directions in which the vectors of the sentences' tokens are longest.

    Orthonormal columns, (d_model, count), longest first, float64: the first right singular vectors
    of all tokens' vectors, as they are (no mean is removed). Their signs are fixed.
    """
    uses = np.bincount(np.concatenate(list(examples.rows)), minlength=len(examples.table))
    d_model = examples.table.shape[1]
    products = np.zeros((d_model, d_model))
    for start in range(0, len(uses), _BLOCK):
        rows = examples.table[start : start + _BLOCK].astype(np.float64)  # (≤ _BLOCK, d_model)
        products += rows.T @ (rows * uses[start : start + _BLOCK, None])
    _, found = np.linalg.eigh(products)  # ascending
    columns = found[:, ::-1][:, :count]  # (d_model, count)
    largest = np.abs(columns).argmax(axis=0)
    return np.asarray(columns * np.sign(columns[largest, np.arange(columns.shape[1])]))


class Subspace:
    """Examples and architecture in the main directions, and the way back for what was learned.

    With `count` None, or as many directions as the vectors have values, nothing changes; so for
    given weights, which are to be met exactly, and for sinusoidal positions and landmarks, which use
    every direction.
    """

    def __init__(
        self, examples: Examples, architecture: Architecture, count: int | None = None
    ) -> None:
        self._wide = architecture
        exact = architecture.readout == "weights" or architecture.positions == "sinusoidal"
        exact |= architecture.landmarks > 0
        narrower = count is not None and count < architecture.d_model and not exact
        self.basis = main_directions(examples, count) if narrower and count is not None else None
        self.examples, self.architecture = examples, architecture
        if self.basis is not None:
            narrow = examples.table @ self.basis.astype(examples.table.dtype)  # (n_rows, count)
            self.examples = replace(examples, table=narrow)
            self.architecture = replace(architecture, d_model=self.basis.shape[1])

    def widened(self, parameters: Parameters) -> Parameters:
        """The same layer on the vectors themselves."""
        if self.basis is None:
            return parameters.copy()
        wide = Parameters(self._wide.shapes(), parameters.dtype.type)
        for name in wide:
            if name in _WIDE:
                wide[name][...] = self.basis @ parameters[name].astype(np.float64)
            elif name == "position_table" and self._wide.positions == "learned":
                wide[name][...] = parameters[name].astype(np.float64) @ self.basis.T
            else:
                wide[name][...] = parameters[name]
        return wide
