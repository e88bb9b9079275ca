"""A chunk → its bytes: the part of a batch that runs on every core and every machine."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from io import BytesIO
from itertools import chain
from typing import NamedTuple, Protocol, TypeAlias

from attncli.batches.chunks import Chunk
from attncli.errors import AttnError, DataError, EmptyError, naming
from attncli.results.batch_report import FIRST_FAILURES, MOST_WAYS, SetAside, Tally
from attncli.results.effects import NO_WATCH, Watch
from attncli.results.stack import Failure, Stack

Placed: TypeAlias = Iterable[tuple[Stack, Sequence[int]]]  # stacks, with the places of their texts
Failures: TypeAlias = Iterable[tuple[int, AttnError]]  # places with what went wrong there


class Coming(NamedTuple):
    """Bytes to come: how many they are, and their pieces, which are made as they are taken, once.

    What is small stays near the processor. A piece is as it is until the next is asked for.
    """

    length: int
    pieces: Iterator[bytes | memoryview]

    @classmethod
    def of(cls, pieces: Sequence[bytes | memoryview]) -> "Coming":
        """What is there already."""
        return cls(sum(map(len, pieces)), iter(pieces))

    def whole(self) -> bytes:
        """All bytes behind each other."""
        together = BytesIO()
        for piece in self.pieces:
            if isinstance(piece, bytes) and len(piece) == self.length:
                return piece
            together.write(piece)
        return together.getvalue()

    def behind(self, head: bytes) -> "Coming":
        """The same with other bytes before them."""
        return Coming(len(head) + self.length, chain([head], self.pieces)) if head else self


class Outcomes(Protocol):
    """What a batch asks of an Analyser."""

    def stacks(self, texts: Sequence[str]) -> Iterator[Stack | Failure]:
        """Every text once, in a Stack or as a Failure, in any order."""

    def pair_stacks(self, pairs: Sequence[tuple[str, str]]) -> Iterator[Stack | Failure]:
        """The same of texts that are each read with a second one."""


class Writer(Protocol):
    """A format: how chunks become the bytes of a part, and the part a file."""

    @property
    def in_blocks(self) -> bool:
        """Whether chunks show in the file, so that they must always be cut alike."""

    @property
    def head(self) -> bytes:
        """What stands before the first chunk."""

    def coming(self, chunk: Chunk, stacks: Placed, failures: Failures) -> Coming:
        """The bytes of a chunk; places count in it."""


@dataclass(frozen=True, slots=True)
class Done:
    """A chunk's bytes and what became of its records.

    A worker that put the bytes in their place itself returns their length and checksum in `put`.
    """

    number: int
    data: bytes
    tally: Tally
    put: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class Computed:
    """A chunk whose bytes are still to be made."""

    number: int
    coming: Coming
    tally: Tally

    def done(self) -> Done:
        """The same with its bytes."""
        return Done(self.number, self.coming.whole(), self.tally)


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a worker makes its analyser and its writer; can be pickled."""

    analyser: Callable[[], Outcomes]
    writer: Callable[[], Writer]
    watch: Watch = NO_WATCH
    naming: str = field(default_factory=naming)  # how its records name fields: as who asked for it

    def worker(self) -> "Worker":
        """A worker with an analyser and a writer of its own."""
        return Worker(self.analyser(), self.writer(), self.watch)


@dataclass(frozen=True, slots=True)
class Worker:
    """Turns chunks into bytes."""

    analyser: Outcomes
    writer: Writer
    watch: Watch = NO_WATCH

    def __call__(self, chunk: Chunk) -> Done:
        """The chunk with all its bytes."""
        return self.computed(chunk).done()

    def computed(self, chunk: Chunk) -> Computed:
        """The chunk, its bytes still to be made."""
        texts, places, failures = _read(chunk)
        stacks: list[tuple[Stack, list[int]]] = []
        computed = (
            self.analyser.stacks(texts)
            if (second := chunk.pairs) is None
            else self.analyser.pair_stacks(
                [(t, second[p]) for t, p in zip(texts, places, strict=True)]
            )
        )
        for item in computed:
            if isinstance(item, Failure):
                failures.append((places[item.place], item.error))
            else:
                stacks.append((item, [places[i] for i in item.places]))
        tally = self._tally(chunk, sorted(failures, key=lambda failure: failure[0]))
        if self.watch.counts:
            tally = replace(tally, warnings=self.watch.warnings(stack for stack, _ in stacks))
        if self.watch:
            acts = self.watch.seen(stack for stack, _ in stacks)
            tally = replace(tally, acts=acts | self.watch.every() if tally.empty else acts)
        return Computed(chunk.number, self.writer.coming(chunk, stacks, failures), tally)

    def set_aside(self, chunk: Chunk, error: AttnError) -> Computed:
        """The chunk with an error record for each of its lines."""
        failures = [(place, error) for place in range(len(chunk))]
        coming = self.writer.coming(chunk, (), failures)
        return Computed(chunk.number, coming, self._tally(chunk, failures))

    def _tally(self, chunk: Chunk, failures: Sequence[tuple[int, AttnError]]) -> Tally:
        listed = failures if self.watch.counts else failures[:FIRST_FAILURES]
        aside = tuple(
            SetAside(chunk.place, chunk.line(place), error.name, error.message)
            for place, error in listed
        )
        firsts = tuple(map(str, aside[:FIRST_FAILURES]))
        empty = sum(isinstance(error, EmptyError) for _, error in failures)
        unread = (error.hints for _, error in failures if type(error) is DataError)
        ways = tuple(dict.fromkeys(way for hints in unread for way in hints))[:MOST_WAYS]
        kept = aside if self.watch.counts else ()
        return Tally(len(chunk), len(failures), empty, firsts, ways, set_aside=kept)


def _read(chunk: Chunk) -> tuple[list[str], list[int], list[tuple[int, AttnError]]]:
    """The texts of a chunk, their places, and those places that have none."""
    plain = chunk.plain_texts()
    if plain is not None:
        return plain, list(range(len(chunk))), []
    texts: list[str] = []
    places: list[int] = []
    failures: list[tuple[int, AttnError]] = []
    for place in range(len(chunk)):
        try:
            texts.append(chunk.text(place))
            places.append(place)
        except AttnError as error:
            failures.append((place, error))
    return texts, places, failures
