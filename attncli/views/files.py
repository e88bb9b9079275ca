"""Results written to files: the suffix says what is written; a file appears whole or not at all."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attncli.errors import UsageError, field_name
from attncli.errors.wording import did_you_mean, quoted
from attncli.files.writing import whole_file
from attncli.settings import FigureSettings, Notation
from attncli.views.picture_formats import SayLost, expect_library, picture
from attncli.views.result_files import FIGURED, PLAIN, Content, content_of
from attncli.views.result_files import FileRequest as FileRequest

if TYPE_CHECKING:
    from attncli.insight.movement import Movement
    from attncli.results.comparison import Comparison
    from attncli.results.result import AttentionResult
    from attncli.views.against_files import Beside

TEXT_SUFFIXES = (".html", ".svg", ".json", ".jsonl", ".csv", ".tsv", ".md", ".tex")
COMPARISON_SUFFIXES = (".html", ".svg", ".png", ".pdf", ".json", ".md", ".tex", ".csv", ".tsv")
AGAINST_SUFFIXES = (".html", ".svg", ".png", ".pdf", ".md", ".tex")
SUFFIXES = (*TEXT_SUFFIXES, ".png", ".pdf", ".npz")


def suffix_of(path: str, allowed: Sequence[str] = SUFFIXES) -> str:
    """The suffix that says the format, which this installation can write.

    Raises: UsageError for one that is not allowed; MissingExtraError, before any work, for a picture
    whose library is not there.
    """
    suffix = Path(path).suffix.lower()
    suffix = {".htm": ".html"}.get(suffix, suffix)
    if suffix not in allowed:
        raise UsageError(
            f"found the suffix {quoted(suffix)}, expected one of {' '.join(allowed)}"
            + did_you_mean(suffix, allowed),
            place=field_name("output"),
        )
    expect_library(suffix)
    return suffix


def write_results(
    path: str, results: "Sequence[AttentionResult]", asked: FileRequest = PLAIN
) -> None:
    """Writes results in the format of the suffix.

    Raises: UsageError for an unknown suffix, MissingExtraError for .png and .pdf without their
    libraries, OutputError when the file cannot be written.
    """
    write_file(path, content_of(path, suffix_of(path), results, asked))


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
    say: SayLost | None = None,
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
    say: SayLost | None = None,
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
