"""Proof by numbers: each gradient beside the slope that is measured by moving one parameter."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from attncli.arrays import FloatArray
from attncli.attention.parameters import Architecture, Parameters
from attncli.learning.gradients import Forward, forward
from attncli.learning.minibatches import Batch
from attncli.learning.objective import Objective, loss_of
from attncli.learning.pairs import logits_of_both
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
    parameters: Parameters,
    architecture: Architecture,
    batch: Batch,
    objective: Objective = Objective(),  # noqa: B008 - a tuple
) -> tuple[float, Gradients]:
    """The loss of a batch (summed over a committee) and its closed-form gradients."""
    gradients = Gradients.of(parameters)
    ways = forward(parameters, architecture, batch)
    loss, d_output, _ = loss_of(ways, batch, objective)
    ways.backward(d_output, gradients)
    return loss * _members(architecture), gradients


def check_gradients(
    parameters: Parameters,
    architecture: Architecture,
    batch: Batch,
    *,
    entries: int | None = None,
    rng: np.random.Generator | None = None,
    objective: Objective = Objective(),  # noqa: B008 - a tuple
) -> Iterator[Checked]:
    """For each parameter, its closed-form gradient against central differences, in float64.

    `entries` limits how many entries of each parameter are moved (None: all), chosen by `rng`.
    """
    exact = Parameters(parameters.shapes, np.float64)
    exact.flat[:] = parameters.flat
    _, gradients = loss_and_gradients(exact, architecture, batch, objective)
    start = forward(exact, architecture, batch)
    step = _STEP
    if architecture.pair in ("similarity", "match"):  # cosines of short vectors bend more
        step *= 0.1
    if architecture.pair == "match":  # and as much more as they are divided by less
        step *= min(1.0, objective.temperature)

    def loss() -> float:
        ways = forward(exact, architecture, batch)
        if architecture.pair == "relation":
            ways = _beside_kinks(ways, start, exact)
        return loss_of(ways, batch, objective)[0] * _members(architecture)

    for name in exact:
        values, gradient = exact[name].reshape(-1), gradients[name].reshape(-1)
        places = np.arange(values.size)
        if entries is not None and entries < values.size:
            generator = rng or np.random.default_rng(0)
            places = np.sort(generator.choice(values.size, entries, replace=False))
        slopes = np.array([_slope(loss, values, int(place), step) for place in places])
        size = max(float(np.abs(gradient).max()), float(np.abs(slopes).max()), 1e-6)
        worst = float(np.abs(slopes - gradient[places]).max()) / size
        yield Checked(name, exact[name].shape, len(places), worst)


def _beside_kinks(ways: Forward, start: Forward, parameters: Parameters) -> Forward:
    """The same with |u − v| as the lines that it was on at the start, which have a slope everywhere."""
    if ways.read is None or start.read is None:
        raise ValueError("a pair is read")
    first, second = np.split(start.read, 2, axis=1)
    return replace(ways, logits=logits_of_both(ways.read, parameters, np.sign(first - second)))


def _slope(loss: Callable[[], float], values: FloatArray, place: int, step: float) -> float:
    """The slope of the loss along one entry: the five-point stencil, its middle not needed."""
    kept = float(values[place])
    seen = []
    for steps in (-2, -1, 1, 2):
        values[place] = kept + steps * step
        seen.append(loss())
    values[place] = kept
    return (seen[0] - 8.0 * seen[1] + 8.0 * seen[2] - seen[3]) / (12.0 * step)


def _members(architecture: Architecture) -> int:
    return 1 if architecture.readout == "weights" else architecture.committee
