"""Proof by numbers: each gradient beside the slope that is measured by moving one parameter."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from attncli.arrays import FloatArray
from attncli.attention.parameters import Architecture, Parameters
from attncli.learning.gradients import forward
from attncli.learning.losses import cross_entropy, weights_loss
from attncli.learning.minibatches import Batch
from attncli.learning.slopes import Gradients

AGREES = 1e-7
# The four-point rule is exact up to the fourth power of the step, so a large step is the sharpest:
# its error is near 1e-12, the rounding of the loss near 1e-13.
_STEP = 2e-3


@dataclass(frozen=True, slots=True)
class Checked:
    """How well a parameter's gradient agrees: the worst difference over its largest entry."""

    name: str
    shape: tuple[int, ...]
    entries: int
    difference: float

    @property
    def agrees(self) -> bool:
        return self.difference <= AGREES


def loss_and_gradients(
    parameters: Parameters, architecture: Architecture, batch: Batch
) -> tuple[float, Gradients]:
    """The loss of a batch (summed over a committee) and its closed-form gradients."""
    gradients = Gradients.of(parameters)
    ways = forward(parameters, architecture, batch)
    loss, d_output = _loss(ways.logits, ways.weights, batch)
    ways.backward(d_output, gradients)
    return loss * _members(architecture), gradients


def check_gradients(
    parameters: Parameters,
    architecture: Architecture,
    batch: Batch,
    *,
    entries: int | None = None,
    rng: np.random.Generator | None = None,
) -> Iterator[Checked]:
    """For each parameter, its closed-form gradient against central differences, in float64.

    `entries` limits how many entries of each parameter are moved (None: all), chosen by `rng`.
    """
    exact = Parameters(parameters.shapes, np.float64)
    exact.flat[:] = parameters.flat
    _, gradients = loss_and_gradients(exact, architecture, batch)

    def loss() -> float:
        ways = forward(exact, architecture, batch)
        return _loss(ways.logits, ways.weights, batch)[0] * _members(architecture)

    for name in exact:
        values, gradient = exact[name].reshape(-1), gradients[name].reshape(-1)
        places = np.arange(values.size)
        if entries is not None and entries < values.size:
            generator = rng or np.random.default_rng(0)
            places = np.sort(generator.choice(values.size, entries, replace=False))
        slopes = np.array([_slope(loss, values, int(place)) for place in places])
        size = max(float(np.abs(gradient).max()), float(np.abs(slopes).max()), 1e-6)
        worst = float(np.abs(slopes - gradient[places]).max()) / size
        yield Checked(name, exact[name].shape, len(places), worst)


def _slope(loss: Callable[[], float], values: FloatArray, place: int) -> float:
    """The slope of the loss along one entry: the five-point stencil, its middle not needed."""
    kept = float(values[place])
    seen = []
    for steps in (-2, -1, 1, 2):
        values[place] = kept + steps * _STEP
        seen.append(loss())
    values[place] = kept
    return (seen[0] - 8.0 * seen[1] + 8.0 * seen[2] - seen[3]) / (12.0 * _STEP)


def _loss(logits: FloatArray | None, weights: FloatArray, batch: Batch) -> tuple[float, FloatArray]:
    if logits is not None and batch.labels is not None:
        return cross_entropy(logits, batch.labels)
    if batch.weights is None:
        raise ValueError("a batch needs labels or weights to have a loss")
    loss, d_weights, _ = weights_loss(weights, batch.weights)
    return loss, d_weights


def _members(architecture: Architecture) -> int:
    return 1 if architecture.readout == "weights" else architecture.committee
