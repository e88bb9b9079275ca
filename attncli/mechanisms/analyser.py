"""The seam: what every Analyser is, and what those share that compute sentences of one length together."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from attncli.arrays import IntArray
from attncli.checks.arguments import texts_of
from attncli.errors import AttnError, UsageError, field_name
from attncli.insight.learned import NOTHING_LEARNED, Learned
from attncli.results.result import AttentionResult
from attncli.results.stack import Failure, Stack, in_order, stacks_of, unfailing

if TYPE_CHECKING:
    from attncli.reading.reader import Group, Reader, ReadingSettings


class Analyser(ABC):
    """Texts → results, in order, or → stacks of them, in any order."""

    __slots__ = ()

    def __call__(self, texts: Sequence[str]) -> Iterator[AttentionResult]:
        """The results of the texts. Raises the first sentence's AttnError."""
        return unfailing(self.outcomes(texts_of(texts, "texts")))

    @abstractmethod
    def outcomes(self, texts: Sequence[str]) -> Iterator[AttentionResult | AttnError]:
        """Like a call, but a sentence that fails gives its error and the others go on."""

    @abstractmethod
    def stacks(self, texts: Sequence[str]) -> Iterator[Stack | Failure]:
        """Every text once, in a Stack or as a Failure, in any order."""

    def pairs(
        self, pairs: Sequence[tuple[str, str | None]]
    ) -> Iterator[AttentionResult | AttnError]:
        """The outcome of each text that is read with a second one, in order.

        Raises: UsageError where nothing reads a second text.
        """
        raise UsageError(
            "found second texts, expected a transformer, which reads them", place=field_name("pair")
        )

    def pair_stacks(self, pairs: Sequence[tuple[str, str]]) -> Iterator[Stack | Failure]:
        """Every text with its second one once, in a Stack of its own or as a Failure."""
        return stacks_of(self.pairs(pairs))

    def quick(self, unread: frozenset[str] = frozenset()) -> "Analyser":
        """The same for a batch: no advice to one reader of one sentence, float32 where it is exact.

        `unread` names fields of the record that nobody reads, which need not be made.
        """
        return self

    def lean(self, unread: frozenset[str]) -> "Analyser":
        """The same numbers; fields among `unread`, which nobody reads, may be missing in long texts."""
        return self

    @property
    def reading(self) -> "ReadingSettings | None":
        """How words are read; None where a tokenizer reads pieces."""
        return None

    @property
    def learned(self) -> Learned:
        """The matrices of task-specific attention, and the model whose label it adds."""
        return NOTHING_LEARNED

    @property
    def has_parts(self) -> bool:
        """Whether its results have those of a decoder beside them."""
        return False

    @property
    def idle_decoder(self) -> str:
        """The name of the model whose decoder nobody gave a text, "" where there is none."""
        return ""

    @property
    def facts(self) -> dict[str, Any]:
        """What a journal notes of its matrices, beside the files they come from."""
        return {}


class LengthwiseAnalyser(Analyser):
    """An Analyser that computes sentences of one length together."""

    __slots__ = ()
    _reader: "Reader"

    def outcomes(self, texts: Sequence[str]) -> Iterator[AttentionResult | AttnError]:
        """Like a call, but a sentence that fails gives its error and the others go on."""
        yield from in_order(self.stacks(texts), len(texts))

    def stacks(self, texts: Sequence[str]) -> Iterator[Stack | Failure]:
        """Every text once, in a Stack or as a Failure, in any order."""
        failures, groups = self._reader.by_length(texts)
        yield from failures
        for group in groups:
            for chosen, small in self._alike(group.rows):
                yield from self._computed(texts, group.pick(chosen), small)

    @abstractmethod
    def _alike(self, rows: IntArray) -> Iterator[tuple[IntArray, bool]]:
        """Which of the sentences (B, n_tokens) are computed together, and whether in float32."""

    @abstractmethod
    def _computed(
        self, texts: Sequence[str], group: "Group", small: bool
    ) -> Iterator[Stack | Failure]:
        """The stack of sentences that have the same number of tokens."""
