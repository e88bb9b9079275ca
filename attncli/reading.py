"""Sentences → tokens with vectors: cut, looked up, and what to warn of.

A space always ends a token, so a sentence is read piece by piece between spaces, and a piece that
was met before costs one look-up. Reading a piece alone gives what reading the sentence gives;
tests hold it to the plain way.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from operator import add
from typing import NamedTuple, get_args

from attncli.arrays import Float32Array
from attncli.embeddings.lexicon import Lexicon, rows_of
from attncli.embeddings.lookup import WordList, knows, ways_out
from attncli.embeddings.store import EmbeddingStore
from attncli.embeddings.unknown import MEANINGLESS, TREATMENTS, OovPolicy
from attncli.errors import (
    AttnError,
    DataError,
    EmptyError,
    LimitError,
    UnknownWordError,
    UsageError,
)
from attncli.escape import quoted
from attncli.memory import available_memory, size_text
from attncli.result import ResultWarning, Token, VectorsInfo
from attncli.stacks import Failure, Part, TokenRun
from attncli.text.words import (
    TOKENIZERS,
    Span,
    TokenizerName,
    join_compounds,
    split_contraction,
)

MAX_TOKENS = 4096
_MAX_PIECES = 1 << 14
_BYTES_PER_WEIGHT = 16  # float32 weights, their masks and checks, and the text made of them
_SURELY_FITS = 1 << 26  # bytes that are taken without asking
_LONGEST_PIECE = 64  # characters; longer ones hardly ever come twice


@dataclass(frozen=True, slots=True)
class ReadingSettings:
    """How a sentence becomes tokens with vectors."""

    tokenizer: TokenizerName = "words"
    oov: OovPolicy = "random"
    seed: int = 0
    max_tokens: int = MAX_TOKENS

    def __post_init__(self) -> None:
        one_of("tokenizer", self.tokenizer, TOKENIZERS)
        one_of("oov", self.oov, get_args(OovPolicy))


class Reading(NamedTuple):
    """A sentence's tokens, their vectors (n_tokens, d_model), and what to warn of."""

    text: str
    tokens: tuple[Token, ...]
    embeddings: Float32Array
    warnings: tuple[ResultWarning, ...]


