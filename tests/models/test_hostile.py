"""Laws of hostile checkpoints: each ends soon, in one clear error, and nothing else is touched."""

import base64
import json
import os
import subprocess
import sys
import time
from functools import partial

import numpy as np
import pytest
from conftest import child_environment
from models.made import CONFIGS, tensors, write_model
from safetensors.numpy import save_file
from text.spm_files import charsmap, spm_of_words

from attncli.errors import AttnError, DataError, InputError, LimitError, RefusedError
from attncli.mechanisms.transformer import open_transformer
from attncli.models.pieces import PieceTokenizer

pytest.importorskip("tokenizers")


def configured(name="config.json", **changes):
    """A damage that changes a file of JSON."""

    def damage(folder):
        whole = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps(whole | changes))

    return damage


tokenized = partial(configured, "tokenizer.json")


def a_pipe(name):
    """A damage that puts a pipe, which would block, in the place of a file."""

    def damage(folder):
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return damage


def a_link(name, to):
    """A damage that puts a link in the place of a file."""

    def damage(folder):
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(to)

    return damage


def shards(names):
    """A damage that replaces the weights by an index that names these files."""

    def damage(folder):
        (folder / "model.safetensors").rename(folder.parent / "elsewhere.safetensors")
        index = {"weight_map": {f"t{at}": name for at, name in enumerate(names)}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))

    return damage


def grown(times):
    """Normalizers that each make a text twenty times as long."""
    step = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 20}
    return {"type": "Sequence", "normalizers": [step] * times}


HOSTILE = {
    "millions of layers": (configured(num_hidden_layers=1 << 24), DataError),
    "more layers than there are": (configured(num_hidden_layers=4), DataError),
    "fewer layers than there are": (configured(num_hidden_layers=2), DataError),
    "no heads": (configured(num_attention_heads=0), DataError),
    "a width of text": (configured(hidden_size="24"), DataError),
    "a width of true": (configured(hidden_size=True), DataError),
    "a huge vocabulary": (configured(vocab_size=(1 << 24) - 1), DataError),
    "an epsilon that is no number": (configured(layer_norm_eps=float("nan")), DataError),
    "a family with escape codes": (configured(model_type="\x1b[31mbert"), DataError),
    "a pipe as weights": (a_pipe("model.safetensors"), InputError),
    "a pipe as tokenizer": (a_pipe("tokenizer.json"), InputError),
    "a pipe as its settings": (a_pipe("tokenizer_config.json"), InputError),
    "an endless device as settings": (a_link("tokenizer_config.json", "/dev/zero"), InputError),
    "an endless device as tokenizer": (a_link("tokenizer.json", "/dev/zero"), InputError),
    "a link to nowhere": (a_link("model.safetensors", "/nowhere/at/all"), InputError),
    "a shard above": (shards(["../elsewhere.safetensors"]), RefusedError),
    "a shard by its full path": (shards(["/etc/hostname"]), RefusedError),
    "a shard with a zero byte": (shards(["a\0.safetensors"]), RefusedError),
    "a shard that is missing": (shards(["absent.safetensors"]), InputError),
    "too many shards": (shards([f"{n}.safetensors" for n in range(5000)]), LimitError),
    "a text that grows": (tokenized(normalizer=grown(7)), DataError),
    "a text that begins long": (
        tokenized(normalizer={"type": "Prepend", "prepend": "x" * 5000}),
        DataError,
    ),
    "brackets as a tokenizer": (
        lambda folder: (folder / "tokenizer.json").write_text("[" * 1_000_000),
        DataError,
    ),
    "an empty tokenizer": (lambda folder: (folder / "tokenizer.json").write_text(""), DataError),
}


@pytest.fixture
def folder(tmp_path):
    """A BERT of three layers with its tokenizer."""
    return write_model(tmp_path / "tiny")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_folder_is_refused(folder, name):
    """By its class of error, with a message of one line that obeys nothing."""
    damage, kind = HOSTILE[name]
    damage(folder)
    with pytest.raises(kind) as caught:
        open_transformer(folder)
    told = str(caught.value)
    assert told.isprintable()
    assert len(told) < 600


def test_growth_that_texts_need_is_allowed(folder):
    """Normalizers of real checkpoints make a text a little longer."""
    tokenized(normalizer=grown(2))(folder)
    (found,) = open_transformer(folder)(["money bank"])
    assert found.words[-1] == "[SEP]"


