"""One self-contained page for any number of results: nothing in it comes from elsewhere.

The page holds the scores of every result as float32; its script recomputes the softmax when a
slider moves. Words enter it as escaped text and as JSON whose `<` is escaped, so no word can become
markup. A Content-Security-Policy forbids every request and every script but the page's own.
"""

import base64
import hashlib
import html
import re
from collections.abc import Sequence
from functools import cache
from importlib import resources

from attncli.escape import MARK
from attncli.insight.movement import Movement
from attncli.results.result import AttentionResult
from attncli.settings import HeadMeasure, Notation
from attncli.views.page.section import section
from attncli.views.page.tables import escaped, word_markup
from attncli.views.palette import PALETTES, PaletteName, hex_code, text_on, weight_rgb

_FILES = resources.files("attncli.views") / "page"
# Rules for what is handed in: the command at the end, and stages that are whole on paper.
HAND_IN_STYLE = """.attn .made-by { color: var(--soft); font-size: .875rem; margin-top: 1.5rem;
  border-top: 1px solid var(--line); padding-top: .5rem; }
.attn .made-by code { color: var(--ink); white-space: pre-wrap; overflow-wrap: anywhere; }
@media print {
  .attn .stages pre { white-space: pre-wrap; font-size: 8pt; }
  .attn .stages > summary { color: #000000; list-style: none; }
  .attn .matrix td, .attn .legend li { border: 1px solid #999999; }
}
"""
# Rules for matrices side by side: whole, and as small as the page allows.
BESIDE_STYLE = """.attn .tables .scroll:has(.matrix) { max-height: none; }
.attn .tables .matrix.roomy td { min-width: 3.2rem; height: 2.2rem; font-size: .95rem; }
.attn .tables .matrix tbody td { text-align: center; }
"""
# A notebook reads $…$ as a formula, but for what has these classes (of MathJax 2 and 3).
UNTYPESET = "tex2jax_ignore mathjax_ignore"
_EQUATIONS = {"words": "equations.js", "lecture": "lecture.js"}


def page(
    results: Sequence[AttentionResult],
    *,
    title: str | None = None,
    precision: int = 2,
    palette: PaletteName = "viridis",
    movements: Sequence[Sequence[Movement]] = (),
    heading: str = "",
    before: str = "",
    stages: Sequence[str] = (),
    stages_name: str = "Every stage",
    style: str = "",
    notation: Notation = "words",
    made_by: str = "",
    stretch: bool = False,
    measure: HeadMeasure | None = None,
    map_is_open: bool = False,
) -> str:
    """A whole HTML page that shows these results; `before` is markup placed above them,
    `heading` that of the title.

    `stages` are texts of every stage, one for each result, under a `stages_name`; `style` are rules
    for `before`; `made_by` is the command for the footer; the maps of heads show a `measure`, and are
    open or folded away; with `stretch` colors go to the largest weight at first.

    `movements` gives, for each result, how far its words moved and their nearest words. Heads that
    would make the page larger than about 5 MB are left out, and the page says so.
    """
    moves = [*movements, *([()] * len(results))]
    has_title = bool(title) or len(results) != 1
    parts = [
        section(
            result,
            number,
            precision=precision,
            movements=moves[number],
            share=len(results),
            notation=notation,
            stretch=stretch,
            measure=measure,
            map_is_open=map_is_open,
            level=2 if has_title else 1,
        )
        for number, result in enumerate(results)
    ]
    if stages:
        parts = [
            part + _stages(text, stages_name) for part, text in zip(parts, stages, strict=True)
        ]
    name = title or (results[0].text if len(results) == 1 else f"{len(results)} sentences")
    heading = f"<h1>{heading or word_markup(name)}</h1>" if has_title else ""
    contents = _contents(results) if len(results) > 1 else ""
    text = f"{heading}{before}{contents}{''.join(parts)}{page_footer(made_by)}"
    style += HAND_IN_STYLE if stages or made_by else ""
    return document(name, text, palette, style, notation)


def page_footer(made_by: str) -> str:
    """The command that made a page, at its end; nothing where none is said."""
    if not made_by:
        return ""
    return f'<footer class="made-by">Made by <code>{_marked(made_by)}</code></footer>'


