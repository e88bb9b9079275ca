"""The markup of one result: heat map, lines, controls, a table of all words, and its data."""

import base64
import html
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from attncli.arrays import FloatArray
from attncli.errors import field_name
from attncli.escape import apart, drawable, harmless, isolated, quotes_isolated
from attncli.insight.chosen_part import FEW_HEADS
from attncli.insight.heads import PAGE_BYTES, layer_of, matrices_at
from attncli.insight.movement import Movement
from attncli.insight.movement import movements as moved_words
from attncli.insight.other_temperatures import (
    held_scores,
    no_temperature,
    row_sums,
    temperature_range,
)
from attncli.insight.select import aggregate
from attncli.insight.subscripts import Names
from attncli.insight.sums import Sums, sums_of
from attncli.results.names import (
    axis_labels,
    axis_names,
    axis_numbers,
    last_layer,
    matrix_name,
    ranges,
)
from attncli.results.result import AttentionResult
from attncli.settings import HeadMeasure, Notation
from attncli.views.facts import facts_line, model_line
from attncli.views.ink import word as short
from attncli.views.notation import names_of_result, text_signs, weights_title
from attncli.views.page.map import has_map, map_data, map_markup
from attncli.views.page.said import completion_markup, said_markup
from attncli.views.page.tables import (
    escaped,
    every_word,
    page_legend,
    weight_table,
    word_markup,
)
from attncli.views.page.thumbnails import thumbnails

TABLE_WORDS = 40  # more words than this are drawn as a picture, with the numbers in lists


# Many of them stand in one document, which are no landmarks of it and no places to go to.
_IN_A_NOTEBOOK = ("div", ' role="group"')

_LINES = (
    '<figure hidden data-live><div class="scroll"><div class="lines"></div></div>'
    "<figcaption>Each line joins a word (left) to a word it attends to (right): the wider and "
    'lighter, the larger the weight. <span class="lines-note"></span></figcaption></figure>'
)
_HINT = (
    '<p class="note">Point at a word to see its row; with the keyboard, Tab reaches the words '
    "and the arrow keys move between them. Click or Enter keeps a word, Escape lets it go.</p>"
)


