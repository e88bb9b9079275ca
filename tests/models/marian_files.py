"""The files of a Marian tokenizer in a folder, with hand-made models of SentencePiece."""

import json
from pathlib import Path
from typing import Any

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
