"""General attention beside another on paper: pages, pictures, Markdown and TeX of the two."""

import html
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from attncli.arrays import FloatArray
from attncli.errors.wording import visible
from attncli.escape import apart, harmless, isolated, quotes_isolated
from attncli.insight.beside import CellDifference, cell_differences, mean_weights
from attncli.insight.compare import weights_of
from attncli.insight.movement import Movement
from attncli.results.names import describe
from attncli.results.result import AttentionResult
from attncli.views.facts import facts_line, model_line
from attncli.views.html import BESIDE_STYLE, HAND_IN_STYLE, document, page_footer
from attncli.views.latex import tex_document, tex_line, tex_scale, tex_table
from attncli.views.latex_words import latex_escaped
from attncli.views.markdown import (
    markdown_escaped,
    markdown_footer,
    markdown_table,
    markdown_weights,
)
from attncli.views.page.tables import page_legend, plain_table, weight_table, word_markup
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

WHERE = "Where they differ most"
NEAR = "General attention alone: words nearest to the new embeddings"
_BOLD, _SOFT = 'font-weight="bold"', f'fill="{SOFT}"'


class Beside(NamedTuple):
    """A sentence under general attention and under another, with how its words moved in general."""

    general: AttentionResult
    other: AttentionResult
    movements: Sequence[Movement] = ()

    def matrices(self, shown: Callable[[str], str]) -> list[tuple[str, FloatArray]]:
        """Both matrices with their names, (n_tokens, n_tokens); of several heads the mean."""
        name = "task-specific" if self.other.model is None else self.other.model.name
        whole = replace(self.other, model=None)  # its name stands before
        titles = (
            ", ".join(filter(None, ["general", describe(self.general.selection, shown)])),
            ", ".join(filter(None, [shown(name), weights_of(whole, shown)])),
        )
        results = (self.general, self.other)
        return [(title, mean_weights(r)) for title, r in zip(titles, results, strict=True)]

    def facts(self, shown: Callable[[str], str]) -> list[str]:
        """What was computed, and the warnings."""
        facts = [facts_line(self.other, shown), model_line(self.other, shown)]
        warnings = dict.fromkeys(w.message for r in self[:2] for w in r.warnings)
        facts += [f"warning: {quotes_isolated(harmless(message))}" for message in warnings]
        return [fact for fact in facts if fact]

    def differences(self) -> list[CellDifference]:
        """The cells that differ most."""
        return cell_differences(self.general, self.other)

    def near(self, shown: Callable[[str], str]) -> list[str]:
        """The words near to each new embedding of general attention."""
        return [
            f"{shown(moved.text)}: {', '.join(shown(text) for text, _ in moved.after)}"
            for moved in self.movements
            if moved.after
        ]


def against_page(pairs: Sequence[Beside], *, precision: int = 2, made_by: str = "") -> str:
    """A page: for each sentence both matrices, and where they differ most."""
    alone = len(pairs) == 1
    title = pairs[0].general.text if alone else f"{len(pairs)} sentences"
    body = "" if alone else f"<h1>{title}</h1>"
    body += "".join(_page_part(pair, precision, 1 if alone else 2) for pair in pairs)
    body += page_legend() + page_footer(made_by)
    return document(title, body, more_style=HAND_IN_STYLE + BESIDE_STYLE)


def _page_part(pair: Beside, precision: int, level: int) -> str:
    words = pair.general.words
    tables = "".join(
        f"<div>{weight_table(words, weights, precision, title)}</div>"
        for title, weights in pair.matrices(word_markup)
    )
    rows = (
        (f"{word_markup(words[c.query])} → {word_markup(words[c.key])}", cell_texts(c, precision))
        for c in pair.differences()
    )
    differences = plain_table("", ("", *_heads(pair, word_markup)), rows)
    near = "".join(f"<li>{line}</li>" for line in pair.near(word_markup))
    facts = "".join(f'<p class="facts">{html.escape(fact)}</p>' for fact in pair.facts(apart))
    return (
        f"<section><h{level}>{word_markup(pair.general.text)}</h{level}>{facts}"
        f'<div class="tables">{tables}</div><h{level + 1}>{WHERE}</h{level + 1}><div class="tables">{differences}</div>'
        + (f"<h{level + 1}>{NEAR}</h{level + 1}><ul>{near}</ul>" if near else "")
        + "</section>"
    )


