"""Two mechanisms on one sentence: the cells in which their weights differ most."""

from dataclasses import dataclass

import numpy as np

from attncli.arrays import FloatArray
from attncli.errors import ShapeError
from attncli.insight.select import aggregate
from attncli.results.result import AttentionResult

_CELLS = 8  # that are named


@dataclass(frozen=True, slots=True)
class CellDifference:
    """A cell of the two matrices: how much `query` attends to `key` under each."""

    query: int
    key: int
    general: float
    other: float


def cell_differences(general: AttentionResult, other: AttentionResult) -> list[CellDifference]:
    """The cells that differ most, greatest first; several heads count as their mean.

    Where the model reads one target, only the row of that word is its answer, and compared.
    Raises: ShapeError when the results are of different tokens.
    """
    one, two = mean_weights(general), mean_weights(other)
    if one.shape != two.shape:
        raise ShapeError(f"the matrices have the shapes {one.shape} and {two.shape}")
    n_tokens = len(one)
    distance = np.abs(two - one)  # (n_tokens, n_tokens)
    target = None if other.model is None else other.model.target
    count = _CELLS if target is None else min(_CELLS, n_tokens)
    if target is not None:
        distance[np.arange(n_tokens) != target] = -1
    order = np.argsort(-distance, axis=None, kind="stable")[:count]
    cells = [divmod(int(place), n_tokens) for place in order]
    return [CellDifference(q, k, float(one[q, k]), float(two[q, k])) for q, k in cells]


def mean_weights(result: AttentionResult) -> FloatArray:
    """The mean over layers and heads, (n_tokens, n_tokens)."""
    return np.asarray(aggregate(result, ("layers", "heads")).weights[0, 0])
