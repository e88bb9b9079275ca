"""What differs between two lists of results, with the worst cell named.

Compared are the sentences, their tokens, and every array that both results hold; of layers and heads
those that have the same name, in whatever order. Settings, vectors and models are told where they
differ, but only numbers and words decide; what only one of the two holds is said. A sentence that a
file does not hold is not compared: its tokens are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from attncli.arrays import FloatArray
from attncli.errors.wording import counted_as
from attncli.insight.matching import Matching, matching
from attncli.results.cards import Card, Cell, Grid, Part, ShowsCard
from attncli.results.displayed import displayed
from attncli.results.fields import OPTIONAL_ARRAYS, PARTS
from attncli.results.names import AXES, VECTORS_AFTER, describe, layer_of_vectors
from attncli.results.result import AttentionResult

_BY_HEAD = ("weights", "query", "key", "value", "scores")
_TABLE_WORDS = 16  # of a sentence whose matrix of differences a notebook shows
_MOST_SENTENCES = 50  # that differ and have a row there
_BLOCK = 1 << 20  # numbers compared at once
Labels: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]  # of rows and of columns
_COMPARED = ("text", "tokens", "contextual", "attention", "vectors", "model")


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs: in how many numbers, and where most; or a message alone.

    cells: how many of the `of` numbers differ; worst: by how much at most, at `place` in the arrays
    of the first result, which `where` says in words, `seen` with signs for blanks; first, second: the
    two numbers there.
    """

    field: str
    message: str
    cells: int = 0
    of: int = 0
    worst: float = 0.0
    first: float = 0.0
    second: float = 0.0
    place: tuple[int, ...] = ()
    where: str = ""
    seen: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Difference(ShowsCard):
    """What differs in one sentence; `notes` do not count. `delta` is second − first, the weights of
    the layer and head that differ most, or None. `keys` are the words of its columns, where these are
    others than the `words` of its rows; `labels` are what rows and columns are called where they are
    seen, blanks as signs. Shape: delta (n_tokens, n_keys).
    """

    index: int
    text: str
    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    delta: FloatArray | None = None
    keys: tuple[str, ...] = ()
    labels: Labels = ((), ())

    @property
    def columns(self) -> tuple[str, ...]:
        """The words of the columns."""
        return self.keys or self.words

    def __repr__(self) -> str:
        fields = ", ".join(change.field for change in self.changes)
        return f"Difference({self.text!r}: {fields or 'equal'})"

    def card(self) -> Card:
        """Each field that differs, where most; and the matrix that differs most."""
        rows: list[list[Cell]] = [
            [
                change.field,
                change.message,
                change.seen,
                *((change.first, change.second, change.worst) if change.place else [None] * 3),
            ]
            for change in self.changes
        ]
        columns = ["field", "what", "most at", "first", "second", "apart"]
        parts: list[Part] = [Grid(columns, rows, digits=6)] if rows else []
        if self.delta is not None and max(self.delta.shape) <= _TABLE_WORDS:
            names, keys = self.labels
            values = [[name, *row] for name, row in zip(names, self.delta.tolist(), strict=True)]
            title = "second − first, the weights that differ most"
            parts.append(Grid(["", *keys], values, title))
        line = "" if self.changes else "equal"
        return Card(self.text, "; ".join(filter(None, [line, *self.notes])), parts)


class Differences(list[Difference], ShowsCard):
    """What differs between results, pair by pair."""

    def __repr__(self) -> str:
        changed = sum(bool(each.changes) for each in self)
        return f"Differences({changed:,} of {counted_as(len(self), 'sentence')})"

    def card(self) -> Card:
        """Each sentence with its greatest change; a single one whole."""
        if len(self) == 1:
            return self[0].card()
        changed = [each for each in self if each.changes]
        rows: list[list[Cell]] = [
            [
                each.index,
                each.text,
                ", ".join(change.field for change in each.changes),
                max(change.worst for change in each.changes),
            ]
            for each in changed[:_MOST_SENTENCES]
        ]
        line = f"the first {_MOST_SENTENCES}" if len(changed) > _MOST_SENTENCES else ""
        columns = ["index", "sentence", "fields that differ", "apart at most"]
        parts = [Grid(columns, rows, digits=6)] if rows else []
        title = f"{len(changed):,} of {counted_as(len(self), 'sentence')} differ"
        return Card(title, line, parts)


