"""Files of examples: what is read, and what is said of a file that cannot be used."""

import contextlib
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.errors import AttnError, DataError, EmptyError, LimitError, UsageError
from attncli.reading.targets import Offset
from attncli.training.labels import remarks
from attncli.training.rows import read_table


def rows(source: str, text: str = "", split: str | None = None):
    """The rows of a text where the source is "-", else of a file, which all are to be used."""
    read, bad = read_table(source, io.BytesIO(text.encode()), split=split)
    bad.expect_none()
    return read


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
    (row,) = rows("-", text)
    assert (row.text, row.label, row.target) == ('the "bank', "money", 1)
    assert row.place in ("<stdin>:1", "<stdin>:2")


def test_a_target_is_a_number_or_a_word():
    """Digits are a token number, anything else is the word."""
    found = rows("-", "text\tlabel\ttarget\na b\tx\t1\na b\tx\tb\na b\tx\t\n")
    assert [row.target for row in found] == [1, "b", None]


@pytest.mark.parametrize("value", ["1", "1.0", "1,0", " 1 "])
def test_a_whole_number_may_have_a_decimal_part(value):
    """Tables with gaps write 1.0, tables of half of Europe 1,0."""
    (row,) = rows("-", f"text\tlabel\ttarget\na b\tx\t{value}\n")
    assert row.target == 1
    (row,) = rows("-", '{"text": "a b", "label": "x", "target": 1.0, "start": NaN}')
    assert row.target == 1


def test_a_target_may_be_given_by_a_character():
    """The column start names a character of the target, counted from 0."""
    (row,) = rows("-", "text\tlabel\ttarget\tstart\na bank\tx\tbank\t2\n")
    assert row.target == Offset(2)
    with pytest.raises(DataError, match="no number"):
        rows("-", "text\tlabel\tstart\na b\tx\tb\n")


def test_given_weights_are_a_matrix_whose_rows_sum_to_one():
    """A row of null is not given; rows are scaled to sum to exactly 1."""
    (row,) = rows("-", '{"text": "a b", "weights": [[0.7, 0.299], [null, null]]}')
    assert row.weights[0].sum() == 1.0
    assert np.isnan(row.weights[1]).all()


@pytest.mark.parametrize("given", ['[["0,7","0,3"],[null,null]]', "[[0,7;0,3];[null;null]]"])
def test_weights_may_have_decimal_commas(given):
    """Where they cannot be anything else: in texts, or where ; stands between the numbers."""
    (row,) = rows("-", f"text\tweights\na b\t{given}\n")
    assert row.weights[0].tolist() == [0.7, 0.3]
    with pytest.raises(DataError, match="shape"):
        rows("-", "text\tweights\na b\t[[0,7,0,3],[1,0,0,0]]\n")


BAD = {
    "no header": ("one\ttwo\nx\ty\n", "text and label"),
    "cells missing": ("text\tlabel\nonly\n", "found 1 cell, expected 2"),
    "cells too many": ("text\tlabel\na\tb\tc\n", "found 3 cells, expected 2"),
    "column twice": ("text\ttext\na\tb\n", "occurs twice"),
    "empty text": ("text\tlabel\n \tb\n", "text is empty"),
    "not json": ('{"text": \n', "not JSON"),
    "no object": ('{"text": "a", "label": "b"}\n[1]\n', "found a list, expected an object"),
    "text a number": ('{"text": 5}\n', "found a number, expected a text"),
    "label a list": ('{"text": "a", "label": [1]}\n', "no text or number"),
    "target a list": ('{"text": "a", "label": 1, "target": [1]}\n', "no token number"),
    "weights not square": ('{"text": "a b", "weights": [[1, 0]]}\n', "shape"),
    "weights do not sum": ('{"text": "a", "weights": [[0.5]]}\n', "sums to 0.5"),
    "weights negative": ('{"text": "a b", "weights": [[1.5, -0.5], [0, 1]]}\n', "sums to"),
    "weights ragged": ('{"text": "a b", "weights": [[1, 0], [1]]}\n', "no JSON matrix"),
    "quote open": ('text,label\n"a,b\n', "never closes"),
    "deep json": ('{"text": ' + "[" * 100_000, "not JSON"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_rows_are_named_with_their_line(name):
    """Each fault is a DataError that says the line and what was expected."""
    text, message = BAD[name]
    with pytest.raises(DataError, match=message) as caught:
        rows("-", text)
    assert caught.value.place.startswith("<stdin>:")


@given(st.binary(max_size=200))
def test_any_bytes_give_rows_or_an_attn_error(content):
    """No file, however damaged, ends in another error."""
    for begin in (b"", b"text,label\n", b"text\tlabel\ttarget\tweights\n", b'{"text": "a",'):
        with contextlib.suppress(AttnError):
            read_table("-", io.BytesIO(begin + content))


def labels(*cells):
    """The labels of a table with these cells, and what is said of the bad ones."""
    text = "".join(json.dumps({"text": "a", "label": cell}) + "\n" for cell in cells)
    good, bad = read_table("-", io.BytesIO(text.encode()))
    return [row.label for row in good], [error.message for error in bad.errors]


def test_a_label_is_its_text_without_blanks_in_nfc():
    """Blanks at the ends and the way accents are put together make no class of their own."""
    assert labels(" money ", "money\r", "\tmoney\u00a0", "cafe\u0301", "caf\u00e9") == (
        ["money"] * 3 + ["caf\u00e9"] * 2,
        [],
    )


def test_numbers_and_truth_values_are_labels_as_they_are_written():
    """1 and 1.0 stay apart; true is true in every kind of file."""
    assert labels(1, 1.0, "1", True, "true", -2)[0] == ["1", "1.0", "1", "true", "true", "-2"]


@pytest.mark.parametrize(
    "cell", [float("nan"), float("inf"), "NaN", "nan", "null", "#N/A", [1], {}]
)
def test_what_is_no_label_is_refused(cell):
    """NaN, null and the like are no class."""
    assert labels(cell, "x")[0] == ["x"]


def test_null_and_nothing_are_no_label():
    """They are None, and an error only where others have a label."""
    assert labels(None, "", "  ")[0] == [None, None, None]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("Money", "money"), "the same but for case"),
        (("1", "1.0", "2"), "the same number"),
        (("0,5", "0.5"), "the same number"),
        (("mo\u00adney", "money"), "the same to the eye"),
        (("a  b", "a b"), "the same to the eye"),
        (("it's", "it\u2019s"), "the same to the eye"),
        (("none", "money"), "a class like the others"),
        (("money", "river", "1", "2", "no"), ""),
    ],
)
def test_labels_that_are_taken_for_one_another_are_told(given, said):
    """They stay apart, and a sentence says so."""
    found = remarks(given)
    assert len(found) == bool(said)
    assert all(said in one for one in found)


