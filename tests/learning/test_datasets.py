"""Files of examples: what is read, and what is said of a file that cannot be used."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.errors import AttnError, DataError, EmptyError, UsageError
from attncli.learning.datasets import Offset, read_rows, rows_of


def rows(text: str, kind=None):
    """The rows of a text."""
    return list(rows_of(io.BytesIO(text.encode()), "data", kind))


@pytest.mark.parametrize(
    "text",
    [
        'text\tlabel\ttarget\nthe "bank\tmoney\t1\n',
        'text,label,target\n"the ""bank",money,1\n',
        '{"text": "the \\"bank", "label": "money", "target": 1}\n',
    ],
)
def test_every_kind_of_file_gives_the_same_rows(text):
    """TSV, CSV and JSONL are told by their first line and hold the same row."""
    (row,) = rows(text)
    assert (row.text, row.label, row.target) == ('the "bank', "money", 1)
    assert row.place in ("data:1", "data:2")


def test_a_target_is_a_number_or_a_word():
    """Digits are a token number, anything else is the word."""
    found = rows("text\tlabel\ttarget\na b\tx\t1\na b\tx\tb\na b\tx\t\n")
    assert [row.target for row in found] == [1, "b", None]


def test_a_target_may_be_given_by_a_character():
    """The column start names a character of the target, counted from 0."""
    (row,) = rows("text\tlabel\ttarget\tstart\na bank\tx\tbank\t2\n")
    assert row.target == Offset(2)
    with pytest.raises(DataError, match="no number"):
        rows("text\tlabel\tstart\na b\tx\tb\n")


def test_given_weights_are_a_matrix_whose_rows_sum_to_one():
    """A row of null is not given; rows are scaled to sum to exactly 1."""
    (row,) = rows('{"text": "a b", "weights": [[0.7, 0.299], [null, null]]}')
    assert row.weights[0].sum() == 1.0
    assert np.isnan(row.weights[1]).all()


BAD = {
    "no header": ("one\ttwo\nx\ty\n", "text and label"),
    "cells missing": ("text\tlabel\nonly\n", "found 1 cells, expected 2"),
    "cells too many": ("text\tlabel\na\tb\tc\n", "found 3 cells, expected 2"),
    "column twice": ("text\ttext\na\tb\n", "occurs twice"),
    "empty text": ("text\tlabel\n \tb\n", "text is empty"),
    "not json": ('{"text": \n', "not JSON"),
    "no object": ('{"text": "a", "label": "b"}\n[1]\n', "found no object"),
    "text a number": ('{"text": 5}\n', "found no text"),
    "label a list": ('{"text": "a", "label": [1]}\n', "no text or number"),
    "target a list": ('{"text": "a", "label": 1, "target": [1]}\n', "no token number"),
    "weights not square": ('{"text": "a b", "weights": [[1, 0]]}\n', "shape"),
    "weights do not sum": ('{"text": "a", "weights": [[0.5]]}\n', "sums to 0.5"),
    "weights negative": ('{"text": "a b", "weights": [[1.5, -0.5], [0, 1]]}\n', "sums to"),
    "weights ragged": ('{"text": "a b", "weights": [[1, 0], [1]]}\n', "no JSON matrix"),
    "quote open": ('text,label\n"a,b\n', "not CSV"),
    "deep json": ('{"text": ' + "[" * 100_000, "not JSON"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_rows_are_named_with_their_line(name):
    """Each fault is a DataError that says the line and what was expected."""
    text, message = BAD[name]
    with pytest.raises(DataError, match=message) as caught:
        rows(text)
    assert caught.value.place.startswith("data:")


@given(st.binary(max_size=200))
def test_any_bytes_give_rows_or_an_attn_error(content):
    """No file, however damaged, ends in another error."""
    for kind in (None, "tsv", "csv", "jsonl"):
        try:
            list(rows_of(io.BytesIO(b"text,label\n" + content), "data", kind))
            list(rows_of(io.BytesIO(content), "data", kind))
        except AttnError:
            pass


def test_split_chooses_rows(tmp_path):
    """`split` keeps the rows of one part; an unknown part or no such column is a usage error."""
    path = tmp_path / "data.tsv"
    path.write_text("text\tlabel\tsplit\na\tx\ttrain\nb\ty\ttest\n")
    assert [row.text for row in read_rows(str(path), io.BytesIO(), split="test")] == ["b"]
    assert len(read_rows(str(path), io.BytesIO())) == 2
    with pytest.raises(UsageError, match="test, train"):
        read_rows(str(path), io.BytesIO(), split="dev")
    path.write_text("text\tlabel\na\tx\n")
    with pytest.raises(UsageError, match="no column split"):
        read_rows(str(path), io.BytesIO(), split="dev")


def test_a_file_without_rows_is_empty(tmp_path):
    """A header alone, or nothing, is an EmptyError."""
    path = tmp_path / "data.tsv"
    for content in ("", "text\tlabel\n", "\n\n"):
        path.write_text(content)
        with pytest.raises(EmptyError):
            read_rows(str(path), io.BytesIO())
