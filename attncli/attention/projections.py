"""Task-specific attention: the matrices W_q, W_k, W_v, and what a sentence becomes under them.

Q = X·W_q, K = X·W_k, V = X·W_v for each head, then the one attention of `core.attend`. The matrices
are random (`random_projections`) or learned. With landmarks V is [X F]·W_v:
see `landmarks`. Source: arXiv:1706.03762, section 3.2.2.
"""

import math
from dataclasses import dataclass, fields

import numpy as np

from attncli.arrays import BoolArray, FloatArray, read_only
from attncli.attention.core import attend, attention_scores
from attncli.attention.general import score_scale
from attncli.attention.heads import merge_heads
from attncli.attention.landmarks import with_likeness
from attncli.attention.masks import attention_mask
from attncli.attention.positions import (
    distance_index,
    reach_of,
    rotated,
    rotations,
    sinusoidal,
    table_width,
)
from attncli.attention.products import product
from attncli.errors import ShapeError
from attncli.settings import TEMPERATURE, Positions, Score

# Untrained scores of word vectors then have a standard deviation near 1: neither one word nor all.
_QUERY_KEY_GAIN = 2.0
_MAX_POSITIONS = 128
_REACH = 10


@dataclass(frozen=True, slots=True, eq=False)
class Projections:
    """The matrices of one attention layer, and how it sees order.

    Shapes: W_q, W_k (n_heads, d_model, d_k); W_v (n_heads, d_model, d_v), with landmarks
    (n_landmarks, d_model) as many rows more; position_table is (max_positions, d_model) for learned
    positions, (n_heads, 2·reach + 3) for relative ones, and None for the others. A position past
    the table has its last row. `seed` is that of matrices drawn at random, in which nothing was
    learned; `given` names those that somebody wrote down, the others are then identities. W_o
    (n_heads·d_v, d) turns the heads side by side into the new embeddings. `score` "dot" leaves
    products of queries and keys as they are, and all scores are divided by the temperature.
    Raises: ShapeError when the shapes contradict each other.
    """

    W_q: FloatArray
    W_k: FloatArray
    W_v: FloatArray
    positions: Positions = "none"
    position_table: FloatArray | None = None
    causal: bool = False
    window: int | None = None
    landmarks: FloatArray | None = None
    seed: int | None = None
    W_o: FloatArray | None = None
    given: tuple[str, ...] = ()
    score: Score = "scaled"
    temperature: float = TEMPERATURE

    def __post_init__(self) -> None:
        for part in fields(self):
            value = getattr(self, part.name)
            if isinstance(value, np.ndarray):
                object.__setattr__(self, part.name, read_only(value))
        heads, d_model, d_k = _three(self.W_q, "W_q")
        if self.W_k.shape != (heads, d_model, d_k):
            raise ShapeError(f"W_k has the shape {self.W_k.shape}, W_q {self.W_q.shape}")
        width = d_model + (0 if self.landmarks is None else len(self.landmarks))
        if _three(self.W_v, "W_v")[:2] != (heads, width):
            raise ShapeError(f"W_v has the shape {self.W_v.shape}, W_q {self.W_q.shape}")
        if self.landmarks is not None and self.landmarks.shape[1:] != (d_model,):
            raise ShapeError(f"the landmarks have the shape {self.landmarks.shape}")
        needed = self.positions in ("learned", "relative")
        if needed != (self.position_table is not None):
            raise ShapeError(f"{self.positions} positions and their table do not go together")
        if self.position_table is not None:
            _check_table(self.position_table, self.positions, heads, d_model)
        if self.W_o is not None and self.W_o.shape[:1] != (heads * self.d_v,):
            raise ShapeError(f"W_o has the shape {self.W_o.shape}, W_v {self.W_v.shape}")

    @property
    def n_heads(self) -> int:
        return int(self.W_q.shape[0])

    @property
    def d_model(self) -> int:
        return int(self.W_q.shape[1])

    @property
    def d_k(self) -> int:
        return int(self.W_q.shape[2])

    @property
    def d_v(self) -> int:
        return int(self.W_v.shape[2])

    @property
    def scale(self) -> float:
        """What products of queries and keys are multiplied by: 1/√d_k, or 1."""
        return float(score_scale(self.score, self.d_k))


