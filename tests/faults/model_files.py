"""Files of models beyond folders of safetensors: GGUF, SentencePiece, the rules of what a model writes.

As in specimens.py: every reader with whole files to damage.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.fuzzing import Case
from faults.specimens import files_of

_LINES = (
    ("explain", "money bank", "--model", "m.gguf"),
    ("model", "info", "m.gguf", "--json"),
    ("explain", "money bank", "--vectors", "model:m.gguf"),
)


def gguf_files(folder: Path) -> Iterator[Case]:
    """A model in one GGUF file, each part of it, and each kind of tokenizer."""
    pytest.importorskip("gguf")
    from faults.gguf_damage import PARTS, damaging
    from models.gguf_files import character_table, write_tiny, write_tiny_bert, write_tiny_t5

    content = write_tiny(folder / "m.gguf").read_bytes()
    yield Case("gguf", {"m.gguf": content}, "m.gguf", _LINES)
    for part in PARTS:
        yield Case(f"gguf {part}", {"m.gguf": content}, "m.gguf", _LINES, damage=damaging(part))
    encoders = {
        "bert": write_tiny_bert(folder / "bert.gguf"),
        "t5": write_tiny_t5(folder / "t5.gguf", character_table()),
    }
    for name, path in encoders.items():
        files = {"m.gguf": path.read_bytes()}
        for part in ("metadata", "tokenizer"):
            yield Case(f"gguf {name} {part}", files, "m.gguf", _LINES, damage=damaging(part))


def gguf_blocks(folder: Path) -> Iterator[Case]:
    """The numbers of a model whose matrices are of each type of blocks, and a model in two files."""
    pytest.importorskip("gguf")
    from faults.gguf_damage import damaging
    from models.gguf_files import write_in_parts, write_random_blocks, write_tiny

    from attncli.files.gguf import QUANTIZATIONS

    for one in QUANTIZATIONS.values():
        if one.name == "F64":  # which the gguf package does not write
            continue
        is_quantized_there = (
            one.block != 256 and one.name != "IQ4_NL"
        )  # the others it unpacks alone
        write = write_tiny if is_quantized_there else write_random_blocks
        path = write(folder / f"{one.name}.gguf", one.name)
        files, damage = {"m.gguf": path.read_bytes()}, damaging("numbers")
        yield Case(f"blocks {one.name}", files, "m.gguf", _LINES[:1], damage=damage)
    names = [f"m-{number:05}-of-00002.gguf" for number in (1, 2)]
    write_in_parts([folder / name for name in names])
    files = {name: (folder / name).read_bytes() for name in names}
    lines = [[part.replace("m.gguf", names[0]) for part in line] for line in _LINES]
    for number, name in enumerate(names, 1):
        for part in ("header", "metadata", "table"):
            yield Case(f"split {number} {part}", files, name, lines, damage=damaging(part))


def sentencepiece_files(folder: Path) -> Iterator[Case]:
    """Tokenizers of models of SentencePiece: Marian's two with their ids, and those that stand alone."""
    from faults.spm_damage import damaged_model, model_of_every_kind
    from models.made import write_checkpoint
    from models.marian_files import write_marian_tokenizer
    from text.spm_files import BPE, UNIGRAM, charsmap, field, spm_of_words

    table = charsmap({"ﬁ": "fi", "\t": " ", "e\u0301": "é"})
    lines = (
        ("explain", ">>fra<< money ﬁbank\te\u0301", "--model", "d"),
        ("model", "info", "d", "--json"),
        ("batch", "s.txt", "--model", "d", "--workers", "1", "-q"),
    )
    place = write_marian_tokenizer(
        write_checkpoint(folder / "marian" / "d", "bert", vocab_size=300)
    )
    for kind, content in (("unigram", spm_of_words()), ("bpe", spm_of_words(BPE))):
        for name, made in ((kind, content), (f"{kind} table", content + field(3, field(2, table)))):
            (place / "source.spm").write_bytes(made)
            files = {**files_of(folder / "marian"), "s.txt": b"money bank grows\n"}
            yield Case(f"spm {name}", files, "d/source.spm", lines)
    for name in ("d/vocab.json", "d/tokenizer_config.json"):
        yield Case(f"marian {name}", files, name, lines)
    for kind, number in (("unigram", UNIGRAM), ("bpe", BPE)):
        every = {**files, "d/source.spm": model_of_every_kind(number, table)}
        yield Case(f"spm {kind} by parts", every, "d/source.spm", lines, damage=damaged_model)
    whole = spm_of_words() + field(3, field(2, table))
    alone = {
        "spiece.model": "T5Tokenizer",
        "sentencepiece.bpe.model": "XLMRobertaTokenizer",
    }
    write_checkpoint(folder / "alone" / "d", "bert", vocab_size=300)
    for name, named in alone.items():
        files = {**files_of(folder / "alone"), "s.txt": b"money bank grows\n", f"d/{name}": whole}
        files["d/tokenizer_config.json"] = json.dumps({"tokenizer_class": named}).encode()
        yield Case(name, files, f"d/{name}", lines)
        files = {**files, f"d/{name}": model_of_every_kind(UNIGRAM, table)}
        options = {"tokenizer_class": named, "extra_ids": 9}
        files["d/tokenizer_config.json"] = json.dumps(options).encode()
        yield Case(f"{name} by parts", files, f"d/{name}", lines, damage=damaged_model)


def translators(folder: Path) -> Iterator[Case]:
    """A whole Marian, whose target has a model of its own, and what its files say of what it writes."""
    from models.marian_files import write_marian_tokenizer, write_small_marian

    write_marian_tokenizer(write_small_marian(folder / "d"))
    files = files_of(folder)
    files["d/generation_config.json"] = json.dumps(
        {
            "decoder_start_token_id": 5,
            "eos_token_id": [0, 4],
            "forced_bos_token_id": 7,
            "bad_words_ids": [[3], [6, 7]],
            "suppress_tokens": [2],
            "min_length": 2,
            "min_new_tokens": 1,
            "no_repeat_ngram_size": 2,
            "repetition_penalty": 1.5,
        }
    ).encode()
    lines = (
        ("explain", "money bank", "--complete", "4", "--model", "d"),
        ("explain", "money bank", "--pair", "river money", "--model", "d"),
    )
    yield Case("generation_config", files, "d/generation_config.json", lines[:1])
    yield Case("target.spm", files, "d/target.spm", lines)
