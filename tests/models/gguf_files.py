"""GGUF files written of small checkpoints with the gguf package, as llama.cpp's conversion writes them."""

import json
import struct
from collections.abc import Callable, Mapping, Sequence
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
    _close(writer)
    return kept


def _tiny(
    width: int = 32, inner: int = 64
) -> tuple[dict[str, Any], dict[str, np.ndarray], dict[str, Any]]:
    """The sizes, the tensors and the tokenizer of bytes of a small llama."""
    from tokenizers.pre_tokenizers import ByteLevel

    rng = np.random.default_rng(0)
    tokens = ["<s>", "</s>", *sorted(ByteLevel.alphabet())]
    config = {
        "hidden_size": width,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "num_hidden_layers": 2,
        "intermediate_size": inner,
        "max_position_embeddings": 64,
        "rms_norm_eps": 1e-5,
    }
    half = width // 2
    widths = {"attn_q": (width, width), "attn_k": (half, width), "attn_v": (half, width),
              "attn_output": (width, width), "ffn_gate": (inner, width), "ffn_up": (inner, width),
              "ffn_down": (width, inner)}  # fmt: skip
    tensors = {"token_embd.weight": rng.standard_normal((len(tokens), width)).astype(np.float32)}
    for layer in range(2):
        for name in ("attn_norm", "ffn_norm"):
            tensors[f"blk.{layer}.{name}.weight"] = np.ones(width, np.float32)
        for name, shape in widths.items():
            matrix = rng.standard_normal(shape).astype(np.float32) / 4
            tensors[f"blk.{layer}.{name}.weight"] = matrix
    tensors["output_norm.weight"] = np.ones(width, np.float32)
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
    return config, tensors, tokenizer


def write_tiny(
    path: Path, kind: str = "Q8_0", arch: str = "llama", more: Mapping[str, Any] | None = None
) -> Path:
    """A whole small llama with a tokenizer of bytes, its matrices quantized.

    `arch` is what it says that it is, and `more` are metadata of that.
    """
    config, tensors, tokenizer = _tiny()
    keys = {f"{arch}.{key}": value for key, value in (more or {}).items()}
    write_gguf(path, arch, config, tensors, choose=lambda *_: kind, tokenizer=tokenizer, more=keys)
    return path


def write_random_blocks(path: Path, kind: str) -> Path:
    """A whole small llama whose matrices are random bytes of a type of blocks."""
    import gguf

    _, tensors, tokenizer = _tiny(256, 256)
    stored = gguf.GGMLQuantizationType[kind]
    block, size = gguf.GGML_QUANT_SIZES[stored]
    facts: dict[str, Any] = {
        "llama.block_count": 2,
        "llama.context_length": 64,
        "llama.embedding_length": 256,
        "llama.feed_forward_length": 256,
        "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 2,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
    }
    rng, writer = np.random.default_rng(0), gguf.GGUFWriter(path, "llama")
    for key, value in {**facts, **tokenizer}.items():
        add = {bool: writer.add_bool, int: writer.add_uint32, float: writer.add_float32,
               str: writer.add_string, list: writer.add_array}[type(value)]  # fmt: skip
        add(key, value)
    for name, numbers in tensors.items():
        if numbers.ndim == 1:
            writer.add_tensor(name, numbers)
            continue
        shape = (numbers.shape[0], numbers.shape[1] // block * size)
        raw = rng.integers(0, 256, shape, dtype=np.uint8) & np.uint8(0xBF)  # every scale is finite
        writer.add_tensor(name, raw, raw_dtype=stored)
    _close(writer)
    return path


def write_in_parts(paths: Sequence[Path]) -> None:
    """The small llama in several files, as llama.cpp splits one: the first has all metadata."""
    import gguf

    config, tensors, tokenizer = _tiny()
    names, count = list(tensors), len(paths)
    facts = {"split.count": count, "split.tensors.count": len(names)}
    first = {name: tensors[name] for name in names[::count]}
    write_gguf(paths[0], "llama", config, first, tokenizer=tokenizer, more={"split.no": 0, **facts})
    for number, path in enumerate(paths[1:], 1):
        writer = gguf.GGUFWriter(path, "llama")
        writer.kv_data[0].clear()  # parts but the first have no architecture
        for key, value in {"split.no": number, **facts}.items():
            (writer.add_int32 if "tensors" in key else writer.add_uint16)(key, value)
        for name in names[number::count]:
            writer.add_tensor(name, tensors[name])
        _close(writer)


def _close(writer: Any) -> None:
    """Writes what a writer holds."""
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_arrays(
    path: Path, arch: str, facts: Mapping[str, Any], tensors: Mapping[str, np.ndarray]
) -> Path:
    """A file of these metadata and tensors, matrices of whole blocks in Q8_0."""
    import gguf

    writer = gguf.GGUFWriter(path, arch)
    for key, value in facts.items():
        add = {bool: writer.add_bool, int: writer.add_uint32, float: writer.add_float32,
               str: writer.add_string, list: writer.add_array, bytes: writer.add_array}[type(value)]  # fmt: skip
        add(key, value)
    for name, numbers in tensors.items():
        whole = numbers.ndim > 1 and numbers.shape[-1] % 32 == 0
        kind = gguf.GGMLQuantizationType.Q8_0 if whole else gguf.GGMLQuantizationType.F32
        writer.add_tensor(name, gguf.quants.quantize(numbers, kind), raw_dtype=kind)
    _close(writer)
    return path


def tiny_facts(arch: str, epsilon: str) -> dict[str, Any]:
    """The sizes of a small encoder of one layer."""
    sizes = {
        "block_count": 1,
        "context_length": 16,
        "embedding_length": 32,
        "feed_forward_length": 32,
        "attention.head_count": 2,
        f"attention.{epsilon}": 1e-6,
    }
    return {f"{arch}.{name}": value for name, value in sizes.items()}


def write_tiny_bert(path: Path) -> Path:
    """A whole small BERT with a WordPiece of a few words."""
    rng = np.random.default_rng(0)
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "▁money", "▁bank", "s", "▁grow"]
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (len(tokens), 32),
        "position_embd.weight": (16, 32),
        "token_types.weight": (2, 32),
    }
    for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_up", "ffn_down"):
        shapes |= {f"blk.0.{name}.weight": (32, 32), f"blk.0.{name}.bias": (32,)}
    for name in ("token_embd_norm", "blk.0.attn_output_norm", "blk.0.layer_output_norm"):
        shapes |= {f"{name}.weight": (32,), f"{name}.bias": (32,)}
    facts = tiny_facts("bert", "layer_norm_epsilon") | {
        "bert.attention.causal": False,
        "tokenizer.ggml.model": "bert",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3] * 5 + [1] * 4,
        "tokenizer.ggml.bos_token_id": 2,
        "tokenizer.ggml.seperator_token_id": 3,
        "tokenizer.ggml.unknown_token_id": 1,
        "tokenizer.ggml.mask_token_id": 4,
    }
    arrays = {name: rng.standard_normal(shape).astype("f4") for name, shape in shapes.items()}
    return write_arrays(path, "bert", facts, arrays)


