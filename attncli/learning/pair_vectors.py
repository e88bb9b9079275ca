"""The vectors that a model makes of whole sentences, by which pairs are compared."""

import math
from dataclasses import replace

import numpy as np

from attncli.arrays import FloatArray
from attncli.attention.parameters import Architecture, Parameters
from attncli.learning.gradients import forward
from attncli.learning.landmarks import with_landmarks
from attncli.learning.minibatches import Examples, batch_of, batches
from attncli.learning.pairs import of_length_one

_TOGETHER = 64  # pairs computed together


def pair_vectors(
    parameters: Parameters, architecture: Architecture, examples: Examples
) -> tuple[FloatArray, FloatArray]:
    """The vectors of the first and of the second sentence of each pair, of the length 1.

    Shapes (n_examples, committee·n_heads·d_v). They are what the members read, each at the length 1,
    side by side: their product is the mean of the members' cosines.
    """
    size = architecture.all_heads * architecture.d_v
    vectors = np.empty((2, len(examples), size), dtype=parameters.dtype)
    plain = replace(examples, labels=None, weights=None, scores=None)
    placed = with_landmarks(plain, parameters)
    for places in batches(examples.lengths(), _TOGETHER, None):
        read = forward(parameters, architecture, batch_of(placed, places)).read
        if read is None:
            raise ValueError("a model that fits weights reads no sentence")
        vectors[:, places] = joined_units(read).reshape(2, len(places), size)
    return vectors[0], vectors[1]


def joined_units(read: FloatArray) -> FloatArray:
    """What the members read, (committee, B, size), as one vector of the length 1, (B, committee·size)."""
    units, _ = of_length_one(read)
    joined: FloatArray = units.transpose(1, 0, 2).reshape(read.shape[1], -1)
    return joined / joined.dtype.type(math.sqrt(len(read)))
