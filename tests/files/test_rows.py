"""One reader: the same file gives the same rows to every command, whatever it is kept in."""

import bz2
import contextlib
import csv
import gzip
import io
import json
import lzma
import zipfile
from pathlib import Path
from unittest import mock

import pytest
from files.given_rows import rows, source
from hypothesis import given
from hypothesis import strategies as st

from attncli.batches.plan import Plan
from attncli.errors import AttnError, DataError, LimitError, UsageError
from attncli.files.rows.inputs import sentences
from attncli.files.rows.reader import Shape, rows_of
from attncli.files.source import source_of
from attncli.training.rows import read_table


def seen_by_batch(path: Path):
    """Line and text of each record of `attn batch`."""
    plan = Plan([source_of(str(path))], Shape(column="text", required=True), size=3)
    found = []
    for chunk, _ in plan.chunks():
        for i in range(len(chunk)):
            try:
                found.append((chunk.line(i), chunk.text(i)))
            except AttnError as error:
                found.append((chunk.line(i), error.name))
    return found


def seen_by_explain(path: Path):
    """Line and text of each sentence of `attn explain --file`."""
    found = sentences(source_of(str(path)))
    return [(s.line, s.error.name if s.error else s.text) for s in found]


def line_in(place: str) -> int:
    """The line of a place; rows of a JSON array in one line are numbered behind it."""
    return int(place.rpartition(":")[2].partition(",")[0])


def seen_by_train(path: Path):
    """Line and text of each row of `attn train` and `attn evaluate`; empty texts are bad rows."""
    good, bad = read_table(str(path), io.BytesIO())
    found = [(line_in(row.place), row.text) for row in good]
    found += [
        (line_in(error.place), "" if "text is empty" in error.message else "data")
        for error in bad.errors
    ]
    return sorted(found)


# What tables are made of: quotes, every kind of blank and line end, marks, and words.
CELLS = st.text(
    st.sampled_from(list("ab,;|\"'# \r\n\x0b\x0c\x85\u2028\u2029\ufeff中é🏦")), max_size=8
)


PLAIN = st.text(st.sampled_from(list("ab,;|\"'# \x0b\x0c\x85\u2028\u2029中é🏦")), max_size=8)


ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-32")


PACKINGS = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


def blank(text: str) -> str:
    """An empty text is an error of its own in training, and a sentence without words elsewhere."""
    return text if text.strip() else ""


def agree(path: Path, expected: list[str]) -> None:
    """Every command sees these texts, on the same lines."""
    batch = seen_by_batch(path)
    assert [text for _, text in batch] == expected
    assert seen_by_explain(path) == batch
    assert seen_by_train(path) == sorted((line, blank(text)) for line, text in batch)


