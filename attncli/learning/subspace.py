"""Learning within the main directions of wide vectors.

Vectors of hundreds of values hold most of what they say in few directions. Matrices learned on the
coordinates along these, W′ of (count, d), are the same layer as W = B·W′ on the vectors themselves,
with the directions as the columns of B (d_model, count): x·W = (x·B)·W′. So a model that was learned
this way is stored, shown and used like any other, while learning has fewer numbers to fit.

Where several vectors of a word lie side by side, such as those of several layers of a transformer,
each member of a committee reads one of them (`learning.members`): its B has the directions of this
view and zeros elsewhere. Members that see different things err differently, and their mean errs
less than that of members which see the same (Krogh and Vedelsby 1995).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from attncli.arrays import FloatArray
from attncli.attention.parameters import Architecture, Parameters
from attncli.attention.products import product
from attncli.learning.members import views_of_members
from attncli.learning.minibatches import Examples

_BLOCK = 1 << 14  # rows that are multiplied at once
_WIDE = ("W_q", "W_k", "W_v")  # (…, d_model, d)


def main_directions(examples: Examples, count: int) -> FloatArray:
    """The `count` directions in which the vectors of the sentences' tokens are longest.

    Orthonormal columns, (d_model, count), longest first, float64: the first right singular vectors
    of all tokens' vectors, as they are (no mean is removed). Their signs are fixed.
    """
    uses = np.bincount(np.concatenate(examples.all_rows), minlength=len(examples.table))
    d_model = examples.table.shape[1]
    products = np.zeros((d_model, d_model))
    for start in range(0, len(uses), _BLOCK):
        rows = examples.table[start : start + _BLOCK].astype(np.float64)  # (≤ _BLOCK, d_model)
        products += product(rows.T, rows * uses[start : start + _BLOCK, None])
    _, vectors = np.linalg.eigh(products)  # ascending
    columns = vectors[:, ::-1][:, :count]  # (d_model, count)
    largest = np.abs(columns).argmax(axis=0)
    return np.asarray(columns * np.sign(columns[largest, np.arange(columns.shape[1])]))


class Subspace:
    """Examples and architecture in the main directions, and the way back for what was learned.

    `views` are the sizes of the vectors that lie side by side in each row. Every member of the
    committee learns in `count` directions of its own view; where there are fewer members than
    views, or learned positions, which all members share, each learns in `count` directions of all
    views together. Views count alike, whatever the size of their numbers.

    With `count` None, or as many directions as the vectors have values, nothing changes; so for
    given weights, which are to be met exactly, and for sinusoidal positions and landmarks, which use
    every direction.
    """

    def __init__(
        self,
        examples: Examples,
        architecture: Architecture,
        count: int | None = None,
        views: Sequence[int] = (),
    ) -> None:
        self._wide, self._views = architecture, max(1, len(views))
        self.examples, self.architecture = examples, architecture
        self.bases: list[FloatArray] = []  # of each view, (d_model, count); one for all members
        exact = architecture.readout == "weights" or architecture.positions == "sinusoidal"
        exact |= architecture.landmarks > 0
        if count is None or count >= architecture.d_model or exact:
            return
        table = examples.table
        own = architecture.committee >= self._views and architecture.positions != "learned"
        self.bases = list(_bases(examples, count, views, own=own))
        bases = [basis.astype(table.dtype) for basis in self.bases]
        narrow = [product(table, basis) for basis in bases]  # each (n_rows, count)
        joined = narrow[0] if len(narrow) == 1 else np.concatenate(narrow, axis=1)
        self.examples = replace(examples, table=joined, views=len(self.bases))
        self.architecture = replace(architecture, d_model=narrow[0].shape[1])

    def widened(self, parameters: Parameters) -> Parameters:
        """The same layer on the vectors themselves."""
        if not self.bases:
            return parameters.copy()
        wide = Parameters(self._wide.shapes(), parameters.dtype.type)
        for name in wide:
            if name in _WIDE:
                for heads, basis in self._basis_of_heads():
                    wide[name][heads] = product(basis, parameters[name][heads].astype(np.float64))
            elif name == "position_table" and self._wide.positions == "learned":
                wide[name][...] = product(parameters[name].astype(np.float64), self._inverse())
            else:
                wide[name][...] = parameters[name]
        return wide

    def _inverse(self) -> FloatArray:
        """What takes the one basis of all members back, (count, d_model)."""
        (basis,) = self.bases
        return basis.T if self._views == 1 else np.linalg.pinv(basis)

    def _basis_of_heads(self) -> Iterator[tuple[slice, FloatArray]]:
        n_heads = self._wide.n_heads
        for member, view in enumerate(views_of_members(self._wide.committee, len(self.bases))):
            yield slice(member * n_heads, (member + 1) * n_heads), self.bases[view]


def _bases(
    examples: Examples, count: int, views: Sequence[int], *, own: bool
) -> Iterator[FloatArray]:
    """The directions of each view if it has its `own`, else those of all: (d_model, count) each."""
    if len(views) < 2:
        yield main_directions(examples, count)
        return
    parts = np.split(examples.table, np.cumsum(views)[:-1], axis=1)
    if not own:
        scale = np.repeat([_unit(part) for part in parts], views)  # (d_model,)
        scaled = replace(examples, table=examples.table * scale.astype(examples.table.dtype))
        yield scale[:, None] * main_directions(scaled, count)
        return
    for view, part in enumerate(parts):
        directions = main_directions(replace(examples, table=part), count)  # (size, ≤ count)
        start, size = sum(views[:view]), directions.shape[1]
        basis = np.zeros((sum(views), min(count, max(views))))
        basis[start : start + len(directions), :size] = directions
        yield basis * _unit(product(examples.table, basis.astype(part.dtype)))


def _unit(vectors: FloatArray) -> float:
    """The factor that makes the root mean square of the entries 1."""
    return 1.0 / (float(np.sqrt(np.mean(np.square(vectors, dtype=np.float64)))) or 1.0)
