"""A figure as the content of a file: SVG, PNG, PDF or TeX."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from attncli.arrays import BoolArray
from attncli.errors.wording import visible
from attncli.escape import MARK
from attncli.insight.beside import mean_weights
from attncli.insight.places import mask_of
from attncli.results.result import AttentionResult
from attncli.settings import FigureSettings
from attncli.views.figures.drawing import drawn
from attncli.views.figures.panels import Panel, panels_of
from attncli.views.figures.to_svg import scene_svg
from attncli.views.figures.wishes import PIXELS, Figure, figure_of
from attncli.views.picture_formats import SayLost, picture

if TYPE_CHECKING:
    from attncli.results.comparison import Comparison
    from attncli.views.against_files import Beside

DOTS = 300  # of an inch, in a PNG whose size is not in pixels


def figure_file(
    figure: FigureSettings,
    results: Sequence[AttentionResult],
    suffix: str,
    *,
    precision: int = 2,
    made_by: str = "",
    say: SayLost | None = None,
) -> str | bytes:
    """The figure of all matrices of some results, in the format of a suffix.

    `made_by` is the command that is kept in the file, unseen. Says what cannot be shown.
    Raises: UsageError for what does not fit; what `picture` raises.
    """
    title = "Attention weights: " + "; ".join(visible(result.text) for result in results)
    asked, panels = figure_of(figure), panels_of(results)
    return panels_file(asked, panels, title, suffix, precision, made_by, say)


def comparison_panels(
    comparison: "Comparison", results: Sequence[AttentionResult]
) -> tuple[list[Panel], str]:
    """The sentences of a comparison side by side, the word pointed out in each; of several heads
    their mean. And the title.
    """
    panels = [
        Panel(
            words=results[occurrence.sentence].words,
            weights=mean_weights(results[occurrence.sentence]),
            seen=_seen(results[occurrence.sentence]),
            name=f"{occurrence.name}. {occurrence.title}",
            row=occurrence.place,
        )
        for occurrence in comparison.occurrences
    ]
    return panels, f"{visible(comparison.word)} in {len(panels)} sentences"


def against_panels(pairs: "Sequence[Beside]") -> tuple[list[Panel], str]:
    """General attention beside another, for each sentence; and the title."""
    panels = [
        Panel(
            words=pair.general.words,
            weights=weights,
            seen=_seen(result),
            name=name if len(pairs) == 1 else f"{name}: {pair.general.text}",
            group=number,
        )
        for number, pair in enumerate(pairs)
        for result, (name, weights) in zip(pair[:2], pair.matrices(visible), strict=True)
    ]
    texts = "; ".join(visible(pair.general.text) for pair in pairs)
    return panels, f"General attention beside another: {texts}"


def _seen(result: AttentionResult) -> BoolArray | None:
    """What words may see, in any of the heads."""
    seen = mask_of(result)
    if seen is None or seen.ndim == 2:
        return seen
    return np.asarray(seen.any(axis=(0, 1)))


def panels_file(
    figure: Figure,
    panels: Sequence[Panel],
    title: str,
    suffix: str,
    precision: int,
    made_by: str,
    say: SayLost | None,
) -> str | bytes:
    """The figure of these panels. As `figure_file`."""
    title = figure.title or title
    scenes, notes = drawn(figure, panels, precision, pages=suffix == ".pdf")
    if say is not None:
        for note in notes:
            say(note)
    made_by = made_by.replace(MARK, "")
    if suffix == ".tex":
        from attncli.views.figures.to_tex import scene_tex

        return scene_tex(scenes[0], fragment=figure.fragment, made_by=made_by)
    from attncli.views.pictures import Way

    described = f"Made by: {made_by}" if made_by else ""
    sides = _sides(figure, suffix)
    svgs = [scene_svg(scene, title, described, sides) for scene in scenes]
    in_pixels = figure.size is None or figure.size.unit == "px"
    way = Way(
        zoom=2.0 if figure.size is None else 1.0,
        dots=None if in_pixels else DOTS,
        points=tuple((0.75 * scene.width, 0.75 * scene.height) for scene in scenes),
        title=title,
        description=described,
    )
    return picture(svgs, suffix, say, way)


def _sides(figure: Figure, suffix: str) -> tuple[str, str] | None:
    """Width and height as a file says them: an SVG in the unit asked for, a PNG in its pixels."""
    if figure.size is None or suffix == ".pdf":
        return None
    if suffix == ".svg":
        return figure.size.said
    dots = 1.0 if figure.size.unit == "px" else DOTS / PIXELS["in"]
    return f"{round(figure.size.width * dots)}", f"{round(figure.size.height * dots)}"
