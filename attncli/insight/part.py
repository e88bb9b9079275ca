"""Which part of a result is wanted: the choices of one command, applied in a fixed order.

Measures of a result are those of what it shows: they are computed last, of the part.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from attncli.errors import EmptyError
from attncli.insight.measures import with_measures
from attncli.insight.names import Axis
from attncli.insight.select import (
    BY_HEAD,
    Matrices,
    Pooling,
    aggregate,
    chosen,
    pooled,
    select_heads,
    select_layers,
)
from attncli.insight.tokens import hide_tokens, merge_pieces
from attncli.result import AttentionResult
from attncli.stacks import Failure, Stack, stack_of


class Part(NamedTuple):
    """Layers and heads counted from 0 (None: all), pieces merged into words, `over` (layers, heads
    or both) drawn into one by `how`, then tokens hidden by name or because they are special: what
    is hidden is left out of the matrix that shows, and a head that looks elsewhere counts less.
    """

    layers: tuple[int, ...] | None = None
    heads: tuple[int, ...] | None = None
    merge: bool = False
    hide: tuple[str, ...] = ()
    hide_special: bool = False
    over: tuple[Axis, ...] = ()
    how: Pooling = "mean"

    def of(self, result: AttentionResult) -> AttentionResult:
        """The part of a result, measured where the result was.

        Raises: UsageError when a layer or head does not exist; EmptyError when no token is left.
        """
        part = self._cut(result)
        return part if part is result or result.measures is None else with_measures(part)

    def of_stack(self, stack: Stack) -> Iterator[Stack | Failure]:
        """The parts of the results of a stack: the same numbers as one by one.

        Raises: UsageError when a layer or head does not exist.
        """
        if stack.finished is None and not (self.merge or self.hide or self.hide_special):
            yield self._cut_stack(stack)
            return
        for i, place in enumerate(stack.places):
            try:
                yield stack_of(self.of(stack.result(i)), place)
            except EmptyError as error:
                yield Failure(place, error)

    def _cut_stack(self, stack: Stack) -> Stack:
        held = {name: array for name, array in stack.extras.items() if name in BY_HEAD}
        matrices = Matrices(stack.attention, stack.selection, stack.weights, held)
        if self.layers is not None:
            matrices = chosen(matrices, "layers", self.layers)
        if self.heads is not None:
            matrices = chosen(matrices, "heads", self.heads)
        matrices = pooled(matrices, self.over, self.how)
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
            result = merge_pieces(result)
        if self.over:
            result = aggregate(result, self.over, self.how)
        if self.hide or self.hide_special:
            result = hide_tokens(result, self.hide, special=self.hide_special)
        return result
