"""Results of many sentences as arrays: what an Analyser makes before anybody asks for one result.

Sentences with the same number of tokens are computed together and stay together until a reader or
a writer wants a single one; a writer that prints arrays never builds the single results at all.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, NamedTuple, overload

import numpy as np

from attncli.arrays import Float32Array, IntArray
from attncli.errors import AttnError
from attncli.results.facts import AttentionSettings, ModelInfo, ResultWarning, Token, VectorsInfo
from attncli.results.fields import OPTIONAL_ARRAYS, PARTS, UNRECORDED, USUAL_FIELDS
from attncli.results.result import AttentionResult
from attncli.settings.frozen import dataclass, default_of

# Fields that only finished results have; all others a Stack holds for its sentences together. What
# belongs to a decoder is not written by batches.
RARE_FIELDS = tuple(
    name
    for name in default_of(AttentionResult)
    if name not in (*USUAL_FIELDS, "weights", *OPTIONAL_ARRAYS, *UNRECORDED, "keys", *PARTS)
)


class Fragment:
    """One token of a piece of text, which every occurrence of the piece shares.

    `text` is the token, `start` and `end` its place in the piece, `row` the row of its vector;
    `key` and `status` say how the vector was found. A writer keeps in `before`, `span` and `after` what
    it makes of the token, so that it is made once for all occurrences.
    """

    __slots__ = ("after", "before", "end", "key", "row", "span", "start", "status", "text")

    def __init__(self, text: str, start: int, end: int, key: str, status: str, row: int) -> None:
        self.text = text
        self.start = start
        self.end = end
        self.key = key
        self.status = status
        self.row = row
        self.before = self.after = ""
        self.span = 0


@dataclasses.dataclass(frozen=True, slots=True)  # one a sentence: its making counts
class TokenRun:
    """The tokens of a sentence: `parts[i]` begins its piece at character `places[i]`."""

    parts: Sequence[Fragment]
    places: Sequence[int]

    def __len__(self) -> int:
        return len(self.parts)

    def tokens(self) -> tuple[Token, ...]:
        """The tokens with their offsets in the sentence."""
        return tuple(
            Token(part.text, place + part.start, place + part.end, part.key, part.status)
            for part, place in zip(self.parts, self.places, strict=True)
        )

    @classmethod
    def of(cls, tokens: Iterable[Token]) -> "TokenRun":
        """The run of tokens made elsewhere."""
        parts = [Fragment(t.text, t.start, t.end, t.key, t.status, -1) for t in tokens]
        return cls(parts, [0] * len(parts))


class TokenRuns(Sequence[TokenRun]):
    """The tokens of B sentences of one length as numbers; a run is made when one is asked for.

    `which` (B, n_tokens) says which of the `fragments` each token is, `places` (B, n_tokens) where its
    piece begins. `fragments` may grow at its end.
    """

    __slots__ = ("fragments", "places", "which")

    def __init__(self, fragments: Sequence[Fragment], which: IntArray, places: IntArray) -> None:
        self.fragments, self.which, self.places = fragments, which, places

    def __len__(self) -> int:
        return len(self.which)

    @overload
    def __getitem__(self, i: int) -> TokenRun: ...
    @overload
    def __getitem__(self, i: slice) -> "TokenRuns": ...
    def __getitem__(self, i: int | slice) -> "TokenRun | TokenRuns":
        if isinstance(i, slice):
            return self.pick(i)
        parts = list(map(self.fragments.__getitem__, self.which[i].tolist()))
        return TokenRun(parts, self.places[i].tolist())

    def pick(self, chosen: "IntArray | slice") -> "TokenRuns":
        """Those of some of the sentences."""
        return TokenRuns(self.fragments, self.which[chosen], self.places[chosen])


class Failure(NamedTuple):
    """A sentence that has no result; `place` counts in the texts that were given."""

    place: int
    error: AttnError


@dataclass(frozen=True, slots=True, eq=False)
class Stack:
    """The results of B sentences that have the same number of tokens.

    Shapes: weights (B, n_layers, n_heads, n_tokens, n_tokens); contextual (B, n_tokens, d_v); each
    array of `extras` (B, …) as the field of that name in a result. `places` count in the texts that
    were given; `warnings` holds those sentences that have any. `selection` says which
    layers and heads of larger results these are. A stack of one may hold its
    `finished` result. An array that nobody reads is None where it was not made.
    """

    places: Sequence[int]
    texts: Sequence[str]
    tokens: Sequence[TokenRun]
    weights: Float32Array | None
    contextual: Float32Array | None
    attention: AttentionSettings
    vectors: VectorsInfo
    models: Sequence[ModelInfo] | None = None
    warnings: Mapping[int, tuple[ResultWarning, ...]] = field(default_factory=dict)
    extras: Mapping[str, Float32Array] = field(default_factory=dict)
    selection: Mapping[str, Any] | None = None
    finished: AttentionResult | None = None

    def __len__(self) -> int:
        return len(self.places)

    def arrays(self, name: str) -> Float32Array | None:
        """The arrays of a field for all sentences, (B, …); None where they have none."""
        if name in ("weights", "contextual"):
            return getattr(self, name)  # type: ignore[no-any-return]  # an array
        if self.finished is None:
            return self.extras.get(name)
        found = getattr(self.finished, name)
        return None if found is None else found[None]

    def made(self, name: str) -> Float32Array:
        """The arrays of a field that was asked for, (B, …)."""
        found = self.arrays(name)
        if found is None:
            raise ValueError(f"no {name} were made")
        return found

    def array(self, name: str, i: int) -> Float32Array | None:
        """The i-th sentence's array of a field, None where it has none."""
        found = self.arrays(name)
        return None if found is None else found[i]

    def rare(self) -> dict[str, Any]:
        """What the records hold besides: a selection; pair, measures … of a finished result."""
        if self.finished is None:
            return {} if self.selection is None else {"selection": dict(self.selection)}
        record = self.finished.to_record(include=RARE_FIELDS)
        return {name: value for name, value in record.items() if name in RARE_FIELDS}

    def result(self, i: int) -> AttentionResult:
        """The i-th sentence's result; weights that nobody reads are unknown to it."""
        if self.finished is not None:
            return self.finished
        weights = self.array("weights", i)
        unknown: tuple[str, ...] = ()
        if weights is None:
            n_tokens = len(self.tokens[i])
            shape = (self.attention.n_layers, self.attention.n_heads, n_tokens, n_tokens)
            weights, unknown = np.broadcast_to(np.float32(0), shape), ("weights",)
        extras: dict[str, Any] = {name: array[i] for name, array in self.extras.items()}
        return AttentionResult(
            text=self.texts[i],
            tokens=self.tokens[i].tokens(),
            attention=self.attention,
            weights=weights,
            contextual=self.made("contextual")[i],
            vectors=self.vectors,
            index=self.places[i],
            model=None if self.models is None else self.models[i],
            warnings=self.warnings.get(i, ()),
            selection=self.selection,
            unknown=unknown,
            **extras,
        )


