"""Results into files, and into a notebook."""

from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Unpack, get_args

from attncli.checks.arguments import choice_of, path_of
from attncli.checks.choices import expect_names
from attncli.results.result import AttentionResult
from attncli.results.saving import save_results, several_of
from attncli.settings import FigureChoices, Notation, Palette

if TYPE_CHECKING:
    from attncli.models.trained import TrainedModel
    from attncli.views.notebook import Shown


def save(
    results: "AttentionResult | Sequence[AttentionResult] | TrainedModel",
    path: str | PathLike[str],
    *,
    precision: int | None = None,
    top: int | None = None,
    exclude: Iterable[str] = (),
    notation: Notation = "words",
    **figure: Unpack[FigureChoices],
) -> None:
    """Writes one result or several in the format of the suffix, as `attn explain -o` does.

    html, svg, png, pdf, json, jsonl, npz, parquet, arrow, feather, csv, tsv, md or tex; JSON, Parquet
    and Arrow (arrow, feather) hold every field of the result but those to `exclude`, and with `top`
    the strongest weights of each row alone. `precision` is a number of digits after the point. A
    trained model is written as a safetensors file, whatever the suffix. With the `notation`
    "lecture" equations are written in the symbols of the lecture's notes.

    Any of title, size, palette, scale, numbers, legend, axes, font_size, grid, lines and fragment
    makes a picture or TeX a figure for a paper, the weights alone, as `attncli.settings` says in
    `FigureSettings`: `size="8cmx6cm"` or `size=(800, 600)`, `scale="max"` or `scale=(0, 0.5)`.
    A page takes title, palette and scale.
    Raises: UsageError for another suffix, or a choice that cannot be read; MissingExtraError,
    OutputError.
    """
    from attncli.models.trained import TrainedModel, save_model

    expect_names(figure, save, FigureChoices.__optional_keys__)
    file = path_of(path)
    if isinstance(results, TrainedModel):
        save_model(results, Path(file))
        return
    save_results(
        results,
        file,
        precision=precision,
        top=top,
        exclude=exclude,
        notation=notation,
        figure=figure,
    )


def show(
    results: AttentionResult | Sequence[AttentionResult],
    *,
    notation: Notation = "words",
    palette: Palette = "viridis",
    scale: Literal["0,1", "max"] = "0,1",
) -> "Shown":
    """Results as a notebook shows them, in a notation and in colors of one's choice.

    With the `scale` max the colors go to the largest weight.

    >>> show(explain("money bank"), notation="lecture")
    Shown('money bank', notation='lecture')
    """
    from attncli.views.notebook import Shown

    choice_of(notation, "notation", get_args(Notation))
    choice_of(palette, "palette", get_args(Palette))
    choice_of(scale, "scale", ("0,1", "max"))
    return Shown(tuple(several_of(results)), notation, palette, scale == "max")