def differences(
    first: Sequence[AttentionResult], second: Sequence[AttentionResult], tolerance: float
) -> Differences:
    """The differences of each pair of results; a pair that is equal has no changes.

    Numbers are equal when they differ by at most `tolerance`.
    """
    numbered = len({one.index for one in first}) == len(first)  # else of single records, all 0
    compared = Differences(
        _difference(one.index if numbered else index, one, other, tolerance)
        for index, (one, other) in enumerate(zip(first, second, strict=False))
    )
    if len(first) != len(second):
        message = f"{len(first)} and {len(second)} sentences"
        index = min(len(first), len(second))
        extra = (first if len(first) > len(second) else second)[index]
        compared.append(Difference(index, extra.text, (Change("sentences", message),)))
    return compared


def _difference(
    index: int, one: AttentionResult, other: AttentionResult, tolerance: float
) -> Difference:
    named = one if _has_names(one) else other
    seen = displayed(named, marks_written=False)
    names, labels = (_names(each) for each in (named, seen))
    matched, delta = matching(one, other), None
    changes = [*_text_changes(one, other), *_missing(matched)]
    for name in ("weights", "contextual", *OPTIONAL_ARRAYS):
        a, b = getattr(one, name), getattr(other, name)
        if a is None or b is None or 0 in (a.shape[-1], b.shape[-1]):
            continue
        if name in _BY_HEAD:
            a, b = matched.cut(a, b)
        change = _array_change(name, a, b, (names, labels), tolerance, matched)
        if change is None:
            continue
        if name == "weights" and change.place:
            layer, head = change.place[:2]
            delta = b[layer, head].astype(np.float64) - a[layer, head]
        changes.append(_in_first(change, matched))
    notes = (*_notes(one, other), *_selection_notes(one, other, matched))
    words, keys = names[0], names[1] if named.is_cross else ()
    whole = Difference(index, one.text, tuple(changes), notes, words, delta, keys, labels)
    return _with_parts(whole, one, other, tolerance)


def _with_parts(
    whole: Difference, one: AttentionResult, other: AttentionResult, tolerance: float
) -> Difference:
    """The difference with those of the decoders' parts, whose fields are called decoder.weights …"""
    for name in PARTS:
        first, second = getattr(one, name), getattr(other, name)
        if first is None and second is None:
            continue
        if first is None or second is None:
            where = "first" if second is None else "second"
            changes: tuple[Change, ...] = (Change(name, f"only the {where} has it"),)
            whole = replace(whole, changes=(*whole.changes, *changes))
            continue
        part = _difference(whole.index, first, second, tolerance)
        changes = tuple(replace(change, field=f"{name}.{change.field}") for change in part.changes)
        notes = dict.fromkeys((*whole.notes, *part.notes))
        whole = replace(whole, changes=(*whole.changes, *changes), notes=tuple(notes))
        if whole.delta is None and part.delta is not None:
            whole = replace(
                whole, words=part.words, delta=part.delta, keys=part.keys, labels=part.labels
            )
    return whole


def _names(result: AttentionResult) -> Labels:
    return tuple(result.words), tuple(result.key_words)


def _text_changes(one: AttentionResult, other: AttentionResult) -> Iterator[Change]:
    if not (_has_names(one) and _has_names(other)):
        return
    if _both_hold("text", one, other) and one.text != other.text:
        yield Change("text", "the sentences are not the same")
    elif one.words != other.words:
        yield _other_tokens(one.words, other.words)
    elif one.key_words != other.key_words:
        yield replace(_other_tokens(one.key_words, other.key_words), field="keys")


def _missing(matched: Matching) -> Iterator[Change]:
    """The layers and heads that only one of two results has."""
    for axis in AXES:
        if message := getattr(matched, axis).missing:
            yield Change(axis, message)


def _in_first(change: Change, matched: Matching) -> Change:
    """The change with its place in the arrays of the first result."""
    if change.field in _BY_HEAD and change.place:
        return replace(change, place=matched.place(change.place))
    return change


def _has_names(result: AttentionResult) -> bool:
    """Whether the tokens were named; a matrix without names counts them."""
    return any(
        token.status != "given" or token.text != str(i) for i, token in enumerate(result.tokens)
    )


