"""What differs between two results, as lines and as JSON."""

from collections.abc import Sequence
from typing import Any

from rich.segment import Segment

from attncli.errors import field_name
from attncli.insight.difference import Change, Difference
from attncli.views.ink import Ink, Line, wrapped
from attncli.views.numbers import number_lines

_TABLE_UP_TO = 16  # words whose whole matrix of differences is printed
_SENTENCES = 10


def difference_lines(
    differences: Sequence[Difference], tolerance: float, ink: Ink, *, width: int = 80
) -> list[Line]:
    """Whether all is equal; then each sentence that is not, with its worst cells."""
    changed = [difference for difference in differences if difference.changes]
    plural = "sentence" if len(differences) == 1 else "sentences"
    if not changed:
        text = f"equal within {tolerance:g}: {len(differences)} {plural}"
        return _notes(differences, ink, width, [[Segment(text)]])
    verdict = f"different: {len(changed)} of {len(differences)} {plural}, tolerance {tolerance:g}"
    lines: list[Line] = [[ink.bold(verdict)]]
    for difference in changed[:_SENTENCES]:
        lines += [[], *_sentence(difference, ink, width)]
    if len(changed) > _SENTENCES:
        more = f"and {len(changed) - _SENTENCES} more; {field_name('json')} tells all"
        lines += [[], [Segment(more)]]
    return lines


def difference_record(differences: Sequence[Difference], tolerance: float) -> dict[str, Any]:
    """The differences as a JSON object."""
    return {
        "type": "difference",
        "schema": "1.0",
        "equal": not any(difference.changes for difference in differences),
        "tolerance": tolerance,
        "sentences": [
            {
                "index": difference.index,
                "text": difference.text,
                "equal": not difference.changes,
                "changes": [_change_record(change) for change in difference.changes],
                "notes": list(difference.notes),
            }
            for difference in differences
        ],
    }


def _sentence(difference: Difference, ink: Ink, width: int) -> list[Line]:
    title = f"{difference.index + 1}. {ink.word(difference.text, max(width - 5, 20))}"
    lines: list[Line] = [[ink.bold(title)]]
    for change in difference.changes:
        lines += [[Segment(part)] for part in wrapped(f"  {_said(change, ink)}", width, 4)]
    if difference.delta is not None and max(difference.delta.shape) <= _TABLE_UP_TO:
        lines.append([ink.dim("  second − first, the matrix that differs most:")])
        lines += number_lines(*difference.labels, difference.delta, ink, width=width, precision=6)
    for note in difference.notes:
        lines += [[ink.dim(part)] for part in wrapped(f"  also {ink.word(note, 200)}", width, 4)]
    return lines


def _said(change: Change, ink: Ink) -> str:
    if not change.place:
        return f"{change.field}: {ink.word(change.message, 400)}"
    return (
        f"{change.field}: {change.message}, most at {_where(change, ink)}: "
        f"{change.first:.9g} and {change.second:.9g}, apart {change.worst:.3g}"
    )


def _where(change: Change, ink: Ink) -> str:
    """The place of the worst cell; the words of a row and a column keep their order."""
    return " → ".join(ink.word(part, 60) for part in change.seen.split(" → "))


def _notes(found: Sequence[Difference], ink: Ink, width: int, lines: list[Line]) -> list[Line]:
    notes = dict.fromkeys(note for difference in found for note in difference.notes)
    for note in list(notes)[:_SENTENCES]:
        lines += [
            [ink.dim(part)] for part in wrapped(f"  not counted: {ink.word(note, 200)}", width, 4)
        ]
    return lines


def _change_record(change: Change) -> dict[str, Any]:
    record: dict[str, Any] = {"field": change.field, "message": change.message}
    if change.place:
        record |= {
            "cells": change.cells,
            "of": change.of,
            "worst": {
                "difference": change.worst,
                "first": change.first,
                "second": change.second,
                "index": list(change.place),
                "where": change.where,
            },
        }
    return record
