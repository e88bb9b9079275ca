"""config.json, checked: which family a checkpoint is of, and what that family makes of it.

A family is a file of this room: it lists its model types, reads their keys, and finds their tensors.
Keys and their defaults are those of Hugging Face transformers. What would change the numbers and
is not computed here (another family, relative positions, quantization) is refused, never ignored.
"""

import pkgutil
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from attncli.errors.wording import quoted, visible
from attncli.models.checkpoint import Checkpoint, read_json
from attncli.models.config import ModelConfig
from attncli.models.family import Family, ModelTensors
from attncli.models.keys import ConfigKeys
from attncli.models.near_families import found_family

_MOST_LAYERS = 10_000
_HEADS = ("num_attention_heads", "n_heads", "n_head", "encoder_attention_heads")
_LAYERS = (
    "num_hidden_layers",
    "n_layers",
    "n_layer",
    "num_layers",
    "num_decoder_layers",
    "encoder_layers",
    "decoder_layers",
)


def read_config(path: Path) -> ModelConfig:
    """The configuration in this config.json.

    Raises: InputError when it cannot be read; DataError when the family is not known, a value is
    out of range, or it asks for something that is not computed here.
    """
    return config_of(read_json(path), visible(str(path)))


def config_of(given: Mapping[str, Any], place: str) -> ModelConfig:
    """The configuration that these keys say; `place` is where they stand. Raises: DataError."""
    keys = ConfigKeys(given, place)
    model_type = given.get("model_type")
    family = _family_of(model_type) if isinstance(model_type, str) else None
    if family is None or not isinstance(model_type, str):
        named = quoted(model_type) if isinstance(model_type, str) else "no model_type"
        raise keys.fault(
            f"{found_family('family', named, str(model_type))}, expected one of "
            f"{', '.join(model_types())}"
        )
    _refuse_what_is_not_computed(keys)
    config = family.read(model_type, keys)
    _check(config, keys)
    return config._replace(
        tied=_is_tied(keys, family), architectures=_architectures(given), ends=end_ids(given)
    )


def tensors_of(checkpoint: Checkpoint, config: ModelConfig) -> ModelTensors:
    """The tensors of a checkpoint, as its family stores them. Raises: DataError."""
    family = _family_of(config.model_type)
    assert family is not None  # its configuration was read
    return family.tensors(checkpoint, config)


def decoder_of(checkpoint: Checkpoint, config: ModelConfig) -> ModelTensors | None:
    """The tensors of the decoder that follows an encoder; None where none does. Raises: DataError."""
    family = _family_of(config.model_type)
    if family is None or family.decoder is None or config.target is None:
        return None
    return family.decoder(checkpoint, config)


def model_types() -> list[str]:
    """Every model_type that is read, by family."""
    return [name for family in _families() for name in family.model_types]


def _family_of(model_type: str) -> Family | None:
    """The family that lists a model_type; the file of its name, which mostly does, is asked first."""
    if model_type in _names() and model_type in (own := _family(model_type)).model_types:
        return own
    return next((family for family in _families() if model_type in family.model_types), None)


def _families() -> Iterator[Family]:
    return map(_family, _names())


def _names() -> list[str]:
    """The files of this room but for this one."""
    here = Path(__file__).parent
    names = sorted(module.name for module in pkgutil.iter_modules([str(here)]))
    return [name for name in names if name != Path(__file__).stem]


def _family(name: str) -> Family:
    family: Family = import_module(f"attncli.models.families.{name}").FAMILY
    return family


def _is_tied(keys: ConfigKeys, family: Family) -> bool:
    """Whether a head has the words' vectors: of a model that sees pictures too the whole says it."""
    return keys.flag("tie_word_embeddings", default=family.tied)


def end_ids(given: Mapping[str, Any]) -> tuple[int, ...]:
    """The ids that end a text: one or several, none where the keys do not say them."""
    inner = given.get("text_config")
    ends = given.get("eos_token_id", inner.get("eos_token_id") if isinstance(inner, dict) else None)
    every = ends if isinstance(ends, list) else [ends]
    return tuple(end for end in every if isinstance(end, int) and not isinstance(end, bool))


def _architectures(given: Mapping[str, Any]) -> tuple[str, ...]:
    names = given.get("architectures")
    return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()


def _check(config: ModelConfig, keys: ConfigKeys) -> None:
    if config.head_size is None and config.d_model % config.n_heads:
        name = next((name for name in _HEADS if name in keys.given), _HEADS[0])
        raise keys.fault(
            f"{name} is {config.n_heads}, which does not divide the width {config.d_model} evenly"
        )
    if config.max_tokens < 1:
        raise keys.fault(
            f"{config.n_positions} positions leave no room after the first {config.position_offset}"
        )
    has_last_norm = config.norms != "after" or config.decoder is not None
    for part in (keys, keys.within("text_config")):
        if has_last_norm and part is not None and _is_off(part, "tie_last_hidden_states"):
            raise part.fault(
                "tie_last_hidden_states is false, expected last hidden states after the last norm"
            )


def _is_off(keys: ConfigKeys, name: str) -> bool:
    """Whether a value is there that transformers takes for false; null is none."""
    value = keys.given.get(name)
    return value is not None and not value


def _refuse_what_is_not_computed(keys: ConfigKeys) -> None:
    positions = keys.given.get("position_embedding_type", "absolute")
    if positions not in ("absolute", None):
        raise keys.fault(
            f"position_embedding_type is {quoted(str(positions))}, expected absolute positions"
        )
    if keys.given.get("quantization_config"):
        raise keys.fault(
            "quantization_config says quantized weights, expected float32, float16 or bfloat16"
        )
    if keys.given.get("pruned_heads"):
        raise keys.fault("pruned_heads says fewer heads, expected as many in every layer")
    for part in (keys, keys.within("text_config")):
        if part is not None and part.given.get("per_layer_config"):
            raise part.fault("per_layer_config has options of single layers, expected none")
    for name in _LAYERS:  # of each of which something is noted before a tensor is looked for
        count = keys.given.get(name)
        if isinstance(count, int) and count > _MOST_LAYERS:
            raise keys.fault(
                f"{name} is {quoted(str(count))}, expected a whole number from 1 to {_MOST_LAYERS}"
            )
