"""One word in several sentences, on a terminal: rows, movement, neighbors, cosines, a map."""

import numpy as np
from rich.segment import Segment

from attncli.arrays import FloatArray
from attncli.results.comparison import Comparison, Near, Occurrence
from attncli.views.equations import rounded_to_sum
from attncli.views.ink import Ink, Line, left, width_of, wrapped
from attncli.views.numbers import number_lines
from attncli.views.scatter import scatter_lines

_MOST = 8  # words of a row


def comparison_lines(
    comparison: Comparison,
    ink: Ink,
    *,
    width: int = 80,
    precision: int = 3,
    top: int | None = None,
) -> list[Line]:
    """All sections of a comparison."""
    lines: list[Line] = [[ink.bold(f"{ink.word(comparison.word)} {comparison.extent}")]]
    if comparison.weights_of:
        lines += [
            [ink.dim(part)] for part in wrapped(f"weights: {comparison.weights_of}", width, 2)
        ]
    for occurrence in comparison.occurrences:
        lines += [[], *_occurrence(occurrence, ink, width, precision, top or _MOST)]
    lines += [[], *_cosine_lines(comparison, ink, width, precision)]
    title = f"nearest of {ink.word(comparison.neighbors_of)}"
    lines += [[], *([ink.bold(part)] for part in wrapped(title, width, 0))]
    lines += _nearest(comparison, ink, width)
    first, second = comparison.explained
    title = f"map: the plane of greatest spread (PCA), {first:.0%} + {second:.0%} of it"
    lines += [[], *([ink.bold(part)] for part in wrapped(title, width, 0))]
    return lines + scatter_lines(comparison.points, ink, width=width)


def occurrence_names(found: Comparison) -> list[str]:
    """Short names of the occurrences: the number of the sentence, and of the word if it repeats."""
    sentences = [occurrence.sentence for occurrence in found.occurrences]
    return [
        f"{occurrence.name}:{occurrence.place + 1}"
        if sentences.count(occurrence.sentence) > 1
        else occurrence.name
        for occurrence in found.occurrences
    ]


def nearest_of_each(comparison: Comparison) -> list[tuple[str, Near]]:
    """The nearest words without a context, where they are known, and in each sentence."""
    near, names = comparison.nearest_static, occurrence_names(comparison)
    alone = [("alone", near)] if near else []
    each = zip(names, comparison.occurrences, strict=True)
    return [*alone, *((f"in {name}", occurrence.nearest) for name, occurrence in each)]


def _occurrence(
    occurrence: Occurrence, ink: Ink, width: int, precision: int, top: int
) -> list[Line]:
    text = f"{occurrence.name}. {ink.word(occurrence.title, max(width - 4, 20))}"
    lines: list[Line] = [[ink.bold(text)]]
    if occurrence.label is not None:
        lines.append([ink.dim(f"  label: {ink.word(occurrence.label)}")])
    kept, others = occurrence.pulls[:top], occurrence.pulls[top:]
    indent = max(width_of(ink.word(pull.word, 16)) for pull in kept)
    percents = percents_of(occurrence)
    for pull in kept:
        line: Line = [Segment(f"  {left(ink.word(pull.word, 16), indent)} ")]
        line.append(ink.weight(f" {pull.weight:.{precision}f} ", pull.weight))
        if pull.place == occurrence.place:
            line.append(Segment("  itself"))
        elif percents is not None:
            line.append(Segment(f"  {percents[pull.place]} % of its way"))
        lines.append(line)
    if others:
        rest = sum(pull.weight for pull in others)
        plural = "word" if len(others) == 1 else "words"
        lines.append([Segment(f"  {len(others)} other {plural}: {rest:.{precision}f}")])
    if occurrence.moved is not None:
        lines.append([Segment(f"  moved: cosine of old and new {occurrence.moved:.{precision}f}")])
    return lines


def percents_of(occurrence: Occurrence) -> dict[int, int] | None:
    """How much of the way each word accounts for, in percent that add up; None when not known."""
    shares = [pull.share for pull in occurrence.pulls]
    known = [share for share in shares if share is not None]
    if len(known) < len(shares):
        return None
    if min(known, default=0) >= 0:
        units = rounded_to_sum(np.array(known), 2)
    else:
        units = [round(100 * share) for share in known]
    return {pull.place: unit for pull, unit in zip(occurrence.pulls, units, strict=True)}


def _cosine_lines(found: Comparison, ink: Ink, width: int, precision: int) -> list[Line]:
    names = occurrence_names(found)
    lines: list[Line] = []
    if found.before is not None:
        lines += _cosine_table("before attention", found.before, names, ink, width, precision)
    return lines + _cosine_table("after attention", found.after, names, ink, width, precision)


def _cosine_table(
    title: str, cosines: FloatArray, names: list[str], ink: Ink, width: int, precision: int
) -> list[Line]:
    if len(names) == 2:
        text = f"cosine of 1 and 2 {title}: {cosines[0, 1]:.{precision}f}"
        return [[Segment(part)] for part in wrapped(text, width, 2)]
    lines: list[Line] = [[ink.bold(f"cosines {title}")]]
    return lines + number_lines(names, names, cosines, ink, width=width, precision=precision)


def _nearest(comparison: Comparison, ink: Ink, width: int) -> list[Line]:
    rows = nearest_of_each(comparison)
    indent = max(len(name) for name, _ in rows)
    lines: list[Line] = []
    for name, near in rows:
        listed = ", ".join(f"{ink.word(other)} {cosine:.2f}" for other, cosine in near) or "none"
        text = f"  {left(name, indent)}  {listed}"
        lines += [[Segment(part)] for part in wrapped(text, width, indent + 4)]
    return lines
