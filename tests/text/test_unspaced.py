"""Laws of scripts without spaces: the vocabulary's words are found, the longest first, in place."""

import json
from collections.abc import Callable
from pathlib import Path
from unicodedata import category, normalize

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from attncli.embeddings.cache.building import build_store
from attncli.embeddings.readers.any_format import ReadOptions, open_reading
from attncli.embeddings.scanning import ScannedStore
from attncli.embeddings.store import FolderStore, MemoryStore
from attncli.reading.cutting import tokens_of
from attncli.reading.lookup import knows, word_lengths
from attncli.reading.reader import Reader, ReadingSettings
from attncli.text.unspaced import join_unspaced
from attncli.text.words import no_spaces, words
from tests.vector_files import text as as_text

VOCABULARY = [
    *(
        "我",
        "在",
        "银行",
        "银",
        "工作",
        "T恤",
        "北京",
        "北京大学",
        "大学生",
        "私",
        "銀行",
        "に",
        "が",
    ),
    *("ธนาคาร", "เงิน", "ไม", "ไม่", "បណ្ណាល័យ", "ທະນາຄານ", "ဘဏ်", "bank", "e-mail", "カタ", "カタカナ"),
]
STORE = MemoryStore("unspaced", VOCABULARY, np.eye(len(VOCABULARY), dtype=np.float32))


def cut(text: str, store: object = STORE) -> list[str]:
    """The texts of the tokens."""
    return [span.text for span in tokens_of(text, store, "words")]  # type: ignore[arg-type]  # a store


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("我在银行工作", ["我", "在", "银行", "工作"]),
        ("北京大学生", ["北京大学", "生"]),  # the longest from the left
        ("我穿T恤在iPhone银行", ["我", "穿", "T恤", "在", "iPhone", "银行"]),
        ("私は銀行に行く", ["私", "は", "銀行", "に", "行く"]),
        ("カタカナとカタ", ["カタカナ", "と", "カタ"]),
        ("ไม่มีเงินในธนาคาร", ["ไม่", "มี", "เงิน", "ใน", "ธนาคาร"]),  # not ไม without its tone
        ("ប្រទេសបណ្ណាល័យ", ["ប្រទេស", "បណ្ណាល័យ"]),
        ("ຢູ່ທະນາຄານ", ["ຢູ່", "ທະນາຄານ"]),
        ("ဘဏ်၊ bank", ["ဘဏ်", "bank"]),
        ("龘龘", ["龘", "龘"]),  # nothing is known: as UAX #29 cuts it
        ("我龘龘，银行 bank", ["我", "龘龘", "银行", "bank"]),
        ("か\u3099銀行", ["か\u3099", "銀行"]),  # が as macOS writes it
        ("银\u200b行", ["银\u200b行"]),  # nobody sees what parts them
    ],
)
def test_words_are_found_the_longest_first(text: str, tokens: list[str]) -> None:
    """Words of the vocabulary, and between them what is in none, each in its place."""
    assert cut(text) == tokens
    for span in tokens_of(text, STORE, "words"):
        assert text[span.start : span.end] == span.text


@pytest.mark.parametrize("tokenizer", ["whitespace", "chars"])
def test_other_tokenizers_keep_their_meaning(tokenizer: str) -> None:
    """White space and characters are what they are, whatever the vocabulary has."""
    pieces = [s.text for s in tokens_of("我在 银行", STORE, tokenizer)]  # type: ignore[arg-type]
    assert pieces == (["我在", "银行"] if tokenizer == "whitespace" else ["我", "在", "银", "行"])


alphabet = st.text(alphabet="银行北京大学生ไม่เงินTa カ。\u3099", max_size=20)
vocabularies = st.lists(
    st.text(alphabet="银行北京大学生ไม่เงินTaカ", min_size=1, max_size=4), unique=True, max_size=12
)


@given(alphabet, vocabularies)
def test_tokens_cover_what_they_did_and_every_known_word_is_whole(
    sentence: str, vocabulary: list[str]
) -> None:
    """No character comes or goes, and tokens that touch could not be joined to a longer known word."""
    known = set(vocabulary)
    found = words(sentence)
    tokens = join_unspaced(
        sentence, found, lambda text: {n for n in range(1, len(text) + 1) if text[:n] in known}
    )
    covered = {place for span in found for place in range(span.start, span.end)}
    places = [place for span in tokens for place in range(span.start, span.end)]
    assert places == sorted(covered)
    assert all(sentence[span.start : span.end] == span.text for span in tokens)
    ends = {span.end for span in found} | {
        place
        for span in found
        for place in range(span.start + 1, span.end)
        if no_spaces().match(span.text) and category(sentence[place])[0] not in "MC"
    }
    for span in tokens:
        for word in known if span.text in known else ():
            end = span.start + len(word)
            could = sentence.startswith(word, span.start) and end in ends
            whole = covered.issuperset(range(span.start, end))
            assert not (could and whole and end > span.end)


