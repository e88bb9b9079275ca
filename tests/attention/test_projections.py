"""Task-specific attention against three plain loops, and the kinds of positions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.attention.core import attend
from attncli.attention.heads import merge_heads
from attncli.attention.positions import POSITIONS, distance_index, rotated, rotations, sinusoidal
from attncli.attention.projections import (
    Projections,
    random_projections,
    task_attention,
    with_positions,
)
from attncli.errors import ShapeError


def by_loops(x, p: Projections):
    """Weights and contextual vectors of every head, number by number."""
    n, weights = len(x), np.zeros((p.n_heads, len(x), len(x)))
    contextual = np.zeros((len(x), p.n_heads * p.d_v))
    for h in range(p.n_heads):
        for i in range(n):
            scores = {}
            for j in range(n):
                if (p.causal and j > i) or (p.window is not None and abs(i - j) > p.window):
                    continue
                q = [sum(x[i, d] * p.W_q[h, d, k] for d in range(p.d_model)) for k in range(p.d_k)]
                k_ = [sum(x[j, d] * p.W_k[h, d, k] for d in range(p.d_model)) for k in range(p.d_k)]
                scores[j] = sum(a * b for a, b in zip(q, k_, strict=True)) / math.sqrt(p.d_k)
            peak = max(scores.values())
            total = sum(math.exp(s - peak) for s in scores.values())
            for j, s in scores.items():
                weights[h, i, j] = math.exp(s - peak) / total
                for v in range(p.d_v):
                    value = sum(x[j, d] * p.W_v[h, d, v] for d in range(p.d_model))
                    contextual[i, h * p.d_v + v] += weights[h, i, j] * value
    return weights, contextual


@pytest.mark.parametrize("options", [{}, {"causal": True}, {"window": 1}])
def test_task_attention_equals_plain_loops(options):
    """Weights and contextual vectors equal the sums of the formulas to 1e-12."""
    x = np.random.default_rng(3).standard_normal((4, 5))
    layer = random_projections(5, n_heads=2, d_k=3, d_v=6, seed=1, **options)
    found = task_attention(x, layer)
    weights, contextual = by_loops(x, layer)
    assert np.abs(found.weights - weights).max() < 1e-12
    assert np.abs(found.contextual - contextual).max() < 1e-12


@given(st.sampled_from(POSITIONS), st.integers(1, 6), st.integers(1, 3), st.integers(1, 5))
def test_every_stage_follows_from_the_one_before(positions, n_tokens, heads, d_k):
    """Scores are Q·Kᵀ/√d_k (and bias), weights their softmax, contextual the weighted values."""
    x = np.random.default_rng(n_tokens).standard_normal((n_tokens, 4))
    layer = random_projections(4, n_heads=heads, d_k=d_k, d_v=2, positions=positions, seed=2)
    found = task_attention(x, layer)
    scores = found.query @ found.key.swapaxes(-1, -2) / math.sqrt(d_k)
    if positions == "relative":
        scores = scores + layer.position_table[:, distance_index(np.arange(n_tokens), n_tokens, 10)]
    assert np.allclose(scores, found.scores, atol=1e-12)
    spread = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = spread / spread.sum(axis=-1, keepdims=True)
    assert np.allclose(weights, found.weights, atol=1e-12)
    assert np.allclose(merge_heads(weights @ found.value), found.contextual, atol=1e-12)


def test_weights_are_those_of_the_core():
    """Task-specific attention is `attend` of the projections, bit for bit."""
    x = np.random.default_rng(0).standard_normal((5, 4))
    layer = random_projections(4, n_heads=2, seed=0)
    found = task_attention(x, layer)
    contextual, weights = attend(x @ layer.W_q, x @ layer.W_k, x @ layer.W_v)
    assert np.array_equal(found.weights, weights)
    assert np.array_equal(found.contextual, merge_heads(contextual))


@given(st.integers(1, 5), st.integers(1, 4), st.integers(1, 3))
def test_heads_stand_side_by_side(n_tokens, heads, width):
    """Column h·d + c of a merged row is column c of head h."""
    tall = np.arange(heads * n_tokens * width, dtype=float).reshape(heads, n_tokens, width)
    merged = merge_heads(tall)
    assert merged.shape == (n_tokens, heads * width)
    for head in range(heads):
        for i in range(n_tokens):
            for column in range(width):
                assert merged[i, head * width + column] == tall[head, i, column]


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 30))
def test_rope_sees_distances_only(i, j, moved):
    """The product of two rotated rows is the same wherever the pair stands."""
    rng = np.random.default_rng(5)
    q, k = rng.standard_normal(6), rng.standard_normal(6)
    cosines, sines = rotations(60, 6)

    def product(a: int, b: int) -> float:
        return float(rotated(q, cosines[a], sines[a]) @ rotated(k, cosines[b], sines[b]))

    assert product(i, j) == pytest.approx(product(i + moved, j + moved), abs=1e-10)


def test_rotation_keeps_lengths_and_turns_back():
    """A rotation keeps each row's length, and the opposite angle undoes it."""
    rows = np.random.default_rng(1).standard_normal((3, 4, 7))
    cosines, sines = rotations(4, 7)
    turned = rotated(rows, cosines, sines)
    assert np.allclose(np.linalg.norm(turned, axis=-1), np.linalg.norm(rows, axis=-1))
    assert np.allclose(rotated(turned, cosines, -sines), rows)
    assert not np.allclose(turned[:, 1:], rows[:, 1:])


