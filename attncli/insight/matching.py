"""Which matrices of two results belong together: those of the same layer and the same head."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from attncli.arrays import FloatArray
from attncli.results.names import Axis, axis_names, is_named
from attncli.results.result import AttentionResult


@dataclass(frozen=True, slots=True)
class Matched:
    """Layers or heads of two results: the positions that are compared, and their names.

    `names` are empty where there is only one and nobody chose it. `missing` tells what only one of
    the results has; `note` that things of other names are compared.
    """

    first: tuple[int, ...]
    second: tuple[int, ...]
    names: tuple[str, ...]
    missing: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Matching:
    """The layers and the heads of two results."""

    layers: Matched
    heads: Matched

    def cut(self, one: FloatArray, other: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The numbers that are compared. Shapes: (n_layers, n_heads, …) → the same, cut alike."""
        return (
            _taken(one, self.layers.first, self.heads.first),
            _taken(other, self.layers.second, self.heads.second),
        )

    def place(self, cut: tuple[int, ...]) -> tuple[int, ...]:
        """Where a cell of the cut arrays is in those of the first result."""
        return (self.layers.first[cut[0]], self.heads.first[cut[1]], *cut[2:])

    def name(self, cut: tuple[int, ...]) -> list[str]:
        """The names of the layer and head of a cell of the cut arrays."""
        pairs = zip((self.layers, self.heads), cut, strict=False)
        return [matched.names[at] for matched, at in pairs if matched.names]


def matching(one: AttentionResult, other: AttentionResult) -> Matching:
    """Layers and heads by their names; where two results share none, by their order."""
    return Matching(_matched(one, other, "layers"), _matched(one, other, "heads"))


def _matched(one: AttentionResult, other: AttentionResult, axis: Axis) -> Matched:
    names, others = axis_names(one, axis), axis_names(other, axis)
    shown = is_named(one, axis) or is_named(other, axis)
    common = [name for name in names if name in others]
    if common and len(common) == len(names) == len(others):
        return Matched(*_positions(names, others, names), tuple(names) if shown else ())
    if _unnamed(one, axis) or _unnamed(other, axis):
        if len(names) != len(others):
            sizes = f"{len(names)} in the first, {len(others)} in the second"
            return Matched((), (), (), missing=sizes)
        every = tuple(range(len(names)))
        return Matched(every, every, tuple(names if _unnamed(other, axis) else others))
    if common:
        missing = _only("the first", names, common) + _only("the second", others, common)
        return Matched(*_positions(names, others, common), tuple(common), "; ".join(missing))
    listed = f"{', '.join(names)} in the first, {', '.join(others)} in the second"
    if len(names) != len(others):
        return Matched((), (), (), missing=listed)
    every = tuple(range(len(names)))
    both = tuple(f"{a} and {b}" for a, b in zip(names, others, strict=True))
    return Matched(every, every, both, note=f"other {axis} are compared: {listed}")


def _unnamed(result: AttentionResult, axis: Axis) -> bool:
    """Whether a result does not say which layers or heads of a model its matrices are."""
    return result.attention.is_foreign and axis not in (result.selection or {})


def _positions(
    names: Sequence[str], others: Sequence[str], common: Sequence[str]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return tuple(names.index(n) for n in common), tuple(others.index(n) for n in common)


def _only(where: str, names: Sequence[str], common: Sequence[str]) -> list[str]:
    alone = [name for name in names if name not in common]
    return [f"{', '.join(alone)} only in {where}"] if alone else []


def _taken(array: FloatArray, layers: Sequence[int], heads: Sequence[int]) -> FloatArray:
    if list(layers) == list(range(array.shape[0])) and list(heads) == list(range(array.shape[1])):
        return array
    return array[np.ix_(layers, heads)]
