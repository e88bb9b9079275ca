"""Labels as they stand in files → the names of classes; values that are clearly no class are refused.

Blanks at the ends go and the text is put into NFC, so that nothing invisible makes a class. A number
or a truth value is its text as it is written. Null, NaN and nothing are no labels. Labels that a
reader takes for one another (by case, as numbers, by characters nobody sees) stay apart, and are told.
"""

import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from attncli.errors import DataError
from attncli.errors.wording import quoted

_STRAIGHT = str.maketrans("\u2018\u2019\u02bc\u201c\u201d", "'''\"\"")

_NO_LABELS = frozenset({"nan", "NaN", "NAN", "null", "NULL", "#N/A", "#NA", "<NA>"})
_DOUBTFUL = frozenset({"none", "na", "n/a", "nil", "unknown", "-", "?"})  # a class, or none


def label_of(value: Any) -> str | None:
    """The label in a cell, None for an empty cell. Raises: DataError for a value that is no label."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        raise DataError(f"the label is {value}, expected a text or a number")
    if not isinstance(value, str | int | float):
        raise DataError("found a label that is no text or number")
    try:
        text = unicodedata.normalize("NFC", str(value)).strip()
    except ValueError:  # a whole number of thousands of digits
        raise DataError("the label is a number of thousands of digits, expected a name") from None
    if text in _NO_LABELS:
        raise DataError(f"the label is {quoted(text)}, which stands for none in many programs")
    return text or None


def counted(labels: Iterable[str | None]) -> dict[str, int]:
    """How often each label occurs, the most frequent first."""
    counts = Counter(label for label in labels if label is not None)
    return dict(sorted(counts.items(), key=lambda one: (-one[1], one[0])))


def majority(counts: dict[str, int]) -> tuple[str, float]:
    """The most frequent label, and the accuracy of always saying it."""
    label = next(iter(counts))
    return label, counts[label] / sum(counts.values())


def remarks(labels: Sequence[str]) -> list[str]:
    """What to say of labels that may not be what was meant, in sentences."""
    alike: dict[str, list[str]] = {}
    for label in sorted(set(labels)):
        alike.setdefault(_look(label), []).append(label)
    said = [
        f"the labels {' and '.join(quoted(label) for label in group[:4])} are {_how(group)}; "
        "each is a class of its own"
        for group in alike.values()
        if len(group) > 1
    ]
    doubtful = sorted(label for label in set(labels) if label.lower() in _DOUBTFUL)
    if doubtful:
        named = ", ".join(quoted(label) for label in doubtful[:4])
        said.append(
            f"the label {named} is a class like the others, if no label was meant remove it"
        )
    return said


def alike(label: str, known: Iterable[str]) -> str | None:
    """A known label that may be meant: the same but for case, as a number, or to the eye."""
    look = _look(label)
    return next((other for other in known if _look(other) == look), None)


def _look(label: str) -> str:
    """The key that look-alike labels share: without case, widths, forms of quotes and hidden marks."""
    number = _number(label)
    if number is not None:
        return f"number {number!r}"
    seen = "".join(
        c for c in unicodedata.normalize("NFKC", label) if unicodedata.category(c) != "Cf"
    )
    return " ".join(seen.translate(_STRAIGHT).casefold().split())


def _how(group: Sequence[str]) -> str:
    if _number(group[0]) is not None:
        return "the same number"
    same_case = len({label.casefold() for label in group}) == 1
    return "the same but for case" if same_case else "the same to the eye"


def _number(label: str) -> float | None:
    try:
        found = float(label.replace(",", "."))
    except ValueError:
        return None
    return found if math.isfinite(found) and "_" not in label else None
