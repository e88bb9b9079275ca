"""Results that were computed in stacks are the results computed one by one."""

import numpy as np
import pytest
from reading.readings import read_sentence
from textbook import general_attention

from attncli.attention.masks import attention_mask
from attncli.embeddings.store import FolderStore, MemoryStore
from attncli.errors import AttnError, EmptyError
from attncli.insight.degenerate import degenerate, degenerate_in
from attncli.mechanisms.general import GeneralAnalyser, GeneralSettings
from attncli.reading.reader import ReadingSettings
from attncli.results.result import AttentionResult
from attncli.results.stack import Stack

WORDS = [
    "the",
    "money",
    "bank",
    "of",
    "river",
    "grows",
    "and",
    "xqzzy",
    "Flows",
    "don't",
    "e-mail",
    "said",
    "it",
    "in",
]


def sentences(count: int) -> list[str]:
    """Random sentences of these words."""
    rng = np.random.default_rng(3)
    return [" ".join(rng.choice(WORDS, rng.integers(1, 14))) for _ in range(count)]


@pytest.mark.parametrize("score", ["scaled", "dot", "cosine"])
@pytest.mark.parametrize(
    "shape", [{}, {"causal": True}, {"window": 1}, {"see_self": False}, {"temperature": 0.3}]
)
def test_float32_stacks_are_exact_to_a_millionth(
    glove: FolderStore, score: str, shape: dict[str, object]
) -> None:
    """The quick way gives the weights of a computation in float64, to 1e-6, and the same vectors."""
    settings = GeneralSettings(score=score, **shape)  # type: ignore[arg-type]  # parametrized
    analyser = GeneralAnalyser(glove, settings=settings, dtype=np.float32)
    texts = sentences(60)
    for text, found in zip(texts, analyser.outcomes(texts), strict=True):
        assert isinstance(found, AttentionResult)
        reading = read_sentence(text, glove, ReadingSettings())
        n = len(reading.tokens)
        mask = attention_mask(
            n, causal=settings.causal, window=settings.window, see_self=settings.see_self
        )
        contextual, weights = general_attention(
            reading.embeddings.astype(np.float64),
            score=settings.score,
            temperature=settings.temperature,
            mask=mask,
        )
        assert np.abs(found.weights[0, 0] - weights).max() <= 1e-6
        assert np.abs(found.contextual - contextual).max() <= 1e-5
        assert found.tokens == reading.tokens


def test_a_sentence_does_not_depend_on_its_company(glove: FolderStore) -> None:
    """Alone, in a small lot or in a large one, a sentence gives the same bits."""
    texts = sentences(300)
    together = list(GeneralAnalyser(glove, dtype=np.float32).outcomes(texts))
    for size in (1, 7):
        analyser = GeneralAnalyser(glove, dtype=np.float32)
        apart = [r for i in range(0, 300, size) for r in analyser.outcomes(texts[i : i + size])]
        for one, other in zip(together, apart, strict=True):
            assert isinstance(one, AttentionResult)
            assert isinstance(other, AttentionResult)
            assert one.weights.tobytes() == other.weights.tobytes()
            assert one.contextual.tobytes() == other.contextual.tobytes()


def test_outcomes_keep_the_order_of_the_texts(six_words: MemoryStore) -> None:
    """Sentences of several lengths and failures come back in their places."""
    texts = ["money bank grows", "", "bank", "river bank flows", "?!", "money bank"]
    found = list(GeneralAnalyser(six_words).outcomes(texts))
    kinds = [isinstance(f, EmptyError) for f in found]
    assert kinds == [False, True, False, False, True, False]
    assert [f.text for f in found if isinstance(f, AttentionResult)] == [
        "money bank grows",
        "bank",
        "river bank flows",
        "money bank",
    ]
    assert [f.index for f in found if not isinstance(f, AttnError)] == [0, 2, 3, 5]


def test_stacks_hold_every_text_once(glove: FolderStore) -> None:
    """No text is lost or doubled on its way into stacks."""
    texts = [*sentences(200), "", "…"]
    places: list[int] = []
    for item in GeneralAnalyser(glove, dtype=np.float32).stacks(texts):
        places += item.places if isinstance(item, Stack) else [item.place]
    assert sorted(places) == list(range(len(texts)))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("n_tokens", [1, 2, 5, 7, 24])
def test_degenerate_matrices_of_a_stack_are_those_found_alone(n_tokens: int, masked: bool) -> None:
    """The quick test of a stack finds just the matrices that the test of one matrix finds."""
    rng = np.random.default_rng(0)
    mask = np.tri(n_tokens, dtype=np.bool_) if masked else None
    found = set()
    for spread in (0.0, 0.01, 0.05, 1.0, 9.0, 40.0, 4000.0):
        scores = rng.normal(size=(40, n_tokens, n_tokens)) * spread
        if masked:
            scores[:, ~np.tri(n_tokens, dtype=np.bool_)] = -np.inf
        scores -= scores.max(axis=-1, keepdims=True)
        weights = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
        weights[:9, -1] = 1.0 / n_tokens  # now and then a last row unlike the others
        alone = {i: kind for i, w in enumerate(weights) if (kind := degenerate(w, mask))}
        assert degenerate_in(weights, mask) == alone
        found |= set(alone.values())
    assert found == ({"one-key", "uniform"} if n_tokens > 1 else set())
