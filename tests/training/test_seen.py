"""Which sentences a model was trained on, kept as a sketch."""

import json

from hypothesis import given
from hypothesis import strategies as st

from attncli.training.seen import seen_in, sketch_of


@given(st.sets(st.text(max_size=6), max_size=30), st.sets(st.text(max_size=6), max_size=30))
def test_a_sketch_of_few_sentences_tells_each(trained, asked):
    """However its blanks are written, and after it went through JSON."""
    sketch = json.loads(json.dumps(sketch_of(trained)))
    plain = {" ".join(text.split()) for text in trained}
    expected = sum(" ".join(text.split()) in plain for text in asked)
    seen = seen_in([f"  {text}\t" for text in asked], sketch)
    if trained:
        assert seen == (len(asked), expected)
    else:
        assert seen is None


def test_a_sketch_of_many_sentences_is_a_fair_sample():
    """It is small, and of those it can tell the share is that of all."""
    trained = [f"sentence {i}" for i in range(50_000)]
    sketch = sketch_of(trained)
    assert len(sketch["digests"]) <= 4096 * 8
    seen = seen_in(trained[:10_000] + [f"other {i}" for i in range(10_000)], sketch)
    assert 1000 < seen.known < 2300
    assert 0.45 < seen.seen / seen.known < 0.55


def test_what_is_no_sketch_tells_nothing():
    """Models of before have none."""
    for sketch in (None, {}, [], {"digests": 5, "distinct": 1}, {"digests": "?", "distinct": 1}):
        assert seen_in(["a"], sketch) is None
