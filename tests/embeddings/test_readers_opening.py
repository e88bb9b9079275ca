"""Files that are something else, paths that cannot be opened, pipes and devices."""

import gzip
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from vector_files import text
from vector_loads import failing, same

from attncli.embeddings.readers.loading import load
from attncli.errors import DataError, InputError, LimitError, UsageError


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<!DOCTYPE html><html><body>Sign in", "this is a web page"),
        (b"  \n<html>", "this is a web page"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code>", "it says AccessDenied"),
        (b'{"error": "not found"}', "a JSON document"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:aa\nsize 989000000\n",
            "a Git LFS pointer (989 MB file not fetched)",
        ),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
        (b"\x7fELF\x02", "a program"),
        (b"\x89HDF\r\n", "an HDF5 file"),
        (b"SQLite format 3\0", "an SQLite database"),
        (b"GGUF\x03\0\0\0", "a GGUF model"),
        (b"PAR1\x15", "a Parquet file"),
        (b"g.txt".ljust(257, b"\0") + b"ustar\x0000", "a tar archive"),
        (np.random.default_rng(0).bytes(5000), "cannot tell"),
    ],
)
def test_other_files_are_called_by_their_name(tmp_path: Path, data: bytes, message: str) -> None:
    """A user who downloaded the wrong thing is told what it is."""
    assert message in failing(tmp_path, data, DataError, "g.txt")


def test_paths_that_cannot_be_opened_say_why(tmp_path: Path) -> None:
    """Missing files, folders, loops, long names, and names no terminal should obey."""
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for path in (tmp_path / "no.txt", tmp_path, loop, tmp_path / ("n" * 5000), tmp_path / "a\0b"):
        with pytest.raises(InputError) as caught:
            load(path)
        assert "cannot open" in str(caught.value)
        assert len(str(caught.value)) < 300
    with pytest.raises(InputError, match=r"\\x1b\[31m"):
        load(tmp_path / "a\x1b[31m.txt")


@pytest.mark.parametrize("path", ["http://127.0.0.1:9/g.txt", "s3://bucket/g.txt", "file:///g.txt"])
def test_addresses_are_refused_without_a_connection(path: str) -> None:
    """Nothing is fetched by loading."""
    with pytest.raises(UsageError, match="reads local files only"):
        load(path)


def test_a_pipe_is_read_in_one_pass(tmp_path: Path) -> None:
    """A FIFO (process substitution) works: one open, no seek."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(gzip.compress(text()),))
    writer.start()
    assert same(path)
    writer.join()


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs /dev/zero")
def test_an_endless_file_is_a_limit() -> None:
    """Zeros without end are a line that is too long."""
    with pytest.raises(LimitError, match="a line of more than"):
        load("/dev/zero")
