"""Columns by name or number, in tables of every delimiter, encoding and suffix."""

import io
import itertools
import json
from pathlib import Path

import pytest

from attncli.errors import DataError, UsageError
from attncli.reading.targets import Offset
from attncli.training.columns import Columns
from attncli.training.rows import read_table

HEADER = ("Nr", "Comment ", "GRADE", "Word", "Note")
ROWS = (
    ("1", 'a "good" bank; really, a | b', "Pos", "bank", "1,5"),
    ("2", "the naïve bank 😀", "Neg", "bank", "2,0"),
    ("3", "a bank\nin two lines", "Pos", "bank", ""),
    ("4", "the bank of 3,5; or 4,5", "so-so", "1", "3,5"),
)
NAMED = Columns("comment", "Grade", " word")
NUMBERED = Columns("2", "3", "4")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-32")
EXPECTED = [(text, label, 1 if word == "1" else word) for _, text, label, word, _ in ROWS]


def quoted(cell: str) -> str:
    """A cell in quotes."""
    return '"' + cell.replace('"', '""') + '"'


def table(delimiter: str, *, header: bool = True, end: str = "\r\n", first: str = "") -> str:
    """The rows as a program that quotes every cell writes them."""
    lines = ((HEADER,) if header else ()) + ROWS
    return first + "".join(delimiter.join(map(quoted, cells)) + end for cells in lines)


def rows_in(path: str, content: bytes = b"", columns: Columns = NAMED):
    """What is read of each row, and what is said of the table."""
    said: list[str] = []
    read, bad = read_table(path, io.BytesIO(content), columns=columns, note=said.append)
    bad.expect_none()
    return [(row.text, row.label, row.target) for row in read], said


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("name", ["-", "t.csv", "t.txt", "t"])
def test_columns_delimiters_and_encodings_are_seen_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, encoding: str
) -> None:
    """Whatever parts the cells, however the text is kept and whatever the file is called."""
    monkeypatch.chdir(tmp_path)
    for delimiter, header, first in itertools.product(",;\t|", (True, False), (True, False)):
        text = table(delimiter, header=header, first=f"sep={delimiter}\n" if first else "")
        if delimiter == "\t" and header and name != "t.csv" and not first:
            continue  # TSV, which has no quoting
        content = text.encode(encoding)
        if name != "-":
            Path(name).write_bytes(content)
        found, said = rows_in(name, content, NAMED if header else NUMBERED)
        assert found == EXPECTED, (delimiter, header, first)
        assert any("parted by" in one for one in said) == (name == "t.csv" and delimiter != ",")
        assert any("line 1 is read as a row" in one for one in said) == (not header)


def test_a_tsv_has_its_columns_by_name_and_by_number() -> None:
    """Without quoting."""
    plain = [[cell.replace("\n", " ") for cell in cells] for cells in ROWS]
    lines = "".join("\t".join(cells) + "\n" for cells in plain)
    expected = [(text.replace("\n", " "), *rest) for text, *rest in EXPECTED]
    named = rows_in("-", ("\t".join(HEADER) + "\n" + lines).encode())
    assert (*named,) == (expected, [])


def test_json_and_parquet_have_the_same_columns(tmp_path: Path) -> None:
    """By the names of their keys."""
    records = [dict(zip(HEADER, cells, strict=True)) for cells in ROWS]
    lines = "\n".join(map(json.dumps, records)).encode()
    assert rows_in("-", lines)[0] == rows_in("-", json.dumps(records).encode())[0] == EXPECTED
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pyarrow.Table.from_pylist(records), tmp_path / "t.csv")
    assert rows_in(str(tmp_path / "t.csv")) == (
        EXPECTED,
        [f"{tmp_path / 't.csv'}: the content is Parquet"],
    )


@pytest.mark.parametrize("columns", [Columns("Komment", "Grade"), Columns("Comment", "Graed")])
def test_a_missing_column_is_answered_with_those_there_are(columns: Columns) -> None:
    """And with the one that is nearest, for each kind of table."""
    records = [dict(zip(HEADER, cells, strict=True)) for cells in ROWS]
    for content in (table(";"), "\n".join(map(json.dumps, records))):
        with pytest.raises((UsageError, DataError)) as caught:
            rows_in("-", content.encode(), columns)
        said = str(caught.value)
        assert '"Nr", "Comment ", "GRADE", "Word", "Note"' in said
        meant = '"Comment "' if columns.text == "Komment" else '"GRADE"'
        assert f"did you mean {meant}?" in said


