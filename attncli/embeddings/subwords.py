"""The subwords of a store folder: made from its files when the first unknown word asks for them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from attncli.arrays import Float32Array, IntArray
from attncli.embeddings.cache.checked import CheckedMatrix, DamagedError, mapped, verify
from attncli.embeddings.pieces import TokenizerSubwords
from attncli.embeddings.protocols import EmbeddingStore, Subwords
from attncli.embeddings.readers.ngrams import NgramSubwords
from attncli.errors.wording import visible


def subwords_of(
    store: EmbeddingStore, folder: Path, meta: dict[str, Any], make_again: Callable[[], None]
) -> Subwords:
    """What meta.json says of subwords, ready to be used; `make_again` mends a damaged folder.

    Raises: DamagedError.
    """
    facts = meta["subwords"]
    if facts["kind"] == "tokenizer":
        path = folder / "tokenizer.json"
        verify(path, meta["sums"].get(path.name))
        return TokenizerSubwords(path.read_bytes(), visible(str(path)), store.row, store.vectors)
    matrix = ngram_matrix(folder, meta)
    rows = None
    if facts["buckets"] is not None:
        verify(folder / "buckets.npy", meta["sums"].get("buckets.npy"))
        rows = mapped(folder / "buckets.npy", "<i8", (facts["buckets"],))

    def take(chosen: IntArray) -> Float32Array:
        try:
            return matrix.take(chosen)
        except DamagedError:
            make_again()
        return ngram_matrix(folder, meta).take(chosen)

    unread = mapped(matrix.path, "<f4", matrix.shape)  # for its size; rows come from `take`
    return NgramSubwords(unread, facts["shortest"], facts["longest"], rows, take)


def ngram_matrix(folder: Path, meta: dict[str, Any]) -> CheckedMatrix:
    """The vectors of the n-grams. Raises: DamagedError."""
    shape = (meta["subwords"]["rows"], meta["dim"])
    return CheckedMatrix(folder, "ngrams", shape, meta["sums"].get("ngrams.sums.npy"))
