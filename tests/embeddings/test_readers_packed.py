"""Packed files and archives."""

import bz2
import gzip
import io
import lzma
import stat
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from vector_files import (
    MATRIX,
    WORDS,
    fasttext,
    npy,
    npz,
    safetensors,
    text,
    word2vec_binary,
    written,
    zipped,
)
from vector_loads import failing, same

from attncli.embeddings.readers.any_format import ReadOptions
from attncli.embeddings.readers.loading import load
from attncli.errors import DataError, LimitError, RefusedError, UsageError
from attncli.files.limits import Limits

TEXT = text()
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


@pytest.mark.parametrize("name", PACKERS)
@pytest.mark.parametrize(
    "data",
    [TEXT, text(header=True), fasttext(buckets=0), safetensors()],
    ids=["glove", "word2vec", "fasttext", "safetensors"],
)
def test_packed_files_give_the_same_vectors(tmp_path: Path, name: str, data: bytes) -> None:
    """What the file is called does not matter, nor how it is packed."""
    assert same(written(tmp_path, "vectors.dat", PACKERS[name](data)))
    single = [word for word in WORDS if " " not in word]
    binary = word2vec_binary(single, MATRIX[: len(single)])
    found = load(written(tmp_path, "vectors.dat", PACKERS[name](binary)))
    assert found.matrix.tobytes() == MATRIX[: len(single)].tobytes()
    assert "zip archive" in failing(tmp_path, PACKERS[name](npz()), DataError)


def test_zstandard_is_read(tmp_path: Path) -> None:
    """.zst files are unpacked by the standard library or its backport."""
    zstd = pytest.importorskip("backports.zstd")
    assert same(written(tmp_path, "g.txt.zst", zstd.compress(TEXT)))


def test_members_follow_one_another(tmp_path: Path) -> None:
    """Several gzip members are one file; zeros after them are padding."""
    half = TEXT.index(b"\n", len(TEXT) // 2) + 1
    data = gzip.compress(TEXT[:half]) + gzip.compress(TEXT[half:]) + b"\0" * 100
    assert same(written(tmp_path, "g.gz", data))
    assert same(written(tmp_path, "g.gz.gz", gzip.compress(gzip.compress(TEXT))))
    found = load(written(tmp_path, "h.gz", gzip.compress(TEXT) + b"garbage"))
    assert "after the end of the gzip data" in found.warnings[0]


@pytest.mark.parametrize("name", PACKERS)
def test_damaged_packing_is_refused(tmp_path: Path, name: str) -> None:
    """Cut anywhere, or changed, a packed file is never taken for a whole one."""
    data = PACKERS[name](TEXT)
    for length in (3, 9, 20, len(data) // 2, len(data) - 5, len(data) - 1):
        failing(tmp_path, data[:length], DataError)
    changed = bytearray(data)
    changed[len(data) // 2] ^= 0xFF
    failing(tmp_path, bytes(changed), DataError)


@pytest.mark.parametrize("at", [-8, -4])
def test_a_wrong_checksum_or_size_is_refused(tmp_path: Path, at: int) -> None:
    """The check at the end of a gzip file counts."""
    data = bytearray(gzip.compress(TEXT))
    data[at] ^= 1
    assert "checksum" in failing(tmp_path, bytes(data), DataError)


def test_reserved_flags_are_refused(tmp_path: Path) -> None:
    """A gzip header of the future is not guessed at."""
    data = bytearray(gzip.compress(TEXT))
    data[3] = 0xE0
    failing(tmp_path, bytes(data), DataError)


@pytest.mark.parametrize("body", [b"\0", b"the 1 2 3 4\n", b"\n", b"x"])
def test_a_bomb_costs_no_more_than_a_line(tmp_path: Path, body: bytes) -> None:
    """Sixty-four MiB in a few KiB are refused within a second or two."""
    packer = zlib.compressobj(9, wbits=31)
    block = body * ((1 << 20) // len(body))
    data = b"".join(packer.compress(block) for _ in range(64)) + packer.flush()
    start = time.process_time()
    with pytest.raises((LimitError, DataError)):
        load(written(tmp_path, "bomb.txt.gz", data))
    assert time.process_time() - start < 10  # a guard against hours, not a benchmark


def test_a_dictionary_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    """An xz file may not ask for gigabytes to be unpacked with."""
    path = written(tmp_path, "g.xz", lzma.compress(TEXT, preset=9))
    with pytest.raises(LimitError, match="memory to unpack"):
        load(path, ReadOptions(limits=Limits(unpacker=1 << 20)))


def test_one_member_of_an_archive_is_read(tmp_path: Path) -> None:
    """A zip with one likely file needs no name, one with several asks for it."""
    one = written(tmp_path, "one.zip", zipped({"README.md": b"hello", "g/g.txt": TEXT}))
    assert same(one)
    two = written(tmp_path, "two.zip", zipped({"a.txt": TEXT, "b.txt": text(header=True)}))
    with pytest.raises(UsageError, match="holds 2 files; name one"):
        load(two)
    assert same(Path(f"{two}:b.txt"))
    with pytest.raises(UsageError, match="no file"):
        load(f"{two}:c.txt")


@pytest.mark.parametrize(
    "name", ["../../up.txt", "/abs.txt", "a/../../b.txt", "C:\\x.txt", "..\\x"]
)
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    """Nothing is extracted, but an archive made to do harm is not read either."""
    failing(tmp_path, zipped({name: TEXT}), RefusedError, "z.zip")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_in_archives_are_refused(tmp_path: Path, kind: int) -> None:
    """A member that is no plain file is not followed."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("g.txt")
        info.external_attr = (kind | 0o644) << 16
        archive.writestr(info, b"/etc/passwd")
    failing(tmp_path, out.getvalue(), RefusedError, "z.zip")


def test_damaged_archives_are_refused(tmp_path: Path) -> None:
    """A cut, changed, empty, nested or encrypted archive says so."""
    data = zipped({"g.txt": TEXT})
    for length in (4, 30, len(data) // 2, len(data) - 1):
        failing(tmp_path, data[:length], DataError, "z.zip")
    changed = bytearray(data)
    changed[60] ^= 0xFF
    failing(tmp_path, bytes(changed), DataError, "z.zip")
    assert "no file" in failing(tmp_path, zipped({}), DataError, "z.zip")
    assert "archive in an archive" in failing(tmp_path, zipped({"a.zip": data}), DataError, "z.zip")
    encrypted = bytearray(data)
    encrypted[6] |= 1
    central = data.rindex(b"PK\x01\x02")
    encrypted[central + 8] |= 1
    assert "encrypted" in failing(tmp_path, bytes(encrypted), DataError, "z.zip")
    model = zipped({"archive/data.pkl": b"\x80\x02.", "archive/version": b"3"})
    assert "PyTorch" in failing(tmp_path, model, RefusedError, "model.pt")


def test_a_zip_bomb_is_refused_by_its_own_words(tmp_path: Path) -> None:
    """An archive that says it unpacks to a thousand times its size is believed."""
    data = zipped({"words.npy": npy(np.array(WORDS)), "vectors.npy": npy(np.zeros((1 << 21, 16)))})
    assert "looks like a bomb" in failing(tmp_path, data, LimitError, "v.npz")
