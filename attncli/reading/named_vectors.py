"""Vectors by name: those of words, or the contextual vectors of a transformer."""

import os
from typing import TYPE_CHECKING

from attncli.checks.arguments import count_of, flag_of, one_of_kind, path_of, seed_of, text_of
from attncli.embeddings.named_stores import open_word_vectors
from attncli.embeddings.protocols import EmbeddingStore
from attncli.errors import UsageError, field_name
from attncli.files.access import DEFAULT_ACCESS, Access
from attncli.settings import OF_MODEL, MechanismSettings

if TYPE_CHECKING:
    from attncli.embeddings.given import Vectors

MAX_DIM = 65_536  # values of a random vector
_UNNAMED = MechanismSettings().vectors  # what is said where nothing is


def open_named_vectors(
    vectors: "Vectors",
    *,
    dim: int = 50,
    seed: int = 0,
    inline: str | None = None,
    no_cache: bool = False,
    access: Access = DEFAULT_ACCESS,
) -> EmbeddingStore:
    """The vectors of this name or path, of a transformer, model:DIR[:LAYERS], or those at hand.

    LAYERS is a list with commas of vectors that stand side by side. Each is a number (0 is the
    first layer, −1 the last), a range such as 2-5 (the mean of these layers), "input", what enters
    the first, "words", the words' own vectors, without positions, or "glove", those of the built-in
    GloVe; "mix" stands for the words, GloVe, the middle third of the layers, and the last layer.
    Without it: the mean of the last four. `no_cache` neither reads nor writes converted vectors.
    Vectors at hand are a dict of words and vectors, KeyedVectors of gensim, or a matrix (n_words, dim)
    with its words, as `attncli.embeddings.given` takes them.
    Raises: what opening the words or the checkpoint raises.
    """
    if inline is not None and not (isinstance(vectors, str) and vectors == _UNNAMED):
        raise UsageError(
            f"found {field_name('vectors')} too, expected one of them", place=field_name("inline")
        )
    if not isinstance(vectors, str | bytes | os.PathLike):
        from attncli.embeddings.given import given_store

        return given_store(vectors)
    if not (isinstance(vectors, str) and not vectors):  # what no name means is said with names
        vectors = path_of(vectors, "vectors")
    dim, seed = count_of(dim, "dim", 1, MAX_DIM), seed_of(seed)
    inline = None if inline is None else text_of(inline, "inline")
    one_of_kind(access, "access", Access, "an Access")
    if flag_of(no_cache, "no_cache"):
        access = access._replace(cached=False)
    if not vectors.startswith(OF_MODEL):
        return open_word_vectors(vectors, dim=dim, seed=seed, inline=inline, access=access)
    from attncli.reading.contextual import contextual_vectors

    return contextual_vectors(vectors.removeprefix(OF_MODEL))
