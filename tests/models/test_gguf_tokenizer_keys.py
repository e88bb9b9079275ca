"""Each key that the metadata of a GGUF file have for a tokenizer is followed or refused by its name."""

from typing import Any

import pytest
from models.test_gguf_tokenizers import (
    SMALL,
    byte_level,
    facts_of,
    file_of,
    sentencepiece,
    split,
    unigrams,
    wordpieces,
)

from attncli.errors import DataError
from attncli.models.pieces import PieceTokenizer

tokenizers = pytest.importorskip("tokenizers")
GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
MARKS = r"[\p{P}\$\+<=>\^~\|]+"
TEXTS = ["It's 12345 <= x!!! a+b", "a  b\t1\n\n 2000", "«né» (1) 3€ ½"]


def opened(tmp_path: Any, facts: dict[str, Any], arch: str = "llama") -> PieceTokenizer:
    """The tokenizer of a file with these metadata."""
    path = file_of(tmp_path / f"{arch}.gguf", facts, len(facts["tokens"]), arch)
    return PieceTokenizer(path)


def ids_of(pieces: Any) -> list[int]:
    """The ids of what a tokenizer gives."""
    return [int(one) for one in pieces.ids]


def test_the_kind_default_splits_marks_first_and_threes_of_digits(tmp_path):
    """Four patterns in turn, each on what the one before has left."""
    steps = [step for one in (MARKS, GPT2, r"\p{N}+", "[0-9][0-9][0-9]") for step in split(one)]
    made = byte_level(steps)
    read = opened(tmp_path, facts_of(made, "default"))
    for text in TEXTS:
        assert ids_of(read(text)) == made.encode(text).ids, text
    assert read.doubt is None


@pytest.mark.parametrize("pre", ["a.x-4.0", "exaone4", "trillion"])
def test_kinds_that_split_as_gpt2_are_read_by_their_names(tmp_path, pre):
    """Their files need no other splitting, and are not refused."""
    made = byte_level([])
    read = opened(tmp_path, facts_of(made, pre))
    for text in TEXTS:
        assert ids_of(read(text)) == made.encode(text).ids, text


@pytest.mark.parametrize("pre", ["falcon3", "pixtral", "midm-2.0"])
def test_kinds_like_llama3_begin_with_the_first_token(tmp_path, pre):
    """Where the file does not say whether."""
    made = byte_level([])
    facts = facts_of(made, pre)
    del facts["add_bos_token"]
    assert ids_of(opened(tmp_path, facts)("a cat"))[0] == facts["bos_token_id"]


@pytest.mark.parametrize("model", ["gpt2", "llama", "t5", "bert"])
def test_a_token_that_comes_twice_is_refused(tmp_path, model):
    """Nobody knows which of its ids is meant."""
    facts = {
        "gpt2": lambda: facts_of(byte_level([]), "gpt-2"),
        "llama": sentencepiece,
        "t5": lambda: unigrams()[1],
        "bert": lambda: wordpieces()[1],
    }[model]()
    tokens = facts["tokens"]
    facts["tokens"] = [*tokens[:-1], tokens[10]]
    with pytest.raises(DataError, match=f"twice, as 10 and as {len(tokens) - 1}"):
        opened(tmp_path, facts, "bert" if model == "bert" else "llama")


def test_a_sentencepiece_without_scores_is_refused(tmp_path):
    """Nothing else says which pair is joined first."""
    facts = sentencepiece()
    del facts["scores"]
    with pytest.raises(DataError, match=r"tokenizer\.ggml\.scores expected"):
        opened(tmp_path, facts)


