"""The numbers of every stage of one head, in float64."""

from dataclasses import dataclass

import numpy as np

from attncli.arrays import FloatArray
from attncli.attention.products import product
from attncli.attention.projections import Projections, relative_bias, with_positions
from attncli.insight.places import mask_of, places_of_tokens
from attncli.insight.sums import sums_of
from attncli.results.names import axis_numbers, matrix_name
from attncli.results.result import AttentionResult


@dataclass(frozen=True, slots=True)
class Head:
    """One head in float64: query (n, d_k), key (n_keys, d_k), value (n_keys, d_v), scores of three
    stages (n, n_keys).
    """

    query: FloatArray
    key: FloatArray
    value: FloatArray
    products: FloatArray
    scaled: FloatArray
    powers: FloatArray
    weights: FloatArray
    left: str  # what a sum is called: new, or the head that it is a part of
    plain: bool  # whether the scaled products are the scores, with nothing added
    bias: FloatArray | None = None  # what relative positions add, where it is known

    @property
    def new(self) -> FloatArray:
        """The weighted sums of the values, (n_tokens, d_v)."""
        new: FloatArray = product(self.weights, self.value)
        return new


def stages(
    result: AttentionResult, layer: int, head: int, projections: Projections | None = None
) -> Head:
    """The stages of a head. `projections` are asked for the bias of relative positions."""
    settings, bias = result.attention, _bias(result, projections, head)
    query, key, value = (
        np.asarray(array[layer, head], dtype=np.float64)  # (n_tokens, d)
        for array in (result.query, result.key, result.value)
        if array is not None
    )
    products = product(query, key.T)  # (n_tokens, n_keys)
    scaled = products * (settings.scale / settings.temperature)
    plain = True
    if result.scores is not None:
        given = result.scores[layer, head].astype(np.float64)
        plain = bool(np.allclose(scaled, given, rtol=1e-4, atol=1e-4))
        scaled = scaled if plain else given
    mask = mask_of(result)
    if mask is not None:
        seen = mask if mask.ndim == 2 else mask[layer, head]  # (n_tokens, n_tokens)
        scaled = np.where(seen, scaled, -np.inf)
    peak = scaled.max(axis=-1, keepdims=True)
    powers = np.exp(scaled - np.where(np.isneginf(peak), 0, peak))
    weights = result.weights[layer, head].astype(np.float64)
    left = _left(result, layer, head)
    return Head(query, key, value, products, scaled, powers, weights, left, plain, bias)


def _left(result: AttentionResult, layer: int, head: int) -> str:
    """What the sum of a row is called: the new vector, a head's part of it, or what is shown."""
    if (result.selection or {}).get("hidden"):
        return "shown"
    name = matrix_name(result, layer, head)
    return "new" if sums_of(result).whole and not name else name or "head"


def is_weighted_sum(result: AttentionResult) -> bool:
    """Whether the new vectors are the weighted sums of the first head's values, and no more."""
    if result.value is None:
        return False
    sums = product(result.weights[0, 0], result.value[0, 0])  # (n_tokens, d_v)
    return sums.shape == result.contextual.shape and bool(
        np.allclose(sums, result.contextual, rtol=1e-3, atol=1e-3)
    )


def placed_embeddings(
    result: AttentionResult, projections: Projections | None
) -> FloatArray | None:
    """The embeddings with the positions of their places added, or None where none are."""
    places = places_of_tokens(result)
    if projections is None or places is None or result.embeddings is None:
        return None
    whole = np.zeros((max(places, default=-1) + 1, result.embeddings.shape[1]))
    whole[places] = result.embeddings  # (n_places, d_model)
    placed = with_positions(whole, projections)[places]  # (n_tokens, d_model)
    return None if np.array_equal(placed, result.embeddings) else placed


def _bias(result: AttentionResult, projections: Projections | None, head: int) -> FloatArray | None:
    """What relative positions add to the scores of a head, (n_tokens, n_tokens), where known."""
    places = places_of_tokens(result)
    if projections is None or places is None:
        return None
    bias = relative_bias(projections, max(places, default=-1) + 1)
    return (
        None if bias is None else bias[axis_numbers(result, "heads")[head]][np.ix_(places, places)]
    )
