"""How far each word moved: cosine of old and new vector, nearest words before and after."""

from collections.abc import Sequence
from typing import NamedTuple

from attncli.embeddings.protocols import EmbeddingStore, has_vocabulary
from attncli.insight.measures import row_cosines
from attncli.insight.old_vectors import old_vectors
from attncli.insight.space import VocabularySpace, is_known, names_of_token
from attncli.results.result import AttentionResult


class Movement(NamedTuple):
    """One word: cosine of its old and new vector (1: it stayed), nearest words before and after.

    The word itself is not among its neighbors.
    """

    text: str
    cosine: float
    before: tuple[tuple[str, float], ...] = ()
    after: tuple[tuple[str, float], ...] = ()


def movements(
    result: AttentionResult, among: EmbeddingStore | VocabularySpace | None, *, neighbors: int = 5
) -> list[Movement]:
    """The movement of each token; empty where no old vectors of the space of the new ones are held.

    Neighbors are looked for in the space `among`. The words of a store as they are make a space
    for general attention alone; without a vocabulary there are none, and none of a vector that only
    stands in for an unknown word.
    """
    before, after = old_vectors(result), result.contextual
    if before is None:
        return []
    cosines = row_cosines(before, after).tolist()
    space = _space(result, among)
    if not neighbors or space is None:
        return [Movement(t.text, cosine) for t, cosine in zip(result.tokens, cosines, strict=True)]
    names = [names_of_token(token) for token in result.tokens]
    old, new = (space.nearest(vectors, neighbors, names) for vectors in (before, after))
    return [
        Movement(token.text, cosine, tuple(near_old) if is_known(token) else (), tuple(near_new))
        for token, cosine, near_old, near_new in zip(result.tokens, cosines, old, new, strict=True)
    ]


def most_moved(moves: Sequence[Movement], count: int) -> list[Movement]:
    """The words that moved most, those of the smallest cosine first."""
    return sorted(moves, key=lambda movement: movement.cosine)[:count]


def _space(
    result: AttentionResult, among: EmbeddingStore | VocabularySpace | None
) -> VocabularySpace | None:
    if isinstance(among, VocabularySpace) or among is None:
        return among
    if not result.attention.sums_embeddings or not has_vocabulary(among):
        return None
    return VocabularySpace(among)
