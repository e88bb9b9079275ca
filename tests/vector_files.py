"""Vectors in every format, as bytes: small, whole files from which tests make broken ones."""

import io
import json
import pickle
import pickletools
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

WORDS = ("the", "cat", "sat", "on", "mat", "bank", "money", "grows", "n't", "new york")
DIM = 4
MATRIX = np.random.default_rng(7).normal(size=(len(WORDS), DIM)).astype(np.float32)


def text(
    words: Sequence[str] = WORDS,
    matrix: np.ndarray = MATRIX,
    *,
    header: bool = False,
    end: str = "\n",
    sep: str = " ",
) -> bytes:
    """GloVe text, or word2vec text with `header`."""
    lines = [f"{len(words)} {matrix.shape[1]}"] if header else []
    lines += [
        word + sep + sep.join(map(repr, row.tolist()))
        for word, row in zip(words, matrix, strict=True)
    ]
    return (end.join(lines) + end).encode("utf-8", "surrogateescape")


def word2vec_binary(
    words: Sequence[str] = WORDS, matrix: np.ndarray = MATRIX, *, newline: bool = False
) -> bytes:
    """word2vec binary; with `newline` as word2vec.c writes it, else as gensim does."""
    body = b"".join(
        word.encode() + b" " + row.astype("<f4").tobytes() + (b"\n" if newline else b"")
        for word, row in zip(words, matrix, strict=True)
    )
    return f"{len(words)} {matrix.shape[1]}\n".encode() + body


def npz(words: object = WORDS, matrix: np.ndarray = MATRIX, *, packed: bool = True) -> bytes:
    """An .npz with `words` and `vectors`."""
    out = io.BytesIO()
    save = np.savez_compressed if packed else np.savez
    save(out, words=np.array(words), vectors=matrix)
    return out.getvalue()


def npy(matrix: np.ndarray) -> bytes:
    """A .npy file."""
    out = io.BytesIO()
    np.save(out, matrix)
    return out.getvalue()


def safetensors(
    words: Sequence[str] = WORDS, matrix: np.ndarray = MATRIX, *, name: str = "vectors"
) -> bytes:
    """A safetensors file with the words in its metadata."""
    data = matrix.astype("<f4").tobytes()
    header = {
        "__metadata__": {"words": json.dumps(list(words))},
        name: {"dtype": "F32", "shape": list(matrix.shape), "data_offsets": [0, len(data)]},
    }
    return tensors(header, data)


def tensors(header: object, data: bytes) -> bytes:
    """A safetensors file with any header."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + data


def fasttext(
    words: Sequence[str] = WORDS,
    matrix: np.ndarray = MATRIX,
    *,
    buckets: int = 20,
    version: int = 12,
    quantized: bool = False,
    labels: int = 0,
    entry: int = 0,
    dim: int | None = None,
    **sizes: int,
) -> bytes:
    """A fastText model; every field can be made to lie."""
    dim = matrix.shape[1] if dim is None else dim
    ngrams = np.random.default_rng(3).normal(size=(buckets, matrix.shape[1])).astype("<f4")
    rows = np.concatenate([matrix.astype("<f4"), ngrams])
    settings = [
        dim,
        5,
        5,
        1,
        5,
        1,
        2,
        2,
        sizes.get("bucket", buckets),
        3,
        sizes.get("maxn", 6),
        100,
    ]
    out = struct.pack("<2i", 793712314, version) + struct.pack("<12id", *settings, 1e-4)
    n_words = sizes.get("n_words", len(words))
    out += struct.pack("<3iq", sizes.get("size", n_words), n_words, labels, 1000)
    out += struct.pack("<q", sizes.get("pruned", -1))
    for word in words:
        out += word.encode("utf-8", "surrogateescape") + b"\0" + struct.pack("<qb", 9, entry)
    out += struct.pack("<?2q", quantized, sizes.get("rows", len(rows)), matrix.shape[1])
    out += rows.tobytes()
    return out + struct.pack("<?2q", False, len(words), matrix.shape[1]) + matrix.tobytes()


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip archive."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def written(folder: Path, name: str, data: bytes) -> Path:
    """A file with these bytes."""
    path = folder / name
    path.write_bytes(data)
    return path


def keyed_vectors(protocol: int = 4, matrix: np.ndarray = MATRIX, **state: object) -> bytes:
    """A genuine-looking gensim 4 KeyedVectors pickle, made without gensim."""
    whole = {
        "vector_size": matrix.shape[1],
        "index_to_key": list(WORDS),
        "key_to_index": {word: row for row, word in enumerate(WORDS)},
        "vectors": matrix,
        "norms": None,
        "expandos": {},
        "__numpys": [],
        "__scipys": [],
        "__ignoreds": [],
        "__recursive_saveloads": [],
        **state,
    }
    body = pickle.dumps(whole, protocol=protocol)
    head = b"\x80" + bytes([max(protocol, 2)]) + b"cgensim.models.keyedvectors\nKeyedVectors\n)\x81"
    inner = body[2:] if protocol >= 2 else body
    if protocol >= 4:  # the frame would end before ours does
        inner = b"".join(_unframed(body))
    return head + inner[:-1] + b"b."


def _unframed(body: bytes) -> list[bytes]:
    at, parts = 2, []
    for code, _, place in pickletools.genops(body):
        if code.name == "FRAME":
            parts.append(body[at:place])
            at = place + 9
    return [*parts, body[at:]]
