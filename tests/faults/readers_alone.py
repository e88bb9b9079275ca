"""Readers of a model's files without a command around them: ten times as many executions a second.

What commands make of the same damage is tried by model_files.py.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from faults.fuzzing import Case
from faults.specimens import files_of

from attncli.files.gguf import QUANTIZATIONS
from attncli.models.gguf.mapped import GgufFile, GgufTensors, Stored, opened_gguf
from attncli.models.model import TransformerModel
from attncli.models.pieces import PieceTokenizer

_TEXTS = (
    "money bank",
    ">>fra<< ﬁx the\te\u0301  ban\U0001f600ks",
    "ﬁ" * 40 + " <extra_id_0>ver river",
)


def cut_texts(folder: Path) -> None:
    """Opens the tokenizers of a folder or a file, and cuts texts and a pair by each."""
    source = PieceTokenizer(folder)
    for read in (source, source.target):
        for text in _TEXTS:
            read(text)
        pieces = read(_TEXTS[0], _TEXTS[1], 8)
        read.text_of(pieces.ids)
        read.special_tokens()


def tokenizers_alone(folder: Path) -> Iterator[Case]:
    """The files of each tokenizer made of models of SentencePiece: any bytes, and part by part."""
    pytest.importorskip("tokenizers")
    from faults.spm_damage import damaged_model, model_of_every_kind
    from models.marian_files import write_marian_tokenizer
    from text.spm_files import BPE, UNIGRAM, charsmap

    def act(data: bytes) -> object:
        return cut_texts(Path("d"))

    table = charsmap({"ﬁ": "fi", "\t": " ", "e\u0301": "é"})
    write_marian_tokenizer(folder / "marian" / "d")
    marian = files_of(folder / "marian")
    for side, kind, number in (("source", "unigram", UNIGRAM), ("target", "bpe", BPE)):
        name, every = f"d/{side}.spm", model_of_every_kind(number, table)
        yield Case(f"{side}.spm alone", marian, name, act=act)
        files = {**marian, name: every}
        yield Case(f"{side}.spm {kind} alone by parts", files, name, act=act, damage=damaged_model)
    yield Case("marian vocab.json alone", marian, "d/vocab.json", act=act)
    every = model_of_every_kind(UNIGRAM, table)
    for name, named in (
        ("spiece.model", "T5Tokenizer"),
        ("sentencepiece.bpe.model", "XLMRobertaTokenizer"),
    ):
        options = json.dumps({"tokenizer_class": named, "extra_ids": 9}).encode()
        files = {f"d/{name}": every, "d/tokenizer_config.json": options}
        yield Case(f"{name} alone", files, f"d/{name}", act=act)
        yield Case(f"{name} alone by parts", files, f"d/{name}", act=act, damage=damaged_model)


def vocabularies_alone(folder: Path) -> Iterator[Case]:
    """The vocabularies of a Llama and a Gemma in GGUF, of which the merges of SentencePiece are made."""
    pytest.importorskip("gguf")
    pytest.importorskip("tokenizers")
    from faults.gguf_damage import damaging
    from models.gguf_files import tiny_facts, write_arrays

    def act(data: bytes) -> object:
        return cut_texts(Path("m.gguf"))

    special = ["<unk>", "<s>", "</s>", "<pad>", *(f"<0x{byte:02X}>" for byte in range(256))]
    own = ["▁", *"moneybakrivs", "on", "ey", "an", "er", "▁m", "▁b", "▁mon", "▁money", "▁ban", "  "]
    tokens = [*special, *dict.fromkeys(own)]
    n_own = len(tokens) - len(special)
    facts = {
        "model": "llama",
        "tokens": tokens,
        "token_type": [2, 3, 3, 3, *[6] * 256, *[1] * (n_own - 1), 4],
        "scores": [0.0] * len(special) + [-float(number) for number in range(n_own)],
        "bos_token_id": 1,
        "eos_token_id": 2,
        "unknown_token_id": 0,
        "add_bos_token": True,
        "add_space_prefix": True,
    }
    told = {f"tokenizer.ggml.{key}": value for key, value in facts.items()}
    words = {"token_embd.weight": np.zeros((len(tokens), 8), np.float32)}
    for arch in ("llama", "gemma2"):
        sizes = tiny_facts(arch, "layer_norm_rms_epsilon")
        path = write_arrays(folder / "m.gguf", arch, {**sizes, **told}, words)
        files, damage = {"m.gguf": path.read_bytes()}, damaging("tokenizer")
        yield Case(f"vocabulary of {arch} alone", files, "m.gguf", act=act, damage=damage)


def blocks_alone(folder: Path) -> Iterator[Case]:
    """A few blocks of each type of numbers, unpacked, and rows of them chosen."""
    gguf = pytest.importorskip("gguf")
    from faults.gguf_damage import damaging

    def act(data: bytes) -> object:
        file = GgufFile(Path("m.gguf"))
        entries = {
            name: Stored(tensor, tensor.quantization.name, tensor.shape)
            for name, tensor in file.header.tensors.items()
        }
        tensors = GgufTensors(file, entries)
        return [tensors.read(name, rows) for name in entries for rows in (None, [1, 1], [0])]

    rng = np.random.default_rng(0)
    for one in QUANTIZATIONS.values():
        writer = gguf.GGUFWriter(folder / "m.gguf", "llama")
        raw = rng.integers(0, 256, (3, 2 * one.size), dtype=np.uint8) & np.uint8(0xBF)
        writer.add_tensor("blocks", raw, raw_dtype=gguf.GGMLQuantizationType[one.name])
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        files, damage = {"m.gguf": (folder / "m.gguf").read_bytes()}, damaging("numbers")
        yield Case(f"blocks {one.name} alone", files, "m.gguf", act=act, damage=damage)


def split_alone(folder: Path) -> Iterator[Case]:
    """The parts of a model in two files: opened by either, the tokenizer and each layer read."""
    pytest.importorskip("gguf")
    from faults.gguf_damage import PARTS, damaging
    from models.gguf_files import write_in_parts

    names = [f"m-{number:05}-of-00002.gguf" for number in (1, 2)]
    write_in_parts([folder / name for name in names])
    files = {name: (folder / name).read_bytes() for name in names}

    def act(data: bytes) -> object:
        opened_gguf(Path(names[1]))
        model = TransformerModel(Path(names[0]))
        cut_texts(Path(names[0]))
        return [model.block(layer) for layer in range(min(model.config.n_layers, 3))]

    for number, name in enumerate(names, 1):
        for part in PARTS if number == 1 else ("header", "metadata", "table", "numbers"):
            yield Case(f"split {number} {part} alone", files, name, act=act, damage=damaging(part))