@dataclass(frozen=True, slots=True, eq=False)
class TaskAttention:
    """Every stage of one sentence, or of a stack of sentences of one length.

    Shapes: query, key (…, n_heads, n_tokens, d_k), rotated for rope; value (…, n_heads, n_tokens,
    d_v); bias (n_heads, n_tokens, n_tokens) of relative positions, or None; weights (…, n_heads,
    n_tokens, n_tokens); contextual (…, n_tokens, n_heads·d_v), the heads side by side, or (…, n_tokens, d) by W_o.
    """

    query: FloatArray
    key: FloatArray
    value: FloatArray
    bias: FloatArray | None
    weights: FloatArray
    contextual: FloatArray
    scale: float | None = None  # the temperature included; None: 1/√d_k

    @property
    def scores(self) -> FloatArray:
        """Scaled, before masks, the bias included: (…, n_heads, n_tokens, n_tokens)."""
        scores = attention_scores(self.query, self.key, scale=self.scale)
        return scores if self.bias is None else scores + self.bias.astype(scores.dtype)


def task_attention(embeddings: FloatArray, projections: Projections) -> TaskAttention:
    """The stages of task-specific attention. Shapes: embeddings (…, n_tokens, d_model)."""
    placed = with_positions(embeddings, projections)  # (…, n_tokens, d_model)
    return attend_projected(*projected(placed, projections, embeddings), projections)


