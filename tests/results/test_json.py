"""Laws of the JSON: it validates, round-trips every float32, and holds nothing a terminal obeys."""

import json
import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from jsonschema import Draft202012Validator
from schema import validator

from attncli.embeddings.seeded import SeededStore
from attncli.errors import DataError
from attncli.mechanisms.general import GeneralAnalyser, GeneralSettings
from attncli.reading.reader import ReadingSettings
from attncli.results import json as view
from attncli.results.fields import OPTIONAL_FIELDS
from attncli.results.json import (
    error_record,
    plain_json,
    plain_json_texts,
    record_json,
    result_json,
    shortest,
)
from attncli.results.result import AttentionResult

FLOATS = hnp.arrays(
    np.float32,
    hnp.array_shapes(max_dims=3, max_side=4),
    elements=st.floats(width=32, allow_nan=False, allow_infinity=False),
)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(FLOATS)
def test_floats_round_trip_exactly(array):
    """The text of a float32, read as float64 and rounded to float32, is the same bits."""
    for text in (
        json.dumps(shortest(array)),
        view._by_orjson({"a": array}).partition(":")[2][:-1],
    ):
        again = np.array(json.loads(text), dtype=np.float32).reshape(array.shape)
        np.testing.assert_array_equal(again.view(np.uint32), array.view(np.uint32))


@given(FLOATS, ANY_TEXT)
def test_both_writers_say_the_same(array, text):
    """The standard library for a few numbers and orjson for many read back as the same record."""
    record = {"text": text, "weights": array, "n": 1, "none": None}
    assert json.loads(view._by_orjson(record)) == json.loads(view._by_standard_library(record))


@given(ANY_TEXT)
@example("\x7f")
def test_no_raw_control_is_in_the_json(text):
    """One line, no control or bidi character raw, and the text reads back exactly."""
    line = record_json({"text": text, "words": [text]})
    assert not re.search(
        r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]", line
    )
    assert json.loads(line) == {"text": text, "words": [text]}


@pytest.mark.parametrize("text", ["\x1b[31m", "\u202eabc", "a\u2028b", "\U000e0041", "🙂 é क"])
def test_hostile_texts_read_back(text):
    """Escaped where a terminal would obey, raw where a reader would read."""
    line = record_json({"text": text})
    assert json.loads(line)["text"] == text
    assert ("🙂" in line) == ("🙂" in text)


SETTINGS = st.builds(
    GeneralSettings,
    score=st.sampled_from(["scaled", "dot", "cosine"]),
    causal=st.booleans(),
    window=st.none() | st.just(0),
    see_self=st.booleans(),
)
READINGS = st.builds(
    ReadingSettings,
    oov=st.sampled_from(["random", "zero", "mean", "skip"]),
    tokenizer=st.sampled_from(["words", "whitespace", "chars"]),
)


@given(ANY_TEXT, SETTINGS, READINGS, st.sets(st.sampled_from(OPTIONAL_FIELDS)))
def test_every_record_validates_and_reads_back(six_words, text, settings, reading, include):
    """Any sentence with any settings: the schema holds, and from_dict gives the same result."""
    include |= {"embeddings"} if "measures" in include else set()  # measures are of both
    analyser = GeneralAnalyser(six_words, reading, settings, include=frozenset(include))
    for outcome in analyser.outcomes([text, "money xyzzy bank"]):
        if not isinstance(outcome, AttentionResult):
            validator().validate(json.loads(record_json(error_record(outcome, 0, None))))
            continue
        record = json.loads(result_json(outcome, include))
        validator().validate(record)
        assert AttentionResult.from_dict(record) == outcome


def test_a_record_with_many_numbers_validates():
    """The other writer's output is held by the same schema."""
    words = " ".join(f"w{i}" for i in range(40))
    result = next(GeneralAnalyser(SeededStore(16))([words]))
    record = json.loads(result_json(result))
    validator().validate(record)
    assert AttentionResult.from_dict(record) == result


def test_an_error_is_a_record_too():
    """type, schema, code and message; the place is line and index."""
    record = error_record(DataError("found x", place="s.txt:3"), 2, 3)
    validator().validate(record)
    assert record == {
        **{"type": "error", "schema": "1.0", "index": 2, "line": 3},
        **{"code": "data", "message": "found x"},
    }


def test_the_schema_itself_is_valid_and_can_refuse(results):
    """A schema that accepts anything would hold nothing."""
    Draft202012Validator.check_schema(validator().schema)
    record = json.loads(result_json(results[0]))
    for change in (
        {"type": "other"},
        {"weights": [[0.5]]},
        {"tokens": [{"text": "a"}]},
        {"index": -1},
        {"attention": {}},
        {"contextual": [[None]]},
    ):
        assert not validator().is_valid(record | change)


def test_numbers_that_are_not_finite_never_become_json():
    """NaN is no JSON."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        record_json({"a": np.array([np.nan], dtype=np.float32)})


@pytest.mark.parametrize("shape", [(2, 3, 40, 40), (1, 1, 90, 90), (1, 2, 3, 3), (0, 2, 3, 3)])
def test_a_record_in_parts_is_the_record(monkeypatch, shape):
    """The same text whatever is large, with hidden characters escaped and no part much larger."""
    monkeypatch.setattr(view, "_MANY", 500)
    rng = np.random.default_rng(0)
    record = {
        "type": "result",
        "text": "a\u202eb",
        "model": {"name": "\ufeffa", "probability": 1e-7},
        "weights": rng.random(shape, dtype=np.float32) * np.float32(1e-4),
        "contextual": rng.random((40, 384), dtype=np.float32).T,
        "empty": {},
        "small": np.array([1e-7, 1e20, 3], dtype=np.float32),
        "flat": rng.random(900, dtype=np.float32),
        "last": None,
    }
    parts = list(view.record_parts(record))
    assert "".join(parts) == record_json(record)
    assert max(map(len, parts)) < 900 * 14


def test_a_record_that_begins_or_ends_with_a_large_array(monkeypatch):
    """Commas stand between fields only."""
    monkeypatch.setattr(view, "_MANY", 3)
    array = np.arange(4000, dtype=np.float32).reshape(2, 2, 1000)
    for record in ({"a": array}, {"a": array, "b": 1}, {"a": 1, "b": array}):
        assert "".join(view.record_parts(record)) == record_json(record)


@given(st.lists(st.text()))
def test_texts_made_together_are_those_made_alone(texts: list[str]) -> None:
    """Line breaks, quotes and what a terminal obeys are in each what they are alone."""
    assert plain_json_texts(texts) == [plain_json(text) for text in texts]
