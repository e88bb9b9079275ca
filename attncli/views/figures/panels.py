"""Results as the panels of a figure: each matrix with its words and its name."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from attncli.arrays import BoolArray, FloatArray
from attncli.insight.places import mask_of
from attncli.results.names import AXES, axis_labels, axis_names, matrix_name
from attncli.results.result import AttentionResult


class Panel(NamedTuple):
    """One matrix, rows are queries. Shapes: weights and seen (n_tokens, n_keys).

    The columns are the `keys`, where there are any, else the words again. `name` and `short` are what
    it is called, `across` and `down` what its column and its row are called in a grid of layers and
    heads; `row` is a word to point out, `group` the number of what the panel is of, whose panels stand
    in rows of their own.
    """

    words: Sequence[str]
    weights: FloatArray
    seen: BoolArray | None = None
    name: str = ""
    short: str = ""
    across: str = ""
    down: str = ""
    row: int | None = None
    group: int = 0
    keys: Sequence[str] = ()

    @property
    def columns(self) -> Sequence[str]:
        """The words of the columns."""
        return self.keys or self.words


def panels_of(results: Sequence[AttentionResult]) -> list[Panel]:
    """Every matrix of every result; of several results each is called by its sentence too."""
    several = len(results) > 1
    return [
        panel._replace(group=number)
        for number, result in enumerate(results)
        for panel in _of_result(result, named=several)
    ]


def _of_result(result: AttentionResult, *, named: bool) -> list[Panel]:
    n_layers, n_heads = result.attention.n_layers, result.attention.n_heads
    seen, layers, heads = mask_of(result), axis_names(result, "layers"), axis_names(result, "heads")
    is_grid = n_layers > 1 and n_heads > 1 and not named
    panels = []
    for layer in range(n_layers):
        for head in range(n_heads):
            name = matrix_name(result, layer, head)
            short = [_short(result, layer, head)] if name else []
            short += [result.text] if named and name else []
            panels.append(
                Panel(
                    words=result.words,
                    weights=result.weights[layer, head],
                    seen=None if seen is None else _own(seen, layer, head),
                    name=", ".join(filter(None, [result.text if named else "", name])),
                    short=" ".join(short),
                    across=heads[head] if is_grid else "",
                    down=layers[layer] if is_grid else "",
                    keys=result.key_words if result.is_cross else (),
                )
            )
    return panels


def _own(seen: BoolArray, layer: int, head: int) -> BoolArray:
    """What this head may see, (n_tokens, n_tokens)."""
    own: BoolArray = seen if seen.ndim == 2 else seen[layer, head]
    return own


def _short(result: AttentionResult, layer: int, head: int) -> str:
    """The name of a matrix in a few letters: "L5 H3"."""
    places = zip(AXES, "LH", (layer, head), strict=True)
    return " ".join(
        f"{letter}{axis_labels(result, axis)[at]}"
        for axis, letter, at in places
        if getattr(result.attention, f"n_{axis}") > 1
    )


def scale_of_weights(
    weights: Sequence[FloatArray], scale: tuple[float, float] | None
) -> tuple[float, float]:
    """The weights at the ends of the colors: those asked for, or 0 and the largest there is."""
    if scale is not None:
        return scale
    highest = max((float(np.max(array, initial=0)) for array in weights), default=1.0)
    return 0.0, highest if highest > 0 else 1.0


def beyond(panels: Sequence[Panel], scale: tuple[float, float]) -> int:
    """How many weights lie outside the scale."""
    low, high = scale[0] - 1e-9, scale[1] + 1e-9
    return sum(int(((p.weights < low) | (p.weights > high)).sum()) for p in panels)
