"""Laws of the stores: words → rows → vectors, read-only, opened without reading everything."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.embeddings.cache.building import write_array, write_words
from attncli.embeddings.protocols import encoded_word
from attncli.embeddings.store import STORE_FORMAT, FolderStore, MemoryStore, content_hash
from attncli.errors import DataError, InputError

WORDS = ["the", "bank", "it's", "né", "बैंक", "🏦", "a b", "", "\\n", "x\ny", "\udcff"]


@pytest.fixture
def matrix():
    """Values that a careless writer would lose: denormals, −0, the largest floats."""
    values = np.random.default_rng(0).standard_normal((len(WORDS), 3)).astype(np.float32)
    values[0] = [1e-45, -0.0, 3.4028235e38]
    return values


@pytest.fixture
def folder(tmp_path, matrix):
    """A store folder of these words."""
    write_array(tmp_path / "vectors.npy", matrix)
    write_words(tmp_path, [encoded_word(word) for word in WORDS])
    facts = {"format": STORE_FORMAT, "words": len(WORDS), "dim": 3, "name": "odd-words"}
    facts |= {"sha256": content_hash(WORDS, matrix), "source": "made up"}
    (tmp_path / "meta.json").write_text(json.dumps(facts), encoding="utf-8")
    return tmp_path


def test_a_written_store_reads_back_bit_for_bit(folder, matrix):
    """Every word finds its row, every row its word and the very bits of its vector."""
    store = FolderStore(folder)
    assert (store.name, store.dim, store.words) == ("odd-words", 3, len(WORDS))
    assert [store.row(word) for word in WORDS] == list(range(len(WORDS)))
    assert [store.word(row) for row in range(len(WORDS))] == WORDS
    assert all(store.has_word(word) for word in WORDS)
    found = store.vectors(range(len(WORDS)))
    np.testing.assert_array_equal(found.view(np.uint32), matrix.view(np.uint32))
    assert store.meta["source"] == "made up"


@pytest.mark.parametrize("word", ["thee", "th", "THE", "ne\u0301", "b", " "])
def test_a_word_that_is_not_there_has_no_row(folder, word):
    """Prefixes, other cases and other spellings are not found by the store itself."""
    store = FolderStore(folder)
    assert store.row(word) is None
    assert not store.has_word(word)


def test_a_store_cannot_be_written_to(folder):
    """The matrix is read-only; vectors that are handed out are copies."""
    store = FolderStore(folder)
    with pytest.raises(ValueError, match="read-only"):
        store.matrix[0, 0] = 1
    handed = store.vectors([1])
    handed[0] = 9
    assert store.vectors([1])[0, 0] != 9


def test_the_hash_names_words_and_values(matrix):
    """Another word, value, order or word end gives another hash; the same content the same."""
    hashes = {
        content_hash(WORDS, matrix),
        content_hash(WORDS[::-1], matrix),
        content_hash([*WORDS[:-1], "z"], matrix),
        content_hash(WORDS, matrix + 1),
        content_hash(["a", "b\nc"], matrix[:2]),
        content_hash(["a\nb", "c"], matrix[:2]),
        content_hash(["a\\nb", "c"], matrix[:2]),
    }
    assert len(hashes) == 7
    assert content_hash(iter(WORDS), np.asfortranarray(matrix)) == content_hash(WORDS, matrix)


def test_a_missing_store_is_no_input(tmp_path):
    """A folder without meta.json cannot be opened."""
    with pytest.raises(InputError, match=r"meta\.json"):
        FolderStore(tmp_path / "none")


def _meta(change):
    def damage(folder):
        path = folder / "meta.json"
        meta = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(change(meta), encoding="utf-8")

    return damage


def _replaced(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def _cut(name):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-7])


DAMAGES = {
    "no JSON": _meta(lambda meta: "{"),
    "a list": _meta(lambda meta: "[]"),
    "another format": _meta(lambda meta: json.dumps({**meta, "format": 99})),
    "words not a number": _meta(lambda meta: json.dumps({**meta, "words": "many"})),
    "one word more": _meta(lambda meta: json.dumps({**meta, "words": meta["words"] + 1})),
    "no dim": _meta(lambda meta: json.dumps({k: v for k, v in meta.items() if k != "dim"})),
    "matrix cut": _cut("vectors.npy"),
    "matrix empty": _replaced("vectors.npy", b""),
    "matrix of objects": lambda folder: np.save(
        folder / "vectors.npy", np.empty((len(WORDS), 3), dtype=object), allow_pickle=True
    ),
    "matrix of float64": lambda folder: np.save(folder / "vectors.npy", np.zeros((len(WORDS), 3))),
    "rows cut": _cut("rows.npy"),
    "trie of noise": _replaced("words.marisa", b"noise" * 99),
    "trie empty": _replaced("words.marisa", b""),
    "trie of other words": lambda folder: _other_trie(folder),
}


def _other_trie(folder):
    import marisa_trie

    marisa_trie.BinaryTrie([b"one", b"two"]).save(str(folder / "words.marisa"))


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_store_is_said_to_be_damaged(folder, damage):
    """Whatever part contradicts the others: a DataError that names the file, never wrong vectors."""
    damage(folder)
    with pytest.raises(DataError) as caught:
        FolderStore(folder)
    assert str(folder) in str(caught.value)


def test_a_missing_part_is_no_input(folder):
    """A folder that lost a file names the file."""
    for name in ("words.marisa", "rows.npy", "vectors.npy"):
        (folder / name).unlink()
        with pytest.raises((InputError, DataError), match=name):
            FolderStore(folder)


def test_the_first_of_equal_words_counts():
    """In a MemoryStore a word given twice keeps its first row."""
    store = MemoryStore("twice", ["a", "b", "a"], np.eye(3, dtype=np.float32))
    assert (store.row("a"), store.words, store.word(2)) == (0, 3, "a")


@given(st.integers(0, 5), st.integers(0, 5))
def test_memory_store_rows_must_match_words(n_words, n_rows):
    """As many rows as words, or a DataError."""
    words = [str(i) for i in range(n_words)]
    if n_words == n_rows:
        assert MemoryStore("m", words, np.zeros((n_rows, 2), dtype=np.float32)).dim == 2
    else:
        with pytest.raises(DataError):
            MemoryStore("m", words, np.zeros((n_rows, 2), dtype=np.float32))
