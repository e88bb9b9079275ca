"""Sentences as vectors to learn from, whatever makes the vectors."""

from collections.abc import Iterator, Sequence
from functools import partial

from attncli.embeddings.protocols import EmbeddingStore
from attncli.errors import AttnError
from attncli.files.access import DEFAULT_ACCESS, Access
from attncli.reading.layers import for_training
from attncli.reading.named_vectors import open_named_vectors
from attncli.reading.reader import Reading, ReadingSettings, Tick, ignored, reader_for, vectors_info
from attncli.results.facts import MEANINGLESS, Token, VectorsInfo

_NAMED = 6  # unknown words kept, about
_TOGETHER = 512  # sentences that a transformer encodes at once


class Embedder:
    """A sentence → its tokens and their vectors, whatever makes the vectors.

    n_words, n_unknown: how many words were read, and how many the vectors of a list of words do not
    know; unknown: the first of these.
    """

    def __init__(self, store: EmbeddingStore, settings: ReadingSettings) -> None:
        self.name = store.name
        self._reader = self.reader = reader_for(store, settings)
        self.views = store.views
        self.n_words = self.n_unknown = 0
        self.unknown: dict[str, None] = {}
        self._is_list = store.words is not None

    def __call__(self, text: str) -> Reading:
        reader = self._reader
        reader.start()
        run = reader.run(text)
        tokens = run.tokens()
        self._count(tokens)
        return Reading(text, tokens, reader.vectors(run), reader.warnings(run, text))

    def _count(self, tokens: Sequence[Token]) -> None:
        self.n_words += len(tokens)
        if self._is_list:
            unknown = [token.text for token in tokens if token.status in MEANINGLESS]
            self.n_unknown += len(unknown)
            if len(self.unknown) < _NAMED:
                self.unknown |= dict.fromkeys(unknown[: _NAMED * 8])

    def each(self, texts: Sequence[str], tick: Tick = ignored) -> Iterator[Reading | AttnError]:
        """The reading of each sentence in order, or the reason why it cannot be read.

        A transformer encodes many of them together.
        """
        for at, text in enumerate(texts):
            if at % _TOGETHER == 0:
                since_here = partial(_ticked, tick, at, len(texts))
                self._reader.start(texts[at : at + _TOGETHER], since_here)
            try:
                reading = self(text)
            except AttnError as error:
                yield error
            else:
                yield reading


def _ticked(tick: Tick, before: int, total: int, done: int, _: int) -> None:
    tick(before + done, total)


def open_embedder(
    vectors: str | EmbeddingStore,
    settings: ReadingSettings,
    *,
    dim: int = 50,
    access: Access = DEFAULT_ACCESS,
) -> tuple[Embedder, VectorsInfo]:
    """What turns a sentence into tokens with vectors to learn from, and the facts of these vectors.

    Of a transformer these are a mix of vectors, unless its name says which.
    """
    name = for_training(vectors) if isinstance(vectors, str) else vectors
    store = open_named_vectors(name, dim=dim, seed=settings.seed, access=access)
    return Embedder(store, settings), vectors_info(store)
