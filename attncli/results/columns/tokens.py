"""The tokens of sentences as a column of lists of structs."""

from collections.abc import Sequence
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
from attncli.results.stacked_tokens import FragmentColumns, Tokens

# The tokens of sentences, with the places of these.
PlacedRuns: TypeAlias = Sequence[tuple[Sequence[TokenRun], Sequence[int]]]

_MOST = 1 << 16  # fragments that are remembered, and those of one batch more


class TokenColumns:
    """Makes the columns; what all occurrences of a fragment share is made once and kept."""

    def __init__(self, pa: Any) -> None:
        self._pa = pa
        self._numbered = FragmentColumns(lambda fragments: [self._numbers_of(fragments)])
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
        pa, self._kind = self._pa, kind
        if len(self._numbers) > _MOST:
            self._forget()
        (numbers,), which = self._numbered.of(tokens)
        taken = numbers[which[at]]
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

    def _numbers_of(self, fragments: Sequence[Fragment]) -> IntArray:
        """The numbers of fragments in the columns that are kept, (n,)."""
        # one that two pieces share, of which one is not remembered by the reader, comes twice
        new = [part for part in dict.fromkeys(fragments) if part not in self._numbers]
        first = len(self._numbers)
        self._numbers.update(zip(new, range(first, first + len(new)), strict=True))
        for of in self._kind if new else ():
            values = list(map(attrgetter(of.name), new))
            if of.name in ("start", "end"):
                added = np.array(values, dtype=np.int32)
                self._shared[of.name] = np.append(self._shared.get(of.name, added[:0]), added)
            else:
                texts = text_array(self._pa, values, of.type)
                kept = [self._shared[of.name]] if of.name in self._shared else []
                self._shared[of.name] = self._pa.concat_arrays([*kept, texts])
        return np.fromiter(map(self._numbers.__getitem__, fragments), np.int32, len(fragments))

    def _forget(self) -> None:
        self._numbers: dict[Fragment, int] = {}
        self._shared: dict[str, Any] = {}  # columns of these fragments, by the field's name
        self._numbered.forget()