def test_a_pattern_without_end_fails_the_sentence_alone(folder, capfd):
    """A panic inside the library is an error of the sentence, and its own text is not seen."""
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    pattern = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated"}
    tokenized(pre_tokenizer={**pattern, "invert": False}, normalizer=None)(folder)
    outcomes = list(open_transformer(folder).outcomes(["a" * 40 + "!", "bank"]))
    assert isinstance(outcomes[0], DataError)
    assert not isinstance(outcomes[1], AttnError)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("is_closed", [False, True])
def test_a_panic_while_a_tokenizer_is_opened_is_an_error(folder, is_closed):
    """A table of characters that is none makes the library panic; nothing of it is seen."""
    table = base64.b64encode(b"\x04\0\0\0\xff\xff\xff\xffabc").decode()
    tokenized(normalizer={"type": "Precompiled", "precompiled_charsmap": table})(folder)
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    run = [sys.executable, "-m", "attncli", "explain", "money bank", "--model", str(folder)]
    env = child_environment(RUST_BACKTRACE="full")
    shell = ["sh", "-c", '"$@" 2>&-', "sh", *run] if is_closed else run
    ended = subprocess.run(shell, capture_output=True, env=env, check=False)
    assert ended.returncode == 5, ended.stderr
    assert ended.stdout == b""
    assert b"panicked" not in ended.stderr
    assert b"Traceback" not in ended.stderr
    assert is_closed or ended.stderr.startswith(b"attn: error: ")


def test_a_post_processor_that_contradicts_itself_is_an_error(folder):
    """More ids than tokens, and more added than a sentence may have."""
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    ends = {"id": "[CLS]", "ids": [2, 3], "tokens": ["[CLS]"]}
    first = {"SpecialToken": {"id": "[CLS]", "type_id": 0}}
    sentences = [{"Sequence": {"id": letter, "type_id": 0}} for letter in "AB"]
    template = {
        "type": "TemplateProcessing",
        "single": [first, sentences[0]],
        "pair": [first, *sentences],
        "special_tokens": {"[CLS]": ends},
    }
    tokenized(post_processor=template)(folder)
    outcome = next(open_transformer(folder).outcomes(["money bank"]))
    assert isinstance(outcome, DataError)
    tokenized(
        post_processor={
            **template,
            "single": [first] * 400 + sentences[:1],
            "pair": [first] * 400 + sentences,
            "special_tokens": {"[CLS]": {**ends, "ids": [2]}},
        }
    )(folder)
    analyser = open_transformer(folder, truncate=True, pair="the bank")
    outcome = next(analyser.outcomes(["money bank " * 9]))
    assert isinstance(outcome, (DataError, LimitError))


def test_a_text_that_a_normalizer_makes_huge_is_refused_before(folder):
    """The growth of a text counts with its length."""
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    tokenized(normalizer=grown(2))(folder)
    outcome = next(open_transformer(folder).outcomes(["a" * 100_000]))
    assert isinstance(outcome, LimitError)


def _repeated(kind, name, step, times=20):
    return {"type": "Sequence", name: [{"type": kind, **step}] * times}


_BYTES = {"add_prefix_space": False, "trim_offsets": True, "use_regex": False}
MULTIPLYING = {
    **{
        f"between letters by {pattern}": {
            "normalizer": _repeated("Replace", "normalizers", {"pattern": pattern, "content": "b"})
        }
        for pattern in ({"Regex": ""}, {"Regex": "x*"}, {"Regex": "(?=.)"}, {"String": ""})
    },
    "bytes of bytes": {"normalizer": _repeated("ByteLevel", "normalizers", {})},
    "bytes of bytes of words": {"pre_tokenizer": _repeated("ByteLevel", "pretokenizers", _BYTES)},
    "sentences": {
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"Sequence": {"id": "A", "type_id": 0}}] * 2,
            "pair": [{"Sequence": {"id": letter, "type_id": 0}} for letter in "AB"],
            "special_tokens": {},
        }
    },
    "a long unknown word": {
        "model": {"type": "WordLevel", "vocab": {"U" * 10**6: 0}, "unk_token": "U" * 10**6}
    },
    "a long prefix": {
        "model": {
            "type": "WordPiece",
            "vocab": {"[UNK]": 0},
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "P" * 10**6,
            "max_input_chars_per_word": 100,
        }
    },
}


