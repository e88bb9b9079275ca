"""Results for the tests of views: real attention over seeded vectors, any number of layers and heads."""

import numpy as np

from attncli.attention.core import attention_scores, softmax
from attncli.embeddings.seeded import random_vector
from attncli.results.facts import AttentionSettings, Token, VectorsInfo
from attncli.results.result import AttentionResult

HOSTILE = (
    "</script>", '"><img', "onerror=alert(1)>", "<!--", "]]>", "&amp;", "\u202eevil", "a\x1b[31mred",
    "{{7*7}}", "$(id)", "=1+1", "@SUM(A1)", "|", "`x`", "\\input{x}", "_a_", "*b*", "%c", "#d", "~e^f",
    "[red]", ":smile:", "\u2028", "it's", "x" * 300,
)  # fmt: skip


def result_of(
    words: list[str],
    *,
    layers: int = 1,
    heads: int = 1,
    temperature: float = 1.0,
    dim: int = 8,
    with_scores: bool = True,
    causal: bool = False,
) -> AttentionResult:
    """General attention of words over seeded vectors, other ones in each layer and head."""
    scores = np.empty((layers, heads, len(words), len(words)))
    scale = 1 / np.sqrt(dim)
    for layer in range(layers):
        for head in range(heads):
            rows = np.stack([random_vector(word, dim, 10 * layer + head) for word in words])
            rows = rows.astype(np.float64)
            scores[layer, head] = attention_scores(rows, rows, scale=scale / temperature)
    seen = np.tril(np.ones(scores.shape[-2:])) if causal else np.ones(scores.shape[-2:])
    weights = softmax(np.where(seen > 0, scores, -np.inf))
    embeddings = np.stack([random_vector(word, dim) for word in words])
    starts = np.cumsum([0, *(len(word) + 1 for word in words)])
    return AttentionResult(
        text=" ".join(words),
        tokens=tuple(
            Token(word, int(start), int(start) + len(word), word, "exact")
            for word, start in zip(words, starts, strict=False)
        ),
        attention=AttentionSettings(
            scale=scale, temperature=temperature, causal=causal, n_layers=layers, n_heads=heads
        ),
        weights=weights.astype(np.float32),
        contextual=weights[0, 0] @ embeddings,
        vectors=VectorsInfo("seeded", dim),
        embeddings=embeddings,
        scores=scores.astype(np.float32) if with_scores else None,
    )
