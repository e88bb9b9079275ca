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
_SHARE = "partial_rotary_factor"
_ROPES = ("rope_scaling", "rope_parameters")
_SIZES = UsualSizes(d_model=3072, d_inner=8192, n_vocab=32064, n_positions=4096, epsilon=1e-5)


def read_phi3(model_type: str, keys: ConfigKeys) -> ModelConfig:
    """The configuration of a Phi-3. Raises: DataError."""
    count, width = n_layers_of(keys, _SIZES), head_size(keys, _SIZES)
    n_turned = int(width * (share := _share_turned(keys)))
    if share < 1 and (n_turned < 2 or n_turned % 2):
        raise keys.fault(
            f"{_SHARE} is {share:g} of {width} numbers of a head, {n_turned}, expected an even number "
            "of them"
        )
    decoder = DecoderConfig(
        windows=(keys.optional_size("sliding_window"),) * count,
        ropes=ropes(
            _with_longrope(keys),
            [FULL] * count,
            _SIZES,
            n_turned=n_turned,
            first=keys.size("original_max_position_embeddings", default=4096),
        ),
        joined=True,
    )
    return read_decoder(model_type, "phi3", keys, decoder, _SIZES)


def _share_turned(keys: ConfigKeys) -> float:
    """The share of a head's numbers that turn.

    Raises: DataError when it is more than all, or stands beside a rope that has a share of its own.
    """
    shares = [
        (place, share)
        for place in (keys.within("rope_scaling"), keys.within("rope_parameters"), keys)
        if place is not None and (share := place.optional_number(_SHARE)) is not None
    ]
    if not shares:
        return 1.0
    place, share = shares[0]
    if share > 1:
        raise place.fault(f"{_SHARE} is {share:g}, expected at most 1")
    if share < 1 and any(_kind(keys.within(name)) == "proportional" for name in _ROPES):
        raise place.fault(f"{_SHARE} is {share:g} beside a proportional rope, expected one of them")
    return share


def _kind(rope: ConfigKeys | None) -> object:
    """What a rope says of its kind."""
    return None if rope is None else rope.given.get("rope_type", rope.given.get("type"))


def _with_longrope(keys: ConfigKeys) -> ConfigKeys:
    """The keys without the share that turns, where what the first files called su or yarn is longrope."""
    given = {name: value for name, value in keys.given.items() if name != _SHARE}
    for name in _ROPES:
        if (inner := keys.within(name)) is None:
            continue
        own = {"rope_type": "longrope"} if _kind(inner) in ("su", "yarn") else {}
        given[name] = {key: value for key, value in inner.given.items() if key != _SHARE} | own
    return ConfigKeys(given, keys.place, keys.part)


FAMILY = Family(MODEL_TYPES, read_phi3, DecoderTensors)
