"""Small random translators with a tokenizer of pieces, as transformers writes them."""

from pathlib import Path
from typing import Any

from models.encoder_decoders import made

WORDS = [
    "das",
    "haus",
    "ist",
    "klein",
    "und",
    "die",
    "bank",
    "waechst",
    "the",
    "house",
    "is",
    "small",
    "and",
    "grows",
]
SIZES = {
    "d_model": 32,
    "encoder_layers": 2,
    "decoder_layers": 3,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 40,
    "decoder_ffn_dim": 40,
    "max_position_embeddings": 48,
}


def write_translator(folder: Path, seed: int = 0) -> Any:
    """A BART with random weights, large enough for its attention to be uneven; the model itself."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    folder.mkdir(parents=True, exist_ok=True)
    names = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=48, special_tokens=names, show_progress=False)
    tokenizer.train_from_iterator(WORDS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    sizes = {"vocab_size": tokenizer.get_vocab_size(), **SIZES}
    model, _ = made(folder, "bart", seed, 0.2, across=0.5, **sizes)
    return model
