"""Questions to a whole vocabulary: nearest words, the mean vector."""

from collections.abc import Collection

import numpy as np

from attncli.arrays import Float32Array, FloatArray
from attncli.attention.products import product
from attncli.embeddings.protocols import EmbeddingStore, VocabularyStore, has_vocabulary
from attncli.errors import UsageError, setting
from attncli.errors.wording import quoted

_BLOCK = 65536  # rows of the matrix in work at once


def mean_vector(store: EmbeddingStore) -> Float32Array:
    """The mean of all vectors of the vocabulary. Shape (dim,).

    Raises: UsageError when the store has no list of words.
    """
    if not has_vocabulary(store):
        raise UsageError(
            f"{quoted(store.name)} has no vocabulary to take a mean of", place=setting(oov="mean")
        )
    total = np.zeros(store.dim)
    for start in range(0, len(store.matrix), _BLOCK):
        total += store.matrix[start : start + _BLOCK].sum(axis=0, dtype=np.float64)
    return (total / max(len(store.matrix), 1)).astype(np.float32)


def nearest_words(
    store: VocabularyStore,
    vectors: Float32Array,
    *,
    count: int = 5,
    without: Collection[str] = (),
) -> list[list[tuple[str, float]]]:
    """The `count` words whose vectors have the highest cosine with each given vector, best first.

    Shapes: vectors (n, dim) → n lists of (word, cosine). Words in `without` are left out; a vector of
    zeros has no neighbors, and rows of zeros in the store are never neighbors.
    """
    skipped = [row for word in without if (row := store.row(word)) is not None]
    units, lengths = unit_vectors(vectors)  # (n, dim), (n,)
    cosines = _cosines(store.matrix, units.astype(np.float32))  # (n_words, n)
    cosines[skipped] = -np.inf
    cosines[:, lengths == 0] = -np.inf
    return [_best(store, cosines[:, column], count) for column in range(len(vectors))]


def unit_vectors(vectors: Float32Array) -> tuple[FloatArray, FloatArray]:
    """Vectors of length 1, zeros for zeros, and the lengths, of vectors of any finite size.

    Shapes: vectors (n, dim) → (n, dim), (n,).
    """
    with np.errstate(over="ignore"):
        lengths: FloatArray = np.linalg.norm(vectors, axis=-1)  # (n,)
    if np.isfinite(lengths).all():
        return vectors / np.where(lengths == 0, 1, lengths)[:, None], lengths
    wide = vectors.astype(np.float64)  # squares of numbers near 1e38 are beyond float32
    lengths = np.linalg.norm(wide, axis=-1)
    return wide / np.where(lengths == 0, 1, lengths)[:, None], lengths


def _best(store: VocabularyStore, cosines: Float32Array, count: int) -> list[tuple[str, float]]:
    """The words of the highest cosines, best first; equal ones in the order of the vocabulary."""
    if not 0 < count < len(cosines):
        rows = np.arange(len(cosines)) if count > 0 else np.arange(0)
    else:
        rows = np.argpartition(-cosines, count - 1)[:count]
    ordered = sorted((-float(cosines[row]), int(row)) for row in rows)
    return [(store.word(row), -cosine) for cosine, row in ordered if np.isfinite(cosine)]


def _cosines(matrix: Float32Array, units: Float32Array) -> Float32Array:
    """Cosine of each row with each unit vector; −inf for rows of zeros. Shape (n_words, n)."""
    cosines = np.empty((len(matrix), len(units)), dtype=np.float32)
    for start in range(0, len(matrix), _BLOCK):
        block = matrix[start : start + _BLOCK]  # (rows, dim)
        part = cosines[start : start + _BLOCK]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            lengths = np.sqrt(np.einsum("ij,ij->i", block, block))  # (rows,)
            product(block, units.T, out=part)
            part /= lengths[:, None]
        huge = np.flatnonzero(~np.isfinite(lengths))
        if len(huge):
            part[huge] = product(unit_vectors(block[huge])[0].astype(np.float32), units.T)
        part[lengths == 0] = -np.inf
    return cosines
