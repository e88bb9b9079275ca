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

from attncli.arrays import AnyArray, IntArray
from attncli.arrays.compiled import Texts, compiled
from attncli.results.json import plain_json
from attncli.results.stack import Fragment, TokenRun
from attncli.results.stacked_tokens import FragmentColumns, Tokens

Objects: TypeAlias = npt.NDArray[Any]  # of texts

_STARTS = 512  # the table holds the offsets of tokens that begin before this character
_LENGTHS = 32  # and are shorter than this
_FAR = -(1 << 40)  # the span of a part that is not in the table


class TokenTexts:
    """Makes them; what all occurrences of a fragment share is made once and kept."""

    def __init__(self) -> None:
        self._pieces = FragmentColumns(_pieces_of if compiled() is None else _texts_of)

    def lists(self, stacks: Sequence[Sequence[TokenRun]]) -> list[str] | Texts:
        """The JSON list of each sentence's tokens, stack after stack."""
        tokens = Tokens.of(stacks)
        if (kernel := compiled()) is not None:
            columns, which = self._pieces.of(tokens)
            return kernel.token_lists(which, tokens.places, tokens.counts, columns)
        (before, spans, after), which = self._pieces.of(tokens)
        pieces = np.empty((len(which), 3), dtype=np.object_)
        pieces[:, 0] = before[which]
        pieces[:, 1] = _offsets(tokens, spans[which])
        pieces[:, 2] = after[which]
        listed = pieces.reshape(-1).tolist()
        ends = (3 * np.cumsum(tokens.counts)).tolist()
        return [f"[{''.join(listed[begin:end])[:-1]}]" for begin, end in pairwise([0, *ends])]


def _pieces_of(parts: Sequence[Fragment]) -> tuple[Objects, IntArray, Objects]:
    """What stands before each fragment's offsets, its span, and what stands behind. Shapes: (n,) each."""
    for part in parts:
        if not part.before:
            _remember(part)
    spans = np.array([part.span for part in parts], dtype=np.intp)
    before, after = ([getattr(part, name) for part in parts] for name in ("before", "after"))
    return _objects(before), spans, _objects(after)


def _texts_of(parts: Sequence[Fragment]) -> list[AnyArray]:
    """The same as the compiled loops take it: texts behind each other and the size of each, what each
    fragment begins with and its length. Shapes: the texts (n_bytes,), all others (n,).
    """
    columns: list[AnyArray] = []
    for part in parts:
        if not part.before:
            _remember(part)
    for texts in ([part.before for part in parts], [part.after for part in parts]):
        encoded = list(map(str.encode, texts))
        columns.append(np.frombuffer(b"".join(encoded), dtype=np.uint8))
        columns.append(np.fromiter(map(len, encoded), np.int64, len(parts)))
    columns.append(np.array([part.start for part in parts], dtype=np.int64))
    columns.append(np.array([part.end - part.start for part in parts], dtype=np.int64))
    return columns


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


def _offsets(tokens: Tokens, spans: IntArray) -> Objects:
    """Where each token starts and ends in its sentence. Shapes: spans (n_tokens,) → (n_tokens,)."""
    table = _table()
    at = tokens.places * _LENGTHS + spans  # start · _LENGTHS + length
    far = np.flatnonzero((at < 0) | (at >= len(table)))
    at[far] = 0
    offsets: Objects = table[at]
    for i in far.tolist():
        part = tokens.fragments[int(tokens.which[i])]
        offsets[i] = _offset(int(tokens.places[i]) + part.start, part.end - part.start)
    return offsets


@cache
def _table() -> Objects:
    """The text between a token's start and its end, at start · _LENGTHS + length."""
    return _objects(
        [_offset(start, length) for start in range(_STARTS) for length in range(_LENGTHS)]
    )


def _offset(start: int, length: int) -> str:
    return f'{start},"end":{start + length}'
