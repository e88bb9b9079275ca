"""Small random encoders with decoders that transformers writes, with a tokenizer of whole words."""

import json
from pathlib import Path
from typing import Any

from models.encoder_decoders import made

START, PAD, END, UNKNOWN = "<s>", "<pad>", "</s>", "<unk>"
SPECIAL = (START, PAD, END, UNKNOWN)
WORDS = [
    "Das",
    "Haus",
    "ist",
    "klein",
    "der",
    "Hund",
    "schläft",
    "und",
    "die",
    "Katze",
    "trinkt",
    "Milch",
    "am",
    "Abend",
    ".",
    "The",
    "house",
    "is",
    "small",
    "dog",
    "sleeps",
    "and",
    "cat",
    "drinks",
    "milk",
    "in",
    "evening",
    "money",
    "bank",
    "grows",
    "▁",
]
LETTERS = "abcdefghijklmnopqrstuvwxyzäö"
_SIZES = {"vocab_size": 80, "pad_token_id": 1, "eos_token_id": 2}
KINDS: dict[str, dict[str, Any]] = {
    "t5": {**_SIZES, "decoder_start_token_id": 1},
    "mt5": {**_SIZES, "num_decoder_layers": 4, "decoder_start_token_id": 1},
    "bart": {**_SIZES, "decoder_start_token_id": 2},
    "marian": {**_SIZES, "decoder_start_token_id": 1},
}


def write_translator(folder: Path, kind: str, seed: int = 0) -> Any:
    """A random model of a kind in a folder, with its tokenizer; the model as transformers has it."""
    model, _ = made(folder, kind, seed, 0.2, **KINDS[kind])
    write_word_tokenizer(folder, starts=kind == "bart")
    return model


def write_word_tokenizer(folder: Path, *, starts: bool) -> None:
    """A Unigram tokenizer of words and letters that ends a text, and `starts` it too."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    entries = [*SPECIAL, *(word if word == "▁" else f"▁{word}" for word in WORDS), *LETTERS]
    scores = [(entry, -float(at) / 10) for at, entry in enumerate(entries)]
    tokenizer = Tokenizer(models.Unigram(scores, unk_id=3, byte_fallback=False))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens(list(SPECIAL))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}" if starts else f"$A {END}",
        pair=f"$A {END} $B {END}",
        special_tokens=[(START, 0), (END, 2)],
    )
    tokenizer.save(str(folder / "tokenizer.json"))


def ids_of(folder: Path, text: str) -> list[int]:
    """The ids of a text, by the tokenizers library alone."""
    from tokenizers import Tokenizer

    ids: list[int] = Tokenizer.from_file(str(folder / "tokenizer.json")).encode(text).ids
    return ids


def attentions_of(model: Any, folder: Path, source: str, target: str) -> dict[str, Any]:
    """What transformers says of a pair: the target as labels, which the model shifts itself.

    Arrays (n_layers, n_heads, n_q, n_k) of encoder, decoder and cross; the last rows of both.
    """
    import numpy as np
    import torch

    with torch.no_grad():
        said = model(
            input_ids=torch.tensor([ids_of(folder, source)]),
            labels=torch.tensor([ids_of(folder, target)]),
            output_attentions=True,
            output_hidden_states=True,
        )
    found = {
        name: np.stack([layer[0].numpy() for layer in said[f"{name}_attentions"]])
        for name in ("encoder", "decoder", "cross")
    }
    for name in ("encoder", "decoder"):
        found[f"{name} rows"] = said[f"{name}_hidden_states"][-1][0].numpy()
    return found


def entries_of(folder: Path) -> dict[int, str]:
    """The entry of the vocabulary of each id."""
    vocabulary = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    return {at: entry for at, (entry, _) in enumerate(vocabulary["model"]["vocab"])}