def unfailing(outcomes: Iterable[AttentionResult | AttnError]) -> Iterator[AttentionResult]:
    """The results. Raises the first AttnError among them."""
    for outcome in outcomes:
        if isinstance(outcome, AttnError):
            raise outcome
        yield outcome


def in_order(items: Iterable[Stack | Failure], count: int) -> Iterator[AttentionResult | AttnError]:
    """The outcomes of `count` texts in their order, from the stacks they came in."""
    where: list[tuple[Stack, int] | AttnError | None] = [None] * count
    for item in items:
        if isinstance(item, Failure):
            where[item.place] = item.error
        else:
            for i, place in enumerate(item.places):
                where[place] = (item, i)
    for outcome in where:
        if isinstance(outcome, AttnError):
            yield outcome
        elif outcome is not None:
            stack, i = outcome
            yield stack.result(i)


def stacks_of(outcomes: Iterable[AttentionResult | AttnError]) -> Iterator[Stack | Failure]:
    """Finished outcomes as stacks of one, for Analysers that make single results."""
    for place, outcome in enumerate(outcomes):
        if isinstance(outcome, AttnError):
            yield Failure(place, outcome)
        else:
            yield stack_of(outcome, place)


def stack_of(result: AttentionResult, place: int) -> Stack:
    """A finished result as a stack of one."""
    return Stack(
        places=(place,),
        texts=(result.text,),
        tokens=(TokenRun.of(result.tokens),),
        weights=result.weights[None],
        contextual=result.contextual[None],
        attention=result.attention,
        vectors=result.vectors,
        models=None if result.model is None else (result.model,),
        warnings={0: result.warnings} if result.warnings else {},
        selection=result.selection,
        finished=result,
    )