@given(
    st.lists(CELLS, min_size=1, max_size=6), st.sampled_from(ENCODINGS), st.sampled_from(",;|\t")
)
def test_csv_is_read_alike_and_as_the_standard_library_reads_it(
    tmp_path_factory, texts, encoding, delimiter
):
    """What csv.writer wrote comes back: every command sees the cells that csv.reader sees."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(["label", "text"])
    writer.writerows([["x", text] for text in texts])
    path = tmp_path_factory.mktemp("t") / "t.csv"
    path.write_bytes(out.getvalue().encode(encoding))
    oracle = list(csv.reader(io.StringIO(out.getvalue(), newline=""), delimiter=delimiter))[1:]
    assert [row[1] for row in oracle] == texts
    agree(path, texts)


@given(
    st.lists(PLAIN, min_size=1, max_size=6), st.sampled_from(ENCODINGS), st.sampled_from("\n|\r\n")
)
def test_a_tsv_has_no_quoting(tmp_path_factory, texts, encoding, end):
    """A row is a line cut at its tabs; quotes are quotes, and only LF ends a line."""
    end = "\r\n" if end == "\r" else "\n"
    content = "".join(f"{row}{end}" for row in ["label\ttext", *(f"x\t{text}" for text in texts)])
    path = tmp_path_factory.mktemp("t") / "t.tsv"
    path.write_bytes(content.encode(encoding))
    agree(path, texts)


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), min_size=1, max_size=6),
    st.sampled_from(ENCODINGS),
    st.sampled_from(["lines", "array", "pretty", "stream", "texts"]),
    st.sampled_from(["", ".json", ".jsonl"]),
    st.sampled_from(sorted(PACKINGS)),
    st.booleans(),
)
def test_json_is_read_alike_however_it_is_laid_out(
    tmp_path_factory, texts, encoding, layout, suffix, packing, escaped
):
    """Lines, an array, a pretty-printed one, values behind each other, an array of texts."""
    objects = [{"text": text, "label": "x", "n": [1.5, {"a": None}]} for text in texts]
    content = {
        "lines": "".join(json.dumps(one, ensure_ascii=escaped) + "\n" for one in objects),
        "array": json.dumps(objects, ensure_ascii=escaped),
        "pretty": json.dumps(objects, ensure_ascii=escaped, indent=2),
        "stream": "\n".join(json.dumps(one, ensure_ascii=escaped, indent=1) for one in objects),
        "texts": json.dumps(texts, ensure_ascii=escaped, indent=0),
    }[layout]
    if layout == "texts" and suffix == ".jsonl":
        suffix = ".json"
    path = tmp_path_factory.mktemp("t") / f"t{suffix}{packing}"
    path.write_bytes(PACKINGS[packing](content.encode(encoding)))
    agree(path, texts)


@pytest.mark.parametrize("name", ["t.parquet", "t"])
def test_parquet_is_read_by_every_command(tmp_path, name):
    """Its text and its label; a row's line is its number."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    texts = ["money bank", 'a "quoted"\ttext', "two\nlines", "中é🏦\u2028"] * 700
    table = pyarrow.table({"n": [1.5] * 2800, "text": texts, "label": ["x"] * 2800})
    parquet.write_table(table, tmp_path / name, row_group_size=999)
    agree(tmp_path / name, texts)
    assert seen_by_batch(tmp_path / name)[-1][0] == 2800
    parquet.write_table(table.drop_columns("text"), tmp_path / name)
    with pytest.raises(DataError, match="expected a header line with text"):
        seen_by_explain(tmp_path / name)
    content = bytearray((tmp_path / name).read_bytes())
    content[40:60] = bytes(20)
    (tmp_path / name).write_bytes(content[:-9])
    for read in (seen_by_batch, seen_by_explain, seen_by_train):
        with pytest.raises(DataError, match="damaged Parquet"):
            read(tmp_path / name)


