"""The parts of a transformer layer beside attention: linear maps, layer norm, activations.

Everything is float32, works on rows of tokens, and may overwrite its input where it says so.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from attncli.arrays import Float32Array
from attncli.attention.products import shared_product

_BLOCK = 1 << 15  # numbers an activation works on at once: they stay in the cache


class Linear(NamedTuple):
    """x·weight + bias. Shapes: weight (d_in, d_out), bias (d_out,)."""

    weight: Float32Array
    bias: Float32Array

    def __call__(self, rows: Float32Array) -> Float32Array:
        """Shapes: (n_rows, d_in), of packed sentences (see `forward`) → (n_rows, d_out)."""
        out = shared_product(rows, self.weight)  # (n_rows, d_out)
        out += self.bias
        return np.asarray(out)


class Norm(NamedTuple):
    """Layer norm: each row centered, divided by its deviation, scaled and shifted.

    Source: Ba et al. 2016 (arXiv:1607.06450), equation 4.
    """

    weight: Float32Array
    bias: Float32Array
    epsilon: float

    def __call__(self, rows: Float32Array) -> Float32Array:
        """Shapes: (n_rows, d) → (n_rows, d)."""
        centered = rows - rows.mean(axis=-1, keepdims=True)  # (n_rows, d)
        # numpy sums a row pairwise, ten times more exact here than one running sum
        variance = np.square(centered).mean(axis=-1, keepdims=True)  # (n_rows, 1)
        centered /= np.sqrt(variance + np.float32(self.epsilon))
        centered *= self.weight
        centered += self.bias
        return np.asarray(centered)


class Block(NamedTuple):
    """The matrices of one layer. Shapes: query, key, value, output d_model → d_model; inner
    d_model → d_inner; outer d_inner → d_model.
    """

    query: Linear
    key: Linear
    value: Linear
    output: Linear
    inner: Linear
    outer: Linear
    norm_attention: Norm
    norm_feed: Norm

    @property
    def size(self) -> int:
        """How many numbers the matrices hold."""
        linear = (self.query, self.key, self.value, self.output, self.inner, self.outer)
        return sum(part.weight.size for part in linear)


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
    """x · sigmoid(x·p(x²)), p by Horner's rule."""
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
    np.divide(x, gate, out=gate)
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


# The names of config.json. Sources: GELU and its tanh form, Hendrycks and Gimpel 2016
# (arXiv:1606.08415); SiLU, Elfwing et al. 2017 (arXiv:1702.03118); Mish, Misra 2019
# (arXiv:1908.08681); squared ReLU, So et al. 2021 (arXiv:2109.08668).
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
