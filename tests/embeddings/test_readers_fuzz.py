"""Any bytes end clean: damaged files of every format raise only errors of ours, or load rightly.

ATTN_FUZZ=100000 pytest tests/embeddings/test_readers_fuzz.py runs longer.
"""

import bz2
import gzip
import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
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

from attncli.embeddings.readers.loading import Loaded, load
from attncli.errors import AttnError

SINGLE = [word for word in WORDS if " " not in word]
WHOLE = {
    "g.txt": text(),
    "w.txt": text(header=True),
    "b.bin": word2vec_binary(SINGLE, MATRIX[: len(SINGLE)]),
    "f.bin": fasttext(),
    "k.kv": keyed_vectors(),
    "v.npz": npz(),
    "s.safetensors": safetensors(),
    "g.gz": gzip.compress(text()),
    "g.bz2": bz2.compress(text()),
    "g.zip": zipped({"g.txt": text()}),
}
EXAMPLES = int(os.environ.get("ATTN_FUZZ", "120"))
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
]


@st.composite
def damage(draw: st.DrawFn) -> list[tuple[str, float, bytes]]:
    """A few edits: what, where (a share of the length), and with which bytes."""
    edit = st.tuples(
        st.sampled_from(["change", "insert", "remove", "cut", "double"]),
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
        said = "nothing"
    assert 0 < len(said) < 600


def _is_right(found: Loaded) -> None:
    assert found.matrix.shape == (len(found.words), found.matrix.shape[1])
    assert np.isfinite(found.matrix).all()
    assert len(set(found.words)) == len(found.words) > 0


@pytest.mark.parametrize("name", WHOLE)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(edits=damage())
def test_a_damaged_file_ends_clean(tmp_path, name, edits):
    """Whatever is changed, put in, taken out, cut or doubled."""
    holds(tmp_path, name, damaged(WHOLE[name], edits))


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
