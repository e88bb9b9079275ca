"""The files of a Marian tokenizer in a folder, with hand-made models of SentencePiece."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from text.spm_files import BPE, UNIGRAM, WORDS, spm_of_words

LANGUAGES = (">>fra<<", ">>deu_Latn<<")
VOCABULARY = ["</s>", "<unk>", *WORDS[:-1], *LANGUAGES, "<pad>"]


def numbered(words: list[str]) -> dict[str, int]:
    """The ids of words in their order."""
    return {word: number for number, word in enumerate(words)}


def write_marian_tokenizer(folder: Path, **options: Any) -> Path:
    """source.spm (Unigram), target.spm (BPE), vocab.json, and tokenizer_config.json of `options`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "source.spm").write_bytes(spm_of_words(UNIGRAM))
    (folder / "target.spm").write_bytes(spm_of_words(BPE))
    (folder / "vocab.json").write_text(json.dumps(numbered(VOCABULARY)), "utf-8")
    told = {"tokenizer_class": "MarianTokenizer", **options}
    (folder / "tokenizer_config.json").write_text(json.dumps(told), "utf-8")
    return folder


def write_small_marian(folder: Path) -> Path:
    """A whole Marian of a layer on each side for `VOCABULARY`, made without torch."""
    folder.mkdir(parents=True, exist_ok=True)
    d, n = 16, len(VOCABULARY)
    sizes = {"d_model": d, "vocab_size": n, "max_position_embeddings": 32}
    for side in ("encoder", "decoder"):
        counts = {"layers": 1, "attention_heads": 2, "ffn_dim": d}
        sizes |= {f"{side}_{name}": count for name, count in counts.items()}
    told = {"model_type": "marian", **sizes, "pad_token_id": n - 1, "eos_token_id": 0}
    told["decoder_start_token_id"] = n - 1
    (folder / "config.json").write_text(json.dumps(told), "utf-8")
    rng = np.random.default_rng(0)
    tensors = {"model.shared.weight": rng.standard_normal((n, d)).astype(np.float32)}
    for side, parts in (("encoder", ("self_attn",)), ("decoder", ("self_attn", "encoder_attn"))):
        at = f"model.{side}.layers.0."
        maps = [f"{part}.{name}_proj" for part in parts for name in ("q", "k", "v", "out")]
        norms = [*(f"{part}_layer_norm" for part in parts), "final_layer_norm"]
        for name in (*maps, "fc1", "fc2", *norms):
            shape = (d,) if name in norms else (d, d)
            tensors[f"{at}{name}.weight"] = rng.standard_normal(shape).astype(np.float32)
            tensors[f"{at}{name}.bias"] = np.zeros(d, np.float32)
    save_file(tensors, folder / "model.safetensors")
    return folder
