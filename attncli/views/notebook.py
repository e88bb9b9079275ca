"""The table a notebook shows for a result: plain HTML, no script, words escaped."""

from html import escape

from attncli.escape import visible
from attncli.result import AttentionResult
from attncli.views.matrix import hidden_note, shown_tokens
from attncli.views.palette import hex_code, text_on, weight_rgb


def fragment(result: AttentionResult) -> str:
    """One table for each layer and head: rows are queries, columns are keys."""
    shown = shown_tokens(len(result.tokens))
    note = ""
    if len(shown) < len(result.tokens):
        note = f"<p>{escape(hidden_note(len(result.tokens), len(shown)))}</p>"
    tables = [
        _table(result, layer, head, shown)
        for layer in range(result.attention.n_layers)
        for head in range(result.attention.n_heads)
    ]
    return f'<div class="attn">{"".join(tables)}{note}</div>'


def _table(result: AttentionResult, layer: int, head: int, shown: list[int]) -> str:
    words = [escape(visible(word)) for word in result.words]
    weights = result.weights[layer, head]
    caption = f"Attention of “{escape(visible(result.text))}”: rows attend to columns"
    if result.weights.shape[:2] != (1, 1):
        caption += f" (layer {layer}, head {head})"
    heads = "".join(f'<th scope="col">{words[key]}</th>' for key in shown)
    rows = "".join(
        f'<tr><th scope="row">{words[query]}</th>'
        + "".join(_cell(float(weights[query, key])) for key in shown)
        + "</tr>"
        for query in shown
    )
    return f"<table><caption>{caption}</caption><tr><td></td>{heads}</tr>{rows}</table>"


def _cell(weight: float) -> str:
    rgb = weight_rgb(weight)
    style = f"background:{hex_code(rgb)};color:{hex_code(text_on(rgb))}"
    return f'<td style="{style}">{weight:.3f}</td>'
