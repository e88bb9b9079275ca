"""Two sentences in a row: what is to be learned of them, and what their scores mean.

The columns say the task: with a score it is similarity, with a label the relation of the two, with
neither the pairs are those that belong together.
"""

import math
from collections.abc import Sequence

import numpy as np

from attncli.arrays import FloatArray
from attncli.attention.parameters import PairTask
from attncli.errors import Blank, DataError, setting
from attncli.training.rows import Row


def pair_task_of(rows: Sequence[Row]) -> PairTask | None:
    """What is learned of the rows; None where sentences stand alone.

    Raises: DataError where the columns say two things at once.
    """
    paired = _having(rows, "pair")
    if paired is None:
        return None
    for name in ("weights", "target"):
        other = _having(rows, name)
        if other is not None:
            raise DataError(
                f"found {name} beside pairs of sentences ({paired.place}), expected one of them",
                place=other.place,
            )
    scored, labeled = _having(rows, "score"), _having(rows, "label")
    if scored is not None and labeled is not None:
        raise DataError(
            f"found a label beside pairs with a score ({scored.place}), expected one of them",
            place=labeled.place,
            hints=(
                f"{setting(score_column=Blank('NAME'))} learns how alike they are, "
                f"{setting(label_column=Blank('NAME'))} their label",
            ),
        )
    if scored is not None:
        return "similarity"
    return "match" if labeled is None else "relation"


def _having(rows: Sequence[Row], name: str) -> Row | None:
    return next((row for row in rows if getattr(row, name) is not None), None)


def score_range_of(scores: Sequence[float]) -> tuple[float, float]:
    """The whole numbers around all scores: those that cosines of 0 and 1 stand for.

    >>> score_range_of([0.4, 4.75, 2])
    (0.0, 5.0)
    """
    low, high = math.floor(min(scores)), math.ceil(max(scores))
    return float(low), float(max(high, low + 1))


def as_cosines(scores: Sequence[float], span: tuple[float, float]) -> FloatArray:
    """Scores from the least to the greatest of their range → 0 to 1, (n,)."""
    low, high = span
    return (np.array(scores, dtype=np.float64) - low) / (high - low)


def as_scores(cosines: FloatArray, span: tuple[float, float]) -> FloatArray:
    """Cosines (n,) → scores of the range; one below 0 is below the least."""
    low, high = span
    return low + cosines.astype(np.float64) * (high - low)
