"""How far each word moved: cosine of old and new vector, nearest words before and after."""

from dataclasses import dataclass

from attncli.embeddings.protocols import EmbeddingStore
from attncli.embeddings.vocabulary import has_vocabulary, nearest_words
from attncli.insight.measures import moved
from attncli.result import AttentionResult


@dataclass(frozen=True, slots=True)
class Movement:
    """One word: cosine of its old and new vector (1: it stayed), nearest words before and after.

    The word itself is not among its neighbours.
    """

    text: str
    cosine: float
    before: tuple[tuple[str, float], ...] = ()
    after: tuple[tuple[str, float], ...] = ()


def movements(
    result: AttentionResult, store: EmbeddingStore | None, *, neighbors: int = 5
) -> list[Movement]:
    """The movement of each token; neighbours only where a store has a vocabulary.

    The result must hold its embeddings; where the new vectors are of another size the list is empty.
    """
    before, after = result.embeddings, result.contextual
    if before is None or before.shape != after.shape:
        return []
    cosines = moved(before, after)
    if not neighbors or store is None or not has_vocabulary(store):
        return [Movement(t.text, float(c)) for t, c in zip(result.tokens, cosines, strict=True)]
    old = nearest_words(store, before, count=neighbors + 1)
    new = nearest_words(store, after, count=neighbors + 1)
    return [
        Movement(token.text, float(cosine), *(_others(near, token.key, neighbors) for near in pair))
        for token, cosine, *pair in zip(result.tokens, cosines, old, new, strict=True)
    ]


def _others(near: list[tuple[str, float]], key: str, count: int) -> tuple[tuple[str, float], ...]:
    return tuple(hit for hit in near if hit[0] != key)[:count]
