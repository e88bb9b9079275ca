"""stories260K, a real language model of 1 MB, as a checkpoint folder that attn reads."""

import json
import struct
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

HERE = Path(__file__).parent / "stories260K"
_HEADER = struct.Struct("<7i")


def write_stories(folder):
    """The model and its tokenizer in the layout of Hugging Face."""
    folder.mkdir(parents=True, exist_ok=True)
    raw = (HERE / "stories260K.bin").read_bytes()
    d, inner, n_layers, n_heads, n_kv, vocabulary, longest = _HEADER.unpack_from(raw)
    numbers = np.frombuffer(raw, np.float32, offset=_HEADER.size)
    shared = n_kv * d // n_heads
    shapes = {
        "embed_tokens": (vocabulary, d),
        "input_layernorm": (n_layers, d),
        "self_attn.q_proj": (n_layers, d, d),
        "self_attn.k_proj": (n_layers, shared, d),
        "self_attn.v_proj": (n_layers, shared, d),
        "self_attn.o_proj": (n_layers, d, d),
        "post_attention_layernorm": (n_layers, d),
        "mlp.gate_proj": (n_layers, inner, d),
        "mlp.down_proj": (n_layers, d, inner),
        "mlp.up_proj": (n_layers, inner, d),
        "norm": (d,),
    }
    tensors, at = {}, 0
    for name, shape in shapes.items():
        size = int(np.prod(shape))
        values = numbers[at : at + size].reshape(shape)
        at += size
        if len(shape) < 2 or name == "embed_tokens":
            tensors[f"model.{name}.weight"] = values
            continue
        for layer, own in enumerate(values):
            is_turned = name.endswith(("q_proj", "k_proj"))
            own = _half_pairs(own, d // n_heads) if is_turned else own
            tensors[f"model.layers.{layer}.{name}.weight"] = np.ascontiguousarray(own)
    save_file(tensors, folder / "model.safetensors")
    config = {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "vocab_size": vocabulary,
        "hidden_size": d,
        "intermediate_size": inner,
        "num_hidden_layers": n_layers,
        "num_attention_heads": n_heads,
        "num_key_value_heads": n_kv,
        "max_position_embeddings": longest,
        "rms_norm_eps": 1e-5,
        "tie_word_embeddings": True,
        "bos_token_id": 1,
        "eos_token_id": [1, 2],
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    _write_tokenizer(folder, vocabulary)
    return folder


def _half_pairs(matrix, d_k):
    """Rows whose pairs are neighbors → the two of a pair half a head apart."""
    heads = matrix.reshape(-1, d_k // 2, 2, matrix.shape[1])
    return heads.swapaxes(1, 2).reshape(matrix.shape)


def _write_tokenizer(folder, count):
    """Pieces with scores → a BPE that joins the pair with the highest score first."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, processors

    raw, at = (HERE / "tok512.bin").read_bytes(), 4
    pieces, scores = [], []
    for _ in range(count):
        score, length = struct.unpack_from("<fi", raw, at)
        at += 8
        pieces.append(raw[at : at + length].decode("utf-8").replace(" ", "▁"))
        scores.append(score)
        at += length
    pieces[:3] = ["<unk>", "<s>", "</s>"]
    vocab = {piece: number for number, piece in enumerate(pieces)}
    merges = [
        (scores[number], piece[:cut], piece[cut:])
        for piece, number in vocab.items()
        for cut in range(1, len(piece))
        if number > 258 and piece[:cut] in vocab and piece[cut:] in vocab
    ]
    ordered = [(a, b) for _, a, b in sorted(merges, key=lambda merge: -merge[0])]
    tokenizer = Tokenizer(models.BPE(vocab, ordered, unk_token="<unk>", byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    tokenizer.add_special_tokens([AddedToken(one, special=True) for one in pieces[:3]])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
