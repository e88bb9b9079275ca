"""Small random encoders with decoders, one description for every test of them.

`KINDS` has each family and option; `made` lets transformers write one.
"""

from pathlib import Path
from typing import Any

N_VOCAB = 70  # of the smaller of two vocabularies
T5 = {
    "vocab_size": 96,
    "d_model": 32,
    "d_kv": 12,
    "d_ff": 40,
    "num_layers": 3,
    "num_heads": 4,
    "decoder_start_token_id": 0,
}
BART = {
    "vocab_size": 96,
    "d_model": 32,
    "encoder_layers": 3,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 8,
    "encoder_ffn_dim": 40,
    "decoder_ffn_dim": 56,
    "max_position_embeddings": 64,
    "pad_token_id": 1,
    "eos_token_id": 2,
    "decoder_start_token_id": 2,
}
MARIAN = {**BART, "pad_token_id": 95, "eos_token_id": 0, "decoder_start_token_id": 95}
SEPARATE = {
    "share_encoder_decoder_embeddings": False,
    "decoder_vocab_size": N_VOCAB,
    "pad_token_id": N_VOCAB - 1,
    "decoder_start_token_id": N_VOCAB - 1,
}
BUCKETS = {"relative_attention_num_buckets": 8, "relative_attention_max_distance": 20}
KINDS: dict[str, tuple[str, dict[str, Any]]] = {
    "t5": ("T5ForConditionalGeneration", T5),
    "t5-fewer-layers": ("T5ForConditionalGeneration", {**T5, "num_decoder_layers": 2, **BUCKETS}),
    "t5-gated": (
        "T5ForConditionalGeneration",
        {**T5, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
    ),
    "t5-gated-silu": ("T5ForConditionalGeneration", {**T5, "feed_forward_proj": "gated-silu"}),
    "mt5": ("MT5ForConditionalGeneration", T5),
    "umt5": ("UMT5ForConditionalGeneration", {**T5, "num_decoder_layers": 2, **BUCKETS}),
    "umt5-untied": ("UMT5ForConditionalGeneration", {**T5, "tie_word_embeddings": False}),
    "bart": ("BartForConditionalGeneration", BART),
    "bart-scaled": (
        "BartForConditionalGeneration",
        {**BART, "scale_embedding": True, "activation_function": "relu"},
    ),
    "marian": (
        "MarianMTModel",
        {**MARIAN, "scale_embedding": True, "activation_function": "swish"},
    ),
    "marian-separate": ("MarianMTModel", {**MARIAN, **SEPARATE}),
    "marian-shared": ("MarianMTModel", {**MARIAN, "decoder_vocab_size": 110}),  # which is not used
}


def made(
    folder: Path,
    name: str,
    seed: int = 0,
    spread: float = 0.1,
    across: float | None = None,
    **other: Any,
) -> tuple[Any, Path]:
    """A random model of a kind, with `other` choices, and the folder it was written to.

    Parameters have the deviation `spread`, queries and keys of cross-attention `across` where it is
    given; what norms scale by lies around 1.
    """
    import torch
    import transformers

    class_name, choices = KINDS[name]
    torch.manual_seed(seed)
    kind = getattr(transformers, class_name)
    config = kind.config_class(**{**choices, **other}, attn_implementation="eager")
    model = kind(config).eval()
    with torch.no_grad():
        for key, values in model.named_parameters():
            if name.startswith("marian") and "embed_positions" in key:
                continue  # they are no parameters
            is_across = "encoder_attn.q" in key or "encoder_attn.k" in key
            values.normal_(0.0, across if across is not None and is_across else spread)
            if "norm" in key and "bias" not in key:
                values += 1.0
    model.save_pretrained(folder)
    return model, folder
