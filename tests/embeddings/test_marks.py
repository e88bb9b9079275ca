"""Laws of subword vocabularies: a word is the token that begins a word, whatever marks it so."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plain_lookup import look_up

from attncli.embeddings.cache import building
from attncli.embeddings.cache.building import build_store
from attncli.embeddings.cache.checked import read_facts, write_facts
from attncli.embeddings.cache.entries import Cache
from attncli.embeddings.marks import Marks, marks_of, names
from attncli.embeddings.named_stores import convert, open_word_vectors, stored
from attncli.embeddings.readers.any_format import ReadOptions, open_reading
from attncli.embeddings.scanning import ScannedStore
from attncli.embeddings.source import VectorsSource
from attncli.embeddings.store import FolderStore, MemoryStore
from attncli.errors import MissingExtraError
from attncli.files.access import DEFAULT_ACCESS, Access
from attncli.reading.lookup import find
from tests.vector_files import safetensors, text

BEGIN, BYTES, END = (
    Marks(k, m.encode()) for k, m in (("begins", "▁"), ("bytes", "Ġ"), ("ends", "</w>"))
)  # type: ignore[arg-type]
# Tokens of each kind of vocabulary, and what they are called.
KINDS = {
    "▁": {
        **{"<unk>": "<unk>", "▁money": "money", "▁bank": "bank", "bank": "##bank", "s": "##s"},
        **{"▁": "▁", "▁café": "café", "▁new▁york": "new▁york", "<0x0A>": "<0x0A>"},
    },
    "Ġ": {
        **{"<|endoftext|>": "<|endoftext|>", "Ġmoney": "money", "Ġbank": "bank", "bank": "##bank"},
        **{"Ġ": "Ġ", "ĠcafÃ©": "café", "Ã©": "##é", "Ã": "##<0xC3>", "Ċ": "##<0x0A>", "ĠØ¨": "ب"},
    },
    "</w>": {"bank</w>": "bank", "bank": "bank@@", "s</w>": "s", "money</w>": "money", "s": "s@@"},
    "letters</w>": {
        **{"<|startoftext|>": "<|startoftext|>", "bank</w>": "bank", "money</w>": "money"},
        **{"cafÃ©</w>": "café", "Ã©</w>": "é", "Ã©": "é@@", "Ø¨</w>": "ب", "Ã": "<0xC3>@@"},
    },
    "latin</w>": {"café</w>": "café", "é</w>": "é", "naïve</w>": "naïve", "ïv": "ïv@@"},
    "##": {"[UNK]": "[UNK]", "bank": "bank", "##bank": "##bank", "##s": "##s", "money": "money"},
    "@@": {"ba@@": "ba@@", "bank": "bank", "money": "money", "nk": "nk"},
}


def matrix(n: int) -> np.ndarray:
    """Rows that differ, (n, 3)."""
    return np.arange(3 * n, dtype=np.float32).reshape(n, 3) + 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("road", ["memory", "cached", "scanned"])
@pytest.mark.parametrize("suffix", ["txt", "bin", "npz", "safetensors"])
def test_files_of_tokens_give_words(
    tmp_path: Path, kind: str, road: str, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In every format and on every road, each token is the word or the piece that it stands for."""
    from attncli.embeddings.exporting import export_store

    tokens, path = KINDS[kind], tmp_path / f"v.{suffix}"
    export_store(MemoryStore("tokens", list(tokens), matrix(len(tokens))), str(path))
    monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path / "cache"))
    store: Any
    if road == "scanned":
        store = ScannedStore("v", path, ReadOptions(), lambda kind, text: None)
        store.prefetch(tokens.values())
    elif road == "cached":
        folder = tmp_path / "store"
        folder.mkdir()
        build_store(folder, open_reading(path), str(path), facts={"name": "v"})
        store = FolderStore(folder)
    else:
        store = open_word_vectors(path)
    for row, word in enumerate(tokens.values()):
        hit = find(store, word)
        assert hit is not None
        assert hit[1:] == (word, "exact")
        assert store.vectors([hit[0]])[0].tolist() == matrix(len(tokens))[row].tolist()


