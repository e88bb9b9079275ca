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
from attncli.learning.passes import Pass
from attncli.learning.slopes import Gradients

_MANY_CELLS = 1 << 16  # above it, one product with a table of ones would need too much memory

# (slope of what was computed, gradients) → d_vectors (B, n, d_model); None: nobody learns by it.
VectorsBackward: TypeAlias = Callable[[FloatArray, Gradients], FloatArray | None]


def target_scores(
    given: Pass, targets: IntArray, groups: tuple[IntArray, IntArray]
) -> tuple[FloatArray, VectorsBackward]:
    """The scores of each sentence's target, scaled, with relative bias: (B, all_heads, 1, n).

    Shapes: targets (B,). `groups` are the sentences that stand for the distinct target vectors,
    and which of these each sentence has: each is projected once.
    """
    first, member = groups
    vectors, W_q, W_k = given.vectors, given.parameters["W_q"], given.parameters["W_k"]
    scale = 1.0 / math.sqrt(given.architecture.d_k)
    distinct = vectors[first, targets[first]]  # (G, d_model)
    query = product(distinct, W_q)  # (all_heads, G, d_k)
    folded = product(query, W_k.transpose(0, 2, 1))  # (all_heads, G, d_model)
    asked = np.ascontiguousarray(folded[:, member].transpose(1, 0, 2))  # (B, all_heads, d_model)
    scores = attention_scores(asked, vectors, scale=scale)  # (B, all_heads, n)
    columns = _add_bias(scores[:, :, None], targets[:, None], given)

    def backward(d_scores: FloatArray, gradients: Gradients) -> FloatArray | None:
        d_rows = d_scores[:, :, 0]  # (B, all_heads, n)
        _bias_backward(d_scores, columns, gradients)
        d_asked = product(d_rows, vectors)  # (B, all_heads, d_model)
        d_asked *= d_asked.dtype.type(scale)
        d_folded = _summed_by(member, d_asked, len(first)).transpose(1, 0, 2)  # (all_heads, G, d)
        gradients.add_product("W_k", d_folded.transpose(0, 2, 1), query)
        d_query = product(d_folded, W_k)  # (all_heads, G, d_k)
        gradients.add_product("W_q", distinct.T, d_query)
        if not given.learns_places:
            return None
        d_vectors: FloatArray = product(d_rows.transpose(0, 2, 1), asked)  # (B, n, d_model)
        d_vectors *= d_vectors.dtype.type(scale)
        d_distinct = product(d_query, W_q.transpose(0, 2, 1)).sum(axis=0)  # (G, d_model)
        np.add.at(d_vectors, (first, targets[first]), d_distinct)
        return d_vectors

    return scores[:, :, None], backward


def all_scores(given: Pass, places: IntArray) -> tuple[FloatArray, VectorsBackward]:
    """The scores of the query tokens at `places` (B, m), scaled, with bias: (B, all_heads, m, n)."""
    a, vectors = given.architecture, given.vectors
    W_q, W_k = given.parameters["W_q"], given.parameters["W_k"]
    n_batch, n_tokens, _ = vectors.shape
    every = places.shape[1] == n_tokens
    asking = vectors if every else np.take_along_axis(vectors, places[:, :, None], axis=1)
    turns = rotations(n_tokens, a.d_k) if a.positions == "rope" else None
    query = _projected(asking, W_q)  # (B, all_heads, m, d_k)
    key = _projected(vectors, W_k)  # (B, all_heads, n, d_k)
    if turns is not None:
        key = rotated(key, *turns)
        query = rotated(query, *_turns_at(turns, places))
    scores = attention_scores(query, key)  # (B, all_heads, m, n)
    columns = _add_bias(scores, places, given)
    scale = 1.0 / math.sqrt(a.d_k)

    def backward(d_scores: FloatArray, gradients: Gradients) -> FloatArray | None:
        _bias_backward(d_scores, columns, gradients)
        d_query = product(d_scores, key)  # (B, all_heads, m, d_k)
        d_key = product(d_scores.swapaxes(-1, -2), query)  # (B, all_heads, n, d_k)
        for d_part in (d_query, d_key):
            d_part *= d_part.dtype.type(scale)
        if turns is not None:
            d_key = rotated(d_key, turns[0], -turns[1])
            cosines, sines = _turns_at(turns, places)
            d_query = rotated(d_query, cosines, -sines)
        gradients.add("W_q", _d_matrix(asking, d_query))
        gradients.add("W_k", _d_matrix(vectors, d_key))
        if not given.learns_places:
            return None
        d_vectors, d_asking = _d_projected_rows(d_key, W_k), _d_projected_rows(d_query, W_q)
        np.add.at(d_vectors, (np.arange(n_batch)[:, None], places), d_asking)
        return d_vectors

    return scores, backward


