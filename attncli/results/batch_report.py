"""What became of the records of a batch: of a chunk, and of a whole run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

FIRST_FAILURES = 5
MOST_WAYS = 2


class SetAside(NamedTuple):
    """A record without a result: where it stands, and why."""

    place: str
    line: int
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}:{self.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of records: how many there were, how many set aside, and the first of these.

    `ways` are what can be done about inputs that could not be read; `acts` what options did. Where
    they are counted, `warnings` has how often each kind stands in results, and the tally of one chunk
    lists in `set_aside` all records without a result.
    """

    records: int = 0
    failed: int = 0
    empty: int = 0
    first_failures: tuple[str, ...] = field(default=())
    ways: tuple[str, ...] = field(default=())
    acts: frozenset[str] = frozenset()
    warnings: Mapping[str, int] = field(default_factory=dict)
    set_aside: tuple[SetAside, ...] = ()

    def __add__(self, other: "Tally") -> "Tally":
        firsts = (self.first_failures + other.first_failures)[:FIRST_FAILURES]
        ways = tuple(dict.fromkeys((*self.ways, *other.ways)))[:MOST_WAYS]
        return Tally(
            self.records + other.records,
            self.failed + other.failed,
            self.empty + other.empty,
            firsts,
            ways,
            self.acts | other.acts,
            _summed(self.warnings, other.warnings),
        )


@dataclass(frozen=True, slots=True)
class WrittenChunk:
    """A chunk whose bytes are in the output.

    `worker` is the process of this machine that made it, where that is known; `deaths` says how
    many workers ended over it, and `followed` that the chunk behind it is written as well, so that
    both may be noted at once.
    """

    number: int
    length: int
    checksum: str
    tally: Tally
    worker: int | None = None
    deaths: int = 0
    followed: bool = False


@dataclass(frozen=True, slots=True)
class RunReport:
    """How a run ended: what became of all records, how many of them in this run, how long it took.

    tally: of the whole output; new: the records of this run, where it went on with an earlier one;
    complete: whether all of the input is in the output.
    """

    tally: Tally
    new: int
    seconds: float
    complete: bool = False


def _summed(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in {**one, **other}}
