"""How SentencePiece prepares a text: characters spelled otherwise, spaces as ▁; each with its place.

The table of characters (`precompiled_charsmap`) is a trie of byte strings as a double array, and
the texts that its entries point to. Sources: the normalizer of
https://github.com/google/sentencepiece, and the units of a double array of Darts-clone.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from attncli.errors import LimitError
from attncli.text.sentencepiece_model import USER_DEFINED, SentencePieceModel

SPACE = "▁"
_MOST_LETTERS = 1 << 18  # that a table may make of a short text: a second of cutting
_MOST_LOOKS = 1 << 22  # that a short text may need, one for each length of the pieces of a letter
_USUAL_LENGTHS = 64  # of the pieces that begin with one letter; vocabularies have up to about 20
_LONGEST_KEY = 64  # letters of a text looked up in the table
_NONE = -1


class PlacedText(NamedTuple):
    """A text as the pieces spell it: of each letter where its origin begins and ends in the text given."""

    text: str
    begins: list[int]
    ends: list[int]


class Normalizer:
    """How a model prepares a text. Raises: ValueError for a table that is none."""

    def __init__(self, model: SentencePieceModel) -> None:
        self._model = model
        self._table = CharacterTable(model.charsmap) if model.charsmap else None
        self._own = by_first(
            piece
            for piece, kind in zip(model.pieces, model.types, strict=True)
            if kind == USER_DEFINED
        )
        self._own_lengths = lengths_by_first(self._own)

    def __call__(self, text: str) -> PlacedText:
        """The text prepared. Raises: LimitError when it would become too long."""
        model, space = self._model, SPACE if self._model.escapes_spaces else " "
        letters, begins, ends = list[str](), list[int](), list[int]()

        def add(letter: str, begin: int, end: int) -> None:
            letters.append(letter)
            begins.append(begin)
            ends.append(end)

        expect_few_looks(text, self._own_lengths)
        at = self._first(text) if model.removes_spaces else 0
        if at == len(text):
            return PlacedText("", [], [])
        if model.has_dummy_prefix and not model.is_suffix:
            add(space, at, at)
        after_space, spelled_letters = model.removes_spaces, 0
        while at < len(text):
            spelled, n = self._prefix(text, at)
            spelled_letters += len(spelled)
            if spelled_letters > max(_MOST_LETTERS, 4 * len(text)):
                raise LimitError(
                    f"the table of characters makes more than {max(_MOST_LETTERS, 4 * len(text))} "
                    f"letters of {len(text)}"
                )
            spelled = spelled.lstrip(" ") if after_space else spelled
            for letter in spelled:
                add(space if letter == " " else letter, at, at + n)
            if spelled:
                after_space = spelled.endswith(" ")
            after_space = after_space and model.removes_spaces
            at += n
        while model.removes_spaces and letters and letters[-1] == space:
            at = begins.pop()
            letters.pop()
            ends.pop()
        if model.has_dummy_prefix and model.is_suffix:
            add(space, at, at)
        return PlacedText("".join(letters), begins, ends)

    def _first(self, text: str) -> int:
        """Where the text begins behind its leading spaces."""
        at = 0
        while at < len(text):
            spelled, n = self._prefix(text, at)
            if spelled != " ":
                break
            at += n
        return at

    def _prefix(self, text: str, at: int) -> tuple[str, int]:
        """How the text is spelled from a place on, and how many of its letters that stands for."""
        own = longest_of(self._own, text, at)
        if own:
            return text[at : at + own], own
        return (text[at], 1) if self._table is None else self._table.longest(text, at)


class CharacterTable:
    """The table in `precompiled_charsmap`. Raises: ValueError when it is none."""

    def __init__(self, charsmap: bytes) -> None:
        size = expect_whole_table(charsmap)
        if size % 4 or not size:
            raise ValueError(f"the table of characters has {len(charsmap)} bytes, {size} of a trie")
        self._units: list[int] = np.frombuffer(charsmap, "<u4", size // 4, 4).tolist()
        self._texts = charsmap[4 + size :]

    def longest(self, text: str, at: int) -> tuple[str, int]:
        """What the longest entry from a place on is spelled as, and its letters; else the letter."""
        units, node, best, n = self._units, 0, _NONE, 1
        if not units:
            return text[at], 1
        node ^= _offset(units[0])
        for end in range(at, min(len(text), at + _LONGEST_KEY)):
            for byte in text[end].encode("utf-8", "replace"):
                node ^= byte
                if node >= len(units) or units[node] & 0x800000FF != byte:
                    return (text[at], 1) if best == _NONE else (self._text(best), n)
                unit = units[node]
                node ^= _offset(unit)
            if unit >> 8 & 1 and node < len(units):
                best, n = units[node] & 0x7FFFFFFF, end + 1 - at
        return (text[at], 1) if best == _NONE else (self._text(best), n)

    def _text(self, start: int) -> str:
        end = self._texts.find(b"\0", start)
        own = self._texts[start:] if end < 0 else self._texts[start:end]
        return own.decode("utf-8", "replace")


def expect_whole_table(charsmap: bytes) -> int:
    """The bytes of the trie of a table. Raises: ValueError for one that claims more than there are,
    for which the library `tokenizers` would take memory before it looks."""
    size = int.from_bytes(charsmap[:4], "little")
    if len(charsmap) < 4 or size > len(charsmap) - 4:
        raise ValueError(f"the table of characters has {len(charsmap)} bytes, {size} of a trie")
    return size


def _offset(unit: int) -> int:
    """How far the children of a unit are."""
    return unit >> 10 << ((unit & 1 << 9) >> 6)


Firsts = dict[str, tuple[frozenset[str], tuple[int, ...]]]


def by_first(pieces: Iterator[str]) -> Firsts:
    """Pieces by their first letter, with the lengths they have, longest first."""
    every = dict[str, set[str]]()
    for piece in pieces:
        every.setdefault(piece[0], set()).add(piece)
    return {
        first: (frozenset(own), tuple(sorted({len(one) for one in own}, reverse=True)))
        for first, own in every.items()
    }


def lengths_by_first(firsts: Firsts) -> dict[str, tuple[int, ...]]:
    """The lengths of the pieces that begin with a letter, shortest first."""
    return {first: lengths[::-1] for first, (_, lengths) in firsts.items()}


def longest_of(firsts: Firsts, text: str, at: int) -> int:
    """The letters of the longest piece that a text has at a place, 0 for none."""
    own, lengths = firsts.get(text[at], (frozenset(), ()))
    left = len(text) - at
    return next((n for n in lengths if n <= left and text[at : at + n] in own), 0)


def expect_few_looks(text: str, lengths: Mapping[str, Sequence[int]]) -> None:
    """Raises: LimitError for a text that would be looked up too often; `lengths` are those of the
    pieces that begin with a letter."""
    looks = sum(n * len(lengths.get(letter, ())) for letter, n in Counter(text).items())
    if looks > max(_MOST_LOOKS, _USUAL_LENGTHS * len(text)):
        raise LimitError(
            f"{len(text)} letters begin pieces of so many lengths that they take {looks} looks, "
            f"the limit is {max(_MOST_LOOKS, _USUAL_LENGTHS * len(text))}"
        )


def byte_places(text: str) -> list[int]:
    """Where each letter of a text begins in its UTF-8, and where the last ends. Shape (n + 1,)."""
    return list(accumulate((len(letter.encode("utf-8", "replace")) for letter in text), initial=0))
