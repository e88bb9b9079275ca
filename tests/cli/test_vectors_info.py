"""`attn vectors info` tells of every file that can be read; the limits of the readers; --quiet."""

import hashlib
import json

import numpy as np
import pytest
from vector_files import (
    MATRIX,
    WORDS,
    fasttext,
    keyed_vectors,
    npz,
    safetensors,
    text,
    word2vec_binary,
    written,
    zipped,
)

from attncli.embeddings import named_stores as sources
from attncli.embeddings.store import content_hash


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    """A cache of our own."""
    monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path / "cache"))


def with_nan():
    """MATRIX with a NaN in "cat" and an infinite value in "on"."""
    matrix = MATRIX.copy()
    matrix[1, 2], matrix[3, 0] = np.nan, -np.inf
    return matrix


SINGLE = [word.replace(" ", "_") for word in WORDS]
UNUSABLE = {
    "g.txt": ("glove text", text(matrix=with_nan())),
    "w.vec": ("word2vec text", text(matrix=with_nan(), header=True)),
    "b.bin": ("word2vec binary", word2vec_binary(SINGLE, with_nan())),
    "f.bin": ("fastText", fasttext(matrix=with_nan(), buckets=0)),
    "k.kv": ("gensim KeyedVectors", keyed_vectors(matrix=with_nan())),
    "v.npz": ("npz", npz(matrix=with_nan())),
    "s.safetensors": ("safetensors", safetensors(matrix=with_nan())),
    "g.zip": ("glove text", zipped({"g.txt": text(matrix=with_nan())})),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_what_cannot_be_used_is_told_all_the_same(command, tmp_path, name):
    """Values that are not finite are counted, on stdout; the exit code says that they are there."""
    form, data = UNUSABLE[name]
    path = str(written(tmp_path, name, data))
    ended = command("vectors", "info", path, "--json")
    found = json.loads(ended.out)
    assert ended.code == 5
    assert "cannot be used as vectors: 2 vectors are not finite" in ended.said
    assert '"cat"' in ended.said
    assert (found["format"], found["words"], found["dim"]) == (form, len(WORDS), 4)
    assert (found["not_finite"], found["zero"], found["usable"]) == (2, 0, False)
    words = SINGLE if name == "b.bin" else WORDS
    assert found["sha256"] == content_hash(words, with_nan())
    assert found["file_sha256"] == hashlib.sha256(data).hexdigest()
    norms = np.linalg.norm(np.delete(MATRIX, [1, 3], axis=0).astype(float), axis=1)
    assert found["norms"]["min"] == pytest.approx(norms.min())
    assert found["norms"]["mean"] == pytest.approx(norms.mean())
    assert found["norms"]["max"] == pytest.approx(norms.max())
    shown = command("vectors", "info", path).out.decode()
    assert "not finite    2" in shown
    assert "usable        no" in shown
    assert command("explain", "the cat", "--vectors", path).code == 5
    assert command("vectors", "import", path).code == 5


def test_lines_that_cannot_be_read_are_told(command, tmp_path):
    """With the first of them, and how the others are imported."""
    path = str(written(tmp_path, "g.txt", text() + b"bad 1 2\nworse 1 2 3 x\n"))
    ended = command("vectors", "info", path, "--json")
    assert (ended.code, json.loads(ended.out)["words"]) == (5, len(WORDS))
    assert "2 lines cannot be read (the first: " in ended.said
    assert "expected 4" in ended.said
    assert command("vectors", "import", path, "--on-bad-line", "skip").code == 0


def test_a_good_file_is_told_whole(command, tmp_path):
    """Format and duplicates too, and nothing is converted for it."""
    path = str(written(tmp_path, "g.txt", text() + text()[: text().index(b"\n") + 1]))
    ended = command("vectors", "info", path, "--json")
    found = json.loads(ended.out)
    assert ended.code == 0
    assert (found["format"], found["duplicates"], found["usable"]) == ("glove text", 1, True)
    assert found["sha256"] == content_hash(WORDS, MATRIX)
    assert not (tmp_path / "cache").exists()


def test_info_of_what_cannot_be_read_says_why(command, tmp_path):
    """A cut file, a refused one, none at all: nothing on stdout, and the code of the error."""
    cut = str(written(tmp_path, "b.bin", word2vec_binary(SINGLE, MATRIX)[:60]))
    evil = str(written(tmp_path, "k.kv", b"\x80\x02cposix\nsystem\nX\x01\0\0\0x\x85R."))
    for path, code in ((cut, 5), (evil, 7), (str(tmp_path / "no.txt"), 6)):
        ended = command("vectors", "info", path)
        assert (ended.code, ended.out) == (code, b"")


@pytest.mark.parametrize(
    ("option", "value", "code"),
    [
        ("--max-dim", "3", 8),
        ("--max-dim", "4", 0),
        ("--max-line", "20", 8),
        ("--max-line", "1K", 0),
        ("--max-memory", "100", 8),
        ("--max-memory", "1M", 0),
        ("--max-memory", "much", 2),
        ("--max-line", "0", 2),
        ("--max-dim", "0", 2),
    ],
)
@pytest.mark.parametrize("asked", ["info", "import"])
def test_the_limits_are_options(command, tmp_path, asked, option, value, code):
    """What a file may ask for can be set lower or higher."""
    path = str(written(tmp_path, "g.txt", text()))
    assert command("vectors", asked, path, option, value).code == code


def test_a_limit_can_be_raised(command, tmp_path):
    """Wide vectors and long lines are read when it is said that they may be."""
    matrix = np.arange(70_000, dtype=np.float32)[None] / 70_000
    wide = str(written(tmp_path, "w.npz", npz(["the"], matrix)))
    ended = command("vectors", "import", wide)
    assert (ended.code, "--max-dim 70000" in ended.said) == (8, True)
    assert command("vectors", "import", wide, "--max-dim", "70000", "--name", "wide").code == 0
    got = json.loads(command("vectors", "get", "the", "--vectors", "wide", "--json").out)
    assert np.float32(got["vectors"]["the"]).tobytes() == matrix[0].tobytes()
    long = str(written(tmp_path, "l.txt", text() + b"w" + b" " * (5 << 20) + b"1 2 3 4\n"))
    assert command("vectors", "import", long).code == 8
    assert command("vectors", "import", long, "--max-line", "6M").code == 0


@pytest.mark.parametrize("large", [False, True])
def test_quiet_keeps_the_warnings_of_a_file(command, tmp_path, monkeypatch, large):
    """And a batch says them once, not once a worker."""
    if large:  # converted into the cache, not simply read
        monkeypatch.setattr(sources, "_SMALL", 0)
    path = str(written(tmp_path, "g.txt", text(header=True).replace(b"10 4", b"9 4", 1)))
    lines = str(written(tmp_path, "lines.txt", b"the cat\nthe bank\n" * 40))
    runs = (
        *([] if large else [("explain", "the cat")]),  # it would not read to the end
        ("compare", "the cat", "cat sat"),
        ("batch", lines, "--workers", "2", "--chunk", "10"),
        ("vectors", "info", path),
    )
    for run in runs:
        options = () if run[0] == "vectors" else ("--vectors", path, "--no-cache")
        for quiet in (False, True):
            ended = command(*run, *options, *(("--quiet",) if quiet else ()))
            assert ended.code == 0
            assert ended.said.count("the header says 9 words") == (0 if quiet else 1), run
