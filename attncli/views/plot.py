"""A weight matrix as a heat map of matplotlib, where that is installed."""

from typing import TYPE_CHECKING, Any

from attncli.arrays import Float32Array
from attncli.errors import ArgumentError, MissingExtraError, UsageError
from attncli.errors.wording import visible
from attncli.results.displayed import displayed
from attncli.results.names import axis_names, full_name, last_layer, mean_of_heads, positions
from attncli.results.result import AttentionResult
from attncli.views.palette import PALETTES, hex_code, text_on

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_NUMBERS = 16  # words of a matrix whose cells hold their weights
_CELL, _LEAST, _MOST = 0.45, 3.5, 14.0  # inches: of a cell, of a figure


def plotted_heat_map(
    result: AttentionResult,
    matrix: Float32Array,
    chosen: tuple[int | None, int | None],
    ax: Any,
    palette: str,
    numbers: bool | None,
) -> "Axes":
    """The matrix (n_tokens, n_keys) on axes: words as labels, the scale of the colors from 0 to 1.

    `chosen` are the layer and the head that it is of.
    Raises: MissingExtraError, ArgumentError for what are no axes, UsageError for another palette.
    """
    if not isinstance(palette, str) or palette not in PALETTES:
        expected = f"expected one of {', '.join(PALETTES)}"
        raise UsageError(f"found {palette!r}, {expected}", place="palette")
    if not isinstance(numbers, bool | None):
        raise ArgumentError(f"found {numbers!r}, expected True, False or None", place="numbers")
    if ax is None:
        ax = _own_axes(*matrix.shape)
    elif not hasattr(ax, "imshow"):
        kind = type(ax).__name__
        raise ArgumentError(f"found a {kind}, expected axes of matplotlib", place="ax")
    from matplotlib.colors import ListedColormap

    ramp = [hex_code(color) for color in PALETTES[palette]]
    ax.imshow(matrix, cmap=ListedColormap(ramp, palette), vmin=0, vmax=1, interpolation="nearest")
    drawn = displayed(result)
    words, keys = ([visible(word) for word in of] for of in (drawn.words, drawn.key_words))
    upright = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    ax.set_xticks(range(len(keys)), keys, parse_math=False, **upright)
    ax.set_yticks(range(len(words)), words, parse_math=False)
    ax.set_xlabel("what is attended to")
    ax.set_ylabel("the word that attends")
    ax.set_title(_title(result, *chosen), parse_math=False)
    if numbers or (numbers is None and max(matrix.shape) <= _MOST_NUMBERS):
        _write_numbers(ax, matrix, palette)
    axes: Axes = ax
    return axes


def _own_axes(n_tokens: int, n_keys: int) -> Any:
    """Axes of a new figure, as large as its words ask for. Raises: MissingExtraError."""
    try:
        from matplotlib import pyplot
    except ImportError:
        raise MissingExtraError.of("matplotlib", "a plot") from None
    size = [min(max(_CELL * count + 1.5, _LEAST), _MOST) for count in (n_keys, n_tokens)]
    return pyplot.subplots(figsize=size, layout="constrained")[1]


def _title(result: AttentionResult, layer: int | None, head: int | None) -> str:
    """The text, and below it the layer and head, where there are several."""
    at = last_layer(result) if layer is None else positions(result, "layers", [layer])[0]
    text = visible(result.text)
    if head is not None:
        name = full_name(result, at, positions(result, "heads", [head])[0])
        return f"{text}\n{name}" if name else text
    parts = [axis_names(result, "layers")[at]] if result.attention.n_layers > 1 else []
    heads = mean_of_heads(result)
    return "\n".join([text, ", ".join([*parts, *([heads] if heads else [])])]).rstrip("\n")


def _write_numbers(ax: Any, matrix: Float32Array, palette: str) -> None:
    """Each weight in its cell, black or white as the color asks for."""
    ramp = PALETTES[palette]
    for row, weights in enumerate(matrix.tolist()):
        for column, weight in enumerate(weights):
            color = text_on(ramp[min(int(weight * len(ramp)), len(ramp) - 1)])
            ax.text(
                column,
                row,
                f"{weight:.2f}",
                ha="center",
                va="center",
                color=hex_code(color),
                fontsize="small",
            )
