"""What differs is found, with the worst cell; what is equal within the tolerance is not told."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.insight.difference import differences
from attncli.matrices.build import result_from_arrays
from attncli.result import AttentionResult

BASE = replace(
    result_from_arrays(np.full((2, 2, 3, 3), 1 / 3), ["money", "bank", "grows"]), unknown=()
)


@given(
    st.tuples(*(st.integers(0, size - 1) for size in (2, 2, 3, 3))),
    st.floats(1e-3, 0.5),
    st.sampled_from([0.0, 1e-6, 1e-2]),
)
def test_the_worst_cell_is_named(
    place: tuple[int, int, int, int], step: float, tolerance: float
) -> None:
    """One changed weight is found wherever it is, unless the tolerance covers it."""
    weights = BASE.weights.copy()
    weights[place] += step
    (found,) = differences([BASE], [replace(BASE, weights=weights)], tolerance)
    if step <= tolerance:
        assert found.changes == ()
        return
    (change,) = found.changes
    assert (change.field, change.cells, change.place) == ("weights", 1, place)
    assert change.worst == pytest.approx(step, abs=1e-6)
    words = BASE.words
    assert (
        change.where == f"layer {place[0]}, head {place[1]}, {words[place[2]]} → {words[place[3]]}"
    )


def test_a_result_is_equal_to_itself(results: list[AttentionResult]) -> None:
    """With the tolerance 0."""
    assert all(not difference.changes for difference in differences(results, results, 0.0))


def test_tokens_shapes_and_counts_differ_too(results: list[AttentionResult]) -> None:
    """Another word, another size and a missing sentence are each told."""
    assert [d.changes[0].field for d in differences(results, results[:2], 1e-6) if d.changes] == [
        "sentences"
    ]
    other = result_from_arrays(np.eye(3), ["money", "bank", "flows"])
    one = result_from_arrays(np.eye(3), ["money", "bank", "grows"])
    assert "tokens" in [change.field for change in differences([one], [other], 1)[0].changes]
    whole, same = replace(one, unknown=()), replace(one, unknown=(), text="money, bank grows")
    assert "text" in [change.field for change in differences([whole], [same], 1)[0].changes]
    assert "shape" in differences([BASE], [one], 1)[0].changes[0].message


def test_a_matrix_without_names_is_compared_by_its_numbers() -> None:
    """Names that only count do not differ from words; settings are notes."""
    bare = result_from_arrays(BASE.weights)
    (found,) = differences([BASE], [bare], 0.0)
    assert found.changes == ()
    (note,) = found.notes
    assert note.startswith("the second holds no text, tokens, contextual, attention")
    other = replace(BASE, attention=BASE.attention._replace(temperature=2.0))
    (found,) = differences([BASE], [other], 0.0)
    assert found.changes == ()
    assert found.notes == ("attention.temperature: 1 and 2",)


def test_a_sentence_that_one_file_does_not_hold_is_not_compared() -> None:
    """Joined words are no sentence: the tokens decide, and what is missing is said."""
    joined = replace(BASE, text="money bank grows", unknown=("text",))
    exact = replace(BASE, text="Money, bank: grows.")
    for pair in ((joined, exact), (exact, joined)):
        (found,) = differences(*([one] for one in pair), 0.0)
        assert found.changes == ()
        assert "holds no text; the tokens are compared" in found.notes[0]
    (found,) = differences([replace(exact, text="Other.")], [exact], 0.0)
    assert [change.field for change in found.changes] == ["text"]
