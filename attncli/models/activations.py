"""The activations of feed-forward layers, by the names that config.json gives them."""

import math
from collections.abc import Callable

import numpy as np

from attncli.arrays import Float32Array

_BLOCK = 1 << 15  # numbers an activation works on at once: they stay in the cache

# log(Φ(x)/Φ(−x)) = x·p(x²), with Φ the normal distribution function: p fitted on |x| ≤ 5.9 by
# reweighted least squares so that |x·Φ(x) − gelu(x)| < 7e-8; beyond 6, x² is held at 36.
_GELU = (
    1.59576843,
    7.26685666e-02,
    -6.62597498e-05,
    -1.10480379e-04,
    7.93822647e-06,
    -2.66893243e-07,
    3.61124159e-09,
)
_TANH_GELU = (2 * math.sqrt(2 / math.pi), 2 * math.sqrt(2 / math.pi) * 0.044715)


def _gated(x: Float32Array, coefficients: tuple[float, ...], limit: float | None) -> Float32Array:
    """x · sigmoid(x·p(x²))."""
    inverse = _inverse_gate(x, coefficients, limit)
    np.divide(x, inverse, out=inverse)
    return inverse


def _inverse_gate(
    x: Float32Array, coefficients: tuple[float, ...], limit: float | None
) -> Float32Array:
    """1 / sigmoid(x·p(x²)), p by Horner's rule."""
    square = x * x
    if limit is not None:
        np.minimum(square, np.float32(limit), out=square)
    gate = np.full_like(x, -coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        gate *= square
        gate -= np.float32(coefficient)
    gate *= x
    with np.errstate(over="ignore"):  # exp(∞): the gate is closed
        np.exp(gate, out=gate)
    gate += np.float32(1)
    return gate


def _gelu(x: Float32Array) -> Float32Array:
    return _gated(x, _GELU, 36.0)


def _tanh_gelu(x: Float32Array) -> Float32Array:
    return _gated(x, _TANH_GELU, None)


def _silu(x: Float32Array) -> Float32Array:
    return _gated(x, (1.0,), None)


def _mish(x: Float32Array) -> Float32Array:
    return np.asarray(x * np.tanh(np.logaddexp(x, np.float32(0))))


def _sigmoid(x: Float32Array) -> Float32Array:
    return np.asarray(np.float32(0.5) * (np.tanh(np.float32(0.5) * x) + np.float32(1)))


def _relu(x: Float32Array) -> Float32Array:
    return np.maximum(x, np.float32(0))


def _hard_swish(x: Float32Array) -> Float32Array:
    return np.asarray(x * np.clip(x + np.float32(3), np.float32(0), np.float32(6)) / np.float32(6))


def _laplace(x: Float32Array) -> Float32Array:
    """The normal distribution function of mean √½ and variance 1/(4π)."""
    scaled = (x - np.float32(0.707107)) / np.float32(0.282095)
    return np.reciprocal(_inverse_gate(scaled, _GELU, 36.0))


def _root_softplus(x: Float32Array) -> Float32Array:
    return np.sqrt(np.logaddexp(x, np.float32(0)))


# The names of config.json. Sources: GELU and its tanh form, Hendrycks and Gimpel 2016
# (arXiv:1606.08415); SiLU, Elfwing et al. 2017 (arXiv:1702.03118); Mish, Misra 2019
# (arXiv:1908.08681); squared ReLU, So et al. 2021 (arXiv:2109.08668); hard swish, Howard et al. 2019
# (arXiv:1905.02244); Laplace, Ma et al. 2022 (arXiv:2209.10655).
ACTIVATIONS: dict[str, Callable[[Float32Array], Float32Array]] = {
    "gelu": _gelu,
    "gelu_python": _gelu,
    "gelu_10": lambda x: np.clip(_gelu(x), np.float32(-10), np.float32(10)),
    "gelu_new": _tanh_gelu,
    "gelu_fast": _tanh_gelu,
    "gelu_accurate": _tanh_gelu,
    "gelu_pytorch_tanh": _tanh_gelu,
    "gelu_python_tanh": _tanh_gelu,
    "quick_gelu": lambda x: _gated(x, (1.702,), None),
    "relu": _relu,
    "relu2": lambda x: np.square(_relu(x)),
    "relu6": lambda x: np.clip(x, np.float32(0), np.float32(6)),
    "leaky_relu": lambda x: np.where(x > 0, x, np.float32(0.01) * x),
    "silu": _silu,
    "swish": _silu,
    "mish": _mish,
    "hardswish": _hard_swish,
    "laplace": _laplace,
    "sqrtsoftplus": _root_softplus,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "linear": lambda x: x,
}


def activate(rows: Float32Array, name: str) -> Float32Array:
    """The activation of every number, in place of `rows`, a block at a time.

    Shapes: (n_rows, d) → (n_rows, d), C order.
    """
    flat = rows.reshape(-1)
    function = ACTIVATIONS[name]
    for start in range(0, flat.size, _BLOCK):
        flat[start : start + _BLOCK] = function(flat[start : start + _BLOCK])
    return rows
