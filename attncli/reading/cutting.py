"""Sentences → parts, piece by piece between spaces.

A space always ends a token, so a piece that was met before costs one look-up, and the pieces of
many sentences are looked up together. Reading a piece alone gives what reading the sentence gives;
tests hold it to the plain way.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, chain, pairwise

import numpy as np

from attncli.embeddings.protocols import EmbeddingStore
from attncli.errors import LimitError, setting
from attncli.errors.wording import size_text
from attncli.reading.lexicon import Lexicon
from attncli.reading.lookup import WordList, knows, word_lengths
from attncli.results.stack import Fragment, TokenRun
from attncli.settings import TokenizerName
from attncli.text.forms import phrase_keys
from attncli.text.words import (
    JOINING,
    TOKENIZERS,
    Span,
    join_compounds,
    no_spaces,
    split_contraction,
)

_MAX_PIECES = 1 << 14
_LONGEST_PIECE = 64  # characters; longer ones hardly ever come twice
_AT_ONCE = 1 << 15  # characters whose pieces are in memory together


class Piecewise:
    """Cuts sentences into parts whose rows are the lexicon's; remembers pieces within bounds."""

    def __init__(
        self, store: EmbeddingStore, lexicon: Lexicon, tokenizer: TokenizerName, max_tokens: int
    ) -> None:
        self._store = store
        self._lexicon = lexicon
        self._tokenizer: TokenizerName = tokenizer
        self._max_tokens = max_tokens
        self._known: dict[str, tuple[Fragment, ...]] = {}
        self._phrases = tokenizer == "words" and joins_phrases(store)
        self._whole = self._phrases or tokenizer == "chars"  # a space ends no token

    @property
    def full(self) -> bool:
        """Whether enough pieces are known that a new start is due."""
        return len(self._known) >= _MAX_PIECES

    def forget(self) -> None:
        """Forgets every piece, as it must when the lexicon forgets."""
        self._known.clear()

    def runs(self, texts: Sequence[str]) -> list[TokenRun | LimitError]:
        """The tokens of each sentence, none if it has no word; an error for far too many."""
        found: list[TokenRun | LimitError] = []
        for some in _together(texts):
            found += self._of_wholes(some) if self._whole else self._of_pieces(some)
        return found

    def too_many(self, count: int) -> LimitError:
        """What to say of a sentence of so many tokens."""
        return LimitError(
            f"{count} tokens need {size_text(4 * count**2)} of weights; "
            f"the limit is {self._max_tokens} tokens",
            hints=(f"{setting(max_tokens=count)} raises the limit",),
        )

    def _of_wholes(self, texts: Sequence[str]) -> Iterator[TokenRun | LimitError]:
        for text in texts:
            try:
                parts = self._cut(text, text)
            except LimitError as error:
                yield error
            else:
                yield TokenRun(parts, [0] * len(parts))

    def _of_pieces(self, texts: Sequence[str]) -> list[TokenRun | LimitError]:
        pieces = " ".join(texts).split(" ")
        ends = list(accumulate(text.count(" ") + 1 for text in texts))  # of each text's pieces
        parts_of = list(map(self._known.get, pieces))
        missing = [at for at, parts in enumerate(parts_of) if parts is None]
        faults: dict[int, LimitError] = {}
        for i in dict.fromkeys(bisect_right(ends, at) for at in missing):
            here = slice(ends[i - 1] if i else 0, ends[i])
            try:
                parts_of[here] = self._learned(pieces[here], texts[i])
            except LimitError as error:
                parts_of[here] = [()] * (here.stop - here.start)
                faults[i] = error
        runs: list[TokenRun | LimitError] = list(_runs(pieces, parts_of, ends))
        for i, fault in faults.items():
            runs[i] = fault
        return runs

    def _learned(self, pieces: list[str], sentence: str) -> list[tuple[Fragment, ...]]:
        words: list[tuple[Fragment, ...]] = []
        count = 0
        for piece in pieces:
            parts = self._known.get(piece)
            if parts is None:
                if count > self._max_tokens:
                    raise self.too_many(self._count(sentence))
                parts = self._cut(piece, sentence)
                if len(piece) <= _LONGEST_PIECE:
                    self._known[piece] = parts
            count += len(parts)
            words.append(parts)
        return words

    def _cut(self, piece: str, sentence: str) -> tuple[Fragment, ...]:
        spans = self._spans(piece)
        if len(spans) > self._max_tokens:
            raise self.too_many(self._count(sentence))
        entry = self._lexicon.entry
        return tuple(Fragment(s.text, s.start, s.end, *entry(s.text)) for s in spans)

    def _count(self, sentence: str) -> int:
        return len(self._spans(sentence))

    def _spans(self, text: str) -> list[Span]:
        if text.isascii() and text.isalpha() and self._tokenizer != "chars":
            return [Span(text, 0, len(text))]  # every rule leaves it whole
        spans = tokens_of(text, self._store, self._tokenizer)
        return joined_phrases(text, spans, self._store) if self._phrases else spans


