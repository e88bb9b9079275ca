"""Tables of the tokens, of the new embeddings, and of how far each word moved."""

from collections.abc import Sequence

from rich.segment import Segment

from attncli.arrays import FloatArray
from attncli.errors import Blank, field_name, setting
from attncli.insight.movement import Movement
from attncli.results.displayed import visible_blank
from attncli.results.facts import Token
from attncli.views.ink import Ink, Line, left, right, width_of, wrapped

STATUS = {
    "exact": "found",
    "canonical": "found in other code points",
    "apostrophe": "found with another apostrophe",
    "invisible": "found without invisible characters",
    "lower": "found in lower case",
    "random": "unknown: a seeded random vector",
    "zero": "unknown: zeros",
    "mean": "unknown: the mean vector",
    "unknown": "not in the vocabulary",
    "piece": "continues the word before it",
    "special": "added for the model",
    "capitalised": "found in capitals",
    "compatible": "found in a compatible form",
    "unaccented": "found without accents",
    "marked": "found with the mark of a piece",
    "digits": "found with its digits masked",
    "joined": "found with its parts joined",
    "conceptnet": "found as a ConceptNet key",
    "subword": "unknown: made of its parts",
    "nearest": "unknown: the nearest spelling",
}
EXPECTED = (  # nothing a reader must be warned of
    *("exact", "canonical", "apostrophe", "invisible", "lower", "piece", "special"),
    *("capitalised", "compatible", "unaccented", "marked", "digits", "joined", "conceptnet"),
)


def token_lines(
    tokens: Sequence[Token],
    ink: Ink,
    shown: Sequence[int],
    *,
    width: int = 80,
    written: Sequence[int] = (),
) -> list[Line]:
    """What was found for each token, or that the model wrote it."""
    labels = [ink.word(token.text, min(40, max(8, width // 2 - 4))) for token in tokens]
    indent = max((width_of(labels[i]) for i in shown), default=0)
    number = len(str(len(tokens)))
    lines: list[Line] = []
    for i in shown:
        token = tokens[i]
        note = "written by the model" if i in written else STATUS.get(token.status, token.status)
        expected = token.status in EXPECTED
        if token.key != token.text and (expected or token.status == "nearest"):
            comma = "," if token.status in ("piece", "nearest") else ""
            note += f"{comma} as {ink.word(token.key)}"
        line = f"  {right(str(i), number)}  {left(labels[i], indent)}  "
        note = ink.plain(note if expected else f"! {note}")
        hang = width_of(line) if width_of(line) + 12 <= width else 6
        first, *rest = wrapped(line + note, width, hang)
        style = ink.dim if expected else ink.bold
        lines.append([Segment(line), style(first.removeprefix(line))])
        lines += [[style(part)] for part in rest]
    return lines


def vector_lines(
    words: Sequence[str],
    vectors: FloatArray,
    ink: Ink,
    shown: Sequence[int],
    *,
    width: int = 80,
    precision: int = 3,
) -> list[Line]:
    """A table of vectors: as many dimensions as fit, and a line that says how many are hidden.

    Shapes: vectors (n_tokens, d).
    """
    labels = [ink.word(text, min(16, max(4, width // 2))) for text in words]
    indent = max((width_of(labels[i]) for i in shown), default=0)
    dim = vectors.shape[-1]
    rows = vectors[list(shown)].tolist() if len(shown) else []
    extremes = [end(row) for row in rows if row for end in (min, max)]
    widest = max((len(f"{value:.{precision}f}") for value in extremes), default=0)
    cell = max(widest, len(str(dim))) + 2
    fits = min(dim, max(1, (width - indent - 2) // cell))
    heading = "".join(right(str(d), cell) for d in range(1, fits + 1))
    lines: list[Line] = [[Segment(" " * (indent + 2)), ink.bold(heading)]]
    for i, row in zip(shown, rows, strict=True):
        numbers = "".join(right(f"{value:.{precision}f}", cell) for value in row[:fits])
        lines.append([Segment("  " + left(labels[i], indent) + numbers)])
    if fits < dim:
        ways = f"{setting(width=Blank('N'))} or {field_name('json')}"
        note = f"  dimensions 1–{fits} of {dim}; {dim - fits} are hidden: {ways}"
        lines += [[ink.dim(part)] for part in wrapped(ink.plain(note), width, 2)]
    return lines


def movement_lines(movements: Sequence[Movement], ink: Ink, *, width: int = 80) -> list[Line]:
    """How far each word moved, and its nearest words before and after."""
    labels = [ink.word(visible_blank(m.text), min(16, max(4, width // 3))) for m in movements]
    indent = max(map(width_of, labels), default=0)
    lines: list[Line] = []
    for m, label in zip(movements, labels, strict=True):
        start = f"  {left(label, indent)}  {m.cosine:6.3f}  "
        if not m.before and not m.after:
            lines.append([Segment(start.rstrip())])
            continue
        before = "before: " + (", ".join(ink.word(near) for near, _ in m.before) or "none")
        after = "after:  " + (", ".join(ink.word(near) for near, _ in m.after) or "none")
        hang = min(width_of(start), 12)
        for text in (start + before, " " * width_of(start) + after):
            lines += [[Segment(part)] for part in wrapped(text, width, hang)]
    return lines
