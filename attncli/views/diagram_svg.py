"""The drawing of attention as a file of SVG, and as a figure of a page that says it in words too."""

from collections.abc import Sequence

from attncli.escape import drawable, isolated
from attncli.insight.diagram import Diagram
from attncli.results.result import AttentionResult
from attncli.settings import Notation
from attncli.views.diagram import drawn_texts, in_words
from attncli.views.diagram_drawing import LABEL, diagram_drawing
from attncli.views.ink import word
from attncli.views.markup import escaped_text
from attncli.views.svg import FONT, INK, Drawing, heading_drawing, stacked, svg_document

# Rules of a page for its drawings: on paper they shrink to the width of the sheet.
PAGE_STYLE = """.attn .diagram .scroll { max-height: none; }
@media print { .attn .diagram svg { max-width: 100%; height: auto; } }
"""


def diagram_svg(
    diagrams: Sequence[Diagram],
    precision: int | None = None,
    notation: Notation = "words",
    below: Sequence[Drawing] = (),
) -> str:
    """One SVG with the drawings below one another, each under what was computed.

    `below` stands at the end.
    """
    parts: list[Drawing] = []
    texts: list[str] = []
    results: list[AttentionResult] = []
    for diagram in diagrams:
        drawn = drawn_texts(diagram, precision, _word, notation)
        if not any(result is diagram.result for result in results):
            results.append(diagram.result)
            parts.append(heading_drawing(diagram.result))
        parts.append(_dark_on_white(diagram_drawing(drawn)))
        texts += [f"{diagram_title(diagram)}."]
        texts += in_words(drawn, _word)
    title = "; ".join(diagram_title(diagram) for diagram in diagrams)
    return svg_document(stacked([*parts, *below]), title, " ".join(texts))


def diagram_figure(
    diagram: Diagram, number: int, precision: int | None = None, notation: Notation = "words"
) -> str:
    """A figure for a page: the drawing, and the same in words."""
    drawn = drawn_texts(diagram, precision, _word, notation)
    drawing, title = diagram_drawing(drawn), escaped_text(drawable(diagram_title(diagram)))
    items = "".join(f"<li>{escaped_text(drawable(line))}</li>" for line in in_words(drawn, _word))
    width, height = round(drawing.width + 4), round(drawing.height + 4)
    return (
        f'<figure class="diagram"><figcaption>{title}</figcaption><div class="scroll">'
        f'<svg width="{width}" height="{height}" viewBox="-2 -2 {width} {height}" role="img" '
        f'aria-labelledby="diagram-{number}" font-family="{FONT}" font-size="14">'
        f'<title id="diagram-{number}">{title}</title>'
        + "\n".join(drawing.parts)
        + "</svg></div><details><summary>The drawing in words</summary>"
        f"<ol>{items}</ol></details></figure>"
    )


def diagram_title(diagram: Diagram) -> str:
    """What the drawing shows: "How bank attends in “money bank grows”, layer 0, head 1"."""
    of = f", {diagram.name}" if diagram.name else ""
    result, followed = diagram.result, _word(diagram.followed)
    text = isolated(word(result.text, 80))
    if result.is_cross and result.pair is not None:
        other = isolated(word(result.pair, 80))
        return f"How {followed} of “{text}” attends to “{other}”{of}"
    return f"How {followed} attends in “{text}”{of}"


def _dark_on_white(drawing: Drawing) -> Drawing:
    return Drawing(drawing.width, drawing.height, (f'<g color="{INK}">', *drawing.parts, "</g>"))


def _word(text: str) -> str:
    return isolated(word(text, LABEL))
