"""An Analyser that shows a part of what another one finds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from attncli.errors import AttnError, EmptyError
from attncli.insight.part import Part
from attncli.results.result import AttentionResult
from attncli.results.stack import Failure, Stack, stacks_of, unfailing


class WholeAnalyser(Protocol):
    """What is asked of the other Analyser."""

    def outcomes(self, texts: Sequence[str]) -> Iterator[AttentionResult | AttnError]:
        """An outcome for each text, in order."""


class Choice(Protocol):
    """What cuts a result down: a `Part`, or what a terminal shows."""

    def of(self, result: AttentionResult) -> AttentionResult:
        """The part of a result. Raises: UsageError, EmptyError when nothing is left."""


@dataclass(frozen=True, slots=True)
class PartAnalyser:
    """Each result of `analyser` cut down to `part`; errors pass through."""

    analyser: WholeAnalyser
    part: Choice

    def __call__(self, texts: Sequence[str]) -> Iterator[AttentionResult]:
        """The results of the texts. Raises the first sentence's AttnError."""
        return unfailing(self.outcomes(texts))

    def stacks(self, texts: Sequence[str]) -> Iterator[Stack | Failure]:
        """Every text once, in a Stack or as a Failure, in any order.

        Raises: UsageError when a layer or head does not exist.
        """
        if not isinstance(self.part, Part):
            yield from stacks_of(self.outcomes(texts))
            return
        stacks = getattr(self.analyser, "stacks", None)
        outcomes = stacks_of(self.analyser.outcomes(texts)) if stacks is None else stacks(texts)
        for item in outcomes:
            if isinstance(item, Failure):
                yield item
            else:
                yield from self.part.of_stack(item)

    def outcomes(self, texts: Sequence[str]) -> Iterator[AttentionResult | AttnError]:
        """Like a call, but a sentence that fails gives its error and the others go on.

        Raises: UsageError when a layer or head does not exist.
        """
        for outcome in self.analyser.outcomes(texts):
            if isinstance(outcome, AttnError):
                yield outcome
                continue
            try:
                yield self.part.of(outcome)
            except EmptyError as error:
                yield error


def whole(analyser: object) -> object:
    """The Analyser itself, without the part that is chosen of its results."""
    while isinstance(analyser, PartAnalyser):
        analyser = analyser.analyser
    return analyser