class Reader:
    """Reads many sentences; remembers pieces and words within bounds.

    `lexicon` holds the vectors of the words; the rows of a TokenRun's parts are its rows, and stay
    valid until `start` is called.
    """

    def __init__(self, store: EmbeddingStore, settings: ReadingSettings | None = None) -> None:
        self.store = store
        self.settings = settings or ReadingSettings()
        self.lexicon = Lexicon(store, self.settings.oov, self.settings.seed)
        self._pieces: dict[str, tuple[Part, ...]] = {}
        self._may_lack = self.settings.oov in ("skip", "error")

    def start(self, texts: Sequence[str] = ()) -> None:
        """Begins a new lot of sentences: forgets, if what is remembered has grown to its bound.

        A store that has to search a file for words is told all of them at once.
        """
        prefetch = getattr(self.store, "prefetch", None)
        if prefetch is not None and texts:
            prefetch(words_asked(texts, self.settings.tokenizer))
        if self.lexicon.full or len(self._pieces) >= _MAX_PIECES:
            self.lexicon.forget()
            self._pieces.clear()

    def by_length(
        self, texts: Sequence[str]
    ) -> tuple[list[Failure], dict[int, list[tuple[int, TokenRun]]]]:
        """The sentences that cannot be read, and the others by their number of tokens, each with
        its place in `texts`.
        """
        self.start(texts)
        failures: list[Failure] = []
        found: dict[int, list[tuple[int, TokenRun]]] = defaultdict(list)
        for place, text in enumerate(texts):
            try:
                run = self.run(text)
            except AttnError as error:
                failures.append(Failure(place, error))
            else:
                found[len(run)].append((place, run))
        return failures, found

    def run(self, text: str) -> TokenRun:
        """The tokens of a sentence.

        Raises: EmptyError (no word), LimitError (too many tokens, too little memory),
        UnknownWordError, DataError (a lone surrogate, which no UTF-8 text holds).
        """
        if not text.isascii():
            _check_text(text)
        if self.settings.tokenizer == "chars":
            parts: Sequence[Part] = self._cut(text)
            places = [0] * len(parts)
        else:
            parts, places = self._from_pieces(text)
        if not parts:
            what = "the sentence is empty" if not text.strip() else f"no word in {quoted(text)}"
            raise EmptyError(f"{what}, expected at least one word")
        if len(parts) > self.settings.max_tokens:
            raise self._too_many(len(parts))
        _check_memory(len(parts))
        if self._may_lack and any(part.row < 0 for part in parts):
            return self._without_unknown(text, TokenRun(parts, places))
        return TokenRun(parts, places)

    def warnings(self, run: TokenRun, text: str) -> tuple[ResultWarning, ...]:
        """What to say of a sentence's unknown words."""
        oov = self.settings.oov
        if oov == "skip":
            _, left_out = self._split(text)
            return (self._unknown(left_out, (), "left out"),) if left_out else ()
        by_status: dict[str, list[int]] = {}
        for i, part in enumerate(run.parts):
            if part.status in TREATMENTS:
                by_status.setdefault(part.status, []).append(i)
        found = []
        for status, places in by_status.items():
            words = [run.parts[i].text for i in places]
            found.append(self._unknown(words, tuple(places), TREATMENTS[status]))
        lost = tuple(i for i, part in enumerate(run.parts) if part.status in MEANINGLESS)
        if len(lost) == len(run):
            nothing = "no word is known: the weights carry no meaning"
            found.append(ResultWarning("no-known-word", nothing, lost))
        return tuple(found)

    def vectors(self, run: TokenRun) -> Float32Array:
        """The vectors of a sentence's tokens, (n_tokens, d_model)."""
        rows = rows_of([[part.row for part in run.parts]])[0]  # (n_tokens,)
        vectors: Float32Array = self.lexicon.vectors().take(rows, axis=0)
        return vectors

    def _from_pieces(self, text: str) -> tuple[list[Part], list[int]]:
        pieces = text.split(" ")
        found = list(map(self._pieces.get, pieces))
        if None in found:
            found = self._learn(pieces, text)
        begins = list(map(add, accumulate(map(len, pieces), initial=0), range(len(pieces))))
        parts: list[Part] = list(chain.from_iterable(found))  # type: ignore[arg-type]  # none is None
        if len(parts) == len(pieces) and all(found):  # one token a piece
            return parts, begins
        places: list[int] = []
        for begin, tokens in zip(begins, found, strict=True):
            places.extend([begin] * len(tokens or ()))
        return parts, places

    def _learn(self, pieces: list[str], text: str) -> "list[tuple[Part, ...] | None]":
        found: list[tuple[Part, ...] | None] = []
        count = 0
        for piece in pieces:
            parts = self._pieces.get(piece)
            if parts is None:
                if count > self.settings.max_tokens:
                    raise self._too_many(self._count(text))
                parts = tuple(self._cut(piece, text))
                if len(piece) <= _LONGEST_PIECE:
                    self._pieces[piece] = parts
            count += len(parts)
            found.append(parts)
        return found

    def _cut(self, piece: str, sentence: str = "") -> list[Part]:
        spans = tokens_of(piece, self.store, self.settings.tokenizer)
        if len(spans) > self.settings.max_tokens:
            raise self._too_many(self._count(sentence or piece))
        entry = self.lexicon.entry
        return [Part(s.text, s.start, s.end, *entry(s.text)) for s in spans]

    def _count(self, sentence: str) -> int:
        return len(tokens_of(sentence, self.store, self.settings.tokenizer))

    def _without_unknown(self, text: str, run: TokenRun) -> TokenRun:
        kept, left_out = self._split(text)
        if self.settings.oov == "error":
            raise UnknownWordError(
                f"no vector in {quoted(self.store.name)} for {_listed(left_out)}",
                hints=ways_out(self.store, left_out),
            )
        if not kept:
            raise EmptyError(
                f"no word of {quoted(text)} is in {quoted(self.store.name)}",
                hints=("--oov random gives unknown words a seeded random vector",),
            )
        pairs = [(p, at) for p, at in zip(run.parts, run.places, strict=True) if p.row >= 0]
        return TokenRun([part for part, _ in pairs], [place for _, place in pairs])

    def _split(self, text: str) -> tuple[list[str], list[str]]:
        """The texts of the tokens that have a row, and of those that have none."""
        if self.settings.tokenizer == "chars":
            parts: Sequence[Part] = self._cut(text)
        else:
            parts, _ = self._from_pieces(text)
        return [p.text for p in parts if p.row >= 0], [p.text for p in parts if p.row < 0]

    def _unknown(self, words: list[str], places: tuple[int, ...], treatment: str) -> ResultWarning:
        message = f"not in {self.store.name}: {_listed(words)}; used: {treatment}"
        return ResultWarning("unknown-word", message, places)

    def _too_many(self, count: int) -> AttnError:
        return LimitError(
            f"{count} tokens need {size_text(4 * count**2)} of weights; "
            f"the limit is {self.settings.max_tokens} tokens",
            hints=(f"--max-tokens {count} raises the limit",),
        )


