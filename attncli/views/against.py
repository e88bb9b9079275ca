"""Two mechanisms on one sentence, side by side, and where they differ most."""

from collections.abc import Sequence
from dataclasses import replace

from rich.segment import Segment

from attncli.insight.beside import CellDifference, cell_differences, mean_weights
from attncli.insight.compare import weights_of
from attncli.insight.movement import Movement
from attncli.results.names import describe
from attncli.results.result import AttentionResult
from attncli.views.facts import model_line
from attncli.views.ink import Ink, Line, left, width_of, wrapped
from attncli.views.matrix import legend, matrix_lines

_GAP = 3


def against_lines(
    general: AttentionResult,
    other: AttentionResult,
    ink: Ink,
    *,
    movements: Sequence[Movement] = (),
    width: int = 80,
    precision: int = 2,
    everything: bool = False,
) -> list[Line]:
    """Both matrices, the label, what the general new embeddings are near, the greatest differences.

    `movements` are those of the general result: the nearest words of its new embeddings.
    """
    name = other.model.name if other.model is not None else "task-specific"
    lines: list[Line] = [[ink.bold(ink.word(general.text, max(width, 20)))]]
    said = model_line(other, ink.label)
    lines += [[ink.bold(part)] for part in wrapped(said, width, 2)] if said else []
    lines += [[], *_both(general, other, name, ink, width, precision, everything)]
    lines += [[], [ink.bold("where they differ most: weights, general and " + ink.word(name))]]
    cells = cell_differences(general, other)
    lines += _difference_lines(cells, general.words, ink, precision)
    near = [m for m in movements if m.after]
    if near:
        lines += [[], [ink.bold("general attention alone: words nearest to the new embeddings")]]
        for movement in near:
            words = ", ".join(ink.word(text) for text, _ in movement.after)
            text = f"  {ink.word(movement.text)}: {words}"
            lines += [[Segment(part)] for part in wrapped(text, width, 4)]
    return lines


def _both(
    general: AttentionResult,
    other: AttentionResult,
    name: str,
    ink: Ink,
    width: int,
    precision: int,
    everything: bool,
) -> list[Line]:
    half = (width - _GAP) // 2
    titles = (
        ", ".join(filter(None, ["general", describe(general.selection, ink.word)])),
        ", ".join(filter(None, [ink.word(name), _chosen(other, ink)])),
    )
    tables = [
        matrix_lines(
            general.words,
            mean_weights(result),
            ink,
            width=width,
            precision=precision,
            everything=everything,
        )
        for result in (general, other)
    ]
    widest = max(_length(line) for table in tables for line in table)
    if widest <= half and all(width_of(title) <= half for title in titles):
        lines = [[ink.bold(left(titles[0], widest + _GAP)), ink.bold(titles[1])]]
        for one, two in zip(*tables, strict=True):
            fill = Segment(" " * (widest + _GAP - _length(one)))
            lines.append([*one, fill, *two])
    else:
        lines = [[ink.bold(titles[0])], *tables[0], [], [ink.bold(titles[1])], *tables[1]]
    scale = legend(ink)
    return [*lines, scale] if scale else lines


def _chosen(result: AttentionResult, ink: Ink) -> str:
    """Which of several matrices is shown: "mean of 24 heads", "head 0"."""
    return weights_of(replace(result, model=None), ink.word)


def _difference_lines(
    cells: Sequence[CellDifference], words: Sequence[str], ink: Ink, precision: int
) -> list[Line]:
    """Weights as the matrices print them, and what these differ by."""
    arrow = "→" if ink.unicode else "->"
    names = [f"{ink.word(words[c.query], 20)} {arrow} {ink.word(words[c.key], 20)}" for c in cells]
    widest = max(map(width_of, names), default=0)
    lines: list[Line] = []
    for cell, name in zip(cells, names, strict=True):
        line: Line = [Segment(f"  {left(name, widest)}  ")]
        one, two = f"{cell.general:.{precision}f}", f"{cell.other:.{precision}f}"
        line += [ink.weight(f" {one} ", cell.general), Segment("  ")]
        line += [ink.weight(f" {two} ", cell.other)]
        line.append(Segment(f"  {float(two) - float(one):+.{precision}f}"))
        lines.append(line)
    return lines


def _length(line: Line) -> int:
    return sum(width_of(segment.text) for segment in line)
