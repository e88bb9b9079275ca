"""What each head looks at: numbers of a head, so that many layers and heads are seen at once.

Each number is a mean over rows, the tokens that attend. A number that the text does not have, such
as the weight on separators where there is none, is NaN. Rows in which every key is masked do not count.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias
from unicodedata import category

import numpy as np

from attncli.arrays import BoolArray, Float32Array, FloatArray, IntArray
from attncli.insight.measures import entropy
from attncli.insight.tokens import original_key_places, original_places, which_are_special
from attncli.results.cards import Card, Cell, Grid, Shaded, ShowsCard
from attncli.results.facts import Token
from attncli.results.names import axis_labels
from attncli.results.pieces import unmarked
from attncli.results.result import AttentionResult
from attncli.results.tables import pandas_of
from attncli.settings import HeadMeasure
from attncli.settings.frozen import dataclass, default_of

if TYPE_CHECKING:
    import pandas

Habit: TypeAlias = Literal["first", "previous", "self", "next", "separators"]
HABITS: tuple[Habit, ...] = ("first", "previous", "self", "next", "separators")
HEAD_MEASURES: tuple[HeadMeasure, ...] = (*HABITS, "entropy")
NO_HABIT = ""
MOST = 0.5  # of the weight: what a head does with more of it is what it mostly does
PAGE_BYTES = 4_000_000  # of the scores in one page
_FEWEST = 4  # tokens of a text whose first one may be called a sink


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HeadMap(ShowsCard):
    """The numbers of all heads of a result, and what its layers and heads are called.

    Shapes: each of `values`, one for each of HEAD_MEASURES, (n_layers, n_heads). The habits are
    shares of the weight; entropy is in nats, 0 to ln `n_keys`.
    """

    text: str
    layers: Sequence[str]
    heads: Sequence[str]
    n_keys: int
    values: Mapping[HeadMeasure, FloatArray]

    def __repr__(self) -> str:
        return f"HeadMap({self.text!r}, {len(self.layers)} × {len(self.heads)} heads)"

    def to_pandas(self) -> "pandas.DataFrame":
        """A row for each head: layer, head, habit (empty for none), and every measure.

        Raises: MissingExtraError where pandas is not installed.
        """
        names, _ = self.habits()
        columns: dict[str, Any] = {
            "layer": [label for label in self.layers for _ in self.heads],
            "head": [label for _ in self.layers for label in self.heads],
            "habit": [name for row in names for name in row],
        }
        for axis in ("layer", "head"):
            if all(label.isdecimal() for label in columns[axis]):
                columns[axis] = [int(label) for label in columns[axis]]
        return pandas_of(columns | {name: of.ravel() for name, of in self.values.items()})

    def card(self) -> Card:
        """What a notebook shows: of each head what it does most, and the share of its weight."""
        names, shares = self.habits()
        rows: list[list[Cell]] = [
            [label, *map(_shaded, of_layer, shares_of_layer)]
            for label, of_layer, shares_of_layer in zip(
                self.layers, names, shares.tolist(), strict=True
            )
        ]
        line = "what each head looks at most, and how much of its weight goes there"
        return Card(self.text, line, [Grid(["layer", *self.heads], rows)])

    def shares(self, measure: HeadMeasure) -> FloatArray:
        """A measure as shares of the most it can be, 0 to 1. Shape: (n_layers, n_heads)."""
        most = np.log(max(self.n_keys, 2)) if measure == "entropy" else 1.0
        shares: FloatArray = np.clip(self.values[measure] / most, 0.0, 1.0)
        return shares

    def habits(self) -> tuple[list[list[str]], FloatArray]:
        """What each head does most, NO_HABIT where it does nothing of all, and its share.

        Shapes: both (n_layers, n_heads).
        """
        every = np.stack([self.values[name] for name in HABITS])  # (n_habits, n_layers, n_heads)
        known = np.nan_to_num(every, nan=0.0)
        best, share = known.argmax(axis=0), known.max(axis=0)
        names = [
            [HABITS[at] if of else NO_HABIT for at, of in zip(row, shares, strict=True)]
            for row, shares in zip(best.tolist(), share.tolist(), strict=True)
        ]
        return names, share

    def strongest(self, measure: HeadMeasure, count: int) -> list[tuple[int, int]]:
        """The places of the heads with the most of a measure, (layer, head), the first one first."""
        values = self.values[measure]
        order = np.argsort(-values, axis=None, kind="stable")[:count]  # NaN is last
        return [
            (int(at) // values.shape[1], int(at) % values.shape[1])
            for at in order
            if not np.isnan(values.flat[at])
        ]


def _shaded(habit: str, share: float) -> Shaded:
    """A cell of a notebook's table."""
    return Shaded(f"{habit} {share:.0%}" if habit else "–", share)