def _other_tokens(one: Sequence[str], other: Sequence[str]) -> Change:
    at = next(
        (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )
    a = one[at] if at < len(one) else "nothing"
    b = other[at] if at < len(other) else "nothing"
    return Change("tokens", f"token {at + 1} is {a!r} in the first, {b!r} in the second")


def _array_change(
    name: str,
    one: FloatArray,
    other: FloatArray,
    names: tuple[Labels, Labels],
    tolerance: float,
    matched: Matching,
) -> Change | None:
    if not one.size and not other.size:
        return None
    if one.shape != other.shape:
        return Change(name, f"the shape is {one.shape} in the first, {other.shape} in the second")
    beyond, worst, at = _gaps(one, other, tolerance)
    if not beyond:
        return None
    place = tuple(int(part) for part in np.unravel_index(at, one.shape))
    return Change(
        field=name,
        message=f"{beyond} of {one.size} numbers differ",
        cells=beyond,
        of=int(one.size),
        worst=worst,
        first=float(one[place]),
        second=float(other[place]),
        place=place,
        where=_where(name, place, names[0], matched),
        seen=_where(name, place, names[1], matched),
    )


def _gaps(one: FloatArray, other: FloatArray, tolerance: float) -> tuple[int, float, int]:
    """How many numbers differ by more, the largest difference, and where it first is, counted flat.

    In blocks: copies of large matrices in float64 would take four times their memory.
    """
    first, second = one.reshape(-1), other.reshape(-1)
    beyond, worst, at = 0, -1.0, 0
    for start in range(0, first.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        gaps = np.abs(first[block].astype(np.float64) - second[block])
        beyond += int((gaps > tolerance).sum())
        largest = int(gaps.argmax())
        if gaps[largest] > worst:
            worst, at = float(gaps[largest]), start + largest
    return beyond, worst, at


def _where(
    name: str,
    place: tuple[int, ...],
    names: Labels,
    matched: Matching,
) -> str:
    """A place of an array in words: of rows, and of the keys that they attend to."""
    rows, keys = names
    parts = []
    if len(place) == 4:
        parts += matched.name(place)
    elif len(place) == 3:  # hidden states: the first are those before the first layer
        parts.append(f"after layer {place[0] - 1}" if place[0] else "before the first layer")
    if name in ("weights", "scores"):
        parts.append(f"{rows[place[-2]]} → {keys[place[-1]]}")
    else:
        of = keys if name in ("key", "value") else rows
        parts.append(f"{of[place[-2]]}, dimension {place[-1] + 1}")
    return ", ".join(parts)


def _notes(one: AttentionResult, other: AttentionResult) -> tuple[str, ...]:
    notes = list(_absences(one, other))
    for part in ("attention", "vectors", "model"):
        a, b = getattr(one, part), getattr(other, part)
        if not _both_hold(part, one, other):
            continue
        if a is None or b is None:
            if a is not b:
                notes.append(f"{part}: only one has it")
            continue
        notes += [
            f"{part}.{name}: {_short(x)} and {_short(y)}"
            for name, x, y in zip(a._fields, a, b, strict=True)
            if x != y
        ]
    return tuple(notes)


def _selection_notes(
    one: AttentionResult, other: AttentionResult, matched: Matching
) -> Iterator[str]:
    """That other layers, heads or tokens are compared than the names say."""
    for axis in AXES:
        if note := getattr(matched, axis).note:
            yield note
    left = [layer_of_vectors(result) for result in (one, other)]
    alike = (
        one.attention.kind == other.attention.kind
    )  # else layers of one say nothing of the other
    if alike and _both_hold("contextual", one, other) and left[0] != left[1]:
        yield f"contextual: after layer {left[0]} in the first, after layer {left[1]} in the second"
    axes = (*AXES, VECTORS_AFTER)
    first, second = (
        describe({name: kept for name, kept in (r.selection or {}).items() if name not in axes})
        for r in (one, other)
    )
    if first != second:
        yield f"selection: {first or 'every token'} and {second or 'every token'}"


def _absences(one: AttentionResult, other: AttentionResult) -> Iterator[str]:
    """What only one of the two holds."""
    for name, result, beside in (("first", one, other), ("second", other, one)):
        absent = [
            field
            for field in (*_COMPARED, *OPTIONAL_ARRAYS)
            if not _holds(field, result) and _holds(field, beside)
        ]
        if absent:
            instead = "; the tokens are compared" if "text" in absent else ""
            yield f"the {name} holds no {', '.join(absent)}{instead}"


def _both_hold(field: str, one: AttentionResult, other: AttentionResult) -> bool:
    return _holds(field, one) and _holds(field, other)


def _holds(field: str, result: AttentionResult) -> bool:
    """Whether a field was there, and is not what a reader put in its place."""
    if field in result.unknown:
        return False
    return field not in OPTIONAL_ARRAYS or getattr(result, field) is not None


def _short(value: Any) -> str:
    text = f"{value:.9g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 40 else text[:39] + "…"
