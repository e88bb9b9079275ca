"""What differs is found, with the worst cell; what is equal within the tolerance is not told."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from views.samples import result_of

from attncli.insight.chosen_part import Part
from attncli.insight.difference import differences
from attncli.matrices.build import result_from_arrays
from attncli.results.result import AttentionResult

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
    large = replace(BASE, weights=BASE.weights[:1, :1], attention=one.attention)
    assert "shape" in differences([large], [result_from_arrays(np.eye(2))], 1)[0].changes[0].message
    changes = differences([BASE], [one], 1)[0].changes
    assert [c.message for c in changes] == 2 * ["2 in the first, 1 in the second"]


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


WHOLE = replace(
    result_of(["money", "bank", "grows"], layers=4, heads=3),
    attention=result_of(["x"], layers=4, heads=3).attention._replace(kind="transformer"),
)
LAYERS = st.none() | st.lists(st.integers(0, 3), min_size=1, unique=True).map(tuple)
HEADS = st.none() | st.lists(st.integers(0, 2), min_size=1, unique=True).map(tuple)
POOLED = st.sampled_from([(), ("heads",), ("layers",)])
CHOICES = st.builds(
    Part, layers=LAYERS, heads=HEADS, over=POOLED, merge=st.just(False), hide=st.just(()),
    hide_special=st.just(False), how=st.just("mean"), which=st.none(),
)  # fmt: skip


def labels(part: Part) -> tuple[list[str], list[str]]:
    """The names of the layers and heads of a part, written anew."""
    named = []
    for axis, chosen, size in (("layers", part.layers, 4), ("heads", part.heads, 3)):
        numbers = list(range(size) if chosen is None else chosen)
        pooled = axis in part.over and len(numbers) > 1
        named.append([f"mean of {numbers}"] if pooled else [f"{axis[:-1]} {n}" for n in numbers])
    return named[0], named[1]


@given(CHOICES, CHOICES)
def test_matrices_of_one_name_are_compared(first: Part, second: Part) -> None:
    """Parts of one result never differ in a number that both hold under one name; what only one
    holds is said, and so is a comparison of others.
    """
    (found,) = differences([first.of(WHOLE)], [second.of(WHOLE)], 1e-6)
    told = {change.field: change.message for change in found.changes}
    for axis, ours, theirs in zip(("layers", "heads"), labels(first), labels(second), strict=True):
        same = set(ours) & set(theirs)
        partly = bool(same) or len(ours) != len(theirs)
        assert (axis in told) == (set(ours) != set(theirs) and partly)
        noted = any(f"other {axis} are compared" in note for note in found.notes)
        assert noted == (not same and len(ours) == len(theirs))
        if axis in told and same:
            assert ("in the first" in told[axis]) == (not set(ours) <= set(theirs))
            assert ("in the second" in told[axis]) == (not set(theirs) <= set(ours))
    if not any("are compared" in note for note in found.notes):
        assert set(told) <= {"layers", "heads"}


@given(
    st.permutations([3, 1]), st.permutations([3, 1]), st.permutations([0, 2]), st.sampled_from(
        [(layer, head) for layer in (3, 1) for head in (0, 2)]
    ),
)  # fmt: skip
def test_the_place_of_a_change_has_the_names_of_the_model(
    layers: list[int], others: list[int], heads: list[int], changed: tuple[int, int]
) -> None:
    """Layers 3,1 and 1,3 are matched by name; what changed in layer 3 is told of layer 3."""
    weights = WHOLE.weights.copy()
    weights[(*changed, 0, 1)] += 0.25
    one = Part(tuple(layers), tuple(heads)).of(WHOLE)
    other = Part(tuple(others), (0, 2)).of(replace(WHOLE, weights=weights))
    (found,) = differences([one], [other], 1e-6)
    (change,) = found.changes
    assert change.where == f"layer {changed[0]}, head {changed[1]}, money → bank"
    assert change.place == (layers.index(changed[0]), heads.index(changed[1]), 0, 1)
    assert found.delta is not None
    assert found.delta[0, 1] == pytest.approx(0.25, abs=1e-6)


def test_new_vectors_of_other_layers_are_told_apart(results: list[AttentionResult]) -> None:
    """A note names the layers that the new vectors leave, where they are not the same."""
    one, other = (replace(results[0], selection={"layers": [layer]}) for layer in (3, 5))
    assert "contextual: after layer 3 in the first, after layer 5 in the second" in (
        differences([one], [other], 0)[0].notes
    )
    assert not differences([one], [one], 0)[0].notes
    general = replace(one, attention=one.attention._replace(kind="other"))
    assert not [n for n in differences([general], [other], 0)[0].notes if "after layer" in n]
