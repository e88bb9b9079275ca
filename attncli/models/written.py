"""Ids that a model wrote → their pieces, and the text that they add to the one before them.

A piece of bytes may be a part of a character: then several pieces have the place of that character,
as they have when a tokenizer cuts it.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from attncli.models.pieces import Piece, PieceTokenizer, without_spaces

_CONTEXT = 8  # ids before the first that decide how it is spelled
_INCOMPLETE = "\ufffd"


class Written(NamedTuple):
    """The text that was added, and its pieces; places count from the beginning of the whole text."""

    text: str
    pieces: tuple[Piece, ...]


def spelled_on(
    tokenizer: PieceTokenizer, text: str, before: Sequence[int], ids: Sequence[int]
) -> Written:
    """What `ids` add to a `text` whose ids are `before`. Raises: DataError when the tokenizer fails."""
    context = _context(tokenizer, before)
    start = len(tokenizer.text_of(context))
    spelled = [tokenizer.text_of([*context, *ids[:n]])[start:] for n in range(len(ids) + 1)]
    whole = text + spelled[-1]
    spans = [(len(text) + a, len(text) + b) for a, b in _spans(spelled)]
    pieces: list[Piece] = []
    for number, (a, b) in zip(ids, spans, strict=True):
        first, end = without_spaces(whole, a, b)
        key = tokenizer.entry(number)
        joins = a > 0 and whole[a - 1].isalnum() and whole[a:b][:1].isalnum()  # goes on with a word
        inside = bool(pieces) and first < pieces[-1].end  # of one character
        status = "piece" if joins or inside else "exact"
        pieces.append(Piece(whole[first:end] or key, first, end, key, status, 0))
    return Written(spelled[-1], tuple(pieces))


def _context(tokenizer: PieceTokenizer, before: Sequence[int]) -> list[int]:
    """The last ids, from one on that is no single byte: those are spelled together."""
    start = max(len(before) - _CONTEXT, 0)
    while start and tokenizer.entry(before[start]).startswith("<0x"):
        start -= 1
    return list(before[start:])


def _spans(spelled: Sequence[str]) -> list[tuple[int, int]]:
    """The place of each piece in the last text, given the texts of the first 0, 1, 2 … pieces.

    A text that the last one does not begin with ends within a character.

    >>> _spans(["", " a", " a\ufffd", " aé", " aé!"])
    [(0, 2), (2, 3), (2, 3), (3, 4)]
    """
    last = spelled[-1]
    whole = [n for n, text in enumerate(spelled) if last.startswith(text)]
    spans: list[tuple[int, int]] = []
    for first, end in pairwise(whole):
        start, stop = len(spelled[first]), len(spelled[end])
        if start == stop and last[:stop].endswith(_INCOMPLETE):
            start -= 1  # one more byte of what is no character
        spans += [(min(start, stop), stop)] * (end - first)
    return spans
