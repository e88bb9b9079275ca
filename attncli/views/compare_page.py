"""A comparison as HTML, SVG, Markdown and CSV; below it the whole result of each sentence."""

from collections.abc import Mapping, Sequence

from attncli.arrays import FloatArray
from attncli.escape import apart, isolated
from attncli.files.safe_cells import cell, guarded
from attncli.insight.comparison import Comparison, Near, Occurrence
from attncli.insight.movement import Movement
from attncli.results.result import AttentionResult
from attncli.views.compare import occurrence_names, percents_of
from attncli.views.html import page
from attncli.views.markdown import markdown_escaped
from attncli.views.page.tables import escaped, word_markup
from attncli.views.palette import PaletteName, palette_step
from attncli.views.scatter import scatter_drawing
from attncli.views.svg import SOFT, Drawing, result_drawings, stacked, svg_document, text_lines

_BOLD = 'font-weight="bold"'


def comparison_page(
    comparison: Comparison,
    results: Sequence[AttentionResult],
    *,
    movements: Sequence[Sequence[Movement]] = (),
    precision: int = 3,
    palette: PaletteName = "viridis",
) -> str:
    """A page: the comparison above, every sentence with its sliders below."""
    word_name = word_markup(comparison.word)
    rows = "".join(_occurrence(occurrence, precision) for occurrence in comparison.occurrences)
    weights = (
        f'<p class="note">Weights: {escaped(comparison.weights_of)}.</p>'
        if comparison.weights_of
        else ""
    )
    before = (
        '<section class="comparison" aria-label="Comparison">'
        f'{weights}<div class="tables">{rows}</div>{_cosines(comparison, precision)}{_nearest(comparison)}'
        f"<h3>Map of {word_name} and its neighbors</h3>"
        f"<figure>{_inline(scatter_drawing(comparison.points))}<figcaption>The plane on which the points "
        f"spread most (PCA): it holds {comparison.explained[0]:.0%} + {comparison.explained[1]:.0%} of the "
        f"spread.</figcaption></figure>{_coordinates(comparison)}</section>"
    )
    size = f"in {len(comparison.occurrences)} sentences"
    return page(
        results,
        title=f"{comparison.word} {size}",
        precision=2,
        palette=palette,
        movements=movements,
        heading=f"{word_name} {size}",
        before=before,
    )


def comparison_svg(found: Comparison, results: Sequence[AttentionResult]) -> str:
    """The map, then the heat map of each sentence."""
    title = f"{found.word} in {len(found.occurrences)} sentences"
    lines = [(f"{apart(found.word)} in {len(found.occurrences)} sentences", _BOLD)]
    lines += [(f"weights: {found.weights_of}", f'fill="{SOFT}"')] if found.weights_of else []
    drawings: list[Drawing] = [text_lines(lines), scatter_drawing(found.points)]
    for result in results:
        drawings += result_drawings(result)
    return svg_document(stacked(drawings), title)


def comparison_markdown(comparison: Comparison, *, precision: int = 3) -> str:
    """The rows of the word, its movement, cosines and neighbors as Markdown."""
    lines = [f"## {_md(comparison.word)} in {len(comparison.occurrences)} sentences", ""]
    if comparison.weights_of:
        lines += [f"Weights: {markdown_escaped(comparison.weights_of)}.", ""]
    for occurrence in comparison.occurrences:
        lines += [f"### {occurrence.name}\\. {_md(occurrence.text)}", ""]
        lines += ["| word | weight | share of the way |", "| --- | ---: | ---: |"]
        percents = percents_of(occurrence)
        for pull in occurrence.pulls:
            share = _share(occurrence, pull.place, percents)
            weight = f"{pull.weight:.{precision}f}"
            lines.append(f"| {_md(pull.word)} | {weight} | {share} |")
        lines.append("")
        if occurrence.moved is not None:
            moved = f"{occurrence.moved:.{precision}f}"
            lines += [f"Moved: cosine of old and new {moved}.", ""]
        lines += [f"Nearest: {markdown_escaped(_listed(occurrence.nearest))}.", ""]
    for title, cosines in (("before", comparison.before), ("after", comparison.after)):
        if cosines is not None:
            lines += _markdown_table(
                f"cosine {title}", occurrence_names(comparison), cosines, precision
            )
    return "\n".join(lines)


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


