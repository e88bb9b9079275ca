"""A comparison as Markdown, LaTeX and CSV, and what every medium says of it."""

from collections.abc import Callable, Mapping, Sequence

from attncli.errors.wording import visible
from attncli.escape import harmless, isolated, quotes_isolated
from attncli.files.safe_cells import cell, guarded
from attncli.insight.beside import mean_weights
from attncli.results.comparison import Comparison, Near, Occurrence
from attncli.results.result import AttentionResult
from attncli.views.changes import change_texts
from attncli.views.compare import nearest_of_each, occurrence_names, percents_of
from attncli.views.facts import facts_line, model_line
from attncli.views.latex import tex_document, tex_line, tex_scale, tex_table
from attncli.views.latex_words import latex_escaped
from attncli.views.markdown import markdown_escaped, markdown_footer, markdown_table


def comparison_markdown(comparison: Comparison, *, precision: int = 3, made_by: str = "") -> str:
    """The rows of the word, what changed, cosines and neighbors as Markdown.

    `made_by` is the command for the footer.
    """
    lines = [f"## {_md(comparison.word)} {comparison.extent}", ""]
    if comparison.weights_of:
        lines += [f"Weights: {markdown_escaped(comparison.weights_of)}.", ""]
    for occurrence in comparison.occurrences:
        lines += [f"### {occurrence.name}\\. {_md(occurrence.title)}", ""]
        percents = percents_of(occurrence)
        rows = [
            (
                _md(pull.word),
                (f"{pull.weight:.{precision}f}", share_text(occurrence, pull.place, percents)),
            )
            for pull in occurrence.pulls
        ]
        lines += [*markdown_table("word", ("weight", "share of the way"), rows), ""]
        if occurrence.moved is not None:
            moved = f"{occurrence.moved:.{precision}f}"
            lines += [f"Moved: cosine of old and new {moved}.", ""]
        lines += [f"Nearest: {markdown_escaped(_listed(occurrence.nearest))}.", ""]
    changed = change_texts(comparison, _md, precision)
    if changed:
        lines += [f"### What changed for {_md(comparison.word)}", ""]
        lines += [*(f"- {text}" for text in changed), ""]
    for title, cosines in (("before", comparison.before), ("after", comparison.after)):
        if cosines is not None:
            texts = ([f"{value:.{precision}f}" for value in row] for row in cosines.tolist())
            names = occurrence_names(comparison)
            table = markdown_table(f"cosine {title}", names, zip(names, texts, strict=True))
            lines += [*table, ""]
    return "\n".join([*lines, *markdown_footer(made_by)])


def comparison_delimited(found: Comparison, delimiter: str = ",") -> str:
    """A line for each word of each row: sentence, text, word, weight, share of the way."""
    lines = [delimiter.join(["sentence", "text", "word", "token", "weight", "pull"])]
    for occurrence in found.occurrences:
        for pull in occurrence.pulls:
            share = "" if pull.share is None else repr(pull.share)
            texts = [cell(guarded(text)) for text in (occurrence.text, pull.word)]
            numbers = [str(pull.place), repr(pull.weight), share]
            lines.append(delimiter.join([occurrence.name, *texts, *numbers]))
    return "\n".join(lines) + "\n"


def comparison_latex(
    comparison: Comparison,
    results: Sequence[AttentionResult] = (),
    *,
    precision: int = 3,
    made_by: str = "",
) -> str:
    """The sentences side by side, what changed for the word, cosines and neighbors as LaTeX."""
    title = f"{comparison.word} {comparison.extent}"
    lines = [rf"\section*{{{latex_escaped(title)}}}"]
    lines += [tex_line(f"weights: {comparison.weights_of}")] if comparison.weights_of else []
    lines += map(tex_line, comparison_facts(results, visible))
    share = 0.48 if len(comparison.occurrences) > 1 else 1
    for occurrence in comparison.occurrences:
        result = results[occurrence.sentence] if results else None
        lines += [rf"\begin{{minipage}}[t]{{{share}\linewidth}}\raggedright"]
        lines += [*_latex_column(occurrence, result, precision), r"\end{minipage}\hfill"]
    lines += [
        r"\par\medskip",
        rf"\subsection*{{What changed for {latex_escaped(comparison.word)}}}",
    ]
    lines += [tex_line(text) for text in change_texts(comparison, str, precision)]
    lines.append(rf"\subsection*{{{latex_escaped(f'Nearest of {comparison.neighbors_of}')}}}")
    lines += [tex_line(f"{name}: {_listed(words)}") for name, words in nearest_of_each(comparison)]
    return tex_document([*lines, *tex_scale()], made_by)


def comparison_facts(results: Sequence[AttentionResult], shown: Callable[[str], str]) -> list[str]:
    """What was computed, and the warnings of each sentence."""
    if not results:
        return []
    facts = [facts_line(results[0], shown), model_line(results[0], shown)]
    warnings = [
        f"warning, {number}: {quotes_isolated(harmless(warning.message))}"
        for number, result in enumerate(results, start=1)
        for warning in result.warnings
    ]
    return [fact for fact in [*facts, *warnings] if fact]


def share_text(occurrence: Occurrence, place: int, percents: Mapping[int, int] | None) -> str:
    """The share of a way in percent, as the terminal tells it."""
    if place == occurrence.place:
        return "itself"
    return "–" if percents is None else f"{percents[place]}%"


def _latex_column(
    occurrence: Occurrence, result: AttentionResult | None, precision: int
) -> list[str]:
    percents = percents_of(occurrence)
    heading = latex_escaped(f"{occurrence.name}. {occurrence.title}")
    lines = [rf"\textbf{{{heading}}}\par"]
    if result is not None:
        lines += tex_table(result.words, mean_weights(result))
    lines += [
        tex_line(
            f"{pull.word} {pull.weight:.{precision}f}, "
            + share_text(occurrence, pull.place, percents).replace("%", " % of its way")
        )
        for pull in occurrence.pulls
    ]
    if occurrence.moved is not None:
        lines.append(tex_line(f"moved: cosine of old and new {occurrence.moved:.{precision}f}"))
    return lines


def _md(text: str) -> str:
    return markdown_escaped(isolated(text))


def _listed(near: Near) -> str:
    return ", ".join(f"{isolated(other)} {cosine:.2f}" for other, cosine in near) or "none"
