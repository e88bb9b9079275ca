"""What one way through a model computes with: the numbers, the batch, and its vectors and values.

Queries and keys are made of the vectors X, values of X or of the rows [X F] of the width d_model +
landmarks (`learning.landmarks`); positions add to X before both.
"""

from dataclasses import dataclass

import numpy as np

from attncli.arrays import FloatArray
from attncli.attention.parameters import Architecture, Parameters
from attncli.attention.positions import sinusoidal
from attncli.learning.minibatches import Batch
from attncli.learning.slopes import Gradients


@dataclass(frozen=True, slots=True, eq=False)
class Noise:
    """Dropout while learning: the rates at which weights, and inputs of the read-out, become zero.

    What stays is divided by 1 − rate (Srivastava et al. 2014), so that sums keep their mean.
    """

    rng: np.random.Generator
    weights: float = 0.0
    readout: float = 0.0

    def factors(self, rate: float, like: FloatArray) -> FloatArray | None:
        """Factors of the shape of `like`: zero at the rate, else 1/(1 − rate); None for rate 0."""
        if not rate:
            return None
        alive = self.rng.random(like.shape, dtype=np.float32) >= rate
        return alive.astype(like.dtype) * like.dtype.type(1.0 / (1.0 - rate))


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """One way through a model.

    vectors (B, n, d_model): X with its positions. values (B, n, width): X, or [X F].
    noise: dropout, only while learning.
    """

    parameters: Parameters
    architecture: Architecture
    batch: Batch
    vectors: FloatArray
    values: FloatArray
    noise: Noise | None

    @property
    def learns_places(self) -> bool:
        """Whether the way back ends at the vectors, in the table of learned positions."""
        return self.architecture.positions == "learned"

    def dropped_weights(self, rows: FloatArray) -> FloatArray | None:
        """The factors that drop some of these weights, None without dropout. Shapes kept."""
        return None if self.noise is None else self.noise.factors(self.noise.weights, rows)

    def dropped_inputs(self, embeddings: FloatArray) -> FloatArray | None:
        """The factors that drop inputs of the read-out, None without dropout. Shapes kept."""
        return None if self.noise is None else self.noise.factors(self.noise.readout, embeddings)


def started(
    parameters: Parameters, architecture: Architecture, batch: Batch, noise: Noise | None
) -> Pass:
    """The pass of a batch whose rows hold one view: X and [X F] made of its vectors."""
    if not architecture.landmarks:
        vectors = placed_vectors(batch.vectors, parameters, architecture)
        return Pass(parameters, architecture, batch, vectors, vectors, noise)
    plain, likeness = np.split(batch.vectors, [architecture.d_model], axis=-1)
    vectors = placed_vectors(np.ascontiguousarray(plain), parameters, architecture)
    values = batch.vectors
    if architecture.positions in ("sinusoidal", "learned"):
        values = np.concatenate([vectors, likeness], axis=-1)
    return Pass(parameters, architecture, batch, vectors, values, noise)


def placed_vectors(
    vectors: FloatArray, parameters: Parameters, architecture: Architecture
) -> FloatArray:
    """The vectors with what the positions add to them. Shape (B, n, d_model)."""
    n_tokens = vectors.shape[1]
    if architecture.positions == "sinusoidal":
        return vectors + sinusoidal(n_tokens, architecture.d_model).astype(vectors.dtype)
    if architecture.positions == "learned":
        table = parameters["position_table"]
        return vectors + table[np.minimum(np.arange(n_tokens), len(table) - 1)]
    return vectors


def add_places(d_vectors: FloatArray, gradients: Gradients) -> None:
    """Adds d_vectors (B, n, d_model) to d_position_table: the last row stands for all beyond."""
    d_table = gradients["position_table"]  # (max_positions, d_model)
    d_places = d_vectors.sum(axis=0)  # (n, d_model)
    within = min(len(d_places), len(d_table))
    d_table[:within] += d_places[:within]
    if len(d_places) > within:
        d_table[-1] += d_places[within:].sum(axis=0)