def _occurrence(occurrence: Occurrence, precision: int) -> str:
    percents = percents_of(occurrence)
    rows = "".join(
        f'<tr><th scope="row">{word_markup(pull.word)}</th>'
        f'<td class="w{palette_step(pull.weight)}" data-weight="{pull.weight:.9g}">'
        f"{pull.weight:.{precision}f}</td>"
        f"<td>{_share(occurrence, pull.place, percents)}</td></tr>"
        for pull in occurrence.pulls
    )
    moved = ""
    if occurrence.moved is not None:
        moved = f"<p>Cosine of old and new vector: {occurrence.moved:.{precision}f}</p>"
    label = "" if occurrence.label is None else f"<p>Label: {word_markup(occurrence.label)}</p>"
    return (
        f'<div><div class="scroll"><table><caption>{occurrence.name}. {word_markup(occurrence.text)}'
        '</caption><thead><tr><th scope="col">Word</th><th scope="col">Weight</th>'
        f'<th scope="col">Share of the way</th></tr></thead><tbody>{rows}</tbody></table></div>'
        f"{moved}{label}</div>"
    )


def _share(occurrence: Occurrence, place: int, percents: Mapping[int, int] | None) -> str:
    """The share of a way in percent, as the terminal tells it."""
    if place == occurrence.place:
        return "itself"
    return "–" if percents is None else f"{percents[place]}%"


def _cosines(comparison: Comparison, precision: int) -> str:
    names = occurrence_names(comparison)
    tables = ""
    for title, cosines in (
        ("before attention", comparison.before),
        ("after attention", comparison.after),
    ):
        if cosines is None:
            continue
        heads = "".join(f'<th scope="col">{name}</th>' for name in names)
        rows = "".join(
            f'<tr><th scope="row">{name}</th>'
            + "".join(f"<td>{value:.{precision}f}</td>" for value in row)
            + "</tr>"
            for name, row in zip(names, cosines.tolist(), strict=True)
        )
        tables += (
            f"<table><caption>Cosines {title}</caption><thead><tr><td></td>{heads}</tr></thead>"
            f"<tbody>{rows}</tbody></table>"
        )
    return f'<div class="tables">{tables}</div>'


def _nearest(comparison: Comparison) -> str:
    columns: list[tuple[str, Near]] = []
    if comparison.nearest_static:
        columns.append(("alone", comparison.nearest_static))
    names = occurrence_names(comparison)
    columns += [(f"in {n}", o.nearest) for n, o in zip(names, comparison.occurrences, strict=True)]
    tables = ""
    for title, near in columns:
        rows = "".join(
            f'<tr><th scope="row">{word_markup(other)}</th><td>{cosine:.4f}</td></tr>'
            for other, cosine in near
        )
        tables += (
            f"<table><caption>Nearest, {escaped(title)}</caption><thead><tr>"
            '<th scope="col">Word</th><th scope="col">Cosine</th></tr></thead>'
            f"<tbody>{rows}</tbody></table>"
        )
    source = escaped(comparison.neighbors_of)
    return f'<div class="tables">{tables}</div><p class="note">Nearest among {source}.</p>'


def _inline(drawing: Drawing) -> str:
    width, height = round(drawing.width), round(drawing.height)
    return (
        f'<svg class="map" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="Map; the table below has its numbers">{"".join(drawing.parts)}</svg>'
    )


def _coordinates(comparison: Comparison) -> str:
    rows = "".join(
        f'<tr><th scope="row">{word_markup(point.label)}</th><td>{point.kind}</td>'
        f"<td>{point.x:.4f}</td><td>{point.y:.4f}</td></tr>"
        for point in comparison.points
    )
    return (
        "<details><summary>The points of the map</summary><table><caption>Coordinates on the map"
        '</caption><thead><tr><th scope="col">Point</th><th scope="col">Kind</th>'
        '<th scope="col">First axis</th><th scope="col">Second axis</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></details>"
    )


def _markdown_table(
    title: str, names: Sequence[str], cosines: FloatArray, precision: int
) -> list[str]:
    lines = [f"| {title} | " + " | ".join(names) + " |"]
    lines.append("| --- |" + " ---: |" * len(names))
    for name, row in zip(names, cosines.tolist(), strict=True):
        lines.append(f"| {name} | " + " | ".join(f"{v:.{precision}f}" for v in row) + " |")
    return [*lines, ""]


def _md(text: str) -> str:
    return markdown_escaped(isolated(text))


def _listed(near: Near) -> str:
    return ", ".join(f"{isolated(other)} {cosine:.2f}" for other, cosine in near) or "none"
