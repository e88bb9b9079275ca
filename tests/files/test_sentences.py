"""Laws of reading sentences: one a line, whatever the bytes."""

import codecs
import io
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.errors import DataError, InputError, LimitError, UsageError
from attncli.files.rows.inputs import sentences
from attncli.files.rows.lines import ended_by_lf
from attncli.files.rows.sentences import decoded, is_comment, well_formed
from attncli.files.source import InputSource, source_of


def read(raw: bytes, **options):
    """The sentences of these bytes."""
    return list(sentences(InputSource("-", "s.txt", lambda: io.BytesIO(raw)), **options))


def numbered(raw: bytes):
    """Line numbers and texts of the sentences of these bytes."""
    return [(sentence.line, sentence.text) for sentence in read(raw)]


def test_each_line_is_a_sentence_with_its_number():
    """Blank lines and comments are left out, and counted."""
    raw = b"# the lecture\nmoney bank\n\n   \nriver bank\r\n#\n#hashtag\nlast"
    assert numbered(raw) == [(2, "money bank"), (5, "river bank"), (7, "#hashtag"), (8, "last")]


@pytest.mark.parametrize(
    ("line", "answer"), [("# a", True), ("#", True), ("#\t", True), ("#a", False), ("a # b", False)]
)
def test_a_comment_is_a_hash_and_a_space(line, answer):
    """A hashtag is a sentence."""
    assert is_comment(line) is answer


@given(
    st.lists(st.text(st.characters(exclude_characters="\n\r\0{[<", exclude_categories=["Cs"]))),
    st.lists(st.sampled_from(["\n", "\r\n", "\r", "\r\r\n"]), min_size=1),
    st.integers(1, 9),
)
def test_lines_end_as_on_any_system(texts, ends, size):
    """LF, CR LF, CR, and mixtures; NEL, U+2028, VT, FF and FS stay inside their line."""
    raw = "".join(f"a{text}{ends[i % len(ends)]}" for i, text in enumerate(texts)).encode()
    expected = [(i, f"a{text}") for i, text in enumerate(texts, start=1)]
    assert [(line, text.rstrip("\r")) for line, text in numbered(raw)] == expected
    blocks = (raw[at : at + size] for at in range(0, len(raw), size))
    assert b"".join(ended_by_lf(blocks)) == b"".join(ended_by_lf([raw]))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("order", ["", "-le", "-be"])
def test_a_byte_order_mark_says_the_encoding(encoding, order):
    """UTF-8, UTF-16 and UTF-32 with a mark give the same sentences; PowerShell writes such files."""
    text = "money bank\r\n# note\r\n\r\nCafé 中文 🏦\r\nriver\u2028bank"
    if order and encoding != "utf-8-sig":
        raw = ("\ufeff" + text).encode(encoding + order)
    else:
        raw = text.encode(encoding)
    assert numbered(raw) == [(1, "money bank"), (4, "Café 中文 🏦"), (5, "river\u2028bank")]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_other_encodings_are_named(encoding):
    """UTF-16 and UTF-32 without a mark are refused with the line that converts them."""
    with pytest.raises(DataError, match=r"UTF-(16|32)[LB]E text") as caught:
        read("money bank\nCafé".encode(encoding))
    name = encoding.upper().replace("-LE", "LE").replace("-BE", "BE")
    assert caught.value.hints[0].startswith(f"iconv -f {name} ")


def test_what_is_no_character_of_utf16_is_one_bad_line():
    """Half of a pair sets its line aside, a cut last character the last line."""
    raw = (
        codecs.BOM_UTF16_LE
        + "a\nb".encode("utf-16-le")
        + b"\x3d\xd8"
        + "\nc\nd".encode("utf-16-le")
    )
    found = read(raw + b"x")
    assert [s.text for s in found] == ["a", "", "c", ""]
    assert [s.error is None for s in found] == [True, False, True, False]


def test_noise_is_no_text():
    """A first line with NUL bytes that is not UTF-8 is no text at all."""
    with pytest.raises(DataError, match="no text"):
        read(b"\x00\xff\xfe\x00\x01\xff\nmoney\n")


@pytest.mark.parametrize("bad", [b"caf\xe9", b"\xff", b"a\xed\xa0\x80", b"\xc0\xaf", b"\xf5\x80"])
def test_a_line_that_is_not_utf8_is_set_aside(bad):
    """It is a sentence with an error that says the byte and a command; those after it go on."""
    one, two, three = read(b"money\n" + bad + b"\nriver\n")
    assert (one.text, three.text, three.line) == ("money", "river", 3)
    assert isinstance(two.error, DataError)
    assert two.error.place == two.place == "s.txt:2"
    assert "expected UTF-8" in two.error.message
    assert two.error.hints == ("iconv -f WINDOWS-1252 -t UTF-8 s.txt > utf8.txt",)


def test_a_line_that_is_too_long_is_set_aside():
    """The line after it has its own number; the limit itself is allowed."""
    found = read(b"x" * 10 + b"\n" + b"y" * 11 + b"\n" + b"z" * 300 + b"\nmoney\n", max_line=10)
    assert [(s.line, s.text) for s in found] == [(1, "x" * 10), (2, ""), (3, ""), (4, "money")]
    assert [type(s.error) for s in found] == [type(None), LimitError, LimitError, type(None)]


@pytest.mark.parametrize("byte", [b"\0", b"x"])
def test_a_line_without_end_is_refused(byte):
    """A stream that never ends a line is given up."""

    class Endless(io.RawIOBase):
        def readable(self):
            return True

        def readinto(self, buffer):
            buffer[:] = byte * len(buffer)
            return len(buffer)

    source = InputSource("-", "zero", lambda: io.BufferedReader(Endless()))
    with pytest.raises(LimitError, match="the limit is 1000"):
        list(sentences(source, max_line=1000))


def test_a_message_says_which_byte():
    """The place of the first byte that is not UTF-8, counted from 1."""
    with pytest.raises(DataError, match="byte 4 of the line is 0xe9"):
        decoded(b"caf\xe9", "s.txt:1")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("missing.txt", "no such file"), (".", "is a directory"), ("x" * 5000, "name too long")],
)
def test_what_cannot_be_opened_is_said_in_one_short_line(tmp_path, monkeypatch, name, reason):
    """Missing files, directories and endless names."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=reason) as caught:
        list(sentences(source_of(name)))
    assert len(str(caught.value)) < 200


def test_a_file_name_is_shown_and_not_obeyed(tmp_path):
    """Control characters in a name are escaped."""
    with pytest.raises(InputError) as caught:
        list(sentences(source_of(str(tmp_path / "a\n\x1b[31mb.txt"))))
    assert r"a\n\x1b[31mb.txt" in str(caught.value)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/x", "s3://bucket/x"])
def test_an_address_is_never_opened(address):
    """Only local files are read."""
    with pytest.raises(UsageError, match="local files only"):
        list(sentences(source_of(address)))


def test_a_fifo_is_read_once(tmp_path):
    """A named pipe works: one open, no seek."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"money bank\n",))
    writer.start()
    assert [s.text for s in sentences(source_of(str(path)))] == ["money bank"]
    writer.join()


def test_arguments_that_are_not_utf8_are_refused():
    """A lone surrogate in an argument is a byte that was not UTF-8."""
    assert [s.text for s in well_formed(["a", "b"], "TEXT")] == ["a", "b"]
    with pytest.raises(DataError, match="character 2"):
        list(well_formed(["a\udcff"], "TEXT"))
