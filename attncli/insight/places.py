"""Where the tokens of a result stood in the sentence that was attended to, and what they may see.

Masks and positions count places of the whole sentence; a result whose tokens are hidden in part
remembers which are left.
"""

import numpy as np

from attncli.arrays import BoolArray
from attncli.attention.masks import attention_mask
from attncli.results.result import AttentionResult


def places_of_tokens(result: AttentionResult) -> list[int] | None:
    """The place of each token in the sentence, from 0; None where it is not known."""
    selection = result.selection or {}
    n_tokens = len(result.tokens)
    if selection.get("merged"):
        return None
    if not selection.get("hidden"):
        return list(range(n_tokens))
    places = selection.get("places")
    known = isinstance(places, list) and len(places) == n_tokens
    return [int(place) for place in places] if known else None  # type: ignore[union-attr]  # a list


def mask_of(result: AttentionResult) -> BoolArray | None:
    """What each token may see, laid over the places of the whole sentence; None for everything.

    Where the places are not known, or each layer has a mask of its own, what has a weight was seen. Shape (n_tokens, n_tokens), or that
    of the weights.
    """
    settings = result.attention
    plain = settings.see_self and not settings.causal and settings.window is None
    if result.is_cross:
        return None
    if plain and not settings.masks_by_layer:
        return None
    places = None if settings.masks_by_layer else places_of_tokens(result)
    if places is None:
        seen: BoolArray = result.weights > 0
        return seen
    mask = attention_mask(
        max(places, default=-1) + 1,
        causal=settings.causal,
        window=settings.window,
        see_self=settings.see_self,
    )
    return None if mask is None else mask[np.ix_(places, places)]
