"""Which layers of a GGUF file see a window, as the keys of a config.json say it.

Source: ggml-org/llama.cpp, which takes a number for how often a layer sees all, or a value for each.
"""

from typing import Any

import numpy as np

from attncli.models.gguf.metadata import Metadata

_WINDOW, _PATTERN = "attention.sliding_window", "attention.sliding_window_pattern"
_MOST_LAYERS = 10_001  # of which one more is refused before the list is read
_SLIDING, _FULL = "sliding_attention", "full_attention"


def window_of_gemma(metadata: Metadata, usual: int | None, every: int) -> dict[str, Any]:
    """The window and the kinds of layers: of `every` layers the last sees all, where nothing else is said.

    `usual` is the window of a file that does not say it; where it is None, such a file has none, and
    neither has one that says 0. Raises: DataError.
    """
    window = metadata.whole(_WINDOW, usual or 0)
    count = min(metadata.whole("block_count"), _MOST_LAYERS)
    if window == 0 and usual is None:
        return {"sliding_window": None, "layer_types": [_FULL] * count}
    kinds = kinds_of_layers(metadata)
    if kinds is None:
        every = metadata.whole(_PATTERN, every)
        if every < 1:
            raise metadata.fault(_PATTERN, f"is {every}, expected a number above 0")
        kinds = [_SLIDING if (layer + 1) % every else _FULL for layer in range(count)]
    return {"sliding_window": window, "layer_types": kinds}


def kinds_of_layers(metadata: Metadata) -> list[str] | None:
    """What a file says of each layer by itself, None where it does not. Raises: DataError."""
    if not metadata.has(_PATTERN) or metadata.is_whole(_PATTERN):
        return None
    given = metadata.numbers(_PATTERN)
    assert given is not None  # there is a value
    kinds: list[str] = np.where(given != 0, _SLIDING, _FULL).tolist()
    return kinds


def expect_same_in_windows(metadata: Metadata, d_k: int) -> None:
    """Raises: DataError where layers with a window have heads of another width, or turn otherwise."""
    turned = metadata.whole("rope.dimension_count", d_k)
    for key, same in (
        ("attention.key_length_swa", d_k),
        ("attention.value_length_swa", d_k),
        ("rope.dimension_count_swa", turned),
    ):
        if (value := metadata.whole(key, same)) != same:
            raise metadata.fault(key, f"is {value}, expected {same}, as in the other layers")


def expect_same_base(metadata: Metadata) -> None:
    """Raises: DataError where layers with a window turn by another base than the others."""
    base = metadata.number("rope.freq_base", 10_000.0)
    if (own := metadata.number("rope.freq_base_swa", base)) != base:
        raise metadata.fault(
            "rope.freq_base_swa", f"is {own:g}, expected {base:g}, that of all layers"
        )
