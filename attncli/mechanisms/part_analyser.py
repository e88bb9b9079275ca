"""An Analyser that shows a part of what another one finds."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from attncli.errors import AttnError, EmptyError
from attncli.insight.learned import Learned
from attncli.mechanisms.analyser import Analyser
from attncli.reading.reader import ReadingSettings
from attncli.results.result import AttentionResult
from attncli.results.stack import Failure, Stack


class Choice(Protocol):
    """What cuts a result down: a `Part`, or what a terminal shows."""

    def of(self, result: AttentionResult) -> AttentionResult:
        """The part of a result. Raises: UsageError, EmptyError when nothing is left."""

    def of_stack(self, stack: Stack) -> Iterator[Stack | Failure]:
        """The parts of the results of a stack. Raises: UsageError."""


@dataclass(frozen=True, slots=True)
class PartAnalyser(Analyser):
    """Each result of `analyser` cut down to `part`; errors pass through."""

    analyser: Analyser
    part: Choice

    def quick(self, unread: frozenset[str] = frozenset()) -> "PartAnalyser":
        """The same part of what the other one finds quickly: a part may be chosen by any field."""
        return replace(self, analyser=self.analyser.quick())

    @property
    def reading(self) -> ReadingSettings | None:
        """How the other one reads words."""
        return self.analyser.reading

    @property
    def learned(self) -> Learned:
        """What the other one has."""
        return self.analyser.learned

    @property
    def has_parts(self) -> bool:
        """Whether the other one's have."""
        return self.analyser.has_parts

    @property
    def idle_decoder(self) -> str:
        """As the other one says."""
        return self.analyser.idle_decoder

    @property
    def facts(self) -> dict[str, Any]:
        """What the other one says, but for a model without a digest: journals of parts have none."""
        return {name: fact for name, fact in self.analyser.facts.items() if fact is not None}

    def stacks(self, texts: Sequence[str]) -> Iterator[Stack | Failure]:
        """Every text once, in a Stack or as a Failure, in any order.

        Raises: UsageError when a layer or head does not exist.
        """
        for item in self.analyser.stacks(texts):
            if isinstance(item, Failure):
                yield item
            else:
                yield from self.part.of_stack(item)

    def outcomes(self, texts: Sequence[str]) -> Iterator[AttentionResult | AttnError]:
        """Like a call, but a sentence that fails gives its error and the others go on.

        Raises: UsageError when a layer or head does not exist.
        """
        return self._parts(self.analyser.outcomes(texts))

    def pairs(
        self, pairs: Sequence[tuple[str, str | None]]
    ) -> Iterator[AttentionResult | AttnError]:
        """The same of texts that are each read with a second one."""
        return self._parts(self.analyser.pairs(pairs))

    def _parts(
        self, outcomes: Iterable[AttentionResult | AttnError]
    ) -> Iterator[AttentionResult | AttnError]:
        for outcome in outcomes:
            if isinstance(outcome, AttnError):
                yield outcome
                continue
            try:
                yield self.part.of(outcome)
            except EmptyError as error:
                yield error