def test_a_text_of_many_rows_is_held_once(tmp_path):
    """A few bytes of Parquet that claim a million large texts take the memory of one."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    text = "money " * 16_000
    parquet.write_table(pyarrow.table({"text": [text] * 3000}), tmp_path / "t.parquet")
    assert (tmp_path / "t.parquet").stat().st_size < 1 << 22
    for lot in rows_of(source_of(str(tmp_path / "t.parquet")), Shape()):
        assert len({id(row.text) for row in lot}) <= 2


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".txt"])
def test_a_member_of_a_zip_archive_is_read(tmp_path, suffix):
    """The only member, or the one that is named behind the archive."""
    content = {
        ".csv": "text,label\nmoney bank,x\n",
        ".tsv": "text\tlabel\nmoney bank\tx\n",
        ".jsonl": '{"text": "money bank", "label": "x"}\n',
        ".txt": "money bank\n",
    }[suffix]
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        archive.writestr(f"data{suffix}", content)
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr(f"data{suffix}", content)
        archive.writestr("other.txt", "river\n")
    expected = [(1 if suffix in (".jsonl", ".txt") else 2, "money bank")]
    assert seen_by_explain(tmp_path / "one.zip") == expected
    assert seen_by_explain(tmp_path / f"two.zip:data{suffix}") == expected
    with pytest.raises(UsageError, match="name one"):
        seen_by_explain(tmp_path / "two.zip")
    with pytest.raises(UsageError, match="no file"):
        seen_by_explain(tmp_path / "two.zip:nope")


def test_a_quote_that_never_closes_takes_no_row_with_it():
    """Its line is an error, the rows after it are read; the line numbers are those of the file."""
    assert rows(b'text,id\n"open,1\nmoney bank,2\nriver,3\n', "t.csv") == [
        *((2, "data"), (3, "money bank"), (4, "river")),
    ]
    assert rows(b'id,text\n1,"open\n2,The "bank" closed\n3,"a\nb"\n4,x\n', "t.csv") == [
        *((2, "data"), (3, 'The "bank" closed'), (4, "a\nb"), (6, "x")),
    ]
    # closes by chance, in a row of another width
    assert rows(b'text,id,n\n"open,1,1\nb,2,2\nc said ",3,3\nd,4,4\n', "t.csv") == [
        *((2, "open,1,1\nb,2,2\nc said "), (5, "d")),  # as RFC 4180 has it
    ]
    assert rows(b'text,id,n\n"open,1,1\nb,2,2\nc said "\nd,4,4\n', "t.csv") == [
        *((2, "data"), (3, "b"), (4, "data"), (5, "d")),
    ]
    assert rows(b'id,text\n1,"a"b\n2,c\n', "t.csv") == [(2, "data"), (3, "c")]


@given(
    st.lists(st.sampled_from(["plain", "quoted", "lines", "open"]), min_size=1, max_size=12),
    st.sampled_from([10_000, 40]),
)
def test_rows_around_open_quotes_are_kept(kinds, limit):
    """Of any mixture every row without fault is read; every open quote is one error."""
    forms = {
        "plain": ('{i},say "it" {i}', 'say "it" {i}', 1),
        "quoted": ('{i},"a, ""b"" {i}"', 'a, "b" {i}', 1),
        "lines": ('{i},"a\n\nb{i}"', "a\n\nb{i}", 3),
        "open": ('{i},"never {i}', "data", 1),
    }
    content, expected, line = "id,text\n", [], 2
    for i, kind in enumerate(kinds):
        written, text, height = (
            part.replace("{i}", str(i)) if isinstance(part, str) else part for part in forms[kind]
        )
        content += written + "\n"
        expected.append((line, text))
        line += height
    assert rows(content.encode(), "t.csv", max_line=limit) == expected


def test_many_open_quotes_are_read_in_linear_time():
    """Ten thousand of them, and one before ten thousand lines."""
    assert len(rows(b'id,text\n1,"' + b"\r" * 1_000_000 + b'"\n', "t.csv")) == 1
    content = b"id,text\n" + b'1,"never\n' * 10_000
    assert rows(content, "t.csv") == [(i, "data") for i in range(2, 10_002)]
    content = b'id,text\n1,"never\n' + b"2,money\n" * 10_000
    assert rows(content, "t.csv")[:2] == [(2, "data"), (3, "money")]


@pytest.mark.parametrize("content", [b"a\tb\n", b"text\tlabel\nx\n", b"text\tlabel\na\tb\tc\n"])
def test_rows_of_another_width_are_errors(content):
    """A row has the cells of the header; empty ones behind them do not count."""
    path = "t.tsv"
    if content.startswith(b"a"):
        with pytest.raises(DataError, match="expected a header line with text"):
            rows(content, path)
    else:
        assert rows(content, path) == [(2, "data")]
    assert rows(b"text,label\na,b,,\n", "t.csv") == [(2, "a")]


@pytest.mark.parametrize(
    ("head", "delimiter"),
    [("id;text", ";"), ("id,text", ","), ("id\ttext", "\t"), ("text|id|x", "|"), ("a,b;text", ";")],
)
def test_the_delimiter_of_a_csv_is_seen(head, delimiter):
    """Excel writes what its country has; also with a line that says so."""
    columns = head.split(delimiter)
    row = delimiter.join("money, bank" if c == "text" else "1" for c in columns)
    row = f'"{row}"' if row.count(",") and delimiter == "," else row
    if delimiter == ",":
        row = '1,"money, bank"'
    content = f"{head}\n{row}\n".encode()
    assert rows(content, "t.csv") == [(2, "money, bank")]
    assert rows(f"sep={delimiter}\r\n".encode() + content, "t.csv") == [(3, "money, bank")]


MACS = {
    "s.txt": b"money\n# note\nriver bank\n",
    "t.csv": b'id,text\n1,money\n2,"river, ""bank"""\n3,river bank\n',
    "t.tsv": b'text\tlabel\nmoney "x\ta\nriver bank\tb\n',
    "t.jsonl": b'{"text": "money"}\nnot json\n{"text": "river bank"}\n',
    "t.json": b'[\n{"text": "money"},\n{"text":\n"river bank"}\n]\n',
}


