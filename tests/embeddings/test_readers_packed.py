"""Packed files, archives, arrays, folders and files that are something else."""

import bz2
import gzip
import io
import json
import lzma
import os
import stat
import struct
import threading
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
    tensors,
    text,
    word2vec_binary,
    written,
    zipped,
)

from attncli.embeddings.readers.limits import Limits
from attncli.embeddings.readers.loading import load
from attncli.embeddings.readers.opening import ReadOptions
from attncli.errors import AttnError, DataError, InputError, LimitError, RefusedError, UsageError

TEXT = text()
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
}


def failing(tmp_path: Path, data: bytes, kind: type[AttnError], name: str = "g.txt.gz") -> str:
    """The message of the error that these bytes give."""
    with pytest.raises(kind) as caught:
        load(written(tmp_path, name, data))
    return str(caught.value)


def same(path: Path) -> bool:
    """Whether a file gives WORDS and MATRIX."""
    found = load(path)
    return found.words == list(WORDS) and found.matrix.tobytes() == MATRIX.tobytes()


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


def test_npz_gives_words_and_vectors(tmp_path: Path) -> None:
    """Column order, byte order and width do not matter; names are the usual ones or clear."""
    for matrix in (MATRIX, np.asfortranarray(MATRIX), MATRIX.astype(">f4")):
        assert same(written(tmp_path, "v.npz", npz(matrix=matrix)))
        assert same(written(tmp_path, "v.npz", npz(matrix=matrix, packed=False)))
    half = MATRIX.astype(np.float16)
    found = load(written(tmp_path, "v.npz", npz(matrix=half)))
    assert found.matrix.tobytes() == half.astype(np.float32).tobytes()
    odd = zipped({"my_rows.npy": npy(MATRIX), "my_names.npy": npy(np.array(WORDS))})
    assert same(written(tmp_path, "v.npz", odd))


def header_of(shape: str, descr: str = "'<f4'", order: str = "False") -> bytes:
    """The header of a .npy file that claims this."""
    head = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (header_of("(1000000000, 300000)") + b"\0" * 160, "the header claims 1000000000 × 300000"),
        (header_of("(10, 53)") + b"\0" * 160, "the header claims 10 × 53"),
        (header_of("(9223372036854775808, 4)"), "the header claims"),
        (header_of("(-10, 4)") + b"\0" * 160, "damaged"),
        (header_of("(10.0, 4)") + b"\0" * 160, "damaged"),
        (header_of("()") + b"\0" * 4, "rank 2, found rank 0"),
        (npy(MATRIX[0]), "rank 2, found rank 1"),
        (npy(MATRIX[None]), "rank 2, found rank 3"),
        (npy(MATRIX[:0]), "empty matrix"),
        (npy(MATRIX[:5]), "10 words, but 5 vectors"),
        (npy(MATRIX.astype(complex)), "values of type"),
        (npy(MATRIX.astype("M8[s]")), "values of type"),
        (npy(np.array(WORDS).astype("S")), "values of type"),
        (npy(np.zeros(10, dtype=[("a", "f4")])), "values of type"),
        (npy(np.where(MATRIX > 0, MATRIX, np.nan)), "is not finite"),
        (npy(np.full_like(MATRIX, 1e300, dtype=float)), "is not finite"),
        (header_of("(10, 4)", "__import__('os').system('id')"), "values of type"),
        (header_of("(" * 3000), "damaged"),
        (b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1), "the header claims 4294967295 bytes"),
        (b"\x93NUMPY\x09\x00" + b"\0" * 100, "version 1, 2 or 3"),
        (b"not an array", "no array"),
        (b"", "cut off"),
    ],
)
def test_an_array_that_lies_is_refused(tmp_path: Path, array: bytes, message: str) -> None:
    """The header of an array is data: measured against the bytes, never evaluated."""
    data = zipped({"words.npy": npy(np.array(WORDS)), "vectors.npy": array})
    assert message in failing(tmp_path, data, DataError, "v.npz")


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        (np.array(WORDS, dtype=object), RefusedError, "save it as np.array(words, dtype=str)"),
        (np.arange(10), DataError, "expected a list of words"),
        (np.array([WORDS]), DataError, "rank 2"),
        (np.array(WORDS)[:5], DataError, "5 words, but 10 vectors"),
        (np.full((10, 4), 0x110000, dtype="<u4").view("<U4")[:, 0], DataError, "item 1 is no text"),
        (np.full((10, 4), 0xD800, dtype="<u4").view("<U4")[:, 0], DataError, "item 1 is no text"),
    ],
)
def test_words_that_are_no_text_are_refused(
    tmp_path: Path, words: np.ndarray, kind: type[AttnError], message: str
) -> None:
    """Objects could run code; other arrays are no words."""
    out = io.BytesIO()
    np.savez(out, words=words, vectors=MATRIX)
    assert message in failing(tmp_path, out.getvalue(), kind, "v.npz")


