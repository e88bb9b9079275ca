"""What changed for a word from one sentence to another, in sentences for every medium."""

from collections.abc import Callable

from attncli.insight.changes import ContextChange, changes, own_weight
from attncli.results.comparison import Comparison, Occurrence
from attncli.views.compare import occurrence_names

_MOST = 8  # words of a sentence


def change_texts(
    comparison: Comparison, shown: Callable[[str], str], precision: int = 3
) -> list[str]:
    """The sentences; `shown` makes words ready for the medium."""
    first, *names = occurrence_names(comparison)
    lines: list[str] = []
    for name, change in zip(names, changes(comparison), strict=True):
        lines += _texts(comparison, change, (first, name), shown, precision)
    return lines


def _texts(
    comparison: Comparison,
    change: ContextChange,
    names: tuple[str, str],
    shown: Callable[[str], str],
    precision: int,
) -> list[str]:
    word, (one, other) = shown(comparison.word), names
    own = [f"{own_weight(occurrence):.{precision}f}" for occurrence in (change.one, change.other)]
    lines = [f"{word} gives itself the weight {own[0]} in {one}, {own[1]} in {other}"]
    looks = [_others(occurrence, shown, precision) for occurrence in (change.one, change.other)]
    lines.append(f"it looks at {looks[0]} in {one}, at {looks[1]} in {other}")
    after = f"{change.after:.{precision}f}"
    before = "" if change.before is None else f"{change.before:.{precision}f} before attention, "
    lines.append(f"its vectors in {one} and {other}: cosine {before}{after} after")
    for near, name in ((change.lost, one), (change.gained, other)):
        if near:
            lines.append(f"near it only in {name}: {', '.join(map(shown, near))}")
    return lines


def _others(occurrence: Occurrence, shown: Callable[[str], str], precision: int) -> str:
    pulls = [pull for pull in occurrence.pulls if pull.place != occurrence.place]
    named = [f"{shown(pull.word)} {pull.weight:.{precision}f}" for pull in pulls[:_MOST]]
    return ", ".join(named) or "nothing else"
