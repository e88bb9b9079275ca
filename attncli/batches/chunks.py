"""A chunk: consecutive records of one input, numbered; the unit of work, of commit, of retry."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from attncli.errors import AttnError, DataError
from attncli.files.rows.foreign import with_way
from attncli.files.rows.sentences import decoded

# A record's text as read: bytes of a line, text of a cell, or why there is none.
RawText = bytes | str | AttnError


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records `first_index`, `first_index` + 1, …; their lines follow on `first_line` or are listed.

    `place` names the input in messages; `file` stands in the records when there are several inputs.
    """

    number: int
    first_index: int
    first_line: int
    texts: Sequence[RawText]
    place: str = "<stdin>"
    file: str | None = None
    lines: Sequence[int] | None = None
    ids: Sequence[str | int | None] | None = None

    def __len__(self) -> int:
        return len(self.texts)

    def line(self, i: int) -> int:
        """The line of the i-th record in its input."""
        return self.first_line + i if self.lines is None else self.lines[i]

    def text(self, i: int) -> str:
        """The text of the i-th record. Raises: DataError (not UTF-8), or what the input met."""
        raw = self.texts[i]
        if isinstance(raw, bytes):
            try:
                return decoded(raw.removesuffix(b"\r"), f"{self.place}:{self.line(i)}")
            except DataError as error:
                raise with_way(error, self.place) from None
        if isinstance(raw, AttnError):
            raise with_way(raw, self.place)
        return raw


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


def _summed(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + other.get(name, 0) for name in {**one, **other}}


FIRST_FAILURES = 5
MOST_WAYS = 2
