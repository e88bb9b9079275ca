"""The rates and shares of a training, each in its range."""

from math import isfinite

from attncli.errors import UsageError, field_name
from attncli.settings import TrainingSettings

# What each share or rate of a training must be below, in the order in which they are looked at.
_BELOW = {
    "weight_decay": 1e6,
    **dict.fromkeys(("dropout", "weight_dropout", "word_dropout", "smoothing"), 1.0),
    "balance": 10.0,
    "held_out": 1.0,
}
_COLDEST = 1e-3  # pair_temperature: cosines ÷ 0.001 are beyond what a softmax tells apart
_MOST = 2**63 - 1  # a number that JSON, arrays and seeds hold


def checked_training(settings: TrainingSettings) -> TrainingSettings:
    """The settings, their rates and shares in range. Raises: UsageError."""
    expected = "expected a number above 0"
    if not (isfinite(settings.learning_rate) and settings.learning_rate > 0):
        raise _out_of_range(settings, "learning_rate", expected)
    if not (isfinite(settings.pair_temperature) and settings.pair_temperature >= _COLDEST):
        raise _out_of_range(
            settings, "pair_temperature", f"expected a number of at least {_COLDEST:g}"
        )
    if not (isfinite(settings.tolerance) and settings.tolerance >= 0):
        raise _out_of_range(settings, "tolerance", expected)
    if not 0 <= settings.seed <= _MOST:
        message = f"found a number out of range, expected 0 to {_MOST}"
        raise UsageError(message, place=field_name("seed"))
    if settings.class_weights is not None and settings.balance != TrainingSettings().balance:
        message = f"found {settings.balance:g} beside {field_name('class_weights')}, expected one"
        raise UsageError(f"{message} of them", place=field_name("balance"))
    for name, below in _BELOW.items():
        if not 0 <= getattr(settings, name) < below:
            raise _out_of_range(settings, name, f"expected 0 or more, below {below:g}")
    return settings


def _out_of_range(settings: TrainingSettings, name: str, expected: str) -> UsageError:
    return UsageError(f"found {getattr(settings, name):g}, {expected}", place=field_name(name))
