"""The map of all heads in files: pictures, Markdown, TeX, tables, JSON."""

import math
import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from attncli.arrays import FloatArray
from attncli.errors import UsageError, field_name
from attncli.errors.wording import visible
from attncli.escape import isolated, quotes_isolated
from attncli.files.safe_cells import cell
from attncli.insight.heads import HEAD_MEASURES, HeadMap, head_map
from attncli.results.fields import SCHEMA_VERSION
from attncli.results.json import record_json
from attncli.results.names import full_name
from attncli.results.result import AttentionResult
from attncli.settings import HeadMeasure
from attncli.views import sheets
from attncli.views.facts import facts_line, model_line
from attncli.views.head_map import (
    IN_WORDS,
    cells_of,
    labels_of,
    map_legend,
    map_title,
    short_word,
    sink_line,
    strongest_lines_of,
)
from attncli.views.ink import word
from attncli.views.latex import tex_cell, tex_document, tex_line
from attncli.views.latex_words import latex_escaped
from attncli.views.markdown import markdown_escaped, markdown_footer
from attncli.views.markup import escaped_text
from attncli.views.palette import hex_code, text_on, weight_rgb
from attncli.views.picture_formats import SayLost, picture
from attncli.views.svg import (
    PAPER,
    SOFT,
    Drawing,
    folded,
    heading_drawing,
    stacked,
    svg_document,
    text_lines,
)

_BETWEEN = re.compile(r"(?<=\d) {3,}")  # heads that are listed in a line
_RULE = "-" * 3  # below the heads of a table in Markdown
_DIGITS = 6  # of a number in JSON and tables
_CELL, _ROW, _CHAR = 30, 24, 8.43  # pixels: a cell is so wide, a layer so high


def head_map_file(
    suffix: str,
    results: Sequence[AttentionResult],
    measure: HeadMeasure | None,
    *,
    made_by: str = "",
    say: SayLost | None = None,
) -> str | bytes:
    """The content of a file with the maps of these results; a page holds them anyway.

    Tables and JSON hold every measure. Raises: UsageError for a suffix that cannot hold a map.
    """
    if suffix in (".json", ".jsonl"):
        return "".join(record_json(head_map_record(result)) + "\n" for result in results)
    if suffix in (".csv", ".tsv"):
        return "".join(_table(results, "," if suffix == ".csv" else "\t"))
    if suffix == ".md":
        lines = [line for result in results for line in _markdown(result, measure)]
        return "\n".join([*lines, *markdown_footer(made_by)]).rstrip("\n") + "\n"
    if suffix == ".tex":
        return tex_document([line for r in results for line in _latex(r, measure)], made_by)
    if suffix not in (".svg", ".png", ".pdf"):
        raise UsageError(
            f"found the suffix {suffix}, which holds whole results, expected another",
            place=field_name("map"),
        )
    drawings = [drawing for result in results for drawing in _drawings(result, measure)]
    title = "Heads: " + "; ".join(visible(result.text) for result in results)
    svg = svg_document(stacked([*drawings, *sheets.footer_drawings(made_by)]), title)
    return picture([svg], suffix, say)


def head_map_record(result: AttentionResult) -> dict[str, object]:
    """The map as a record: what layers and heads are called, habits and measures of each.

    Shares and nats have six digits; what a text does not have is null.
    """
    heads = head_map(result)
    return {
        "type": "head-map",
        "schema": SCHEMA_VERSION,
        "index": result.index,
        "line": result.line,
        "text": result.text,
        "n_tokens": len(result.tokens),
        "layers": _numbers(heads.layers),
        "heads": _numbers(heads.heads),
        "habits": [[name or None for name in row] for row in heads.habits()[0]],
        "measures": {
            name: [[_rounded(value) for value in row] for row in values.tolist()]
            for name, values in heads.values.items()
        },
    }


def _numbers(labels: Sequence[str]) -> list[int | str]:
    return [int(label) if label.isdecimal() else label for label in labels]


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(value, _DIGITS)


def _table(results: Sequence[AttentionResult], delimiter: str) -> Iterator[str]:
    """A line for each head, with every measure; of several results their number too."""
    several = len(results) > 1
    first = ("index",) if several else ()
    yield delimiter.join([*first, "layer", "head", "habit", *HEAD_MEASURES]) + "\n"
    for number, result in enumerate(results):
        heads = head_map(result)
        habits, _ = heads.habits()
        for layer, layer_label in enumerate(heads.layers):
            for head, head_label in enumerate(heads.heads):
                of_head = [heads.values[name][layer, head] for name in HEAD_MEASURES]
                yield (
                    delimiter.join(
                        [
                            *([str(number)] if several else []),
                            *(cell(layer_label), cell(head_label), habits[layer][head]),
                            *(
                                "" if np.isnan(value) else f"{value:.{_DIGITS}f}"
                                for value in of_head
                            ),
                        ]
                    )
                    + "\n"
                )


