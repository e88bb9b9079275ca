"""Laws of tokenizers that are built from vocabulary files: the ids and offsets of transformers."""

import json

import pytest

from attncli.errors import DataError, InputError
from attncli.models.pieces import PieceTokenizer
from attncli.models.tokenizer_files import open_tokenizer

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


def sentencepiece(folder, model_type):
    """A folder with a Unigram tokenizer.json, as XLM-RoBERTa and CamemBERT are saved."""
    folder.mkdir()
    pieces = [(token, 0.0) for token in ("<s>", "<pad>", "</s>", "<unk>", "<mask>")]
    pieces += [("▁", -2.0), ("▁the", -3.0), ("▁bank", -3.0), ("river", -3.5)]
    pieces += [(letter, -6.0) for letter in "abcdefghijklmnopqrstuvwxyz"]
    made = tokenizers.Tokenizer(tokenizers.models.Unigram(pieces, unk_id=3))
    made.normalizer = tokenizers.normalizers.Lowercase()
    made.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    made.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    made.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}))
    return folder


def mpnet(folder):
    """A folder with vocab.txt, whose tokens around a sentence are those of RoBERTa."""
    wordpiece(folder, tokenizer_class="MPNetTokenizer")
    words = (folder / "vocab.txt").read_text().splitlines()[len(SPECIAL) :]
    special = ["<s>", "<pad>", "</s>", "[UNK]", "<mask>"]
    (folder / "vocab.txt").write_text("\n".join([*special, *words]) + "\n")
    return folder


FAMILIES = {
    "bert": lambda folder: wordpiece(folder, do_lower_case=True),
    "mpnet": mpnet,
    "roberta": lambda folder: byte_level(folder, "roberta", ROBERTA),
    "gpt2": lambda folder: byte_level(folder, "gpt2", GPT2),
    "xlm-roberta": lambda folder: sentencepiece(folder, "xlm-roberta"),
    "camembert": lambda folder: sentencepiece(folder, "camembert"),
}
MASK_OPTION = {"__type": "AddedToken", "normalized": False, **MASK}
OPTIONS = [
    {},
    {"do_lower_case": False},
    {"strip_accents": False},
    {"strip_accents": True, "do_lower_case": False},
    {"tokenize_chinese_chars": False},
    {"add_prefix_space": True},
    {"add_prefix_space": False},
    {"trim_offsets": False},
    {"split_special_tokens": True},
    {"add_bos_token": True, "add_eos_token": True},
    {"extra_special_tokens": ["<new>", "bank"]},
    {"extra_special_tokens": {"image_token": "<new>"}, "additional_special_tokens": ["river"]},
    {"additional_special_tokens": ["<new>"]},
    {"added": [{**NEW, "normalized": True, "special": False}]},
    {"added": [{**NEW, "content": "The Bank", "normalized": True, "special": True}]},
    {"mask_token": MASK_OPTION},
    {"unk_token": "the"},
    {"tokenizer_class": "PreTrainedTokenizerFast"},
    {"tokenizer_class": "TokenizersBackend"},
    {"tokenizer_class": "BertTokenizerFast"},
    {"tokenizer_class": "ElectraTokenizer", "do_lower_case": False},
    {"tokenizer_class": "DistilBertTokenizer", "strip_accents": False},
    {"tokenizer_class": "RobertaTokenizerFast", "add_prefix_space": True},
    {"tokenizer_class": "GPT2Tokenizer"},
    {"tokenizer_class": "MPNetTokenizer"},
    {"tokenizer_class": "NoSuchTokenizer"},
    {"map": {"mask_token": "<new>"}},
    {"map": {"additional_special_tokens": ["<new>", "bank"]}},
    {"map": {"additional_special_tokens": ["<new>"]}, "additional_special_tokens": ["river"]},
    {"map": {"additional_special_tokens": []}, "additional_special_tokens": ["river"]},
    {"map": {"extra_special_tokens": ["<new>"]}, "extra_special_tokens": ["river", "<new>"]},
    {"map": {"extra_special_tokens": ["<new>"]}, "extra_special_tokens": {"img_token": "bank"}},
    {"map": {"extra_special_tokens": {"img_token": "<new>"}}, "extra_special_tokens": ["bank"]},
    {"map": {"img_token": "<new>", "additional_special_tokens": ["bank"]}},
    {"map": {"additional_special_tokens": ["<new>"]}, "added": []},
    {"map": {"unk_token": {**NEW, "content": "the"}}},
]


def described(folder, changes):
    """Writes changes to tokenizer_config.json, and what belongs in other files to those."""
    changes = dict(changes)
    path = folder / "tokenizer_config.json"
    options = json.loads(path.read_text()) if path.exists() else {}
    if (mapped := changes.pop("map", None)) is not None:
        (folder / "special_tokens_map.json").write_text(json.dumps(mapped))
    if (added := changes.pop("added", None)) is not None:
        made = open_tokenizer(folder)
        before = made.get_added_tokens_decoder().items()
        listed = {n: json.loads(json.dumps(t.__getstate__())) for n, t in before}
        first = made.get_vocab_size()
        options["added_tokens_decoder"] = {**listed, **dict(enumerate(added, first))}
    path.write_text(json.dumps({**options, **changes}))


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("files", ["tokenizer.json", "vocabulary"])
@pytest.mark.parametrize("family", FAMILIES)
def test_two_files_that_disagree_are_read_as_transformers_reads_them(
    tmp_path, family, files, options
):
    """Every option of tokenizer_config.json, beside tokenizer.json and beside the vocabulary."""
    transformers = pytest.importorskip("transformers")
    folder = FAMILIES[family](tmp_path / "made")
    if files == "vocabulary" and (family in ("xlm-roberta", "camembert") or "Tok" in str(options)):
        return  # these have no vocabulary but tokenizer.json, or one that another class reads
    if files == "tokenizer.json" and not (folder / files).exists():
        transformers.AutoTokenizer.from_pretrained(folder).save_pretrained(tmp_path / "fast")
        (tmp_path / "fast" / "config.json").write_bytes((folder / "config.json").read_bytes())
        folder = tmp_path / "fast"
    described(folder, options)
    oracle = transformers.AutoTokenizer.from_pretrained(folder)
    ours = open_tokenizer(folder)
    for text in [*ODD, "The Bank <new> x<new>y NEW bankriver [NEW]"]:
        for pair in (None, "the river 中"):
            try:
                expected = oracle(text, pair, return_offsets_mapping=True)
            except Exception:  # a vocabulary without the unknown token
                with pytest.raises(DataError):
                    PieceTokenizer(folder)(text, pair)
                continue
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


def test_added_tokens_of_a_slow_tokenizer_have_their_ids(tmp_path):
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


def test_a_folder_without_a_tokenizer_says_what_is_expected(tmp_path):
    """merges.txt alone is no tokenizer."""
    (tmp_path / "merges.txt").write_text("#version: 0.2\n")
    with pytest.raises(InputError, match=r"vocab\.txt"):
        PieceTokenizer(tmp_path)
