"""Laws of matrices that a user wrote down: their numbers, and what a result says of them."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import attention_by_loops

import attncli
from attncli.embeddings.store import MemoryStore
from attncli.errors import ArgumentError, DataError, UsageError
from attncli.mechanisms.exercise import read_exercise
from attncli.results.result import AttentionResult

WORDS = ["money", "bank", "grows", "river", "flows"]
NUMBERS = st.integers(-40, 40).map(lambda n: n / 16)  # exact in float32, so that loops see the same


def arrays(draw, *shape):
    """An array of small numbers."""
    count = math.prod(shape)
    return np.array(draw(st.lists(NUMBERS, min_size=count, max_size=count))).reshape(shape)


@st.composite
def exercises(draw):
    """Vectors of a few words, matrices for any number of heads, and settings."""
    n_tokens, heads = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    d, d_k, d_v = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    matrices = {
        "w_q": arrays(draw, heads, d, d_k),
        "w_k": arrays(draw, heads, d, d_k),
        "w_v": arrays(draw, heads, d, d_v),
    }
    if draw(st.booleans()):
        matrices["w_o"] = arrays(draw, heads * d_v, draw(st.integers(1, 4)))
    choices = {
        "causal": draw(st.booleans()),
        "window": draw(st.none() | st.integers(0, 3)),
        "temperature": draw(st.none() | st.sampled_from([0.5, 1.0, 2.5])),
        "score": draw(st.sampled_from(["scaled", "dot"])),
    }
    return arrays(draw, n_tokens, d), matrices, choices


def times(rows, matrix):
    """The product of two lists of rows, by loops."""
    columns = range(len(matrix[0]))
    return [
        [
            math.fsum(float(x) * float(row[c]) for x, row in zip(xs, matrix, strict=True))
            for c in columns
        ]
        for xs in rows
    ]


def by_loops(vectors, matrices, choices):
    """New embeddings and the weights of each head, by three plain loops a head."""
    window, causal = choices["window"], choices["causal"]
    scale = (1 if choices["score"] == "dot" else matrices["w_q"].shape[2] ** -0.5) / (
        choices["temperature"] or 1
    )
    beside, weights = [[] for _ in vectors], []
    for W_q, W_k, W_v in zip(matrices["w_q"], matrices["w_k"], matrices["w_v"], strict=True):
        new, of_head = attention_by_loops(
            times(vectors, W_q),
            times(vectors, W_k),
            times(vectors, W_v),
            scale=scale,
            allowed=lambda i, j: (
                (not causal or j <= i) and (window is None or abs(i - j) <= window)
            ),
        )
        weights.append(of_head)
        beside = [row + list(more) for row, more in zip(beside, new, strict=True)]
    return (times(beside, matrices["w_o"]) if "w_o" in matrices else beside), weights


@settings(max_examples=500)
@given(exercises(), st.booleans())
def test_own_matrices_equal_three_plain_loops(exercise, as_text):
    """Any number of heads, W_o or none, masks, temperatures; as arrays and as texts."""
    vectors, matrices, choices = exercise
    n_tokens = len(vectors)
    store = MemoryStore("own", WORDS[:n_tokens], vectors.astype(np.float32))
    typed = matrices
    if as_text:
        typed = {
            name: "|".join(
                ";".join(",".join(map(str, row)) for row in rows)
                for rows in np.atleast_3d([matrix]).reshape(-1, *matrix.shape[-2:]).tolist()
            )
            for name, matrix in matrices.items()
        }
    result = attncli.explain(" ".join(WORDS[:n_tokens]), vectors=store, **typed, **choices)
    new, weights = by_loops(vectors.tolist(), matrices, choices)
    assert np.abs(result.weights[0] - np.array(weights)).max() < 1e-6
    size = max(1.0, float(np.abs(new).max()))
    assert np.abs(result.contextual - np.array(new)).max() < 1e-6 * size
    assert result.attention.n_heads == len(matrices["w_q"])


@pytest.fixture(scope="module")
def store():
    """Two words of two values."""
    return MemoryStore("own", ["money", "bank"], np.eye(2, dtype=np.float32))


@pytest.mark.parametrize(
    "form",
    ["1,2;3,4", [[1, 2], [3, 4]], np.array([[1, 2], [3, 4]]), [[[1, 2], [3, 4]]], "1 2\n3 4"],
)
def test_every_form_of_a_matrix_is_the_same(store, form):
    """Texts, lists, arrays, one head in lists of its own."""
    plain = attncli.explain("money bank", vectors=store, w_q="1,2;3,4")
    assert attncli.explain("money bank", vectors=store, w_q=form) == plain


def test_matrices_not_given_are_the_identity(store):
    """Written out or left out, the numbers are the same, for every head."""
    left_out = attncli.explain("money bank", vectors=store, w_q="1,2;3,4|0,1;1,0")
    eye = "1,0;0,1|1,0;0,1"
    written = attncli.explain("money bank", vectors=store, w_q="1,2;3,4|0,1;1,0", w_k=eye, w_v=eye)
    assert np.array_equal(left_out.weights, written.weights)
    assert np.array_equal(left_out.contextual, written.contextual)
    assert left_out.model.name == "given W_q; W_k, W_v the identity"
    assert written.model.name == "given W_q, W_k, W_v"


def test_all_identities_are_general_attention(store):
    """Q = K = V = X by matrices is Q = K = V = X without them."""
    eye = [[1, 0], [0, 1]]
    task = attncli.explain("money bank", vectors=store, w_q=eye, w_k=eye, w_v=eye)
    general = attncli.explain("money bank", vectors=store)
    assert np.allclose(task.weights, general.weights, atol=1e-7)
    assert np.allclose(task.contextual, general.contextual, atol=1e-7)


def test_a_record_of_own_matrices_is_read_back(store):
    """With every optional field."""
    include = ("embeddings", "query", "key", "value", "scores", "measures")
    result = attncli.explain(
        "money bank",
        vectors=store,
        w_v="1,2;3,4|0,1;1,0",
        w_q="1,0;0,1|1,1;1,1",
        w_k="1,0;0,1|1,1;0,1",
        w_o="1;2;3;4",
        include=include,
    )
    assert AttentionResult.from_dict(result.to_dict()) == result
    assert result.model.is_given
    assert not result.model.is_untrained
    assert result.model.has_output


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ([[1, float("nan")], [0, 1]], UsageError),
        ([[1, 2], [3]], ArgumentError),
        ([1, 2], ArgumentError),
        ([], ArgumentError),
        ([["a", "b"]], ArgumentError),
        (3, ArgumentError),
        (np.ones((2, 2, 2, 2)), ArgumentError),
        ([[1j, 0], [0, 1]], ArgumentError),
        ("1,x;0,1", UsageError),
    ],
)
def test_what_is_no_matrix_is_said_with_its_name(store, value, kind):
    """From Python the place is the argument."""
    with pytest.raises(kind) as caught:
        attncli.explain("money bank", vectors=store, w_q=value)
    assert caught.value.place == "w_q"


@pytest.mark.parametrize(
    ("matrices", "shapes"),
    [
        ({"w_q": "1,2,3;4,5,6"}, ["2 × 3", "2 × 2"]),
        ({"w_k": "1,2,3;4,5,6"}, ["2 × 3", "2 × 2"]),
        ({"w_q": "1,2;3,4;5,6"}, ["3 × 2", "2 × d_k"]),
        ({"w_v": "1;2;3"}, ["3 × 1", "2 × d_v"]),
        ({"w_q": "1;2", "w_k": "1,2;3,4"}, ["2 × 1", "2 × 2"]),
        ({"w_v": "1;2", "w_o": "1,2,3;4,5,6"}, ["2 × 3", "1 × d"]),
        ({"w_q": "1,0;0,1|1,0;0,1", "w_k": "1,0;0,1"}, ["1 head", "2 heads"]),
        ({"w_q": "1,0;0,1|1,0,1;0,1,1"}, ["2 × 2", "2 × 3"]),
    ],
)
def test_sizes_that_do_not_fit_are_said_with_both_shapes(store, matrices, shapes):
    """Rows for the vectors, columns of queries and keys, W_o behind the heads."""
    with pytest.raises((UsageError, DataError)) as caught:
        attncli.explain("money bank", vectors=store, **matrices)
    assert all(shape in caught.value.message for shape in shapes)
    assert caught.value.place in matrices


@pytest.mark.parametrize(
    "choice",
    [
        *({"heads": 2}, {"d_k": 2}, {"d_v": 2}, {"score": "cosine"}, {"target_self": 0.5}),
        *({"see_self": False}, {"positions": "learned"}, {"positions": "relative"}),
        {"temperature": 0.0},
    ],
)
def test_what_matrices_say_or_cannot_have_is_refused(store, choice):
    """The place is the other choice."""
    with pytest.raises(UsageError) as caught:
        attncli.explain("money bank", vectors=store, w_q="1,0;0,1", **choice)
    assert caught.value.place in choice


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.sampled_from(["1,2", "bank"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["W_q", "w_k", "bank", "a"]), inner, max_size=3)
    ),
    max_leaves=8,
)
KEYS = st.sampled_from(["sentence", "sentences", "vectors", "matrices", "other"])


@given(content=st.dictionaries(KEYS, VALUES, max_size=4))
def test_whatever_an_exercise_holds_it_is_read_or_told(tmp_path_factory, content):
    """One line with the file as its place; never another error."""
    path = tmp_path_factory.mktemp("e") / "e.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    said = None
    try:
        read = read_exercise(str(path))
    except DataError as error:
        said = error
    if said is not None:
        assert said.place.startswith(str(path)[:20])
        assert "\n" not in said.message
    else:
        assert all(matrix.ndim == 3 for matrix in read.matrices.values())


def test_python_and_the_command_run_the_same_batch(tmp_path, command):
    """An array is the matrix that an option writes, and either goes on where the other stopped."""
    lines, out = tmp_path / "in.txt", tmp_path / "out.jsonl"
    lines.write_text("money bank\n", encoding="utf-8")
    inline = "money=1,0;bank=0,1"
    matrix = np.array([[1.0, 0.5], [0.25, 3.0]])
    attncli.batch(lines, out, inline=inline, w_q=matrix, workers=1)
    by_python = out.read_bytes()
    options = ("--inline", inline, "-o", str(out), "--workers", "1", "--w-q", "1,.5;.25,3")
    assert command("batch", str(lines), *options, "--resume").code == 0
    assert command("batch", str(lines), *options, "--force").code == 0
    assert out.read_bytes() == by_python
    compared = attncli.compare(["money bank", "bank bank"], "bank", inline=inline, w_q=matrix)
    assert "given W_q; W_k, W_v the identity" in compared.weights_of