def may_hold_no_space(text: str) -> bool:
    """Whether a text is, in part, of a script whose sentences hold no space."""
    return no_spaces().search(text) is not None


def tokens_of(text: str, store: WordList, tokenizer: TokenizerName) -> list[Span]:
    """The tokens of a sentence, cut as the vocabulary of the store has them."""
    spans = TOKENIZERS[tokenizer](text)
    if tokenizer != "words":
        return spans
    if not text.isascii():
        from attncli.text.unspaced import join_unspaced

        spans = join_unspaced(text, spans, word_lengths(store))
    if not any(mark in text for mark in JOINING):
        return spans
    known = knows(store)
    joined = join_compounds(text, spans, known)
    return [part for span in joined for part in split_contraction(span, known)]


def spans_of(text: str, tokenizer: TokenizerName) -> list[tuple[str, int, int]]:
    """The words of a sentence with their places, as a tokenizer cuts it, whatever a vocabulary has."""
    return [(span.text, span.start, span.end) for span in TOKENIZERS[tokenizer](text)]


def joins_phrases(store: EmbeddingStore) -> bool:
    """Whether the vocabulary was learned with words joined to phrases."""
    training = store.meta.get("training")
    return isinstance(training, dict) and training.get("phrases") is True


def joined_phrases(text: str, spans: list[Span], store: WordList) -> list[Span]:
    """Two words that only space parts as one where the vocabulary has the phrase, from left to right."""
    joined: list[Span] = []
    at = 0
    while at < len(spans):
        span = spans[at]
        after = spans[at + 1] if at + 1 < len(spans) else None
        if after is not None and text[span.end : after.start].isspace():
            pair = Span(text[span.start : after.end], span.start, after.end)
            if any(map(store.has_word, phrase_keys(pair.text))):
                span = pair
        joined.append(span)
        at += 1 + (span is not spans[at])
    return joined


def words_asked(texts: Sequence[str], tokenizer: TokenizerName) -> list[str]:
    """The words that reading these texts may look up, whatever the vocabulary has."""
    asked = _Asked()
    for text in texts:
        for asked.answer in _ANSWERS:
            asked.asked += [span.text for span in tokens_of(text, asked, tokenizer)]
    return list(dict.fromkeys(asked.asked))


_ANSWERS: tuple[Callable[[str], bool], ...] = (
    lambda word: False,
    lambda word: True,
    lambda word: word.lstrip("nN").startswith("'"),  # the ends of contractions are known
)


class _Asked:
    """Stands for a store whose word list answers by a rule, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer = _ANSWERS[0]

    def has_word(self, word: str) -> bool:
        """The answer of the moment."""
        self.asked.append(word)
        return self.answer(word)

    def prefixes(self, text: str) -> None:
        """Only single words can be asked for."""


def _together(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts in lots of moderate length."""
    begin = length = 0
    for i, text in enumerate(texts):
        if length and length + len(text) > _AT_ONCE:
            yield texts[begin:i]
            begin, length = i, 0
        length += len(text)
    if begin < len(texts):
        yield texts[begin:]


def _runs(
    pieces: Sequence[str], parts_of: Sequence[tuple[Fragment, ...] | None], ends: Sequence[int]
) -> Iterator[TokenRun]:
    """The runs of texts whose pieces end at `ends`, from the parts of each piece."""
    widths = np.fromiter(map(len, pieces), dtype=np.intp, count=len(pieces)) + 1
    counts = np.fromiter(map(len, parts_of), dtype=np.intp, count=len(pieces))  # type: ignore[arg-type]  # none is None
    begins = np.cumsum(widths) - widths  # (n_pieces,): in the joined texts
    first = np.array([0, *ends[:-1]])  # (n_texts,): of the pieces
    begins -= np.repeat(begins[first], np.diff(ends, prepend=0))  # in their own text
    parts = list(chain.from_iterable(parts_of))  # type: ignore[arg-type]  # likewise
    places = np.repeat(begins, counts).tolist()
    bounds = np.cumsum(counts)[np.array(ends) - 1].tolist()
    for begin, end in pairwise([0, *bounds]):
        yield TokenRun(parts[begin:end], places[begin:end])
