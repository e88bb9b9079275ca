"""What a file of results holds: for each suffix the function that makes its content."""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from attncli.errors import field_name
from attncli.results.displayed import displayed
from attncli.settings import FigureSettings, HeadMeasure, Notation
from attncli.views.picture_formats import SayLost, picture

if TYPE_CHECKING:
    from attncli.insight.diagram import Diagram
    from attncli.insight.movement import Movement
    from attncli.results.result import AttentionResult

    Results: TypeAlias = Sequence[AttentionResult]

# What a file will hold: all of it, or its parts one by one.
Content: TypeAlias = str | bytes | Iterable[str] | Iterable[bytes]

COLUMNAR = {".parquet": "parquet", ".arrow": "arrow", ".feather": "arrow"}
_WHOLE = (".json", ".jsonl", ".npz", *COLUMNAR)  # hold every part of a result
_DATA = (*_WHOLE, ".csv", ".tsv")  # hold the tokens as they are
FIGURED = (".svg", ".png", ".pdf", ".tex")  # may be figures for a paper


class FileRequest(NamedTuple):
    """What is asked of a file of results; each format takes what it has a place for.

    `movements` and `stages` are one for each result, `stages_name` is the title of the stages.
    `diagrams` stand above the results of a page, and in the place of the heat maps of a picture.
    `fields` (to add, to leave out) and `top` shape JSON and columns only. `notation` is that of equations.
    With `head_map` a file holds the map of all heads alone, of a `measure` if one is named; a page
    has it beside the rest. With a `figure` a picture or TeX holds the weights alone; a page has its title and colors.
    `made_by` is the command for a footer. `say` takes a sentence on what the file cannot hold.
    """

    movements: "Sequence[Sequence[Movement]]" = ()
    precision: int | None = None
    fields: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
    top: int | None = None
    stages: Sequence[str] = ()
    stages_name: str = "Every stage"
    diagrams: "Sequence[Diagram]" = ()
    notation: Notation = "words"
    figure: FigureSettings | None = None
    head_map: bool = False
    measure: HeadMeasure | None = None
    made_by: str = ""
    say: SayLost | None = None

    @property
    def digits(self) -> int:
        """Digits after the point where numbers are drawn."""
        return 2 if self.precision is None else self.precision


PLAIN = FileRequest()


def content_of(path: str, suffix: str, results: "Results", asked: FileRequest) -> Content:
    """The content of the file `path`, in the format of the suffix.

    Of a result with several parts most formats have the one that views show; JSON, .npz and columns
    have all.
    """
    if asked.head_map or suffix not in _WHOLE:
        results = [result.shown for result in results]
    if suffix not in _DATA:
        results = [displayed(result) for result in results]
    if asked.head_map and suffix != ".html":
        from attncli.views.head_map_files import head_map_file

        return head_map_file(suffix, results, asked.measure, made_by=asked.made_by, say=asked.say)
    if asked.figure is not None and suffix in FIGURED:
        from attncli.views.figures.files import figure_file

        return figure_file(
            asked.figure,
            results,
            suffix,
            precision=asked.digits,
            made_by=asked.made_by,
            say=asked.say,
        )
    if suffix in (".csv", ".tsv"):
        return _table(path, suffix, results, asked)
    if suffix in COLUMNAR:
        from attncli.views.columns import columns_file

        return columns_file(
            COLUMNAR[suffix], results, *asked.fields, precision=asked.precision, top=asked.top
        )
    if suffix in _MAKERS:
        return _MAKERS[suffix](results, asked)
    return picture(_drawings(suffix, results, asked), suffix, asked.say)


