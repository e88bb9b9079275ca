"""GGUF files written of small checkpoints with the gguf package, as llama.cpp's conversion writes them."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.qkv_proj": "attn_qkv",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.gate_up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
PERMUTED = ("llama", "smollm3")
OUTPUT_NORMED = ("gemma2", "gemma3", "olmo2")

Choose = Callable[[str, np.ndarray], str]


def gguf_name(name: str, arch: str) -> str:
    """The name of a tensor in GGUF."""
    stem, _, kind = name.rpartition(".")
    if not stem.startswith("model.layers."):
        return f"{NAMES[stem]}.{kind}"
    number, _, part = stem.removeprefix("model.layers.").partition(".")
    after = "post_attention_norm" if arch in OUTPUT_NORMED else "ffn_norm"
    return f"blk.{number}.{NAMES.get(part, after)}.{kind}"


def turned_by_neighbors(rows: np.ndarray, heads: int) -> np.ndarray:
    """Rows i and i + half of each head side by side, as llama.cpp's rope of neighbors wants them."""
    halves = rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
    return halves.swapaxes(1, 2).reshape(rows.shape)


def converted(folder: Path, arch: str) -> dict[str, np.ndarray]:
    """The tensors of a checkpoint under the names of GGUF, with what a conversion does to them."""
    config = json.loads((folder / "config.json").read_text())
    found: dict[str, np.ndarray] = {}
    for name, values in load_file(folder / "model.safetensors").items():
        if arch in PERMUTED and ".q_proj." in name:
            values = turned_by_neighbors(values, config["num_attention_heads"])
        if arch in PERMUTED and ".k_proj." in name:
            values = turned_by_neighbors(values, config["num_key_value_heads"])
        if arch in ("gemma2", "gemma3") and "norm" in name:
            values = values + np.float32(1)
        found[gguf_name(name, arch)] = np.ascontiguousarray(values)
    return found


def write_gguf(
    path: Path,
    arch: str,
    config: Mapping[str, Any],
    tensors: Mapping[str, np.ndarray],
    *,
    choose: Choose = lambda name, values: "F32",
    tokenizer: Mapping[str, Any] | None = None,
    more: Mapping[str, Any] | None = None,
) -> dict[str, np.ndarray]:
    """Writes a file; gives the tensors as float32, as what is written of them says."""
    import gguf

    writer = gguf.GGUFWriter(path, arch)
    width, heads = config["hidden_size"], config["num_attention_heads"]
    d_k = config.get("head_dim") or width // heads
    rope = config.get("rope_parameters") or {}
    values: dict[str, Any] = {
        f"{arch}.block_count": config["num_hidden_layers"],
        f"{arch}.context_length": config["max_position_embeddings"],
        f"{arch}.embedding_length": width,
        f"{arch}.feed_forward_length": config["intermediate_size"],
        f"{arch}.attention.head_count": heads,
        f"{arch}.attention.head_count_kv": config["num_key_value_heads"],
        f"{arch}.attention.layer_norm_rms_epsilon": float(config["rms_norm_eps"]),
        f"{arch}.rope.freq_base": float(
            rope.get("rope_theta") or rope.get("full_attention", {}).get("rope_theta", 1e4)
        ),
        **(more or {}),
        **(tokenizer or {}),
    }
    if d_k * heads != width:
        values |= {f"{arch}.attention.{name}_length": d_k for name in ("key", "value")}
    for key, value in values.items():
        add = {bool: writer.add_bool, int: writer.add_uint32, float: writer.add_float32,
               str: writer.add_string, list: writer.add_array, bytes: writer.add_array}[type(value)]  # fmt: skip
        add(key, value)
    kept: dict[str, np.ndarray] = {}
    for name, numbers in tensors.items():
        kind = gguf.GGMLQuantizationType[choose(name, numbers) if numbers.ndim > 1 else "F32"]
        raw = gguf.quants.quantize(numbers, kind)
        kept[name] = gguf.quants.dequantize(raw, kind).reshape(numbers.shape)
        writer.add_tensor(name, raw, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return kept


def write_tiny(path: Path, kind: str = "Q8_0") -> Path:
    """A whole small llama with a tokenizer of bytes, its matrices quantized."""
    from tokenizers.pre_tokenizers import ByteLevel

    rng = np.random.default_rng(0)
    tokens = ["<s>", "</s>", *sorted(ByteLevel.alphabet())]
    config = {
        "hidden_size": 32,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "num_hidden_layers": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 64,
        "rms_norm_eps": 1e-5,
    }
    widths = {"attn_q": (32, 32), "attn_k": (16, 32), "attn_v": (16, 32), "attn_output": (32, 32),
              "ffn_gate": (64, 32), "ffn_up": (64, 32), "ffn_down": (32, 64)}  # fmt: skip
    tensors = {"token_embd.weight": rng.standard_normal((len(tokens), 32)).astype(np.float32)}
    for layer in range(2):
        for name in ("attn_norm", "ffn_norm"):
            tensors[f"blk.{layer}.{name}.weight"] = np.ones(32, np.float32)
        for name, shape in widths.items():
            matrix = rng.standard_normal(shape).astype(np.float32) / 4
            tensors[f"blk.{layer}.{name}.weight"] = matrix
    tensors["output_norm.weight"] = np.ones(32, np.float32)
    tokenizer = {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3, 3, *[1] * (len(tokens) - 2)],
        "tokenizer.ggml.bos_token_id": 0,
        "tokenizer.ggml.eos_token_id": 1,
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.chat_template": "{{ ''.__class__.__mro__ }}",
        "general.license": "cc0-1.0",
    }
    write_gguf(path, "llama", config, tensors, choose=lambda *_: kind, tokenizer=tokenizer)
    return path
