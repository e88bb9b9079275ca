"""The tokenizers of GGUF files cut texts as those that they were made of, and as transformers."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from models.gguf_files import character_table, write_gguf

from attncli.errors import DataError
from attncli.models.pieces import PieceTokenizer

gguf = pytest.importorskip("gguf")
tokenizers = pytest.importorskip("tokenizers")

TEXTS = [
    "The capital of France is",
    "Hello world! 123 4567",
    "  two  spaces\tand\ttabs\n\nlines \n",
    "naïve café, Ångström, e\u0301",
    "日本語のテキスト 😀👍🏽",
    "don't WE'LL they're I'M",
    "<|mark|> inside <|other|>text",
    "x" * 60,
    "",
    " ",
    "snake_case CamelCase http://a.b/c?d=1",
]
CORPUS = ["the cat sat on the mat and the dog sat on the cat", "café naïve 123 don't", *TEXTS] * 3
SMALL = {
    "hidden_size": 8,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "num_hidden_layers": 1,
    "intermediate_size": 8,
    "max_position_embeddings": 32,
    "rms_norm_eps": 1e-5,
}


def file_of(path: Path, facts: dict[str, Any], n_tokens: int, arch: str = "llama") -> Path:
    """A GGUF file with this tokenizer and a vocabulary of zeros; the rest of its model is missing."""
    tensors = {"token_embd.weight": np.zeros((n_tokens, 8), np.float32)}
    told = {f"tokenizer.ggml.{key}": value for key, value in facts.items()}
    write_gguf(path, arch, SMALL, tensors, tokenizer=told)
    return path


def byte_level(steps: list[Any], normalizer: Any = None) -> Any:
    """A small byte-level BPE, trained, that splits by these steps."""
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.normalizer = normalizer
    last = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=not steps)
    if steps == ["digits"]:
        steps = [tokenizers.pre_tokenizers.Digits(individual_digits=True)]
        last = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([*steps, last])
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=500,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|mark|>", "<|other|>"],
        show_progress=False,
    )
    made.train_from_iterator(CORPUS, trainer)
    return made


def facts_of(made: Any, pre: str) -> dict[str, Any]:
    """The metadata of a byte-level tokenizer."""
    import json

    model = json.loads(made.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].__getitem__)
    return {
        "model": "gpt2",
        "pre": pre,
        "tokens": tokens,
        "token_type": [3, 3, *[1] * (len(tokens) - 2)],
        "merges": [" ".join(pair) for pair in model["merges"]],
        "bos_token_id": 0,
        "eos_token_id": 1,
        "add_bos_token": False,
    }


def split(pattern: str) -> list[Any]:
    """A step that splits by a pattern."""
    return [tokenizers.pre_tokenizers.Split(tokenizers.Regex(pattern), "isolated")]


def patterns() -> dict[str, str]:
    """The patterns that transformers has for kinds of GGUF tokenizers."""
    found = pytest.importorskip("transformers.integrations.gguf.gguf_tokenizer_mapping")
    return dict(found.GGUF_PRE_TOKENIZER_SPLITS)


@pytest.mark.parametrize("pre", ["gpt-2", "olmo", "smollm", "starcoder", "refact", "command-r"])
def test_tokenizers_like_that_of_gpt2_give_the_ids_of_their_own(tmp_path, pre):
    """Ids and offsets are those of the tokenizer that the metadata were made of."""
    made = byte_level([] if pre in ("gpt-2", "olmo") else ["digits"])
    read = PieceTokenizer(file_of(tmp_path / "t.gguf", facts_of(made, pre), 500))
    for text in TEXTS:
        assert list(read(text).ids) == made.encode(text).ids, text
    assert read.doubt is None


@pytest.mark.parametrize(
    "pre", ["qwen2", "deepseek-r1-qwen", "llama-bpe", "llama3", "dbrx", "smaug-bpe", "gpt-4o",
            "llama4", "tekken"],
)  # fmt: skip
def test_kinds_split_by_the_patterns_of_transformers(tmp_path, pre):
    """Texts are split as transformers splits them for the same kind."""
    composed = tokenizers.normalizers.NFC() if "qwen" in pre else None
    made = byte_level(split(patterns()[pre]), composed)
    facts = facts_of(made, pre)
    if pre in ("llama-bpe", "llama3", "tekken"):
        made.model.ignore_merges = True
    read = PieceTokenizer(file_of(tmp_path / "t.gguf", facts, 500))
    for text in TEXTS:
        assert list(read(text).ids) == made.encode(text).ids, text


def test_no_kind_is_doubted_and_an_unknown_one_refused(tmp_path):
    """A file that names none splits as GPT-2 and says so; a name that is not known is an error with it."""
    made = byte_level([])
    facts = facts_of(made, "gpt-2")
    del facts["pre"]
    read = PieceTokenizer(file_of(tmp_path / "none.gguf", facts, 500))
    assert "GPT-2" in (read.doubt or "")
    assert list(read("a cat").ids) == made.encode("a cat").ids
    unknown = file_of(tmp_path / "unknown.gguf", facts_of(made, "from-tomorrow"), 500)
    with pytest.raises(DataError, match='pre is "from-tomorrow", a way to split words'):
        PieceTokenizer(unknown)


@pytest.mark.parametrize("bos", [True, False])
@pytest.mark.parametrize("eos", [True, False])
def test_what_is_set_around_a_sentence_is_what_the_file_says(tmp_path, bos, eos):
    """The first and last tokens are there where add_bos_token and add_eos_token say so."""
    made = byte_level([])
    facts = facts_of(made, "gpt-2") | {"add_bos_token": bos, "add_eos_token": eos}
    pieces = PieceTokenizer(file_of(tmp_path / "t.gguf", facts, 500))("a cat")
    own = made.encode("a cat").ids
    assert list(pieces.ids) == [*([0] if bos else []), *own, *([1] if eos else [])]
    statuses = [piece.status for piece in pieces.pieces]
    assert statuses.count("special") == bos + eos


def sentencepiece(n_tokens: int = 330) -> dict[str, Any]:
    """The metadata of a small SentencePiece BPE: bytes, letters, and what was merged of them."""
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.normalizer = tokenizers.normalizers.Replace(" ", "▁")
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=n_tokens - 259, show_progress=False)
    made.train_from_iterator(CORPUS, trainer)
    vocab = made.get_vocab()
    own = sorted(vocab, key=vocab.__getitem__)
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *own]
    types = [2, 3, 3, *[6] * 256, *[1] * len(own)]
    scores = [0.0] * 259 + [-float(number) for number in range(len(own))]
    return {
        "model": "llama",
        "tokens": tokens,
        "token_type": types,
        "scores": scores,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "unknown_token_id": 0,
    }


def test_sentencepiece_gives_the_ids_of_transformers(tmp_path):
    """Of one file, attn and transformers (its loader of GGUF files) give the same ids.

    Where a text begins with a space SentencePiece and llama.cpp set another before it, and so does
    attn; transformers does not.
    """
    transformers = pytest.importorskip("transformers")
    facts = sentencepiece()
    path = file_of(tmp_path / "t.gguf", facts, len(facts["tokens"]))
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path, gguf_file="t.gguf")
    read = PieceTokenizer(path)
    for text in TEXTS[:-1]:
        if text.strip() and "<|" not in text and not text.startswith(" "):
            assert list(read(text).ids) == theirs(text)["input_ids"], text


def plain_sentencepiece(facts: dict[str, Any], text: str) -> list[int]:
    """SentencePiece's BPE in plain loops: the best pair that is a token is joined, until none is."""
    ids = {token: number for number, token in enumerate(facts["tokens"])}
    parts = list("▁" + text.replace(" ", "▁"))
    while True:
        pairs = [
            (-facts["scores"][ids[a + b]], at)
            for at, (a, b) in enumerate(itertools.pairwise(parts))
            if a + b in ids
        ]
        if not pairs:
            break
        _, at = min(pairs)
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    numbers = [1]
    for part in parts:
        each = [f"<0x{byte:02X}>" for byte in part.encode()] if part not in ids else [part]
        numbers += [ids[one] for one in each]
    return numbers


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.sampled_from("the cat sond émñ😀ク12"), min_size=1, max_size=40))
def test_sentencepiece_joins_the_best_pair_first(text, tmp_path_factory):
    """Any text is cut as by plain loops over the scores."""
    facts = sentencepiece()
    path = Path(tmp_path_factory.getbasetemp()) / "plain.gguf"
    if not path.exists():
        file_of(path, facts, len(facts["tokens"]))
    assert list(PieceTokenizer(path)(text).ids) == plain_sentencepiece(facts, text)


