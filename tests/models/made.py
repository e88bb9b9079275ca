"""Small random checkpoints of every family, made without torch, with tokenizers to match."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

WORDS = ["money", "bank", "grows", "river", "flows", "the", "un", "##happi", "##ness", "old", "."]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCAB = [*SPECIAL, *WORDS]

BERT_CONFIG = {
    "model_type": "bert",
    "vocab_size": len(VOCAB),
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 40,
    "max_position_embeddings": 20,
    "type_vocab_size": 2,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "pad_token_id": 0,
}
ROBERTA_CONFIG = {
    **BERT_CONFIG,
    "model_type": "roberta",
    "pad_token_id": 1,
    "type_vocab_size": 1,
    "layer_norm_eps": 1e-5,
}
DISTILBERT_CONFIG = {
    "model_type": "distilbert",
    "vocab_size": len(VOCAB),
    "dim": 24,
    "n_layers": 3,
    "n_heads": 4,
    "hidden_dim": 40,
    "max_position_embeddings": 20,
    "activation": "gelu",
}
GPT2_CONFIG = {
    "model_type": "gpt2",
    "vocab_size": len(VOCAB),
    "n_embd": 24,
    "n_layer": 3,
    "n_head": 4,
    "n_positions": 20,
    "activation_function": "gelu_new",
    "layer_norm_epsilon": 1e-5,
}
CONFIGS = {
    "bert": BERT_CONFIG,
    "roberta": ROBERTA_CONFIG,
    "distilbert": DISTILBERT_CONFIG,
    "gpt2": GPT2_CONFIG,
}


def shapes(config):
    """The tensors of a checkpoint with this configuration, by their Hugging Face names."""
    if config["model_type"] == "gpt2":
        return _gpt2_shapes(config)
    distil = config["model_type"] == "distilbert"
    d = config["dim"] if distil else config["hidden_size"]
    inner = config["hidden_dim"] if distil else config["intermediate_size"]
    found = {
        "embeddings.word_embeddings.weight": (config["vocab_size"], d),
        "embeddings.position_embeddings.weight": (config["max_position_embeddings"], d),
        "embeddings.LayerNorm.weight": (d,),
        "embeddings.LayerNorm.bias": (d,),
    }
    if not distil:
        found["embeddings.token_type_embeddings.weight"] = (config["type_vocab_size"], d)
    attention = "attention." if distil else "attention.self."
    names = {
        f"{attention}{'q_lin' if distil else 'query'}": (d, d),
        f"{attention}{'k_lin' if distil else 'key'}": (d, d),
        f"{attention}{'v_lin' if distil else 'value'}": (d, d),
        "attention.out_lin" if distil else "attention.output.dense": (d, d),
        "sa_layer_norm" if distil else "attention.output.LayerNorm": (d,),
        "ffn.lin1" if distil else "intermediate.dense": (inner, d),
        "ffn.lin2" if distil else "output.dense": (d, inner),
        "output_layer_norm" if distil else "output.LayerNorm": (d,),
    }
    layers = config["n_layers"] if distil else config["num_hidden_layers"]
    for layer in range(layers):
        for name, shape in names.items():
            full = f"{'transformer' if distil else 'encoder'}.layer.{layer}.{name}"
            found[f"{full}.weight"] = shape
            found[f"{full}.bias"] = shape[:1]
    return found


def _gpt2_shapes(config):
    d = config["n_embd"]
    inner = config.get("n_inner") or 4 * d
    found = {
        "wte.weight": (config["vocab_size"], d),
        "wpe.weight": (config["n_positions"], d),
        "ln_f.weight": (d,),
        "ln_f.bias": (d,),
    }
    names = {
        "ln_1": (d,),
        "attn.c_attn": (d, 3 * d),
        "attn.c_proj": (d, d),
        "ln_2": (d,),
        "mlp.c_fc": (d, inner),
        "mlp.c_proj": (inner, d),
    }
    for layer in range(config["n_layer"]):
        for name, shape in names.items():
            found[f"h.{layer}.{name}.weight"] = shape
            found[f"h.{layer}.{name}.bias"] = shape[-1:]
    return found


def tensors(config, seed=0):
    """Random tensors: norms near 1 and 0, matrices large enough for attention to be uneven."""
    rng = np.random.default_rng(seed)
    made = {}
    for name, shape in shapes(config).items():
        values = rng.standard_normal(shape).astype(np.float32)
        is_norm = "LayerNorm" in name or "layer_norm" in name or ".ln_" in name or "ln_f" in name
        if is_norm and name.endswith("weight"):
            values = 1 + values / 5
        elif name.endswith("bias"):
            values /= 10
        else:
            values *= np.float32(0.3)
        made[name] = values
    return made


def write_tokenizer(folder, kind="bert"):
    """A WordPiece tokenizer with [CLS] and [SEP], or for "gpt2" a byte-level BPE without."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    if kind == "gpt2":
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        pieces = [*alphabet, "Ġb", "an", "Ġban", "Ġbank"]
        merges = [("Ġ", "b"), ("a", "n"), ("Ġb", "an"), ("Ġban", "k")]
        model = models.BPE({piece: at for at, piece in enumerate(pieces)}, merges)
        tokenizer = Tokenizer(model)
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    else:
        vocab = {piece: at for at, piece in enumerate(VOCAB)}
        tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.decoder = decoders.WordPiece()
        tokenizer.add_special_tokens(SPECIAL)
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]",
            pair="[CLS] $A [SEP] $B:1 [SEP]:1",
            special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
        )
    tokenizer.save(str(folder / "tokenizer.json"))
    return tokenizer


def write_checkpoint(folder, family="bert", *, seed=0, prefix="", made=None, **changes):
    """A checkpoint folder of this family; `changes` go into its configuration."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    config = {**CONFIGS[family], **changes}
    (folder / "config.json").write_text(json.dumps(config))
    made = tensors(config, seed) if made is None else made
    save_file(
        {prefix + name: values for name, values in made.items()}, folder / "model.safetensors"
    )
    return folder


def write_model(folder, family="bert", **changes):
    """A checkpoint folder with a tokenizer to match."""
    folder = write_checkpoint(folder, family, **changes)
    write_tokenizer(folder, family)
    return folder


def raw_file(path, header, data=b"", length=None):
    """A safetensors file of any header (an object or bytes), true or not."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    size = len(text) if length is None else length
    path.write_bytes(size.to_bytes(8, "little") + text + data)
    return path
