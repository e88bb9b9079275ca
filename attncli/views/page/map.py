"""The map of all heads on a page: a table of colored cells; the script makes buttons of them."""

import html
from typing import Any

from attncli.insight.heads import HEAD_MEASURES, HeadMap, head_map
from attncli.results.result import AttentionResult
from attncli.settings import HeadMeasure
from attncli.views.head_map import (
    IN_WORDS,
    cells_of,
    habits_of,
    labels_of,
    map_legend,
    map_title,
    short_word,
    sink_line,
)
from attncli.views.palette import palette_step

_HABITS = "habits"  # of no one measure: what each head looks at most


def has_map(result: AttentionResult) -> bool:
    """Whether there are several heads to tell apart."""
    return result.attention.n_layers * result.attention.n_heads > 1


def map_markup(result: AttentionResult, measure: HeadMeasure | None, *, is_open: bool) -> str:
    """The map, folded away unless it is asked for; without scripts it shows one measure."""
    heads = head_map(result)
    texts, shares = cells_of(heads, measure)
    layers, columns = labels_of(heads)
    top = "".join(f'<th scope="col">{html.escape(label)}</th>' for label in columns)
    rows = "".join(
        f'<tr><th scope="row">{html.escape(label)}</th>'
        + "".join(
            f'<td class="w{palette_step(share)}" data-place="{layer},{head}">{html.escape(text)}</td>'
            for head, (text, share) in enumerate(zip(row, of_layer, strict=True))
        )
        + "</tr>"
        for layer, (label, row, of_layer) in enumerate(
            zip(layers, texts, shares.tolist(), strict=True)
        )
    )
    sink = sink_line(result, short_word)
    note = f'<p class="warning">{html.escape(sink)}.</p>' if sink else ""
    return (
        f'<details class="map-box"{" open" if is_open else ""}><summary>Map of all heads</summary>'
        f"{_choice(heads, measure)}"
        '<div class="scroll"><table class="head-map"><caption><span class="map-title">'
        f"{html.escape(map_title(measure))}</span></caption>"
        f'<thead><tr><td class="corner">head</td>{top}</tr></thead><tbody>{rows}</tbody></table></div>'
        f'<p class="note map-legend">{html.escape(map_legend(heads, measure))}</p>{note}</details>'
    )


def map_data(result: AttentionResult) -> dict[str, Any]:
    """What the script needs of every measure: title, legend, and of each head text and color."""
    heads = head_map(result)
    data = {}
    for name in (None, *HEAD_MEASURES):
        texts, shares = cells_of(heads, name)
        data[name or _HABITS] = {
            "title": map_title(name),
            "legend": map_legend(heads, name),
            "texts": [text.strip() for row in texts for text in row],
            "steps": [palette_step(share) for share in shares.ravel().tolist()],
        }
    return data


def _choice(heads: HeadMap, measure: HeadMeasure | None) -> str:
    """The list of measures that the text has, which the script obeys."""
    there = {*habits_of(heads), "entropy", measure}
    options = "".join(
        f'<option value="{value}"{" selected" if value == (measure or _HABITS) else ""}>{text}</option>'
        for value, text in ((_HABITS, "what each looks at most"), *IN_WORDS.items())
        if value == _HABITS or value in there
    )
    return f'<label class="map-choice" hidden data-live>Number <select name="measure">{options}</select></label>'
