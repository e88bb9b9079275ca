"""Steps on the flat vector of parameters, in place."""

import math
from typing import Any

import numpy as np

from attncli.arrays import FloatArray

_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8  # of Adam
_WARM_UP = 0.05  # part of the steps


class Adam:
    """Adam with decoupled weight decay, three vectors and no allocation a step.

    Source: Kingma and Ba 2015, arXiv:1412.6980, algorithm 1; the decay is that of Loshchilov and
    Hutter 2019, arXiv:1711.05101, algorithm 2. `decay` (n,) holds each number's own decay,
    `paces` (n,) what the learning rate is multiplied by for each number.
    """

    def __init__(
        self,
        size: int,
        dtype: np.dtype[Any],
        *,
        decay: FloatArray | float = 0.0,
        paces: FloatArray | None = None,
    ) -> None:
        self.first = np.zeros(size, dtype=dtype)
        self.second = np.zeros(size, dtype=dtype)
        self.steps = 0
        self._decay = decay
        self._paces = paces
        self._has_decay = bool(np.any(decay))
        self._work = np.empty(size, dtype=dtype)
        self._work2 = np.empty(size, dtype=dtype)

    def step(self, values: FloatArray, gradient: FloatArray, rate: float) -> None:
        """Moves `values` (n,) against `gradient` (n,) in place."""
        self.steps += 1
        work, work2 = self._work, self._work2
        self.first *= _BETA1
        np.multiply(gradient, 1.0 - _BETA1, out=work)
        self.first += work
        self.second *= _BETA2
        np.multiply(gradient, gradient, out=work)
        work *= 1.0 - _BETA2
        self.second += work
        np.sqrt(self.second, out=work)
        work *= 1.0 / math.sqrt(1.0 - _BETA2**self.steps)
        work += _EPSILON
        np.divide(self.first, work, out=work)
        work *= rate / (1.0 - _BETA1**self.steps)
        if self._paces is not None:
            work *= self._paces
        if self._has_decay:
            np.multiply(values, self._decay, out=work2)
            work2 *= rate
            work += work2
        values -= work


def learning_rate(peak: float, step: int, steps: int) -> float:
    """The rate at `step` of `steps`: up in a line for the first part, then down half a cosine.

    Source: Loshchilov and Hutter 2017, arXiv:1608.03983, equation 5.
    """
    rising = (step + 1) / (_WARM_UP * steps + 1)
    falling = 0.5 * (1.0 + math.cos(math.pi * step / steps))
    return peak * min(rising, falling)