def section(
    result: AttentionResult,
    number: int | None,
    *,
    precision: int = 2,
    movements: Sequence[Movement] = (),
    share: int = 1,
    notation: Notation = "words",
    stretch: bool = False,
    measure: HeadMeasure | None = None,
    map_is_open: bool = False,
    level: int = 2,
) -> str:
    """The markup of the result `number` of a page, None of a notebook; there are `share` results.

    The map of several heads shows a `measure`, and is folded away unless it is open.
    Without a choice it shows what a terminal does: the last layer, of many heads their mean.
    The sentence is a heading of a `level`, 1 where it is that of the page.
    """
    names = None if notation == "words" else names_of_result(result)
    movements = movements or moved_words(result, None)
    scores, held = held_scores(result, PAGE_BYTES // share)
    start = (last_layer(result), 0)
    first = _first(result, start, held)
    data: dict[str, Any] = {
        "words": [apart(word) for word in result.words],
        "labels": [isolated(short(word)) for word in result.words],
        **_keys(result),
        "n_layers": result.attention.n_layers,
        "n_heads": result.attention.n_heads,
        "layers": axis_labels(result, "layers"),
        "heads": axis_labels(result, "heads"),
        "layer_names": axis_names(result, "layers"),
        "head_names": axis_names(result, "heads"),
        "held": held,
        "start": start,
        "formula": _formula(result, names),
        "temperature": result.attention.temperature,
        "precision": precision,
        "scores": base64.b64encode(scores.astype("<f4").tobytes()).decode("ascii"),
        "moved": [movement.cosine for movement in movements] or None,
        "before": [_near(movement.before) for movement in movements],
        "after": [_near(movement.after) for movement in movements],
    }
    sums = row_sums(result, held)
    if sums is not None:
        data["sums"] = base64.b64encode(sums.astype("<f4").tobytes()).decode("ascii")
    if len(held) < result.attention.n_layers * result.attention.n_heads:
        small = thumbnails(result)
        data["sides"] = small.shape[-2:]
        data["thumbnails"] = base64.b64encode(small.tobytes()).decode("ascii")
    with_map = map_is_open or has_map(result)
    if with_map:
        data["map"] = map_data(result)
    tag, place = ("section", f' id="result-{number}"') if number is not None else _IN_A_NOTEBOOK
    long = ' class="long"' if len(result.text) > 160 else ""
    rows = every_word(
        result, first.weights, precision, movements, first.name, names, own_sums=first.sums
    )
    if len(result.words) > TABLE_WORDS:
        rows = f'<details class="words"><summary>Every word: {len(result.words)} rows</summary>{rows}</details>'
    else:
        rows = f"<h{level + 1}>Every word</h{level + 1}>{rows}"
    return (
        f'<{tag} class="result"{place} aria-label="{escaped(result.text[:200])}">'
        f"<h{level}{long}>{word_markup(result.text)}</h{level}>{_facts(result, len(held))}"
        f"{said_markup(result, level + 1)}"
        f"{map_markup(result, measure, is_open=map_is_open) if with_map else ''}"
        f"{_controls(result, start, mean=first.is_mean, stretch=stretch)}"
        f"{_views(result, first.weights, precision, names)}"
        f"{_heads(result, level + 1)}{rows}"
        f'<script type="application/json">{_json(data)}</script></{tag}>'
    )


def _keys(result: AttentionResult) -> dict[str, list[str]]:
    """The words of the columns, where they are others than those of the rows."""
    if not result.is_cross:
        return {}
    return {
        "keys": [apart(word) for word in result.key_words],
        "key_labels": [isolated(short(word)) for word in result.key_words],
    }


class FirstMatrix(NamedTuple):
    """The matrix that shows at first, (n_tokens, n_keys): a head, or of many the mean."""

    weights: FloatArray
    name: str
    sums: Sums | None = None  # of a mean: what its rows are

    @property
    def is_mean(self) -> bool:
        """Whether it is the mean of the layer's heads."""
        return self.sums is not None


def first_matrix(result: AttentionResult) -> FirstMatrix:
    """What a result shows first, as a terminal, a page and a notebook do."""
    settings = result.attention
    every = [
        (layer, head) for layer in range(settings.n_layers) for head in range(settings.n_heads)
    ]
    return _first(result, (last_layer(result), 0), every)


def _first(
    result: AttentionResult, start: tuple[int, int], held: Sequence[tuple[int, int]]
) -> FirstMatrix:
    """What a terminal would show of this layer, if the page holds it."""
    layer, n_heads = start[0], result.attention.n_heads
    if n_heads <= FEW_HEADS or any((layer, head) not in held for head in range(n_heads)):
        return FirstMatrix(matrices_at(result, [start])[0], matrix_name(result, *start))
    mean = aggregate(layer_of(result, layer), ("heads",))
    names = [axis_names(result, "layers")[layer]] if result.attention.n_layers > 1 else []
    name = ", ".join([*names, axis_names(mean, "heads")[0]])
    return FirstMatrix(mean.weights[0, 0], name, sums_of(mean))


def _formula(result: AttentionResult, names: Names | None) -> dict[str, Any] | None:
    """How the page's script writes a row; None where it is no equation."""
    sums = sums_of(result)
    if sums.terms is None:
        return None
    formula: dict[str, Any] = {"left": sums.left, "values": sums.terms == "values"}
    if names is not None:
        formula["names"] = [isolated(short(name)) for name in names.left]
        formula["subscripts"] = [isolated(short(name)) for name in names.subscripts]
    return formula


def _views(
    result: AttentionResult, weights: FloatArray, precision: int, names: Names | None
) -> str:
    caption = "Weights: each row (query) attends to the columns (keys)."
    if names is not None and names.words:
        caption += f" {html.escape(weights_title(names, text_signs(apart)))}."
    panel = f'<div class="word-panel idle" hidden data-live>{_HINT}</div>'
    n_tokens = max(len(result.words), len(result.key_words))
    if n_tokens > TABLE_WORDS:
        matrix = f"<figure>{_picture(n_tokens, caption)}{page_legend()}</figure>"
        return f'<div class="views beside">{matrix}{panel}</div>{_LINES}'
    keys = result.key_words if result.is_cross else None
    table = weight_table(result.words, weights, precision, caption, keys)
    wide = "" if len(result.key_words) <= 12 else " wide"
    return f'<div class="views{wide}"><figure>{table}{page_legend()}</figure>{_LINES}</div>{panel}'


def _picture(n_tokens: int, caption: str) -> str:
    return (
        f'<div class="scroll"><div class="board"><canvas role="img" aria-label="{caption} The '
        'numbers are in the tables below."></canvas></div></div>'
        '<p class="readout" aria-hidden="true"></p>'
        f"<figcaption>{caption} {n_tokens} words: point at the picture or at a word for the "
        "numbers.</figcaption>"
    )


def _facts(result: AttentionResult, held: int) -> str:
    warnings = "".join(
        f'<p class="warning">{html.escape(quotes_isolated(harmless(warning.message)))}</p>'
        for warning in result.warnings
    )
    every = result.attention.n_layers * result.attention.n_heads
    if held < every:
        warnings += (
            f'<p class="warning">This page holds {held} of {every} heads, to stay small; '
            f"the others are thumbnails only. Choose them with {field_name('part.layers')} and "
            f"{field_name('part.heads')}.</p>"
        )
    label = model_line(result, apart)
    said = f'<p class="label">{html.escape(label)}</p>' if label else ""
    return (
        f'<p class="facts">{html.escape(drawable(facts_line(result, apart)))}</p>{said}'
        f"{completion_markup(result)}{warnings}"
    )


def _near(words: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    return [(apart(word), cosine) for word, cosine in words]


def _controls(result: AttentionResult, start: tuple[int, int], *, mean: bool, stretch: bool) -> str:
    settings, why = result.attention, no_temperature(result)
    low, high = temperature_range(result)
    parts, note = [], f'<p class="note" hidden data-live>No other temperature: {why}.</p>'
    if not why:
        note = ""
        parts.append(
            "<label>Temperature <output></output>"
            f'<input type="range" name="temperature" min="{low:g}" max="{high:g}" step="any" '
            f'value="{settings.temperature!r}"></label>'
        )
    for name, count, at in (
        ("layer", settings.n_layers, start[0]),
        ("head", settings.n_heads, start[1]),
    ):
        if count > 1:
            parts.append(
                f"<label>{name.title()} <output></output>"
                f'<input type="range" name="{name}" min="0" max="{count - 1}" step="1" '
                f'value="{at}"></label>'
            )
    if settings.n_heads > 1:
        chosen = "heads" in (result.selection or {})
        heads = ranges("heads", axis_numbers(result, "heads")) if chosen else "all heads"
        parts.append(
            f'<label class="check"><input type="checkbox" name="mean"{_checked(mean)}> mean of {heads}</label>'
        )
    return (
        f'<div class="controls" hidden data-live>{"".join(parts)}'
        '<label class="check" title="Off: the colors of the fixed scale 0 to 1, the same everywhere">'
        f'<input type="checkbox" name="stretch"{_checked(stretch)}> '
        "stretch colors to the largest weight</label>"
        f'<button type="button">Reset</button></div>{note}'
        '<p class="warning missing" hidden>This layer and head are not held by this page.</p>'
    )


def _checked(on: bool) -> str:
    return " checked" if on else ""


def _heads(result: AttentionResult, level: int) -> str:
    if result.attention.n_layers * result.attention.n_heads < 2:
        return ""
    return (
        f'<div class="heads-box" hidden data-live><h{level}>All heads</h{level}>'
        '<div class="scroll"><div class="heads" role="group" aria-label="Layers and heads"></div></div></div>'
    )


def _json(data: Any) -> str:
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text
