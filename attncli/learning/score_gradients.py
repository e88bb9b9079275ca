"""Scores of a batch and their gradients: query rows against all tokens of their sentence.

`target_scores` asks for one query a sentence, its target. Keys are then never computed: the product
q·(X·W_k)ᵀ is (q·W_kᵀ)·Xᵀ, one small vector against the embeddings. `all_scores` asks for every
token's row, or for rotated targets, with queries and keys in full.
"""

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from attncli.arrays import FloatArray, IntArray
from attncli.attention.core import attention_scores
from attncli.attention.positions import distance_index, rotated, rotations
from attncli.attention.products import product
from attncli.learning.parameters import Architecture, Parameters

_MANY_CELLS = 1 << 16  # above it, one product with a table of ones would need too much memory

# (d_scores, gradients) → d_vectors (B, n, d_model), or None when it was not asked for.
ScoresBackward: TypeAlias = Callable[[FloatArray, Parameters, bool], FloatArray | None]


def target_scores(
    vectors: FloatArray,
    targets: IntArray,
    groups: tuple[IntArray, IntArray],
    parameters: Parameters,
    architecture: Architecture,
) -> tuple[FloatArray, ScoresBackward]:
    """The scores of each sentence's target, scaled, with relative bias: (B, all_heads, 1, n).

    Shapes: vectors (B, n, d_model), targets (B,). `groups` are the sentences that stand for the
    distinct target vectors, and which of these each sentence has: each is projected once.
    """
    first, member = groups
    W_q, W_k = parameters["W_q"], parameters["W_k"]
    scale = 1.0 / math.sqrt(architecture.d_k)
    distinct = vectors[first, targets[first]]  # (G, d_model)
    query = product(distinct, W_q)  # (all_heads, G, d_k)
    folded = product(query, W_k.transpose(0, 2, 1))  # (all_heads, G, d_model)
    asked = np.ascontiguousarray(folded[:, member].transpose(1, 0, 2))  # (B, all_heads, d_model)
    scores = attention_scores(asked, vectors, scale=scale)  # (B, all_heads, n)
    columns = _add_bias(scores[:, :, None], targets[:, None], parameters, architecture)

    def backward(
        d_scores: FloatArray, gradients: Parameters, want_vectors: bool
    ) -> FloatArray | None:
        d_rows = d_scores[:, :, 0]  # (B, all_heads, n)
        _bias_backward(d_scores, columns, gradients)
        d_asked = product(d_rows, vectors)  # (B, all_heads, d_model)
        d_asked *= d_asked.dtype.type(scale)
        d_folded = _summed_by(member, d_asked, len(first)).transpose(1, 0, 2)  # (all_heads, G, d)
        product(d_folded.transpose(0, 2, 1), query, out=gradients["W_k"])
        d_query = product(d_folded, W_k)  # (all_heads, G, d_k)
        product(distinct.T, d_query, out=gradients["W_q"])
        if not want_vectors:
            return None
        d_vectors: FloatArray = product(d_rows.transpose(0, 2, 1), asked)  # (B, n, d_model)
        d_vectors *= d_vectors.dtype.type(scale)
        d_distinct = product(d_query, W_q.transpose(0, 2, 1)).sum(axis=0)  # (G, d_model)
        np.add.at(d_vectors, (first, targets[first]), d_distinct)
        return d_vectors

    return scores[:, :, None], backward


def all_scores(
    vectors: FloatArray,
    places: IntArray,
    parameters: Parameters,
    architecture: Architecture,
) -> tuple[FloatArray, ScoresBackward]:
    """The scores of the query tokens at `places`, scaled, with bias: (B, all_heads, m, n).

    Shapes: vectors (B, n, d_model), places (B, m): which tokens ask.
    """
    a = architecture
    n_batch, n_tokens, _ = vectors.shape
    every = places.shape[1] == n_tokens
    asking = vectors if every else np.take_along_axis(vectors, places[:, :, None], axis=1)
    turns = rotations(n_tokens, a.d_k) if a.positions == "rope" else None
    query = _projected(asking, parameters["W_q"])  # (B, all_heads, m, d_k)
    key = _projected(vectors, parameters["W_k"])  # (B, all_heads, n, d_k)
    if turns is not None:
        key = rotated(key, *turns)
        query = rotated(query, *_turns_at(turns, places))
    scores = attention_scores(query, key)  # (B, all_heads, m, n)
    columns = _add_bias(scores, places, parameters, a)
    scale = 1.0 / math.sqrt(a.d_k)

    def backward(
        d_scores: FloatArray, gradients: Parameters, want_vectors: bool
    ) -> FloatArray | None:
        _bias_backward(d_scores, columns, gradients)
        d_query = product(d_scores, key)  # (B, all_heads, m, d_k)
        d_key = product(d_scores.swapaxes(-1, -2), query)  # (B, all_heads, n, d_k)
        for d_part in (d_query, d_key):
            d_part *= d_part.dtype.type(scale)
        if turns is not None:
            d_key = rotated(d_key, turns[0], -turns[1])
            cosines, sines = _turns_at(turns, places)
            d_query = rotated(d_query, cosines, -sines)
        d_asking = _project_backward(asking, d_query, parameters, gradients, "W_q", want_vectors)
        d_vectors = _project_backward(vectors, d_key, parameters, gradients, "W_k", want_vectors)
        if d_vectors is None or d_asking is None:
            return None
        np.add.at(d_vectors, (np.arange(n_batch)[:, None], places), d_asking)
        return d_vectors

    return scores, backward


