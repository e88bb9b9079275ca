"""Laws of the numbers of heads: plain loops find the same, and known heads have known numbers."""

import math
import unicodedata
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.insight.chosen_part import Part
from attncli.insight.heads import HABITS, HEAD_MEASURES, NO_HABIT, head_map, sink_share
from attncli.results.facts import AttentionSettings, Token, VectorsInfo
from attncli.results.result import AttentionResult

WORDS = ["<s>", "the", "old", "Ġbank", ",", "grows", "...", "don't", "[SEP]", "▁."]


def made(words, weights, kind="transformer", status="given"):
    """A result of these weights, (n_layers, n_heads, n_tokens, n_tokens)."""
    weights = np.asarray(weights, dtype=np.float32)
    n_layers, n_heads, n_tokens, _ = weights.shape
    return AttentionResult(
        text=" ".join(words),
        tokens=tuple(Token(word, 0, 0, word, status) for word in words),
        attention=AttentionSettings(kind=kind, n_layers=n_layers, n_heads=n_heads),
        weights=weights,
        contextual=np.zeros((n_tokens, 2), dtype=np.float32),
        vectors=VectorsInfo("made", 2),
    )


@st.composite
def results(draw):
    """Results of random weights: causal or not, with rows in which everything is masked."""
    words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=8))
    n, rng = len(words), np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scores = rng.normal(size=(2, 3, n, n)) * draw(st.sampled_from([0.1, 1, 9]))
    if draw(st.booleans()):
        scores[..., ~np.tri(n, dtype=bool)] = -np.inf
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    for row in draw(st.sets(st.integers(0, n - 1), max_size=2)):
        weights[..., row, :] = 0
    return made(words, weights)


def by_loops(result, places):
    """Every number by plain loops over the cells, places those of the tokens in the whole text."""
    special = {"<s>", "[SEP]"}
    separators = [
        word in special or all(unicodedata.category(c)[0] == "P" for c in word.lstrip("Ġ▁") or word)
        for word in result.words
    ]
    at_place = {place: at for at, place in enumerate(places)}
    found = {}
    for layer, heads in enumerate(result.weights.tolist()):
        for head, weights in enumerate(heads):
            sums = {name: [] for name in HEAD_MEASURES}
            for i, row in enumerate(weights):
                if not any(row):
                    continue
                sums["self"].append(row[i])
                sums["entropy"].append(-math.fsum(w * math.log(w) for w in row if w))
                if 0 in at_place and places[i] != 0:
                    sums["first"].append(row[at_place[0]])
                if places[i] - 1 in at_place:
                    sums["previous"].append(row[at_place[places[i] - 1]])
                if places[i] + 1 in at_place:
                    sums["next"].append(row[at_place[places[i] + 1]])
                marks = [w for w, s, p in zip(row, separators, places, strict=True) if s and p]
                if marks:
                    sums["separators"].append(math.fsum(marks))
            for name, values in sums.items():
                found[name, layer, head] = math.fsum(values) / len(values) if values else math.nan
    return found


@given(results(), st.sampled_from([(), ("old",), ("first",), ("special", "grows")]))
def test_plain_loops_find_the_numbers_of_heads(result, hide):
    """In float64, whatever is masked and hidden; what a text does not have is NaN."""
    if all(word in {"old", "<s>", "[SEP]", "grows"} for word in result.words):
        hide = ()
    part = Part(hide=hide).of(result) if hide != ("first",) or len(result.words) > 1 else result
    places = (part.selection or {}).get("places", range(len(part.words)))
    heads = head_map(part)
    for (name, layer, head), value in by_loops(part, list(places)).items():
        np.testing.assert_allclose(heads.values[name][layer, head], value, atol=1e-6)


@pytest.mark.parametrize(
    ("habit", "matrix"),
    [
        ("first", np.repeat(np.eye(1, 6), 6, axis=0)),
        ("self", np.eye(6)),
        ("previous", np.eye(6, k=-1) + np.eye(1, 6, 3) * np.eye(6)[:, :1]),
        ("next", np.eye(6, k=1) + np.eye(1, 6, 2) * np.eye(6)[:, 5:]),
        ("separators", np.repeat(np.eye(6)[4:5], 6, axis=0)),
    ],
)
def test_a_head_of_one_habit_is_called_by_it(habit, matrix):
    """A head that does one thing only has its number 1, entropy 0, and that name."""
    result = made(["<s>", "the", "old", "bank", ".", "grows"], matrix[None, None])
    heads = head_map(result)
    names, shares = heads.habits()
    assert names == [[habit]]
    assert shares[0, 0] == heads.values[habit][0, 0] == 1
    assert heads.values["entropy"][0, 0] == 0
    assert heads.strongest(habit, 3) == [(0, 0)]