def write_tiny_t5(path: Path, table: bytes) -> Path:
    """A whole small T5 with a Unigram of a few pieces and a table of characters."""
    rng = np.random.default_rng(0)
    tokens = ["<pad>", "</s>", "<unk>", "▁", "▁money", "▁bank", "s", "m", "n", "<extra_id_0>"]
    shapes: dict[str, tuple[int, ...]] = {"token_embd.weight": (len(tokens), 32)}
    for side in ("enc", "dec"):
        parts = ["attn_q", "attn_k", "attn_v", "attn_o", "ffn_up", "ffn_down"]
        norms = ["attn_norm", "ffn_norm"]
        if side == "dec":
            parts += [f"cross_attn_{name}" for name in "qkvo"]
            norms.append("cross_attn_norm")
        shapes |= {f"{side}.blk.0.{name}.weight": (32, 32) for name in parts}
        shapes |= {f"{side}.blk.0.{name}.weight": (32,) for name in norms}
        shapes[f"{side}.blk.0.attn_rel_b.weight"] = (8, 2)
        shapes[f"{side}.output_norm.weight"] = (32,)
    facts = tiny_facts("t5", "layer_norm_rms_epsilon") | {
        "t5.decoder_block_count": 1,
        "t5.attention.relative_buckets_count": 8,
        "tokenizer.ggml.model": "t5",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": [0.0, 0.0, 0.0, -2.0, -3.0, -3.5, -5.0, -5.0, -5.0, -1000.0],
        "tokenizer.ggml.token_type": [3, 3, 2, 1, 1, 1, 1, 1, 1, 4],
        "tokenizer.ggml.eos_token_id": 1,
        "tokenizer.ggml.unknown_token_id": 2,
        "tokenizer.ggml.add_eos_token": True,
        "tokenizer.ggml.remove_extra_whitespaces": True,
        "tokenizer.ggml.precompiled_charsmap": table,
    }
    arrays = {name: rng.standard_normal(shape).astype("f4") for name, shape in shapes.items()}
    return write_arrays(path, "t5", facts, arrays)


def character_table() -> bytes:
    """A table of SentencePiece's normalizer: a double-array trie of letters, and what they become."""
    bases, units, texts = {b"": 256}, {0: 256 << 10}, b""
    for letter, instead in (("ﬁ", "fi"), ("Ⅸ", "IX")):
        raw = letter.encode()
        for end in range(1, len(raw) + 1):
            start, part = raw[: end - 1], raw[:end]
            if part not in bases:
                bases[part] = 256 * (len(bases) + 1)
                place = bases[start] ^ part[-1]
                units[place] = (place ^ bases[part]) << 10 | part[-1]
        units[bases[raw[:-1]] ^ raw[-1]] |= 1 << 8  # the letter ends here
        units[bases[raw]] = 1 << 31 | len(texts)
        texts += instead.encode() + b"\0"
    trie = np.array([units.get(place, 0) for place in range(256 * (len(bases) + 2))], "<u4")
    return struct.pack("<I", trie.nbytes) + trie.tobytes() + texts