def head_map(result: AttentionResult) -> HeadMap:
    """The measures of every head of a result.

    first: the weight that the other tokens give the first of the whole text (Xiao et al. 2023,
    arXiv:2309.17453, call it a sink). previous and next: the weight on the token before and after.
    self: that on the token itself. separators: that on special tokens and punctuation together, but
    for the first token. entropy: of the rows, in nats, not divided by its maximum.
    In cross-attention first and separators are those of the other text, and no token has itself or
    a neighbor among its keys.
    Source: Clark et al. 2019 (arXiv:1906.04341), section 3.
    """
    if isinstance(result, MappedResult):
        values = result.measured
    else:
        places = original_key_places(result)
        keys = KeysOfHeads.of(result.key_tokens, places, others=result.is_cross)
        values = no_measures(*result.weights.shape[:2])
        for layer, heads in enumerate(result.weights):
            for head, weights in enumerate(heads):
                for name, value in measured_head(weights, keys).items():
                    values[name][layer, head] = value
    return HeadMap(
        text=result.text,
        layers=axis_labels(result, "layers"),
        heads=axis_labels(result, "heads"),
        n_keys=len(result.key_tokens),
        values=values,
    )


def no_measures(n_layers: int, n_heads: int) -> dict[HeadMeasure, FloatArray]:
    """A number of each measure for each head, none known yet. Shapes: each (n_layers, n_heads)."""
    return {name: np.full((n_layers, n_heads), np.nan) for name in HEAD_MEASURES}


class PageMatrices(NamedTuple):
    """What a page shows of weights that were not kept.

    `held` are the matrices of some heads by their places, each (n_tokens, n_keys); `largest` is the
    largest weight of each square of every head, (n_layers, n_heads, rows, columns); whether all rows
    `sum_to_one`, and whether a weight `has_vanished` that other temperatures would show.
    """

    held: Mapping[tuple[int, int], Float32Array]
    largest: Float32Array
    sum_to_one: bool
    has_vanished: bool


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MappedResult(AttentionResult):
    """A result of which only the numbers of its heads were kept; its weights are zeros that take no memory.

    Shapes: each of `measured`, one for each of HEAD_MEASURES, (n_layers, n_heads). `first_share` is
    the share of the weight that goes to the first token; `of_page` is what a page shows beside that.
    """

    measured: Mapping[HeadMeasure, FloatArray] = field(default_factory=dict)
    first_share: float = 0.0
    of_page: PageMatrices | None = None

    def __post_init__(self) -> None:
        """Nothing is checked: who made it measured its weights."""


def matrices_at(result: AttentionResult, places: Sequence[tuple[int, int]]) -> Float32Array:
    """The weights of the heads at these places, (layer, head). Shape (n_places, n_tokens, n_keys)."""
    if isinstance(result, MappedResult) and result.of_page is not None:
        return np.stack([result.of_page.held[place] for place in places])
    chosen: Float32Array = result.weights[tuple(np.array(places).T)]
    return chosen


