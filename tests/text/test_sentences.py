"""Laws of reading sentences: one a line, whatever the bytes."""

import codecs
import io
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.errors import DataError, InputError, LimitError, UsageError
from attncli.text.sentences import decoded, is_comment, read_sentences, sentences, well_formed


def read(raw: bytes, **options):
    """The sentences of these bytes."""
    return list(sentences(io.BytesIO(raw), "s.txt", **options))


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


@given(st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]))))
def test_only_line_feeds_end_lines(texts):
    """NEL, U+2028, VT, FF, FS and lone carriage returns stay inside their line."""
    raw = "\n".join(texts).encode()
    expected = [
        (i, text)
        for i, text in enumerate((t.removesuffix("\r") for t in texts), start=1)
        if (text.removeprefix("\ufeff") if i == 1 else text).strip()
        and not is_comment(text.removeprefix("\ufeff") if i == 1 else text)
    ]
    assert [(i, text) for i, text in numbered(raw)] == [
        (i, text.removeprefix("\ufeff") if i == 1 else text) for i, text in expected
    ]


def test_a_byte_order_mark_is_dropped():
    """The first word is the first word."""
    assert numbered(codecs.BOM_UTF8 + b"money\n") == [(1, "money")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_other_encodings_are_named(encoding):
    """UTF-16 and UTF-32 with a mark are refused with the line that converts them."""
    mark = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}.get(encoding, b"")
    with pytest.raises(DataError, match=r"UTF-(16|32) text") as caught:
        read(mark + "money bank".encode(encoding))
    assert caught.value.hints[0].startswith("iconv -f UTF-")


def test_noise_is_no_text():
    """A first line with NUL bytes that is not UTF-8 is no text at all."""
    with pytest.raises(DataError, match="no text"):
        read(b"\x7fELF\x00\xff\x00\nmoney\n")


@pytest.mark.parametrize("bad", [b"caf\xe9", b"\xff", b"a\xed\xa0\x80", b"\xc0\xaf", b"\xf5\x80"])
def test_a_line_that_is_not_utf8_is_set_aside(bad):
    """It is a sentence with an error at its place; the lines after it go on."""
    one, two, three = read(b"money\n" + bad + b"\nriver\n")
    assert (one.text, three.text, three.line) == ("money", "river", 3)
    assert isinstance(two.error, DataError)
    assert two.error.place == two.place == "s.txt:2"
    assert "expected UTF-8" in two.error.message


def test_a_line_that_is_too_long_is_set_aside():
    """The line after it has its own number; the limit itself is allowed."""
    found = read(b"x" * 10 + b"\n" + b"y" * 11 + b"\n" + b"z" * 300 + b"\nmoney\n", max_line=10)
    assert [(s.line, s.text) for s in found] == [(1, "x" * 10), (2, ""), (3, ""), (4, "money")]
    assert [type(s.error) for s in found] == [type(None), LimitError, LimitError, type(None)]


def test_a_line_without_end_is_refused():
    """A stream that never ends a line is given up."""

    class Endless(io.RawIOBase):
        def readable(self):
            return True

        def readinto(self, buffer):
            buffer[:] = bytes(len(buffer))
            return len(buffer)

    with pytest.raises(LimitError, match="more than 1000 bytes"):
        list(sentences(io.BufferedReader(Endless()), "zero", max_line=1000))


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
        list(read_sentences(name))
    assert len(str(caught.value)) < 200


def test_a_file_name_is_shown_and_not_obeyed(tmp_path):
    """Control characters in a name are escaped."""
    with pytest.raises(InputError) as caught:
        list(read_sentences(str(tmp_path / "a\n\x1b[31mb.txt")))
    assert r"a\n\x1b[31mb.txt" in str(caught.value)


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/x", "s3://bucket/x"])
def test_an_address_is_never_opened(address):
    """Only local files are read."""
    with pytest.raises(UsageError, match="local files only"):
        list(read_sentences(address))


def test_a_fifo_is_read_once(tmp_path):
    """A named pipe works: one open, no seek."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"money bank\n",))
    writer.start()
    assert [s.text for s in read_sentences(str(path))] == ["money bank"]
    writer.join()


def test_arguments_that_are_not_utf8_are_refused():
    """A lone surrogate in an argument is a byte that was not UTF-8."""
    assert [s.text for s in well_formed(["a", "b"], "TEXT")] == ["a", "b"]
    with pytest.raises(DataError, match="character 2"):
        list(well_formed(["a\udcff"], "TEXT"))