@pytest.mark.parametrize("word", ["▁bank", "Ġbank", "bank</w>"])
def test_a_token_as_it_was_written_is_its_word(word: str) -> None:
    """Who asks for the token with its mark gets its word's vector."""
    store = MemoryStore("v", ["bank", "##bank"], matrix(2))
    assert find(store, word) == (0, "bank", "marked")


@pytest.mark.parametrize(
    "words",
    [
        ["▁", "bank", "money"],
        ["▁bank", "bank", "money", "grows"],
        ["Ġorġ", "Ġunju", "dar", "żmien", "ħobż", "bieb", "triq", "baħar", "xemx", "qamar", "jum"],
        ["Ġorġ", "Ġunju", "żmien", "ħobż"],
        ["a</w>", "b", "c"],
        ["bank", "money"],
    ],
)
def test_a_few_marks_make_no_marked_vocabulary(words: list[str]) -> None:
    """A word that happens to look like a token changes nothing: all words stay as they are."""
    assert marks_of([word.encode() for word in words]) is None


def test_a_mark_among_plain_words_is_found_too() -> None:
    """Where a vocabulary is not a marked one, a word may still be there with a mark only."""
    store = MemoryStore("v", ["bank", "money", "grows", "▁river"], matrix(4))
    assert find(store, "River") == (3, "▁river", "marked")
    assert find(store, "bank") == (0, "bank", "exact")


tokens = st.text(alphabet="ab▁Ġ#@é<>/w银", max_size=6).map(str.encode)


@given(
    st.lists(tokens, unique=True, max_size=30),
    st.sampled_from(
        [BEGIN, BYTES, END, Marks("ends", b"</w>", letters=True), Marks("continues", b"@")]
    ),
)
def test_no_two_tokens_become_one(vocabulary: list[bytes], marks: Marks) -> None:
    """Names are as many as tokens, and words of the plain kind are told by their token alone."""
    named = names(vocabulary, marks)
    assert len(set(named)) == len(vocabulary)
    for token, name in zip(vocabulary, named, strict=True):
        assert name in (token, marks.name(token))


def test_ideographs_inside_a_text_are_words_too() -> None:
    """Scripts without spaces have few words at a text's beginning: the piece is the word."""
    store = MemoryStore("v", ["我", "##银行", "##bank"], matrix(3))
    assert find(store, "银行") == (1, "##银行", "marked")
    assert find(store, "bank") is None


# folders, held to the `tokenizers` library

SENTENCE = "The Cafés in Zürich, bankers and rebanking naïve l’eau 银行 سلام"