def _projected(rows: FloatArray, matrix: FloatArray) -> FloatArray:
    """rows (B, m, d_model) under matrix (all_heads, d_model, d) → (B, all_heads, m, d)."""
    heads, d_model, width = matrix.shape
    wide = matrix.transpose(1, 0, 2).reshape(d_model, heads * width)  # (d_model, all_heads·d)
    flat = product(rows.reshape(-1, d_model), wide)  # (B·m, all_heads·d)
    split = flat.reshape(len(rows), -1, heads, width)  # (B, m, all_heads, d)
    return np.asarray(split.transpose(0, 2, 1, 3))


def _project_backward(
    rows: FloatArray,
    d_projected: FloatArray,
    parameters: Parameters,
    gradients: Parameters,
    name: str,
    want_rows: bool,
) -> FloatArray | None:
    matrix = parameters[name]
    heads, d_model, width = matrix.shape
    d_flat = d_projected.transpose(0, 2, 1, 3).reshape(-1, heads * width)  # (B·m, all_heads·d)
    d_wide = product(rows.reshape(-1, d_model).T, d_flat)  # (d_model, all_heads·d)
    gradients[name][...] = d_wide.reshape(d_model, heads, width).transpose(1, 0, 2)
    if not want_rows:
        return None
    wide = matrix.transpose(1, 0, 2).reshape(d_model, heads * width)
    d_rows: FloatArray = product(d_flat, wide.T).reshape(rows.shape)  # (B, m, d_model)
    return d_rows


def _turns_at(
    turns: tuple[FloatArray, FloatArray], places: IntArray
) -> tuple[FloatArray, FloatArray]:
    """The rotations of the asking tokens: two of (B, 1, m, d_k // 2)."""
    return turns[0][places][:, None], turns[1][places][:, None]


def _add_bias(
    scores: FloatArray, places: IntArray, parameters: Parameters, architecture: Architecture
) -> IntArray | None:
    """Adds the relative bias to (B, all_heads, m, n) in place; its columns (B, m, n)."""
    if architecture.positions != "relative":
        return None
    columns = distance_index(places, scores.shape[-1], architecture.reach)  # (B, m, n)
    table = np.ascontiguousarray(parameters["position_table"].T)  # (2·reach + 3, all_heads)
    scores += table[columns].transpose(0, 3, 1, 2)
    return columns


def _bias_backward(d_scores: FloatArray, columns: IntArray | None, gradients: Parameters) -> None:
    if columns is None:
        return
    d_table = gradients["position_table"]  # (all_heads, 2·reach + 3)
    if columns.size > _MANY_CELLS:
        for head, d_head in enumerate(d_table):
            d_cells = d_scores[:, head].ravel()  # (B·m·n,)
            d_head[...] = np.bincount(columns.ravel(), weights=d_cells, minlength=len(d_head))
        return
    chosen = np.zeros((columns.size, d_table.shape[1]), dtype=d_table.dtype)
    chosen[np.arange(columns.size), columns.ravel()] = 1  # one column a query and key
    d_flat = d_scores.transpose(1, 0, 2, 3).reshape(len(d_table), -1)  # (all_heads, B·m·n)
    product(d_flat, chosen, out=d_table)


def _summed_by(member: IntArray, rows: FloatArray, count: int) -> FloatArray:
    """rows (B, …) summed over the sentences of each group → (count, …)."""
    if count == 1:
        alone: FloatArray = rows.sum(axis=0, keepdims=True)
        return alone
    if count == len(rows):
        ordered = np.empty_like(rows)
        ordered[member] = rows
        return ordered
    chosen = np.zeros((count, len(rows)), dtype=rows.dtype)
    chosen[member, np.arange(len(rows))] = 1
    flat: FloatArray = product(chosen, rows.reshape(len(rows), -1))  # (count, …)
    summed: FloatArray = flat.reshape(count, *rows.shape[1:])
    return summed
