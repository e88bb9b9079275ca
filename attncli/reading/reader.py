"""Sentences → tokens with vectors: cut, looked up, and what to warn of."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple, TypeAlias, get_args

import numpy as np

from attncli.arrays import BoolArray, Float32Array, IntArray
from attncli.checks.arguments import choice_of, count_of, said, seed_of
from attncli.embeddings.protocols import EmbeddingStore
from attncli.errors import (
    AttnError,
    DataError,
    EmptyError,
    LimitError,
    UnknownWordError,
    UsageError,
    setting,
)
from attncli.errors.wording import quoted, size_text
from attncli.reading.cutting import tokens_of, words_asked
from attncli.reading.lexicon import Lexicon
from attncli.reading.lookup import ways_out
from attncli.reading.piecewise import CutTexts, Piecewise
from attncli.reading.unknown import TREATMENTS
from attncli.results.facts import MEANINGLESS, ResultWarning, Token, VectorsInfo
from attncli.results.stack import Failure, Fragment, TokenRun, TokenRuns
from attncli.settings import MechanismSettings, OovPolicy, TokenizerName
from attncli.settings.frozen import dataclass
from attncli.text.words import TOKENIZERS

# Told how many of how many sentences are done.
Tick: TypeAlias = Callable[[int, int], None]

_WHOLE = MechanismSettings()
_BYTES_PER_WEIGHT = 16  # float32 weights, their masks and checks, and the text made of them
_USUAL_LENGTH = 40  # characters of a word
_SURELY_FIT = 2048  # tokens whose 64 MiB are taken without asking


@dataclass(frozen=True, slots=True)
class ReadingSettings:
    """How a sentence becomes tokens with vectors."""

    tokenizer: TokenizerName = _WHOLE.tokenizer
    oov: OovPolicy = _WHOLE.oov
    seed: int = _WHOLE.seed
    max_tokens: int = _WHOLE.max_tokens

    def __post_init__(self) -> None:
        one_of("tokenizer", self.tokenizer, TOKENIZERS)
        one_of("oov", self.oov, get_args(OovPolicy))
        seed_of(self.seed)
        count_of(self.max_tokens, "max_tokens", 1)


class Reading(NamedTuple):
    """A sentence's tokens, their vectors (n_tokens, d_model), and what to warn of."""

    text: str
    tokens: tuple[Token, ...]
    embeddings: Float32Array
    warnings: tuple[ResultWarning, ...]


class Group(NamedTuple):
    """B sentences of one length: their places in the texts, tokens, and rows (B, n_tokens)."""

    places: list[int]
    runs: TokenRuns
    rows: IntArray

    def pick(self, chosen: IntArray) -> "Group":
        """Some of them."""
        if len(chosen) == len(self.places):
            return self
        places = [self.places[i] for i in chosen.tolist()]
        return Group(places, self.runs.pick(chosen), self.rows[chosen])


def ignored(done: int, total: int) -> None:
    """Ignores the progress: what `tick` is when no bar is drawn."""


