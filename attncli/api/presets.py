"""A preset among other choices: its vectors and settings, unless others are given."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

from attncli.errors import UsageError, field_name
from attncli.errors.wording import quoted
from attncli.settings import MATRIX_FIELDS, OF_PRESET, TEMPERATURE, MechanismSettings

_DEFAULTS = MechanismSettings()


def with_preset(settings: MechanismSettings, given: Collection[str] = ()) -> MechanismSettings:
    """The settings with what their preset says in the place of the preset.

    What is `given`, or has a value of its own, stays. Raises: UsageError beside a model.
    """
    if settings.preset is None:
        return settings
    values = {name: getattr(settings, name) for name in MechanismSettings.__slots__}
    own = {name for name, value in values.items() if value != getattr(_DEFAULTS, name)}
    chosen = preset_choices(values, {*given, *own})
    return replace(settings, **chosen, preset=None)


def preset_choices(
    values: Mapping[str, Any], given: Collection[str], say: Callable[[str], None] | None = None
) -> dict[str, Any]:
    """The choices that a preset makes beside those that are `given`, which win.

    `values` are all choices by name. `say` is told what of the preset is not taken.
    Raises: UsageError beside a model, which has vectors of its own.
    """
    from attncli.embeddings.presets import preset_named

    name = values["preset"]
    preset, chosen = preset_named(name), dict[str, Any]()
    lost: list[str] = []
    if values["model"] is not None:
        raise UsageError(
            "found a model too, expected one of them: a model has vectors of its own",
            place=field_name("preset"),
        )
    if "inline" in given or "vectors" in given:
        lost.append(f"the vectors {quoted(values['inline'] or values['vectors'])} are taken")
    else:
        chosen["vectors"] = f"{OF_PRESET}{name}"
    if values["attention"] != "general" or any(
        values[field] is not None for field in MATRIX_FIELDS
    ):
        if (preset.score, preset.temperature) != (_DEFAULTS.score, TEMPERATURE):
            lost.append("its score and temperature are of general attention")
    else:
        lost += _scored(preset.score, preset.temperature, values, given, chosen)
    if say is not None:
        for text in lost:
            say(f"the preset {name}: {text}")
    return chosen


def _scored(
    score: str,
    temperature: float,
    values: Mapping[str, Any],
    given: Collection[str],
    chosen: dict[str, Any],
) -> list[str]:
    """Adds score and temperature to what is chosen; what is said of those that are not."""
    lost: list[str] = []
    if "score" not in given:
        chosen["score"] = score
    elif values["score"] != score:
        lost.append(f"the score {values['score']} is taken, not {score}")
    if temperature == TEMPERATURE:
        return lost
    if "temperature" not in given and "target_self" not in given:
        chosen["temperature"] = temperature
    elif values["temperature"] != temperature:
        lost.append(f"its temperature {temperature:g} is not taken")
    return lost
