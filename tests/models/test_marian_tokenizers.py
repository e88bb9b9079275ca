"""A Marian folder without tokenizer.json is read by its two models of SentencePiece and vocab.json."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from models.marian_files import VOCABULARY, numbered, write_marian_tokenizer
from text.spm_files import charsmap, spm_of_words

from attncli.errors import AttnError, DataError, LimitError
from attncli.models.pieces import Pieces, PieceTokenizer


@pytest.fixture(scope="module")
def marian(tmp_path_factory: pytest.TempPathFactory) -> PieceTokenizer:
    """A tokenizer of a dozen words."""
    return PieceTokenizer(write_marian_tokenizer(tmp_path_factory.mktemp("marian")))


def rows(pieces: Pieces) -> list[tuple[str, str, str]]:
    """Text, key and status of each piece."""
    return [(p.text, p.key, p.status) for p in pieces.pieces]


def test_words_have_the_ids_of_the_vocabulary(marian: PieceTokenizer) -> None:
    """What SentencePiece cuts and vocab.json lacks is unknown; </s> ends the text."""
    found = marian("the banks, grows.")
    assert rows(found) == [
        ("the", "▁the", "exact"),
        ("bank", "▁bank", "exact"),
        ("s", "s", "piece"),
        (",", ",", "unknown"),
        ("grows", "▁grows", "exact"),
        (".", ".", "unknown"),
        ("</s>", "</s>", "special"),
    ]
    assert found.ids == (7, 3, 9, 1, 4, 1, 0)
    assert set(found.types) == {0}
    assert marian.kind == "Unigram"
    assert marian.size == len(VOCABULARY)
    assert marian.doubt is None


def test_the_language_before_a_text_is_one_token(marian: PieceTokenizer) -> None:
    """Known or not, with or without a space behind it; anywhere else it is text."""
    found = marian(">>fra<< the bank")
    assert rows(found)[:2] == [(">>fra<<", ">>fra<<", "exact"), ("the", "▁the", "exact")]
    assert found.ids == (VOCABULARY.index(">>fra<<"), 7, 3, 0)
    assert rows(marian(">>xyz<<the"))[0] == (">>xyz<<", ">>xyz<<", "unknown")
    assert [row[1] for row in rows(marian("the >>fra<<"))] == [
        "▁the",
        "▁",
        ">>fr",
        "a",
        "<<",
        "</s>",
    ]


def test_the_target_is_cut_by_its_own_model(tmp_path: Path) -> None:
    """With the vocabulary of both, or its own where the folder has two."""
    folder = write_marian_tokenizer(tmp_path)
    tokenizer = PieceTokenizer(folder)
    assert tokenizer.target.kind == "BPE"
    own = ["<unk>", "</s>", "<pad>", "▁", "s", "n", "e"]
    (folder / "target_vocab.json").write_text(json.dumps(numbered(own)), "utf-8")
    assert tokenizer.target("s").ids == (VOCABULARY.index("▁"), VOCABULARY.index("s"), 0)
    write_marian_tokenizer(folder, separate_vocabs=True)
    assert PieceTokenizer(folder).target("s").ids == (3, 4, 1)
    assert PieceTokenizer(folder)("s").ids == (VOCABULARY.index("▁"), VOCABULARY.index("s"), 0)


def test_ids_are_spelled_as_a_text(marian: PieceTokenizer) -> None:
    """▁ is a space, but for the first; special tokens as they are."""
    ids = marian("the river banks")
    assert marian.text_of(ids.ids) == "the river banks</s>"
    assert marian.added_text(ids.ids[:1], ids.ids[1]) == " river"
    assert marian.entry(7) == "▁the"
    assert marian.special_tokens() == ["</s>", "<unk>", "<pad>"]


def test_special_tokens_in_a_text_are_themselves(marian: PieceTokenizer) -> None:
    """As transformers reads them, with a new beginning behind each."""
    assert [row[1] for row in rows(marian("the</s>bank <pad>"))] == [
        "▁the", "</s>", "▁bank", "<pad>", "</s>",
    ]  # fmt: skip


@pytest.mark.parametrize("most", range(1, 9))
def test_a_long_text_is_cut_and_still_ends(marian: PieceTokenizer, most: int) -> None:
    """Of a pair the longer one loses first; the end stays."""
    whole = marian("the bank grows the river")
    cut = marian("the bank grows the river", limit=most)
    assert cut.ids == (*whole.ids[:-1][: most - 1], 0)
    pair = marian("the bank grows the river", "the bank", limit=most)
    assert len(pair.ids) == min(most, 8)
    assert pair.ids[-1] == 0
    segments = [piece.segment for piece in pair.pieces[:-1]]
    assert abs(segments.count(0) - segments.count(1)) <= 1 or segments.count(1) == 2


@given(st.text(st.characters(exclude_categories=[]), max_size=30))
def test_every_piece_has_a_place_in_the_text(marian: PieceTokenizer, text: str) -> None:
    """Whatever the text, lone surrogates too."""
    for piece in marian(text).pieces:
        assert 0 <= piece.start <= piece.end <= len(text)
        if piece.status != "special":
            assert text[piece.start : piece.end] == piece.text


def test_the_library_tokenizers_is_not_needed(tmp_path: Path) -> None:
    """A Marian is read where it is not installed."""
    folder = write_marian_tokenizer(tmp_path)
    code = (
        "import sys; sys.modules['tokenizers'] = None\n"
        "from pathlib import Path\n"
        "from attncli.models.pieces import PieceTokenizer\n"
        f"print(PieceTokenizer(Path({str(folder)!r}))('the bank').ids)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "(7, 3, 0)"


def test_other_classes_keep_their_own_files(tmp_path: Path) -> None:
    """A folder that names another class is read by its tokenizer.json, which is missing here."""
    folder = write_marian_tokenizer(tmp_path, tokenizer_class="BartTokenizer")
    with pytest.raises(AttnError, match=r"tokenizer\.json"):
        PieceTokenizer(folder)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("source.spm", b"", "no pieces"),
        ("source.spm", b"\xff" * 40, "SentencePiece"),
        ("source.spm", spm_of_words(charsmap=b"\xff" * 40), "table of characters"),
        ("vocab.json", b"{", "no JSON"),
        ("vocab.json", b"[]", "JSON object"),
        ("vocab.json", b"{}", "is not in the vocabulary"),
        ("vocab.json", b'{"</s>": "0"}', "has no number"),
        ("vocab.json", b'{"</s>": -1}', "has the id -1"),
        ("vocab.json", b'{"</s>": 99999999999}', "has the id 99999999999"),
        ("tokenizer_config.json", b'{"eos_token": "<eos>"}', "eos_token"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    """One error, with the file."""
    folder = write_marian_tokenizer(tmp_path)
    (folder / "config.json").write_text('{"model_type": "marian"}', "utf-8")
    (folder / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        PieceTokenizer(folder)
    assert (name if name.endswith("spm") else ".json") in str(caught.value)


def test_a_table_that_makes_too_much_of_a_text_is_stopped(tmp_path: Path) -> None:
    """With the file named."""
    folder = write_marian_tokenizer(tmp_path)
    (folder / "source.spm").write_bytes(spm_of_words(charsmap=charsmap({"a": "b" * 10_000})))
    with pytest.raises(LimitError, match="letters") as caught:
        PieceTokenizer(folder)("a" * 1000)
    assert str(folder) in str(caught.value)
