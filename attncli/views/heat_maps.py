"""Results as heat maps: a few below one another, many in a grid of small ones."""

from collections.abc import Sequence

from attncli.arrays import FloatArray
from attncli.errors.wording import visible
from attncli.insight.subscripts import Names
from attncli.insight.sums import sums_of
from attncli.results.names import matrix_name
from attncli.results.result import AttentionResult
from attncli.settings import Notation
from attncli.views.equations import one_below_the_other, sums_line, terms
from attncli.views.ink import wrapped
from attncli.views.notation import lecture_equation, names_of_result, symbols_line
from attncli.views.svg import (
    LINE_WIDTH,
    NUMBERS_UP_TO,
    SIGNS,
    Drawing,
    heading_drawing,
    heat_map,
    said_drawing,
    stacked,
    svg_document,
    text_lines,
    weight_scale,
)

MOST_IN_COLUMN = 6  # heat maps of a result


def heat_maps(
    results: Sequence[AttentionResult],
    *,
    precision: int = 2,
    notation: Notation = "words",
    below: Sequence[Drawing] = (),
) -> str:
    """One SVG with a heat map for every result, layer and head, below one another.

    In the symbols of the lecture each map has its equations below it; `below` stands at the end.
    """
    drawings = [
        drawing for result in results for drawing in result_drawings(result, precision, notation)
    ]
    drawings += [weight_scale(), *below]
    title = "Attention weights: " + "; ".join(visible(result.text) for result in results)
    return svg_document(stacked(drawings), title)


def is_many(result: AttentionResult) -> bool:
    """Whether a column of the heat maps of a result would be too long to look at."""
    return result.attention.n_layers * result.attention.n_heads > MOST_IN_COLUMN


def result_drawings(
    result: AttentionResult,
    precision: int = 2,
    notation: Notation = "words",
) -> list[Drawing]:
    """The sentence, what was computed, and a heat map for each layer and head.

    More than a few stand in a grid, small and without numbers.
    """
    names = None if notation == "words" else names_of_result(result)
    drawings = [heading_drawing(result, names), *said_drawing(result)]
    if is_many(result):
        from attncli.views.figures.small import small_multiples

        return [*drawings, small_multiples(result)]
    keys = result.key_words if result.is_cross else None
    for layer in range(result.attention.n_layers):
        for head in range(result.attention.n_heads):
            name, weights = matrix_name(result, layer, head), result.weights[layer, head]
            if name:
                drawings.append(text_lines([(name, 'font-weight="bold"')]))
            drawings.append(heat_map(result.words, weights, precision, keys))
            if names is not None and len(names.words) <= NUMBERS_UP_TO:
                drawings.append(_equations(result, names, weights, precision))
    return drawings


def _equations(
    result: AttentionResult, names: Names, weights: FloatArray, precision: int
) -> Drawing:
    """The rows of a matrix in the symbols of the lecture, numbers below symbols."""
    sums = sums_of(result)
    lines = [sums_line(result)]
    if sums.terms is not None:
        lines.append(symbols_line(names, range(len(names.keys)), sums.terms[0], SIGNS))
    for query in range(len(names.words)):
        rounded = terms(weights[query], digits=precision, beside=precision)
        both = lecture_equation(names, query, rounded, sums, "", SIGNS)
        lines += one_below_the_other(*both, LINE_WIDTH)
    return text_lines(
        [(part, 'xml:space="preserve"') for line in lines for part in wrapped(line, LINE_WIDTH, 4)]
    )
