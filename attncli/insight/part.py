"""Which part of a result is wanted: the choices of one command, applied in a fixed order."""

from typing import NamedTuple

from attncli.insight.names import Axis
from attncli.insight.select import Pooling, aggregate, select_heads, select_layers
from attncli.insight.tokens import hide_tokens, merge_pieces
from attncli.result import AttentionResult


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
        """The part of a result.

        Raises: UsageError when a layer or head does not exist; EmptyError when no token is left.
        """
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