def against_markdown(pairs: Sequence[Beside], *, precision: int = 2, made_by: str = "") -> str:
    """Both matrices of each sentence as tables, and where they differ most."""
    lines: list[str] = []
    for pair in pairs:
        words = [_md(word) for word in pair.general.words]
        lines += [f"## {_md(pair.general.text)}", ""]
        lines += [line for fact in pair.facts(isolated) for line in (markdown_escaped(fact), "")]
        for title, weights in pair.matrices(_md):
            lines += [f"### {title}", "", *markdown_weights(words, weights, precision), ""]
        rows = (
            (f"{words[c.query]} → {words[c.key]}", cell_texts(c, precision))
            for c in pair.differences()
        )
        lines += [f"### {WHERE}", "", *markdown_table("from → to", _heads(pair, _md), rows)]
        near = pair.near(_md)
        lines += ["", *([f"### {NEAR}", "", *(f"- {line}" for line in near), ""] if near else [])]
    return "\n".join([*lines, *markdown_footer(made_by)])


def against_latex(pairs: Sequence[Beside], *, precision: int = 2, made_by: str = "") -> str:
    """The same as LaTeX: a document, and a part of one."""
    lines: list[str] = []
    for pair in pairs:
        words = pair.general.words
        lines += [rf"\section*{{{latex_escaped(pair.general.text)}}}"]
        lines += map(tex_line, pair.facts(visible))
        for title, weights in pair.matrices(str):
            lines += [r"\begin{minipage}[t]{0.48\linewidth}\raggedright"]
            lines += [rf"\textbf{{{latex_escaped(title)}}}\par"]
            lines += [*tex_table(words, weights, precision=precision), r"\end{minipage}\hfill"]
        heads = " & ".join(map(latex_escaped, _heads(pair, str)))
        lines += [r"\par", rf"\subsection*{{{WHERE}}}", r"\begin{tabular}{lrrr}", rf" & {heads} \\"]
        for cell in pair.differences():
            name = rf"{latex_escaped(words[cell.query])} \(\to\) {latex_escaped(words[cell.key])}"
            numbers = " & ".join(map(latex_escaped, cell_texts(cell, precision)))
            lines.append(rf"{name} & {numbers} \\")
        lines += [r"\end{tabular}\par"]
        near = pair.near(str)
        lines += [rf"\subsection*{{{NEAR}}}", *map(tex_line, near)] if near else []
    return tex_document([*lines, *tex_scale()], made_by)


def against_svg(pairs: Sequence[Beside], *, precision: int = 2, made_by: str = "") -> str:
    """One picture with the pairs below one another, each side by side."""
    drawings: list[Drawing] = []
    for pair in pairs:
        heading = [(line, _BOLD) for line in folded(apart(pair.general.text), 6)]
        heading += [(line, _SOFT) for fact in pair.facts(apart) for line in folded(fact, 20)]
        drawings.append(text_lines(heading))
        drawings += in_rows(
            [
                stacked(
                    [
                        text_lines([(line, _BOLD) for line in folded(title, 4)]),
                        heat_map(pair.general.words, weights, precision),
                    ]
                )
                for title, weights in pair.matrices(apart)
            ]
        )
        title = f"{WHERE}: weights, {', '.join(_heads(pair, apart)[:2])}, difference"
        drawings.append(text_lines([(title, _BOLD)]))
        words = [apart(word) for word in pair.general.words]
        rows = [
            f"{words[c.query]} → {words[c.key]}: {'  '.join(cell_texts(c, precision))}"
            for c in pair.differences()
        ]
        drawings.append(text_lines([(line, "") for row in rows for line in folded(row, 4)]))
        near = [line for text in pair.near(apart) for line in folded(text, 4)]
        if near:
            drawings.append(text_lines([(NEAR, _BOLD), *((line, "") for line in near)]))
    drawings += [weight_scale(), *footer_drawings(made_by)]
    title = "General attention beside another: " + "; ".join(visible(p.general.text) for p in pairs)
    return svg_document(stacked(drawings), title)


def cell_texts(cell: CellDifference, precision: int) -> tuple[str, str, str]:
    """Both weights as they are printed, and what these differ by."""
    one, two = f"{cell.general:.{precision}f}", f"{cell.other:.{precision}f}"
    return one, two, f"{float(two) - float(one):+.{precision}f}"


def _heads(pair: Beside, shown: Callable[[str], str]) -> tuple[str, str, str]:
    name = "task-specific" if pair.other.model is None else pair.other.model.name
    return "general", shown(name), "difference"


def _md(text: str) -> str:
    return markdown_escaped(isolated(text))
