"""The gradients of a training, proved on a few of its sentences before anything is learned."""

from collections.abc import Iterator

import numpy as np

from attncli.attention.parameters import Architecture, Parameters, initial_parameters
from attncli.errors import NumericError
from attncli.learning.check import AGREES, Checked, check_gradients
from attncli.learning.landmarks import chosen_landmarks, with_landmarks
from attncli.learning.minibatches import batch_of
from attncli.training.examples import Prepared

_SENTENCES = 8
_ENTRIES = 200  # of each parameter


def checked_gradients(
    prepared: Prepared, architecture: Architecture, seed: int
) -> Iterator[Checked]:
    """How each gradient agrees with central differences, one parameter after the other.

    Raises: NumericError, after the last of them, when one does not.
    """
    rng = np.random.default_rng(seed)
    start = initial_parameters(architecture, rng, np.float64)
    parameters = Parameters(start.shapes, np.float64)
    parameters.flat[:] = start.flat + rng.standard_normal(start.flat.size) * 0.01
    most = _SENTENCES if prepared.pair is None else _SENTENCES // 2
    few = np.arange(min(most, len(prepared.examples)))
    examples = prepared.examples.pick(few)
    if architecture.landmarks:
        parameters.fixed = chosen_landmarks(examples, architecture.landmarks)
        examples = with_landmarks(examples, parameters)
    batch = batch_of(examples, few)
    batch.vectors = batch.vectors.astype(np.float64)
    wrong = []
    for checked in check_gradients(parameters, architecture, batch, entries=_ENTRIES, rng=rng):
        wrong += [] if checked.agrees else [checked.name]
        yield checked
    if wrong:
        raise NumericError(
            f"the gradients of {', '.join(wrong)} differ from central differences by more than "
            f"{AGREES:g} of their largest entry"
        )
