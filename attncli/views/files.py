"""Results written to files: the suffix says what is written; a file appears whole or not at all."""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from attncli.errors import UsageError, field_name
from attncli.errors.wording import did_you_mean, quoted
from attncli.files.writing import whole_file
from attncli.settings import FigureSettings, Notation
from attncli.views.picture_formats import picture

if TYPE_CHECKING:
    from attncli.insight.diagram import Diagram
    from attncli.insight.movement import Movement
    from attncli.results.comparison import Comparison
    from attncli.results.result import AttentionResult
    from attncli.views.against_files import Beside

# What a file will hold: all of it, or its text in parts.
Content: TypeAlias = str | bytes | Iterable[str]

TEXT_SUFFIXES = (".html", ".svg", ".json", ".jsonl", ".csv", ".tsv", ".md", ".tex")
COMPARISON_SUFFIXES = (".html", ".svg", ".png", ".pdf", ".json", ".md", ".tex", ".csv", ".tsv")
AGAINST_SUFFIXES = (".html", ".svg", ".png", ".pdf", ".md", ".tex")
Say: TypeAlias = Callable[[str], None]
FIGURED = (".svg", ".png", ".pdf", ".tex")  # may be figures for a paper
SUFFIXES = (*TEXT_SUFFIXES, ".png", ".pdf", ".npz")


def suffix_of(path: str, allowed: Sequence[str] = SUFFIXES) -> str:
    """The suffix that says the format. Raises: UsageError for one that is not allowed."""
    suffix = Path(path).suffix.lower()
    suffix = {".htm": ".html"}.get(suffix, suffix)
    if suffix not in allowed:
        raise UsageError(
            f"found the suffix {quoted(suffix)}, expected one of {' '.join(allowed)}"
            + did_you_mean(suffix, allowed),
            place=field_name("output"),
        )
    return suffix


def write_results(
    path: str,
    results: "Sequence[AttentionResult]",
    *,
    movements: "Sequence[Sequence[Movement]]" = (),
    precision: int | None = None,
    fields: tuple[tuple[str, ...], tuple[str, ...]] = ((), ()),
    top: int | None = None,
    stages: Sequence[str] = (),
    stages_name: str = "Every stage",
    diagrams: "Sequence[Diagram]" = (),
    notation: Notation = "words",
    figure: FigureSettings | None = None,
    made_by: str = "",
    say: Say | None = None,
) -> None:
    """Writes results in the format of the suffix; `top` and `fields` shape JSON only.

    With a `figure` pictures and TeX are figures for a paper, the weights alone; a page has its title
    and colors.

    `notation` is that of the equations of pages, pictures, Markdown and TeX.

    `stages` are texts of every stage, one for each result, under a `stages_name`; `made_by` is the command for a footer.
    Tables and formats that are read back hold neither.

    `diagrams` are drawings of words: a page has them above, a picture holds them in the place of
    heat maps.

    `say` is told, in a sentence, what a picture cannot show and a table does not hold.

    Raises: UsageError for an unknown suffix, MissingExtraError for .png and .pdf without their
    libraries, OutputError when the file cannot be written.
    """
    suffix, digits = suffix_of(path), 2 if precision is None else precision
    if figure is not None and suffix in FIGURED:
        from attncli.views.figures.files import figure_file

        content: Content = figure_file(
            figure, results, suffix, precision=digits, made_by=made_by, say=say
        )
    elif suffix == ".html":
        from attncli.views.html import page

        before, style = "", ""
        if diagrams:
            from attncli.views.diagram_svg import PAGE_STYLE, diagram_figure

            drawings = [diagram_figure(d, i, precision, notation) for i, d in enumerate(diagrams)]
            before, style = "".join(drawings), PAGE_STYLE
        content = page(
            results,
            title=figure.title if figure else None,
            palette=figure.palette if figure else "viridis",
            stretch=figure is not None and figure.scale.strip().lower() == "max",
            movements=movements,
            precision=digits,
            stages=stages,
            stages_name=stages_name,
            before=before,
            style=style,
            notation=notation,
            made_by=made_by,
        )
    elif suffix in (".json", ".jsonl"):
        from attncli.results.json import result_parts

        content = (
            part
            for result in results
            for part in chain(result_parts(result, *fields, precision=precision, top=top), "\n")
        )
    elif suffix in (".csv", ".tsv"):
        from attncli.views.delimited import delimited
        from attncli.views.losses import losses_line, losses_of

        content = delimited(results, "," if suffix == ".csv" else "\t", precision=precision)
        said = losses_line(
            path,
            losses_of(suffix[1:], results, fields[0]),
            selections=[result.selection or {} for result in results],
            untrained=any(r.model is not None and r.model.is_untrained for r in results),
            given=any(r.model is not None and r.model.is_given for r in results),
        )
        if say is not None and said:
            say(said)
    elif suffix == ".md":
        from attncli.views.markdown import markdown

        content = markdown(
            results, precision=digits, stages=stages, notation=notation, made_by=made_by
        )
    elif suffix == ".tex":
        from attncli.views.latex import latex

        content = latex(
            results, precision=digits, stages=stages, notation=notation, made_by=made_by
        )
    elif suffix == ".npz":
        from attncli.views.npz import npz

        content = npz(results)
    else:
        svgs = _pictures(
            results, stages, stages_name, diagrams, made_by, suffix, precision, notation, say
        )
        content = picture(svgs, suffix, say)
    write_file(path, content)


