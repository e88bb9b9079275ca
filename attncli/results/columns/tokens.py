"""The tokens of sentences as a column of lists of structs."""

from collections.abc import Sequence
from itertools import repeat
from operator import attrgetter
from typing import Any, TypeAlias

import numpy as np

from attncli.arrays import IntArray
from attncli.results.columns.arrays import (
    list_array,
    number_array,
    plain_array,
    struct_array,
    text_array,
)
from attncli.results.stack import Fragment, TokenRun
from attncli.results.stacked_tokens import Tokens

# The tokens of sentences, with the places of these.
PlacedRuns: TypeAlias = Sequence[tuple[Sequence[TokenRun], Sequence[int]]]

_MOST = 1 << 16  # fragments that are remembered
_NEW = -1


class TokenColumns:
    """Makes the columns; what all occurrences of a fragment share is made once and kept."""

    def __init__(self, pa: Any) -> None:
        self._pa = pa
        self._forget()

    def lists(self, size: int, stacks: PlacedRuns, kind: Any) -> Any:
        """The tokens of sentences, or None, as one column of lists of structs."""
        number = np.full(size, -1)  # of each record's sentence in the stacks, −1 where it has none
        counts = np.zeros(size, dtype=np.int32)
        total = 0
        if stacks:
            tokens = Tokens.of([runs for runs, _ in stacks])
            places = np.concatenate([np.asarray(places, np.intp) for _, places in stacks])
            number[places] = np.arange(len(places))
            counts[places] = tokens.counts
            total = len(tokens.which)
        present = number >= 0
        columns = (
            self._columns(tokens, tokens.in_order(number[present]), kind.value_type)
            if total
            else [plain_array(self._pa, [], of.type) for of in kind.value_type]
        )
        structs = struct_array(self._pa, total, columns, kind.value_type)
        return list_array(self._pa, counts, structs, kind, present)

    def _columns(self, tokens: Tokens, at: IntArray, kind: Any) -> list[Any]:
        """The fields of the tokens `at` some places, one behind the other."""
        pa, which = self._pa, tokens.which[at]
        used = tokens.used()
        numbers = np.zeros(len(tokens.fragments), dtype=np.int32)
        numbers[used] = self._remembered([tokens.fragments[n] for n in used.tolist()], kind)
        taken = numbers[which]
        indices = number_array(pa, taken, pa.int32())
        columns = []
        for of in kind:
            shared = self._shared[of.name]
            if of.name in ("start", "end"):
                places = shared[taken] + tokens.places[at].astype(np.int32)
                columns.append(number_array(pa, places, of.type))
            else:
                columns.append(shared.take(indices))
        return columns

    def _remembered(self, fragments: list[Fragment], kind: Any) -> list[int]:
        """The numbers of distinct fragments in the columns that are kept."""
        numbers = list(map(self._numbers.get, fragments, repeat(_NEW)))
        # one that two pieces share, of which one is not remembered by the reader, comes twice
        new = dict.fromkeys(part for part, n in zip(fragments, numbers, strict=True) if n == _NEW)
        if not new:
            return numbers
        if len(self._numbers) + len(new) > _MOST:
            self._forget()
            new = dict.fromkeys(fragments)
        first = len(self._numbers)
        self._numbers.update(zip(new, range(first, first + len(new)), strict=True))
        for of in kind:
            values = list(map(attrgetter(of.name), new))
            if of.name in ("start", "end"):
                added = np.array(values, dtype=np.int32)
                self._shared[of.name] = np.append(self._shared.get(of.name, added[:0]), added)
            else:
                texts = text_array(self._pa, values, of.type)
                kept = [self._shared[of.name]] if of.name in self._shared else []
                self._shared[of.name] = self._pa.concat_arrays([*kept, texts])
        return [self._numbers[part] for part in fragments]

    def _forget(self) -> None:
        self._numbers: dict[Fragment, int] = {}
        self._shared: dict[str, Any] = {}  # columns of these fragments, by the field's name