def test_gemma_joins_by_number_and_spells_its_spaces(tmp_path):
    """Of Gemma the order of tokens counts, not their scores, and no space is set before a text."""
    tokens = ["<pad>", "<eos>", "<bos>", "<unk>", *(f"<0x{n:02X}>" for n in range(256))]
    tokens += ["ab", "bc", "  ", "a", "b", "c", "▁", "▁a"]
    facts = {
        "model": "llama",
        "tokens": tokens,
        "token_type": [3, 3, 3, 2, *[6] * 256, 1, 1, 4, *[1] * 5],  # its spaces are set apart
        "scores": [-1000.0] * len(tokens),
        "bos_token_id": 2,
        "eos_token_id": 1,
        "unknown_token_id": 3,
    }
    read = PieceTokenizer(file_of(tmp_path / "t.gguf", facts, len(tokens), "gemma2"))
    names = [[tokens[one] for one in read(text).ids] for text in ("abc", "c  ab", " a")]
    assert read.size == len(tokens)
    assert names == [["<bos>", "ab", "c"], ["<bos>", "c", "  ", "ab"], ["<bos>", "▁a"]]


def wordpieces(*, lowercase: bool = True) -> tuple[Any, dict[str, Any]]:
    """A small WordPiece of BERT, and its metadata as llama.cpp's conversion writes them."""
    made = tokenizers.BertWordPieceTokenizer(lowercase=lowercase)
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    made.train_from_iterator(CORPUS, vocab_size=200, special_tokens=special, show_progress=False)
    vocab = made.get_vocab()
    own = sorted(vocab, key=vocab.__getitem__)
    made.post_processor = tokenizers.processors.BertProcessing(
        ("[SEP]", vocab["[SEP]"]), ("[CLS]", vocab["[CLS]"])
    )
    made.add_special_tokens(special)
    kept = [one if one in special else one[2:] if one[:2] == "##" else f"▁{one}" for one in own]
    return made, {
        "model": "bert",
        "tokens": kept,
        "token_type": [3 if one in special else 1 for one in own],
        "token_type_count": 2,
        "bos_token_id": vocab["[CLS]"],
        "seperator_token_id": vocab["[SEP]"],
        "unknown_token_id": vocab["[UNK]"],
        "padding_token_id": vocab["[PAD]"],
        "mask_token_id": vocab["[MASK]"],
    }


