"""Laws of the pieces a transformer reads."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from models.made import write_tokenizer

from attncli.errors import AttnError, DataError, InputError
from attncli.models.pieces import PieceTokenizer

pytest.importorskip("tokenizers")


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    """A WordPiece tokenizer of sixteen entries."""
    folder = tmp_path_factory.mktemp("bert")
    write_tokenizer(folder)
    return PieceTokenizer(folder)


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory):
    """A byte-level BPE with four merges."""
    folder = tmp_path_factory.mktemp("gpt2")
    write_tokenizer(folder, "gpt2")
    return PieceTokenizer(folder)


def rows(pieces):
    """Text, key and status of each piece."""
    return [(p.text, p.key, p.status) for p in pieces.pieces]


def test_words_and_their_pieces_are_told_apart(bert):
    """The first piece of a word begins it, the others continue it, special tokens have no text."""
    assert rows(bert("Unhappiness grows.")) == [
        ("[CLS]", "[CLS]", "special"),
        ("Un", "un", "lower"),
        ("happi", "##happi", "piece"),
        ("ness", "##ness", "piece"),
        ("grows", "grows", "exact"),
        (".", ".", "exact"),
        ("[SEP]", "[SEP]", "special"),
    ]


def test_an_unknown_word_keeps_its_place(bert):
    """What the vocabulary does not have is marked, with its own text."""
    assert rows(bert("old xyzzy"))[2] == ("xyzzy", "[UNK]", "unknown")


def test_a_pair_has_two_segments(bert):
    """Offsets count in each sentence's own text; ids and segments are those the model reads."""
    pieces = bert("money bank", "river bank flows")
    assert pieces.types == (0, 0, 0, 0, 1, 1, 1, 1)
    assert [p.segment for p in pieces.pieces] == [0, 0, 0, 0, 1, 1, 1, 1]
    assert pieces.pieces[5].text == "bank" == "river bank flows"[6:10]
    assert (pieces.pieces[5].start, pieces.pieces[5].end) == (6, 10)


def test_byte_level_pieces_lose_the_space_before_them(gpt2):
    """The space that byte-level BPE counts to a piece is in its key, not in its text."""
    pieces = gpt2("an bank").pieces
    assert [(p.text, p.key, p.start, p.end) for p in pieces] == [
        ("an", "an", 0, 2),
        ("bank", "Ġbank", 3, 7),
    ]


def test_truncation_and_padding_of_the_file_are_switched_off(tmp_path):
    """A tokenizer.json that cuts at 4 and pads to 8 changes nothing; a limit given here cuts."""
    made = write_tokenizer(tmp_path)
    made.enable_truncation(4)
    made.enable_padding(length=8)
    made.save(str(tmp_path / "tokenizer.json"))
    tokenizer = PieceTokenizer(tmp_path)
    sentence = "the old bank grows"
    assert len(tokenizer(sentence).ids) == 6
    assert [p.key for p in tokenizer(sentence, limit=4).pieces][1:3] == ["the", "old"]
    assert len(tokenizer(sentence).ids) == 6


TEXT = st.text(st.characters(codec=None), max_size=40)


@given(TEXT)
def test_offsets_slice_back_to_the_piece(bert, gpt2, text):
    """In any text, lone surrogates included, text[start:end] is the piece."""
    for tokenizer in (bert, gpt2):
        for piece in tokenizer(text).pieces:
            if piece.status != "special":
                assert text[piece.start : piece.end] == piece.text


@given(TEXT, TEXT)
def test_a_pair_reads_each_sentence_as_alone(bert, one, other):
    """The pieces of a pair are those of its two sentences."""
    together = [p.key for p in bert(one, other).pieces if p.status != "special"]
    apart = [p.key for text in (one, other) for p in bert(text).pieces if p.status != "special"]
    assert together == apart


def test_a_damaged_tokenizer_is_refused(tmp_path):
    """Every kind of damage is one clear error with the file's name."""
    path = tmp_path / "tokenizer.json"
    with pytest.raises(InputError):
        PieceTokenizer(tmp_path)
    for text in ("", "{}", "[", "null", json.dumps({"model": {"type": "Mine"}}), "\x00" * 40):
        path.write_text(text)
        with pytest.raises(DataError, match=r"tokenizer\.json"):
            PieceTokenizer(tmp_path)


def test_every_cut_of_a_tokenizer_is_refused(tmp_path):
    """A part is never taken for the whole."""
    write_tokenizer(tmp_path)
    path = tmp_path / "tokenizer.json"
    whole = path.read_bytes()
    for size in range(0, len(whole) - 2, 97):
        path.write_bytes(whole[:size])
        with pytest.raises(AttnError):
            PieceTokenizer(tmp_path)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (None, None),
        ({}, None),
        ({"tokenizer_class": "BertTokenizer"}, True),
        ({"tokenizer_class": "RobertaTokenizerFast"}, False),
        ({"tokenizer_class": "RobertaTokenizer", "model_input_names": ["token_type_ids"]}, True),
        ({"tokenizer_class": "BertTokenizer", "model_input_names": ["input_ids"]}, False),
    ],
)
def test_the_tokenizer_says_whether_the_model_is_told_of_segments(tmp_path, config, expected):
    """model_input_names decides, then the class, as in transformers 5."""
    write_tokenizer(tmp_path)
    if config is not None:
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    assert PieceTokenizer(tmp_path).gives_segments is expected


@pytest.mark.parametrize("text", ["", "[]", "{", "7"])
def test_a_damaged_tokenizer_config_is_refused(tmp_path, text):
    """It is named, and never passed over."""
    write_tokenizer(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(text)
    with pytest.raises(DataError, match=r"tokenizer_config\.json"):
        PieceTokenizer(tmp_path)
