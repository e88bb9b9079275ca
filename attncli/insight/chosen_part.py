"""Which part of a result is wanted: the choices of one command, applied in a fixed order.

Measures of a result are those of what it shows: they are computed last, of the part.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from attncli.errors import EmptyError, UsageError, field_name
from attncli.insight.measures import with_measures
from attncli.insight.select import (
    BY_HEAD,
    Matrices,
    Pooling,
    aggregate,
    chosen,
    held_by_head,
    pooled,
    select_heads,
    select_layers,
)
from attncli.insight.tokens import hide_tokens, merge_pieces
from attncli.results.decoded import on_each_part
from attncli.results.facts import ResultWarning
from attncli.results.names import Axis
from attncli.results.parts import choices_of_part, expect_result
from attncli.results.result import AttentionResult
from attncli.results.stack import Failure, Stack, stack_of
from attncli.settings import Which
from attncli.settings.frozen import dataclass, default_of, replace

FEW_HEADS = 4  # more are shown as their mean, where nobody chooses
LEFT_OUT = "left-out"  # the code of the warning that a field was asked for and is not there
_OF_PIECES = "pieces of words have them, and pieces were merged"
_OF_HEADS = "single heads have them, and heads or layers were drawn together"


@dataclass(frozen=True, slots=True)
class Part:
    """Layers and heads counted from 0 (None: all), pieces merged into words, `over` (layers, heads
    or both) drawn into one by `how` (mean or max), then tokens hidden by name or because they are
    special: what is hidden is left out of the matrix that shows, and a head that looks elsewhere
    counts less. In `hide`, "first" is the first token and "special" every special one; a token
    spelled so is '"first"', in double quotes. Of an encoder with a decoder that reads a second text,
    `which` chooses the encoder, the decoder or cross-attention; with `shown` it is the part that views
    show.
    Raises: ArgumentError, UsageError for what chooses nothing.

    >>> result = explain("money bank grows", attention="task", heads=4)
    >>> Part(heads=(0, -1)).of(result).weights.shape
    (1, 2, 3, 3)
    """

    layers: tuple[int, ...] | None = None
    heads: tuple[int, ...] | None = None
    merge: bool = False
    hide: tuple[str, ...] = ()
    hide_special: bool = False
    over: tuple[Axis, ...] = ()
    how: Pooling = "mean"
    asked: frozenset[str] = frozenset()  # fields that a reader waits for: their loss is told
    which: Which | None = None
    shown: bool = False

    def __post_init__(self) -> None:
        given = {name: getattr(self, name) for name in default_of(Part)}
        for name, value in choices_of_part(given).items():
            object.__setattr__(self, name, value)

    def of(self, result: AttentionResult) -> AttentionResult:
        """The part of a result, measured where the result was.

        Raises: ArgumentError for no result, UsageError when a layer, head or part does not exist;
        EmptyError when no token is left.
        """
        expect_result(result)
        if self.which is not None:
            result = part_named(result, self.which)
        elif self.shown:
            result = result.shown
        part = self._cut(result)
        if part is result or result.measures is None:
            return part
        return on_each_part(part, with_measures)

    def of_stack(self, stack: Stack) -> Iterator[Stack | Failure]:
        """The parts of the results of a stack: the same numbers as one by one.

        Raises: UsageError when a layer or head does not exist.
        """
        whole = self.which is None and not (self.merge or self.hide or self.hide_special)
        if stack.finished is None and whole:
            yield self._cut_stack(stack)
            return
        yield from one_by_one(stack, self.of)

    def _cut_stack(self, stack: Stack) -> Stack:
        held = {name: array for name, array in stack.extras.items() if name in BY_HEAD}
        matrices = Matrices(stack.attention, stack.selection, stack.made("weights"), held)
        if self.layers is not None:
            matrices = chosen(matrices, "layers", self.layers)
        if self.heads is not None:
            matrices = chosen(matrices, "heads", self.heads)
        drawn = pooled(matrices, self.over, self.how)
        matrices = drawn._replace(
            warnings=(*drawn.warnings, *self._losses(matrices.by_head, drawn.by_head, _OF_HEADS)),
        )
        others = {name: array for name, array in stack.extras.items() if name not in BY_HEAD}
        warnings = stack.warnings
        if matrices.warnings:
            every = range(len(stack))
            warnings = {i: (*warnings.get(i, ()), *matrices.warnings) for i in every}
        return replace(
            stack,
            attention=matrices.attention,
            selection=matrices.selection,
            weights=matrices.weights,
            extras={**others, **matrices.by_head},
            warnings=warnings,
        )

    def _cut(self, result: AttentionResult) -> AttentionResult:
        if self.layers is not None:
            result = select_layers(result, self.layers)
        if self.heads is not None:
            result = select_heads(result, self.heads)
        if self.merge:
            result = self._telling(result, merge_pieces(result), _OF_PIECES)
        if self.over:
            drawn = aggregate(result, self.over, self.how)
            result = self._telling(result, drawn, _OF_HEADS)
        if self.hide or self.hide_special:
            result = hide_tokens(result, self.hide, special=self.hide_special)
        return result

    def _telling(self, whole: AttentionResult, part: AttentionResult, why: str) -> AttentionResult:
        """The part with a warning of the fields that were asked for and that only the whole has."""
        said = self._losses(held_by_head(whole), held_by_head(part), why)
        return replace(part, warnings=(*part.warnings, *said)) if said else part

    def _losses(
        self, before: Iterable[str], after: Iterable[str], why: str
    ) -> tuple[ResultWarning, ...]:
        gone = [name for name in before if name in self.asked and name not in after]
        return (ResultWarning(LEFT_OUT, f"{', '.join(gone)} left out: {why}"),) if gone else ()


class ShownPart(NamedTuple):
    """What a terminal shows of a result when nothing is chosen: the last layer, and the mean of its
    heads where there are more than `FEW_HEADS`; of that, what is chosen of the `tokens`.
    """

    tokens: Part = Part()

    def of(self, result: AttentionResult) -> AttentionResult:
        """The part of a result. Raises: EmptyError when every token is hidden."""
        result = result.shown
        attention = result.attention
        layers = (-1,) if attention.n_layers > 1 else None
        over: tuple[Axis, ...] = ("heads",) if attention.n_heads > FEW_HEADS else ()
        return self.tokens.of(Part(layers=layers, over=over).of(result))

    def of_stack(self, stack: Stack) -> Iterator[Stack | Failure]:
        """The parts of the results of a stack."""
        return one_by_one(stack, self.of)


def part_named(result: AttentionResult, which: Which) -> AttentionResult:
    """The result of the encoder, of the decoder, or cross-attention. Raises: UsageError."""
    if result.is_cross and which == "cross":
        return result
    if result.decoder is None or result.cross is None:
        held = "only cross-attention is" if result.is_cross else "no decoder is"
        hint = f"an encoder with a decoder has parts where it reads a second text: {field_name('pair')}"
        raise UsageError(
            f"found {which}, but {held} here", place=field_name("part.which"), hints=(hint,)
        )
    if which == "encoder":
        return replace(result, decoder=None, cross=None)
    return result.decoder if which == "decoder" else result.cross


def told_as_left_out(result: AttentionResult) -> set[str]:
    """The fields of which a warning of the result says that they were left out."""
    told = [w.message.partition(" left out")[0] for w in result.warnings if w.code == LEFT_OUT]
    return {name for names in told for name in names.split(", ")}


def one_by_one(
    stack: Stack, of: Callable[[AttentionResult], AttentionResult]
) -> Iterator[Stack | Failure]:
    """The part of each result of a stack, in a stack of its own; a Failure where none is left."""
    for i, place in enumerate(stack.places):
        try:
            yield stack_of(of(stack.result(i)), place)
        except EmptyError as error:
            yield Failure(place, error)