def test_tokens_of_one_score_are_a_doubt(tmp_path):
    """SentencePiece joins the one that stands first in the text; with a score each there is no doubt."""
    tokens = ["<unk>", "<s>", "</s>", "a", "b", "c", "▁", "ab", "bc"]
    facts = {
        "model": "llama",
        "tokens": tokens,
        "token_type": [2, 3, 3, *[1] * 6],
        "scores": [0.0] * 3 + [-float(n) for n in range(6)],
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    assert opened(tmp_path, facts).doubt is None
    assert "one score" in (opened(tmp_path, facts | {"scores": [0.0] * 9}).doubt or "")


def test_the_unknown_token_is_matched_where_it_is_written(tmp_path):
    """As every special one, in the text of a Llama too."""
    facts = sentencepiece()
    ids = ids_of(opened(tmp_path, facts)("a <unk> cat"))
    assert facts["unknown_token_id"] in ids[1:]


@pytest.mark.parametrize("name", ["Phi-3-mini", "my phi3", "Phi 3 mini"])
def test_special_tokens_of_phi3_take_the_spaces_after_them(tmp_path, name):
    """All but three, where the name of the model has phi-3 or phi3 in it, as llama.cpp reads it."""
    import numpy as np
    from models.gguf_files import write_gguf

    facts = sentencepiece()
    facts["tokens"][-1], facts["token_type"][-1] = "<|user|>", 3
    named = {f"tokenizer.ggml.{key}": value for key, value in facts.items()}
    tensors = {"token_embd.weight": np.zeros((len(facts["tokens"]), 8), np.float32)}
    path = tmp_path / "t.gguf"
    write_gguf(path, "phi3", SMALL, tensors, tokenizer=named, more={"general.name": name})
    read = PieceTokenizer(path)
    strips = name != "Phi 3 mini"
    assert (ids_of(read("<|user|>\n\n a")) == ids_of(read("<|user|>a"))) == strips
    assert ids_of(read("<s>\na")) != ids_of(read("<s>a"))


@pytest.mark.parametrize("key", ["add_bos_token", "add_eos_token"])
def test_an_encoder_without_what_is_around_a_sentence_is_refused(tmp_path, key):
    """WordPiece has both whatever the flags say."""
    facts = facts_of(byte_level([]), "gpt-2") | {"add_bos_token": True, "add_eos_token": True}
    assert ids_of(opened(tmp_path, facts, "modern-bert")("a cat"))[-1] == facts["eos_token_id"]
    with pytest.raises(DataError, match=f"{key} is false"):
        opened(tmp_path, facts | {key: False}, "modern-bert")
    made, facts = wordpieces()
    assert ids_of(opened(tmp_path, facts | {key: False}, "bert")("a")) == made.encode("a").ids


def test_a_mask_has_the_space_before_it_unless_pieces_are_words(tmp_path):
    """As in the tokenizers of RoBERTa and ModernBERT; WordPiece knows no spaces."""
    facts = facts_of(byte_level([]), "gpt-2") | {"add_bos_token": True, "add_eos_token": True}
    masked = facts | {"mask_token_id": 1}
    read = opened(tmp_path, masked, "modern-bert")
    assert ids_of(read("cat <|other|>")) == ids_of(read("cat<|other|>"))
    assert ids_of(read("cat <|mark|>")) != ids_of(read("cat<|mark|>"))


@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("strip", [True, False, None])
def test_a_wordpiece_makes_words_small_as_its_metadata_say(tmp_path, lowercase, strip):
    """Whatever its vocabulary looks like; accents go with capitals unless the metadata say otherwise."""
    made, facts = wordpieces(lowercase=True)
    facts["normalizer.lowercase"] = lowercase
    if strip is not None:
        facts["normalizer.strip_accents"] = strip
    made.normalizer = tokenizers.normalizers.BertNormalizer(
        lowercase=lowercase, strip_accents=lowercase if strip is None else strip
    )
    read = opened(tmp_path, facts, "bert")
    for text in ("THE Cat café", "naïve É the"):
        assert ids_of(read(text)) == made.encode(text).ids, text


@pytest.mark.parametrize("prefix", [True, False, None])
def test_a_unigram_begins_with_a_space_where_its_metadata_say_so(tmp_path, prefix):
    """Without a word of it none is set before a text, as in llama.cpp."""
    made, facts = unigrams()
    del facts["add_space_prefix"]
    if prefix is not None:
        facts["add_space_prefix"] = prefix
    scheme = "always" if prefix else "never"
    made.pre_tokenizer = tokenizers.pre_tokenizers.Metaspace(prepend_scheme=scheme)
    read = opened(tmp_path, facts, "t5")
    for text in ("the cat", "cat the dog"):
        assert ids_of(read(text)) == made.encode(text).ids, text