@pytest.mark.parametrize(
    "columns",
    [
        Columns("Comment", "comment "),
        Columns("Comment", "2"),
        Columns("2", "2"),
        Columns("Comment", "Grade", "grade"),
        Columns("Comment", "Grade", "COMMENT"),
    ],
)
def test_two_things_never_come_of_one_column(columns: Columns) -> None:
    """In a table with a header, without one, and in JSON."""
    records = [dict(zip(HEADER, cells, strict=True)) for cells in ROWS]
    for content in (table(","), table(",", header=False), json.dumps(records)):
        if "2" in columns and content.startswith("["):
            continue  # there the number is no name
        if "Comment" in columns and content == table(",", header=False):
            continue
        with pytest.raises(UsageError, match="which is the column of the"):
            rows_in("-", content.encode(), columns)


def test_a_number_takes_one_of_two_columns_of_a_name() -> None:
    """The message says which number, and it works."""
    content = b"id;Note;Note;Text\n1;a;b;the bank\n2;b;a;my bank\n"
    with pytest.raises(DataError, match="occurs twice") as caught:
        rows_in("-", content, Columns("text", "note"))
    assert caught.value.hints == ("label_column=2 takes the first of them",)
    assert [row[1] for row in rows_in("-", content, Columns("text", "2"))[0]] == ["a", "b"]


@pytest.mark.parametrize("number", ["0", "6", "999999"])
def test_a_number_is_one_of_a_column(number: str) -> None:
    """Others are refused."""
    with pytest.raises(UsageError, match=r"from 1 to 5|found no column"):
        rows_in("-", table(";").encode(), Columns("comment", number))


def test_a_number_that_is_a_name_is_one() -> None:
    """Columns may be called 2 and 1; a first row that holds one of the numbers is a row."""
    named = rows_in("-", b"2,1\nthe bank,x\n", Columns("2", "1"))
    assert named[0] == [("the bank", "x", None)]
    rows = rows_in("-", b"1,the bank\n0,my bank\n", Columns("2", "1"))
    assert [row[:2] for row in rows[0]] == [("the bank", "1"), ("my bank", "0")]


def test_columns_that_are_given_go_before_the_usual_ones() -> None:
    """A number of items called weights is no matrix, and start is no target, where others are given."""
    content = b"text,weights,start,word,grade\nthe bank,7,0,bank,x\n"
    found, _ = rows_in("-", content, Columns(None, "grade", "word"))
    assert found == [("the bank", "x", "bank")]
    found, _ = rows_in("-", content.replace(b"weights", b"w"), Columns(None, "grade"))
    assert found == [("the bank", "x", Offset(0))]


def test_a_table_without_labels_is_told_at_once() -> None:
    """In one line, with what names the column."""
    with pytest.raises(DataError, match="expected one with label") as caught:
        rows_in("-", b"text,grade\na,b\nc,d\n", Columns())
    assert caught.value.hints == ("label_column=NAME names the column",)


@pytest.mark.parametrize("header", ["Überschrift;Note", "Text;Note"])
def test_another_encoding_is_told_with_the_line_that_converts_it(header: str) -> None:
    """In the header and in rows; Windows-1252 is not guessed."""
    content = f"{header}\nein schöner Tag;gut\nein öder Tag;schlecht\n".encode("cp1252")
    with pytest.raises(DataError, match="expected UTF-8") as caught:
        rows_in("-", content, Columns("Text", "Note"))
    assert caught.value.hints[0].startswith("iconv -f WINDOWS-1252 -t UTF-8 ")


def test_commas_in_sentences_part_no_cells() -> None:
    """The delimiter is what gives the first lines as many cells, not what stands there most often."""
    content = "gut, schön, nett, toll;1\nlahm, öde;0\nmal so, mal so, mal so;1\n"
    found, _ = rows_in("-", content.encode(), Columns("1", "2"))
    assert [row[1] for row in found] == ["1", "0", "1"]
