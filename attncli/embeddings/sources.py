"""A name → a store. The only place that knows every source of vectors."""

from pathlib import Path

from attncli.embeddings.seeded import SeededStore
from attncli.embeddings.store import EmbeddingStore, FolderStore
from attncli.errors import UsageError
from attncli.escape import quoted

BUILTIN = {"glove": "glove-6b-50d"}
RANDOM_DIM = 50


def builtin_store(name: str = "glove") -> FolderStore:
    """The vectors that ship inside the package: GloVe 6B 50d, the 50,000 most frequent words."""
    return FolderStore(Path(__file__).parent / "data" / BUILTIN[name])


def open_vectors(name: str = "glove", *, dim: int = RANDOM_DIM, seed: int = 0) -> EmbeddingStore:
    """The store of a name: "glove" (built in) or "random" (seeded, of `dim` values).

    Raises: UsageError when there are no such vectors.
    """
    if name in BUILTIN or name in BUILTIN.values():
        return builtin_store(next(n for n, full in BUILTIN.items() if name in (n, full)))
    if name == "random":
        return SeededStore(dim, seed)
    raise UsageError(
        f"no vectors are named {quoted(name)}",
        place="--vectors",
        hints=("--vectors glove and --vectors random need no file",),
    )
