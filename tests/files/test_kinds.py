"""Laws of what a file is: its content says it, and a name only where it leaves a doubt."""

import gzip
import zipfile

import pytest
from files.given_rows import rows

from attncli.errors import DataError
from attncli.files.rows.inputs import sentences
from attncli.files.rows.reader import Shape
from attncli.files.source import source_of


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ('text,label\n"money\nbank",a\nriver,b\n', ["money\nbank", "river"]),
        ("text,label,\nmoney,a,\n", ["money"]),
        ("sep=;\ntext;label\nmoney;a\n", ["money"]),
        ('[{"text":"money"},"river",3]\n', ["money", "river", "data"]),
        ('[3,{"text":"money"}]\n', ["data", "money"]),
        ("text,\nmoney, bank\n", ["text,", "money, bank"]),  # prose
        ("[3, 4] of them\nmoney\n", ["[3, 4] of them", "money"]),
    ],
)
def test_standard_input_is_read_as_the_file_would_be(content, texts):
    """A table tells what it is without a name; prose is none."""
    assert [text for _, text in rows(content.encode())] == texts


ODD_HEADERS = (
    *("id,text,1st label", "text,p-value,n°", "1,text,3", "id;text;Größe in €", "id|text|x/y"),
    *("text,#", "ID, Text, Label", '"id","text","Label, 2nd"', "id\ttext\t1st", "€,text", "0,text"),
    *(
        "Unnamed: 0,text,label",
        "sentence,text,what's it",
        "text,Is it good?",
        "id , text",
        "text,a@b",
    ),
)


@pytest.mark.parametrize("header", ODD_HEADERS)
def test_headers_of_any_names_are_headers_without_a_name_too(header):
    """The rows of a table are those of its file, when they fit its header, however it is called."""
    delimiter = next(char for char in "\t;|," if char in header)
    cells = header.replace(", 2nd", "").split(delimiter)
    body = "\n".join(delimiter.join(["money bank"] * len(cells)) for _ in range(2))
    raw = f"{header}\n{body}\n".encode()
    path = "t.tsv" if delimiter == "\t" else "t.csv"
    expected = rows(raw, path)
    assert expected == [(2, "money bank"), (3, "money bank")]
    assert [rows(raw, other) for other in ("-", "t", "t.txt")] == [expected] * 3


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("Satz;Etikett\nGeld;a\nBank;b\n", True),
        ("text\nmoney\nriver\n", True),
        ("a\tb\nc\td\ne\tf\n", True),
        ("id,text\n1,money\n2,river\n", False),
        ("money, bank\nriver, bank\nmoney, river\n", False),
        ("money bank\nriver bank\n", False),
        ("money;\nriver;\n", False),
    ],
)
def test_rows_that_are_read_as_prose_are_told(content, said):
    """One line says what was assumed; with a column, a format or a name there is no doubt."""
    notes = []
    rows(content.encode(), shape=Shape(note=notes.append))
    assert len(notes) == said
    rows(content.encode(), shape=Shape("text", note=notes.append))
    assert len(notes) == said


@pytest.mark.parametrize("path", ["-", "t.txt", "t.json", "t.csv", "t.jsonl", "t"])
@pytest.mark.parametrize(
    "content",
    [
        b'[\n {"text": "money"}\n]\n',
        b'[{"text": "money"}]',
        b'{"text": "money"}\n',
        b'{\n  "label": 1,\n  "text": "money"\n}\n',
        b'\n\n  [{"label": 1,\n "text": "money"}]',
    ],
)
def test_json_is_never_prose(path, content):
    """Whatever the file is called, its objects are rows and not sentences."""
    assert [text for _, text in rows(content, path)] == ["money"]


@pytest.mark.parametrize(
    "line",
    [b"[1] Smith says", b"{curly} money", b"[money bank]", b'["It is over," she said]', b"["],
)
def test_prose_in_brackets_is_prose(line):
    """A sentence may begin with a bracket, where no name says JSON."""
    assert rows(line + b"\nmoney\n", "t.txt") == [(1, line.decode()), (2, "money")]
    with pytest.raises(DataError):
        rows(line + b"\nmoney\n", "t.json")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"%PDF-1.7 \n", "PDF"),
        (b"7z\xbc\xaf\x27\x1c\0", "7z"),
        (b"Rar!\x1a\x07\0", "RAR"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Office"),
        (b"{\\rtf1 money", "RTF"),
        (b"ARROW1\0\0", "Arrow"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"<?xml version='1.0'?>", "XML"),
        (b"\x93NUMPY\x01\0", "npy"),
        (b"a" * 257 + b"ustar\x0000", "tar archive"),
    ],
)
def test_what_holds_no_sentences_is_named(content, what):
    """With what to do about it, also inside a packed file."""
    for raw in (content, gzip.compress(content)):
        with pytest.raises(DataError, match=what) as caught:
            rows(raw, "file.txt")
        assert caught.value.hints


@pytest.mark.parametrize(
    ("member", "what"),
    [("xl/workbook.xml", "Excel"), ("word/document.xml", "Word"), ("ppt/x.xml", "PowerPoint")],
)
def test_workbooks_and_documents_are_named(tmp_path, member, what):
    """A zip archive that is an Office file is not searched for sentences."""
    with zipfile.ZipFile(tmp_path / "a file.xlsx", "w") as archive:
        archive.writestr("[Content_Types].xml", "")
        archive.writestr(member, "")
    with pytest.raises(DataError, match=what) as caught:
        list(sentences(source_of(str(tmp_path / "a file.xlsx"))))
    assert f'"{tmp_path}/a file.xlsx"' in caught.value.hints[0]


def test_prose_is_not_taken_for_a_table():
    """A first line that happens to hold the word text and a comma."""
    for line in ("text, figures and tables", "My text, read aloud", "text", "a text; a word"):
        assert rows(f"{line}\nmoney, bank\n".encode())[0] == (1, line)
    assert rows(b"id,text\n1,money\n") == [(2, "money")]
    assert rows(b"id\ttext\n1\tmoney\n", "t.txt") == [(2, "money")]
