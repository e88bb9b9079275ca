"""The tokens of many sentences as JSON, made together: a token is three pieces of text.

The pieces before a token's offsets and behind them are made once for each Fragment, those with the
offsets once for all.
"""

from collections.abc import Sequence
from functools import cache
from itertools import chain, pairwise
from operator import attrgetter
from typing import NamedTuple

import numpy as np

from attncli.arrays import IntArray
from attncli.results.json import plain_json
from attncli.results.stack import Fragment, TokenRun, TokenRuns

_STARTS = 512  # the table holds the offsets of tokens that begin before this character
_LENGTHS = 32  # and are shorter than this
_FAR = -(1 << 40)  # the span of a part that is not in the table


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


def token_texts(stacks: Sequence[Sequence[TokenRun]]) -> list[str]:
    """The JSON list of each sentence's tokens, stack after stack."""
    tokens = Tokens.of(stacks)
    if not len(tokens.which):
        return ["[]"] * len(tokens.counts)
    fragments, which = tokens.fragments, tokens.which.tolist()
    for n in tokens.used().tolist():
        if not fragments[n].before:
            _remember(fragments[n])
    before = list(map(attrgetter("before"), fragments))
    after = list(map(attrgetter("after"), fragments))
    pieces = [""] * (3 * len(which))
    pieces[0::3] = map(before.__getitem__, which)
    pieces[1::3] = _offsets(tokens)
    pieces[2::3] = map(after.__getitem__, which)
    ends = (3 * np.cumsum(tokens.counts)).tolist()
    return [f"[{''.join(pieces[begin:end])[:-1]}]" for begin, end in pairwise([0, *ends])]


def _remember(part: Fragment) -> None:
    part.before = f'{{"text":{plain_json(part.text)},"start":'
    part.after = f',"key":{plain_json(part.key)},"status":"{part.status}"}},'
    length = part.end - part.start
    part.span = part.start * _LENGTHS + length if length < _LENGTHS else _FAR


def _offsets(tokens: Tokens) -> list[str]:
    """Where each token starts and ends in its sentence."""
    table, fragments = _table(), tokens.fragments
    spans = np.fromiter(map(attrgetter("span"), fragments), np.intp, len(fragments))
    at = tokens.places * _LENGTHS + spans[tokens.which]  # start · _LENGTHS + length
    inside = (at >= 0) & (at < len(table))
    if inside.all():
        return list(map(table.__getitem__, at.tolist()))
    offsets = list(map(table.__getitem__, np.where(inside, at, 0).tolist()))
    for i in np.flatnonzero(~inside).tolist():
        part = fragments[int(tokens.which[i])]
        offsets[i] = _offset(int(tokens.places[i]) + part.start, part.end - part.start)
    return offsets


@cache
def _table() -> list[str]:
    """The text between a token's start and its end, at start · _LENGTHS + length."""
    return [_offset(start, length) for start in range(_STARTS) for length in range(_LENGTHS)]


def _offset(start: int, length: int) -> str:
    return f'{start},"end":{start + length}'