def reader_for(store: EmbeddingStore, settings: ReadingSettings) -> Reader:
    """What reads sentences with a store: its own reader, if it has one."""
    own = getattr(store, "reader", None)
    return Reader(store, settings) if own is None else own(settings)


def read(text: str, store: EmbeddingStore, settings: ReadingSettings) -> Reading:
    """A sentence's tokens and vectors.

    Raises: EmptyError (no word), LimitError (too many tokens), UnknownWordError.
    """
    reader = reader_for(store, settings)
    run = reader.run(text)
    return Reading(text, run.tokens(), reader.vectors(run), reader.warnings(run, text))


def tokens_of(text: str, store: WordList, tokenizer: TokenizerName) -> list[Span]:
    """The pieces of a sentence, cut as the vocabulary of the store has them."""
    spans = TOKENIZERS[tokenizer](text)
    if tokenizer != "words" or ("-" not in text and "'" not in text and "\u2019" not in text):
        return spans
    known = knows(store)
    joined = join_compounds(text, spans, known)
    return [part for span in joined for part in split_contraction(span, known)]


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


def vectors_info(store: EmbeddingStore) -> VectorsInfo:
    """What the record says of a store."""
    return VectorsInfo(store.name, store.dim, store.words, store.sha256)


def _listed(words: Sequence[str]) -> str:
    named = ", ".join(quoted(word) for word in words[:5])
    return f"{named} and {len(words) - 5} more" if len(words) > 5 else named


def expect(holds: bool, name: str, found: object, expected: str) -> None:
    """Raises: UsageError for a setting that is out of its range."""
    if not holds:
        raise UsageError(f"found {quoted(str(found))}, expected {expected}", place=name)


def one_of(name: str, found: str, allowed: Iterable[str]) -> None:
    """Raises: UsageError for a setting that is none of these."""
    expect(found in allowed, name, found, "one of " + ", ".join(allowed))


def _check_text(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as fault:
        raise DataError(
            f"character {fault.start + 1} of {quoted(text)} is no text, expected UTF-8"
        ) from None


def _check_memory(n_tokens: int) -> None:
    needed = _BYTES_PER_WEIGHT * n_tokens**2
    if needed < _SURELY_FITS:
        return
    available = available_memory()
    if available is not None and needed > available:
        raise LimitError(
            f"{n_tokens} tokens need {size_text(needed)} of memory, {size_text(available)} is free"
        )
