"""Files made to do harm, by the place where they lie: each ends in one line, soon, in little memory."""

import json
import struct

import numpy as np
import pytest
from vector_files import MATRIX, WORDS, npy, tensors, text, written, zipped

from attncli.embeddings import named_stores as sources
from attncli.embeddings.named_stores import open_word_vectors
from attncli.embeddings.readers.loading import load
from attncli.errors import DataError, LimitError
from attncli.files.access import Access


def header(shape):
    """A .npy file whose header says this of its shape."""
    line = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(line)) + line + MATRIX.tobytes()


@pytest.mark.parametrize(
    "shape",
    ["(" + "9" * 4500 + ", 4)", "(9223372036854775808, 4)", "(1 0, 4)", "(" + "1," * 60 + ")"],
)
@pytest.mark.parametrize("form", ["npy", "npz"])
def test_a_shape_that_is_no_shape_is_refused(tmp_path, shape, form):
    """Thousands of digits, more than 64 bits, a space, sixty axes."""
    array = header(shape)
    written(tmp_path, "v.words.txt", "\n".join(WORDS).encode())
    members = {"vectors.npy": array, "words.npy": npy(np.array(WORDS))}
    path = written(tmp_path, f"v.{form}", array if form == "npy" else zipped(members))
    with pytest.raises(DataError):
        load(path)


def test_a_header_of_many_tensors_is_refused(tmp_path):
    """A file of vectors has a few."""
    empty = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    data = tensors(json.dumps({f"t{i}": empty for i in range(10_001)}).encode(), b"")
    with pytest.raises(DataError, match="10001 tensors"):
        load(written(tmp_path, "s.safetensors", data))


def test_a_header_much_larger_than_its_tensors_is_refused(tmp_path):
    """Before it is parsed, which would take several times its size."""
    data = tensors(b'{"a":"' + b"x" * (8 << 20) + b'"}', b"")
    with pytest.raises(DataError, match="the header takes 8388616 bytes, the tensors 0"):
        load(written(tmp_path, "s.safetensors", data))


def test_a_pickle_that_does_not_begin_with_a_model_is_not_read_on(tmp_path):
    """Millions of instructions that build numbers."""
    data = b"\x80\x02(" + b"K\x01" * 300_000 + b"l."
    with pytest.raises(DataError, match="does not begin with one"):
        load(written(tmp_path, "k.kv", data))


def test_an_endless_last_line_is_told_though_the_words_came_first(tmp_path, monkeypatch):
    """A search that ends early looks at the end of the file."""
    monkeypatch.setattr(sources, "_SMALL", 0)
    path = written(tmp_path, "g.txt", text() + b"x" * (5 << 20))
    store = open_word_vectors(path, access=Access(whole=False, cached=False))
    with pytest.raises(LimitError, match="a line of more than"):
        store.row("the")


def test_a_header_with_spaces_before_it_is_a_header(tmp_path):
    """Two counts, however they are set."""
    found = load(written(tmp_path, "w.txt", b"  " + text(header=True)))
    assert found.words == list(WORDS)