@pytest.mark.parametrize("named", [True, False], ids=["named", "piped"])
@pytest.mark.parametrize("name", MACS)
def test_lines_of_old_macs_are_lines(name, named):
    """A file whose lines end with CR gives the rows of one whose lines end with LF."""
    raw, path = MACS[name], name if named else "-"
    expected = rows(raw, path)
    assert len(expected) > 1
    for ends in ([b"\r"], [b"\r\n"], [b"\r\n", b"\r"], [b"\r", b"\n"], [b"\n", b"\n", b"\r"]):
        lines = raw.split(b"\n")[:-1]
        again = b"".join(line + ends[i % len(ends)] for i, line in enumerate(lines))
        seen = [(line, text.rstrip("\r")) for line, text in rows(again, path)]
        if ends == [b"\r"] or not name.endswith("csv"):
            assert seen == expected
        else:  # rows of a line of a CSV with LF have its number
            assert [text for _, text in seen] == [text for _, text in expected]


def test_a_cell_of_a_csv_keeps_its_carriage_returns():
    """In quotes, and where rows of the table's width would not come of it."""
    content = b'id,text\n1,"money\rbank"\n2,river\rbank\n3,x\r4,y\n'
    assert rows(content, "t.csv") == [
        *((2, "money\rbank"), (3, "river\rbank"), (4, "x"), (4, "y")),
    ]
    with pytest.raises(DataError, match="carriage returns inside the header"):
        rows(b"id,text\r1,money,x\r2\n3,river\n", "a b.csv")


def test_a_quoted_tsv_is_told_what_it_is():
    """Programs that quote their TSV: the name .csv, or --input-format csv, reads the quotes."""
    content = b'"text"\t"label"\n"money\tbank"\tx\n'
    with pytest.raises(DataError) as caught:
        rows(content, "t.tsv")
    assert "no quoting" in caught.value.hints[0]
    assert rows(content, "t.csv") == rows(content, "t.tsv", Shape(kind="csv"))
    assert rows(content, "t.csv") == [(2, "money\tbank")]


def test_names_of_columns_may_have_blanks_and_capitals():
    """As written first, else in any case."""
    assert rows(b" Text ,LABEL\nmoney,x\n", "t.csv") == [(2, "money")]
    assert rows(b"TEXT,text\nriver,money\n", "t.csv") == [(2, "money")]
    assert rows(b'{"Text": "money"}\n') == [(1, "money")]
    with pytest.raises(DataError, match="occurs twice"):
        rows(b"text,text\na,b\n", "t.csv")


@pytest.mark.parametrize(
    "content",
    [b'[{"text": "a"}, {"text": ]', b'[{"text": "a"} {"text": "b"}]', b'[{"text": "a"},]'],
)
def test_a_damaged_document_gives_its_rows_up_to_there(content):
    """Then a DataError with its line; what cannot be read is said."""
    lots = rows_of(source(b"\n" + content, "t.json"), Shape())
    assert next(lots).texts[0] == "a"
    with pytest.raises(DataError, match=r"not JSON: .*cannot be read") as caught:
        list(lots)
    assert caught.value.place == "t.json:2"


