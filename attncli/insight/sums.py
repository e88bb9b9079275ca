"""What a row of a result's weights is: the coefficients of an equation, or weights and no more.

Every view asks here before it prints an equation. A plain result has one: its new embeddings, or
what a head adds to them, are the sums of vectors that its weights weigh. After rows were rescaled,
pieces merged or matrices drawn together the weights weigh nothing that the result holds.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np

from attncli.attention.products import product
from attncli.results.result import AttentionResult


class Sums(NamedTuple):
    """Which equation the rows satisfy.

    `terms` are what the weights weigh: the embeddings, the values, or None where there is no
    equation, and `why` says the reason. `whole` is whether a sum is the new embedding; else it is
    what one head adds.
    """

    terms: Literal["embeddings", "values"] | None
    whole: bool = True
    why: str = ""

    @property
    def left(self) -> str:
        """What a sum is called: new, or head."""
        return "new" if self.whole else "head"


PLAIN = Sums("embeddings")


class Terms(NamedTuple):
    """A row rounded: the coefficients of the words at `places`, then that of `others` together."""

    coefficients: tuple[str, ...]
    places: tuple[int, ...]
    others: int

    def said(self, term: str, of_word: Callable[[int], str], rest: str) -> list[str]:
        """Each coefficient with its word, `term` between them; the last perhaps with the `rest`."""
        names = [of_word(place) for place in self.places]
        names += [rest % self.others] if self.others else []
        pairs = zip(self.coefficients, names, strict=True)
        return [f"{coefficient}{term}{name}" for coefficient, name in pairs]


def sums_of(result: AttentionResult) -> Sums:
    """The equation that each row of each matrix of the result satisfies."""
    why = _altered(result.selection or {})
    if why:
        return Sums(None, False, why)
    settings = result.attention
    if settings.sums_embeddings:
        return PLAIN
    if settings.has_layers:
        return Sums("values", False)
    if settings.old_field == "value":
        turned = result.model is not None and result.model.has_output
        whole = (
            settings.n_heads == 1 and not turned and (result.selection or {}).get("heads") is None
        )
        return PLAIN if whole and _weighs_embeddings(result) else Sums("values", whole)
    return Sums(None, False, "the vectors that these weights weigh are not known")


def _weighs_embeddings(result: AttentionResult) -> bool:
    """Whether the values are the embeddings, as those of fitted weights are."""
    old, new, weights = result.embeddings, result.contextual, result.weights[0, 0]
    if old is None or old.shape != new.shape or not old.size:
        return False
    near = 1e-5 * float(np.abs(old).max())
    some = slice(0, 1)  # most results are told from one row
    return all(
        np.allclose(product(weights[rows], old), new[rows], rtol=0, atol=near)
        for rows in (some, slice(None))
    )


def _altered(selection: Mapping[str, Any]) -> str:
    """Why the weights are no longer those that made the new embeddings, or an empty text."""
    if selection.get("hidden"):
        return "rows are rescaled without what is hidden, the new embeddings are not"
    if selection.get("merged"):
        return "the pieces of words are merged, the vectors they weigh are not"
    pooled = [axis for axis in ("heads", "layers") if selection.get(f"{axis}_pooled")]
    if pooled:
        how = "maximum" if selection[f"{pooled[0]}_pooled"] == "max" else "mean"
        return f"the {how} of several {' and '.join(pooled)} weighs no vectors"
    return ""
