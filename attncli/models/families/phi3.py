"""Phi-3 and Phi-4-mini: query, key and value in one matrix, gate and inner map in another.

Source: Abdin et al. 2024 (arXiv:2404.14219), section 2.
"""

from attncli.models.config import DecoderConfig, ModelConfig
from attncli.models.family import Family
from attncli.models.keys import ConfigKeys
from attncli.models.rotary_decoder import (
    FULL,
    DecoderTensors,
    UsualSizes,
    head_size,
    n_layers_of,
    read_decoder,
    ropes,
)

MODEL_TYPES = {"phi3": "phi3"}
_SIZES = UsualSizes(d_model=3072, d_inner=8192, n_vocab=32064, n_positions=4096, epsilon=1e-5)


def read_phi3(model_type: str, keys: ConfigKeys) -> ModelConfig:
    """The configuration of a Phi-3. Raises: DataError."""
    count = n_layers_of(keys, _SIZES)
    decoder = DecoderConfig(
        windows=(keys.optional_size("sliding_window"),) * count,
        ropes=ropes(
            _with_longrope(keys),
            [FULL] * count,
            _SIZES,
            n_turned=int(head_size(keys, _SIZES) * _share_turned(keys)),
            first=keys.size("original_max_position_embeddings", default=4096),
        ),
        joined=True,
    )
    return read_decoder(model_type, "phi3", keys, decoder, _SIZES)


def _share_turned(keys: ConfigKeys) -> float:
    """The share of a head's numbers that turn. Raises: DataError when it is more than all."""
    for place in (keys.within("rope_scaling"), keys.within("rope_parameters"), keys):
        share = None if place is None else place.optional_number("partial_rotary_factor")
        if place is not None and share is not None:
            if share > 1:
                raise place.fault(f"partial_rotary_factor is {share:g}, expected at most 1")
            return share
    return 1.0


def _with_longrope(keys: ConfigKeys) -> ConfigKeys:
    """The keys, where the rope that the first files called su or yarn has its later name."""
    given = dict(keys.given)
    for name in ("rope_scaling", "rope_parameters"):
        inner = keys.within(name)
        kind = None if inner is None else inner.given.get("rope_type", inner.given.get("type"))
        if inner is not None and kind in ("su", "yarn"):
            given[name] = {**inner.given, "rope_type": "longrope"}
    return ConfigKeys(given, keys.place, keys.part)


FAMILY = Family(MODEL_TYPES, read_phi3, DecoderTensors)
