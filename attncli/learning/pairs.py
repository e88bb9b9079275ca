"""Two sentences that went through the same matrices, compared: cosines, or logits of both.

A batch of B pairs is a batch of 2·B sentences, the texts first, then the sentence beside each. Of
what a member reads of them, u and v, it takes

| pair | what comes out | source |
|---|---|---|
| similarity | cos(u, v) of each pair, (committee, B) | Reimers and Gurevych 2019, arXiv:1908.10084, section 3 |
| match | cos(u, v) of each text with the second of every pair, (committee, B, B) | Henderson et al. 2017, arXiv:1705.00652, section 4.4 |
| relation | [u, v, |u − v|, u·v]·W_out + b_out, (committee, B, n_labels) | Conneau et al. 2017, arXiv:1705.02364, section 3.1 |

Each function returns its result with the way back, as in `gradients`.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from attncli.arrays import FloatArray
from attncli.attention.parameters import PairTask, Parameters
from attncli.attention.products import product
from attncli.learning.slopes import Gradients

# (slope of what came out, gradients) → the slope of what the members read
ReadBackward: TypeAlias = Callable[[FloatArray, Gradients], FloatArray]


def compared(
    read: FloatArray, task: PairTask, parameters: Parameters
) -> tuple[FloatArray, ReadBackward]:
    """What comes of the pairs, read (committee, 2·B, size), and the way back to what was read."""
    if task == "relation":
        return _labeled_pairs(read, parameters)
    units, units_back = of_length_one(read)
    first, second = np.split(units, 2, axis=1)  # (committee, B, size)
    if task == "similarity":
        cosines: FloatArray = (first * second).sum(axis=2)  # (committee, B)
    else:
        cosines = product(first, second.transpose(0, 2, 1))  # (committee, B, B)

    def backward(d_cosines: FloatArray, _: Gradients) -> FloatArray:
        if task == "similarity":
            slopes = [d_cosines[..., None] * second, d_cosines[..., None] * first]
        else:
            slopes = [product(d_cosines, second), product(d_cosines.transpose(0, 2, 1), first)]
        return units_back(np.concatenate(slopes, axis=1))

    return cosines, backward


def of_length_one(read: FloatArray) -> tuple[FloatArray, Callable[[FloatArray], FloatArray]]:
    """Vectors (…, size) of the length 1, and the way back; one of zeros stays so and has no slope."""
    lengths = np.sqrt(np.square(read).sum(axis=-1, keepdims=True))
    is_zero = lengths <= np.finfo(read.dtype).tiny
    inverse = np.where(is_zero, 0, 1 / np.where(is_zero, 1, lengths)).astype(read.dtype)
    units = read * inverse

    def backward(d_units: FloatArray) -> FloatArray:
        along = (units * d_units).sum(axis=-1, keepdims=True)
        d_read: FloatArray = (d_units - units * along) * inverse
        return d_read

    return units, backward


def joined_pairs(
    first: FloatArray, second: FloatArray, signs: FloatArray | None = None
) -> FloatArray:
    """[u, v, |u − v|, u·v] of vectors (…, size): (…, 4·size).

    With `signs` (…, size) of an earlier u − v, |u − v| goes on as the line it was on there.
    """
    apart = first - second
    apart = np.abs(apart) if signs is None else apart * signs
    return np.concatenate([first, second, apart, first * second], axis=-1)


def logits_of_both(
    read: FloatArray, parameters: Parameters, signs: FloatArray | None = None
) -> FloatArray:
    """The logits of pairs, read (committee, 2·B, size): (committee, B, n_labels)."""
    first, second = np.split(read, 2, axis=1)
    logits: FloatArray = product(joined_pairs(first, second, signs), parameters["W_out"])
    logits += parameters["b_out"][:, None]
    return logits


def _labeled_pairs(read: FloatArray, parameters: Parameters) -> tuple[FloatArray, ReadBackward]:
    first, second = np.split(read, 2, axis=1)  # (committee, B, size)
    W_out = parameters["W_out"]  # (committee, 4·size, n_labels)

    def backward(d_logits: FloatArray, gradients: Gradients) -> FloatArray:
        gradients.add("b_out", d_logits.sum(axis=1))
        features = joined_pairs(first, second)
        gradients.add_product("W_out", features.transpose(0, 2, 1), d_logits)
        d_features = product(d_logits, W_out.transpose(0, 2, 1))  # (committee, B, 4·size)
        d_first, d_second, d_apart, d_both = np.split(d_features, 4, axis=2)
        d_apart = d_apart * np.sign(first - second)
        return np.concatenate(
            [d_first + d_apart + d_both * second, d_second - d_apart + d_both * first], axis=1
        )

    return logits_of_both(read, parameters), backward