def _projected(rows: FloatArray, matrix: FloatArray) -> FloatArray:
    """rows (B, m, d_model) under matrix (all_heads, d_model, d) → (B, all_heads, m, d)."""
    heads, d_model, width = matrix.shape
    flat = product(rows.reshape(-1, d_model), _side_by_side(matrix))  # (B·m, all_heads·d)
    split = flat.reshape(len(rows), -1, heads, width)  # (B, m, all_heads, d)
    return np.asarray(split.transpose(0, 2, 1, 3))


def _d_matrix(rows: FloatArray, d_projected: FloatArray) -> FloatArray:
    """rows (B, m, d_model), d_projected (B, all_heads, m, d) → (all_heads, d_model, d)."""
    heads, width, d_model = d_projected.shape[1], d_projected.shape[3], rows.shape[-1]
    d_wide = product(rows.reshape(-1, d_model).T, _flat(d_projected))  # (d_model, all_heads·d)
    return np.asarray(d_wide.reshape(d_model, heads, width).transpose(1, 0, 2))


def _d_projected_rows(d_projected: FloatArray, matrix: FloatArray) -> FloatArray:
    """d_projected (B, all_heads, m, d), matrix (all_heads, d_model, d) → (B, m, d_model)."""
    n_batch, _, m, _ = d_projected.shape
    d_rows = product(_flat(d_projected), _side_by_side(matrix).T)  # (B·m, d_model)
    return np.asarray(d_rows.reshape(n_batch, m, -1))


def _side_by_side(matrix: FloatArray) -> FloatArray:
    """The matrices of all heads as one: (all_heads, d_model, d) → (d_model, all_heads·d)."""
    heads, d_model, width = matrix.shape
    return matrix.transpose(1, 0, 2).reshape(d_model, heads * width)


def _flat(projected: FloatArray) -> FloatArray:
    """The rows of all sentences, heads side by side: (B, all_heads, m, d) → (B·m, all_heads·d)."""
    _, heads, _, width = projected.shape
    return projected.transpose(0, 2, 1, 3).reshape(-1, heads * width)


def _turns_at(
    turns: tuple[FloatArray, FloatArray], places: IntArray
) -> tuple[FloatArray, FloatArray]:
    """The rotations of the asking tokens: two of (B, 1, m, d_k // 2)."""
    return turns[0][places][:, None], turns[1][places][:, None]


def _add_bias(scores: FloatArray, places: IntArray, given: Pass) -> IntArray | None:
    """Adds the relative bias to (B, all_heads, m, n) in place; its columns (B, m, n)."""
    if given.architecture.positions != "relative":
        return None
    columns = distance_index(places, scores.shape[-1], given.architecture.reach)  # (B, m, n)
    table = np.ascontiguousarray(given.parameters["position_table"].T)  # (2·reach + 3, all_heads)
    scores += table[columns].transpose(0, 3, 1, 2)
    return columns


def _bias_backward(d_scores: FloatArray, columns: IntArray | None, gradients: Gradients) -> None:
    if columns is None:
        return
    heads, n_columns = gradients["position_table"].shape  # 2·reach + 3 columns
    if columns.size > _MANY_CELLS:
        for head, d_head in enumerate(gradients["position_table"]):
            d_cells = d_scores[:, head].ravel()  # (B·m·n,)
            d_head += np.bincount(columns.ravel(), weights=d_cells, minlength=len(d_head))
        return
    chosen = np.zeros((columns.size, n_columns), dtype=d_scores.dtype)
    chosen[np.arange(columns.size), columns.ravel()] = 1  # one column a query and key
    d_flat = d_scores.transpose(1, 0, 2, 3).reshape(heads, -1)  # (all_heads, B·m·n)
    gradients.add_product("position_table", d_flat, chosen)


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
