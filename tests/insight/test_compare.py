"""One word in several sentences: cosines, pulls and neighbors against plain computations."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from views.samples import result_of

from attncli.embeddings.store import FolderStore, MemoryStore
from attncli.embeddings.vocabulary import nearest_words
from attncli.errors import UsageError
from attncli.insight.compare import compare, shared_word
from attncli.insight.plane import principal_plane
from attncli.insight.select import select_heads, select_layers
from attncli.insight.space import VocabularySpace
from attncli.mechanisms.general import GeneralAnalyser
from attncli.results.facts import ModelInfo
from attncli.results.result import AttentionResult
from attncli.views.compare import comparison_lines
from attncli.views.compare_page import comparison_page, comparison_svg
from attncli.views.compare_texts import comparison_latex, comparison_markdown
from attncli.views.ink import Ink

FIELDS = frozenset({"embeddings", "value"})


@pytest.fixture
def both(six_words: MemoryStore) -> list[AttentionResult]:
    """The two sentences of bank."""
    return list(
        GeneralAnalyser(six_words, include=FIELDS)(["money bank grows", "river bank flows"])
    )


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """The cosine of two vectors."""
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_one_word_has_two_vectors(both: list[AttentionResult], six_words: MemoryStore) -> None:
    """Before attention the cosine is 1; after it that of the two new vectors, below 1."""
    found = compare(both, "bank", VocabularySpace(six_words), neighbors=5)
    one, other = both[0].contextual[1].astype(float), both[1].contextual[1].astype(float)
    assert found.before is not None
    assert found.before[0, 1] == pytest.approx(1)
    assert found.after[0, 1] == pytest.approx(cosine(one, other))
    assert found.after[0, 1] < 0.999
    static = six_words.matrix[1].astype(float)
    assert found.occurrences[0].moved == pytest.approx(cosine(static, one))
    near = nearest_words(six_words, both[1].contextual[1:2], count=2, without={"bank"})[0]
    assert found.occurrences[1].nearest[:2] == tuple(near)


def test_pulls_are_the_parts_of_the_way(both: list[AttentionResult]) -> None:
    """weight·(value of the other − own value), measured along their sum; shares sum to 1."""
    found = compare(both, "bank", neighbors=5)
    for result, occurrence in zip(both, found.occurrences, strict=True):
        values = result.embeddings.astype(float)  # type: ignore[union-attr]  # included
        way = result.contextual[1] - values[1]
        for pull in occurrence.pulls:
            step = result.weights[0, 0, 1, pull.place] * (values[pull.place] - values[1])
            assert pull.weight == pytest.approx(result.weights[0, 0, 1, pull.place])
            assert pull.share == pytest.approx(step @ way / (way @ way), abs=1e-4)
        shares = [pull.share for pull in occurrence.pulls if pull.share is not None]
        assert sum(shares) == pytest.approx(1)
        assert [p.weight for p in occurrence.pulls] == sorted(
            (p.weight for p in occurrence.pulls), reverse=True
        )


def test_heads_stand_side_by_side(both: list[AttentionResult]) -> None:
    """Two heads with values of their own: the way is told over both."""
    result = both[0]
    weights = np.stack([result.weights[0, 0], np.full((3, 3), 1 / 3, np.float32)])[None]
    value = np.stack([result.embeddings, -result.embeddings])[None]  # type: ignore[arg-type, operator]  # included
    contextual = np.concatenate(list(weights[0] @ value[0]), axis=1)
    kind = result.attention._replace(kind="task", n_heads=2)
    twice = replace(result, weights=weights, value=value, contextual=contextual, attention=kind)
    found = compare([twice, twice], "bank", neighbors=5)
    assert sum(p.share or 0 for p in found.occurrences[0].pulls) == pytest.approx(1)
    assert found.after[0, 1] == pytest.approx(1)


def test_a_transformer_tells_weights_only(both: list[AttentionResult]) -> None:
    """Many layers lie between, so no share of the way is claimed."""
    deep = [replace(r, attention=r.attention._replace(kind="transformer")) for r in both]
    found = compare(deep, "bank", neighbors=5)
    assert all(pull.share is None for o in found.occurrences for pull in o.pulls)
    assert all("bank" not in name for o in found.occurrences for name, _ in o.nearest)


def test_the_shared_word_is_found_or_asked_for(glove: FolderStore) -> None:
    """Exactly one shared word is taken; none or several are told."""
    analyser = GeneralAnalyser(glove)

    def of(*texts: str) -> str:
        return shared_word(list(analyser(texts)))

    assert of("Money bank grows.", "river Bank flows.") == "bank"
    with pytest.raises(UsageError, match="share no word"):
        of("one", "two")
    with pytest.raises(UsageError, match='"the", "bank"') as caught:
        of("the bank", "bank of the river")
    assert caught.value.hints


def test_every_occurrence_of_the_word_is_compared(six_words: MemoryStore) -> None:
    """A word that stands twice in a sentence counts twice; one that is missing is told."""
    results = list(GeneralAnalyser(six_words, include=FIELDS)(["bank the bank", "river bank"]))
    assert [(o.sentence, o.place) for o in compare(results, "bank", neighbors=5).occurrences] == [
        (0, 0), (0, 2), (1, 1),
    ]  # fmt: skip
    with pytest.raises(UsageError, match="not in sentence 2"):
        compare(results, "the", neighbors=5)


def test_words_are_counted_apart_from_sentences(six_words: MemoryStore) -> None:
    """A word that is in one of two sentences twice was met three times, not in three sentences."""
    for texts, said in (
        (("bank grows", "river bank"), "in 2 sentences"),
        (("bank bank", "river bank"), "3 times in 2 sentences"),
    ):
        results = list(GeneralAnalyser(six_words, include=FIELDS)(texts))
        comparison = compare(results, "bank", neighbors=5)
        assert comparison.extent == said
        first = "".join(part.text for part in comparison_lines(comparison, Ink())[0])
        assert first == f"bank {said}"
        assert f"## bank {said}\n" in comparison_markdown(comparison)
        assert f"{{bank {said}}}" in comparison_latex(comparison)
        assert f">bank {said}</text>" in comparison_svg(comparison, results)
        assert f"bank {said}</title>" in comparison_page(comparison, results)


def test_the_map_holds_the_word_its_contexts_and_its_neighbors(
    both: list[AttentionResult], six_words: MemoryStore
) -> None:
    """Each point once; distances on the map never exceed the real ones."""
    found = compare(both, "bank", VocabularySpace(six_words), neighbors=5)
    kinds = [point.kind for point in found.points]
    assert kinds.count("static") == 1
    assert kinds.count("contextual") == 2
    labels = [point.label for point in found.points]
    assert len(set(labels)) == len(labels)
    assert {"money", "grows", "river", "flows", "the"} <= set(labels)
    alone = compare(both, "bank", VocabularySpace(six_words), neighbors=0)
    others = [(point.label, point.sentence) for point in alone.points if point.kind == "sentence"]
    assert others == [("money", 0), ("grows", 0), ("river", 1), ("flows", 1)]
    assert 0 < sum(found.explained) <= 1 + 1e-9
    places = {p.label: np.array([p.x, p.y]) for p in found.points}
    real = np.linalg.norm(both[0].contextual[1] - both[1].contextual[1])
    assert np.linalg.norm(places["bank 1"] - places["bank 2"]) <= real + 1e-6


@given(arrays.arrays(np.float64, st.tuples(st.integers(1, 8), st.integers(1, 5)), elements=st.floats(-10, 10)))  # fmt: skip
def test_the_plane_keeps_as_much_spread_as_it_says(points: np.ndarray) -> None:
    """The variance on the plane is the explained share, and the picture is the same each time."""
    plane, explained = principal_plane(points)
    assert plane.shape == (len(points), 2)
    total = ((points - points.mean(axis=0)) ** 2).sum()
    assert (plane**2).sum() == pytest.approx(sum(explained) * total, abs=1e-6)
    assert np.array_equal(principal_plane(points)[0], plane)


def test_values_of_a_vocabulary_are_looked_around_in(six_words: MemoryStore) -> None:
    """With W_v the space holds X·W_v of each head side by side."""
    W_v = np.random.default_rng(0).normal(size=(2, 4, 3)).astype(np.float32)
    space = VocabularySpace(six_words, W_v)
    expected = np.concatenate([six_words.matrix @ W_v[0], six_words.matrix @ W_v[1]], axis=1)
    assert np.allclose(space.vectors(["river"]), expected[3:4], atol=1e-6)
    assert space.nearest(expected[3:4], 1, "bank")[0][0][0] == "river"


def test_special_tokens_are_no_words(six_words: MemoryStore) -> None:
    """[CLS] and [SEP] of a transformer are neither the shared word nor its neighbors."""

    def framed(result: AttentionResult) -> AttentionResult:
        first = result.tokens[0]._replace(text="[CLS]", status="special")
        return replace(result, tokens=(first, *result.tokens[1:]))

    texts = ["money bank grows", "money bank flows"]
    results = [framed(r) for r in GeneralAnalyser(six_words, include=FIELDS)(texts)]
    assert shared_word(results) == "bank"
    found = compare(results, "bank", neighbors=5)
    assert all("[CLS]" not in name for o in found.occurrences for name, _ in o.nearest)


def test_a_comparison_says_whose_weights_it_tells(both: list[AttentionResult]) -> None:
    """With several layers or heads the rows are means of the last layer's heads, and say so."""
    one = both[0]
    deep = replace(
        one,
        weights=np.repeat(np.repeat(one.weights, 2, axis=0), 3, axis=1),
        value=None,
        attention=one.attention._replace(kind="transformer", n_layers=2, n_heads=3),
    )
    assert (
        compare([deep, deep], "bank", neighbors=5).weights_of
        == "mean of 3 heads, layer 1, the last"
    )
    assert compare(both, "bank", neighbors=5).weights_of == ""


