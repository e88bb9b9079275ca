"""Laws of a comparison as data: what is written is read back, and what is damaged is refused."""

import copy
import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.errors import DataError
from attncli.results.comparison import Comparison, Occurrence, Point, Pull, comparison_from_record

numbers = st.floats(-1e6, 1e6)
near = st.lists(st.tuples(st.text(max_size=4), numbers), max_size=3).map(tuple)


@st.composite
def comparisons(draw: Callable[..., Any]) -> Comparison:
    """Any comparison, with and without old vectors, labels and shares."""
    d, count = draw(st.integers(1, 4)), draw(st.integers(2, 3))
    holds_old = draw(st.booleans())
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    pulls = st.lists(
        st.builds(Pull, st.text(max_size=4), st.integers(0, 9), numbers, st.none() | numbers),
        min_size=1,
        max_size=3,
    ).map(tuple)
    occurrences = tuple(
        Occurrence(
            sentence=at,
            text=draw(st.text(max_size=6)),
            place=draw(st.integers(0, 9)),
            pulls=draw(pulls),
            vector=rng.standard_normal(d),
            own=rng.standard_normal(d) if holds_old else None,
            moved=draw(numbers) if holds_old else None,
            nearest=draw(near),
            label=draw(st.none() | st.text(max_size=4)),
        )
        for at in range(count)
    )
    points = st.builds(
        Point,
        st.text(max_size=4),
        st.sampled_from(["static", "contextual", "sentence", "neighbor"]),
        numbers,
        numbers,
        st.none() | st.integers(0, 3),
    )
    return Comparison(
        word=draw(st.text(max_size=5)),
        kind="general",
        occurrences=occurrences,
        before=rng.standard_normal((count, count)) if holds_old else None,
        after=rng.standard_normal((count, count)),
        nearest_static=draw(near),
        neighbors_of="some words",
        points=tuple(draw(st.lists(points, min_size=1, max_size=3))),
        explained=(draw(numbers), draw(numbers)),
        weights_of=draw(st.text(max_size=5)),
    )


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, arrays by their numbers and dataclasses by their fields."""
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and bool(np.array_equal(one, other))
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, Comparison | Occurrence):
        return all(same(getattr(one, f), getattr(other, f)) for f in one.__dataclass_fields__)
    return bool(one == other)


@given(comparisons())
def test_a_comparison_is_read_back_as_it_was_written(comparison: Comparison) -> None:
    """Every field, bit by bit, through the text of its JSON."""
    text = json.dumps(comparison.to_record())
    assert same(comparison_from_record(json.loads(text)), comparison)


SMALL = Comparison(
    word="bank",
    kind="general",
    occurrences=tuple(
        Occurrence(
            at, "money bank", 1, (Pull("bank", 1, 1.0, 0.0),), np.ones(2), np.ones(2), 0.5, ()
        )
        for at in range(2)
    ),
    before=np.eye(2),
    after=np.eye(2),
    nearest_static=(("money", 0.5),),
    neighbors_of="some words",
    points=(Point("bank", "contextual", 0.0, 0.0, 0),),
    explained=(1.0, 0.0),
)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("word",), 3, "int, expected a text"),
        (("sentences",), [], "different sizes"),
        (("sentences", 0, "row"), [], "without words"),
        (("sentences", 0, "moved"), math.nan, "not finite"),
        (("sentences", 0, "row", 0, "weight"), math.inf, "not finite"),
        (("sentences", 1, "contextual"), [[1.0]], r"shape \(1, 1\)"),
        (("sentences", 1, "static"), [math.inf], r"shape \(1,\)"),
        (("cosine", "after"), [[1.0]], "different sizes"),
        (("cosine", "before"), [1.0], r"shape \(1,\)"),
        (("nearest_static", 0, "word"), None, "NoneType, expected a text"),
        (("map", "points", 0, "kind"), "<b>", "unknown kind"),
        (("map", "points", 0, "x"), "far", "cannot be read"),
        (("map", "points"), [], "different sizes"),
        (("sentences", 0, "row", 0), {}, "no 'word'"),
    ],
)
def test_a_damaged_comparison_is_refused_with_what_is_wrong(
    path: tuple[str | int, ...], value: object, said: str
) -> None:
    """One part that is missing, of the wrong kind or not finite is named."""
    record: Any = copy.deepcopy(SMALL.to_record())
    assert same(comparison_from_record(record), SMALL)
    place = record
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(DataError, match=said):
        comparison_from_record(record)
