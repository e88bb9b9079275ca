"""Measures of one result: entropy of each row, self-weights, how far each word moved."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from attncli.arrays import FloatArray
from attncli.attention.general import unit_rows
from attncli.insight.old_vectors import old_vectors
from attncli.results.result import AttentionResult
from attncli.results.stack import Stack, stack_of


def entropy(weights: FloatArray) -> FloatArray:
    """Shannon entropy of each row in nats: 0 (one key) to ln n_k (uniform).

    Shapes: weights (…, n_q, n_k) → (…, n_q).
    """
    logs = np.log(weights, out=np.zeros_like(weights), where=weights > 0)
    found: FloatArray = np.maximum(-(weights * logs).sum(axis=-1), 0)
    return found


def self_weights(weights: FloatArray) -> FloatArray:
    """The weight each token gives itself. Shapes: (…, n_tokens, n_tokens) → (…, n_tokens)."""
    return np.diagonal(weights, axis1=-2, axis2=-1)


def row_cosines(before: FloatArray, after: FloatArray) -> FloatArray:
    """Cosine of each old vector with its new one: 1 stayed, 0 turned away; 0 for zeros.

    Shapes: before and after (n_tokens, d) → (n_tokens,).
    """
    units = unit_rows(before.astype(np.float64)) * unit_rows(after.astype(np.float64))
    cosines: FloatArray = np.clip(units.sum(axis=-1), -1.0, 1.0)
    return cosines


def measures(result: AttentionResult) -> dict[str, Any]:
    """The measures of a result as plain numbers, for the record's `measures`.

    entropy (layers × heads × tokens, nats), self_weight (likewise), mean_self_weight, which
    cross-attention has not; and, where
    there are old vectors in the space of the new ones, moved (a cosine for each token).
    """
    values: dict[str, Any] = {"entropy": entropy(result.weights).tolist()}
    if not result.is_cross:
        own = self_weights(result.weights)
        values["self_weight"] = own.tolist()
        values["mean_self_weight"] = float(own.mean()) if own.size else 0.0
    before = old_vectors(result)
    if before is not None:
        values["moved"] = row_cosines(before, result.contextual).tolist()
    return values


def with_measures(result: AttentionResult) -> AttentionResult:
    """The result with the measures of what it shows."""
    return replace(result, measures={**(result.measures or {}), **measures(result)})


def measures_of_tokens(
    result: AttentionResult, kept: Sequence[int] | None = None
) -> dict[str, Any] | None:
    """The measures of a result that still hold for another choice of layers and heads.

    They are those of the tokens, of which `kept` are left: how far each moved.
    """
    moves = (result.measures or {}).get("moved")
    if not isinstance(moves, list) or len(moves) != len(result.tokens):
        return None
    return {"moved": moves if kept is None else [moves[at] for at in kept]}


def measured(stack: Stack) -> Iterator[Stack]:
    """Each result of a stack with its measures, as a stack of one."""
    for i, place in enumerate(stack.places):
        yield stack_of(with_measures(stack.result(i)), place)