def test_sinusoidal_waves_are_those_of_the_paper():
    """PE(pos, 2i) = sin(pos / 10000^(2i/d)), PE(pos, 2i+1) = cos of the same."""
    waves = sinusoidal(7, 6)
    for place in range(7):
        for i in range(3):
            angle = place / 10000 ** (2 * i / 6)
            assert waves[place, 2 * i] == pytest.approx(math.sin(angle))
            assert waves[place, 2 * i + 1] == pytest.approx(math.cos(angle))


def test_without_positions_the_order_does_not_matter():
    """Permuting the tokens permutes the weights; with positions it does not."""
    x = np.random.default_rng(1).standard_normal((4, 6))
    order = np.array([2, 0, 3, 1])
    for positions in POSITIONS:
        layer = random_projections(6, n_heads=2, positions=positions, seed=4)
        weights = task_attention(x, layer).weights
        moved = task_attention(x[order], layer).weights
        same = np.allclose(moved, weights[:, order][:, :, order])
        assert same == (positions == "none")


def test_a_position_past_the_table_has_its_last_row():
    """A sentence longer than a learned table is read, not refused."""
    table = np.random.default_rng(0).standard_normal((2, 4))
    layer = random_projections(4, seed=0)
    layer = Projections(layer.W_q, layer.W_k, layer.W_v, "learned", table)
    x = np.zeros((4, 4))
    assert np.array_equal(with_positions(x, layer), table[[0, 1, 1, 1]])


def test_untrained_scores_are_neither_one_word_nor_all():
    """Random matrices give rows that differ, and no row with all its weight on one word."""
    x = np.random.default_rng(0).standard_normal((6, 50)) * 0.7
    weights = task_attention(x, random_projections(50, n_heads=2, seed=0)).weights
    assert 0.2 < weights.max(axis=-1).mean() < 0.9


def test_the_same_seed_gives_the_same_matrices():
    """Matrices depend on the seed and the sizes only."""
    one, two = random_projections(6, n_heads=2, seed=9), random_projections(6, n_heads=2, seed=9)
    assert np.array_equal(one.W_v, two.W_v)
    assert not np.array_equal(one.W_v, random_projections(6, n_heads=2, seed=8).W_v)


def test_matrices_that_do_not_fit_are_refused():
    """Shapes that contradict each other are an error when the layer is made."""
    layer = random_projections(4, n_heads=2)
    with pytest.raises(ShapeError, match="W_k"):
        Projections(layer.W_q, layer.W_k[:1], layer.W_v)
    with pytest.raises(ShapeError, match="table"):
        Projections(layer.W_q, layer.W_k, layer.W_v, "learned")
    with pytest.raises(ShapeError, match="table"):
        Projections(layer.W_q, layer.W_k, layer.W_v, "relative", np.zeros((2, 4)))
