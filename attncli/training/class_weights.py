"""How much the sentences of each label count in the loss, as a user writes it → a number a label."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from attncli.arrays import Float32Array
from attncli.errors import AttnError, DataError, InputError, UsageError, field_name
from attncli.errors.wording import did_you_mean, quoted, visible
from attncli.files.paths import is_file
from attncli.learning.losses import balanced_label_weights
from attncli.settings import TrainingSettings
from attncli.training.examples import Prepared

BALANCED = "balanced"
_MOST = 1 << 20  # bytes of a file of weights
_FIELD = "class_weights"


def label_weights(settings: TrainingSettings, prepared: Prepared) -> Float32Array | None:
    """The weight of each label, (n_labels,); None where `class_weights` says nothing.

    "balanced" gives each label the same say, as `balance` 1 does. Labels that are not named count 1.
    Raises: UsageError, DataError, InputError.
    """
    given = settings.class_weights
    if given is None or prepared.examples.labels is None:
        return None
    labels = prepared.labels
    if given.strip() == BALANCED:
        return balanced_label_weights(prepared.gold, len(labels), 1.0)
    numbers = np.ones(len(labels), dtype=np.float32)
    for label, number in _pairs(given):
        if label not in labels:
            listed = ", ".join(quoted(one) for one in labels[:8])
            raise _refused(
                f"found the label {quoted(label)}, expected one of {listed}"
                f"{did_you_mean(label, labels)}"
            )
        numbers[labels.index(label)] = number
    return numbers


def weights_file(given: str | None) -> str | None:
    """The file that holds weights, where a file is named."""
    return given if given is not None and _is_file_name(given) else None


def _is_file_name(given: str) -> bool:
    text = given.strip()
    return (
        text != BALANCED and not text.startswith("{") and ("=" not in text or is_file(Path(text)))
    )


def _pairs(given: str) -> list[tuple[str, float]]:
    """Labels and numbers, as they are written or in a file."""
    if _is_file_name(given):
        return _of_json(_content(given), given)
    if given.strip().startswith("{"):
        return _of_json(given, None)
    pairs = []
    for part in given.split(","):
        label, mark, number = part.rpartition("=")
        if not mark:
            raise _refused(
                f"found {quoted(part)}, expected balanced, LABEL=NUMBER,… or a JSON file"
            )
        pairs.append((label.strip(), _number(number, label)))
    return _each_once(pairs)


def _content(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            content = file.read(_MOST + 1)
        if len(content) > _MOST:
            raise _refused(
                f"found a file of more than {_MOST >> 20} MiB, expected weights of labels"
            )
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError("this is no UTF-8, expected JSON", place=visible(path)[:200]) from None
    except (OSError, ValueError) as fault:
        reason = (getattr(fault, "strerror", None) or str(fault)).lower()
        raise InputError(
            f"cannot open {visible(path)[:200]}: {reason}", place=field_name(_FIELD)
        ) from None


def _of_json(text: str, path: str | None) -> list[tuple[str, float]]:
    place = field_name(_FIELD) if path is None else visible(path)[:200]
    error: type[AttnError] = UsageError if path is None else DataError
    try:
        pairs = json.loads(text, object_pairs_hook=_Object)
    except (ValueError, RecursionError) as fault:
        raise error(f"not JSON: {fault}", place=place) from None
    if not isinstance(pairs, _Object):
        raise error('expected an object of labels, as {"label": 2}', place=place)
    return _each_once([(label, _number(number, label)) for label, number in pairs])


class _Object(list[tuple[str, Any]]):
    """The pairs of an object of JSON, in order."""


def _number(value: Any, label: str) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not 0 < number < 1e6:
        raise _refused(
            f"found {quoted(str(value)[:40])} for {quoted(label.strip())}, expected a number above 0, "
            "below 1e6"
        )
    return number


def _each_once(pairs: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    named = [label for label, _ in pairs]
    twice = next((label for label in named if named.count(label) > 1), None)
    if twice is not None:
        raise _refused(f"found the label {quoted(twice)} twice")
    return list(pairs)


def _refused(message: str) -> UsageError:
    return UsageError(message, place=field_name(_FIELD))
