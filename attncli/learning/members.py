"""Members of a committee that each read their own view of the vectors.

A view is one of the equal parts that lie side by side in every vector: the layers of a transformer,
say. The members take turns over them, each view has some that stand side by side, and so the heads
of a view are one slice of all heads. A view knows only the members that read it.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from attncli.attention.parameters import Architecture, Parameters
from attncli.learning.minibatches import Batch
from attncli.learning.slopes import Gradients


def views_of_members(committee: int, views: int) -> list[int]:
    """The view of each member, ascending; every view has one when there are members enough."""
    return [member * views // committee for member in range(committee)]


class Share(NamedTuple):
    """The members that read one view: who they are, their sizes, and what they read."""

    members: slice
    heads: slice
    architecture: Architecture
    batch: Batch

    def of(self, parameters: Parameters) -> Parameters:
        """Their part of the numbers: what is written to it is written to the whole."""
        return parameters.part(self.architecture.shapes(), self.members, self.heads)

    def gradients_of(self, gradients: Gradients) -> Gradients:
        """Their part of the sums: what is added to it is added to the whole."""
        return gradients.part(self.architecture.shapes(), self.members, self.heads)


def shares(architecture: Architecture, batch: Batch) -> Iterator[Share]:
    """The members of each view, (B, n, d_model) side by side in `batch.vectors`."""
    a = architecture
    held = np.array(views_of_members(a.committee, batch.views))
    parts = np.split(batch.vectors, batch.views, axis=-1)
    for view, part in enumerate(parts):
        first, last = (int(np.searchsorted(held, view + i)) for i in (0, 1))
        own = replace(batch, vectors=np.ascontiguousarray(part), views=1)
        heads = slice(first * a.n_heads, last * a.n_heads)
        yield Share(slice(first, last), heads, replace(a, committee=last - first), own)
