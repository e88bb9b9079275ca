"""Laws of the tokenizer classes of transformers: what each builds by itself is built here too."""

import importlib
import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attncli.errors import AttnError, DataError
from attncli.models.pieces import PieceTokenizer
from attncli.models.tokenizer_files import open_tokenizer
from attncli.text.tokenizer_classes import NOT_BUILT, tokenizer_kind

tokenizers = pytest.importorskip("tokenizers")

TEXTS = [
    "the bank of the river",
    "Unhappiness, NAÏVE café — Ångström!",
    "  two  spaces\tand a tab\nand a line ",
    "中文 and 日本語 mixed हिन्दी",
    "[MASK] [CLS] <mask> <s> <|endoftext|> </s> <unk> <extra_id_3>",
    "don't isn't 12.5% #tag ``quoted''",
    "😀👩‍👩‍👧 ﬁ ligature ½ ² e\u0301",
    "new <new> NEW <new>x The Bank ▁the ▁",
    " ",
    "",
]
SENTENCEPIECE = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
# The special tokens that each class is trained with, by the sort of its model.
WORDPIECE = {
    "BertTokenizer": ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    "MPNetTokenizer": ("<s>", "<pad>", "</s>", "[UNK]", "<mask>"),
}
BYTES = {
    "RobertaTokenizer": SENTENCEPIECE,
    "GPT2Tokenizer": ("<|endoftext|>",),
    "CLIPTokenizer": ("<|startoftext|>", "<|endoftext|>"),
}
MERGES = {
    "LlamaTokenizer": ("<unk>", "<s>", "</s>"),
    "GemmaTokenizer": ("<pad>", "<eos>", "<bos>", "<unk>", "<mask>"),
}
UNIGRAM = {
    "XLMRobertaTokenizer": SENTENCEPIECE,
    "CamembertTokenizer": SENTENCEPIECE,
    "T5Tokenizer": ("<pad>", "</s>", "<unk>"),
    "AlbertTokenizer": ("<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"),
    "DebertaV2Tokenizer": ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]"),
}
SPECIAL = {**WORDPIECE, **BYTES, **MERGES, **UNIGRAM}


@cache
def trained(name: str) -> str:
    """A small tokenizer.json with the sort of model that a class builds."""
    special, models, trainers = SPECIAL[name], tokenizers.models, tokenizers.trainers
    unknown = next((token for token in special if "unk" in token.lower()), special[-1])
    pre = tokenizers.pre_tokenizers
    shared = {"special_tokens": list(special), "show_progress": False}
    if name in WORDPIECE:
        made = tokenizers.Tokenizer(models.WordPiece(unk_token=unknown))
        made.pre_tokenizer = pre.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(vocab_size=300, **shared)
    elif name in BYTES:
        suffix = {"end_of_word_suffix": "</w>"} if name == "CLIPTokenizer" else {}
        made = tokenizers.Tokenizer(models.BPE(**suffix))
        made.pre_tokenizer = pre.ByteLevel(add_prefix_space=False)
        letters = pre.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(vocab_size=600, initial_alphabet=letters, **suffix, **shared)
    elif name in MERGES:
        made = tokenizers.Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
        made.pre_tokenizer = pre.Metaspace()
        trainer = trainers.BpeTrainer(vocab_size=400, **shared)
    else:
        made = tokenizers.Tokenizer(models.Unigram())
        made.normalizer = tokenizers.normalizers.NFKC()
        made.pre_tokenizer = pre.Metaspace()
        trainer = trainers.UnigramTrainer(vocab_size=150, unk_token=unknown, **shared)
    made.train_from_iterator(TEXTS * 4, trainer)
    return made.to_str()


FLAGS = [
    "add_prefix_space",
    "legacy",
    "do_lower_case",
    "strip_accents",
    "keep_accents",
    "split_by_punct",
    "add_bos_token",
    "add_eos_token",
    "trim_offsets",
    "tokenize_chinese_chars",
    "split_special_tokens",
]
ENDS = tokenizers.AddedToken("<new>", lstrip=True, normalized=False)


@st.composite
def described(draw, name):
    """What stands in tokenizer_config.json beside the file of a class."""
    contents = st.sampled_from([*SPECIAL[name], "<new>", "<more>", "the"])
    roles = st.sampled_from(["bos", "eos", "unk", "sep", "pad", "cls", "mask"])
    options = draw(st.dictionaries(st.sampled_from(FLAGS), st.booleans(), max_size=4))
    for role, content in draw(st.dictionaries(roles, contents, max_size=2)).items():
        flags = {"rstrip": False, "single_word": False, "normalized": draw(st.booleans())}
        token = {"__type": "AddedToken", "content": content, "lstrip": draw(st.booleans()), **flags}
        options[f"{role}_token"] = draw(st.sampled_from([content, token]))
    lists = st.sampled_from([["<new>", "the"], ["<extra_id_0>", "<extra_id_1>"], []])
    for key in ("extra_special_tokens", "additional_special_tokens"):
        if draw(st.integers(0, 4)) == 0:
            options[key] = draw(lists)
    if draw(st.integers(0, 4)) == 0:
        options["extra_ids"] = draw(st.sampled_from([0, 2, 100]))
        options["unk_id"] = draw(st.sampled_from([0, 2, 3]))
    fast = draw(st.sampled_from(["", "Fast"]))
    return {"tokenizer_class": name + fast, **options}