@pytest.mark.parametrize("steps", MULTIPLYING.values(), ids=MULTIPLYING)
def test_steps_that_multiply_a_text_together_are_refused(tmp_path, steps):
    """Twenty steps that each lengthen a text a little: refused at once, whatever step it is."""
    whole = {
        "version": "1.0",
        "added_tokens": [],
        "model": {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"},
    }
    (tmp_path / "tokenizer.json").write_text(json.dumps({**whole, **steps}))
    before = time.process_time()
    with pytest.raises((DataError, LimitError)):
        PieceTokenizer(tmp_path)("é " * 1000)
    assert time.process_time() - before < 5


def test_a_letter_that_a_model_of_pieces_spells_with_a_million_is_refused(folder):
    """spiece.model alone: its table made a million tokens of a letter, in 349 MiB and 5.5 s."""
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "T5Tokenizer"}')
    (folder / "spiece.model").write_bytes(spm_of_words(charsmap=charsmap({"ﬁ": "s" * 10**6})))
    with pytest.raises(LimitError, match="1000000 characters of 1, the limit is"):
        PieceTokenizer(folder)("ﬁ")


@pytest.mark.parametrize("written", ["spiece.model", "tokenizer.json", "letters by their numbers"])
def test_a_table_that_claims_four_gigabytes_is_refused_before_it_has_them(folder, written):
    """The library took memory for a trie of the size that is claimed, or ended the process (SIGABRT)."""
    table = (2**32 - 4).to_bytes(4, "little") + charsmap({"ﬁ": "fi"})[4:]
    step = {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(table).decode()}
    if written == "spiece.model":
        (folder / "tokenizer.json").unlink()
        (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "T5Tokenizer"}')
        (folder / written).write_bytes(spm_of_words(charsmap=table))
    else:
        tokenized(normalizer={"type": "Sequence", "normalizers": [step]})(folder)
    if written == "letters by their numbers":
        path = folder / "tokenizer.json"
        path.write_text(
            path.read_text().replace("precompiled_charsmap", "precompiled_\\u0063harsmap")
        )
    with pytest.raises(DataError, match="4294967292 of a trie"):
        PieceTokenizer(folder)


def test_a_replacement_that_a_text_hardly_has_is_no_growth(tmp_path):
    """What stands for the end of a line is counted, not feared."""
    spelled = {"type": "Replace", "pattern": {"String": "\n"}, "content": "<end of the line>" * 9}
    whole = {
        "version": "1.0",
        "added_tokens": [],
        "normalizer": spelled,
        "pre_tokenizer": {"type": "Whitespace"},
        "model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "a": 1}, "unk_token": "[UNK]"},
    }
    (tmp_path / "tokenizer.json").write_text(json.dumps(whole))
    read = PieceTokenizer(tmp_path)
    assert len(read("a " * 50_000 + "\n").ids) > 50_000
    with pytest.raises(LimitError):
        read("\n" * 5000)


def test_a_long_text_that_does_not_grow_is_read(tmp_path):
    """What its steps could do at worst does not count against a text to which they do not do it."""
    spaces = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}
    whole = {
        "version": "1.0",
        "added_tokens": [],
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKD"}, *[spaces] * 12]},
        "pre_tokenizer": {"type": "Whitespace"},
        "model": {"type": "WordLevel", "vocab": {"[UNK]": 0, "a": 1}, "unk_token": "[UNK]"},
    }
    (tmp_path / "tokenizer.json").write_text(json.dumps(whole))
    assert len(PieceTokenizer(tmp_path)("a  " * 100_000).pieces) == 100_000


def test_numbers_that_overflow_are_said_without_a_warning(folder, recwarn):
    """Weights that are finite and far too large fail the sentence, and print nothing else."""
    made = {name: values * np.float32(1e30) for name, values in tensors(CONFIGS["bert"]).items()}
    save_file(made, folder / "model.safetensors")
    (outcome,) = open_transformer(folder).outcomes(["money bank"])
    assert isinstance(outcome, AttnError)
    assert outcome.name == "numeric"
    assert not recwarn.list
