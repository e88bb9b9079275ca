"""Laws of matrices as people write them: what is read, and what nobody could read for sure."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.embeddings.typed import Origin, nested_matrix, typed_matrix
from attncli.errors import LimitError, UsageError

ORIGIN = Origin("w_q")
FLOATS = st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: float(np.float32(x)))


@st.composite
def heads_of_rows(draw):
    """Numbers of (n_heads, n_rows, n_columns)."""
    shape = tuple(draw(st.integers(1, 4)) for _ in range(3))
    count = int(np.prod(shape))
    return np.array(draw(st.lists(FLOATS, min_size=count, max_size=count))).reshape(shape)


@given(
    heads_of_rows(),
    st.sampled_from([",", " ", ", ", " ,", "\t"]),
    st.sampled_from([";", "\n", " ; ", ";\n", "\r\n"]),
)
def test_what_is_written_is_read(matrix, comma, semicolon):
    """Whatever parts numbers and rows, the same numbers come back."""
    text = "|".join(
        semicolon.join(comma.join(map(repr, row)) for row in rows) for rows in matrix.tolist()
    )
    assert np.array_equal(typed_matrix(text, ORIGIN), matrix)
    assert np.array_equal(nested_matrix(matrix.tolist(), ORIGIN), matrix)
    assert np.array_equal(typed_matrix(str(matrix.tolist()), ORIGIN), matrix)


@given(heads_of_rows())
def test_decimal_commas_between_spaces_are_read(matrix):
    """Numbers of one or two digits after the comma are no thousands."""
    rounded = np.round(matrix / 1e4, 2)
    rounded[..., 0] += 0.25 - rounded[..., 0] % 1  # a comma in each row
    if rounded.shape[2] == 1:
        return  # a column alone: its commas part numbers, as everywhere
    text = "|".join(
        ";".join(" ".join(f"{x:.2f}" for x in row) for row in rows) for rows in rounded.tolist()
    ).replace(".", ",")
    assert np.allclose(typed_matrix(text, ORIGIN), rounded, atol=0.0051)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0,5 1; 2 3", [[0.5, 1], [2, 3]]),
        ("0,5 1,5", [[0.5, 1.5]]),
        ("0,1; 1 0", [[0, 1], [1, 0]]),  # as decimals the rows would be of one and of two numbers
        ("1,0; 0, 1", [[1, 0], [0, 1]]),
        ("1, 2;3, 4;", [[1, 2], [3, 4]]),
        ("−1,2;3,4", [[-1, 2], [3, 4]]),
        ("1e2 .5;+1 2.", [[100, 0.5], [1, 2]]),
        ("[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
    ],
)
def test_commas_mean_what_fits(text, expected):
    """One reading is a matrix, the other is none."""
    assert typed_matrix(text, ORIGIN)[0].tolist() == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        *(("", "no numbers"), (";;", "no numbers"), ("1,0|", "head 2"), ("|1,0", "head 1")),
        *(("1,nan", 'row 1: found "nan"'), ("1;inf", 'row 2: found "inf"'), ("1,,2", "missing")),
        *(("1,2;3", "row 2 has 1 number, row 1 has 2"), ("1,x;2,3", 'row 1: found "x"')),
        *(("1,500 2,250", "decimal or parts"), ("1,0, 0,5", "decimal or parts")),
        *(("1e400,1", '"1e400"'), ("1" * 5000, "5000 characters"), ("1_0,2", '"1_0"')),
        *(("0x1,2", '"0x1"'), ("1;\x1b[31m", "\\x1b"), ("[[1,2],[3]]", "row 2 has 1")),
        *(("[[1,2],[3,null]]", "row 2"), ("[" * 9999, "cannot be read"), ("[]", "no rows")),
        *(("[[true]]", "row 1"), ("[[1" + "0" * 4000 + "]]", "too large"), ("[1,2]", "row 1")),
        *(("1,2|1;2", "head 2 is 2 × 1, head 1 is 1 × 2"), ("½,1", '"½"'), ("１,2", '"１"')),
    ],
)
def test_what_is_no_matrix_is_said_with_its_row(text, said):
    """One short line, whatever was written."""
    with pytest.raises(UsageError) as caught:
        typed_matrix(text, ORIGIN)
    assert said in caught.value.message
    assert "\n" not in caught.value.message
    assert "\x1b" not in caught.value.message
    assert len(caught.value.message) < 250
    assert caught.value.place == "w_q"


@pytest.mark.parametrize(
    "text", ["1|" * 256 + "1", "1;" * 65_537, "1 " * 65_537, "[[" + "1," * 65_536 + "1]]"]
)
def test_huge_counts_are_refused_before_numbers_are_read(text):
    """Heads, rows and columns: a limit is named."""
    with pytest.raises(LimitError, match=r"found [0-9,]+ (heads|rows|columns), expected at most"):
        typed_matrix(text, ORIGIN)


@given(st.text("0123456789.,; |-+e#[]\nnaif−", max_size=60))
def test_whatever_is_written_is_a_matrix_or_one_line(text):
    """Nothing else is raised; what is read is finite and rectangular."""
    for lines in (False, True):
        said, matrix = None, None
        try:
            matrix = typed_matrix(text, Origin("W.txt", UsageError, lines=lines))
        except (UsageError, LimitError) as error:
            said = error
        if said is not None:
            assert "\n" not in said.message
            assert said.place.startswith("W.txt")
        else:
            assert matrix.ndim == 3
            assert matrix.size
            assert np.isfinite(matrix).all()