@given(
    layers=st.lists(st.integers(0, 3), min_size=1, unique=True),
    heads=st.lists(st.integers(0, 2), min_size=1, unique=True),
)
def test_the_row_of_a_comparison_is_that_of_the_layer_it_names(
    layers: list[int], heads: list[int]
) -> None:
    """Layers in any order: the row is that of the last of them, as is the new vector."""
    deep = result_of(["money", "bank", "grows"], layers=4, heads=3)
    deep = replace(deep, attention=deep.attention._replace(kind="transformer"))
    part = select_heads(select_layers(deep, layers), heads)
    found = compare([part, part], "bank", neighbors=5)
    row = deep.weights[max(layers), heads, 1].mean(axis=0, dtype=np.float64)
    for pull in found.occurrences[0].pulls:
        assert pull.weight == pytest.approx(row[pull.place], abs=1e-7)
    several = [f"mean of heads {', '.join(map(str, heads))}"] * (len(heads) > 1)
    chosen = found.weights_of.replace("–", ", 1, ")
    assert chosen.startswith(", ".join([*several, f"layer {max(layers)}"]))
    assert (", the last of layers " in chosen) == (len(layers) > 1)


def test_each_sentence_has_the_label_that_its_model_gave(both: list[AttentionResult]) -> None:
    """And none where no model says anything."""
    assert [o.label for o in compare(both, "bank", neighbors=5).occurrences] == [None, None]
    labeled = [
        replace(result, model=ModelInfo("made", label=label, probabilities={label: 1.0}))
        for result, label in zip(both, ("literal", "idiomatic"), strict=True)
    ]
    told = compare(labeled, "bank", neighbors=5).occurrences
    assert [o.label for o in told] == ["literal", "idiomatic"]