scripts = st.text(alphabet="ガプは東恤Tt店ทน้ำ#\u3099\u00ad'ཀྵİé", min_size=1, max_size=8)
encoded = st.tuples(scripts, st.sampled_from(["NFC", "NFD"])).map(
    lambda it: normalize(it[1], it[0])
)


@given(encoded, st.lists(encoded, max_size=6), st.sets(st.integers(1, 4)))
def test_words_are_known_in_any_encoding_and_case(
    sentence: str, others: list[str], cuts: set[int]
) -> None:
    """The lengths found by one walk are those of the beginnings that have some form in the store."""
    beginnings = [sentence[:n] for n in cuts]
    twins = [normalize(form, word.lower()) for word in beginnings for form in ("NFC", "NFD")]
    vocabulary = list(dict.fromkeys([*others, *twins, *(f"##{word}" for word in twins)]))
    store = MemoryStore("v", vocabulary, np.ones((len(vocabulary), 1), np.float32))
    known = {n for n in range(1, len(sentence) + 1) if knows(store)(sentence[:n])}
    assert word_lengths(store)(sentence) == known


@pytest.mark.parametrize("vocabulary", ["NFC", "NFD"])
@pytest.mark.parametrize("sentence", ["NFC", "NFD"])
def test_a_vocabulary_cuts_texts_of_both_normal_forms(vocabulary: str, sentence: str) -> None:
    """Composed or apart, in small letters or not, the same words are found."""
    text = normalize(sentence, "ガラスのプログラムとT恤")
    known = [normalize(vocabulary, word) for word in ("ガラス", "プログラム", "t恤")]
    store = MemoryStore("v", known, np.eye(3, dtype=np.float32))
    tokens = [normalize("NFC", word) for word in cut(text, store)]
    assert tokens == ["ガラス", "の", "プログラム", "と", "T恤"]


@pytest.mark.parametrize(
    "text", ["我在银行工作", "我穿T恤，北京大学生 bank", "ไม่มีเงินในธนาคาร", "龘银龘"]
)
def test_every_store_finds_the_same_words(tmp_path: Path, text: str) -> None:
    """In memory, in the cache and searched for in its file, a vocabulary cuts a sentence alike."""
    path = tmp_path / "v.txt"
    path.write_bytes(as_text(VOCABULARY, STORE.matrix))
    (tmp_path / "store").mkdir()
    build_store(tmp_path / "store", open_reading(path), str(path), facts={"name": "v"})
    passes: list[int] = []

    class Counting(ScannedStore):
        def _scan(self, groups: list[list[str]], new: list[str]) -> None:
            passes.append(len(new))
            super()._scan(groups, new)

    stores = [
        STORE,
        FolderStore(tmp_path / "store"),
        Counting("v", path, ReadOptions(), lambda kind, text: None),
    ]
    read: list[object] = []
    for store in stores:
        reader = Reader(store, ReadingSettings())  # type: ignore[arg-type]  # a store
        reader.start([text])
        run = reader.run(text)
        read.append(([(*token,) for token in run.tokens()], reader.vectors(run).tobytes()))
    assert read[0] == read[1] == read[2]
    assert len(passes) <= 2  # the words that may be there, and what is in none of them


def test_explain_and_batch_agree(command: Callable, tmp_path: Path) -> None:
    """Both commands print the same tokens and weights."""
    path, sentences = tmp_path / "v.txt", tmp_path / "s.txt"
    path.write_bytes(as_text(VOCABULARY, STORE.matrix))
    texts = ["我在银行工作", "我穿T恤", "ไม่มีเงิน", "我在银行工作"]
    sentences.write_text("\n".join(texts) + "\n", encoding="utf-8")
    out = command("batch", str(sentences), "--vectors", str(path)).out
    for text, line in zip(texts, out.splitlines(), strict=True):
        alone = json.loads(
            command("explain", text, "--vectors", str(path), "--json", "--precision", "6").out
        )
        together = json.loads(line)
        assert alone["tokens"] == together["tokens"]
        assert np.allclose(alone["weights"], together["weights"], atol=2e-6)
