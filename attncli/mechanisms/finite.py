"""Which sentences of a stack have only finite numbers, and what is said of the others."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from attncli.arrays import BoolArray, FloatArray
from attncli.errors import NumericError
from attncli.errors.wording import quoted
from attncli.reading.reader import Group
from attncli.results.stack import Failure


def finite_sentences(made: Mapping[str, FloatArray], count: int) -> BoolArray:
    """Which of `count` sentences have only finite numbers in all that was made of them, (B,).

    Shapes: each array (B, …).
    """
    finite = np.ones(count, dtype=np.bool_)
    for array in made.values():
        finite &= np.isfinite(array).reshape(count, -1).all(axis=1)
    return finite


def failures(
    texts: Sequence[str], group: Group, made: Mapping[str, FloatArray], finite: BoolArray
) -> Iterator[Failure]:
    """What to say of sentences whose numbers are not finite. Shapes: finite (B,)."""
    for i in np.flatnonzero(~finite).tolist():
        place = group.places[i]
        name = next(name for name, array in made.items() if not np.isfinite(array[i]).all())
        message = f"the {name} of {quoted(texts[place])} would not be finite in float32"
        yield Failure(place, NumericError(message))
