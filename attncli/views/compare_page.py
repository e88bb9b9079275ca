"""A comparison as HTML, SVG, Markdown and CSV; below it the whole result of each sentence."""

from collections.abc import Sequence

from attncli.escape import apart
from attncli.insight.beside import mean_weights
from attncli.insight.movement import Movement
from attncli.results.comparison import Comparison, Occurrence
from attncli.results.result import AttentionResult
from attncli.settings import Notation
from attncli.views.changes import change_texts
from attncli.views.compare import nearest_of_each, occurrence_names, percents_of
from attncli.views.compare_texts import comparison_facts, share_text
from attncli.views.heat_maps import result_drawings
from attncli.views.html import BESIDE_STYLE, page
from attncli.views.page.tables import escaped, plain_table, weight_table, word_markup
from attncli.views.palette import palette_step
from attncli.views.scatter_svg import scatter_drawing
from attncli.views.sheets import footer_drawings, in_rows
from attncli.views.svg import (
    SOFT,
    Drawing,
    folded,
    heat_map,
    stacked,
    svg_document,
    text_lines,
    weight_scale,
)

_BOLD, _SOFT = 'font-weight="bold"', f'fill="{SOFT}"'
_MOST = 8  # words of a row in a picture
_SHORT = 16  # words of a sentence whose matrix stands beside another


def comparison_page(
    comparison: Comparison,
    results: Sequence[AttentionResult],
    *,
    movements: Sequence[Sequence[Movement]] = (),
    precision: int = 3,
    made_by: str = "",
    notation: Notation = "words",
) -> str:
    """A page: the comparison above, every sentence with its sliders below.

    `made_by` is the command for the footer, `notation` that of the equations.
    """
    size = comparison.extent
    return page(
        results,
        title=f"{comparison.word} {size}",
        precision=2,
        movements=movements,
        heading=f"{word_markup(comparison.word)} {size}",
        before=comparison_section(comparison, results, precision=precision, level=2),
        style=BESIDE_STYLE,
        made_by=made_by,
        notation=notation,
    )


def comparison_section(
    comparison: Comparison,
    results: Sequence[AttentionResult] = (),
    *,
    precision: int = 3,
    level: int = 3,
) -> str:
    """The markup of a comparison: the rows of the word, what changed, its neighbors and the map.

    Its headings are of a `level`, one below that of what it stands in.
    """
    rows = "".join(
        f"<div>{_matrix(occurrence, results)}{_occurrence(occurrence, precision)}</div>"
        for occurrence in comparison.occurrences
    )
    weights = (
        f'<p class="note">Weights: {escaped(comparison.weights_of)}.</p>'
        if comparison.weights_of
        else ""
    )
    return (
        '<div class="comparison" role="group" aria-label="Comparison">'
        f'{weights}<div class="tables">{rows}</div>'
        f"{_changed(comparison, precision, level)}{_cosines(comparison, precision)}{_nearest(comparison)}"
        f"<h{level}>Map of {word_markup(comparison.word)} and its neighbors</h{level}>"
        f"<figure>{_inline(scatter_drawing(comparison.points))}<figcaption>The plane on which the points "
        f"spread most (PCA): it holds {comparison.explained[0]:.0%} + {comparison.explained[1]:.0%} of the "
        f"spread.</figcaption></figure>{_coordinates(comparison)}</div>"
    )


def comparison_svg(
    comparison: Comparison,
    results: Sequence[AttentionResult],
    *,
    precision: int = 3,
    made_by: str = "",
) -> str:
    """The sentences side by side and what changed for the word, the map, all heads of each sentence.

    Without results the map alone; `made_by` is the command for the footer.
    """
    size = comparison.extent
    title = f"{comparison.word} {size}"
    lines = [(f"{apart(comparison.word)} {size}", _BOLD)]
    facts = [f"weights: {comparison.weights_of}"] if comparison.weights_of else []
    facts += comparison_facts(results, apart)
    lines += [(line, _SOFT) for fact in facts for line in folded(fact, 20)]
    drawings: list[Drawing] = [text_lines(lines)]
    if results:
        columns = [
            _column(occurrence, results[occurrence.sentence], precision)
            for occurrence in comparison.occurrences
        ]
        texts = change_texts(comparison, apart, precision)
        drawings += [
            *in_rows(columns),
            text_lines([(f"What changed for {apart(comparison.word)}", _BOLD)]),
            text_lines([(line, "") for text in texts for line in folded(text, 8)]),
        ]
    drawings.append(scatter_drawing(comparison.points))
    for result in results:
        if result.attention.n_layers * result.attention.n_heads > 1:
            drawings += result_drawings(result)
    drawings += [weight_scale()] if results else []
    drawings += footer_drawings(made_by)
    return svg_document(stacked(drawings), title)


