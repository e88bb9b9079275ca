"""Weights that pass by, a layer at a time: of each head its numbers are kept, and little else.

The matrices of a part are made of those of the layers as they come, by the steps that `Part` takes
with a whole result, so that the numbers are the same: pieces merged, heads or layers drawn together,
tokens hidden.
"""

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np

from attncli.arrays import Float32Array
from attncli.insight.chosen_part import Part
from attncli.insight.heads import (
    PAGE_BYTES,
    KeysOfHeads,
    MappedResult,
    PageMatrices,
    measured_head,
    no_measures,
)
from attncli.insight.other_temperatures import held_places, sum_to_one, vanished
from attncli.insight.places import mask_of
from attncli.insight.select import Matrices, Pooling, chosen, pooled
from attncli.insight.squares import largest_of_squares
from attncli.insight.tokens import (
    hide_tokens,
    merge_pieces,
    original_key_places,
    original_places,
    rescaled,
    weights_of_words,
    word_starts,
)
from attncli.results.names import axis_numbers, positions
from attncli.results.result import AttentionResult


class HeadStream:
    """What measures the heads of a part of a text while its layers are computed.

    `text` is the result without its weights: zeros of one layer and one head. `shape` says how many
    layers and heads pass by. With `for_page` the matrices that a page holds are kept too, and every
    other one as a small picture.
    Raises: UsageError when a layer or head does not exist; EmptyError when every token is hidden.
    """

    def __init__(
        self, text: AttentionResult, shape: tuple[int, int], part: Part, *, for_page: bool = False
    ) -> None:
        self._part = part
        words, cut = self._cut(text)
        self._matrices = _drawn_of(text, shape, part)
        self._starts = (word_starts(text.tokens), word_starts(text.key_tokens))
        self._merges = words is not text
        self._kept = None if cut is words else (original_places(cut), original_key_places(cut))
        of_all = _of_all(text, shape)
        self._layers = axis_numbers(of_all, "layers")
        if part.layers is not None:
            places = positions(of_all, "layers", part.layers)
            self._layers = [self._layers[place] for place in places]
        self._heads = None if part.heads is None else positions(of_all, "heads", part.heads)
        n_heads = shape[1] if self._heads is None else len(self._heads)
        sizes = {"layers": len(self._layers), "heads": n_heads}
        self._over = [axis for axis in dict.fromkeys(part.over) if sizes[axis] > 1]
        count = 1 if self._over[:1] == ["heads"] else n_heads
        count = count if "layers" in self._over else 0
        self._by_head = [_Drawn(part.how) for _ in range(count)]
        settings = self._matrices.attention
        self._measured = no_measures(settings.n_layers, settings.n_heads)
        self._keys = KeysOfHeads.of(cut.key_tokens, original_key_places(cut), others=cut.is_cross)
        self._first = self._whole = self._of_kept = self._of_all = 0.0
        self._page = None
        if for_page:
            self._page = _ForPage(cut, self._matrices)
        self.is_finite = True

    def add(self, layer: int, weights: Float32Array) -> None:
        """Measures the heads of a layer of the model. Shape: weights (n_heads, n_tokens, n_keys)."""
        if layer not in self._layers:
            return
        if self._heads is not None:
            weights = weights[self._heads]
        self.is_finite = self.is_finite and all(np.isfinite(own).all() for own in weights)
        if not self.is_finite:
            return
        words: Iterable[Float32Array] = self._words(weights)
        if self._over[:1] == ["heads"]:
            words = (_drawn(words, self._part.how),)
        for head, own in enumerate(words):
            if self._by_head:
                self._by_head[head].add(own)
            else:
                self._take((self._layers.index(layer), head), own)

    def result(self, text: AttentionResult) -> MappedResult:
        """The part of the text with the numbers of its heads; `text` as at first, with its vectors."""
        self._end_layers()
        drawn = self._matrices
        words, _ = self._cut(text, hides=False)
        words = replace(
            words, selection=self._selection(words), warnings=(*words.warnings, *drawn.warnings)
        )
        gone = 1 - self._of_kept / self._of_all if self._of_all else 0.0
        _, cut = self._cut(words, merges=False, share=gone)
        given: dict[str, Any] = {each.name: getattr(cut, each.name) for each in fields(text)}
        settings = drawn.attention
        shape = (settings.n_layers, settings.n_heads, *cut.weights.shape[-2:])
        given |= {"attention": settings, "weights": np.broadcast_to(np.float32(0), shape)}
        return MappedResult(
            **given,
            measured=self._measured,
            first_share=self._first / self._whole if self._whole else 0.0,
            of_page=None if self._page is None else self._page.matrices(),
        )

    def _selection(self, words: AttentionResult) -> dict[str, Any] | None:
        """What was chosen and drawn together, beside what was done with the tokens."""
        return {**(words.selection or {}), **(self._matrices.selection or {})} or None

    def _cut(
        self,
        text: AttentionResult,
        *,
        merges: bool = True,
        hides: bool = True,
        share: float | None = None,
    ) -> tuple[AttentionResult, AttentionResult]:
        """The text in words, and that without what is hidden. Raises: EmptyError."""
        part = self._part
        words = merge_pieces(text) if part.merge and merges else text
        if not (hides and (part.hide or part.hide_special)):
            return words, words
        return words, hide_tokens(words, part.hide, special=part.hide_special, share=share)

    def _words(self, weights: Float32Array) -> Iterator[Float32Array]:
        """Of each head the weights of words."""
        for own in weights:
            yield weights_of_words(own, *self._starts) if self._merges else own

    def _end_layers(self) -> None:
        """Measures what is drawn together of all layers, where that is wanted."""
        words: Iterable[Float32Array] = (of_head.drawn for of_head in self._by_head)
        if self._by_head and self._over == ["layers", "heads"]:
            words = (_drawn(words, self._part.how),)
        for head, own in enumerate(words):
            self._take((0, head), own)
        self._by_head = []

    def _take(self, place: tuple[int, int], weights: Float32Array) -> None:
        """Measures one matrix of the part, before what is hidden is left out of it."""
        if self._kept is not None:
            rows = weights[self._kept[0]]
            kept = rows[:, self._kept[1]]
            self._of_all += float(rows.sum(dtype=np.float64))
            self._of_kept += float(kept.sum(dtype=np.float64))
            weights = rescaled(kept)
        for name, value in measured_head(weights, self._keys).items():
            self._measured[name][place] = value
        self._whole += float(weights[1:].sum(dtype=np.float64))
        self._first += float(weights[1:, 0].sum(dtype=np.float64))
        if self._page is not None:
            self._page.take(place, weights)


