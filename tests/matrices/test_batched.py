"""What batch writes, view reads: every format gives the same matrices, one record or all."""

import numpy as np
import pytest

from attncli.errors import AttnError, DataError, UsageError
from attncli.matrices.reading import read_saved
from attncli.matrices.whole_bytes import open_matrix_file

LINES = ("money bank grows", "!!", "bank", "the river bank flows, by the bank")


@pytest.fixture
def written(command, tmp_path):
    """Writes LINES in a format; gives the path."""

    def write(suffix, *options):
        source = tmp_path / "s.txt"
        source.write_text("\n".join(LINES) + "\n")
        path = tmp_path / f"out.{suffix}"
        ended = command("batch", str(source), "-o", str(path), "-q", "--force", *options)
        assert ended.code == 3, ended.said
        return path

    return write


def read(path, **options):
    """All outcomes of a file."""
    with open_matrix_file(str(path)) as stream:
        return list(read_saved(stream, path.name, **options))


@pytest.mark.parametrize("options", [(), ("--top", "2"), ("--attention", "task", "--heads", "2")])
@pytest.mark.parametrize("suffix", ["npz", "csv", "parquet", "arrow"])
def test_every_format_holds_the_records_of_jsonl(written, suffix, options):
    """Words, weights and failures are those of the JSON lines; the same by --index, one by one."""
    if suffix in ("parquet", "arrow"):
        pytest.importorskip("pyarrow")
    exact = ("--precision", "full")
    expected = read(written("jsonl", *exact, *options))
    path = written(suffix, *(exact if suffix == "csv" else ()), *options)
    found = read(path)
    assert len(found) == len(LINES)
    for at, (one, other) in enumerate(zip(found, expected, strict=True)):
        (alone,) = read(path, index=at)
        if isinstance(other, AttnError):
            assert isinstance(one, AttnError)
            assert isinstance(alone, AttnError)
            continue
        assert one.words == other.words
        assert np.array_equal(one.weights, other.weights)
        assert alone == one
        assert all(one.text[t.start : t.end] == t.text for t in one.tokens)
    with pytest.raises(UsageError, match="fewer results"):
        read(path, index=len(LINES))


def test_the_vectors_of_npz_come_with_their_shapes(written):
    """Fifty tokens beside vectors of fifty values, or one token, do not confuse the shapes."""
    expected = read(written("jsonl", "--precision", "full", "--include", "embeddings"))
    for one, other in zip(read(written("npz", "--include", "embeddings")), expected, strict=True):
        if not isinstance(other, AttnError):
            assert np.array_equal(one.embeddings, other.embeddings)
            assert np.array_equal(one.contextual, other.contextual)


@pytest.mark.parametrize("suffix", ["npz", "parquet"])
def test_a_cut_file_is_refused(written, suffix):
    """Two thirds of a file are a DataError, never a traceback."""
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    path = written(suffix)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(DataError):
        read(path)