def _grid_note(results: "Sequence[AttentionResult]", notation: Notation) -> str:
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


def _pictures(
    results: "Sequence[AttentionResult]",
    stages: Sequence[str],
    stages_name: str,
    diagrams: "Sequence[Diagram]",
    made_by: str,
    suffix: str,
    precision: int | None,
    notation: Notation,
    say: Say | None,
) -> list[str]:
    """The drawings or the heat maps; stages below them, in a PDF on sheets of their own."""
    from attncli.views import sheets
    from attncli.views.heat_maps import heat_maps
    from attncli.views.svg import stacked, svg_document

    footer = sheets.footer_drawings(made_by)
    if diagrams:
        from attncli.views.diagram_svg import diagram_svg

        return [diagram_svg(diagrams, precision, notation, footer)]
    if say is not None and (note := _grid_note(results, notation)):
        say(note)
    digits = 2 if precision is None else precision
    if suffix != ".pdf" or not stages:
        below = [*(sheets.text_drawing(text) for text in stages), *footer]
        return [heat_maps(results, precision=digits, notation=notation, below=below)]
    pages = [[page] for text in stages for page in sheets.text_sheets(text)]
    pages[-1] += footer
    return [
        heat_maps(results, precision=digits, notation=notation),
        *(svg_document(stacked(page), stages_name) for page in pages),
    ]


def write_comparison(
    path: str,
    comparison: "Comparison",
    results: "Sequence[AttentionResult]" = (),
    *,
    movements: "Sequence[Sequence[Movement]]" = (),
    precision: int | None = None,
    notation: Notation = "words",
    figure: FigureSettings | None = None,
    made_by: str = "",
    say: Say | None = None,
) -> None:
    """Writes a comparison in the format of the suffix, with its results where they are at hand.

    With a `figure` a picture or TeX has the weights of the sentences alone, the word pointed out.
    `made_by` is the command for a footer, `notation` that of the equations of a page.
    Raises: what `write_results` raises.
    """
    from attncli.views import compare_page as views
    from attncli.views import compare_texts as texts

    suffix, digits = suffix_of(path, COMPARISON_SUFFIXES), 3 if precision is None else precision
    if figure is not None and suffix in FIGURED and results:
        from attncli.views.figures.files import comparison_figure

        digits = 2 if precision is None else precision
        content: str | bytes = comparison_figure(
            figure, comparison, results, suffix, precision=digits, made_by=made_by, say=say
        )
    elif suffix == ".html":
        content = views.comparison_page(
            comparison,
            results,
            movements=movements,
            precision=digits,
            made_by=made_by,
            notation=notation,
        )
    elif suffix == ".json":
        from attncli.results.json import record_json

        content = record_json(comparison.to_record()) + "\n"
    elif suffix == ".md":
        content = texts.comparison_markdown(comparison, precision=digits, made_by=made_by)
    elif suffix == ".tex":
        content = texts.comparison_latex(comparison, results, precision=digits, made_by=made_by)
    elif suffix in (".csv", ".tsv"):
        content = texts.comparison_delimited(comparison, "," if suffix == ".csv" else "\t")
        if say is not None:
            say(
                f"{path} holds the rows of the word alone; .json keeps all, and is read by attn view"
            )
    else:
        svg = views.comparison_svg(comparison, results, precision=digits, made_by=made_by)
        content = picture(svg, suffix, say)
    write_file(path, content)


def write_against(
    path: str,
    pairs: "Sequence[Beside]",
    *,
    precision: int | None = None,
    figure: FigureSettings | None = None,
    made_by: str = "",
    say: Say | None = None,
) -> None:
    """Writes general attention beside another in the format of the suffix.

    With a `figure` a picture or TeX has the weights alone.
    `made_by` is the command for a footer. Raises: what `write_results` raises.
    """
    from attncli.views import against_files as views

    suffix, digits = suffix_of(path, AGAINST_SUFFIXES), 2 if precision is None else precision
    if figure is not None and suffix in FIGURED:
        from attncli.views.figures.files import against_figure

        drawn = against_figure(figure, pairs, suffix, precision=digits, made_by=made_by, say=say)
        write_file(path, drawn)
        return
    makers = {
        ".html": views.against_page,
        ".md": views.against_markdown,
        ".tex": views.against_latex,
    }
    content = makers.get(suffix, views.against_svg)(pairs, precision=digits, made_by=made_by)
    write_file(path, content if suffix in makers else picture(content, suffix, say))


def write_file(path: str, content: Content) -> None:
    """Writes a file whole or not at all.

    Raises: OutputError; what was there before is then untouched.
    """
    parts = (content,) if isinstance(content, str | bytes) else content
    with whole_file(path) as file:
        for part in parts:
            file.write(part.encode("utf-8", "backslashreplace") if isinstance(part, str) else part)
