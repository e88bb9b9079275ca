"""The tokens of many sentences as JSON, made together: a token is three pieces of text.

The pieces before a token's offsets and behind them are made once for each Fragment, those with the
offsets once for all.
"""

from collections.abc import Sequence
from functools import cache
from itertools import chain, pairwise
from operator import attrgetter

import numpy as np

from attncli.results.json import plain_json
from attncli.results.stack import Fragment, TokenRun

_STARTS = 512  # the table holds the offsets of tokens that begin before this character
_LENGTHS = 32  # and are shorter than this
_FAR = -(1 << 40)  # the span of a part that is not in the table


def token_texts(runs: Sequence[TokenRun]) -> list[str]:
    """The JSON list of each sentence's tokens."""
    parts = list(chain.from_iterable(run.parts for run in runs))
    before = list(map(attrgetter("before"), parts))
    if not all(before):
        for part, text in zip(parts, before, strict=True):
            if not text:
                _remember(part)
        before = list(map(attrgetter("before"), parts))
    pieces = [""] * (3 * len(parts))
    pieces[0::3] = before
    pieces[1::3] = _offsets(parts, runs)
    pieces[2::3] = map(attrgetter("after"), parts)
    ends = np.cumsum([3 * len(run) for run in runs]).tolist()
    return [f"[{''.join(pieces[begin:end])[:-1]}]" for begin, end in pairwise([0, *ends])]


def _remember(part: Fragment) -> None:
    if part.before:
        return
    part.before = f'{{"text":{plain_json(part.text)},"start":'
    part.after = f',"key":{plain_json(part.key)},"status":"{part.status}"}},'
    length = part.end - part.start
    part.span = part.start * _LENGTHS + length if length < _LENGTHS else _FAR


def _offsets(parts: Sequence[Fragment], runs: Sequence[TokenRun]) -> list[str]:
    """Where each token starts and ends in its sentence."""
    table, count = _table(), len(parts)
    places = np.fromiter(chain.from_iterable(run.places for run in runs), np.intp, count)
    spans = np.fromiter(map(attrgetter("span"), parts), np.intp, count)
    at = places * _LENGTHS + spans  # start · _LENGTHS + length
    inside = (at >= 0) & (at < len(table))
    if inside.all():
        return list(map(table.__getitem__, at.tolist()))
    offsets = list(map(table.__getitem__, np.where(inside, at, 0).tolist()))
    for i in np.flatnonzero(~inside).tolist():
        start, part = int(places[i]) + parts[i].start, parts[i]
        offsets[i] = _offset(start, part.end - part.start)
    return offsets


@cache
def _table() -> list[str]:
    """The text between a token's start and its end, at start · _LENGTHS + length."""
    return [_offset(start, length) for start in range(_STARTS) for length in range(_LENGTHS)]


def _offset(start: int, length: int) -> str:
    return f'{start},"end":{start + length}'
