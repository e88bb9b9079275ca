"""Matrices with their words: npz, npy, safetensors, and folders of static models."""

import io
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from vector_files import (
    MATRIX,
    WORDS,
    npy,
    npz,
    safetensors,
    tensors,
    written,
    zipped,
)
from vector_loads import failing, same

from attncli.embeddings.readers.loading import load
from attncli.errors import AttnError, DataError, RefusedError


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


@pytest.mark.parametrize("kind", ["<U0", "|S0"])
def test_words_without_letters_are_refused(tmp_path: Path, kind: str) -> None:
    """However many the header claims: they take no byte, so their number is not borne out."""
    data = zipped(
        {"words.npy": header_of("(1099511627776,)", repr(kind)), "vectors.npy": npy(MATRIX)}
    )
    assert "words of no letters" in failing(tmp_path, data, DataError, "v.npz")


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
        (b'{"a": 1, "a": 2}', b"", "names \"a\" twice"),
        (b'{"a"', b"", "no JSON"),
        (b"{" * 100_000, b"", "no JSON"),
        (b"[]", b"", "cannot tell|no numbers|JSON"),
        ({"__metadata__": {"words": 5}}, b"", "metadata must be text"),
        ({"__metadata__": {"words": "[1, 2]"}, "vectors": {"dtype": "F32", "shape": [2, 1],
          "data_offsets": [0, 8]}}, b"\0" * 8, "expected a list of 2 words"),
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
    pytest.importorskip("tokenizers")
    vocabulary = {"[UNK]": 0, "bank": 1, "##ing": 2, "money": 3}
    tokenizer = {
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": vocabulary,
        },
        "normalizer": {"type": "Lowercase"},
        "added_tokens": [],
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
