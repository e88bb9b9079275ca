"""What is known before anything is computed: names of vectors and models, words, how common one is."""

from collections.abc import Iterator
from pathlib import Path

from attncli.settings import OF_PRESET


def vector_names() -> Iterator[str]:
    """The names that vectors have here: those of the package, presets, imported and learned ones."""
    from attncli.embeddings.cache.entries import Cache
    from attncli.embeddings.presets import PRESETS

    yield from ("glove", "random", *(f"{OF_PRESET}{name}" for name in PRESETS))
    yield from Cache().names()


def model_names(folder: Path) -> Iterator[str]:
    """The models that ship with the package, and those of a folder: of a training, or transformers."""
    from attncli.models.shipped import shipped_names

    yield from shipped_names()
    yield from sorted(path.name for path in folder.glob("*.safetensors"))
    yield from sorted(path.parent.name + "/" for path in folder.glob("*/config.json"))


def words_in(text: str) -> list[str]:
    """The words of a sentence, as UAX #29 cuts it; what a vocabulary joins or parts is not known."""
    from attncli.text.words import words

    return [span.text for span in words(text)]


def rank_of(word: str) -> int | None:
    """How common a word of English is: its place among the built-in ones, None for no word of them.

    >>> rank_of("the"), rank_of("zzzq")
    (0, None)
    """
    from attncli.embeddings.named_stores import builtin_store

    return builtin_store().row(word.casefold())
