"""One word followed through one head: the numbers of the drawing of attention, from end to end.

embeddings → W_q, W_k, W_v → query, key, value of each word → products of one query with all keys →
scale → softmax → weighted sum → new embedding.
"""

from dataclasses import dataclass

import numpy as np

from attncli.arrays import FloatArray
from attncli.errors import DataError, UsageError
from attncli.insight.learned import NOTHING_LEARNED, Learned
from attncli.insight.stages import is_weighted_sum, stages
from attncli.insight.sums import sums_of
from attncli.results.names import axis_numbers, full_name, layer_of_vectors
from attncli.results.result import AttentionResult

MOST_WORDS = 12  # drawn beside each other; of a longer sentence those with the largest weights


@dataclass(frozen=True, slots=True, eq=False)
class Diagram:
    """The numbers of a drawing, of the words that are drawn.

    Shapes, for n words: embeddings (n, d_model), or None where what enters the layer is not known;
    query, key (n, d_k); value (n, d_v); products, scaled, powers, weights (n,); new (d_v,), the
    weighted sum over all words. The followed word stands at `place` in its sentence and at `row` among
    those that are drawn. In cross-attention these are of another text: `row` is None, and query
    (1, d_k) is that of the followed word alone. `others` counts the
    words that are not drawn, and `others_weight` is what these weigh together. `is_shared` says that
    query, key and value are the embedding, `joined` (d,) is what is made of all heads.
    """

    result: AttentionResult
    places: tuple[int, ...]
    place: int
    row: int | None
    name: str  # of the matrix, where there are several
    left: str  # what the sum is called: new, or the head that it is a part of
    embeddings: FloatArray | None
    query: FloatArray
    key: FloatArray
    value: FloatArray
    products: FloatArray
    scaled: FloatArray
    powers: FloatArray
    total: float
    weights: FloatArray
    new: FloatArray
    others: int
    others_weight: float
    is_shared: bool
    is_plain: bool  # whether scaled products are the scores, with nothing added
    matrices: tuple[tuple[str, FloatArray | None], ...]
    output: FloatArray | None
    joined: FloatArray | None
    learned: Learned

    @property
    def words(self) -> list[str]:
        """The words that are drawn: those that are attended to."""
        return [self.result.key_words[place] for place in self.places]

    @property
    def followed(self) -> str:
        """The word whose query meets all keys."""
        return self.result.words[self.place]

    @property
    def parts(self) -> FloatArray:
        """weight · value of each word, (n, d_v)."""
        parts: FloatArray = self.weights[:, None] * self.value
        return parts


def expect_drawable(result: AttentionResult) -> None:
    """Raises: UsageError where no head is left to be followed, DataError where it is not held."""
    sums = sums_of(result)
    if sums.terms is None:
        raise UsageError(f"found a result with no stages to draw: {sums.why}")
    for name in ("query", "key", "value"):
        if getattr(result, name) is None:
            raise DataError(f"the result holds no {name}, which the drawing is made of")


def diagram_of(
    result: AttentionResult,
    place: int,
    learned: Learned = NOTHING_LEARNED,
    *,
    most: int = MOST_WORDS,
) -> Diagram:
    """The drawing of the word at this place through the first head of the first layer of a result.

    Raises: UsageError, DataError where a result has no stages.
    """
    expect_drawable(result)
    head = stages(result, 0, 0, learned.projections)
    weights = head.weights[place]  # (n_keys,)
    across = result.is_cross
    places = _places(weights, None if across else place, most)
    scaled = np.where(np.isneginf(head.scaled[place]), -np.inf, head.scaled[place])
    layer = axis_numbers(result, "layers")[0]
    embeddings = _entering(result, layer)
    shared = result.attention.compares_embeddings
    output, matrices = _matrices(result, learned)
    new = head.new[place]  # (d_v,)
    return Diagram(
        result=result,
        places=places,
        place=place,
        row=None if across else places.index(place),
        name=full_name(result, 0, 0),
        left=head.left,
        embeddings=None if embeddings is None else _of(embeddings, places),
        query=_of(head.query, (place,) if across else places),
        key=_of(head.key, places),
        value=_of(head.value, places),
        products=head.products[place, list(places)],
        scaled=scaled[list(places)],
        powers=head.powers[place, list(places)],
        total=float(head.powers[place].sum()),
        weights=weights[list(places)],
        new=new,
        others=len(weights) - len(places),
        others_weight=float(weights.sum() - weights[list(places)].sum()),
        is_shared=shared,
        is_plain=head.plain,
        matrices=matrices,
        output=output,
        joined=_joined(result, place, layer),
        learned=learned,
    )


def _of(rows: FloatArray, places: tuple[int, ...]) -> FloatArray:
    taken: FloatArray = np.asarray(rows, dtype=np.float64)[list(places)]
    return taken


def _places(weights: FloatArray, place: int | None, most: int) -> tuple[int, ...]:
    """The words that are drawn, in their order: all, or the heaviest and the followed one at its place."""
    if len(weights) <= most:
        return tuple(range(len(weights)))
    heaviest = [at for at in np.argsort(-weights, kind="stable").tolist() if at != place]
    kept = [] if place is None else [place]
    return tuple(sorted([*kept, *heaviest[: most - len(kept)]]))


def _entering(result: AttentionResult, layer: int) -> FloatArray | None:
    """What enters the layer, (n_tokens, d_model), where that is held."""
    if not result.attention.has_layers:
        return result.embeddings
    states = result.hidden_states
    if states is not None and layer < len(states):
        return np.asarray(states[layer])
    return result.embeddings if layer == 0 else None


def _matrices(
    result: AttentionResult, learned: Learned
) -> tuple[FloatArray | None, tuple[tuple[str, FloatArray | None], ...]]:
    """W_o, and the matrices of the head by their names; None for those that are not at hand."""
    if result.attention.sums_embeddings:
        return None, ()
    names, projections = ("W_q", "W_k", "W_v"), learned.projections
    if projections is None:
        return None, tuple((name, None) for name in names)
    head = axis_numbers(result, "heads")[0]
    return projections.W_o, tuple((name, getattr(projections, name)[head]) for name in names)


def _joined(result: AttentionResult, place: int, layer: int) -> FloatArray | None:
    """The new embedding of the word, where it is no sum that is drawn, (d,)."""
    if sums_of(result).whole and is_weighted_sum(result):
        return None
    if result.attention.has_layers and layer != layer_of_vectors(result):
        return None
    joined: FloatArray = result.contextual[place].astype(np.float64)
    return joined
