"""Where the sentences of stacks stand among the records that are written together."""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from attncli.arrays import AnyArray, BoolArray, IntArray
from attncli.errors import AttnError
from attncli.results.stack import Stack, stack_of
from attncli.results.top import strongest_of_rows


class PlacedArrays(NamedTuple):
    """Arrays of those records that have one: `numbers` has each flat, in the order of the records.

    Shapes: shapes (size, depth), zeros where there is none; present (size,).
    """

    numbers: Sequence[AnyArray]
    shapes: IntArray
    present: BoolArray

    def joined(self) -> AnyArray:
        """All numbers behind each other, (n,)."""
        return np.concatenate(self.numbers) if self.numbers else np.zeros(0, dtype=np.float32)


class PlacedRecords:
    """Records that are written together: stacks with the places of their sentences, errors by their places.

    `number` (size,) counts each record's sentence in the stacks behind each other, −1 where it has none.
    """

    def __init__(
        self,
        size: int,
        stacks: Sequence[tuple[Stack, Sequence[int]]],
        errors: dict[int, AttnError],
    ) -> None:
        self.size, self.stacks, self.errors = size, stacks, errors
        self.number = np.full(size, -1)
        places = list(chain.from_iterable(places for _, places in stacks))
        self.number[places] = np.arange(len(places))
        self.present = self.number >= 0
        self.are_results = len(places) == size  # whether every record is of a stack

    def values(self, of: Callable[[Stack], Iterable[Any] | None]) -> list[Any]:
        """What a stack has for each of its sentences, in the order of the records; None for others."""
        values: list[Any] = [None] * self.size
        for stack, places in self.stacks:
            found = of(stack)
            if found is not None:
                for place, value in zip(places, found, strict=True):
                    values[place] = value
        return values

    def arrays(self, of: Callable[[Stack], Any]) -> PlacedArrays:
        """What a stack has as an array (B, …) of its sentences, in the order of the records."""
        held = [of(stack) for stack, _ in self.stacks]
        depth = max((array.ndim - 1 for array in held if array is not None), default=0)
        shapes = np.zeros((self.size + 1, depth), dtype=np.int64)  # of the sentences, then of none
        there = np.zeros(self.size + 1, dtype=np.bool_)
        flat: list[Any] = []
        for array, (_, places) in zip(held, self.stacks, strict=True):
            begin = len(flat)
            end = begin + len(places)
            if array is None:
                flat += [None] * len(places)
                continue
            shapes[begin:end], there[begin:end] = array.shape[1:], True
            flat.extend(array.reshape(len(array), -1))
        present = there[self.number]
        numbers = [flat[i] for i in self.number[present].tolist()]
        return PlacedArrays(numbers, shapes[self.number], present)

    def strongest(self, count: int) -> tuple[PlacedArrays, PlacedArrays]:
        """The positions of the `count` strongest keys of each row, and their weights."""
        kept = {
            id(stack): strongest_of_rows(stack.made("weights"), count) for stack, _ in self.stacks
        }
        keys = self.arrays(lambda stack: kept[id(stack)][0])
        return keys, self.arrays(lambda stack: kept[id(stack)][1])

    def part(self, name: str) -> "PlacedRecords":
        """The results of a part, in the places of those that hold it."""
        parts = [
            (stack_of(part, 0), places)
            for stack, places in self.stacks
            if (part := getattr(stack.finished, name, None)) is not None
        ]
        return PlacedRecords(self.size, parts, {})
