"""Vectors by name: those of words, or the contextual vectors of a transformer.

`model:DIR[:LAYER]` is a store whose words have another vector in every sentence: what leaves a
layer of the transformer, or the mean of what leaves several (the last four when none is given),
the pieces of a word averaged, special tokens left out. Everything that works on a store works on
it: general attention, task-specific attention, training.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from attncli.arrays import Float32Array, IntArray
from attncli.embeddings.sources import DEFAULT_ACCESS, Access
from attncli.embeddings.sources import open_vectors as open_words
from attncli.embeddings.store import EmbeddingStore
from attncli.errors import AttnError, EmptyError, LimitError, NumericError, UsageError
from attncli.escape import quoted
from attncli.reading import Reader, ReadingSettings
from attncli.result import ResultWarning
from attncli.stacks import Part, TokenRun

if TYPE_CHECKING:
    from attncli.models.forward import States
    from attncli.models.model import TransformerModel
    from attncli.text.pieces import Pieces, PieceTokenizer

# Told how many of how many sentences are done.
Tick: TypeAlias = Callable[[int, int], None]

PREFIX = "model:"
_LAYER = re.compile(r"(.+):(-?[0-9]{1,5}|[0-9]{1,5}-[0-9]{1,5}|input)", re.DOTALL)
_MEAN_OF = 4  # layers, when none is named


def ignored(done: int, total: int) -> None:
    """Nobody wants to know."""


def open_vectors(
    name: str,
    *,
    dim: int = 50,
    seed: int = 0,
    inline: str | None = None,
    access: Access = DEFAULT_ACCESS,
) -> EmbeddingStore:
    """The vectors of this name or path, or of a transformer: model:DIR[:LAYER].

    LAYER is a number (0 is the first layer, −1 the last), a range such as 2-5 (the mean of these
    layers), or "input", the vectors before the first; without it the mean of the last four.
    Raises: what opening the words or the checkpoint raises.
    """
    if not name.startswith(PREFIX):
        return open_words(name, dim=dim, seed=seed, inline=inline, access=access)
    from attncli.models.folders import find_checkpoint
    from attncli.models.model import TransformerModel
    from attncli.text.pieces import PieceTokenizer

    named, layers = name.removeprefix(PREFIX), ""
    if (match := _LAYER.fullmatch(named)) is not None:
        named, layers = match.groups()
    found = find_checkpoint(named)
    model = TransformerModel(found.folder, found.name)
    return ContextualStore(model, PieceTokenizer(found.folder), _layers_of(layers, model))


def _layers_of(text: str, model: "TransformerModel") -> tuple[int, ...]:
    from attncli.insight.select import checked_indices

    n_layers = model.config.n_layers
    if text in ("", "input"):
        return tuple(range(max(0, n_layers - _MEAN_OF), n_layers)) if not text else ()
    first, _, last = text.partition("-") if not text.startswith("-") else (text, "", "")
    asked = range(int(first), int(last or first) + 1)
    try:
        if not asked:
            raise UsageError(f"found {text}, expected the first of the layers before the last")
        return tuple(checked_indices(asked, n_layers, "layers"))
    except UsageError as error:
        error.place = "--vectors"
        raise


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


class ContextualStore:
    """A vector for each word it has read: the mean of what leaves consecutive layers.

    `layers` are counted from 0; none of them stands for what enters the first.
    """

    def __init__(
        self, model: "TransformerModel", tokenizer: "PieceTokenizer", layers: tuple[int, ...]
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self.layers = layers
        named = "-".join(map(str, dict.fromkeys((layers[0], layers[-1])))) if layers else "input"
        self.name = f"{PREFIX}{model.name}:{named}"
        self.dim = model.config.d_model
        self.words: int | None = None
        self._sha256: str | None = None
        self._read: list[Float32Array] = []

    @property
    def sha256(self) -> str:
        """SHA-256 of the checkpoint's own hash and the layers; the files are read for it once."""
        if self._sha256 is None:
            import hashlib

            text = f"{self._model.checkpoint.sha256()}:{self.name.rpartition(':')[2]}"
            self._sha256 = hashlib.sha256(text.encode()).hexdigest()
        return self._sha256

    def row(self, word: str) -> int | None:
        """The row of a word that was read in a sentence, by the name its reader gave it."""
        return int(word[1:]) if word.startswith("\0") and word[1:].isdecimal() else None

    def has_word(self, word: str) -> bool:
        """There is no list of words: a word has a vector only in a sentence."""
        return self.row(word) is not None

    def vectors(self, rows: Sequence[int] | IntArray) -> Float32Array:
        if len(rows) == 0:
            return np.zeros((0, self.dim), dtype=np.float32)
        return np.stack([self._read[int(row)] for row in rows])  # (n, dim)

    def reader(self, settings: ReadingSettings) -> "ContextualReader":
        """What reads sentences with this store."""
        return ContextualReader(self, settings)

    def add(self, vectors: Float32Array) -> list[str]:
        """Keeps the vectors of a sentence's words, (n, dim), and names them."""
        start = len(self._read)
        self._read.extend(vectors)
        return [f"\0{row}" for row in range(start, len(self._read))]

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
        found: dict[str, Words] = {}
        for done, (text, words) in enumerate(self._encoded(list(pieces), list(pieces.values())), 1):
            if words is not None:
                found[text] = words
            tick(done, len(pieces))
        return found

    def _pieces(self, text: str, max_tokens: int) -> "Pieces":
        pieces = self._tokenizer(text)
        if not pieces.has_words:
            what = "the sentence is empty" if not text.strip() else f"no word in {quoted(text)}"
            raise EmptyError(f"{what}, expected at least one word")
        limit = min(self._model.config.max_tokens, max_tokens)
        if len(pieces.ids) > limit:
            raise LimitError(
                f"{len(pieces.ids)} tokens, {quoted(self._model.name)} reads at most {limit}"
            )
        self._model.check_ids(np.array(pieces.ids), np.zeros(1, dtype=np.intp))
        return pieces

    def _encoded(
        self, texts: Sequence[str], pieces: Sequence["Pieces"]
    ) -> Iterator[tuple[str, Words | None]]:
        """Each sentence with its words, in any order; None for states that are not finite."""
        from attncli.models.forward import Inputs, Wanted, encode
        from attncli.models.packing import packs

        several = len(self.layers) > 1
        wanted = Wanted(layers=self.layers[-1:], hidden_states=several, weights=False)
        for pack in packs([len(found.ids) for found in pieces]):
            inputs = [
                Inputs(np.array(pieces[at].ids), np.zeros(len(pieces[at].ids), dtype=np.intp))
                for at in pack
            ]
            for at, states in zip(pack, encode(self._model, inputs, wanted), strict=True):
                rows = self._mean(states)  # (n_tokens, dim)
                finite = np.isfinite(rows).all()
                yield texts[at], _words(texts[at], pieces[at], rows) if finite else None

    def _mean(self, states: "States") -> Float32Array:
        """The vectors of a sentence's tokens. Shape (n_tokens, dim)."""
        if states.hidden_states is None:
            return states.contextual
        chosen = states.hidden_states[self.layers[0] + 1 : self.layers[-1] + 2]
        return np.asarray(chosen.mean(axis=0))


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

    def runs(self, texts: Sequence[str]) -> list[TokenRun | AttnError]:
        """The tokens of each sentence, or why it has none."""
        found: list[TokenRun | AttnError] = []
        for text in texts:
            try:
                found.append(self._run(text))
            except AttnError as error:
                found.append(error)
        return found

    def _run(self, text: str) -> TokenRun:
        ready = self._ready.get(text)
        words, vectors = ready or self._contextual.read(text, self.settings.max_tokens)
        names = self._contextual.add(vectors)
        parts = [
            Part(word.text, word.start, word.end, word.key, word.status, self._row(name))
            for word, name in zip(words, names, strict=True)
        ]
        return TokenRun(parts, [0] * len(parts))

    def warnings(self, run: TokenRun, text: str) -> tuple[ResultWarning, ...]:
        places = tuple(i for i, part in enumerate(run.parts) if part.status == "unknown")
        if not places:
            return ()
        named = ", ".join(quoted(run.parts[i].text) for i in places[:5])
        message = f"not in the vocabulary of {self._contextual.name}: {named}"
        return (ResultWarning("unknown-word", message, places),)

    def _row(self, name: str) -> int:
        return self.lexicon.entry(name)[2]


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
        found = whole.strip() or whole
        start = first.start + whole.index(found)
        key = first.key if len(group) == 1 else found.lower()
        words.append(Word(found, start, start + len(found), key.lstrip("Ġ▁") or key, first.status))
    vectors = np.stack([states[group].mean(axis=0) for group in groups])  # (n_words, dim)
    return words, vectors.astype(np.float32, copy=False)
