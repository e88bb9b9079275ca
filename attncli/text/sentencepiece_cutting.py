"""A text cut into the pieces of a SentencePiece model, each with its place in the text.

Unigram models take the cut whose scores have the largest sum (Kudo 2018, arXiv:1804.10959, section
3.2); BPE models join the pair with the best score, time after time (Sennrich et al. 2016,
arXiv:1508.07909). Sums are rounded to float32 as in https://github.com/google/sentencepiece.
"""

import heapq
from array import array
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from attncli.text.sentencepiece_model import (
    NORMAL,
    UNUSED,
    USER_DEFINED,
    SentencePieceModel,
    byte_piece,
)
from attncli.text.sentencepiece_normalizing import (
    Normalizer,
    by_first,
    byte_places,
    expect_few_looks,
    lengths_by_first,
    longest_of,
)

_UNKNOWN_PENALTY = 10.0
_LARGEST = 3.4028234663852886e38  # of float32


class Cut(NamedTuple):
    """A piece of a text: what it is called, its id in the model, and text[start:end]."""

    piece: str
    number: int
    start: int
    end: int


class SentencePieceCutter:
    """Cuts texts into the pieces of a model. Raises: ValueError for a damaged table of characters."""

    def __init__(self, model: SentencePieceModel) -> None:
        self.model = model
        self._normalized = Normalizer(model)
        pairs = list(zip(model.pieces, model.types, strict=True))
        matched = (NORMAL, USER_DEFINED, UNUSED)
        self._ids = {piece: at for at, (piece, kind) in enumerate(pairs) if kind in matched}
        self._others = {piece: at for at, (piece, kind) in enumerate(pairs) if kind not in matched}
        self._own = by_first(piece for piece, kind in pairs if kind == USER_DEFINED)
        self._own_lengths = lengths_by_first(self._own)
        self._lengths = lengths_by_first(by_first(iter(self._ids)))
        normal = [s for s, kind in zip(model.scores, model.types, strict=True) if kind == NORMAL]
        least = min(normal, default=_LARGEST)
        self._unknown_score = array("f", [least - _UNKNOWN_PENALTY])[0]
        self._most = max(normal, default=0.0)

    def __call__(self, text: str) -> list[Cut]:
        """The pieces of a text. Raises: LimitError when its table makes too much of it."""
        prepared = self._normalized(text)
        whole = prepared.text
        cut = self._likeliest if self.model.kind == "unigram" else self._joined
        cuts = list[Cut]()
        for start, end, number in self._with_unknown_as_one(cut(whole)):
            place = (prepared.begins[start], prepared.ends[end - 1])
            if number == self.model.unknown and self.model.falls_back:
                cuts += self._bytes(whole[start:end], *place)
            else:
                cuts.append(Cut(whole[start:end], number, *place))
        return cuts

    def _with_unknown_as_one(
        self, parts: list[tuple[int, int, int]]
    ) -> Iterator[tuple[int, int, int]]:
        """Start, end and id of each part; what is unknown side by side, and not cut into bytes, is one."""
        for number, own in groupby(parts, key=itemgetter(2)):
            if number == self.model.unknown and not self.model.falls_back:
                run = list(own)
                yield run[0][0], run[-1][1], number
            else:
                yield from own

    def number(self, piece: str) -> int:
        """The id of a piece, that of what is unknown for one that is none."""
        return self._others.get(piece, self._ids.get(piece, self.model.unknown))

    def _bytes(self, letters: str, start: int, end: int) -> list[Cut]:
        pieces = map(byte_piece, letters.encode("utf-8", "replace"))
        return [Cut(piece, self._others[piece], start, end) for piece in pieces]

    def _likeliest(self, text: str) -> list[tuple[int, int, int]]:
        """Start, end and id of each piece of the cut with the largest sum of scores."""
        expect_few_looks(text, self._lengths)
        n, types, scores = len(text), self.model.types, self.model.scores
        places = byte_places(text)
        best, total = array("f", [0.0]) * (n + 1), array("f", [0.0])  # which round to float32
        ids, begins = [self.model.unknown] * (n + 1), [-1] * (n + 1)
        for start in range(n):
            so_far, has_letter = best[start], False
            for length in self._lengths.get(text[start], ()):
                end = start + length
                if end > n:
                    break
                number = self._ids.get(text[start:end])
                if number is None or types[number] == UNUSED:
                    continue
                score = scores[number]
                if types[number] == USER_DEFINED:
                    score = (places[end] - places[start]) * self._most - 0.1
                total[0] = score + so_far
                if begins[end] < 0 or total[0] > best[end]:
                    best[end], ids[end], begins[end] = total[0], number, start
                has_letter = has_letter or length == 1
            if not has_letter:
                total[0], end = self._unknown_score + so_far, start + 1
                if begins[end] < 0 or total[0] > best[end]:
                    best[end], ids[end], begins[end] = total[0], self.model.unknown, start
        cut, end = list[tuple[int, int, int]](), n
        while end > 0:
            cut.append((begins[end], end, ids[end]))
            end = begins[end]
        return cut[::-1]

    def _joined(self, text: str) -> list[tuple[int, int, int]]:
        """Start, end and id of each piece that is left when no pair can be joined."""
        expect_few_looks(text, self._own_lengths)
        starts, ends, frozen = list[int](), list[int](), list[bool]()
        at = 0
        while at < len(text):
            own = longest_of(self._own, text, at)
            starts.append(at)
            at += own or 1
            ends.append(at)
            frozen.append(own > 0)
        before, after = list(range(-1, len(starts) - 1)), [*range(1, len(starts)), -1]
        pairs, parts = list[tuple[float, int, int, int, int]](), dict[str, int]()

        def consider(left: int, right: int) -> None:
            if left < 0 or right < 0 or frozen[left] or frozen[right]:
                return
            piece = text[starts[left] : ends[right]]
            number = self._ids.get(piece)
            if number is None:
                return
            score = self.model.scores[number]
            heapq.heappush(pairs, (-score, left, right, starts[left], ends[right]))
            if self.model.types[number] == UNUSED:
                parts[piece] = ends[left] - starts[left]

        for left in range(len(starts) - 1):
            consider(left, left + 1)
        while pairs:
            _, left, right, start, end = heapq.heappop(pairs)
            if (starts[left], after[left], ends[right]) != (start, right, end):
                continue  # one of them was joined with another before
            ends[left], after[left] = end, after[right]
            starts[right] = ends[right] = -1  # it is no more
            if after[left] >= 0:
                before[after[left]] = left
            consider(before[left], left)
            consider(left, after[left])
        kept = [(starts[one], ends[one]) for one in range(len(starts)) if ends[one] >= 0]
        return [part for start, end in kept for part in self._parted(text, start, end, parts)]

    def _parted(
        self, text: str, start: int, end: int, parts: dict[str, int]
    ) -> list[tuple[int, int, int]]:
        """A piece, or what an unused one was joined of."""
        cut, todo = list[tuple[int, int, int]](), [(start, end)]
        while todo:
            start, end = todo.pop()
            piece = text[start:end]
            number = self.number(piece)
            left = parts.get(piece) if self.model.types[number] == UNUSED else None
            if left is None:
                cut.append((start, end, number))
            else:
                todo += [(start + left, end), (start, start + left)]
        return cut
