"""The learned numbers of a model in one flat vector, with a named view of each matrix.

One vector makes an optimizer step a handful of numpy calls whatever the number of matrices.
"""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from attncli.arrays import FloatArray
from attncli.attention.positions import table_width
from attncli.settings import Positions

_OF_MEMBERS = ("W_out", "b_out")  # one for each member; the other matrices are one for each head
_ELSEWHERE = -4.0  # the bias of places that a head does not look at, at the start

Readout: TypeAlias = Literal["target", "attention", "mean", "weights"]
PairTask: TypeAlias = Literal["similarity", "relation", "match"]
PAIR_FEATURES = 4  # of [u, v, |u − v|, u·v], from which the label of a pair is read


@dataclass(frozen=True, slots=True)
class Architecture:
    """The sizes and the kind of a model.

    readout: "target" reads the target token's new embedding, "attention" pools the new embeddings
    by a learned query, "mean" by their mean, "weights" has no labels and fits the weights alone.
    A committee of several members has `n_heads` heads and a read-out each, learned side by side;
    their probabilities are averaged. landmarks: how many a value sees the likeness to
    (`learning.landmarks`); W_v has a row for each below those of the embedding. pair: what is learned
    of two sentences, each read as the read-out says: their "similarity", a label of their "relation",
    or which of many sentences "match"; None of one sentence.
    """

    d_model: int
    n_labels: int
    n_heads: int = 8
    d_k: int = 16
    d_v: int = 32
    committee: int = 1
    readout: Readout = "target"
    positions: Positions = "none"
    reach: int = 10
    max_positions: int = 128
    causal: bool = False
    window: int | None = None
    landmarks: int = 0
    pair: PairTask | None = None

    def to_dict(self) -> dict[str, Any]:
        """The fields as plain values; `pair` only where two sentences are compared."""
        sizes = asdict(self)
        if self.pair is None:
            del sizes["pair"]
        return sizes

    @property
    def has_labels(self) -> bool:
        """Whether a label is read, of one sentence or of two."""
        return self.readout != "weights" and self.pair in (None, "relation")

    @property
    def labels_sentences(self) -> bool:
        """Whether a label is read of a single sentence."""
        return self.has_labels and self.pair is None

    @property
    def all_heads(self) -> int:
        """The heads of all members together."""
        return self.n_heads * self.committee

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each learned parameter, in the order of the flat vector."""
        heads, d, members = self.all_heads, self.d_model, self.committee
        shapes: dict[str, tuple[int, ...]] = {
            "W_q": (heads, d, self.d_k),
            "W_k": (heads, d, self.d_k),
        }
        if self.positions == "learned":
            shapes["position_table"] = (self.max_positions, d)
        elif self.positions == "relative":
            shapes["position_table"] = (heads, table_width(self.reach))
        if self.readout == "weights":
            return shapes
        shapes["W_v"] = (heads, d + self.landmarks, self.d_v)
        if self.readout == "attention":
            shapes["pool"] = (heads, self.d_v)
        if not self.has_labels:
            return shapes
        features = 1 if self.pair is None else PAIR_FEATURES
        shapes["W_out"] = (members, features * self.n_heads * self.d_v, self.n_labels)
        shapes["b_out"] = (members, self.n_labels)
        return shapes

    def fixed_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each matrix that is chosen before learning and stays."""
        if not self.landmarks or self.readout == "weights":
            return {}
        return {
            "landmarks": (self.landmarks, self.d_model),
            "mixing": (self.landmarks, self.landmarks),
        }


class Parameters:
    """A flat vector and its named views: what is written to one is seen in the other.

    `fixed` are matrices that go with it and are not learned: they have no place in the vector.
    """

    def __init__(
        self,
        shapes: dict[str, tuple[int, ...]],
        dtype: type[np.floating[Any]],
        fixed: dict[str, FloatArray] | None = None,
    ) -> None:
        self.shapes = shapes
        self.fixed = fixed or {}
        self.flat: FloatArray = np.zeros(sum(map(math.prod, shapes.values())), dtype=dtype)
        self._views: dict[str, FloatArray] = {}
        start = 0
        for name, shape in shapes.items():
            end = start + math.prod(shape)
            self._views[name] = self.flat[start:end].reshape(shape)
            start = end

    def __getitem__(self, name: str) -> FloatArray:
        return self._views[name]

    def __contains__(self, name: object) -> bool:
        return name in self._views

    def __iter__(self) -> Iterator[str]:
        return iter(self._views)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.flat.dtype

    def like(self) -> "Parameters":
        """Zeros of the same shapes and dtype."""
        return Parameters(self.shapes, self.flat.dtype.type, self.fixed)

    def copy(self) -> "Parameters":
        """The same numbers in a vector of their own."""
        twin = self.like()
        twin.flat[:] = self.flat
        return twin

    def part(
        self, shapes: dict[str, tuple[int, ...]], members: slice, heads: slice
    ) -> "Parameters":
        """The numbers of some members and their heads, not copied; `flat` is that of the whole."""
        part = Parameters({}, self.flat.dtype.type)
        part.shapes, part.flat = shapes, self.flat
        for name, view in self._views.items():
            part._views[name] = view[members if name in _OF_MEMBERS else heads]
        return part

    def spread(self, values: dict[str, float], default: float) -> FloatArray:
        """A flat vector that holds `values[name]` wherever that parameter lies."""
        spread = self.like()
        for name in self:
            spread[name][...] = values.get(name, default)
        return spread.flat


def initial_parameters(
    architecture: Architecture,
    rng: np.random.Generator,
    dtype: type[np.floating[Any]] = np.float32,
    *,
    unit: float = 1.0,
) -> Parameters:
    """Random matrices, entries of standard deviation 1/√(rows); biases and pooling are zeros.

    `unit` is the root mean square of the embeddings' entries: matrices that meet embeddings are
    divided by it, so that a start does not depend on how large the vectors happen to be.

    The heads of a relative model start out looking at different places: see `starting_bias`.
    """
    parameters = Parameters(architecture.shapes(), dtype)
    for name in parameters:
        if name in ("W_q", "W_k", "W_v", "W_out"):
            matrix = parameters[name]
            matrix[...] = rng.standard_normal(matrix.shape) / math.sqrt(matrix.shape[-2])
        if name in ("W_q", "W_k", "W_v"):
            parameters[name][...] /= unit
    if "W_out" in parameters:
        parameters["W_out"][...] *= 0.5
    if architecture.positions == "relative":
        parameters["position_table"][...] = starting_bias(
            architecture.all_heads, architecture.reach
        )
    return parameters


def starting_bias(heads: int, reach: int) -> FloatArray:
    """Where each head looks at the start, as a bias by distance: (heads, 2·reach + 3).

    By turns: the whole sentence; near words, with three slopes (as in Press et al. 2022,
    arXiv:2108.12409, section 3); words before, words after; the word just before, just after.
    """
    distance = np.arange(-reach - 1, reach + 2)  # (2·reach + 3,)
    far = np.abs(distance)
    kinds = [
        np.zeros(len(distance)),
        -far / 8,
        -far / 4,
        -far / 2,
        np.where(distance < 0, -far / 4, _ELSEWHERE),
        np.where(distance > 0, -far / 4, _ELSEWHERE),
        np.where(distance == -1, 0.0, _ELSEWHERE),
        np.where(distance == 1, 0.0, _ELSEWHERE),
    ]
    return np.stack([kinds[head % len(kinds)] for head in range(heads)])
