"""Lines in memory that is used again: every byte comes once, and what is said of it is so."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.embeddings.readers.text import windows
from attncli.embeddings.readers.text.windows import line_windows
from attncli.errors import LimitError
from attncli.files.limits import Limits
from attncli.files.stream import ByteStream, bytes_stream, file_stream

_DATA = b"".join(b"w%d 1.5 -2\n" % i + b"\n" * (i % 3) + b"x " * (i % 5) for i in range(400))


def file_of(folder: Path, data: bytes) -> ByteStream:
    """The stream of a file with these bytes, which is read into memory."""
    path = folder / "w.txt"
    path.write_bytes(data)
    return file_stream(path)


@pytest.mark.parametrize("piece", [1, 7, 64, 1000, 1 << 20])
@pytest.mark.parametrize("of_file", [False, True])
@pytest.mark.parametrize("tail", [b"", b"last 1 2"])
def test_windows_are_whole_lines_in_turn(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, piece: int, of_file: bool, tail: bytes
) -> None:
    """Together they are the file; of each, ends and spaces are those of its bytes."""
    monkeypatch.setattr(windows, "PIECE", piece)
    data = _DATA + tail
    stream = file_of(tmp_path, data) if of_file else bytes_stream(data, "w.txt")
    stream.peek(5)
    texts = list[bytes]()
    with stream:
        for window in line_windows(stream, Limits(), lambda: 0):
            text = window.text.tobytes()
            texts.append(text)
            assert window.ends.tolist() == [i for i, byte in enumerate(text) if byte == 10]
            assert window.spaces == text.count(b" ")
            assert window.letters or b" x" not in text
    assert b"".join(texts) == data
    assert all(text.endswith(b"\n") for text in texts[:-1])
    assert stream.position == len(data)


def lines_counted(stream: ByteStream, limits: Limits) -> int:
    """How many lines a reader counts that walks all windows."""
    done = [0]
    for window in line_windows(stream, limits, lambda: done[0]):
        done[0] += len(window.ends)
    return done[0]


@pytest.mark.parametrize("piece", [10, 100, 1 << 20])
def test_a_long_line_is_named_wherever_it_comes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, piece: int
) -> None:
    """It has the number of lines before it, which the reader of the windows has counted."""
    monkeypatch.setattr(windows, "PIECE", piece)
    data, limits = b"a 1\n" * 30 + b"b" * 51 + b"\nc 1\n", Limits()._replace(line=50)
    with (
        file_of(tmp_path, data) as stream,
        pytest.raises(LimitError, match=r"w\.txt:31: a line of more than 50 bytes"),
    ):
        lines_counted(stream, limits)
    with file_of(tmp_path, data) as stream:
        assert lines_counted(stream, Limits()) == 32


@given(st.lists(st.integers(0, 9), max_size=30), st.binary(max_size=40))
def test_bytes_come_once_however_they_are_taken(asked: list[int], data: bytes) -> None:
    """Peeked at, read, taken, put into memory: the position counts what was handed out."""
    stream, handed = bytes_stream(data, "w.txt"), b""
    for n in asked:
        room = bytearray(n)
        if n % 3 == 0:
            stream.peek(n)
        taken = stream.read(n) if n % 2 else bytes(room[: stream.take_into(memoryview(room))])
        handed += taken
        assert stream.position == len(handed)
    assert data.startswith(handed)
    assert handed + stream.take() == data
