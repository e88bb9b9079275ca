"""What changed for a word between the first of its sentences and another."""

from collections.abc import Iterator
from typing import NamedTuple

from attncli.results.comparison import Comparison, Near, Occurrence


class ContextChange(NamedTuple):
    """A word in two sentences: how like its vectors are, and which neighbors it has in one alone."""

    one: Occurrence
    other: Occurrence
    before: float | None
    after: float
    lost: tuple[str, ...]
    gained: tuple[str, ...]


def changes(comparison: Comparison) -> Iterator[ContextChange]:
    """The first occurrence beside each of the others."""
    first, *others = comparison.occurrences
    for place, other in enumerate(others, start=1):
        before = None if comparison.before is None else float(comparison.before[0, place])
        after = float(comparison.after[0, place])
        lost, gained = _only(first.nearest, other.nearest), _only(other.nearest, first.nearest)
        yield ContextChange(first, other, before, after, lost, gained)


def own_weight(occurrence: Occurrence) -> float:
    """How much weight a word gives to itself."""
    return sum(pull.weight for pull in occurrence.pulls if pull.place == occurrence.place)


def _only(near: Near, beside: Near) -> tuple[str, ...]:
    """The words of one list that the other lacks."""
    held = {word for word, _ in beside}
    return tuple(word for word, _ in near if word not in held)