def tokenizer_of(kind: str) -> Any:
    """A small tokenizer of each kind, with its own normalizer."""
    tokenizers = pytest.importorskip("tokenizers")
    models, pre, norm = tokenizers.models, tokenizers.pre_tokenizers, tokenizers.normalizers
    letters = sorted({*"abcdefghijklmnopqrstuvwxyz銀银行سلام’é"})
    if kind == "WordPiece":
        vocabulary = ["[UNK]", "cafe", "##s", "bank", "##ers", "##ing", "re", "##bank", "the"]
        numbers = {token: i for i, token in enumerate(vocabulary)}
        made = tokenizers.Tokenizer(models.WordPiece(numbers, unk_token="[UNK]"))
        made.normalizer, made.pre_tokenizer = norm.BertNormalizer(), pre.BertPreTokenizer()
        return made
    if kind == "Unigram":
        words = ["<unk>", "▁cafe", "▁bank", "bank", "▁the", "▁re", "ing", "ers", "▁", *letters]
        scores = [(token, -float(i + 1)) for i, token in enumerate(words)]
        made = tokenizers.Tokenizer(models.Unigram(scores, unk_id=0, byte_fallback=False))
        made.normalizer = norm.Sequence([norm.NFKD(), norm.StripAccents(), norm.Lowercase()])
        made.pre_tokenizer = pre.Metaspace()
        return made
    if kind == "byte BPE":
        alphabet = sorted(pre.ByteLevel.alphabet())
        merges = [("b", "a"), ("n", "k"), ("ba", "nk"), ("Ġ", "bank"), ("e", "r"), ("Ã", "©")]
        numbers = {token: i for i, token in enumerate([*alphabet, *map("".join, merges)])}
        made = tokenizers.Tokenizer(models.BPE(numbers, merges))
        made.pre_tokenizer = pre.ByteLevel(add_prefix_space=True)
        made.decoder = tokenizers.decoders.ByteLevel()
        return made
    if kind == "CLIP":  # letters for bytes, and words that end with a mark
        alphabet = sorted(pre.ByteLevel.alphabet())
        merges = [("b", "a"), ("n", "k</w>"), ("ba", "nk</w>"), ("Ã", "©</w>"), ("e", "r")]
        tokens = [*alphabet, *(letter + "</w>" for letter in alphabet), *map("".join, merges)]
        numbers = {token: i for i, token in enumerate(tokens)}
        made = tokenizers.Tokenizer(models.BPE(numbers, merges, end_of_word_suffix="</w>"))
        made.normalizer = norm.Sequence([norm.NFC(), norm.Lowercase()])
        made.pre_tokenizer = pre.ByteLevel(add_prefix_space=False)
        made.decoder = tokenizers.decoders.ByteLevel()
        return made
    ends = [letter + "</w>" for letter in letters]
    merges = [("b", "a"), ("ba", "n"), ("ban", "k</w>"), ("e", "r"), ("er", "s</w>")]
    numbers = {
        token: i for i, token in enumerate(["<unk>", *letters, *ends, *map("".join, merges)])
    }
    made = tokenizers.Tokenizer(
        models.BPE(numbers, merges, unk_token="<unk>", end_of_word_suffix="</w>")
    )
    made.normalizer, made.pre_tokenizer = norm.Lowercase(), pre.Whitespace()
    return made


def folder_of(made: Any, folder: Path) -> np.ndarray:
    """A static-embedding folder of the tokenizer; gives its matrix."""
    rows = np.random.default_rng(3).normal(size=(made.get_vocab_size(), 5)).astype(np.float32)
    folder.mkdir(exist_ok=True)
    made.save(str(folder / "tokenizer.json"))
    (folder / "model.safetensors").write_bytes(safetensors((), rows, name="embeddings"))
    return rows