class Reader:
    """Reads many sentences; remembers pieces and words within bounds.

    `lexicon` holds the vectors of the words; the rows of a TokenRun's parts are its rows, and stay
    valid until `start` is called. A long sentence must have the memory for its weights, of which
    `rows_held` are there at once, None is all.
    """

    rows_held: int | None = None

    def __init__(self, store: EmbeddingStore, settings: ReadingSettings | None = None) -> None:
        self.store = store
        self.settings = settings or ReadingSettings()
        self.lexicon = Lexicon(store, self.settings.oov, self.settings.seed)
        self._pieces = Piecewise(
            store, self.lexicon, self.settings.tokenizer, self.settings.max_tokens
        )
        self._may_lack = self.settings.oov in ("skip", "error")

    def start(self, texts: Sequence[str] = (), tick: Tick = ignored) -> None:
        """Begins a new lot of sentences: forgets what is rare, if memory has grown to its bound.

        A store that has to search a file for words is told all of them at once. `tick` is told how
        many sentences are done, and of how many, where they are computed together.
        """
        if self.store.searches and texts:
            self.store.prefetch(words_asked(texts, self.settings.tokenizer))
            cut = (tokens_of(text, self.store, self.settings.tokenizer) for text in texts)
            self.store.prefetch(span.text for spans in cut for span in spans)  # in no known word
        if self.lexicon.full or self._pieces.full:
            self._pieces.forget_rare()

    def by_length(self, texts: Sequence[str]) -> tuple[list[Failure], list[Group]]:
        """The sentences that cannot be read, and the others, those of one length together."""
        self.start(texts)
        faults, cut = self._read(texts)
        failures = [Failure(place, faults[place]) for place in sorted(faults)]
        return failures, list(_grouped(cut))

    def runs(self, texts: Sequence[str]) -> list[TokenRun | AttnError]:
        """The tokens of each sentence, or why it has none: what `run` raises."""
        faults, cut = self._read(texts)
        parts = list(map(cut.fragments.__getitem__, cut.which.tolist()))
        places, ends = cut.places.tolist(), np.cumsum(cut.counts).tolist()
        return [
            faults.get(i) or TokenRun(parts[begin:end], places[begin:end])
            for i, (begin, end) in enumerate(pairwise([0, *ends]))
        ]

    def _read(self, texts: Sequence[str]) -> tuple[dict[int, AttnError], CutTexts]:
        """Why sentences cannot be read, by their number, and the tokens of the others."""
        faults: dict[int, AttnError] = {}
        if not all(map(str.isascii, texts)):
            faults = {i: fault for i, text in enumerate(texts) if (fault := _fault(text))}
        if faults:
            texts = ["" if i in faults else text for i, text in enumerate(texts)]
        cut = self._pieces.cut(texts)
        faults = {**cut.faults, **faults}
        odd = (cut.counts == 0) | (cut.counts > min(self.settings.max_tokens, _SURELY_FIT))
        for i in np.flatnonzero(odd).tolist():
            if i not in faults and (fault := self._refused(texts[i], int(cut.counts[i]))):
                faults[i] = fault
        if self._may_lack:
            lost = cut.rows[cut.which] < 0  # (n_tokens,)
            faults = {**self._lacking(texts, cut, lost), **faults}
            cut = _picked(cut, ~lost)
        return faults, _without(cut, faults)

    def run(self, text: str) -> TokenRun:
        """The tokens of a sentence.

        Raises: EmptyError (no word), LimitError (too many tokens, too little memory),
        UnknownWordError, DataError (a lone surrogate, which no UTF-8 text holds).
        """
        (found,) = self.runs([text])
        if isinstance(found, AttnError):
            raise found
        return found

    @property
    def may_always_warn(self) -> bool:
        """Whether there may be something to say of a sentence whose words are all known."""
        return self.settings.oov == "skip"

    def warned(self, texts: Sequence[str], group: Group) -> dict[int, tuple[ResultWarning, ...]]:
        """What to say of unknown words, by the number in the group of each sentence that has any."""
        runs = group.runs
        if self.may_always_warn:
            given = (texts[place] for place in group.places)
            said = enumerate(map(self.warnings, runs, given))
            return {i: warnings for i, warnings in said if warnings}
        sentences, tokens = np.nonzero(~self.lexicon.known()[group.rows])
        which = runs.which[sentences, tokens].tolist()
        unknown: dict[int, list[tuple[int, Fragment]]] = {}
        for i, at, number in zip(sentences.tolist(), tokens.tolist(), which, strict=True):
            unknown.setdefault(i, []).append((at, runs.fragments[number]))
        n_tokens = group.rows.shape[1]
        return {i: self._of_unknown(some, n_tokens) for i, some in unknown.items()}

    def warnings(self, run: TokenRun, text: str) -> tuple[ResultWarning, ...]:
        """What to say of a sentence's unknown words."""
        oov = self.settings.oov
        if oov == "skip":
            cut = self._pieces.cut([text])
            left_out = [cut.fragments[n].text for n in cut.which.tolist() if cut.rows[n] < 0]
            return (self._unknown(left_out, (), "left out"),) if left_out else ()
        unknown = [(i, part) for i, part in enumerate(run.parts) if part.status in TREATMENTS]
        return self._of_unknown(unknown, len(run))

    def _of_unknown(
        self, unknown: Sequence[tuple[int, Fragment]], n_tokens: int
    ) -> tuple[ResultWarning, ...]:
        """What to say of the unknown words of a sentence, each with its place."""
        notes = []
        statuses = dict.fromkeys([part.status for _, part in unknown])
        for status in statuses:
            some = [(i, part.text) for i, part in unknown if part.status == status]
            places, words = zip(*some, strict=True)
            notes.append(self._unknown(words, places, TREATMENTS[status]))
        if len(unknown) == n_tokens and MEANINGLESS.issuperset(statuses):
            nothing = "no word is known: the weights carry no meaning"
            notes.append(ResultWarning("no-known-word", nothing, tuple(range(n_tokens))))
        return tuple(notes)

    def vectors(self, run: TokenRun) -> Float32Array:
        """The vectors of a sentence's tokens, (n_tokens, d_model)."""
        rows = np.array([part.row for part in run.parts], dtype=np.intp)  # (n_tokens,)
        vectors: Float32Array = self.lexicon.vectors().take(rows, axis=0)
        return vectors

    def _refused(self, text: str, count: int) -> AttnError | None:
        """Why a sentence of no token, or of many, cannot be read."""
        if count == 0:
            what = "the sentence is empty" if not text.strip() else f"no word in {quoted(text)}"
            return EmptyError(f"{what}, expected at least one word")
        if count > self.settings.max_tokens:
            return self._pieces.too_many(count)
        if count <= _SURELY_FIT:
            return None
        return _memory_fault(count, self.rows_held or count)

    def _lacking(
        self, texts: Sequence[str], cut: CutTexts, lost: BoolArray
    ) -> dict[int, AttnError]:
        """Why sentences with words that have no vector cannot be read. Shapes: lost (n_tokens,)."""
        ends = np.cumsum(cut.counts)
        without = np.bincount(_sentences(cut)[lost], minlength=len(ends))  # (n_sentences,)
        refused = without > 0
        if self.settings.oov == "skip":
            refused &= without == cut.counts
        faults: dict[int, AttnError] = {}
        for i in np.flatnonzero(refused).tolist():
            here = slice(ends[i] - cut.counts[i], ends[i])
            left_out = [cut.fragments[n].text for n in cut.which[here][lost[here]].tolist()]
            faults[i] = self._without_vectors(texts[i], left_out)
        return faults

    def _without_vectors(self, text: str, words: Sequence[str]) -> AttnError:
        """Why a sentence with these unknown words cannot be read."""
        if self.settings.oov == "error":
            return UnknownWordError(
                f"no vector in {quoted(self.store.name)} for {_listed(words)}",
                hints=ways_out(self.store, words),
            )
        return EmptyError(
            f"no word of {quoted(text)} is in {quoted(self.store.name)}",
            hints=(f"{setting(oov='random')} gives unknown words a seeded random vector",),
        )

    def _unknown(
        self, words: Sequence[str], places: tuple[int, ...], treatment: str
    ) -> ResultWarning:
        message = f"not in {self.store.name}: {_listed(words)}; used: {treatment}"
        return ResultWarning("unknown-word", message, places)


