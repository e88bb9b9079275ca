"""Old and new vectors are compared in one space, and every place that does it gives the same."""

from dataclasses import replace

import numpy as np
import pytest

from attncli.attention.projections import Projections, random_projections
from attncli.embeddings.store import MemoryStore
from attncli.insight.chosen_part import Part
from attncli.insight.compare import compare
from attncli.insight.measures import measures
from attncli.insight.movement import movements
from attncli.insight.old_vectors import old_vectors
from attncli.insight.space import VocabularySpace
from attncli.mechanisms.general import GeneralAnalyser
from attncli.mechanisms.task import TaskAnalyser
from attncli.results.result import AttentionResult
from attncli.views.page.section import section

FIELDS = frozenset({"embeddings", "value", "measures"})
TEXTS = ["money bank grows", "river bank flows"]
PARTS = {
    "all": Part(),
    "head": Part(heads=(-1,)),
    "mean": Part(over=("heads",)),
    "hide": Part(hide=("grows", "flows")),
    "merge": Part(merge=True),
    "mean, hide": Part(over=("heads",), hide=("grows", "flows")),
}
LAYERS: dict[str, Projections | None] = {
    "general": None,
    "one head": random_projections(4, seed=1),
    "as wide as the embeddings": random_projections(4, n_heads=2, d_k=2, d_v=2, seed=1),
    "narrower": random_projections(4, n_heads=3, d_k=2, d_v=1, seed=1),
    "positions": random_projections(4, n_heads=2, positions="sinusoidal", seed=1),
}


@pytest.fixture(params=LAYERS)
def opened(
    request: pytest.FixtureRequest, six_words: MemoryStore
) -> tuple[list[AttentionResult], VocabularySpace]:
    """Two results of a mechanism, and the words of its space."""
    layer = LAYERS[request.param]
    if layer is None:
        return list(GeneralAnalyser(six_words, include=FIELDS)(TEXTS)), VocabularySpace(six_words)
    found = list(TaskAnalyser(six_words, layer, include=FIELDS)(TEXTS))
    return found, VocabularySpace(six_words, layer.W_v)


@pytest.mark.parametrize("part", PARTS)
def test_every_place_gives_the_same_movement(
    opened: tuple[list[AttentionResult], VocabularySpace], part: str
) -> None:
    """compare, measures, movements and the page: one number, the same words, whatever is chosen."""
    whole, space = opened
    results = [PARTS[part].of(result) for result in whole]
    compared = compare(results, "bank", space, neighbors=3)
    for before, result, occurrence in zip(whole, results, compared.occurrences, strict=True):
        old = old_vectors(before)
        assert old is not None
        place, first = occurrence.place, before.words.index("bank")
        value = old[first].astype(float)
        new = before.contextual[first].astype(float)
        cosine = value @ new / np.linalg.norm(value) / np.linalg.norm(new)
        assert occurrence.moved == pytest.approx(cosine, abs=1e-12)
        assert occurrence.own == pytest.approx(value)
        assert measures(result)["moved"][place] == occurrence.moved
        moved = movements(result, space, neighbors=3)[place]
        assert moved.cosine == occurrence.moved
        assert [name for name, _ in moved.after] == [name for name, _ in occurrence.nearest]
        assert [name for name, _ in moved.before] == [name for name, _ in compared.nearest_static]
        assert f'<td class="" data-label="Moved">{moved.cosine:.4f}</td>' in section(result, 0)


def test_the_old_vector_of_task_attention_is_its_value(six_words: MemoryStore) -> None:
    """(x + p)·W_v of each head side by side, worked out here; never x, though it is as wide."""
    layer = random_projections(4, n_heads=2, d_k=2, d_v=2, seed=5)
    (result,) = TaskAnalyser(six_words, layer, include=FIELDS)(TEXTS[:1])
    rows = six_words.matrix[[0, 1, 2]].astype(float)
    expected = np.concatenate([rows @ layer.W_v[0], rows @ layer.W_v[1]], axis=1)
    old = old_vectors(result)
    assert old is not None
    np.testing.assert_allclose(old, expected, atol=1e-6)
    assert np.abs(old - result.embeddings).max() > 0.1


def test_where_no_values_are_held_nothing_is_compared(six_words: MemoryStore) -> None:
    """A record of task attention with its embeddings alone has no old vectors, and no movement."""
    layer = random_projections(4, n_heads=2, d_k=2, d_v=2, seed=5)
    (result,) = TaskAnalyser(six_words, layer, include=FIELDS)(TEXTS[:1])
    read = AttentionResult.from_dict(replace(result, value=None, measures=None).to_dict())
    assert old_vectors(read) is None
    assert movements(read, six_words) == []
    assert "moved" not in measures(read)
    one_head = replace(read, value=Part(heads=(0,)).of(result).value)
    assert old_vectors(one_head) is None


def test_words_of_another_space_are_no_neighbors(six_words: MemoryStore) -> None:
    """The vocabulary as it is has no word near a sum of values."""
    layer = random_projections(4, seed=5)
    (result,) = TaskAnalyser(six_words, layer, include=FIELDS)(TEXTS[:1])
    assert all(not m.before and not m.after for m in movements(result, six_words))


@pytest.mark.parametrize("part", ["hide", "head", "mean"])
def test_shares_are_told_only_of_the_way_that_the_weights_made(
    six_words: MemoryStore, part: str
) -> None:
    """Rescaled rows, one head of two, and a mean did not move the word."""
    layer = random_projections(4, n_heads=2, seed=5)
    found = TaskAnalyser(six_words, layer, include=FIELDS)(TEXTS)
    compared = compare([PARTS[part].of(result) for result in found], "bank", neighbors=5)
    assert all(pull.share is None for o in compared.occurrences for pull in o.pulls)


def test_a_vector_drawn_at_random_is_near_nothing(six_words: MemoryStore) -> None:
    """An unknown word moved, and is near words afterwards; before, its nearest would be chance."""
    results = list(GeneralAnalyser(six_words, include=FIELDS)(["money zyx grows", "the zyx flows"]))
    space = VocabularySpace(six_words)
    for result in results:
        known, unknown, _ = movements(result, space)
        assert known.before
        assert unknown.before == ()
        assert unknown.after
    assert compare(results, "zyx", space, neighbors=5).nearest_static == ()
    assert compare(results, "zyx", space, neighbors=5).occurrences[0].moved is not None
