"""The contextual vectors of a transformer, as a store.

`model:DIR[:LAYERS]` is a store whose words have another vector in every sentence: what leaves a
layer of the transformer, the mean of what leaves several, or a list of such vectors side by side,
the pieces of a word averaged, special tokens left out. Everything that works on a store works on
it: general attention, task-specific attention, training.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from attncli.arrays import Float32Array, IntArray
from attncli.checks.arguments import row_numbers, text_of
from attncli.embeddings.protocols import PlainStore
from attncli.errors import AttnError, EmptyError, LimitError, NumericError, setting
from attncli.errors.wording import quoted
from attncli.reading.layers import SideBySide, layer_vectors, split_name
from attncli.reading.piecewise import CutTexts
from attncli.reading.reader import Reader, ReadingSettings, Tick, ignored
from attncli.results.facts import ResultWarning
from attncli.results.stack import Fragment, TokenRun
from attncli.settings import OF_MODEL

if TYPE_CHECKING:
    from attncli.models.model import TransformerModel
    from attncli.models.pieces import Pieces, PieceTokenizer


def contextual_vectors(name: str) -> "ContextualStore":
    """The vectors of DIR[:LAYERS]: what leaves these layers of the transformer in a folder or cache.

    Raises: UsageError for a list of layers that is none; what opening the checkpoint raises.
    """
    from attncli.models.folders import find_checkpoint
    from attncli.models.model import TransformerModel
    from attncli.models.pieces import PieceTokenizer

    named, layers = split_name(name)
    checkpoint = find_checkpoint(named)
    model = TransformerModel(checkpoint.folder, checkpoint.name)
    chosen = SideBySide(layer_vectors(layers, model.config.n_layers), model)
    return ContextualStore(model, PieceTokenizer(checkpoint.folder), chosen)


@dataclass(frozen=True, slots=True)
class Word:
    """A word of one sentence, its place and how it was found."""

    text: str
    start: int
    end: int
    key: str
    status: str


# The words of a sentence and their vectors, (n_words, dim).
Words: TypeAlias = tuple[list[Word], Float32Array]


class ContextualStore(PlainStore):
    """A vector for each word of each sentence that was read, by its row: no word has one for itself."""

    def __init__(
        self, model: "TransformerModel", tokenizer: "PieceTokenizer", chosen: SideBySide
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self._chosen = chosen
        self.name = f"{OF_MODEL}{model.name}:{chosen.name}"
        self.dim = sum(chosen.sizes)
        self.doubt = tokenizer.doubt  # why pieces may be others than those of transformers
        self.words: int | None = None
        self._sha256: str | None = None
        self._read: list[Float32Array] = []

    @property
    def sha256(self) -> str:
        """SHA-256 of the checkpoint and the list; the files are read for it once."""
        if self._sha256 is None:
            self._sha256 = self._chosen.sha256()
        return self._sha256

    @property
    def views(self) -> tuple[int, ...]:
        """The sizes of the layers that stand side by side."""
        return self._chosen.sizes

    def row(self, word: str) -> int | None:
        """None: a word has a vector only in a sentence."""
        text_of(word, "word")
        return None

    def has_word(self, word: str) -> bool:
        """There is no list of words."""
        text_of(word, "word")
        return False

    def vectors(self, rows: Sequence[int] | IntArray) -> Float32Array:
        chosen = row_numbers(rows, len(self._read))
        if len(chosen) == 0:
            return np.zeros((0, self.dim), dtype=np.float32)
        return np.stack([self._read[row] for row in chosen])  # (n, dim)

    def reader(self, settings: ReadingSettings) -> "ContextualReader":
        """What reads sentences with this store."""
        return ContextualReader(self, settings)

    def add(self, vectors: Float32Array) -> range:
        """Keeps the vectors of a sentence's words, (n, dim), and gives their rows."""
        start = len(self._read)
        self._read.extend(vectors)
        return range(start, len(self._read))

    def forget(self) -> None:
        """Forgets every sentence; rows given out lose their meaning."""
        self._read.clear()

    def read(self, text: str, max_tokens: int) -> Words:
        """The words of a sentence and their vectors, (n_words, dim).

        Raises: EmptyError, LimitError, NumericError, DataError.
        """
        ((_, words),) = self._encoded([text], [self._pieces(text, max_tokens)])
        if words is None:
            raise NumericError(f"the hidden states of {quoted(text)} overflow float32")
        return words

    def read_all(
        self, texts: Sequence[str], max_tokens: int, tick: Tick = ignored
    ) -> dict[str, Words]:
        """What `read` gives for each sentence, computed together; those that fail are left out.

        `tick` is told how many sentences are done, and of how many.
        """
        pieces: dict[str, Pieces] = {}
        for text in texts:
            with suppress(AttnError):
                pieces[text] = self._pieces(text, max_tokens)
        words_of: dict[str, Words] = {}
        for done, (text, words) in enumerate(self._encoded(list(pieces), list(pieces.values())), 1):
            if words is not None:
                words_of[text] = words
            tick(done, len(pieces))
        return words_of

    def _pieces(self, text: str, max_tokens: int) -> "Pieces":
        pieces = self._tokenizer(text)
        if not pieces.has_words:
            what = "the sentence is empty" if not text.strip() else f"no word in {quoted(text)}"
            raise EmptyError(f"{what}, expected at least one word")
        longest = self._model.config.max_tokens
        if len(pieces.ids) > min(longest, max_tokens):
            most = f"{quoted(self._model.name)} reads at most {longest}"
            if max_tokens < longest:
                most = f"{setting(max_tokens=max_tokens)} allows no more"
            raise LimitError(f"{len(pieces.ids)} tokens, {most}")
        self._model.check_ids(np.array(pieces.ids), np.zeros(1, dtype=np.intp))
        return pieces

    def _encoded(
        self, texts: Sequence[str], pieces: Sequence["Pieces"]
    ) -> Iterator[tuple[str, Words | None]]:
        """Each sentence with its words, in any order; None for states that are not finite."""
        from attncli.models.forward import Inputs, encode
        from attncli.models.packing import packs

        for pack in packs([len(encoding.ids) for encoding in pieces]):
            inputs = [
                Inputs(np.array(pieces[at].ids), np.zeros(len(pieces[at].ids), dtype=np.intp))
                for at in pack
            ]
            wanted = self._chosen.wanted()
            for at, states in zip(pack, encode(self._model, inputs, wanted), strict=True):
                rows = self._chosen.of_tokens(np.array(pieces[at].ids), states)  # (n_tokens, dim)
                if not np.isfinite(rows).all():
                    yield texts[at], None
                    continue
                words, vectors = _words(texts[at], pieces[at], rows)
                self._chosen.add_glove([word.text for word in words], vectors)
                yield texts[at], (words, vectors)