class _Drawn:
    """The mean or the maximum of matrices that come one by one, to the bit that of all together."""

    def __init__(self, how: Pooling) -> None:
        self._how, self._count = how, 0
        self._sum: Float32Array | None = None

    def add(self, weights: Float32Array) -> None:
        """One more matrix."""
        self._count += 1
        if self._sum is None:
            self._sum = weights.copy()
        elif self._how == "mean":
            self._sum += weights
        else:
            np.maximum(self._sum, weights, out=self._sum)

    @property
    def drawn(self) -> Float32Array:
        """What they are together."""
        assert self._sum is not None
        return self._sum / np.float32(self._count) if self._how == "mean" else self._sum


def _drawn(matrices: Iterable[Float32Array], how: Pooling) -> Float32Array:
    """The mean or the maximum of matrices."""
    together = _Drawn(how)
    for weights in matrices:
        together.add(weights)
    return together.drawn


class _ForPage:
    """What a page needs of the matrices of a part, which pass by one by one."""

    def __init__(self, text: AttentionResult, drawn: Matrices) -> None:
        settings, size = drawn.attention, text.weights.shape[-2:]
        self._places = set(
            held_places(drawn, (settings.n_layers, settings.n_heads, *size), PAGE_BYTES)
        )
        sides = largest_of_squares(text.weights[0, 0]).shape
        self._mask = mask_of(text)
        self._temperature = settings.temperature
        self._held: dict[tuple[int, int], Float32Array] = {}
        self._largest = np.zeros((settings.n_layers, settings.n_heads, *sides), dtype=np.float32)
        self._sum_to_one, self._has_vanished = True, False

    def take(self, place: tuple[int, int], weights: Float32Array) -> None:
        """One matrix, as it is shown."""
        self._largest[place] = largest_of_squares(weights)
        self._sum_to_one &= sum_to_one(weights.sum(axis=-1, dtype=np.float64))
        self._has_vanished |= vanished(weights, self._mask, self._temperature)
        if place in self._places:
            self._held[place] = weights.copy()

    def matrices(self) -> PageMatrices:
        """All that was kept."""
        return PageMatrices(self._held, self._largest, self._sum_to_one, self._has_vanished)


def _of_all(text: AttentionResult, shape: tuple[int, int]) -> Matrices:
    """The layers and heads that pass by, with no numbers in them."""
    n_layers, n_heads = shape
    settings = text.attention._replace(n_layers=n_layers, n_heads=n_heads)
    return Matrices(settings, text.selection, np.zeros((*shape, 1, 1), dtype=np.float32))


def _drawn_of(text: AttentionResult, shape: tuple[int, int], part: Part) -> Matrices:
    """Those of the part: chosen, and drawn together."""
    matrices = _of_all(text, shape)
    if part.layers is not None:
        matrices = chosen(matrices, "layers", part.layers)
    if part.heads is not None:
        matrices = chosen(matrices, "heads", part.heads)
    return pooled(matrices, part.over, part.how)
