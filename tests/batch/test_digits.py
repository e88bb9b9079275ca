"""Matrices printed by digit tables are the matrices, rounded exactly."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from attncli.batches.writers.digits import json_matrices, json_stacks
from attncli.results.layout import FULL

weights = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 3), st.integers(1, 2), st.integers(1, 2), *[st.integers(1, 5)] * 2),
    elements=st.floats(0, 1, width=32),
)
numbers = hnp.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 5)),
    elements=st.one_of(
        st.floats(-12, 12, width=32), st.floats(allow_nan=False, allow_infinity=False, width=32)
    ),
)


@given(stack=weights, digits=st.integers(1, 9))
def test_weights_are_rounded_half_to_even(stack: np.ndarray, digits: int) -> None:
    """Every printed weight is `round` of the exact float32 value, in fixed columns."""
    for matrix, text in zip(stack, json_matrices(stack, digits, signed=False), strict=True):
        rounded = [[[[round(v, digits) for v in r] for r in m] for m in h] for h in matrix.tolist()]
        assert json.loads(text) == rounded
        assert b"-" not in text
        assert b" " not in text


@given(stack=numbers, digits=st.integers(1, 9))
def test_signed_numbers_are_rounded_half_to_even(stack: np.ndarray, digits: int) -> None:
    """Every printed number is `"% .6f"` of the float32 value, whatever its size; no minus zero."""
    for matrix, text in zip(stack, json_matrices(stack, digits), strict=True):
        expected = [[f"% .{digits}f" % v for v in row] for row in matrix.tolist()]
        minus, plus = f"% .{digits}f" % -0.0, f"% .{digits}f" % 0.0
        rows = ",".join(f"[{','.join(plus if t == minus else t for t in r)}]" for r in expected)
        assert text.decode() == f"[{rows}]"


@pytest.mark.parametrize("digits", [1, 3, 6])
@pytest.mark.parametrize("large", [10.0, 1e9, -1e30, np.inf, np.nan])
def test_a_large_number_changes_none_of_its_neighbors(large: float, digits: int) -> None:
    """Matrices printed beside one that the tables do not have keep their own digits."""
    others = np.array([9.5, -9.5, 9.9, 9.25, -9.0, 0.5], dtype=np.float32).reshape(6, 1, 1)
    alone = json_matrices(others, digits)
    stack = np.concatenate([others, np.full((1, 1, 1), large, dtype=np.float32)])
    assert json_matrices(stack, digits)[:6] == alone


def _in_lists(stack: np.ndarray, digits: int) -> str:
    """Each matrix printed alone, in the lists of the outer axes."""
    if stack.ndim > 2:
        return f"[{','.join(_in_lists(part, digits) for part in stack)}]"
    return json_matrices(stack[None], digits)[0].decode()


@given(
    stack=hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=3, max_dims=6, min_side=1, max_side=4),
        elements=st.one_of(st.floats(-9, 9, width=32), st.sampled_from([12.5, np.inf, -0.0])),
    ),
    digits=st.integers(1, 7),
)
def test_matrices_of_layers_and_heads_are_those_of_each_alone(
    stack: np.ndarray, digits: int
) -> None:
    """However many axes there are, and whichever has more than one entry."""
    texts = json_matrices(stack, digits)
    assert [text.decode() for text in texts] == [_in_lists(part, digits) for part in stack]


def test_heads_that_fill_a_lot_are_those_of_each_alone() -> None:
    """More numbers than are printed together, in one matrix, one sentence, or several."""
    rng = np.random.default_rng(1)
    for shape in ((1, 3, 300, 300), (2, 5, 130, 130), (40, 1, 9, 20, 20)):
        stack = rng.normal(size=shape).astype(np.float32)
        texts = json_matrices(stack, 6)
        assert [text.decode() for text in texts] == [_in_lists(part, 6) for part in stack]


@given(stack=numbers)
def test_full_precision_reads_back(stack: np.ndarray) -> None:
    """With full precision the float32 values come back bit for bit."""
    for matrix, text in zip(stack, json_matrices(stack, FULL), strict=True):
        assert np.array_equal(np.array(json.loads(text), dtype=np.float32), matrix)


@pytest.mark.parametrize("digits", [1, 2, 3, 4, 5, 6])
def test_edges_of_the_tables(digits: int) -> None:
    """0, 1, the halves between two printed numbers, and the largest number of one digit."""
    values = [0, 1, 0.5, 0.25, 0.125, 0.0625, 1 - 2**-24, 9.5, -9.5, 9.999999, -9.999999, 10, -0.0]
    stack = np.array([[values]], dtype=np.float32)
    texts = json_matrices(np.concatenate([stack, stack / 3]), digits)
    for matrix, text in zip((stack[0], stack[0] / 3), texts, strict=True):
        assert json.loads(text) == [[round(v, digits) for v in matrix[0].tolist()]]


def test_large_stacks_are_filled_in_blocks() -> None:
    """A stack larger than one block of work is printed like its parts."""
    rng = np.random.default_rng(0)
    stack = rng.normal(size=(40, 30, 50)).astype(np.float32)
    assert json_matrices(stack, 6) == [json_matrices(m[None], 6)[0] for m in stack]


@pytest.mark.parametrize("digits", [1, 4, 6])
@pytest.mark.parametrize("large", [0.5, 12.0])
def test_a_large_matrix_is_printed_as_its_rows(
    monkeypatch: pytest.MonkeyPatch, digits: int, large: float
) -> None:
    """Some rows at a time, whether the tables have all its numbers or not."""
    matrix = np.random.default_rng(0).normal(size=(41, 7)).astype(np.float32)
    matrix[17, 3] = large
    rows = [json_matrices(row[None, None], digits)[0][2:-2] for row in matrix]
    monkeypatch.setattr("attncli.batches.writers.digits._LOT", 64)
    (text,) = json_matrices(matrix[None], digits)
    assert text == b"[[" + b"],[".join(rows) + b"]]"


@given(stacks=st.lists(weights, min_size=1, max_size=5), digits=st.integers(1, 7))
def test_stacks_printed_together_are_those_printed_alone(
    stacks: list[np.ndarray], digits: int
) -> None:
    """Several stacks, of other sizes and layouts, change nothing of one another's text."""
    outer = stacks[0].shape[1:3]
    alike = [stack for stack in stacks if stack.shape[1:3] == outer]
    before, texts, after = json_stacks(alike, digits)
    alone = [text for stack in alike for text in json_matrices(stack, digits)]
    assert [before + text + after for text in texts] == alone


