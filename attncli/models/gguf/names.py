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
_AROUND = _LAYER | {"ffn_norm": "pre_feedforward_layernorm"}  # where a norm follows attention too
_JOINED = _LAYER | {"ffn_up": "mlp.gate_up_proj"}
_BERT_TOP = {
    "token_embd": "embeddings.word_embeddings",
    "position_embd": "embeddings.position_embeddings",
    "token_types": "embeddings.token_type_embeddings",
    "token_embd_norm": "embeddings.LayerNorm",
}
_BERT_LAYER = {
    "attn_q": "attention.self.query",
    "attn_k": "attention.self.key",
    "attn_v": "attention.self.value",
    "attn_output": "attention.output.dense",
    "attn_output_norm": "attention.output.LayerNorm",
    "ffn_up": "intermediate.dense",
    "ffn_down": "output.dense",
    "layer_output_norm": "output.LayerNorm",
}
_MODERN_BERT_TOP = {
    "token_embd": "embeddings.tok_embeddings",
    "token_embd_norm": "embeddings.norm",
    "output_norm": "final_norm",
}
_MODERN_BERT_LAYER = {
    "attn_norm": "attn_norm",
    "attn_qkv": "attn.Wqkv",
    "attn_output": "attn.Wo",
    "ffn_norm": "mlp_norm",
    "ffn_up": "mlp.Wi",
    "ffn_down": "mlp.Wo",
}
_T5_TOP = {
    "token_embd": "shared",
    "output": "lm_head",
    "enc.output_norm": "encoder.final_layer_norm",
    "dec.output_norm": "decoder.final_layer_norm",
}


def _t5_layer(*, gated: bool, reads_other: bool) -> dict[str, str]:
    """The parts of a layer of T5: of the decoder, which reads the encoder too, or of the encoder."""
    own, other = "layer.0.SelfAttention", "layer.1.EncDecAttention"
    feed = 2 if reads_other else 1
    dense = f"layer.{feed}.DenseReluDense"
    parts = {
        "attn_norm": "layer.0.layer_norm",
        "attn_rel_b": f"{own}.relative_attention_bias",
        "ffn_norm": f"layer.{feed}.layer_norm",
        "ffn_gate": f"{dense}.wi_0",
        "ffn_up": f"{dense}.wi_1" if gated else f"{dense}.wi",
        "ffn_down": f"{dense}.wo",
        **{f"attn_{name}": f"{own}.{name}" for name in "qkvo"},
    }
    if reads_other:
        parts |= {f"cross_attn_{name}": f"{other}.{name}" for name in "qkvo"}
        parts["cross_attn_norm"] = "layer.1.layer_norm"
    return parts


class TensorLayout(NamedTuple):
    """What an architecture calls its tensors, at the top and by kind of layer: where, and its parts.

    `permuted`: rows of queries and keys stand so that numbers 2i and 2i + 1 of a head turn together,
    where Hugging Face turns i and i + half.
    """

    top: Mapping[str, str]
    layers: Mapping[str, tuple[str, Mapping[str, str]]]
    permuted: bool = False


def _decoder(parts: Mapping[str, str], *, permuted: bool = False) -> TensorLayout:
    return TensorLayout(_TOP, {"blk": ("model.layers", parts)}, permuted)


def _t5(*, gated: bool) -> TensorLayout:
    encoder, decoder = (_t5_layer(gated=gated, reads_other=other) for other in (False, True))
    sides = {"enc.blk": ("encoder.block", encoder), "dec.blk": ("decoder.block", decoder)}
    return TensorLayout(_T5_TOP, sides)


PLAIN, PERMUTED = _decoder(_LAYER), _decoder(_LAYER, permuted=True)
AROUND, JOINED = _decoder(_AROUND), _decoder(_JOINED)
BERT = TensorLayout(_BERT_TOP, {"blk": ("encoder.layer", _BERT_LAYER)})
MODERN_BERT = TensorLayout(_MODERN_BERT_TOP, {"blk": ("layers", _MODERN_BERT_LAYER)})
T5, GATED_T5 = _t5(gated=False), _t5(gated=True)


def named_tensors(
    file: GgufSource, layout: TensorLayout, n_heads: int, n_kv_heads: int
) -> dict[str, Stored]:
    """The tensors of a file under the names of Hugging Face; those without one keep their own.

    Raises: DataError for two tensors of one name, or rows that the heads do not divide evenly.
    """
    entries: dict[str, Stored] = {}
    for name, tensor in file.header.tensors.items():
        new, part = _new_name(name, layout)
        if new in entries:
            raise DataError(f"two tensors are called {quoted(new, 80)}", place=file.place)
        order = None
        if layout.permuted and part in ("attn_q", "attn_k"):
            heads = n_heads if part == "attn_q" else n_kv_heads
            rows = tensor.shape[0] if len(tensor.shape) > 1 or name.endswith(".bias") else 0
            order = _unturned(rows, heads, name, file.place)
        entries[new] = Stored(tensor, tensor.quantization.name, tensor.shape, order)
    return entries


def _new_name(name: str, layout: TensorLayout) -> tuple[str, str]:
    """The name of Hugging Face, and which part of a layer it is."""
    stem, _, kind = name.rpartition(".")
    if stem in layout.top:
        return f"{layout.top[stem]}.{kind}", ""
    for block, (place, parts) in layout.layers.items():
        number, _, part = stem.removeprefix(f"{block}.").partition(".")
        if stem.startswith(f"{block}.") and part in parts:
            return f"{place}.{number}.{parts[part]}.{kind}", part
    return name, ""


def _unturned(rows: int, heads: int, name: str, place: str) -> IntArray:
    """Where the rows stand that belong at 0, 1, …: of each head the even ones, then the odd ones."""
    if not rows or rows % (2 * heads):
        raise DataError(
            f"{quoted(name, 80)} has {rows} rows, which {heads} heads of an even width do not divide",
            place=place,
        )
    return np.arange(rows).reshape(heads, -1, 2).swapaxes(1, 2).reshape(-1)
