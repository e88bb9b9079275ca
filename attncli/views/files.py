"""Results written to files: the suffix says what is written; a file appears whole or not at all."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attncli.errors import Blank, MissingExtraError, UsageError, command_line, field_name
from attncli.errors.wording import did_you_mean, quoted
from attncli.files.writing import whole_file
from attncli.results.displayed import displayed, displayed_comparison
from attncli.settings import FigureSettings
from attncli.views.picture_formats import picture
from attncli.views.result_files import COLUMNAR, FIGURED, PLAIN, Content, content_of
from attncli.views.result_files import FileRequest as FileRequest

if TYPE_CHECKING:
    from attncli.results.comparison import Comparison
    from attncli.results.result import AttentionResult
    from attncli.views.against_files import Beside
    from attncli.views.figures.panels import Panel

TEXT_SUFFIXES = (".html", ".svg", ".json", ".jsonl", ".csv", ".tsv", ".md", ".tex")
COMPARISON_SUFFIXES = (".html", ".svg", ".png", ".pdf", ".json", ".md", ".tex", ".csv", ".tsv")
AGAINST_SUFFIXES = (".html", ".svg", ".png", ".pdf", ".md", ".tex")
SUFFIXES = (*TEXT_SUFFIXES, ".png", ".pdf", ".npz", *COLUMNAR)
_DATA = (".json", ".csv", ".tsv")  # whose words are those of the text, blanks too
_LIBRARIES = {  # of a suffix: its module, its package, what it is for
    ".png": ("resvg_py", "resvg-py", "a PNG picture"),
    ".pdf": ("typst", "typst", "a PDF picture"),
    **dict.fromkeys(COLUMNAR, ("pyarrow", "pyarrow", "writing Parquet and Arrow")),
}


def suffix_of(path: str, allowed: Sequence[str] = SUFFIXES) -> str:
    """The suffix that says the format, which this installation can write.

    Raises: UsageError for one that is not allowed; MissingExtraError, before any work, for a picture
    or columns whose library is not there.
    """
    suffix = Path(path).suffix.lower()
    suffix = {".htm": ".html"}.get(suffix, suffix)
    if suffix not in allowed:
        raise UsageError(
            f"found the suffix {quoted(suffix)}, expected one of {' '.join(allowed)}"
            + did_you_mean(suffix, allowed),
            place=field_name("output"),
            hints=_of_columns(suffix),
        )
    _expect_library(suffix)
    return suffix


def _expect_library(suffix: str) -> None:
    """Raises: MissingExtraError where a file of this suffix could not be made; nothing is loaded."""
    module, package, purpose = _LIBRARIES.get(suffix, ("", "", ""))
    if module:
        from importlib.util import find_spec

        if find_spec(module) is None:
            raise MissingExtraError.of(package, purpose)


def _of_columns(suffix: str) -> tuple[str, ...]:
    """What writes a file of columns; nothing for another suffix."""
    if suffix not in COLUMNAR:
        return ()
    return (command_line("explain TEXT", output=Blank(f"weights{suffix}")),)


def write_results(
    path: str, results: "Sequence[AttentionResult]", asked: FileRequest = PLAIN
) -> None:
    """Writes results in the format of the suffix.

    Raises: UsageError for an unknown suffix, MissingExtraError for .png, .pdf and columns without
    their libraries, OutputError when the file cannot be written, and what `columns_file` raises.
    """
    write_file(path, content_of(path, suffix_of(path), results, asked))


def write_comparison(
    path: str,
    comparison: "Comparison",
    results: "Sequence[AttentionResult]" = (),
    asked: FileRequest = PLAIN,
) -> None:
    """Writes a comparison in the format of the suffix, with its results where they are at hand.

    With a figure a picture or TeX has the weights of the sentences alone, the word pointed out.
    Raises: what `write_results` raises.
    """
    from attncli.views import compare_page as views
    from attncli.views import compare_texts as texts

    suffix, made_by = suffix_of(path, COMPARISON_SUFFIXES), asked.made_by
    if suffix not in _DATA:
        comparison = displayed_comparison(comparison, results)
        results = [displayed(result, marks_written=False) for result in results]
    digits = 3 if asked.precision is None else asked.precision
    if asked.figure is not None and suffix in FIGURED and results:
        from attncli.views.figures.files import comparison_panels

        content = _figure(*comparison_panels(comparison, results), suffix, asked)
    elif suffix == ".html":
        content = views.comparison_page(
            comparison,
            results,
            movements=asked.movements,
            precision=digits,
            made_by=made_by,
            notation=asked.notation,
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
        if asked.say is not None:
            asked.say(
                f"{path} holds the rows of the word alone; .json keeps all, and is read by attn view"
            )
    else:
        svg = views.comparison_svg(comparison, results, precision=digits, made_by=made_by)
        content = picture(svg, suffix, asked.say)
    write_file(path, content)


def write_against(path: str, pairs: "Sequence[Beside]", asked: FileRequest = PLAIN) -> None:
    """Writes general attention beside another in the format of the suffix.

    With a figure a picture or TeX has the weights alone. Raises: what `write_results` raises.
    """
    from attncli.views import against_files as views

    suffix = suffix_of(path, AGAINST_SUFFIXES)
    if asked.figure is not None and suffix in FIGURED:
        from attncli.views.figures.files import against_panels

        write_file(path, _figure(*against_panels(pairs), suffix, asked))
        return
    makers = {
        ".html": views.against_page,
        ".md": views.against_markdown,
        ".tex": views.against_latex,
    }
    make = makers.get(suffix, views.against_svg)
    content = make(pairs, precision=asked.digits, made_by=asked.made_by)
    write_file(path, content if suffix in makers else picture(content, suffix, asked.say))


def _figure(panels: "list[Panel]", title: str, suffix: str, asked: FileRequest) -> str | bytes:
    """These panels as the figure that is asked for."""
    from attncli.views.figures.files import panels_file
    from attncli.views.figures.wishes import figure_of

    figure = figure_of(asked.figure or FigureSettings())
    return panels_file(figure, panels, title, suffix, asked.digits, asked.made_by, asked.say)


def write_file(path: str, content: Content) -> None:
    """Writes a file whole or not at all.

    Raises: OutputError; what was there before is then untouched.
    """
    parts = (content,) if isinstance(content, str | bytes) else content
    with whole_file(path) as file:
        for part in parts:
            file.write(part.encode("utf-8", "backslashreplace") if isinstance(part, str) else part)
