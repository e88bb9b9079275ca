"""The tokens of many sentences as JSON, made together: a token is three pieces of text.

The pieces before a token's offsets and behind them are made once for each Fragment, those with the
offsets once for all.
"""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from attncli.arrays import IntArray
from attncli.results.json import plain_json
from attncli.results.stack import Fragment, TokenRun
from attncli.results.stacked_tokens import Tokens

Objects: TypeAlias = npt.NDArray[Any]  # of texts

_STARTS = 512  # the table holds the offsets of tokens that begin before this character
_LENGTHS = 32  # and are shorter than this
_FAR = -(1 << 40)  # the span of a part that is not in the table


def token_texts(stacks: Sequence[Sequence[TokenRun]]) -> list[str]:
    """The JSON list of each sentence's tokens, stack after stack."""
    tokens = Tokens.of(stacks)
    if not len(tokens.which):
        return ["[]"] * len(tokens.counts)
    used = tokens.used()
    parts = [tokens.fragments[n] for n in used.tolist()]
    for part in parts:
        if not part.before:
            _remember(part)
    number_of = np.zeros(len(tokens.fragments), dtype=np.intp)  # among the used
    number_of[used] = np.arange(len(used))
    which = number_of[tokens.which]
    pieces = np.empty((len(which), 3), dtype=np.object_)
    pieces[:, 0] = _objects([part.before for part in parts])[which]
    pieces[:, 1] = _offsets(parts, which, tokens.places)
    pieces[:, 2] = _objects([part.after for part in parts])[which]
    listed = pieces.reshape(-1).tolist()
    ends = (3 * np.cumsum(tokens.counts)).tolist()
    return [f"[{''.join(listed[begin:end])[:-1]}]" for begin, end in pairwise([0, *ends])]


def _objects(texts: Sequence[str]) -> Objects:
    """An array of texts as they are, (n,): taking many of it is faster than of a list."""
    array = np.empty(len(texts), dtype=np.object_)
    array[:] = texts
    return array


def _remember(part: Fragment) -> None:
    part.before = f'{{"text":{plain_json(part.text)},"start":'
    part.after = f',"key":{plain_json(part.key)},"status":"{part.status}"}},'
    length = part.end - part.start
    part.span = part.start * _LENGTHS + length if length < _LENGTHS else _FAR


def _offsets(parts: Sequence[Fragment], which: IntArray, places: IntArray) -> Objects:
    """Where each token `parts[which]`, whose piece begins at `places`, starts and ends in its sentence.

    Shapes: which, places (n_tokens,) → (n_tokens,).
    """
    table = _table()
    spans = np.array([part.span for part in parts], dtype=np.intp)
    at = places * _LENGTHS + spans[which]  # start · _LENGTHS + length
    far = np.flatnonzero((at < 0) | (at >= len(table)))
    at[far] = 0
    offsets: Objects = table[at]
    for i in far.tolist():
        part = parts[int(which[i])]
        offsets[i] = _offset(int(places[i]) + part.start, part.end - part.start)
    return offsets


@cache
def _table() -> Objects:
    """The text between a token's start and its end, at start · _LENGTHS + length."""
    return _objects(
        [_offset(start, length) for start in range(_STARTS) for length in range(_LENGTHS)]
    )


def _offset(start: int, length: int) -> str:
    return f'{start},"end":{start + length}'