@pytest.mark.parametrize("content", [b"caf\xe9\nmoney\n", b"text,id\ncaf\xe9,1\nmoney,2\n"])
def test_bytes_of_another_encoding_are_told_with_a_command(tmp_path, content):
    """The byte, and what converts the file; in a table only columns that are read count."""
    path = tmp_path / "a b.csv" if b"," in content else tmp_path / "a b.txt"
    path.write_bytes(content)
    bad, good = sentences(source_of(str(path)))
    assert good.text == "money"
    assert "0xe9" in bad.error.message
    assert "udc" not in bad.error.message
    assert ("caf…" in bad.error.message) == (path.suffix == ".csv")
    way = f'iconv -f WINDOWS-1252 -t UTF-8 "{path}" > utf8{path.suffix}'
    assert bad.error.hints == (way,)
    chunk, _ = next(Plan([source_of(str(path))], Shape(), size=5).chunks())
    with pytest.raises(DataError) as caught:
        chunk.text(0)
    assert caught.value.hints == (way,)
    path.write_bytes(b"text,id\nmoney,caf\xe9\n")
    assert [s.text for s in sentences(source_of(str(path)), Shape(kind="csv"))] == ["money"]


@given(
    st.lists(st.sampled_from([1, 5, 7, 40, 300]), max_size=30),
    st.integers(1, 9),
    st.integers(0, 12),
)
def test_a_chunk_ends_where_it_is_full(tmp_path_factory, lengths, size, most):
    """At the record that fills it, by its number or by what all results in it take, counted one by one;
    one whose results are small may have more.
    """
    path = tmp_path_factory.mktemp("lines") / "lines.txt"
    path.write_text("".join("a" * length + "\n" for length in lengths), encoding="utf-8")
    limit, small, expected, count, cost = 9000, 3000, [], 0, 0
    for length in lengths:
        tokens = length // 6 + 1
        count, cost = count + 1, cost + 10 * tokens * (tokens + 50)
        may_grow = cost < small and count < most
        if cost >= limit or (count >= size and not may_grow):
            expected.append(count)
            count = cost = 0
    with (
        mock.patch("attncli.batches.plan._CHUNK_COST", limit),
        mock.patch("attncli.batches.plan._SMALL_COST", small),
    ):
        plan = Plan([source_of(str(path))], Shape(), size=size, most=most)
        found = [len(chunk) for chunk, _ in plan.chunks()]
    assert found == [*expected, count][: len(expected) + (count > 0)]


@given(
    st.binary(max_size=200), st.sampled_from(["t", "t.csv", "t.tsv", "t.json", "t.jsonl", "t.zip"])
)
def test_any_bytes_give_rows_or_an_attn_error(content, path):
    """No file, however damaged, ends in another error."""
    for begin in (b"", b"text,label\n", b'[{"text":', b"PAR1", b"PK\x03\x04", b"\xff\xfe"):
        with contextlib.suppress(AttnError):
            rows(begin + content, path)


def test_a_row_of_more_lists_than_a_row_has_is_set_aside():
    """Lists and objects take many times their text; a row of hundreds of thousands is no sentence."""
    row = '{"text": "a", "x": [' + "[]," * (1 << 21) + "[]]}"
    lines = f'{row}\n{{"text": "b"}}\n'.encode()
    assert rows(lines, "t.jsonl") == [(1, "limit"), (2, "b")]
    with pytest.raises(LimitError):
        rows(f"[{row}]".encode(), "t.json")


def test_a_table_of_neither_column_names_both_fields():
    """The hint holds the fields of all that is missing, and of nothing that is there."""
    shape = Shape(
        others=("label",),
        required=True,
        fields=("text_column", "label_column"),
        chosen=frozenset(),
    )
    for head, hint in (
        (b"Anfrage,Kategorie", "text_column=NAME, label_column=NAME name the columns"),
        (b"Anfrage,Label", "text_column=NAME names the column"),
        (b"text,Kategorie", "label_column=NAME names the column"),
    ):
        with pytest.raises(DataError) as caught:
            list(rows_of(source(head + b"\nmoney,x\n", "t.csv"), shape))
        assert caught.value.hints == (hint,)


def test_a_table_without_a_header_is_told_of_numbers():
    """Where a column may be given by number, a hint says so, with a number that works."""
    shape = Shape(
        others=("label",),
        fields=("text_column", "label_column"),
        chosen=frozenset(),
        by_number=True,
    )
    with pytest.raises(DataError) as caught:
        list(rows_of(source(b"the soup was cold,bad\nfresh fish,good\n", "t.csv"), shape))
    assert caught.value.hints[1] == (
        "text_column=1 is the first column of a table without a header line"
    )
