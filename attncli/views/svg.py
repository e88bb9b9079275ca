"""Heat maps as one self-contained SVG: no font, script, style sheet or address from elsewhere.

Up to 40 words each cell has its number; up to 80 each word has its name; more words become a plain
picture, and a line in it says so. Every word and number is also in a `<title>` where it is cut.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from rich.cells import chop_cells

from attncli.arrays import FloatArray
from attncli.errors.wording import visible
from attncli.escape import apart, drawable, harmless, isolated, quotes_isolated
from attncli.insight.subscripts import Names
from attncli.results.result import AttentionResult
from attncli.views.facts import facts_line, model_line
from attncli.views.ink import width_of, word, wrapped
from attncli.views.markup import escaped_text
from attncli.views.notation import (
    text_signs,
    weights_title,
)
from attncli.views.palette import (
    PALETTES,
    hex_code,
    palette_steps,
    text_on,
    weight_rgb,
)
from attncli.views.predicted import completion_sentence, predicted_sentences, sentence_of

FONT = "'DejaVu Sans Mono', Menlo, Consolas, 'Liberation Mono', monospace"
INK, SOFT, PAPER = "#1b1f24", "#57606a", "#ffffff"
NUMBERS_UP_TO, NAMES_UP_TO = 40, 80
_GAP = 18  # pixels between drawings below one another
_MARGIN, _CHAR, _LINE = 16, 8.43, 20  # pixels; a character of 14 pixels is 8.43 wide
# Letters beyond the scripts of Europe, and those of Armenia and Georgia, which one font holds.
_OTHER_SCRIPT = re.compile(
    "[\u0590-\u109f\u1100-\u1cff\u2e80-\ua63f\ua6a0-\ufdff\ufe70-\ufeff\U00010800-\U000effff]"
)
_RUN = f" *(?:{_OTHER_SCRIPT.pattern}[\u200c\u200d]*)+| *(?:(?!{_OTHER_SCRIPT.pattern})[^ ])+| +"
_ISOLATE = "\u2068"
_BROADER = 0.35  # columns that a letter of another script may take beyond its own
_LABEL = 20  # columns of a label at most
LINE_WIDTH = 90  # columns of a line of text
SIGNS = text_signs(lambda text: isolated(word(text, _LABEL)))


@dataclass(frozen=True, slots=True)
class Drawing:
    """Markup with its size in pixels."""

    width: float
    height: float
    parts: tuple[str, ...]


def svg_document(drawing: Drawing, title: str, description: str = "") -> str:
    """A whole SVG file. A screen reader says `title`, and then the `description`."""
    width, height = round(drawing.width + 2 * _MARGIN), round(drawing.height + 2 * _MARGIN)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img" font-family="{FONT}" font-size="14">\n'
        f"<title>{escaped_text(drawable(title))}</title>\n"
        + (f"<desc>{escaped_text(drawable(description))}</desc>\n" if description else "")
        + f'<rect width="{width}" height="{height}" fill="{PAPER}"/>\n'
        f'<g transform="translate({_MARGIN} {_MARGIN})">\n'
        + "\n".join(drawing.parts)
        + "\n</g>\n</svg>\n"
    )


def stacked(drawings: Sequence[Drawing]) -> Drawing:
    """Drawings below one another."""
    parts: list[str] = []
    top = 0.0
    for drawing in drawings:
        parts.append(f'<g transform="translate(0 {top:g})">')
        parts += [*drawing.parts, "</g>"]
        top += drawing.height + _GAP
    width = max((drawing.width for drawing in drawings), default=0)
    return Drawing(width, max(top - _GAP, 0), tuple(parts))


def text_lines(lines: Sequence[tuple[str, str]]) -> Drawing:
    """Lines of text, each with its attributes."""
    parts = [
        f'<text y="{_LINE * i + 14}" {attributes}>{in_scripts(drawable(text))}</text>'
        for i, (text, attributes) in enumerate(lines)
    ]
    width = max((columns_of(text) * _CHAR for text, _ in lines), default=0)
    return Drawing(width, _LINE * len(lines), tuple(parts))


def in_scripts(text: str, char: float = _CHAR) -> str:
    """A line whose words of other scripts stand at places of their own; `char` pixels a column.

    What turns pictures into PNG and PDF takes the letters of one piece of text from one other font,
    and shapes them only where that font has them all: so each word of such a script is a piece.
    """
    if not _OTHER_SCRIPT.search(text):
        return escaped_text(text)
    pieces, column, was_other = [], 0.0, False
    for part in _runs(text):
        is_other = _OTHER_SCRIPT.search(part) is not None
        if column and (is_other or was_other):
            start = len(part) - len(part.lstrip(" "))
            place = f'<tspan x="{(column + start) * char:g}">'
            pieces.append(f"{part[:start]}{place}{escaped_text(part[start:])}</tspan>")
        else:
            pieces.append(escaped_text(part))
        column += columns_of(part)
        was_other = is_other
    return "".join(pieces)


def _runs(text: str) -> Iterator[str]:
    """The words with the blanks before them, parted where the script changes.

    What is isolated for its direction stays together.
    """
    for part in re.findall(r" *[^ ]+| +", text):
        yield from [part] if _ISOLATE in part else re.findall(_RUN, part)


def columns_of(text: str) -> float:
    """About how many columns a text takes: letters of other scripts are of no fixed width."""
    narrow = sum(width_of(letter) == 1 for letter in _OTHER_SCRIPT.findall(text))
    return width_of(text) + _BROADER * narrow


def heading_drawing(result: AttentionResult, names: Names | None = None) -> Drawing:
    """The sentence, what was computed, and warnings."""
    heading = [(isolated(line), 'font-weight="bold"') for line in folded(visible(result.text), 6)]
    facts = [facts_line(result, apart), model_line(result, apart)]
    facts += [sentence_of(completion_sentence(result, apart))]
    facts += [
        quotes_isolated(f"warning: {harmless(warning.message)}") for warning in result.warnings
    ]
    if names is not None and names.words:
        facts.append(weights_title(names, SIGNS))
    for fact in filter(None, facts):
        heading += [(line, f'fill="{SOFT}"') for line in folded(fact, 20)]
    return text_lines(heading)


def said_drawing(result: AttentionResult) -> list[Drawing]:
    """What a language model says of words, in lines of text; nothing where it says nothing."""
    lines = [
        (line, f'fill="{SOFT}"')
        for sentence in predicted_sentences(result, apart)
        for line in folded(sentence_of(sentence), 20)
    ]
    return [text_lines(lines)] if lines else []


def folded(text: str, most: int, columns: int = LINE_WIDTH) -> list[str]:
    """Lines of at most so many columns, broken at spaces; only a longer word is broken itself.

    A text of more than `most` lines is cut, and says how long it is.
    """
    lines = [
        part.strip(" ")
        for line in wrapped(text, columns, 0)
        if line  # of an empty text
        for part in ([line] if width_of(line) <= columns else chop_cells(line, columns))
    ]
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], f"… ({len(text)} characters)"]


def heat_map(
    words: Sequence[str],
    weights: FloatArray,
    precision: int = 2,
    keys: Sequence[str] | None = None,
) -> Drawing:
    """One matrix, rows are queries; columns are the `keys` where they are other words.

    Shapes: weights (n_tokens, n_keys).
    """
    keys = words if keys is None else keys
    if max(len(words), len(keys)) <= NUMBERS_UP_TO:
        return _numbered(words, keys, weights, precision)
    return _picture(words, keys, weights)


def _numbered(
    words: Sequence[str], keys: Sequence[str], weights: FloatArray, precision: int
) -> Drawing:
    labels, heads = ([word(text, _LABEL) for text in of] for of in (words, keys))
    left = max(width_of(label) for label in labels) * _CHAR + 10
    widest = max(width_of(label) for label in heads) * _CHAR + 12
    cell = max((precision + 2) * _CHAR + 14, min(widest, 80))
    slanted = any(width_of(label) * _CHAR + 8 > cell for label in heads)
    top = _top(heads, slanted)
    parts = []
    for i, (label, head) in enumerate(zip_longest(labels, heads)):
        at, y = left + (i + 0.5) * cell, top + i * 32 + 21
        place = (
            f'transform="translate({at:g} {top - 8:g}) rotate(-45)"'
            if slanted
            else f'x="{at:g}" y="{top - 8:g}" text-anchor="middle"'
        )
        beside = f'x="{left - 8:g}" y="{y:g}" text-anchor="end"'
        parts += [_label(head, keys[i], place)] if head is not None else []
        parts += [_label(label, words[i], beside)] if label is not None else []
    for i, row in enumerate(weights.tolist()):
        for j, weight in enumerate(row):
            parts.append(_cell(left + j * cell, top + i * 32, cell, weight, precision))
    spread = top * 0.75 if slanted else 0
    return Drawing(left + cell * len(keys) + spread, top + 32 * len(words), tuple(parts))


def _top(labels: Sequence[str], slanted: bool) -> float:
    longest = max(width_of(label) for label in labels) * _CHAR
    return longest * 0.71 + 24 if slanted else 24


def _label(label: str, full: str, place: str) -> str:
    title = "" if label == full else f"<title>{escaped_text(visible(full))}</title>"
    return f"<text {place}>{title}{escaped_text(isolated(label))}</text>"


def _cell(x: float, y: float, width: float, weight: float, precision: int) -> str:
    color = weight_rgb(weight)
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="32" fill="{hex_code(color)}" '
        f'stroke="{PAPER}"/><text x="{x + width / 2:g}" y="{y + 21:g}" text-anchor="middle" '
        f'fill="{hex_code(text_on(color))}">{weight:.{precision}f}</text>'
    )


def _picture(words: Sequence[str], keys: Sequence[str], weights: FloatArray) -> Drawing:
    most = max(len(words), len(keys))
    named = most <= NAMES_UP_TO
    size = 10 if named else max(2, 800 // most)
    labels, heads = ([word(text, _LABEL) for text in of] if named else [] for of in (words, keys))
    edge, above = (
        max((width_of(label) for label in of), default=0) * 5.5 + 6 for of in (labels, heads)
    )
    parts, style = [_pixels(weights, edge, above, size)], 'font-size="9"'
    for i, (label, head) in enumerate(zip_longest(labels, heads)):
        across, down = edge + i * size + 8, above + i * size + 8
        beside = f'x="{edge - 4:g}" y="{down:g}" text-anchor="end" {style}'
        turned = f'transform="translate({across:g} {above - 4:g}) rotate(-90)" {style}'
        parts += [_label(label, words[i], beside)] if label is not None else []
        parts += [_label(head, keys[i], turned)] if head is not None else []
    right, bottom = edge + size * len(keys), above + size * len(words)
    missing = "the numbers" if named else "the names and numbers"
    note = f"{most} words: {missing} are left out here; .html, .csv and .json have them"
    parts.append(f'<text y="{bottom + 18:g}" fill="{SOFT}">{note}</text>')
    return Drawing(max(right, width_of(note) * _CHAR), bottom + 22, tuple(parts))


def _pixels(weights: FloatArray, x: float, y: float, size: float) -> str:
    """Squares as strokes of one path a color; runs of the same color are one stroke."""
    (n_tokens, n_keys), ramp = weights.shape, PALETTES["viridis"]
    runs: dict[int, list[str]] = {}
    for i, row in enumerate(weights):
        steps = palette_steps(row)
        starts = np.flatnonzero(np.diff(steps, prepend=-1))
        lengths = np.diff([*starts, n_keys])
        for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
            runs.setdefault(int(steps[start]), []).append(f"M{start} {i}.5h{length}")
    base = max(runs, key=lambda step: len(runs[step]))
    paths = [
        f'<path stroke="{hex_code(ramp[step])}" d="{"".join(moves)}"/>'
        for step, moves in sorted(runs.items())
        if step != base
    ]
    return (
        f'<g transform="translate({x:g} {y:g}) scale({size:g})" shape-rendering="crispEdges">'
        f'<rect width="{n_keys}" height="{n_tokens}" fill="{hex_code(ramp[base])}"/>'
        + "".join(paths)
        + "</g>"
    )


def weight_scale() -> Drawing:
    """The scale of the colors, with its numbers."""
    parts = [f'<text y="17" fill="{SOFT}">weight</text>']
    for k in range(11):
        color = weight_rgb(k / 10)
        x = 64 + 36 * k
        parts.append(
            f'<rect x="{x}" width="36" height="24" fill="{hex_code(color)}"/>'
            f'<text x="{x + 18}" y="17" text-anchor="middle" fill="{hex_code(text_on(color))}" '
            f'font-size="12">{k / 10:.1f}</text>'
        )
    return Drawing(64 + 36 * 11, 24, tuple(parts))
