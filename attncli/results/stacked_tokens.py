"""The tokens of stacks as numbers, one behind the other: what writers of many sentences take."""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from attncli.arrays import AnyArray, IntArray
from attncli.results.stack import Fragment, TokenRun, TokenRuns


class Tokens(NamedTuple):
    """The tokens of many sentences behind each other, and how many each sentence has.

    A token is `fragments[which]`; its piece begins at character `places` of its sentence.
    Shapes: which, places (n_tokens,), counts (n_sentences,).
    """

    fragments: Sequence[Fragment]
    which: IntArray
    places: IntArray
    counts: IntArray

    @classmethod
    def of(cls, stacks: Sequence[Sequence[TokenRun]]) -> "Tokens":
        """Those of stacks, in their order."""
        numbered = [runs for runs in stacks if isinstance(runs, TokenRuns)]
        first = numbered[0].fragments if numbered else ()
        if len(numbered) == len(stacks) and all(runs.fragments is first for runs in numbered):
            which = np.concatenate([runs.which.reshape(-1) for runs in numbered])
            places = np.concatenate([runs.places.reshape(-1) for runs in numbered])
            lengths = [runs.which.shape[1] for runs in numbered]
            return cls(first, which, places, np.repeat(lengths, list(map(len, numbered))))
        every = [run for runs in stacks for run in runs]
        parts = [part for run in every for part in run.parts]
        listed = chain.from_iterable(run.places for run in every)
        places = np.fromiter(listed, np.intp, len(parts))
        counts = np.fromiter(map(len, every), np.intp, len(every))
        return cls(parts, np.arange(len(parts)), places, counts)

    def in_order(self, sentences: IntArray) -> IntArray:
        """The places of the tokens of some sentences behind each other. Shapes: (B,) → (n_tokens,)."""
        ends = np.cumsum(self.counts)[sentences]
        counts = self.counts[sentences]
        after = np.cumsum(counts)
        return np.repeat(ends - after, counts) + np.arange(int(after[-1]) if len(after) else 0)

    def used(self) -> IntArray:
        """The numbers of those fragments that occur, in their order."""
        occurs = np.zeros(len(self.fragments), dtype=np.bool_)
        occurs[self.which] = True
        return np.flatnonzero(occurs)


class FragmentColumns:
    """What a writer makes of fragments, as arrays (n_fragments,): those of a list that comes again are kept.

    A list may have grown at its end since it came last.
    """

    def __init__(self, make: Callable[[Sequence[Fragment]], Sequence[AnyArray]]) -> None:
        self._make = make
        self.forget()

    def forget(self) -> None:
        """Lets go of what is kept."""
        self._fragments: Sequence[Fragment] | None = None
        self._columns: Sequence[AnyArray] = ()
        self._length = 0

    def of(self, tokens: Tokens) -> tuple[Sequence[AnyArray], IntArray]:
        """The columns, and which of their rows each token has, (n_tokens,)."""
        fragments = tokens.fragments
        if fragments is not self._fragments:  # it may be a list of these sentences alone
            self.forget()
            self._fragments = fragments
            used = tokens.used()
            row_of = np.zeros(len(fragments), dtype=np.intp)
            row_of[used] = np.arange(len(used))
            return self._make([fragments[n] for n in used.tolist()]), row_of[tokens.which]
        if self._length < len(fragments) or not self._columns:  # none of no words, but columns
            new = self._make(fragments[self._length :])
            both = zip(self._columns, new, strict=True) if self._length else ()
            self._columns = list(map(np.concatenate, both)) or new
            self._length = len(fragments)
        return self._columns, tokens.which
