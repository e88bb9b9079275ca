"""Any bytes end clean: damaged files of every format raise only errors of ours, or load rightly.

What lies under a checksum (gzip, bzip2, xz, zip) loads as it was or not at all.

ATTN_FUZZ=100000 pytest tests/embeddings/test_readers_fuzz.py runs longer.
"""

import bz2
import gzip
import json
import lzma
import os
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from vector_files import (
    MATRIX,
    WORDS,
    fasttext,
    keyed_vectors,
    npy,
    npz,
    safetensors,
    text,
    word2vec_binary,
    written,
    zipped,
)

from attncli.embeddings.readers.loading import Loaded, load
from attncli.errors import AttnError

SINGLE = [word for word in WORDS if " " not in word]
WHOLE = {
    "g.txt": text(),
    "w.txt": text(header=True),
    "b.bin": word2vec_binary(SINGLE, MATRIX[: len(SINGLE)]),
    "c.bin": word2vec_binary(SINGLE, MATRIX[: len(SINGLE)], newline=True),
    "f.bin": fasttext(),
    "o.bin": fasttext(buckets=0)[8:],
    "k.kv": keyed_vectors(),
    "p.kv": keyed_vectors(2),
    "v.npy": npy(MATRIX),
    "v.npz": npz(),
    "u.npz": npz(packed=False),
    "s.safetensors": safetensors(),
    "g.zip": zipped({"g.txt": text()}),
    "b.zip": zipped({"b.bin": word2vec_binary(SINGLE, MATRIX[: len(SINGLE)])}),
}
PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}
for inner in ("g.txt", "b.bin", "f.bin", "k.kv", "s.safetensors"):
    WHOLE |= {f"{inner}.{packing}": pack(WHOLE[inner]) for packing, pack in PACKERS.items()}
try:
    from backports import zstd
except ImportError:
    pass
else:
    WHOLE |= {f"{inner}.zst": zstd.compress(WHOLE[inner]) for inner in ("g.txt", "f.bin", "k.kv")}
CHECKED = tuple(name for name in WHOLE if name.endswith((".gz", ".bz2", ".xz", ".zip", ".npz")))
EXAMPLES = int(os.environ.get("ATTN_FUZZ", "60"))
ODD = [
    b"",
    b"\0",
    b"\n",
    b" ",
    b"\xff\xff\xff\x7f",
    b"\x00" * 8,
    b"9" * 20,
    b"nan",
    b"\x80\x04",
    b"-1",
    b"1e400",
    b"999999999",
    struct.pack("<q", -1),
    struct.pack("<q", 1 << 40),
    struct.pack("<i", 1 << 30),
    struct.pack("<2f", float("nan"), float("inf")),
    b"cposix\nsystem\n",
    b"\x8c\x05posix\x8c\x06system\x93",
    b"R",
    b"b",
]


@st.composite
def damage(draw: st.DrawFn) -> list[tuple[str, float, bytes]]:
    """A few edits: what, where (a share of the length), and with which bytes."""
    edit = st.tuples(
        st.sampled_from(["change", "flip", "insert", "remove", "cut", "double", "splice"]),
        st.floats(0, 1),
        st.one_of(st.sampled_from(ODD), st.binary(max_size=6)),
    )
    return draw(st.lists(edit, min_size=1, max_size=4))


def damaged(data: bytes, edits: list[tuple[str, float, bytes]]) -> bytes:
    """The bytes after the edits."""
    for what, share, new in edits:
        at = int(share * len(data))
        if what == "change":
            data = data[:at] + new + data[at + len(new) :]
        elif what == "flip" and data:
            at = min(at, len(data) - 1)
            data = data[:at] + bytes([data[at] ^ (1 << len(new) % 8)]) + data[at + 1 :]
        elif what == "splice":  # a piece of another specimen
            other = list(WHOLE.values())[sum(new) % len(WHOLE)]
            start = int(share * len(other))
            data = data[:at] + other[start : start + 40] + data[at:]
        elif what == "insert":
            data = data[:at] + new + data[at:]
        elif what == "remove":
            data = data[:at] + data[at + max(1, len(new)) :]
        elif what == "cut":
            data = data[:at]
        else:
            data = data[:at] + data[at // 2 :]
    return data


def holds(folder, name: str, data: bytes) -> None:
    """The file is refused in words, or what loads is finite, distinct and of one shape."""
    try:
        found = load(written(folder, name, data))
    except AttnError as error:
        said = str(error)
    else:
        _is_right(found)
        magic = WHOLE[name][: 6 if name.endswith(".xz") else 4]
        if name in CHECKED and data.startswith(magic):  # else it became another file
            _is_same(found, name)
        said = "nothing"
    assert 0 < len(said) < 600


def _is_right(found: Loaded) -> None:
    assert found.matrix.shape == (len(found.words), found.matrix.shape[1])
    assert np.isfinite(found.matrix).all()
    assert len(set(found.words)) == len(found.words) > 0


def _is_same(found: Loaded, name: str) -> None:
    """What was packed with a checksum is there as it was."""
    words = SINGLE if name.startswith("b.") else list(WORDS)
    assert found.words == words
    if not name.startswith("f."):  # its vectors are means with those of its n-grams
        assert found.matrix.tobytes() == MATRIX[: len(words)].tobytes()


@pytest.mark.parametrize("name", WHOLE)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(edits=damage())
def test_a_damaged_file_ends_clean(tmp_path, name, edits):
    """Whatever is changed, put in, taken out, cut or doubled."""
    if name == "v.npy":
        written(tmp_path, "v.words.txt", "\n".join(WORDS).encode())
    holds(tmp_path, name, damaged(WHOLE[name], edits))


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(tokenizer=damage(), tensors=damage(), which=st.sampled_from(["both", "one", "other"]))
def test_a_damaged_folder_ends_clean(tmp_path, tokenizer, tensors, which):
    """Static embeddings whose two files are damaged, and so contradict each other."""
    vocabulary = {word: row for row, word in enumerate(WORDS)}
    settings = json.dumps({"model": {"type": "WordPiece", "vocab": vocabulary}}).encode()
    matrix = safetensors(name="embeddings")
    written(
        tmp_path, "tokenizer.json", settings if which == "other" else damaged(settings, tokenizer)
    )
    written(tmp_path, "model.safetensors", matrix if which == "one" else damaged(matrix, tensors))
    said = "nothing"
    try:
        _is_right(load(tmp_path))
    except AttnError as error:
        said = str(error)
    assert 0 < len(said) < 600


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    head=st.sampled_from(
        [b"", b"3 4\n", b"\x93NUMPY\x01\x00", b"\x80\x04", b"PK\x03\x04", b"\x1f\x8b\x08"]
    ),
    data=st.binary(max_size=300),
    suffix=st.sampled_from([".txt", ".bin", ".kv", ".npz", ".safetensors", ""]),
)
def test_any_bytes_end_clean(tmp_path, head, data, suffix):
    """Noise behind the beginning of each format."""
    holds(tmp_path, f"x{suffix}", head + data)
