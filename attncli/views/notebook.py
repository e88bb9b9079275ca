"""What a notebook shows of results and of a comparison: the fragment of the HTML page, with its lines
and sliders; and for a notebook that is printed the same matrix as LaTeX.
"""

from collections.abc import Sequence
from typing import NamedTuple

from attncli.escape import apart
from attncli.insight.sums import sums_of
from attncli.results.cards import Card, Cell, Facts, Grid, Part, Shaded
from attncli.results.comparison import Comparison
from attncli.results.displayed import displayed, displayed_comparison
from attncli.results.result import AttentionResult
from attncli.settings import Notation, Palette
from attncli.views import html
from attncli.views.cards import card_latex
from attncli.views.changes import change_texts
from attncli.views.compare import occurrence_names, percents_of
from attncli.views.compare_page import comparison_section
from attncli.views.compare_texts import share_text
from attncli.views.equations import equation
from attncli.views.facts import facts_line, model_line
from attncli.views.page.section import FirstMatrix, first_matrix
from attncli.views.page.tables import word_markup
from attncli.views.predicted import completion_sentence, predicted_sentences

_MOST = 12  # results of a list that are shown; of more the texts of some
_TEXTS = 100
_WORDS = 20  # of a sentence whose whole matrix is printed
_STRONGEST = 3  # words of a row of a longer one


class Shown(NamedTuple):
    """Results that a notebook shows in a notation and in colors, which with `stretch` go to the
    largest weight at first; elsewhere they say what they are.
    """

    results: tuple[AttentionResult, ...]
    notation: Notation = "words"
    palette: Palette = "viridis"
    stretch: bool = False

    def _repr_html_(self) -> str:
        return shown_results(
            self.results, notation=self.notation, palette=self.palette, stretch=self.stretch
        )

    def _repr_latex_(self) -> str:
        return printed_results(self.results)

    def __repr__(self) -> str:
        texts = ", ".join(repr(result.text) for result in self.results)
        return f"Shown({texts}, notation={self.notation!r})"


def shown_results(
    results: Sequence[AttentionResult],
    *,
    notation: Notation = "words",
    palette: Palette = "viridis",
    stretch: bool = False,
) -> str:
    """Results as HTML with one style and one script; without scripts their tables remain.

    Of a long list the first are shown, and the texts of the others.
    """
    return html.fragment(
        [displayed(result.shown) for result in results[:_MOST]],
        notation=notation,
        palette=palette,
        stretch=stretch,
        after=_others(results[_MOST:]),
    )


def _others(results: Sequence[AttentionResult]) -> str:
    if not results:
        return ""
    texts = "".join(f"<li>{word_markup(result.text)}</li>" for result in results[:_TEXTS])
    more = len(results) - _TEXTS
    texts += f"<li>… and {more:,} more</li>" if more > 0 else ""
    return (
        f"<details><summary>{len(results):,} more results, each shown by its place, such as "
        f'[{_MOST}]</summary><ol start="{_MOST}">{texts}</ol></details>'
    )


def shown_comparison(comparison: Comparison) -> str:
    """A comparison as a page has it, with its map."""
    comparison = displayed_comparison(comparison)
    before = f"<h2>{word_markup(comparison.word)} in {len(comparison.occurrences)} sentences</h2>"
    before += comparison_section(comparison)
    return html.fragment([], before=before, style=html.BESIDE_STYLE)


def printed_results(results: Sequence[AttentionResult]) -> str:
    """Results as LaTeX for the body of a document; of a long list the first."""
    cards = [card_latex(_result_card(displayed(result.shown))) for result in results[:_MOST]]
    more = len(results) - _MOST
    cards += [card_latex(Card(f"{more:,} more results", "", ()))] if more > 0 else []
    return "".join(cards)


def printed_comparison(comparison: Comparison) -> str:
    """A comparison as LaTeX for the body of a document."""
    return card_latex(_comparison_card(displayed_comparison(comparison)))


def _result_card(result: AttentionResult) -> Card:
    first = first_matrix(result)
    facts = [facts_line(result, apart), model_line(result, apart)]
    facts += [completion_sentence(result), *predicted_sentences(result)]
    facts += [warning.message for warning in result.warnings]
    parts: list[Part] = [_weights(result.words, result.key_words, first)]
    if len(result.words) <= _WORDS:
        parts.append(_rows(result, first))
    return Card(result.text, "; ".join(filter(None, facts)), parts)


def _rows(result: AttentionResult, first: FirstMatrix) -> Grid:
    """Each row in words: an equation where its weights are coefficients, else a list of them."""
    sums = first.sums or sums_of(result)
    rows = [
        equation(result.words, query, row, digits=2, beside=2, sums=sums, keys=result.key_words)
        for query, row in enumerate(first.weights)
    ]
    title = "Each row" if sums.terms is None else "Each row as an equation"
    return Grid([title], [[row] for row in rows])


def _weights(words: Sequence[str], keys: Sequence[str], first: FirstMatrix) -> Grid:
    """The matrix; of a long sentence the strongest words of each row."""
    name = f" ({first.name})" if first.name else ""
    title = f"Weights: each row attends to the columns{name}."
    if max(len(words), len(keys)) <= _WORDS:
        rows: list[list[Cell]] = [
            [word, *(Shaded(f"{weight:.2f}", weight) for weight in row)]
            for word, row in zip(words, first.weights.tolist(), strict=True)
        ]
        return Grid(["", *keys], rows, title)
    strongest: list[list[Cell]] = [
        [word, ", ".join(f"{keys[at]} {row[at]:.2f}" for at in (-row).argsort()[:_STRONGEST])]
        for word, row in zip(words, first.weights, strict=True)
    ]
    return Grid(["word", f"attends most to, of {len(keys)} words"], strongest, title)


def _comparison_card(comparison: Comparison) -> Card:
    names = occurrence_names(comparison)
    parts: list[Part] = []
    for occurrence in comparison.occurrences:
        percents = percents_of(occurrence)
        rows: list[list[Cell]] = [
            [
                pull.word,
                Shaded(f"{pull.weight:.3f}", pull.weight),
                share_text(occurrence, pull.place, percents),
            ]
            for pull in occurrence.pulls
        ]
        title = f"{occurrence.name}. {occurrence.text}"
        parts.append(Grid(["word", "weight", "share of the way"], rows, title))
    changed = change_texts(comparison, apart, 3)
    parts += [Grid(["What changed"], [[text] for text in changed])] if changed else []
    for title, cosines in (("before", comparison.before), ("after", comparison.after)):
        if cosines is not None:
            values: list[list[Cell]] = [
                [name, *row] for name, row in zip(names, cosines.tolist(), strict=True)
            ]
            parts.append(Grid(["", *names], values, f"Cosines {title} attention", 3))
    near = {name: _listed(o.nearest) for name, o in zip(names, comparison.occurrences, strict=True)}
    parts.append(Facts({"alone": _listed(comparison.nearest_static), **near}, "Nearest words"))
    line = f"Weights: {comparison.weights_of}." if comparison.weights_of else ""
    return Card(f"{comparison.word} in {len(comparison.occurrences)} sentences", line, parts)


def _listed(near: Sequence[tuple[str, float]]) -> str:
    return ", ".join(f"{word} {cosine:.3f}" for word, cosine in near) or "not known"