def _markdown(result: AttentionResult, measure: HeadMeasure | None) -> Iterator[str]:
    heads = head_map(result)
    texts, _ = cells_of(heads, measure)
    yield from (f"## {markdown_escaped(isolated(result.text))}", "")
    for line in (facts_line(result, isolated), model_line(result, isolated)):
        yield from (markdown_escaped(line), "") if line else ()
    yield from (
        f"> {markdown_escaped(quotes_isolated(warning.message))}\n" for warning in result.warnings
    )
    yield from (f"{_sentence(map_title(measure))}", "")
    layers, columns = labels_of(heads)
    yield "| | " + " | ".join(map(markdown_escaped, columns)) + " |"
    yield "|" + f" {_RULE} |" + f" :{_RULE}: |" * len(columns)
    for label, row in zip(layers, texts, strict=True):
        yield f"| {markdown_escaped(label)} | " + " | ".join(row) + " |"
    yield from ("", markdown_escaped(_sentence(map_legend(heads, measure))), "")
    yield from (f"- {markdown_escaped(text)}" for text in _listed(result, heads, measure))
    sink = sink_line(result, short_word)
    yield from ("", markdown_escaped(_sentence(sink)), "") if sink else ("",)


def _latex(result: AttentionResult, measure: HeadMeasure | None) -> Iterator[str]:
    heads = head_map(result)
    texts, shares = cells_of(heads, measure)
    yield rf"\section*{{{latex_escaped(result.text)}}}"
    said = [facts_line(result), model_line(result), *(w.message for w in result.warnings)]
    yield from (tex_line(line) for line in said if line)
    yield tex_line(_sentence(map_title(measure)))
    layers, columns = labels_of(heads)
    yield r"\medskip\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
    yield rf"\setlength{{\tabcolsep}}{{3pt}}\begin{{tabular}}{{r{'c' * len(columns)}}}"
    yield " & ".join(["", *map(latex_escaped, columns)]) + r" \\"
    for label, row, of_layer in zip(layers, texts, shares.tolist(), strict=True):
        colored = [tex_cell(text, share) for text, share in zip(row, of_layer, strict=True)]
        yield " & ".join([latex_escaped(label), *colored]) + r" \\"
    yield r"\end{tabular}}\par\medskip"
    yield tex_line(_sentence(map_legend(heads, measure)))
    yield r"\medskip"
    yield from (tex_line(text) for text in _listed(result, heads, measure))
    if sink := sink_line(result, word):
        yield tex_line(_sentence(sink))


def _drawings(result: AttentionResult, measure: HeadMeasure | None) -> list[Drawing]:
    """The sentence, the map, what its signs mean, and the strongest heads."""
    heads = head_map(result)
    below = [_sentence(map_legend(heads, measure)), *_listed(result, heads, measure)]
    below += [sink_line(result, short_word)]
    lines = [line for text in below if text for line in folded(text, 4)]
    return [
        heading_drawing(result),
        text_lines([(_sentence(map_title(measure)), 'font-weight="bold"')]),
        _cells(result, heads, measure),
        text_lines([(line, f'fill="{SOFT}"') for line in lines]),
    ]


def _cells(result: AttentionResult, heads: HeadMap, measure: HeadMeasure | None) -> Drawing:
    """A rectangle for each head, with its name and every number where a pointer rests."""
    texts, shares = cells_of(heads, measure)
    layers, columns = labels_of(heads)
    left = max(map(len, layers)) * _CHAR + 10
    widest = max(map(len, columns)) * _CHAR + 6 if len(columns) == 1 else _CELL
    parts = [
        f'<text x="{left + (at + 0.5) * widest:g}" y="16" text-anchor="middle" fill="{SOFT}">'
        f"{escaped_text(label)}</text>"
        for at, label in enumerate(columns)
    ]
    for layer, label in enumerate(layers):
        top = _ROW * (layer + 1)
        parts.append(
            f'<text x="{left - 8:g}" y="{top + 17}" text-anchor="end">{escaped_text(label)}</text>'
        )
        for head in range(len(columns)):
            share, text = float(shares[layer, head]), texts[layer][head]
            color = weight_rgb(share)
            x = left + head * widest
            parts.append(
                f"<g><title>{escaped_text(numbers_of(result, heads, layer, head))}</title>"
                f'<rect x="{x:g}" y="{top}" width="{widest:g}" height="{_ROW}" '
                f'fill="{hex_code(color)}" stroke="{PAPER}"/>'
                f'<text x="{x + widest / 2:g}" y="{top + 17}" text-anchor="middle" '
                f'fill="{hex_code(text_on(color))}">{escaped_text(text)}</text></g>'
            )
    return Drawing(left + widest * len(columns), _ROW * (len(layers) + 1), tuple(parts))


def numbers_of(result: AttentionResult, heads: HeadMap, layer: int, head: int) -> str:
    """The name of a head and every number that it has."""
    said = [
        f"{IN_WORDS[name]} {_amount(name, heads.values[name])(layer, head)}"
        for name in HEAD_MEASURES
        if not np.isnan(heads.values[name][layer, head])
    ]
    return ": ".join(filter(None, [full_name(result, layer, head), ", ".join(said)]))


def _amount(name: HeadMeasure, values: FloatArray) -> Callable[[int, int], str]:
    return lambda layer, head: (
        f"{values[layer, head]:.2f} nats" if name == "entropy" else f"{values[layer, head]:.0%}"
    )


def _listed(result: AttentionResult, heads: HeadMap, measure: HeadMeasure | None) -> list[str]:
    """The strongest heads, as the terminal lists them, without its columns."""
    lines = strongest_lines_of(result, heads, measure, 10_000)
    return [" ".join(_BETWEEN.sub("; ", line).split()) for line in lines]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."
