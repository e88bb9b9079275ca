"""The tables of a page: weights as a heat map, every word in a row; and the legend."""

import html
from collections.abc import Iterable, Sequence

from attncli.arrays import FloatArray
from attncli.errors.wording import visible
from attncli.escape import apart, isolated
from attncli.insight.movement import Movement
from attncli.insight.subscripts import Names
from attncli.insight.sums import Sums, sums_of
from attncli.results.result import AttentionResult
from attncli.views.encoder_states import taken_line
from attncli.views.equations import equation
from attncli.views.ink import word
from attncli.views.notation import symbols_line, text_signs
from attncli.views.palette import palette_step
from attncli.views.predicted import sentence_of, written_places

_SUMMED = {"embeddings": "old ones", "values": "values"}


def escaped(text: str) -> str:
    """Text made visible and safe in HTML, in attributes too."""
    return html.escape(visible(text), quote=True)


def word_markup(text: str) -> str:
    """A word or sentence as markup of its own direction, so that nothing beside it is reordered."""
    return f"<bdi>{escaped(text)}</bdi>"


def plain_table(
    caption: str, heads: Sequence[str], rows: Iterable[tuple[str, Iterable[str]]]
) -> str:
    """A table of markup: the name of each row, and its cells; an empty head is a corner."""
    columns = "".join(f'<th scope="col">{head}</th>' if head else "<td></td>" for head in heads)
    body = "".join(
        f'<tr><th scope="row">{name}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
        for name, cells in rows
    )
    above = f"<caption>{caption}</caption>" if caption else ""
    return f"<table>{above}<thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table>"


def weight_table(
    words: Sequence[str],
    weights: FloatArray,
    precision: int,
    caption: str,
    keys: Sequence[str] | None = None,
) -> str:
    """The weights as a table of colored numbers; columns are the `keys` where they are other words.

    Shapes: weights (n_tokens, n_keys).
    """
    keys = words if keys is None else keys
    names, columns = ([escaped(word) for word in of] for of in (words, keys))
    kind = " roomy" if len(keys) <= 8 else ""
    kind += " upright" if sum(max(len(name), 5) for name in columns) > 70 else ""
    heads = "".join(f'<th scope="col" title="{name}"><bdi>{name}</bdi></th>' for name in columns)
    rows = []
    for i, name in enumerate(names):
        cells = "".join(
            f'<td class="w{palette_step(weight)}" data-step="w{palette_step(weight)}" '
            f'data-weight="{weight:.9g}">{weight:.{precision}f}</td>'
            for weight in weights[i].tolist()
        )
        rows.append(
            f'<tr><th scope="row" title="{name}" data-query="{i}"><bdi>{name}</bdi></th>{cells}</tr>'
        )
    return (
        f'<div class="scroll"><table class="matrix{kind}"><caption>{caption}</caption>'
        f"<thead><tr><td>from ↓ to →</td>{heads}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def every_word(
    result: AttentionResult,
    weights: FloatArray,
    precision: int,
    movements: Sequence[Movement],
    name: str = "",
    names: Names | None = None,
    own_sums: Sums | None = None,
) -> str:
    """A table with a row for each word: its equation, and how it moved where that is known.

    `name` is that of the matrix, where the page holds others; `names` those of the words in the
    symbols of the lecture, where equations are written in them; `own_sums` what the rows of this
    matrix are, where the page's other matrices have equations and this one, a mean, has none.
    """
    written = set(written_places(result))
    plain = not written and all(token.status == "exact" for token in result.tokens)
    near = any(movement.before or movement.after for movement in movements)
    sums = sums_of(result)
    title = "Weights" if sums.terms is None else "New vector" if sums.whole else "Part of a head"
    heads = ["Word", *([] if plain else ["Found as"]), title]
    heads += ["Moved (cosine)"] if movements else []
    heads += ["Nearest before", "Nearest after"] if near else []
    rows = []
    for i, token in enumerate(result.tokens):
        status = "written by the model" if i in written else visible(token.status)
        if token.key != token.text:
            status += f": {apart(token.key)}"
        formula = equation(
            result.words,
            i,
            weights[i],
            digits=precision,
            beside=precision,
            sums=own_sums or sums,
            shown=lambda text: isolated(word(text)),
            names=names,
            keys=result.key_words,
        )
        cells = [] if plain else [_cell("Found as", "", status)]
        cells.append(f'<td class="equation" data-label="{title}">{html.escape(formula)}</td>')
        if movements:
            cells.append(_cell("Moved", "", f"{movements[i].cosine:.4f}"))
        if near:
            cells.append(_cell("Nearest before", "near", _listed(movements[i].before)))
            cells.append(_cell("Nearest after", "near", _listed(movements[i].after)))
        rows.append(f'<tr><th scope="row">{word_markup(token.text)}</th>{"".join(cells)}</tr>')
    columns = "".join(f'<th scope="col">{head}</th>' for head in heads)
    caption = escaped(_caption(result, sums)) + (f" ({escaped(name)})." if name else ".")
    if names is not None and sums.terms is not None:
        signs, letter = text_signs(lambda text: apart(word(text))), sums.terms[0]
        listed = symbols_line(names, range(len(names.keys)), letter, signs)
        caption += f" {html.escape(listed)}."
    return (
        f'<table class="every"><caption>{caption}</caption>'
        f"<thead><tr>{columns}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    )


def _caption(result: AttentionResult, sums: Sums) -> str:
    if sums.terms is None:
        return f"The weights of each word; no equations: {sums.why}"
    if result.attention.has_layers:
        return sentence_of(taken_line(result))
    if not sums.whole:
        return "Each head's part of a new vector is a weighted sum of its values"
    return f"Each new vector is a weighted sum of the {_SUMMED[sums.terms]}"


def page_legend() -> str:
    """The scale of the colors, with its numbers."""
    steps = "".join(f'<li class="w{palette_step(k / 10)}">{k / 10:.1f}</li>' for k in range(11))
    return (
        '<div class="legend"><span>weight</span>'
        f'<ol aria-label="Colors of the weights 0 to 1">{steps}</ol></div>'
    )


def _cell(label: str, kind: str, text: str) -> str:
    return f'<td class="{kind}" data-label="{label}">{html.escape(text)}</td>'


def _listed(near: Sequence[tuple[str, float]]) -> str:
    return ", ".join(f"{apart(word)} {cosine:.2f}" for word, cosine in near)