def around(*values: float) -> list[float]:
    """Each value and its two neighbors in float32, with both signs."""
    near = [np.float32(v) for v in values]
    near += [np.nextafter(v, np.float32(end)) for v in near for end in (0, np.inf)]
    return [float(v) for v in near] + [-float(v) for v in near]


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("digits", [FULL, *range(1, 10)])
def test_numbers_at_the_edges_of_integers_are_printed_right(digits: int, signed: bool) -> None:
    """Numbers whose digits leave 32, 53 or 64 bits, NaN and infinity are what they are, and null.

    A float outside an integer's range becomes another number on every processor, and the last
    numbers of an array another one than the first: each stands in every place of a long row.
    """
    scale = 10.0**digits
    edges = [v for p in (31, 32, 33, 53, 63, 64) for v in around(2.0**p / scale, 2.0**p + 5)]
    edges += [4294.9675, 8589.935, 5e9, 3.4e38, np.inf, -np.inf, np.nan]
    for edge in edges:
        row = np.full((1, 1, 19), 0.25, dtype=np.float32)
        for at in (slice(None), slice(0, 1), slice(18, 19)):
            stack = row.copy()
            stack[..., at] = edge
            found = json.loads(json_matrices(stack, digits, signed=signed)[0])[0]
            for value, printed in zip(stack[0, 0].tolist(), found, strict=True):
                if not np.isfinite(value):
                    assert printed is None
                elif digits == FULL:
                    assert np.float32(printed) == np.float32(value)
                else:
                    assert printed == float(f"{value:.{digits}f}")


def test_a_negative_number_among_weights_keeps_its_sign() -> None:
    """What is printed as a weight and is none comes out as it is, never as another number."""
    stack = np.array([[[-0.25, 0.25], [0.5, 12.0]]], dtype=np.float32)
    texts = json_matrices(stack, 4, signed=False)
    assert json.loads(texts[0]) == [[-0.25, 0.25], [0.5, 12.0]]