def layer_of(result: AttentionResult, layer: int) -> AttentionResult:
    """One layer of a result, without what belongs to single heads beside their weights.

    Of a MappedResult the heads of that layer must be held.
    """
    places = [(layer, head) for head in range(result.attention.n_heads)]
    given = {name: getattr(result, name) for name in default_of(AttentionResult)}
    given |= dict.fromkeys(("query", "key", "value", "scores", "measures", "decoder", "cross"))
    given["weights"] = matrices_at(result, places)[None]  # (1, n_heads, n_tokens, n_keys)
    given["attention"] = result.attention._replace(n_layers=1)
    return AttentionResult(**given)


def sink_share(result: AttentionResult) -> float:
    """The weight that the other tokens give the first one, the mean of all heads.

    0 where there is no sink to speak of: the first token is hidden, the text has under four tokens,
    the tokens read another text, or the vectors of words are compared as they are.
    """
    hidden = 0 not in original_places(result)
    if result.is_cross or hidden or len(result.tokens) < _FEWEST or result.attention.is_of_words:
        return 0.0
    if isinstance(result, MappedResult):
        return result.first_share
    rows = result.weights[:, :, 1:]  # (n_layers, n_heads, n_tokens - 1, n_tokens)
    whole = float(rows.sum(dtype=np.float64))
    return float(rows[..., 0].sum(dtype=np.float64)) / whole if whole else 0.0


class KeysOfHeads(NamedTuple):
    """What the keys of a text are to its heads.

    `first`: the place of the first token of the whole text, None where it is hidden. `before`: the
    places of the tokens whose neighbor before them is there, which stands one place earlier. In
    cross-attention, where rows are `others`, there are none.
    """

    first: int | None
    before: IntArray
    separators: BoolArray
    others: bool = False

    @classmethod
    def of(
        cls, tokens: Sequence[Token], places: Sequence[int], *, others: bool = False
    ) -> "KeysOfHeads":
        first = 0 if len(places) and places[0] == 0 else None
        separators = which_are_special(tokens) | np.array(
            [_is_punctuation(unmarked(token.text)) for token in tokens], dtype=np.bool_
        )
        if first is not None:
            separators[first] = False
        before = np.flatnonzero(np.diff(np.array(places)) == 1) + 1
        return cls(first, before[:0] if others else before, separators, others)


def measured_head(weights: Float32Array, tokens: KeysOfHeads) -> dict[HeadMeasure, float]:
    """The numbers of one head that the text has. Shapes: weights (n_tokens, n_keys)."""
    full: BoolArray = np.any(weights != 0, axis=-1)  # (n_tokens,), rows that attend to something
    rows = weights[full].astype(np.float64)  # (n_full, n_tokens)
    if not len(rows):
        return {}
    numbers: dict[HeadMeasure, float] = {"entropy": float(entropy(rows).mean())}
    if not tokens.others:
        numbers["self"] = float(np.diagonal(weights)[full].mean(dtype=np.float64))
    if tokens.separators.any():
        numbers["separators"] = float(rows[:, tokens.separators].sum(axis=-1).mean())
    others = np.flatnonzero(full)
    if tokens.first is not None:
        others = others if tokens.others else others[others != tokens.first]
        if len(others):
            numbers["first"] = float(weights[others, tokens.first].mean(dtype=np.float64))
    after = tokens.before[full[tokens.before]]
    if len(after):
        numbers["previous"] = float(weights[after, after - 1].mean(dtype=np.float64))
    before = tokens.before[full[tokens.before - 1]]
    if len(before):
        numbers["next"] = float(weights[before - 1, before].mean(dtype=np.float64))
    return numbers


def _is_punctuation(text: str) -> bool:
    """Whether a token is a mark such as a comma or a period, alone or several."""
    bare = text.strip()
    return bool(bare) and all(category(letter).startswith("P") for letter in bare)
