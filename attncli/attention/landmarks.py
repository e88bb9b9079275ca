"""Likeness to landmarks: what a value may see beside the embedding itself.

A value X·W_v is linear: words that lie near each other say nearly the same. The cosine to a
landmark, cubed, is near zero but for words close to that landmark, so a value [X F]·W_v can say
something of a few words alone. It is a polynomial kernel (Schölkopf and Smola 2002, section 2.3).
"""

import numpy as np

from attncli.arrays import FloatArray
from attncli.attention.general import unit_rows
from attncli.attention.products import product


def likeness(embeddings: FloatArray, landmarks: FloatArray) -> FloatArray:
    """F: the cosine of each embedding and each landmark, cubed, (…, n_landmarks).

    Shapes: embeddings (…, d_model), landmarks (n_landmarks, d_model) of length 1, or zeros.

    >>> likeness(np.array([[0.0, 2.0]]), np.array([[0.0, 1.0], [0.6, 0.8]])).round(3).tolist()
    [[1.0, 0.512]]
    """
    cosines: FloatArray = product(unit_rows(embeddings), landmarks.T)
    cosines *= cosines * cosines
    return cosines


def with_likeness(
    placed: FloatArray, embeddings: FloatArray, landmarks: FloatArray | None
) -> FloatArray:
    """[X F], the rows that W_v turns into values, (…, d_model + n_landmarks); X without landmarks.

    Shapes: placed (…, d_model), the embeddings with positions; `embeddings` those without.
    """
    if landmarks is None:
        return placed
    return np.concatenate([placed, likeness(embeddings, landmarks)], axis=-1)
