"""What is to be said of the weights of sentences: rows that see nothing, and matrices that say little."""

from collections import defaultdict
from collections.abc import Callable, Mapping

import numpy as np

from attncli.arrays import BoolArray
from attncli.insight.degenerate import Degenerate
from attncli.results.facts import ResultWarning

_DEGENERATE = {
    "one-key": "every row gives nearly all its weight to one word",
    "uniform": "all weights are nearly equal",
}


def weight_warnings(
    count: int,
    mask: BoolArray | None,
    kinds: Mapping[int, Degenerate],
    hint: Callable[[int], str],
) -> dict[int, tuple[ResultWarning, ...]]:
    """The warnings of those of `count` sentences that have any.

    `kinds` says how the matrix of a sentence is degenerate, and `hint` what may help there.
    Shapes: mask (n_tokens, n_tokens), of every sentence.
    """
    by_place: dict[int, tuple[ResultWarning, ...]] = defaultdict(tuple)
    if mask is not None and (alone := np.flatnonzero(~mask.any(axis=-1)).tolist()):
        message = "nothing to attend to: the weights and the new embedding are zeros"
        empty = ResultWarning("empty-row", message, tuple(alone))
        by_place.update(dict.fromkeys(range(count), (empty,)))
    for i, kind in kinds.items():
        by_place[i] += (ResultWarning(f"degenerate-{kind}", _DEGENERATE[kind] + hint(i)),)
    return by_place