def _page(results: "Results", asked: FileRequest) -> Content:
    from attncli.views.html import page

    figure, before, style = asked.figure, "", ""
    if asked.diagrams:
        from attncli.views.diagram_svg import PAGE_STYLE, diagram_figure

        before = "".join(
            diagram_figure(diagram, number, asked.precision, asked.notation)
            for number, diagram in enumerate(asked.diagrams)
        )
        style = PAGE_STYLE
    return page(
        results,
        title=figure.title if figure else None,
        palette=figure.palette if figure else "viridis",
        stretch=figure is not None and figure.scale.strip().lower() == "max",
        movements=asked.movements,
        precision=asked.digits,
        stages=asked.stages,
        stages_name=asked.stages_name,
        before=before,
        style=style,
        notation=asked.notation,
        made_by=asked.made_by,
        measure=asked.measure,
        map_is_open=asked.head_map,
    )


def _records(results: "Results", asked: FileRequest) -> Content:
    from attncli.results.json import result_parts

    return (
        part
        for result in results
        for part in chain(
            result_parts(result, *asked.fields, precision=asked.precision, top=asked.top), "\n"
        )
    )


def _markdown(results: "Results", asked: FileRequest) -> Content:
    from attncli.views.markdown import markdown

    return markdown(
        results,
        precision=asked.digits,
        stages=asked.stages,
        notation=asked.notation,
        made_by=asked.made_by,
    )


def _latex(results: "Results", asked: FileRequest) -> Content:
    from attncli.views.latex import latex

    return latex(
        results,
        precision=asked.digits,
        stages=asked.stages,
        notation=asked.notation,
        made_by=asked.made_by,
    )


def _npz(results: "Results", _: FileRequest) -> Content:
    from attncli.views.npz import npz

    return npz(results)


_MAKERS: "dict[str, Callable[[Results, FileRequest], Content]]" = {
    ".html": _page,
    ".json": _records,
    ".jsonl": _records,
    ".md": _markdown,
    ".tex": _latex,
    ".npz": _npz,
}


def _table(path: str, suffix: str, results: "Results", asked: FileRequest) -> Content:
    """The weights as rows of cells; what they leave out is said."""
    from attncli.views.delimited import delimited
    from attncli.views.losses import losses_line, losses_of

    left_out = losses_line(
        path,
        losses_of(suffix[1:], results, asked.fields[0]),
        selections=[result.selection or {} for result in results],
        untrained=any(r.model is not None and r.model.is_untrained for r in results),
        given=any(r.model is not None and r.model.is_given for r in results),
    )
    if asked.say is not None and left_out:
        asked.say(left_out)
    return delimited(results, "," if suffix == ".csv" else "\t", precision=asked.precision)


def _drawings(suffix: str, results: "Results", asked: FileRequest) -> list[str]:
    """The diagrams or the heat maps; stages below them, in a PDF on sheets of their own."""
    from attncli.views import sheets
    from attncli.views.heat_maps import heat_maps
    from attncli.views.svg import stacked, svg_document

    footer = sheets.footer_drawings(asked.made_by)
    if asked.diagrams:
        from attncli.views.diagram_svg import diagram_svg

        return [diagram_svg(asked.diagrams, asked.precision, asked.notation, footer)]
    if asked.say is not None and (note := _grid_note(results, asked.notation)):
        asked.say(note)
    if suffix != ".pdf" or not asked.stages:
        below = [*(sheets.text_drawing(text) for text in asked.stages), *footer]
        return [heat_maps(results, precision=asked.digits, notation=asked.notation, below=below)]
    pages = [[page] for text in asked.stages for page in sheets.text_sheets(text)]
    pages[-1] += footer
    return [
        heat_maps(results, precision=asked.digits, notation=asked.notation),
        *(svg_document(stacked(page), asked.stages_name) for page in pages),
    ]


def _grid_note(results: "Results", notation: Notation) -> str:
    """That many heat maps are small, and what makes them larger; nothing where they are not."""
    from attncli.views.heat_maps import is_many

    most = max(
        (r.attention.n_layers * r.attention.n_heads for r in results if is_many(r)), default=0
    )
    if not most:
        return ""
    parts = ", ".join(map(field_name, ("part.layers", "part.heads", "part.over")))
    left_out = "the numbers" if notation == "words" else "the numbers and equations"
    return f"{most} matrices stand in a grid, {left_out} left out: {parts} choose fewer"