def test_a_matrix_finds_its_words_beside_it(tmp_path: Path) -> None:
    """A .npy file goes with a file of words, one a line."""
    path = written(tmp_path, "v.npy", npy(MATRIX))
    with pytest.raises(DataError, match="a matrix without words"):
        load(path)
    written(tmp_path, "v.words.txt", "\r\n".join(WORDS).encode() + b"\r\n")
    assert same(path)
    plain = written(tmp_path, "p.safetensors", safetensors(name="a"))
    assert same(plain)


@pytest.mark.parametrize(
    ("header", "data", "message"),
    [
        ({"v": {"dtype": "F32", "shape": [10, 4], "data_offsets": [0, 160]}}, b"\0" * 159, "claim 160"),
        ({"v": {"dtype": "F32", "shape": [10, 4], "data_offsets": [0, 160]}}, b"\0" * 161, "161 are"),
        ({"v": {"dtype": "F32", "shape": [10, 5], "data_offsets": [0, 160]}}, b"\0" * 160, "needs 200"),
        ({"v": {"dtype": "F32", "shape": [-1, 4], "data_offsets": [0, 160]}}, b"", "no counts"),
        ({"v": {"dtype": "F32", "shape": [1 << 61, 16], "data_offsets": [0, 0]}}, b"", "needs"),
        ({"v": {"dtype": "F8_E4M3", "shape": [10, 4], "data_offsets": [0, 40]}}, b"\0" * 40, "which tensor"),
        ({"vectors": {"dtype": "BOOL", "shape": [10, 4], "data_offsets": [0, 40]}}, b"\0" * 40, "BOOL"),
        ({"v": {"dtype": "X", "shape": [], "data_offsets": [0, 0]}}, b"", "type"),
        ({"v": 5}, b"", "no description"),
        ({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, b"\0" * 8, "hole"),
        (
            {n: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for n in "ab"},
            b"\0" * 4,
            "overlap",
        ),
        (b'{"a": 1, "a": 2}', b"", "names a tensor twice"),
        (b'{"a"', b"", "no JSON"),
        (b"{" * 100_000, b"", "no JSON"),
        (b"[]", b"", "cannot tell|no numbers|JSON"),
        ({"__metadata__": {"words": 5}}, b"", "metadata must be text"),
        ({"__metadata__": {"words": "[1, 2]"}, "vectors": {"dtype": "F32", "shape": [2, 1],
          "data_offsets": [0, 8]}}, b"\0" * 8, "expected a list of words"),
        ({"vectors": {"dtype": "F32", "shape": [2] * 65, "data_offsets": [0, 0]}}, b"", "rank 65"),
    ],
)  # fmt: skip
def test_a_safetensors_header_that_lies_is_refused(
    tmp_path: Path, header: object, data: bytes, message: str
) -> None:
    """Every byte belongs to one tensor, and every claim fits the bytes."""
    said = failing(tmp_path, tensors(header, data), DataError, "v.safetensors")
    assert any(part in said for part in message.split("|")), said


def test_bfloat16_is_widened(tmp_path: Path) -> None:
    """The upper half of a float32 is read as such."""
    upper = (MATRIX.view(np.uint32) >> 16).astype("<u2")
    header = {
        "__metadata__": {"words": "\n".join(WORDS)},
        "vectors": {"dtype": "BF16", "shape": [10, 4], "data_offsets": [0, 80]},
    }
    found = load(written(tmp_path, "v.safetensors", tensors(header, upper.tobytes())))
    assert np.abs(found.matrix - MATRIX).max() < 0.02


def test_static_embedding_folders_are_read(tmp_path: Path) -> None:
    """model2vec and sentence-transformers folders give tokens, and pieces for other words."""
    vocabulary = {"[UNK]": 0, "bank": 1, "##ing": 2, "money": 3}
    tokenizer = {
        "model": {"type": "WordPiece", "vocab": vocabulary, "continuing_subword_prefix": "##"},
        "normalizer": {"type": "BertNormalizer", "lowercase": True},
        "added_tokens": [{"id": 0, "content": "[UNK]"}],
    }
    written(tmp_path, "tokenizer.json", json.dumps(tokenizer).encode())
    inner = tmp_path / "0_StaticEmbedding"
    inner.mkdir()
    for folder, name in ((inner, "embedding.weight"), (tmp_path, "embeddings")):
        written(folder, "model.safetensors", safetensors((), MATRIX[:4], name=name))
        found = load(tmp_path)
        assert found.words == list(vocabulary)
        assert found.matrix.tobytes() == MATRIX[:4].tobytes()
        assert found.subwords is not None
        vector = found.subwords.vector("Banking")
        assert vector is not None
        assert np.allclose(vector, MATRIX[1:3].mean(axis=0))
        assert found.subwords.vector("zebra") is None
    written(tmp_path, "tokenizer.json", b"{}")
    with pytest.raises(DataError, match="no tokenizer"):
        load(tmp_path)


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
    writer = threading.Thread(target=lambda: path.write_bytes(gzip.compress(TEXT)))
    writer.start()
    assert same(path)
    writer.join()


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs /dev/zero")
def test_an_endless_file_is_a_limit() -> None:
    """Zeros without end are a line that is too long."""
    with pytest.raises(LimitError, match="a line of more than"):
        load("/dev/zero")