def document(
    title: str,
    body: str,
    palette: PaletteName = "viridis",
    more_style: str = "",
    notation: Notation = "words",
    script: str | None = None,
) -> str:
    """A whole page with the style, the script and the policy that allows nothing else.

    `script` is the name of another script than that of results.
    """
    style = _style(palette) + more_style
    script = _script(palette, notation) if script is None else _own_script(script)
    policy = (
        f"default-src 'none'; script-src {_source(script)}; style-src {_source(style)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return (
        '<!DOCTYPE html>\n<html lang="und">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escaped(title[:200])}</title>\n<style>{style}</style>\n</head>\n"
        f'<body class="{_classes(palette)} attn-body">\n<main>\n{body}\n</main>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def fragment(
    results: Sequence[AttentionResult],
    *,
    palette: PaletteName = "viridis",
    notation: Notation = "words",
    stretch: bool = False,
    before: str = "",
    after: str = "",
    style: str = "",
) -> str:
    """The part of the page that shows these results, with its style and script, for a notebook.

    `before` is markup placed above them, `after` below, `style` are rules for it. In an exported notebook many of
    these stand in one document: a script wakes only what has the name of its own content.
    """
    share = max(len(results), 1)
    parts = [
        section(result, None, notation=notation, stretch=stretch, share=share) for result in results
    ]
    body = before + "".join(parts) + after
    name = hashlib.sha256(body.encode("utf-8")).hexdigest()[:16]
    script = _script(palette, notation, f"[data-attn='{name}']") if results else ""
    return (
        f'<div class="{_classes(palette)} {UNTYPESET}" data-attn="{name}">'
        f"<style>{_style(palette)}{style}</style>{body}"
        f"{f'<script>{script}</script>' if results else ''}</div>"
    )


def _classes(palette: PaletteName) -> str:
    """The classes of what has these colors; fragments of others may stand beside it."""
    return "attn" if palette == "viridis" else f"attn {palette}"


@cache
def _style(palette: PaletteName) -> str:
    rules, scope = [], "." + _classes(palette).replace(" ", ".")
    steps = len(PALETTES[palette])
    for step in range(steps):
        color = weight_rgb(step / (steps - 1), palette)
        ink = hex_code(text_on(color))
        rules.append(f"{scope} .w{step}{{background:{hex_code(color)};color:{ink}}}")
    return (_FILES / "page.css").read_text(encoding="utf-8") + "\n".join(rules) + "\n"


def _script(palette: PaletteName, notation: Notation, within: str = ".attn-body") -> str:
    """The script that wakes the results within what a selector names."""
    return _every_script(palette, notation).replace("__WITHIN__", within)


@cache
def _every_script(palette: PaletteName, notation: Notation) -> str:
    colors = "".join(hex_code(color)[1:] for color in PALETTES[palette])
    names = ("numbers.js", _EQUATIONS[notation], "lines.js", "page.js")
    parts = [(_FILES / name).read_text(encoding="utf-8") for name in names]
    script = "".join(parts).replace("__COLORS__", colors)
    return f'"use strict";\n(() => {{\n{script}}})();\n'


def _own_script(name: str) -> str:
    text = (_FILES / name).read_text(encoding="utf-8")
    return f'"use strict";\n(() => {{\n{text}}})();\n'


def _source(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return f"'sha256-{digest}'"


def _stages(text: str, name: str) -> str:
    return (
        f'<details class="stages" open><summary>{name}</summary>'
        f'<div class="scroll" role="group" aria-label="{name}" tabindex="0">'
        f"<pre>{_marked(text)}</pre></div></details>"
    )


def _marked(text: str) -> str:
    """Text of a terminal as markup; words between its marks are isolated."""
    return re.sub(f"{MARK}([^{MARK}]*){MARK}", r"<bdi>\1</bdi>", html.escape(text))


def _contents(results: Sequence[AttentionResult]) -> str:
    items = "".join(
        f'<li><a href="#result-{number}">{word_markup(result.text)}</a></li>'
        for number, result in enumerate(results)
    )
    return f'<nav aria-label="Sentences"><ol>{items}</ol></nav>'
