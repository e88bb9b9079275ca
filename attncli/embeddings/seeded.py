"""Random vectors that depend on seed, dimension and word only.

Each word's vector is a stream of normal numbers from a counter-based generator (SplitMix64, Steele
et al. 2014) started by a hash of seed, dimension and word, so neither the order of words nor numpy's
own generator matters. Entries have the standard deviation c·d^(−1/4): a self score then has the
mean c²·√d·√d/√d = c² after the 1/√d scale, whatever d is, and attention is neither the identity
(N(0, 1) entries give self-weights of 1.00) nor uniform (unit vectors give 1/n).
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from attncli.arrays import Float32Array, IntArray
from attncli.checks.arguments import text_of
from attncli.embeddings.protocols import PlainStore, gathered
from attncli.text.forms import plain_form

if TYPE_CHECKING:
    import numpy.typing as npt

# c² = 2: the mean self-weight is e²/(e²+n−1) when other scores are near 0: 0.79 for 3 words.
_SELF_SCORE = 2.0
_GAMMA = np.uint64(0x9E3779B97F4A7C15)


def random_vector(word: str, dim: int, seed: int = 0) -> Float32Array:
    """The vector of `word`: normal entries of standard deviation (2/√d)^(1/2). Shape (dim,).

    >>> bool((random_vector("bank", 4) == random_vector("bank", 4)).all())
    True
    """
    vector: Float32Array = random_vectors([word], dim, seed)[0]
    return vector


def random_vectors(words: Sequence[str], dim: int, seed: int = 0) -> Float32Array:
    """The vector of each word, the same whatever stands beside it. Shape (n_words, dim)."""
    starts = np.array([_start(word, dim, seed) for word in words], dtype=np.uint64)
    pairs = (dim + 1) // 2
    bits = _splitmix(starts[:, None], 2 * pairs)  # (n_words, 2 · pairs)
    uniform = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53  # in (0, 1)
    radius = np.sqrt(-2.0 * np.log(np.ascontiguousarray(uniform[:, :pairs])))
    angle = 2.0 * math.pi * uniform[:, pairs:]
    normal = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1)[:, :dim]
    return (normal * math.sqrt(_SELF_SCORE / math.sqrt(dim))).astype(np.float32)


def _start(word: str, dim: int, seed: int) -> int:
    """Where the stream of a word begins."""
    from hashlib import blake2b

    name = f"{seed}\x1f{dim}\x1f{word}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(name, digest_size=8).digest(), "little")


def _splitmix(starts: "npt.NDArray[np.uint64]", count: int) -> "npt.NDArray[np.uint64]":
    """The first numbers of streams. Shapes: (n, 1) → (n, count)."""
    steps = np.arange(1, count + 1, dtype=np.uint64)
    z: npt.NDArray[np.uint64] = starts + steps * _GAMMA  # wraps, as intended
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


class SeededStore(PlainStore):
    """A store in which every word has a vector; rows are numbered in the order of the look-ups."""

    def __init__(self, dim: int = 50, seed: int = 0) -> None:
        self.name = f"random-{dim}d-seed-{seed}"
        self.dim = dim
        self.seed = seed
        self.words: int | None = None
        self.sha256: str | None = None
        self._row_of: dict[str, int] = {}
        self._vectors: list[Float32Array] = []

    def has_word(self, word: str) -> bool:
        text_of(word, "word")
        return False

    def row(self, word: str) -> int | None:
        name = plain_form(text_of(word, "word"))  # what looks the same has the same vector
        found = self._row_of.get(name)
        if found is None:
            found = self._row_of[name] = len(self._vectors)
            self._vectors.append(random_vector(name, self.dim, self.seed))
        return found

    def vectors(self, rows: Sequence[int] | IntArray) -> Float32Array:
        return gathered(self._vectors, rows, self.dim)