def projected(
    placed: FloatArray, projections: Projections, plain: FloatArray | None = None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Query, key and value of each row, before rotation: three of (…, n_heads, n_tokens, d).

    A row's projections depend on that row alone. Shapes: placed (…, n_tokens, d_model), the
    embeddings with positions; `plain` those without, where they differ.
    """
    rows = placed[..., None, :, :]  # (…, 1, n_tokens, d_model)
    valued = with_likeness(placed, placed if plain is None else plain, projections.landmarks)
    return (
        product(rows, projections.W_q),
        product(rows, projections.W_k),
        product(valued[..., None, :, :], projections.W_v),
    )


def attend_projected(
    query: FloatArray, key: FloatArray, value: FloatArray, projections: Projections
) -> TaskAttention:
    """The stages from query, key and value on."""
    n_tokens = query.shape[-2]
    query, key = turned(query, key, projections)
    bias = relative_bias(projections, n_tokens)
    allowed = own_mask(projections, n_tokens)
    scale = projections.scale / projections.temperature
    heads, weights = attend(query, key, value, mask=biased(bias, allowed), scale=scale)
    return TaskAttention(query, key, value, bias, weights, joined_heads(heads, projections), scale)


def joined_heads(heads: FloatArray, projections: Projections) -> FloatArray:
    """What the heads give, side by side, and turned by W_o where there is one.

    Shapes: (…, n_heads, n_tokens, d_v) → (…, n_tokens, n_heads·d_v), or (…, n_tokens, d).
    """
    beside = merge_heads(heads)  # (…, n_tokens, n_heads·d_v)
    if projections.W_o is None:
        return beside
    joined: FloatArray = product(beside, projections.W_o.astype(beside.dtype, copy=False))
    return joined


def value_map(projections: Projections) -> FloatArray:
    """What turns an embedding into its part of a new one: W_v, with W_o behind it where it is.

    Shape (n_heads, d_model, d_v), or (1, d_model, d).
    """
    if projections.W_o is None:
        return projections.W_v
    return joined_heads(projections.W_v, projections)[None]


def turned(
    query: FloatArray, key: FloatArray, projections: Projections
) -> tuple[FloatArray, FloatArray]:
    """Queries and keys rotated by their places if the layer has rope. Shapes kept."""
    if projections.positions != "rope":
        return query, key
    cosines, sines = rotations(query.shape[-2], projections.d_k)
    return rotated(query, cosines, sines), rotated(key, cosines, sines)


def with_positions(embeddings: FloatArray, projections: Projections) -> FloatArray:
    """The embeddings with what the positions add to them, if anything. Shape kept."""
    n_tokens = embeddings.shape[-2]
    if projections.positions == "sinusoidal":
        added = sinusoidal(n_tokens, projections.d_model)
    elif projections.positions == "learned" and projections.position_table is not None:
        last = len(projections.position_table) - 1
        added = projections.position_table[np.minimum(np.arange(n_tokens), last)]
    else:
        return embeddings
    return embeddings + added.astype(embeddings.dtype)  # (…, n_tokens, d_model)


def relative_bias(projections: Projections, n_tokens: int) -> FloatArray | None:
    """What relative positions add to the scores, (n_heads, n_tokens, n_tokens), or None."""
    table = projections.position_table
    if projections.positions != "relative" or table is None:
        return None
    columns = distance_index(np.arange(n_tokens), n_tokens, reach_of(table))
    return np.asarray(table[:, columns])  # (n_heads, n_tokens, n_tokens)


def own_mask(projections: Projections, n_tokens: int) -> BoolArray | None:
    """The layer's own masks in one, or None. Shape (n_tokens, n_tokens)."""
    return attention_mask(n_tokens, causal=projections.causal, window=projections.window)


def biased(bias: FloatArray | None, allowed: BoolArray | None) -> BoolArray | FloatArray | None:
    """A bias and a mask as one mask for `attend`, or None. Shapes as theirs, broadcast."""
    if bias is None or allowed is None:
        return allowed if bias is None else bias
    return np.where(allowed, bias, -np.inf)  # (n_heads, n_tokens, n_tokens)


def random_projections(
    d_model: int,
    *,
    n_heads: int = 1,
    d_k: int | None = None,
    d_v: int | None = None,
    positions: Positions = "none",
    causal: bool = False,
    window: int | None = None,
    seed: int = 0,
) -> Projections:
    """Untrained matrices of normal entries, float64; `d_k` and `d_v` None are d_model // n_heads.

    >>> random_projections(4, n_heads=2, seed=1).W_q.shape
    (2, 4, 2)
    """
    d_k = d_k or max(1, d_model // n_heads)
    d_v = d_v or max(1, d_model // n_heads)
    rng = np.random.default_rng(seed)
    spread = 1.0 / math.sqrt(d_model)
    matching = spread * math.sqrt(_QUERY_KEY_GAIN)
    W_q = rng.standard_normal((n_heads, d_model, d_k)) * matching
    W_k = rng.standard_normal((n_heads, d_model, d_k)) * matching
    W_v = rng.standard_normal((n_heads, d_model, d_v)) * spread
    table: FloatArray | None = None
    if positions == "learned":
        table = rng.standard_normal((_MAX_POSITIONS, d_model))
    elif positions == "relative":
        table = rng.standard_normal((n_heads, table_width(_REACH)))
    return Projections(W_q, W_k, W_v, positions, table, causal, window, seed=seed)


def _three(matrix: FloatArray, name: str) -> tuple[int, int, int]:
    if matrix.ndim != 3 or 0 in matrix.shape:
        raise ShapeError(f"{name} needs the axes (n_heads, d_model, d), got {matrix.shape}")
    return int(matrix.shape[0]), int(matrix.shape[1]), int(matrix.shape[2])


def _check_table(table: FloatArray, positions: str, heads: int, d_model: int) -> None:
    if positions == "learned":
        fits = table.ndim == 2 and len(table) > 0 and table.shape[1] == d_model
    else:
        fits = table.ndim == 2 and len(table) == heads and table.shape[1] % 2 == 1
        fits = fits and table.shape[1] >= 3
    if not fits:
        raise ShapeError(f"the table of {positions} positions has the shape {table.shape}")
