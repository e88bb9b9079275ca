"""Names, shapes and orders of tensors: those of GGUF, and those of Hugging Face.

Source: ggml-org/llama.cpp, gguf-py (the names) and conversion (which rows are moved).
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from attncli.arrays import IntArray
from attncli.errors import DataError
from attncli.errors.wording import quoted
from attncli.models.gguf.mapped import GgufSource, Stored

_TOP = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
}
_LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_qkv": "self_attn.qkv_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "post_ffw_norm": "post_feedforward_layernorm",
}
_AROUND = {"ffn_norm": "pre_feedforward_layernorm"}  # where a norm follows attention too
_JOINED = {"ffn_up": "mlp.gate_up_proj"}


class TensorLayout(NamedTuple):
    """How an architecture lays out its tensors.

    `permuted`: rows of queries and keys stand so that numbers 2i and 2i + 1 of a head turn together,
    where Hugging Face turns i and i + half.
    """

    permuted: bool = False
    around: bool = False
    joined: bool = False


def named_tensors(
    file: GgufSource, layout: TensorLayout, n_heads: int, n_kv_heads: int
) -> dict[str, Stored]:
    """The tensors of a file under the names of Hugging Face; those without one keep their own.

    Raises: DataError for two tensors of one name, or rows that the heads do not divide evenly.
    """
    inner = _LAYER | (_AROUND if layout.around else {}) | (_JOINED if layout.joined else {})
    entries: dict[str, Stored] = {}
    for name, tensor in file.header.tensors.items():
        new, part = _new_name(name, inner)
        if new in entries:
            raise DataError(f"two tensors are called {quoted(new, 80)}", place=file.place)
        order = None
        if layout.permuted and part in ("attn_q", "attn_k"):
            heads = n_heads if part == "attn_q" else n_kv_heads
            rows = tensor.shape[0] if len(tensor.shape) > 1 or name.endswith(".bias") else 0
            order = _unturned(rows, heads, name, file.place)
        entries[new] = Stored(tensor, tensor.quantization.name, tensor.shape, order)
    return entries


def _new_name(name: str, inner: Mapping[str, str]) -> tuple[str, str]:
    """The name of Hugging Face, and which part of a layer it is."""
    stem, _, kind = name.rpartition(".")
    if stem in _TOP:
        return f"{_TOP[stem]}.{kind}", ""
    block, _, rest = stem.partition(".")
    number, _, part = rest.partition(".")
    if block == "blk" and part in inner:
        return f"model.layers.{number}.{inner[part]}.{kind}", part
    return name, ""


def _unturned(rows: int, heads: int, name: str, place: str) -> IntArray:
    """Where the rows stand that belong at 0, 1, …: of each head the even ones, then the odd ones."""
    if not rows or rows % (2 * heads):
        raise DataError(
            f"{quoted(name, 80)} has {rows} rows, which {heads} heads of an even width do not divide",
            place=place,
        )
    return np.arange(rows).reshape(heads, -1, 2).swapaxes(1, 2).reshape(-1)
