"""Where the sentences of a chunk's stacks stand in the chunk."""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np

from attncli.errors import AttnError
from attncli.results.stack import Stack, stack_of


class PlacedRecords:
    """The records of a chunk: stacks with the places of their sentences, errors by their places.

    `number` (size,) counts each record's sentence in the stacks behind each other, −1 where it has none.
    """

    def __init__(
        self,
        size: int,
        stacks: list[tuple[Stack, Sequence[int]]],
        errors: dict[int, AttnError],
    ) -> None:
        self.size, self.stacks, self.errors = size, stacks, errors
        self.number = np.full(size, -1)
        places = list(chain.from_iterable(places for _, places in stacks))
        self.number[places] = np.arange(len(places))
        self.present = self.number >= 0
        self.are_results = len(places) == size  # whether every record is of a stack

    def values(self, of: Callable[[Stack], Iterable[Any] | None]) -> list[Any]:
        """What a stack has for each of its sentences, in the order of the chunk; None for others."""
        values: list[Any] = [None] * self.size
        for stack, places in self.stacks:
            found = of(stack)
            if found is not None:
                for place, value in zip(places, found, strict=True):
                    values[place] = value
        return values

    def part(self, name: str) -> "PlacedRecords":
        """The results of a part, in the places of those that hold it."""
        parts = [
            (stack_of(part, 0), places)
            for stack, places in self.stacks
            if (part := getattr(stack.finished, name, None)) is not None
        ]
        return PlacedRecords(self.size, parts, {})
