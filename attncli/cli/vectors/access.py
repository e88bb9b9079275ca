"""Opens the vectors that the options name; stderr has a bar while they are converted, and notes."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from attncli.cli.conversion_bar import ConversionBar
from attncli.cli.terminal import hint, message
from attncli.errors import UsageError
from attncli.errors.wording import visible

if TYPE_CHECKING:
    from attncli.embeddings.named_stores import Access
    from attncli.embeddings.protocols import EmbeddingStore, VocabularyStore

_MOST_SAID = 8


class Saying:
    """What opening vectors has to say, on stderr; the same thing once."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._said: set[str] = set()

    def __call__(self, kind: str, text: str) -> None:
        if self._quiet or text in self._said or len(self._said) >= _MOST_SAID:
            return
        self._said.add(text)
        if kind == "hint":
            hint(text)
        else:
            message(kind, text)


def open_named(
    name: str,
    *,
    dim: int = 50,
    seed: int = 0,
    inline: str | None = None,
    whole: bool = True,
    cached: bool = True,
    quiet: bool = False,
) -> "EmbeddingStore":
    """The store of a name or file. Raises: as attncli.reading.named_vectors.open_vectors."""
    from attncli.reading.named_vectors import open_vectors

    with access_to(name, whole=whole, cached=cached, quiet=quiet) as access:
        return open_vectors(name, dim=dim, seed=seed, inline=inline, access=access)


@contextmanager
def access_to(
    name: str, *, whole: bool = True, cached: bool = True, quiet: bool = False
) -> "Iterator[Access]":
    """How vectors are opened at the terminal: the bar, warnings and notes go to stderr."""
    from attncli.embeddings.named_stores import Access

    bar = ConversionBar(f"converting {visible(name)[-40:]}", quiet=quiet)
    try:
        yield Access(whole=whole, cached=cached, say=Saying(quiet=quiet), tick=bar.tick)
    finally:
        bar.end()


def open_vocabulary(name: str, *, cached: bool = True, quiet: bool = False) -> "VocabularyStore":
    """The store of a name or file whose whole vocabulary can be searched."""
    from attncli.embeddings.protocols import has_vocabulary

    store = open_named(name, cached=cached, quiet=quiet)
    if not has_vocabulary(store):
        raise UsageError("these vectors have no list of words", place="--vectors")
    return store
