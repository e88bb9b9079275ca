"""Independent answers: attention by three plain loops, words by another segmenter, cosines by hand.

Nothing here imports attncli, and nothing shares its methods: no matrix product, no broadcasting.
"""

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import regex

Rows = Sequence[Sequence[float]]


def attention_by_loops(
    query: Rows,
    key: Rows,
    value: Rows,
    *,
    scale: float,
    allowed: Callable[[int, int], bool] = lambda i, j: True,
    softcap: float | None = None,
) -> tuple[list[list[float]], list[list[float]]]:
    """(contextual, weights) of one head in float64."""
    weights = [[0.0] * len(key) for _ in query]
    contextual = [[0.0] * len(value[0]) for _ in query]
    for i, q in enumerate(query):
        scores: dict[int, float] = {}
        for j, k in enumerate(key):
            if allowed(i, j):
                score = scale * math.fsum(float(a) * float(b) for a, b in zip(q, k, strict=True))
                scores[j] = score if softcap is None else softcap * math.tanh(score / softcap)
        peak = max(scores.values(), default=0.0)
        total = math.fsum(math.exp(score - peak) for score in scores.values())
        for j, score in scores.items():
            weights[i][j] = math.exp(score - peak) / total
        for d in range(len(value[0])):
            contextual[i][d] = math.fsum(weights[i][j] * float(value[j][d]) for j in scores)
    return contextual, weights


def cosine_by_loops(one: Sequence[float], other: Sequence[float]) -> float:
    """The cosine of two vectors; 0 when one of them is zeros."""
    product = math.fsum(float(a) * float(b) for a, b in zip(one, other, strict=True))
    lengths = math.hypot(*map(float, one)) * math.hypot(*map(float, other))
    return product / lengths if lengths else 0.0


def score_rows(embeddings: np.ndarray, score: str) -> tuple[list[list[float]], float]:
    """The rows whose products are the scores, and the scale: scaled, dot or cosine."""
    rows = [[float(x) for x in row] for row in embeddings]
    if score == "cosine":
        rows = [[x / (math.hypot(*row) or 1.0) for x in row] for row in rows]
    return rows, 1 / math.sqrt(len(rows[0])) if score == "scaled" else 1.0


def uax29_words(text: str) -> list[tuple[str, int, int]]:
    """The segments between default word boundaries that hold a letter, a digit or an emoji."""
    edges = [found.start() for found in regex.finditer(r"(?w)\b", text)]
    edges = sorted({0, len(text), *edges})
    segments = [(text[a:b], a, b) for a, b in itertools.pairwise(edges)]
    return [(s, a, b) for s, a, b in segments if regex.search(r"[\p{L}\p{N}]", s)]
