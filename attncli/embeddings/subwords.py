"""The subwords of a store folder: made from its files when the first unknown word asks for them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from attncli.embeddings.checked import CheckedMatrix, mapped, verify
from attncli.embeddings.readers.ngrams import NgramSubwords
from attncli.embeddings.readers.static_model import PieceSubwords

if TYPE_CHECKING:
    from attncli.embeddings.store import FolderStore, Subwords


def subwords_of(store: "FolderStore", folder: Path, meta: dict[str, Any]) -> "Subwords":
    """What meta.json says of subwords, ready to be used. Raises: DamagedError."""
    facts = meta["subwords"]
    if facts["kind"] == "pieces":
        return PieceSubwords(store.row, store.vectors, facts["prefix"], lower=facts["lower"])
    shape = (facts["rows"], meta["dim"])
    matrix = CheckedMatrix(folder, "ngrams", shape, meta["sums"].get("ngrams.sums.npy"))
    rows = None
    if facts["buckets"] is not None:
        verify(folder / "buckets.npy", meta["sums"].get("buckets.npy"))
        rows = mapped(folder / "buckets.npy", "<i8", (facts["buckets"],))
    unread = mapped(matrix.path, "<f4", shape)  # for its size; rows come verified from `take`
    return NgramSubwords(unread, facts["shortest"], facts["longest"], rows, matrix.take)
