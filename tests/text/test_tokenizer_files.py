"""Laws of tokenisers that are built from vocabulary files: the ids and offsets of transformers."""

import json

import pytest

from attncli.errors import DataError, InputError
from attncli.text.pieces import PieceTokenizer
from attncli.text.tokenizer_files import open_tokenizer

tokenizers = pytest.importorskip("tokenizers")

ODD = [
    "the bank of the river",
    "Unhappiness, NAÏVE café — Ångström!",
    "  two  spaces\tand a tab\nand a line ",
    "中文 and 日本語 mixed हिन्दी",
    "e\u0301 combining, \u200b zero width, \u00a0 no break, \x07 bell \ufffd",
    "[MASK] [CLS] <mask> <s> <|endoftext|> </s>",
    "don't isn't 12.5% #tag @name http://a.b/c?d=e",
    "😀👩‍👩‍👧 🏳️‍🌈 ﬁ ligature ½ ²",
    "a" * 200,
    "new_token <new> NEW",
    "",
]
LETTERS = [chr(c) for c in range(33, 127)]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def wordpiece(folder, **config):
    """A folder with vocab.txt, as BERT is saved without tokenizer.json."""
    words = ["the", "The", "bank", "river", "un", "##happiness", "cafe", "café", "中", "##s", "é"]
    continued = [f"##{letter}" for letter in LETTERS]
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join([*SPECIAL, *LETTERS, *continued, *words]) + "\n")
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    if config:
        config = {"tokenizer_class": "BertTokenizer", **config}
        (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


def byte_level(folder, model_type, special, **config):
    """A folder with vocab.json and merges.txt, as GPT-2 and RoBERTa are saved."""
    folder.mkdir()
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=special,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(ODD * 3, trainer)
    made.model.save(str(folder))
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}))
    kinds = {"gpt2": "GPT2Tokenizer", "roberta": "RobertaTokenizer"}
    config = {"tokenizer_class": kinds[model_type], **config}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


ROBERTA = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
GPT2 = ["<|endoftext|>"]
NEW = {"content": "<new>", "lstrip": True, "rstrip": False, "single_word": False}
MASK = {"content": "<mask>", "lstrip": True, "rstrip": False, "single_word": False}
MADE = {
    "roberta, mask": lambda folder: byte_level(
        folder, "roberta", ROBERTA, mask_token={"__type": "AddedToken", "normalized": True, **MASK}
    ),
    "bert": lambda folder: wordpiece(folder),
    "bert, cased": lambda folder: wordpiece(folder, do_lower_case=False),
    "bert, accents": lambda folder: wordpiece(
        folder, strip_accents=False, tokenize_chinese_chars=False
    ),
    "roberta": lambda folder: byte_level(folder, "roberta", ROBERTA),
    "roberta, space": lambda folder: byte_level(folder, "roberta", ROBERTA, add_prefix_space=True),
    "gpt2": lambda folder: byte_level(folder, "gpt2", GPT2),
    "gpt2, space": lambda folder: byte_level(folder, "gpt2", GPT2, add_prefix_space=True),
    "gpt2, added": lambda folder: byte_level(
        folder,
        "gpt2",
        GPT2,
        added_tokens_decoder={
            "0": {**NEW, "content": GPT2[0], "lstrip": False, "normalized": False, "special": True},
            "400": {**NEW, "normalized": True, "special": False},
        },
    ),
}


@pytest.mark.parametrize("kind", MADE)
def test_ids_and_offsets_are_those_of_transformers(tmp_path, kind):
    """On odd text, for single sentences and pairs."""
    transformers = pytest.importorskip("transformers")
    folder = MADE[kind](tmp_path / "made")
    oracle = transformers.AutoTokenizer.from_pretrained(folder)
    ours = open_tokenizer(folder)
    for text in ODD:
        for pair in (None, "the river 中"):
            expected = oracle(text, pair, return_offsets_mapping=True)
            found = ours.encode(text, pair)
            assert found.ids == expected["input_ids"], (text, pair)
            assert found.offsets == [tuple(span) for span in expected["offset_mapping"]]


def test_pieces_have_their_places_and_marks(tmp_path):
    """A sentence through vocab.txt: special tokens, pieces that join, offsets of the sentence."""
    pieces = PieceTokenizer(wordpiece(tmp_path / "made"))("The unhappiness").pieces
    assert [(p.text, p.status) for p in pieces] == [
        ("[CLS]", "special"),
        ("The", "lower"),
        ("un", "exact"),
        ("happiness", "piece"),
        ("[SEP]", "special"),
    ]


def test_added_tokens_of_a_slow_tokeniser_have_their_ids(tmp_path):
    """added_tokens.json names ids after the vocabulary; another id is refused."""
    folder = wordpiece(tmp_path / "made")
    size = open_tokenizer(folder).get_vocab_size()
    (folder / "added_tokens.json").write_text(json.dumps({"<new>": size}))
    assert size in open_tokenizer(folder).encode("the <new> bank").ids
    (folder / "added_tokens.json").write_text(json.dumps({"<new>": size + 5}))
    with pytest.raises(DataError, match="<new>"):
        open_tokenizer(folder)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("vocab.txt", b"[PAD]\n[UNK]\n[SEP]\nthe\n"),
        ("vocab.txt", b"\xff\xfe\n"),
        ("vocab.txt", b""),
        ("tokenizer_config.json", b"[]"),
        ("tokenizer_config.json", b'{"do_lower_case": "no"}'),
        ("tokenizer_config.json", b'{"cls_token": 3}'),
        ("special_tokens_map.json", b"{"),
        ("added_tokens.json", b'{"a": "b"}'),
    ],
)
def test_a_damaged_vocabulary_is_refused(tmp_path, file, content):
    """One clear error, whatever is damaged."""
    folder = wordpiece(tmp_path / "made")
    (folder / file).write_bytes(content)
    with pytest.raises(DataError):
        PieceTokenizer(folder)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("vocab.json", b"{"),
        ("vocab.json", b"[1]"),
        ("merges.txt", b"a b c\n"),
        ("merges.txt", b"x"),
    ],
)
def test_damaged_merges_are_refused(tmp_path, file, content):
    """The two files of byte-level BPE."""
    folder = byte_level(tmp_path / "made", "gpt2", GPT2)
    (folder / file).write_bytes(content)
    with pytest.raises(DataError):
        PieceTokenizer(folder)


def test_a_folder_without_a_tokeniser_says_what_is_expected(tmp_path):
    """merges.txt alone is no tokeniser."""
    (tmp_path / "merges.txt").write_text("#version: 0.2\n")
    with pytest.raises(InputError, match=r"vocab\.txt"):
        PieceTokenizer(tmp_path)
