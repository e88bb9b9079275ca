"""Sentences → parts, piece by piece between spaces; pieces that were met before are remembered.

A space always ends a token, so a piece that was met before costs one look-up, and the pieces of
many sentences are looked up together. Reading a piece alone gives what reading the sentence gives;
tests hold it to the plain way.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, compress, repeat
from typing import NamedTuple

import numpy as np

from attncli.arrays import IntArray
from attncli.embeddings.protocols import EmbeddingStore
from attncli.errors import LimitError, setting
from attncli.errors.wording import size_text
from attncli.reading.cutting import joined_phrases, joins_phrases, tokens_of
from attncli.reading.lexicon import Lexicon
from attncli.reading.piece_numbers import NEW, PieceNumbers
from attncli.results.stack import Fragment
from attncli.settings import TokenizerName
from attncli.text.words import Span

_MAX_PIECES = 1 << 14
_LONGEST_PIECE = 64  # characters; longer ones hardly ever come twice
_AT_ONCE = 1 << 15  # characters whose pieces are in memory together
_AROUND = ".,;:!?\"'()[]"  # marks that belong to no word at its ends, nor to an address


class CutTexts(NamedTuple):
    """Sentences cut into tokens, those of all sentences behind each other.

    A token is the fragment `fragments[which]`, whose piece begins at character `places` of its
    sentence; `rows` has the row of each fragment. A sentence of far too many tokens has none and
    a fault. Shapes: which, places (n_tokens,), rows (n_fragments,), counts (n_sentences,).
    """

    fragments: Sequence[Fragment]
    rows: IntArray
    which: IntArray
    places: IntArray
    counts: IntArray
    faults: dict[int, LimitError]


class Piecewise:
    """Cuts sentences into fragments whose rows are the lexicon's; remembers pieces within bounds."""

    def __init__(
        self, store: EmbeddingStore, lexicon: Lexicon, tokenizer: TokenizerName, max_tokens: int
    ) -> None:
        self._store = store
        self._lexicon = lexicon
        self._tokenizer: TokenizerName = tokenizer
        self._max_tokens = max_tokens
        self._phrases = tokenizer == "words" and joins_phrases(store)
        self._whole = self._phrases or tokenizer == "chars"  # a space ends no token
        self.forget()

    @property
    def full(self) -> bool:
        """Whether enough pieces are known that some are to be forgotten."""
        return len(self._known) >= _MAX_PIECES

    def forget(self) -> None:
        """Forgets every piece, as it must when the lexicon forgets."""
        self._known = PieceNumbers([""])
        self._fragments: list[Fragment] = []
        self._rows = GrowingNumbers()  # of each fragment
        self._firsts = GrowingNumbers([0])  # of each piece: which fragment is its first,
        self._counts = GrowingNumbers([0])  # how many it has,
        self._widths = GrowingNumbers([0])  # how many characters,
        self._met = GrowingNumbers([0])  # how often it came

    def forget_rare(self) -> None:
        """Keeps the pieces that came most often, half of what there is room for, and their words."""
        kept = self._often_met()
        fragments = self._fragments_at(kept)
        self._rows = GrowingNumbers(self._rows.array()[fragments])
        rows = self._rows.array()
        rows[:] = self._lexicon.keep(np.unique(rows[rows >= 0]))[rows]
        self._fragments = [self._fragments[at] for at in fragments.tolist()]
        for part, row in zip(self._fragments, rows.tolist(), strict=True):
            part.row = row
        pieces = list(self._known)  # in the order of their numbers
        self._known = PieceNumbers([pieces[number] for number in kept.tolist()])
        counts = self._counts.array()[kept]
        self._firsts = GrowingNumbers(np.cumsum(counts) - counts)
        self._counts = GrowingNumbers(counts)
        self._widths = GrowingNumbers(self._widths.array()[kept])
        self._met = GrowingNumbers(self._met.array()[kept] // 2)  # what is past counts less

    def _often_met(self) -> IntArray:
        """The numbers of the pieces to be kept, ascending: first of all the empty one."""
        often_first = np.lexsort((-np.arange(len(self._known)), -self._met.array()))
        often_first = often_first[often_first > 0][: _MAX_PIECES // 2]
        rows = self._rows.array()[self._fragments_at(often_first)]
        _, first_of_row = np.unique(rows, return_index=True)
        met_before = np.zeros(len(rows) + 1, np.intp)
        met_before[first_of_row + 1] = 1
        ends = np.cumsum(self._counts.array()[often_first])
        fits = np.cumsum(met_before)[ends] <= self._lexicon.room // 2
        return np.concatenate([[0], np.sort(often_first[fits])])

    def _fragments_at(self, pieces: IntArray) -> IntArray:
        """Where the fragments of pieces (n_pieces,) are, (n_fragments,)."""
        counts = self._counts.array()[pieces]
        shift = self._firsts.array()[pieces] - np.cumsum(counts) + counts
        return np.repeat(shift, counts) + np.arange(int(counts.sum()))

    def cut(self, texts: Sequence[str]) -> CutTexts:
        """The tokens of each sentence, none if it has no word; a fault for far too many."""
        alone: list[Fragment] = []  # of sentences that hold a piece which is not to be remembered
        faults: dict[int, LimitError] = {}
        lots: list[_Lot] = []
        begin = 0
        for some in _together(texts):
            lot, apart = self._of_pieces(some)
            taken: dict[int, Sequence[tuple[Fragment, int]]] = {}
            for i in apart:
                try:
                    taken[i] = self._of_sentence(some[i])
                except LimitError as error:
                    faults[begin + i] = error
            lots.append(lot.with_own(taken, alone) if taken else lot)
            begin += len(some)
        which, places, counts = (
            np.concatenate([lot[part] for lot in lots]) if lots else np.zeros(0, np.intp)
            for part in range(3)
        )
        rows, fragments = self._rows.array(), self._fragments
        if alone:
            which = np.where(which < 0, len(fragments) - 1 - which, which)
            fragments = [*fragments, *alone]
            rows = np.concatenate([rows, [part.row for part in alone]])
        return CutTexts(fragments, rows, which, places, counts, faults)

    def too_many(self, count: int) -> LimitError:
        """What to say of a sentence of so many tokens."""
        return LimitError(
            f"{count} tokens need {size_text(4 * count**2)} of weights; "
            f"the limit is {self._max_tokens} tokens",
            hints=(f"{setting(max_tokens=count)} raises the limit",),
        )

    def _of_pieces(self, texts: Sequence[str]) -> "tuple[_Lot, list[int]]":
        """The tokens of sentences by their pieces, and which sentences are to be cut alone."""
        if self._whole:
            nothing = np.zeros(0, np.intp)
            return _Lot(nothing, nothing, np.zeros(len(texts), np.intp)), list(range(len(texts)))
        spaces = map(str.count, texts, repeat(" "))
        of_texts = np.fromiter(spaces, np.intp, len(texts)) + 1  # how many pieces each has
        ends = np.cumsum(of_texts)
        numbers, new, met = self._known.found(texts, int(ends[-1]))
        many = of_texts > self._max_tokens
        if many.any():  # nothing is learned of a text that is refused
            numbers[np.repeat(many, of_texts)] = 0
            few = numbers[new] == NEW
            new, met = new[few], list(compress(met, few))
        if met:
            self._learn([piece for piece in dict.fromkeys(met) if len(piece) <= _LONGEST_PIECE])
            learned = [self._known.get(piece) for piece in met]
            numbers[new] = [NEW if number is None else number for number in learned]
            many[np.searchsorted(ends, new[numbers[new] == NEW], "right")] = True
        if not many.any():
            return self._lot(numbers, ends), []
        numbers[np.repeat(many, of_texts)] = 0
        return self._lot(numbers, ends), np.flatnonzero(many).tolist()

    def _lot(self, numbers: IntArray, ends: IntArray) -> "_Lot":
        """The tokens of sentences whose pieces (n_pieces,) are known and end at `ends` (n_texts,)."""
        met = self._met.array()
        met += np.bincount(numbers, minlength=len(met))
        widths = self._widths.array()[numbers] + 1  # (n_pieces,)
        begins = np.cumsum(widths) - widths  # (n_pieces,): in the joined texts
        firsts = np.concatenate([[0], ends[:-1]])  # (n_texts,): of the pieces
        begins -= np.repeat(begins[firsts], ends - firsts)  # in their own text
        tokens = self._counts.array()[numbers]  # (n_pieces,): of each piece
        which = self._fragments_at(numbers)
        return _Lot(which, np.repeat(begins, tokens), np.add.reduceat(tokens, firsts))

    def _learn(self, pieces: Sequence[str]) -> None:
        """Remembers pieces that were met for the first time."""
        parts = list(map(self._parts_of, pieces))
        fragments = list(chain.from_iterable(parts))
        counts = np.fromiter(map(len, parts), np.intp, len(parts))
        self._firsts.append(len(self._fragments) + np.cumsum(counts) - counts)
        self._counts.append(counts)
        self._widths.append(list(map(len, pieces)))
        self._met.append(np.zeros(len(pieces), np.intp))
        self._rows.append([part.row for part in fragments])
        self._fragments += fragments
        self._known.add(pieces)

    def _of_sentence(self, sentence: str) -> list[tuple[Fragment, int]]:
        """The fragments of a sentence, each with where its piece begins. Raises: LimitError."""
        tokens: list[tuple[Fragment, int]] = []
        begin = 0
        for piece in (sentence,) if self._whole else sentence.split(" "):
            known = self._known.get(piece)
            if len(tokens) > self._max_tokens:
                raise self.too_many(len(self._spans(sentence)))
            if known is None:
                spans = self._spans(piece)
                if len(spans) > self._max_tokens:
                    raise self.too_many(len(self._spans(sentence)))
                parts: Sequence[Fragment] = self._fragments_of(spans)
            else:
                first = int(self._firsts.array()[known])
                parts = self._fragments[first : first + int(self._counts.array()[known])]
            tokens += [(part, begin) for part in parts]
            begin += len(piece) + 1
        return tokens

    def _parts_of(self, piece: str) -> list[Fragment]:
        """The fragments of a piece between spaces; most hold one plain word, which is cut at once."""
        word = piece.strip(_AROUND) if self._tokenizer == "words" else piece
        if word.isascii() and word.isalpha():
            begin = piece.index(word)
            return [Fragment(word, begin, begin + len(word), *self._lexicon.entry(word))]
        return self._fragments_of(self._spans(piece))

    def _fragments_of(self, spans: Sequence[Span]) -> list[Fragment]:
        entry = self._lexicon.entry
        return [Fragment(s.text, s.start, s.end, *entry(s.text)) for s in spans]

    def _spans(self, text: str) -> list[Span]:
        spans = tokens_of(text, self._store, self._tokenizer)
        return joined_phrases(text, spans, self._store) if self._phrases else spans


class _Lot(NamedTuple):
    """What `CutTexts` has of some sentences; a fragment that is not remembered is −1, −2, …"""

    which: IntArray
    places: IntArray
    counts: IntArray

    def with_own(
        self, taken: dict[int, Sequence[tuple[Fragment, int]]], alone: list[Fragment]
    ) -> "_Lot":
        """With the tokens of sentences that have none here; their fragments go to `alone`."""
        counts = self.counts.copy()
        which, places = [], []
        begin = 0
        ends = np.cumsum(self.counts)
        for i, tokens in taken.items():
            end = int(ends[i])
            which += [self.which[begin:end], -1 - len(alone) - np.arange(len(tokens))]
            places += [self.places[begin:end], np.array([at for _, at in tokens], np.intp)]
            alone += [part for part, _ in tokens]
            counts[i] = len(tokens)
            begin = end
        which.append(self.which[begin:])
        places.append(self.places[begin:])
        return _Lot(np.concatenate(which), np.concatenate(places), counts)


class GrowingNumbers:
    """A list of whole numbers as an array that grows at its end."""

    def __init__(self, first: Sequence[int] | IntArray = ()) -> None:
        self._used = 0
        self._array = np.zeros(256, np.intp)
        self.append(first)

    def array(self) -> IntArray:
        """The numbers so far, (n,)."""
        return self._array[: self._used]

    def append(self, numbers: Sequence[int] | IntArray) -> None:
        """Adds numbers, (n,)."""
        end = self._used + len(numbers)
        if end > len(self._array):
            self._array = np.concatenate([self.array(), np.zeros(end, np.intp)])
        self._array[self._used : end] = numbers
        self._used = end


def _together(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts in lots of moderate length."""
    ends = list(accumulate(map(len, texts)))
    begin = done = 0
    while begin < len(texts):
        end = max(begin + 1, bisect_right(ends, done + _AT_ONCE, begin))
        yield texts[begin:end]
        begin, done = end, ends[end - 1]