def reader_for(store: EmbeddingStore, settings: ReadingSettings) -> Reader:
    """What reads sentences with a store: its own reader, if it has one."""
    own: Reader | None = store.reader(settings)
    return Reader(store, settings) if own is None else own


def vectors_info(store: EmbeddingStore) -> VectorsInfo:
    """What the record says of a store."""
    return VectorsInfo(store.name, store.dim, store.words, store.sha256)


def _quoted_word(word: str) -> str:
    """A word in quotes; those of usual length are remembered."""
    return _remembered_quoted(word) if len(word) <= _USUAL_LENGTH else quoted(word)


_remembered_quoted = lru_cache(maxsize=1 << 12)(quoted)


def _listed(words: Sequence[str]) -> str:
    named = ", ".join([_quoted_word(word) for word in words[:5]])
    return f"{named} and {len(words) - 5} more" if len(words) > 5 else named


def expect(holds: bool, name: str, found: object, expected: str) -> None:
    """Raises: UsageError for a setting that is out of its range."""
    if not holds:
        raise UsageError(f"found {quoted(said(found))}, expected {expected}", place=name)


def one_of(name: str, found: object, allowed: Iterable[str]) -> None:
    """Raises: UsageError for an unknown value of a setting, ArgumentError for one that is no text."""
    choice_of(found, name, tuple(allowed))


def _fault(text: str) -> AttnError | None:
    """The reason why a value is no text that can be read."""
    if text.isascii():
        return None
    try:
        text.encode()
    except UnicodeEncodeError as fault:
        return DataError(
            f"character {fault.start + 1} of {quoted(text)} is no text, expected UTF-8"
        )
    return None


def _memory_fault(n_tokens: int, n_rows: int) -> AttnError | None:
    """Why so many tokens cannot be computed here, of whose weights so many rows are held at once."""
    from attncli.arrays.memory import available_memory

    needed = _BYTES_PER_WEIGHT * n_tokens * n_rows
    available = available_memory()
    if available is None or needed <= available:
        return None
    return LimitError(
        f"{n_tokens} tokens need {size_text(needed)} of memory, {size_text(available)} is free"
    )


def _sentences(cut: CutTexts) -> IntArray:
    """Which sentence each token is of, (n_tokens,)."""
    return np.repeat(np.arange(len(cut.counts)), cut.counts)


def _picked(cut: CutTexts, kept: BoolArray) -> CutTexts:
    """Some of the tokens. Shapes: kept (n_tokens,)."""
    if kept.all():
        return cut
    counts = np.bincount(_sentences(cut)[kept], minlength=len(cut.counts))
    return cut._replace(which=cut.which[kept], places=cut.places[kept], counts=counts)


def _without(cut: CutTexts, faults: Collection[int]) -> CutTexts:
    """The sentences as they are that have no fault, the others without tokens."""
    if not faults:
        return cut
    faulty = np.array([i in faults for i in range(len(cut.counts))], dtype=np.bool_)
    return _picked(cut, ~np.repeat(faulty, cut.counts))


def _grouped(cut: CutTexts) -> Iterator[Group]:
    """The sentences by their number of tokens, in the order of the first of each number."""
    begins = np.cumsum(cut.counts) - cut.counts  # (n_sentences,)
    for n_tokens in filter(None, dict.fromkeys(cut.counts.tolist())):
        chosen = np.flatnonzero(cut.counts == n_tokens)  # (B,)
        at = begins[chosen, None] + np.arange(n_tokens)  # (B, n_tokens)
        which = cut.which[at]
        yield Group(
            chosen.tolist(), TokenRuns(cut.fragments, which, cut.places[at]), cut.rows[which]
        )