class ContextualReader(Reader):
    """Reads sentences with a transformer; every word of every sentence has a row of its own."""

    def __init__(self, store: ContextualStore, settings: ReadingSettings | None = None) -> None:
        super().__init__(store, settings)
        self._contextual = store
        self._ready: dict[str, Words] = {}

    def start(self, texts: Sequence[str] = (), tick: Tick = ignored) -> None:
        """Begins a new lot of sentences, which are encoded together."""
        if self.lexicon.full:
            self.lexicon.forget()
            self._contextual.forget()
        if texts:
            self._ready = self._contextual.read_all(texts, self.settings.max_tokens, tick)

    def _read(self, texts: Sequence[str]) -> tuple[dict[int, AttnError], CutTexts]:
        """Why sentences cannot be read, by their number, and the tokens of the others."""
        fragments: list[Fragment] = []
        counts: list[int] = []
        faults: dict[int, AttnError] = {}
        for i, text in enumerate(texts):
            begin = len(fragments)
            try:
                fragments += self._fragments(text)
            except AttnError as error:
                faults[i] = error
            counts.append(len(fragments) - begin)
        every = np.arange(len(fragments))
        rows = np.array([part.row for part in fragments], dtype=np.intp)
        return faults, CutTexts(
            fragments, rows, every, every * 0, np.array(counts, dtype=np.intp), {}
        )

    def _fragments(self, text: str) -> list[Fragment]:
        ready = self._ready.get(text)
        words, vectors = ready or self._contextual.read(text, self.settings.max_tokens)
        rows = map(self.lexicon.row_of, self._contextual.add(vectors))
        return [
            Fragment(word.text, word.start, word.end, word.key, word.status, row)
            for word, row in zip(words, rows, strict=True)
        ]

    @property
    def may_always_warn(self) -> bool:
        return self._contextual.doubt is not None

    def warnings(self, run: TokenRun, text: str) -> tuple[ResultWarning, ...]:
        doubt = self._contextual.doubt
        doubts = () if doubt is None else (ResultWarning("tokenizer-class", doubt),)
        places = tuple(i for i, part in enumerate(run.parts) if part.status == "unknown")
        if not places:
            return doubts
        named = ", ".join(quoted(run.parts[i].text) for i in places[:5])
        message = f"not in the vocabulary of {self._contextual.name}: {named}"
        return (*doubts, ResultWarning("unknown-word", message, places))


def _words(text: str, pieces: "Pieces", states: Float32Array) -> Words:
    """Pieces drawn together into words: offsets of all, the mean of their vectors."""
    groups: list[list[int]] = []
    for at, piece in enumerate(pieces.pieces):
        if piece.status == "special":
            continue
        if piece.status == "piece" and groups and groups[-1][-1] == at - 1:
            groups[-1].append(at)
        else:
            groups.append([at])
    words = []
    for group in groups:
        first, last = pieces.pieces[group[0]], pieces.pieces[group[-1]]
        whole = text[first.start : last.end]
        stripped = whole.strip() or whole
        start = first.start + whole.index(stripped)
        key = first.key if len(group) == 1 else stripped.lower()
        words.append(
            Word(stripped, start, start + len(stripped), key.lstrip("Ġ▁") or key, first.status)
        )
    vectors = np.stack([states[group].mean(axis=0) for group in groups])  # (n_words, dim)
    return words, vectors.astype(np.float32, copy=False)