@given(st.integers(2, 9))
def test_a_head_that_looks_everywhere_has_the_largest_entropy(n):
    """Uniform weights: entropy ln n, every neighbor 1/n, and its share of the most is 1."""
    heads = head_map(made(["word"] * n, np.full((1, 1, n, n), 1 / n)))
    for name in ("first", "self", "previous", "next"):
        assert heads.values[name][0, 0] == pytest.approx(1 / n, abs=1e-6)
    assert heads.values["entropy"][0, 0] == pytest.approx(math.log(n), abs=1e-6)
    assert heads.shares("entropy")[0, 0] == pytest.approx(1, abs=1e-6)
    assert np.isnan(heads.values["separators"]).all()


@given(results())
def test_the_strongest_heads_come_first(result):
    """The places are those of the values in falling order, without what is not there."""
    heads = head_map(result)
    for name in HEAD_MEASURES:
        values = [heads.values[name][at] for at in heads.strongest(name, 9)]
        known = heads.values[name][~np.isnan(heads.values[name])]
        assert values == sorted(known.tolist(), reverse=True)


def test_a_head_that_sees_nothing_has_no_habit():
    """Every row masked: no number, no name."""
    heads = head_map(made(["a", "b"], np.zeros((1, 1, 2, 2))))
    assert heads.habits()[0] == [[NO_HABIT]]
    assert all(np.isnan(heads.values[name]).all() for name in HABITS)


@given(results())
def test_hiding_the_first_token_takes_away_the_share_of_the_sink(result):
    """What is named as the share of the sink is what hiding says went there; then there is none."""
    if len(result.words) < 4:
        assert sink_share(result) == 0
        return
    hidden = Part(hide=("first",)).of(result)
    assert sink_share(result) == pytest.approx(hidden.selection["hidden_share"], abs=1e-5)
    assert sink_share(hidden) == 0
    assert sink_share(replace(result, attention=result.attention._replace(kind="general"))) == 0


def test_chosen_and_pooled_heads_keep_their_names():
    """A map has the numbers of the layers and heads that were chosen, or what a mean is called."""
    result = made(["a", "b"], np.full((3, 4, 2, 2), 0.5))
    chosen = head_map(Part(layers=(2, 0), heads=(3, 1)).of(result))
    assert (chosen.layers, chosen.heads) == (["2", "0"], ["3", "1"])
    pooled = head_map(Part(over=("heads",)).of(result))
    assert (pooled.layers, pooled.heads) == (["0", "1", "2"], ["mean of heads 0–3"])


@given(results(), st.booleans())
def test_a_table_of_heads_has_a_row_for_each(result, pooled):
    """Layer, head, habit and every measure, in the order of the weights; numbers where they are."""
    pytest.importorskip("pandas")
    heads = (Part(over=("heads",)).of(result) if pooled else result).head_map()
    table = heads.to_pandas()
    assert list(table) == ["layer", "head", "habit", *HEAD_MEASURES]
    assert table["layer"].tolist() == [0] * len(heads.heads) + [1] * len(heads.heads)
    assert table["head"].tolist() == (["mean of heads 0–2"] * 2 if pooled else [0, 1, 2] * 2)
    for name in HEAD_MEASURES:
        np.testing.assert_array_equal(table[name], heads.values[name].ravel())
    assert table["habit"].tolist() == [name for row in heads.habits()[0] for name in row]


@given(results())
def test_a_notebook_shows_a_cell_for_each_head(result):
    """The card has a row a layer and a column a head, and words are text in it."""
    heads = head_map(replace(result, text="<b>&"))
    (grid,) = heads.card().parts
    assert (len(grid.rows), len(grid.columns)) == (2, 4)
    shown = heads._repr_html_()
    assert "<b>&" not in shown
    assert "&lt;b&gt;&amp;" in shown
    assert repr(heads) == "HeadMap('<b>&', 2 × 3 heads)"
