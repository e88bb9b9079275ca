"""What is asked of a figure from Python: the words of the command, or numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from attncli.checks.arguments import number_of, unexpected
from attncli.checks.choices import checked_choices
from attncli.settings import FigureSettings

_PAIRS = {"size": "x", "scale": ",", "grid": "x"}  # and what parts them in a text


def checked_figure(choices: Mapping[str, Any]) -> FigureSettings | None:
    """What is asked of a figure; None where nothing is. Raises: ArgumentError, UsageError.

    >>> checked_figure({"size": (800, 600)}).size
    '800x600'
    """
    texts = {name: _as_text(name, value) for name, value in choices.items()}
    settings = FigureSettings(**checked_choices(texts, FigureSettings))
    return None if settings == FigureSettings() else settings


def _as_text(name: str, value: Any) -> Any:
    """Numbers of a figure as the text that says the same; everything else as it is."""
    if value is None or isinstance(value, str):
        return value
    if name == "font_size":
        return f"{number_of(value, name, 'a number of pixels, or a text such as 9pt'):.12g}"
    if name not in _PAIRS:
        return value
    expected = f"two numbers, or a text such as {'0,1' if name == 'scale' else '4x3'}"
    pair = list(value) if isinstance(value, list | tuple | np.ndarray) else []
    if len(pair) != 2:
        raise unexpected(value, name, expected)
    return _PAIRS[name].join(f"{number_of(number, name, expected):.12g}" for number in pair)
