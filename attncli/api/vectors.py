"""Vectors learned from a corpus, and vectors measured, from Python."""

import sys
from collections.abc import Callable, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from attncli.api.batching import paths_of
from attncli.checks.arguments import count_of, flag_of, text_of, unexpected
from attncli.embeddings.corpus_settings import CorpusSettings as CorpusSettings
from attncli.embeddings.protocols import has_vocabulary
from attncli.errors import UsageError

if TYPE_CHECKING:
    from attncli.api.word_vectors import WordVectors
    from attncli.embeddings.given import Vectors

Files = str | PathLike[str] | Sequence[str | PathLike[str]]


def train_vectors(
    corpus: Files,
    name: str,
    settings: CorpusSettings | None = None,
    *,
    column: str | None = None,
    skip_bad: bool = False,
    force: bool = False,
    watch: Callable[[str, int, int | None], None] | None = None,
) -> dict[str, Any]:
    """Learns word vectors from files of sentences by gensim, as `attn vectors train` does.

    `vectors=name` has them from then on. `column` is that of the text in tables; with `skip_bad`
    lines that cannot be read are left out; with `force` vectors of that name are replaced. `watch`
    is told what is done, and how much of it. What is returned says what was learned: words, dim,
    sha256, and how.
    Raises: OutputError when the name is taken; MissingExtraError without gensim; EmptyError,
    DataError, LimitError, UsageError.
    """
    from attncli.embeddings.corpus import unwatched
    from attncli.embeddings.learned import learn_vectors
    from attncli.files.rows.reader import Shape
    from attncli.files.source import sources

    if settings is not None and not isinstance(settings, CorpusSettings):
        raise unexpected(settings, "settings", "CorpusSettings")
    if watch is not None and not callable(watch):
        raise unexpected(watch, "watch", "a function of a text and two numbers")
    chosen = None if column is None else text_of(column, "column")
    shape = Shape(column=chosen, fields=() if chosen is None else ("column",))
    return learn_vectors(
        sources(paths_of(corpus, "corpus"), lambda: sys.stdin.buffer),
        text_of(name, "name"),
        settings or CorpusSettings(),
        shape=shape,
        skip_bad=flag_of(skip_bad, "skip_bad"),
        force=flag_of(force, "force"),
        watch=watch or unwatched,
    )


def evaluate_vectors(
    vectors: "Vectors | WordVectors" = "glove",
    *,
    pairs: Files | None = None,
    analogies: Files | None = None,
    limit: int = 300_000,
) -> dict[str, Any]:
    """How good vectors are, by word similarity and analogies, as `attn vectors evaluate` says.

    `vectors` are a name, a file, or at hand, as `explain` takes them; `limit` words of them are asked.
    Without a file, those that come with gensim are taken.
    Raises: DataError when no word of a file is known; UsageError for vectors without a list of words.
    """
    from attncli.api.word_vectors import open_vectors
    from attncli.embeddings.evaluating import evaluation

    store = open_vectors(vectors).store
    if not has_vocabulary(store):
        raise UsageError("these vectors have no list of words", place="vectors")
    return evaluation(
        store,
        [] if pairs is None else paths_of(pairs, "pairs"),
        [] if analogies is None else paths_of(analogies, "analogies"),
        limit=count_of(limit, "limit", 1),
    )