def test_all_bad_rows_are_listed_in_one_message():
    """The first twenty with their lines, then how many more; a file of good rows is read."""
    content = "text\tlabel\n" + "a\tx\nb\tc\td\na\tx\nb\n" * 15
    good, bad = read_table("-", io.BytesIO(content.encode()))
    assert (len(good), len(bad.errors), bad.total) == (30, 30, 60)
    with pytest.raises(DataError, match=r"^<stdin>: 30 of 60 rows cannot be used: ") as caught:
        rows("-", content)
    message = caught.value.message
    assert message.count("line ") == 20
    assert "line 3: found 3 cells, expected 2 as in the header; line 5: found 1 cell" in message
    assert message.endswith("; and 10 more")
    assert caught.value.hints == ("skip_bad=True goes on with the other 30",)


@pytest.mark.parametrize("indent", [None, 1])
def test_rows_of_one_line_are_told_by_their_number(indent):
    """A JSON array in one line names the rows that are bad, one over many lines their lines."""
    labels = ["x", None, "y", float("nan"), "z"]
    content = json.dumps([{"text": "a b", "label": label} for label in labels], indent=indent)
    with pytest.raises(DataError) as caught:
        rows("-", content)
    assert caught.value.place == ("<stdin>:1, row 4" if indent is None else "<stdin>:14")
    _, bad = read_table("-", io.BytesIO(content.replace("NaN", '"nan"').encode()))
    assert bad.listed().startswith("row 4: " if indent is None else "line 14: ")


def test_split_chooses_rows(tmp_path):
    """`split` keeps the rows of one part; an unknown part or no such column is a usage error."""
    path = tmp_path / "data.tsv"
    path.write_text("text\tlabel\tsplit\na\tx\ttrain\nb\ty\ttest\n")
    assert [row.text for row in rows(str(path), split="test")] == ["b"]
    assert len(rows(str(path))) == 2
    with pytest.raises(UsageError, match='"test", "train"'):
        rows(str(path), split="dev")
    path.write_text("text\tlabel\na\tx\n")
    with pytest.raises(UsageError, match="no column split"):
        rows(str(path), split="dev")


def test_a_file_without_rows_is_empty(tmp_path):
    """A header alone, or nothing, is an EmptyError."""
    path = tmp_path / "data.tsv"
    for content in ("", "text\tlabel\n", "\n\n"):
        path.write_text(content)
        with pytest.raises(EmptyError):
            rows(str(path))


def test_rows_without_end_come_to_one(monkeypatch):
    """Rows are kept, so that they are refused beyond a limit: long ones, many, and broken ones."""
    monkeypatch.setattr("attncli.training.rows._MOST_HELD", 1 << 20)
    for line in (b"money bank\ta\n", b"money " * 4000 + b"\ta\n", b"\xff\n"):
        stream = io.BufferedReader(Endless(b"text\tlabel\n", line))
        with pytest.raises(LimitError, match="more than 1 MiB of rows"):
            read_table("-", stream)


class Endless(io.RawIOBase):
    """A head, then a line for ever."""

    def __init__(self, head, line):
        self.kept, self.line = head, line

    def readable(self):
        return True

    def readinto(self, buffer):
        if len(self.kept) < len(buffer):
            self.kept += self.line * (len(buffer) // len(self.line) + 1)
        buffer[:] = self.kept[: len(buffer)]
        self.kept = self.kept[len(buffer) :]
        return len(buffer)