def written(folder, content, options, model_type="bert"):
    """A folder with a tokenizer.json and what is said beside it."""
    (folder / "tokenizer.json").write_text(content, encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(options))
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}))
    return folder


@pytest.mark.parametrize("name", SPECIAL)
@given(data=st.data())
@settings(max_examples=25)
def test_a_class_is_built_as_transformers_builds_it(name, data):
    """The ids and offsets of every option of a class, of its special tokens, and of its ends."""
    transformers = pytest.importorskip("transformers")
    options = data.draw(described(name))
    made = tokenizers.Tokenizer.from_str(trained(name))
    if data.draw(st.booleans()):
        first, last = SPECIAL[name][0], SPECIAL[name][-1]
        made.post_processor = tokenizers.processors.TemplateProcessing(
            single=f"{first} $A {last}",
            pair=f"{first} $A {last} $B:1",
            special_tokens=[(token, made.token_to_id(token)) for token in {first, last}],
        )
    if data.draw(st.booleans()):
        made.add_tokens([ENDS])
    with TemporaryDirectory() as made_folder:
        folder = written(Path(made_folder), made.to_str(), options)
        try:
            oracle = transformers.AutoTokenizer.from_pretrained(folder)
        except Exception:  # a role or a number that the vocabulary does not have
            with pytest.raises(AttnError):
                PieceTokenizer(folder)
            return
        ours, segments = open_tokenizer(folder), PieceTokenizer(folder).gives_segments
    assert segments == ("token_type_ids" in oracle.model_input_names)
    for text in TEXTS:
        for pair in (None, "the river 中"):
            try:
                expected = oracle(text, pair, return_offsets_mapping=True)
            except Exception:  # a vocabulary without the unknown token
                with pytest.raises(Exception, match=r"not found|Missing"):
                    ours.encode(text, pair)
                continue
            encoding = ours.encode(text, pair)
            assert encoding.ids == expected["input_ids"], (text, pair)
            assert encoding.offsets == [tuple(span) for span in expected["offset_mapping"]]


def classes_of_transformers():
    """The tokenizer classes of transformers, each with whether it builds its own tokenizer."""
    transformers = pytest.importorskip("transformers")
    from transformers.tokenization_utils_base import PreTrainedTokenizerBase
    from transformers.tokenization_utils_tokenizers import TokenizersBackend

    rooms = Path(importlib.import_module("transformers.models").__path__[0])
    for path in sorted(rooms.glob("*/tokenization_*.py")):
        try:
            module = importlib.import_module(
                f"{transformers.__name__}.models.{path.parent.name}.{path.stem}"
            )
        except Exception:  # a class that needs a library which is not here
            continue
        for name, made in vars(module).items():
            is_class = isinstance(made, type) and issubclass(made, PreTrainedTokenizerBase)
            if is_class and made.__module__ == module.__name__:
                own = "__init__" in vars(made) or not issubclass(made, TokenizersBackend)
                yield name.removesuffix("Fast"), own


@pytest.mark.filterwarnings("ignore")
def test_no_class_that_transformers_builds_is_forgotten():
    """Each is built here, or named as one that is not; the others take tokenizer.json whole."""
    for name, own in classes_of_transformers():
        built = tokenizer_kind({"tokenizer_class": name}, {}) is not None
        if own:
            assert built or name in NOT_BUILT, name
        if built:
            assert name not in NOT_BUILT, name


def test_a_class_that_is_not_built_is_named(tmp_path):
    """A doubt beside tokenizer.json, a refusal beside a bare vocabulary; none for other classes."""
    content = trained("BertTokenizer")
    for name in sorted(NOT_BUILT):
        folder = written(tmp_path, content, {"tokenizer_class": name})
        assert name in (PieceTokenizer(folder).doubt or "")
    for name in (*SPECIAL, "PreTrainedTokenizerFast", "NoSuchTokenizer"):
        folder = written(
            tmp_path,
            trained(name if name in SPECIAL else "BertTokenizer"),
            {"tokenizer_class": name},
        )
        assert PieceTokenizer(folder).doubt is None
    entries = json.loads(content)["model"]["vocab"]
    (tmp_path / "vocab.txt").write_text("\n".join(sorted(entries, key=entries.get)) + "\n")
    (tmp_path / "tokenizer.json").unlink()
    for name in ("BertJapaneseTokenizer", "HerbertTokenizerFast", "T5Tokenizer"):
        (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": name}))
        with pytest.raises(DataError, match=r"expected a tokenizer\.json"):
            PieceTokenizer(tmp_path)


def test_bytes_under_the_name_of_llama_are_read_whole(tmp_path):
    """A LlamaTokenizer whose file reads bytes is none, in transformers and here."""
    transformers = pytest.importorskip("transformers")
    options = {"tokenizer_class": "LlamaTokenizer", "add_prefix_space": True}
    folder = written(tmp_path, trained("GPT2Tokenizer"), options, "gpt2")
    oracle, ours = transformers.AutoTokenizer.from_pretrained(folder), open_tokenizer(folder)
    for text in TEXTS:
        assert ours.encode(text).ids == oracle(text)["input_ids"]
