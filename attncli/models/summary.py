"""What a checkpoint is: family, sizes, parameters, files; of its weights only headers are read."""

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

from attncli.models.config import ModelConfig
from attncli.models.model import TransformerModel
from attncli.models.stated import stated_facts


@dataclass(frozen=True, slots=True)
class ParameterCounts:
    """How many numbers a checkpoint holds: in the embeddings, in the layers, and in heads on top
    (a pooler, a classifier, a language model's, which says next tokens) that attention does not use.
    """

    embeddings: int
    layers: int
    unused: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.embeddings + self.layers + self.unused


def count_parameters(model: TransformerModel) -> ParameterCounts:
    """The parameters of a checkpoint, by what they are for."""
    store = model.checkpoint
    used = store.required
    sizes = {
        name: math.prod(store.shape(name))
        for name in store.names
        if store.dtype(name) in store.float_dtypes
    }
    start = model.tensors.prefix + model.tensors.layers
    layers = sum(size for name, size in sizes.items() if name in used and name.startswith(start))
    needed = sum(size for name, size in sizes.items() if name in used)
    return ParameterCounts(needed - layers, layers, sum(sizes.values()) - needed)


def summary(model: TransformerModel) -> dict[str, Any]:
    """The facts of a checkpoint as plain values, for a table or JSON."""
    config, store, counted = model.config, model.checkpoint, count_parameters(model)
    dtypes = Counter(store.dtype(name) for name in store.names if name in store.required)
    return {
        "name": model.name,
        "family": config.family,
        "model_type": config.model_type,
        "layers": config.n_layers,
        "heads": config.n_heads,
        "kv_heads": config.n_kv_heads or config.n_heads,
        "d_model": config.d_model,
        "d_k": config.d_k,
        "d_inner": config.d_inner,
        "activation": config.activation,
        "causal": config.causal,
        "norm": model.tensors.norm,
        "layer_norm": config.norms,
        "max_tokens": config.n_positions - config.position_offset,
        **_decoder_facts(config),
        **_sides_facts(config),
        "vocabulary": config.n_vocab,
        "segments": config.n_types,
        "parameters": {
            "total": counted.total,
            "embeddings": counted.embeddings,
            "layers": counted.layers,
            "unused": counted.unused,
        },
        "dtypes": sorted(dtypes),
        "files": [{"name": file.path.name, "bytes": file.size} for file in store.files],
        **(store.facts() or stated_facts(store.folder)),
    }


def _decoder_facts(config: ModelConfig) -> dict[str, Any]:
    """What a decoder with rotary positions has besides: its ropes, how far its layers see, caps."""
    if (decoder := config.decoder) is None:
        return {}
    ropes = [
        rope and {"kind": rope.kind, "theta": rope.theta, "factor": rope.factor}
        for rope in decoder.ropes
    ]
    return {
        "positions": "rope",
        "ropes": ropes,
        "windows": list(decoder.windows),
        "query_norm": decoder.query_norm,
        "softcap": decoder.softcap,
    }


def _sides_facts(config: ModelConfig) -> dict[str, Any]:
    """What an encoder with a decoder has besides: how places are known, and the decoder's sizes."""
    if (target := config.target) is None:
        return {}
    return {
        "positions": config.positions,
        "decoder": {
            "layers": target.n_layers,
            "heads": target.n_heads,
            "d_inner": target.d_inner,
            "vocabulary": target.n_vocab,
        },
    }
