"""Laws of the record: it reads back, and contradictions are refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from attncli.errors import DataError
from attncli.mechanisms.general import GeneralAnalyser
from attncli.results.facts import AttentionSettings, ModelInfo, ResultWarning, Token, VectorsInfo
from attncli.results.fields import OPTIONAL_FIELDS
from attncli.results.result import AttentionResult

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def drawn_results(draw):
    """Any result: sizes, words, numbers and optional parts of every kind."""
    n, d = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    layers, heads = draw(st.integers(1, 2)), draw(st.integers(1, 2))

    def array(*shape):
        return draw(hnp.arrays(np.float32, shape, elements=FLOATS))

    text = draw(st.text(max_size=8))
    optional = {
        "embeddings": (n, d),
        "query": (layers, heads, n, 2),
        "key": (layers, heads, n, 2),
        "value": (layers, heads, n, d),
        "scores": (layers, heads, n, n),
        "hidden_states": (layers + 1, n, d),
    }
    chosen = draw(st.sets(st.sampled_from(sorted(optional))))
    return AttentionResult(
        text=text,
        tokens=tuple(Token(draw(st.text(max_size=3)), i, i + 1, "key", "exact") for i in range(n)),
        attention=AttentionSettings(
            n_layers=layers, n_heads=heads, window=draw(st.none() | st.just(2))
        ),
        weights=array(layers, heads, n, n),
        contextual=array(n, d),
        vectors=VectorsInfo("made", d, draw(st.none() | st.just(6)), None),
        index=draw(st.integers(0, 9)),
        line=draw(st.none() | st.integers(1, 9)),
        model=draw(st.none() | st.just(ModelInfo("m", "ab", "yes", {"yes": 0.75, "no": 0.25}))),
        warnings=tuple(draw(st.lists(st.just(ResultWarning("code", "message", (0,))), max_size=2))),
        measures=draw(st.none() | st.just({"mean_self_weight": 0.5})),
        **draw(st.sampled_from([{}, {"pair": "other", "segments": (0,) * n}])),
        selection=draw(st.none() | st.just({"layers": [1]})),
        **{name: array(*optional[name]) for name in chosen},
    )


@given(drawn_results())
def test_a_result_reads_back(result):
    """from_dict(to_dict(r)) == r, also through JSON text."""
    assert AttentionResult.from_dict(result.to_dict()) == result
    assert AttentionResult.from_dict(json.loads(json.dumps(result.to_dict()))) == result


def test_unknown_keys_are_ignored(results):
    """A later minor version may add keys anywhere."""
    record = results[0].to_dict()
    record |= {"schema": "1.9", "later": 1, "tokens": [t | {"later": 1} for t in record["tokens"]]}
    record["attention"]["later"] = record["vectors"]["later"] = 1
    assert AttentionResult.from_dict(record) == results[0]


@pytest.mark.parametrize(
    "change",
    [
        {"type": "error"},
        {"type": None},
        {"schema": "2.0"},
        {"schema": None},
        {"tokens": 3},
        {"tokens": [3]},
        {"tokens": [{"text": "a"}]},
        {"tokens": []},
        {"weights": None},
        {"weights": "abc"},
        {"weights": [[1.0]]},
        {"weights": [[[[1.0, 0.0], [0.5, 0.5]]]]},
        {"weights": [[[[float("nan")] * 3] * 3]]},
        {"weights": [[[[1e39] * 3] * 3]]},
        {"weights": [[[[1.0, 0.0], [0.5]]]]},
        {"weights": [[[["a"] * 3] * 3]]},
        {"contextual": [[1.0]]},
        {"embeddings": [[1.0]] * 4},
        {"scores": [[[[1.0] * 2] * 3]]},
        {"attention": {"kind": "general", "n_heads": 2}},
        {"attention": None},
        {"vectors": None},
        {"vectors": {}},
        {"warnings": [{"code": "a"}]},
        {"warnings": 3},
        {"warnings": [{"code": "a", "message": "b", "tokens": [3]}]},
        {"warnings": [{"code": "a", "message": "b", "tokens": ["x"]}]},
        {"tokens": [{"text": 1, "start": 0, "end": 1, "key": "a", "status": "exact"}] * 3},
        {"tokens": [{"text": "a", "start": "0", "end": 1, "key": "a", "status": "exact"}] * 3},
        {"text": 3},
        {"index": "first"},
        {"line": "first"},
        {"pair": 3},
        {"model": {"name": 3}},
        {"model": 3},
        {"segments": [0], "pair": "x"},
    ],
    ids=str,
)
def test_a_record_that_contradicts_itself_is_refused(results, change):
    """Always a DataError, never another exception, and never a wrong result."""
    with pytest.raises(DataError):
        AttentionResult.from_dict(results[0].to_dict() | change)


@pytest.mark.parametrize(
    "name", ["type", "schema", "text", "tokens", "weights", "contextual", "vectors"]
)
def test_a_missing_field_is_named(results, name):
    """A record without a required field."""
    record = results[0].to_dict()
    del record[name]
    with pytest.raises(DataError, match=name):
        AttentionResult.from_dict(record)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
        ),
    ),
    st.sampled_from(
        [
            "text",
            "tokens",
            "attention",
            "weights",
            "vectors",
            "model",
            "warnings",
            "line",
            "index",
            "pair",
        ]
    ),
)
def test_any_value_anywhere_is_read_or_refused(value, name):
    """Whatever stands in a field, the answer is a result or a DataError."""
    token = {"text": "a", "start": 0, "end": 1, "key": "a", "status": "exact"}
    record = {
        **{"type": "result", "schema": "1.0", "text": "a", "tokens": [token], "attention": {}},
        **{"weights": [[[[1.0]]]], "contextual": [[0.5]], "vectors": {"name": "a", "dim": 1}},
        name: value,
    }
    try:
        AttentionResult.from_dict(record)
    except DataError:
        return


def test_arrays_cannot_be_written_to(results):
    """A result is data: neither its fields nor its numbers change."""
    with pytest.raises(ValueError, match="read-only"):
        results[0].weights[0, 0, 0, 0] = 1
    with pytest.raises(AttributeError):
        results[0].text = "other"


def test_results_with_other_numbers_are_not_equal(results):
    """Equality sees every number; a result equals no other thing."""
    one = results[0]
    record = one.to_dict()
    record["weights"][0][0][0][0] += 1e-3
    assert AttentionResult.from_dict(record) != one
    assert one != "money bank grows"
    assert results[0] != results[1]
    assert replace(one, embeddings=None) != one != replace(one, embeddings=None)


def test_include_and_exclude_choose_fields(six_words):
    """Optional fields are absent until asked for; type and schema always stay."""
    analyser = GeneralAnalyser(six_words, include=frozenset({"embeddings", "scores"}))
    result = next(analyser(["money bank"]))
    plain = result.to_record()
    assert not set(plain) & set(OPTIONAL_FIELDS)
    assert {"embeddings", "scores"} <= set(result.to_record(include=OPTIONAL_FIELDS))
    bare = result.to_record(exclude=[*plain])
    assert set(bare) == {"type", "schema"}