@pytest.mark.parametrize("kind", ["WordPiece", "Unigram", "byte BPE", "BPE", "CLIP"])
@pytest.mark.parametrize("cached", [False, True])
def test_unknown_words_have_the_pieces_of_the_folders_tokenizer(
    tmp_path: Path, kind: str, cached: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--oov subword is the mean of the rows of what the tokenizer cuts a word into, without the
    unknown token, lower case and accents included.
    """
    made = tokenizer_of(kind)
    rows = folder_of(made, tmp_path / "static")
    monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path / "cache"))
    store = open_word_vectors(tmp_path / "static", access=Access(cached=cached))
    assert isinstance(store, FolderStore) == cached
    unknown = made.token_to_id("[UNK]" if kind == "WordPiece" else "<unk>")
    for word in (*SENTENCE.split(), "e\u0301te\u0301", "ba\u00adnkers", "Bank"):
        subwords = store.subwords  # type: ignore[attr-defined]  # both kinds have them
        ids = [i for i in made.encode(word, add_special_tokens=False).ids if i != unknown]
        found = subwords.vector(word)
        assert (found is None) == (not ids), word
        if ids:
            np.testing.assert_allclose(found, rows[ids].mean(axis=0), rtol=1e-6)


@pytest.mark.parametrize("kind", ["WordPiece", "Unigram", "byte BPE", "BPE", "CLIP"])
def test_known_words_are_what_the_folders_tokenizer_reads(tmp_path: Path, kind: str) -> None:
    """A word whose tokenization is one token has that token's row."""
    made = tokenizer_of(kind)
    rows = folder_of(made, tmp_path)
    store = open_word_vectors(tmp_path, access=Access(cached=False))
    for word in ("bank", "the", "cafe", "b", "é"):
        ids = made.encode(word, add_special_tokens=False).ids
        if len(ids) == 1 and ids != [made.token_to_id("[UNK]")]:
            assert look_up(store, [word]).vectors.tolist() == rows[ids].tolist(), word
    ids = made.encode("bank", add_special_tokens=False).ids
    assert len(ids) == 1


def test_pieces_need_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, --oov subword ends with the line that installs it; known words are found."""
    folder_of(tokenizer_of("Unigram"), tmp_path)
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    store = open_word_vectors(tmp_path, access=Access(cached=False))
    assert look_up(store, ["bank"]).statuses == ("exact",)
    with pytest.raises(MissingExtraError):
        look_up(store, ["bankers"], oov="subword")


def test_words_of_an_older_rule_are_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry of the cache without the rule of today is not read where the rule matters."""
    monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path / "cache"))
    plain, marked = tmp_path / "plain.txt", tmp_path / "marked.txt"
    plain.write_bytes(text())
    marked.write_bytes(text(list(KINDS["▁"]), matrix(9)))
    for path in (plain, marked):
        source = VectorsSource(str(path))
        key = source.key()
        assert key is not None
        with monkeypatch.context() as older:
            older.setattr(building, "names", lambda words, marks: words)
            convert(Cache(), key, source, DEFAULT_ACCESS)
        meta = tmp_path / "cache" / "vectors" / f"v2-{key}" / "meta.json"
        facts = read_facts(meta)
        del facts["naming"]
        write_facts(meta, facts)
    assert stored(str(plain)) is not None  # as good as ever
    assert stored(str(marked)) is None
    hit = find(open_word_vectors(marked), "bank")
    assert hit is not None
    assert hit[0] == list(KINDS["▁"]).index("▁bank")


@pytest.mark.parametrize(
    ("kind", "stays"), [("letters</w>", False), ("latin</w>", True), ("▁", True)]
)
def test_letters_of_an_older_rule_are_made_again(
    tmp_path: Path, kind: str, stays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An entry whose rule took letters for bytes for words is made again, and no other."""
    monkeypatch.setenv("ATTN_CACHE_DIR", str(tmp_path / "cache"))
    tokens, path = list(KINDS[kind]), tmp_path / "v.txt"
    path.write_bytes(text(tokens, matrix(len(tokens))))
    source = VectorsSource(str(path))
    key = source.key()
    assert key is not None
    with monkeypatch.context() as older:
        ends = Marks("ends", b"</w>")
        older.setattr(
            building, "names", lambda words, marks: names(words, ends if marks.letters else marks)
        )
        older.setattr(building, "NAMING", 1)
        convert(Cache(), key, source, DEFAULT_ACCESS)
    assert (stored(str(path)) is not None) is stays
    for row, word in enumerate(KINDS[kind].values()):
        assert find(open_word_vectors(path), word) == (row, word, "exact")


_TOKENS = st.text("▁Ġ</w>ab\n", max_size=6).map(lambda text: text.encode())


@given(st.lists(_TOKENS, max_size=12, unique=True))
def test_marks_are_those_that_a_fifth_carries(words: list[bytes]) -> None:
    """As counted word by word: a fifth of them, and two at least."""
    enough = max(2, 0.2 * len(words))
    begins = [word for word in words if word.startswith("▁".encode()) and len(word) > 3]
    ends = [word for word in words if word.endswith(b"</w>") and len(word) > 4]
    marks = marks_of(words)
    if len(begins) >= enough:
        assert marks is not None
        assert marks.kind == "begins"
    elif marks is None or marks.kind != "bytes":
        assert (marks is not None) == (len(ends) >= enough)