@pytest.mark.parametrize("lowercase", [True, False])
def test_wordpiece_gives_the_ids_of_its_own(tmp_path, lowercase):
    """Ids, offsets and segments are those of BERT's tokenizer, of sentences, pairs and masks."""
    made, facts = wordpieces(lowercase=lowercase)
    read = PieceTokenizer(file_of(tmp_path / "t.gguf", facts, len(facts["tokens"]), "bert"))
    assert read.kind == "WordPiece"
    for text in [*TEXTS, "the [MASK] sat", "[UNK] [CLS]", "x" * 101, "THE Cat"]:
        assert list(read(text).ids) == made.encode(text).ids, text
        pair = made.encode(text, "a cat")
        found = read(text, "a cat")
        assert (list(found.ids), list(found.types)) == (pair.ids, pair.type_ids), text
    assert read.mask_id == made.token_to_id("[MASK]")


def test_wordpiece_without_types_of_tokens_knows_the_special_ones(tmp_path):
    """What the metadata name by number is special where nothing says so of each token."""
    made, facts = wordpieces()
    del facts["token_type"]
    read = PieceTokenizer(file_of(tmp_path / "t.gguf", facts, len(facts["tokens"]), "bert"))
    assert list(read("the [MASK] sat").ids) == made.encode("the [MASK] sat").ids


