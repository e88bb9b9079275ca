"""What `attn explain` prints for one result: sections of lines, each under a heading."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.segment import Segment

from attncli.errors import field_name
from attncli.insight.movement import Movement
from attncli.insight.sums import sums_of
from attncli.results.fields import NOT_GIVEN
from attncli.results.names import VECTORS_AFTER, describe, matrix_name
from attncli.results.predicted import NEXT
from attncli.results.result import AttentionResult
from attncli.views.embeddings import movement_lines, token_lines, vector_lines
from attncli.views.equations import MAX_TERMS, equation_lines, sums_line
from attncli.views.facts import model_line
from attncli.views.ink import Ink, Line, wrapped
from attncli.views.layout import Layout, Section
from attncli.views.matrix import hidden_lines, legend, matrix_lines, shown_tokens
from attncli.views.overview import first_screen, moved_lines, moved_title, warned_of
from attncli.views.predicted import (
    completion_line,
    predicted_lines,
    predicted_title,
    words_marked,
    written_places,
)
from attncli.views.strongest import strongest_lines

if TYPE_CHECKING:
    from attncli.insight.subscripts import Names


def explain_lines(
    result: AttentionResult, movements: Sequence[Movement], ink: Ink, layout: Layout
) -> list[Line]:
    """The sections of one result. `movements` are given for the section "moved" only."""
    if layout.overview:
        layout = first_screen(result, ink, layout)
    shown = shown_tokens(len(result.tokens), everything=layout.everything)
    lines = title_lines(result, ink, layout.width)
    for section in layout.sections:
        if section == "moved" and not movements:
            # the new embeddings are of another size than the old ones, or the old ones are not held
            if result.is_cross and len(layout.sections) == 1:
                way = f"{field_name('part.which')} decoder or encoder"
                text = (
                    f"  how far each word moved: {way} shows it; cross-attention has no old vectors"
                )
                lines += [[], *[[ink.dim(part)] for part in wrapped(text, layout.width, 2)]]
            continue
        if section == "next" and not result.holds(NEXT):
            if len(layout.sections) == 1:
                text = (
                    "  what may come next: only a language model says it, one that was saved with its "
                    "head; a masked one says what may stand at each mask of the text"
                )
                lines += [[], *[[ink.dim(part)] for part in wrapped(text, layout.width, 2)]]
            continue
        lines += [[], *_section(section, result, movements, ink, layout, shown)]
        hidden = len(shown) < len(result.tokens)
        listed = section == "weights" and layout.top is not None  # a matrix says it itself
        if hidden and (listed or section in ("equations", "embeddings")):
            lines += hidden_lines(len(result.tokens), len(shown), ink, layout.width)
    return lines


def title_lines(result: AttentionResult, ink: Ink, width: int) -> list[Line]:
    """The sentence, and what was computed of it."""
    shown = ink.word(result.text, max(width, 20))
    notes = [*_setting_notes(result, ink), describe(result.selection, ink.word)]
    if result.attention.is_of_words:
        notes.append(f"vectors {ink.word(result.vectors.name)}")
    note = ", ".join(filter(None, notes))
    if result.model is not None:
        note += f", {ink.word(result.model.title, 60)}"
    lines = [[ink.bold(shown)]]
    if result.pair is not None:
        sign = ink.plain("→ ") if result.is_cross else "+ "
        lines.append([ink.dim(sign), ink.bold(ink.word(result.pair, max(width - 2, 20)))])
    lines += [[ink.dim(part)] for part in wrapped(ink.plain(note), width, 2)]
    completed = completion_line(result, ink)
    lines += [[ink.bold(part)] for part in wrapped(completed, width, 2)] if completed else []
    said = ink.plain(model_line(result, ink.label))
    return lines + [[ink.bold(part)] for part in wrapped(said, width, 2)] if said else lines


def _setting_notes(result: AttentionResult, ink: Ink) -> list[str]:
    settings = result.attention
    given = "cross-attention weights" if result.is_cross else "attention weights"
    if result.vectors.name != NOT_GIVEN:
        given += f" from {ink.word(result.vectors.name)}"
    is_part = result.is_cross or result.reads is not None
    kind = result.title if is_part else f"{settings.kind} attention"
    notes = [given if settings.is_foreign else kind]
    if settings.sums_embeddings:
        score = {"scaled": f"scores ÷ √{result.vectors.dim}", "dot": "raw dot products"}
        notes.append(score.get(settings.score, "cosines"))
    elif settings.is_of_words and settings.score == "dot":
        notes.append("raw dot products")
    if settings.temperature != 1:
        notes.append(f"temperature {settings.temperature:.4g}")
    if settings.causal:
        notes.append("causal")
    if settings.window is not None:
        notes.append(f"window {settings.window}")
    if not settings.see_self:
        notes.append("no self")
    return notes


def _section(
    section: Section,
    result: AttentionResult,
    movements: Sequence[Movement],
    ink: Ink,
    layout: Layout,
    shown: Sequence[int],
) -> list[Line]:
    if section == "tokens":
        return _tokens(result, ink, layout, shown)
    if section == "weights":
        return _matrices(result, ink, layout)
    if section == "equations":
        heading = _heading(ink, layout, sums_line(result))
        heading += _symbols(result, ink, layout, shown)
        return heading + [
            line
            for layer in range(result.weights.shape[0])
            for head in range(result.weights.shape[1])
            for line in _equations(result, layer, head, ink, layout, shown)
        ]
    if section == "embeddings":
        heading = _heading(ink, layout, _embeddings_title(result))
        return heading + vector_lines(
            words_marked(result),
            result.contextual,
            ink,
            shown,
            width=layout.width,
            precision=layout.precision,
        )
    if section == "next":
        lines = _heading(ink, layout, predicted_title(result))
        return lines + predicted_lines(result, ink, width=layout.width, precision=layout.precision)
    moved = [
        move._replace(text=word) for move, word in zip(movements, words_marked(result), strict=True)
    ]
    if layout.overview:
        heading = _heading(ink, layout, moved_title(moved))
        return heading + moved_lines(moved, ink, layout.width)
    title = "how far each word moved: cosine of old and new, nearest words"
    return _heading(ink, layout, title) + movement_lines(moved, ink, width=layout.width)


def _tokens(result: AttentionResult, ink: Ink, layout: Layout, shown: Sequence[int]) -> list[Line]:
    """The tokens, and those of the other text where they read one; of a first screen the unknown."""
    texts = [("tokens", result.tokens, shown, written_places(result))]
    if result.keys is not None:
        of_keys = shown_tokens(len(result.keys), everything=layout.everything)
        texts.append(("tokens of the other text", result.keys, of_keys, ()))
    lines: list[Line] = []
    for title, tokens, places, written in texts:
        listed = warned_of(tokens) if layout.overview else places
        if listed:
            lines += [[]] if lines else []
            lines += _heading(ink, layout, title)
            lines += token_lines(tokens, ink, listed, width=layout.width, written=written)
            if len(places) < len(tokens):
                lines += hidden_lines(len(tokens), len(places), ink, layout.width)
    return lines


def _embeddings_title(result: AttentionResult) -> str:
    """New embeddings, and of what they are where less is shown beside them."""
    selection = result.selection or {}
    whole = []
    if result.attention.old_field == "value" and "heads" in selection:
        whole.append("of all heads")
    if selection.get("hidden"):
        whole.append("of the whole sentence")
    if VECTORS_AFTER in selection:
        whole.append(f"after layer {selection[VECTORS_AFTER]}")
    return ", ".join(["new embeddings", *whole])


def _matrices(result: AttentionResult, ink: Ink, layout: Layout) -> list[Line]:
    title = "weights: each row is a word that attends, each column what it attends to"
    if result.is_cross:
        title = "weights: each row is a word that attends, each column a word of the other text"
    names = _names(result, layout)
    if names is not None and names.left:
        from attncli.views.notation import text_signs, weights_title

        title = f"weights: {weights_title(names, text_signs(ink.word))}"
    if layout.top is not None:
        title = f"weights: the {layout.top} strongest of each row"
    lines = _heading(ink, layout, title)
    n_layers, n_heads = result.weights.shape[:2]
    for layer in range(n_layers):
        for head in range(n_heads):
            if name := matrix_name(result, layer, head):
                lines.append([ink.dim(f"  {name}")])
            lines += _matrix(result, layer, head, ink, layout)
    scale = legend(ink)
    lines += [scale] if scale else []
    if result.attention.is_of_words:
        return lines
    from attncli.views.head_map import sink_line

    sink = ink.plain(sink_line(result, ink.word))
    return lines + [[Segment(f"  {part}")] for part in wrapped(sink, layout.width - 2, 2) if part]


def _matrix(result: AttentionResult, layer: int, head: int, ink: Ink, layout: Layout) -> list[Line]:
    weights, words = result.weights[layer, head], words_marked(result)
    keys = result.key_words if result.is_cross else None
    if layout.top is None:
        return matrix_lines(
            words,
            weights,
            ink,
            width=layout.width,
            precision=layout.precision,
            everything=layout.everything,
            keys=keys,
        )
    return strongest_lines(
        words,
        weights,
        ink,
        shown_tokens(len(words), everything=layout.everything),
        top=layout.top,
        width=layout.width,
        precision=layout.precision,
        keys=keys,
    )


def _equations(
    result: AttentionResult, layer: int, head: int, ink: Ink, layout: Layout, shown: Sequence[int]
) -> list[Line]:
    lines: list[Line] = []
    if name := matrix_name(result, layer, head):
        lines.append([ink.dim(f"  {name}")])
    weights = result.weights[layer, head]
    return lines + equation_lines(
        result.words,
        weights,
        ink,
        shown,
        width=layout.width,
        digits=layout.digits,
        beside=layout.precision,
        max_terms=MAX_TERMS if layout.top is None else layout.top + 1,
        sums=sums_of(result),
        names=_names(result, layout),
        keys=result.key_words,
    )


def _names(result: AttentionResult, layout: Layout) -> "Names | None":
    """The names of the notes, where equations are written in them."""
    if layout.notation == "words":
        return None
    from attncli.views.notation import names_of_result

    return names_of_result(result)


def _symbols(result: AttentionResult, ink: Ink, layout: Layout, shown: Sequence[int]) -> list[Line]:
    """What the symbols of the equations stand for; nothing where they are words."""
    names, sums = _names(result, layout), sums_of(result)
    if names is None or sums.terms is None:
        return []
    from attncli.views.notation import symbols_line, text_signs

    letter = "v" if sums.terms == "values" else "e"
    if result.is_cross:
        shown = shown_tokens(len(result.key_tokens), everything=layout.everything)
    text = "  " + symbols_line(names, shown, letter, text_signs(ink.word))
    return [[ink.dim(part)] for part in wrapped(ink.plain(text), layout.width, 2)]


def _heading(ink: Ink, layout: Layout, text: str) -> list[Line]:
    return [[ink.bold(part)] for part in wrapped(ink.plain(text), layout.width, 0)]