def _column(occurrence: Occurrence, result: AttentionResult, precision: int) -> Drawing:
    """One sentence: its heat map, and the row of the word."""
    percents = percents_of(occurrence)
    row = [
        f"{apart(pull.word)} {pull.weight:.{precision}f}  "
        + share_text(occurrence, pull.place, percents).replace("%", " % of its way")
        for pull in occurrence.pulls[:_MOST]
    ]
    if occurrence.moved is not None:
        row.append(f"moved: cosine of old and new {occurrence.moved:.{precision}f}")
    heading = [(line, _BOLD) for line in folded(f"{occurrence.name}. {apart(occurrence.title)}", 6)]
    return stacked(
        [
            text_lines(heading),
            heat_map(result.words, mean_weights(result)),
            text_lines([(line, "") for line in row]),
        ]
    )


def _matrix(occurrence: Occurrence, results: Sequence[AttentionResult]) -> str:
    """The weights of a short sentence, of several matrices their mean."""
    if not results or len(results[occurrence.sentence].words) > _SHORT:
        return ""
    result = results[occurrence.sentence]
    caption = f"{occurrence.name}. {word_markup(occurrence.title)}"
    return weight_table(result.words, mean_weights(result), 2, caption)


def _changed(comparison: Comparison, precision: int, level: int) -> str:
    texts = change_texts(comparison, word_markup, precision)
    items = "".join(f"<li>{text}</li>" for text in texts)
    title = f"<h{level}>What changed for {word_markup(comparison.word)}</h{level}>"
    return f'{title}<ul class="changed">{items}</ul>' if texts else ""


def _occurrence(occurrence: Occurrence, precision: int) -> str:
    percents = percents_of(occurrence)
    rows = "".join(
        f'<tr><th scope="row">{word_markup(pull.word)}</th>'
        f'<td class="w{palette_step(pull.weight)}" data-weight="{pull.weight:.9g}">'
        f"{pull.weight:.{precision}f}</td>"
        f"<td>{share_text(occurrence, pull.place, percents)}</td></tr>"
        for pull in occurrence.pulls
    )
    moved = ""
    if occurrence.moved is not None:
        moved = f"<p>Cosine of old and new vector: {occurrence.moved:.{precision}f}</p>"
    label = "" if occurrence.label is None else f"<p>Label: {word_markup(occurrence.label)}</p>"
    return (
        f'<div class="scroll"><table><caption>{occurrence.name}. {word_markup(occurrence.title)}'
        '</caption><thead><tr><th scope="col">Word</th><th scope="col">Weight</th>'
        f'<th scope="col">Share of the way</th></tr></thead><tbody>{rows}</tbody></table></div>'
        f"{moved}{label}"
    )


def _cosines(comparison: Comparison, precision: int) -> str:
    names, both = occurrence_names(comparison), (comparison.before, comparison.after)
    tables = ""
    for title, cosines in zip(("before", "after"), both, strict=True):
        if cosines is not None:
            texts = ([f"{value:.{precision}f}" for value in row] for row in cosines.tolist())
            rows = zip(names, texts, strict=True)
            tables += plain_table(f"Cosines {title} attention", ["", *names], rows)
    return f'<div class="tables">{tables}</div>'


def _nearest(comparison: Comparison) -> str:
    tables = "".join(
        plain_table(
            f"Nearest, {escaped(title)}",
            ("Word", "Cosine"),
            ((word_markup(other), [f"{cosine:.4f}"]) for other, cosine in near),
        )
        for title, near in nearest_of_each(comparison)
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
    table = plain_table(
        "Coordinates on the map",
        ("Point", "Kind", "First axis", "Second axis"),
        (
            (word_markup(point.label), (point.kind, f"{point.x:.4f}", f"{point.y:.4f}"))
            for point in comparison.points
        ),
    )
    return f"<details><summary>The points of the map</summary>{table}</details>"