def unigrams(*, table: bool = False) -> tuple[Any, dict[str, Any]]:
    """A small Unigram, cut as T5 cuts, and its metadata as llama.cpp's conversion writes them."""
    import json

    made = tokenizers.Tokenizer(tokenizers.models.Unigram())
    made.normalizer = tokenizers.normalizers.Replace(tokenizers.Regex(" {2,}"), "▁")
    made.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    trainer = tokenizers.trainers.UnigramTrainer(
        vocab_size=150, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    made.train_from_iterator(CORPUS, trainer)
    steps = [
        tokenizers.normalizers.Strip(left=False, right=True),
        tokenizers.normalizers.Replace(tokenizers.Regex(" {2,}"), "▁"),
    ]
    charsmap = b""
    if table:
        charsmap = character_table()
        steps.insert(0, tokenizers.normalizers.Precompiled(charsmap))
    made.normalizer = tokenizers.normalizers.Sequence(steps)
    vocab = json.loads(made.to_str())["model"]["vocab"]
    count = len(vocab)
    extra = ["<extra_id_1>", "<extra_id_0>"]
    made.add_special_tokens([*special, *extra])
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    facts = {
        "model": "t5",
        "tokens": [*(token for token, _ in vocab), *extra, "[PAD1]", "[PAD2]"],
        "scores": [*(float(score) for _, score in vocab), -1000.0, -1000.0, -10000.0, -10000.0],
        "token_type": [3, 3, 2, *[1] * (count - 3), 4, 4, 5, 5],
        "eos_token_id": 1,
        "unknown_token_id": 2,
        "padding_token_id": 0,
        "add_bos_token": False,
        "add_eos_token": True,
        "add_space_prefix": True,
        "remove_extra_whitespaces": True,
    }
    return made, facts | ({"precompiled_charsmap": charsmap} if table else {})


@pytest.mark.parametrize("table", [False, True])
def test_unigram_gives_the_ids_of_its_own(tmp_path, table):
    """Ids are those of a T5's tokenizer, of sentences and pairs, with its table of characters too."""
    made, facts = unigrams(table=table)
    read = PieceTokenizer(file_of(tmp_path / "t.gguf", facts, len(facts["tokens"]), "t5"))
    assert read.kind == "Unigram"
    for text in [*TEXTS, "a <extra_id_0> cat", "[PAD1] is text", "</s> <unk>", "ﬁne Ⅸ"]:
        assert list(read(text).ids) == made.encode(text).ids, text
        assert list(read(text, "a cat").ids) == made.encode(text, "a cat").ids, text


def test_what_is_around_a_sentence_follows_the_encoder(tmp_path):
    """RoBERTa has its separator twice between two sentences and no segments, whatever cuts its words."""
    _, facts = unigrams()
    own = facts | {"bos_token_id": 0, "add_bos_token": True}
    read = PieceTokenizer(file_of(tmp_path / "t.gguf", own, len(facts["tokens"]), "bert"))
    found = read("the cat", "a dog")
    alone = [list(read(text).ids)[1:-1] for text in ("the cat", "a dog")]
    assert list(found.ids) == [0, *alone[0], 1, 1, *alone[1], 1]
    assert set(found.types) == {0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": [0.0]}, "finite numbers, one for each token"),
        ({"scores": None}, "finite numbers, one for each token"),
        ({"unknown_token_id": 10**6}, "expected a number below"),
        ({"precompiled_charsmap": [70000, 70001]}, "no array of bytes"),
        ({"precompiled_charsmap": b"\0\1\2"}, "tokenizer"),
        ({"precompiled_charsmap": b"\xfc\xff\xff\xff" * 9}, "4294967292 of a trie"),
        ({"remove_extra_whitespaces": 1}, "expected true or false"),
    ],
    ids=str,
)
def test_a_damaged_unigram_is_refused(tmp_path, change, message):
    """What contradicts itself is one line that names the key."""
    _, facts = unigrams()
    changed = {key: value for key, value in {**facts, **change}.items() if value is not None}
    path = file_of(tmp_path / "t.gguf", changed, len(facts["tokens"]), "t5")
    with pytest.raises(DataError, match=message):
        PieceTokenizer(path)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no model": ({"model": None}, "model is missing"),
    "another model": ({"model": "rwkv"}, "expected gpt2, llama, t5 or bert"),
    "no tokens": ({"tokens": None}, "tokens is missing"),
    "tokens that are numbers": ({"tokens": [1, 2]}, "expected an array of texts"),
    "merges of three": ({"merges": ["a b c"]}, "no pair of two tokens"),
    "merges without a space": ({"merges": ["ab"]}, "no pair of two tokens"),
    "merges of no tokens": ({"merges": ["zz qq"]}, "no tokenizer"),
    "types of another length": ({"token_type": [1, 2]}, "2 values for"),
    "a first token beyond": (
        {"bos_token_id": 500, "add_bos_token": True},
        "expected a number below",
    ),
    "a flag that is a number": ({"add_bos_token": 7}, "expected true or false"),
    "a kind that is a number": ({"pre": 3}, "expected a text"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_damaged_tokenizer_is_refused(tmp_path, name):
    """What contradicts itself is one line that names the key."""
    changes, message = WRONG[name]
    facts = facts_of(byte_level([]), "gpt-2") | changes
    facts = {key: value for key, value in facts.items() if value is not None}
    with pytest.raises(DataError, match=message):
        PieceTokenizer(file_of(tmp_path / "t.gguf", facts, 500))


def test_tokens_that_would_take_forever_to_cut_are_refused(tmp_path):
    """A SentencePiece vocabulary of very long tokens is refused before it is cut."""
    facts = sentencepiece()
    facts["tokens"][-1] = "a" * 2000
    with pytest.raises(DataError, match="more than 1000 letters"):
        PieceTokenizer(file_of(tmp_path / "t.gguf", facts, len(facts["tokens"])))


def test_scores_that_are_no_numbers_are_refused(tmp_path):
    """NaN among the scores, or fewer of them than tokens."""
    for change in ([float("nan")], [-1.0, -2.0]):
        facts = sentencepiece()
        facts["scores"] = (facts["scores"][:-1] + change)[: len(facts["tokens"]) + 1]
        with pytest.raises(DataError, match="finite numbers"):
            PieceTokenizer(file_of(tmp_path / "t.gguf", facts, len(facts["tokens"])))


def test_a_vocabulary_of_letters_alone_has_nothing_to_join(tmp_path):
    """Without a token of two letters every letter is a piece."""
    tokens = ["<unk>", "<s>", "</s>", "a", "b", "▁"]
    facts = {
        "model": "llama",
        "tokens": tokens,
        "token_type": [2, 3, 3, 1, 1, 1],
        "scores": [0.0, 0.0, 0.0, -1.0, -2.0, -3.0],
        "bos_token_id": 1,
        "eos_token_id": 2,
        "unknown_token_id": 0,
    }
    read = PieceTokenizer(file_of(tmp_path / "t.gguf", facts, len(tokens)))
    assert [tokens[one] for one in read("ab a").ids] == ["<s>", "▁", "a", "b", "▁", "a"]
