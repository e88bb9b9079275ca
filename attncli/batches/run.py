"""A run: chunks go to an engine, their bytes to the output, in order, and each commit is noted."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from attncli.batches.chunks import Chunk
from attncli.batches.journal import Commit, write_all
from attncli.batches.part_file import Ending, PartFile
from attncli.batches.plan import Plan
from attncli.batches.same_job import start_again
from attncli.batches.work import Recipe
from attncli.errors import (
    DataError,
    EmptyError,
    InputError,
    LimitError,
    MissingExtraError,
    PartialError,
    RefusedError,
    ResumeError,
    UsageError,
)
from attncli.files.source import InputSource
from attncli.results.batch_report import RunReport, Tally, WrittenChunk

_OF_THE_INPUT = (
    *(InputError, DataError, UsageError, LimitError, MissingExtraError, RefusedError),
)  # what reading raises


class Sink(Protocol):
    """Where bytes go: a file that can be written at any offset, a stream, or parts behind a URL.

    `fd` is −1 for parts, of which `parts` is what a worker on any machine needs to put one.
    """

    @property
    def fd(self) -> int: ...
    @property
    def seekable(self) -> bool: ...
    @property
    def name(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def length(self) -> int:
        """Where the next byte goes."""

    @property
    def parts(self) -> Any: ...

    def deliver(self, number: int, data: bytes | memoryview, offset: int) -> None:
        """Writes a chunk's bytes from this process: all of them to parts, else any piece of them.

        Raises: OutputError, BrokenPipeError.
        """


class Engine(Protocol):
    """Runs a recipe over chunks and writes their bytes to a sink, in the chunks' order."""

    def run(self, recipe: Recipe, chunks: Iterable[Chunk], sink: Sink) -> Iterator[WrittenChunk]:
        """What was written, in order, as soon as it was."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Standard output as a sink."""

    fd: int
    name: str = "standard output"
    path: str = ""
    seekable: bool = False
    length: int = 0
    parts: None = None

    def deliver(self, number: int, data: bytes | memoryview, offset: int) -> None:
        write_all(self.fd, data, self.name)


@dataclass(frozen=True, slots=True)
class FileSink:
    """The part of an output file as a sink."""

    part: PartFile
    seekable: bool = True
    parts: None = None

    def deliver(self, number: int, data: bytes | memoryview, offset: int) -> None:
        self.part.write(data, offset)

    @property
    def fd(self) -> int:
        return self.part.fd

    @property
    def name(self) -> str:
        return str(self.part.target)

    @property
    def path(self) -> str:
        return str(self.part.path)

    @property
    def length(self) -> int:
        return self.part.length


# Told the records done in all, and those done in this run.
Watcher = Callable[[int, int], None]


class Follower(Protocol):
    """Who is told how a run goes, chunk by chunk."""

    def begun(self, done: Tally) -> None:
        """A run begins, behind what an earlier one did."""

    def written(self, chunk: WrittenChunk, total: Tally) -> None:
        """A chunk is written, and committed where the output is a file; `total` is all that is done."""


def run_to_stream(
    plan: Plan,
    recipe: Recipe,
    engine: Engine,
    fd: int,
    watch: Watcher | None = None,
    follower: Follower | None = None,
    path: str = "",
) -> RunReport:
    """Runs a batch to an open file descriptor; `path` names the device or pipe behind it."""
    begun = time.monotonic()
    total = Tally()
    if follower is not None:
        follower.begun(total)
    for written, _ in _steps(plan, recipe, engine, Stream(fd, path=path)):
        total += written.tally
        if follower is not None:
            follower.written(written, total)
        if watch is not None:
            watch(total.records, total.records)
    return RunReport(total, total.records, time.monotonic() - begun)


class Output(Protocol):
    """An output in the making, which a later run can go on with."""

    done: Commit | None
    is_known: bool

    @property
    def length(self) -> int: ...
    def commit(self, commit: Commit, *, followed: bool = False) -> None:
        """Notes a chunk; one that is `followed` by another may be noted together with it."""

    def end(self, ending: Ending) -> None: ...
    def discard(self) -> None: ...
    def close(self) -> None: ...


def run_to_output(
    plan: Plan,
    recipe: Recipe,
    engine: Engine,
    output: Output,
    sink: Sink,
    ending: Ending,
    watch: Watcher | None = None,
    follower: Follower | None = None,
) -> RunReport:
    """Runs a batch to a file or a URL, from where an earlier run stopped.

    When it is stopped, what is committed stays for a resumed run.
    Raises: EmptyError (no record at all), ResumeError (other input), and what engines raise.
    """
    begun = time.monotonic()
    done = output.done
    total = Tally() if done is None else Tally(done.records, done.failed, done.empty)
    plan.skip = total.records
    if follower is not None:
        follower.begun(total)
    try:
        for written, digest in _steps(plan, recipe, engine, sink, done):
            total += written.tally
            length = output.length + written.length
            counts = (total.failed, total.empty)
            commit = Commit(total.records, length, written.checksum, digest, *counts)
            output.commit(commit, followed=written.followed)
            if follower is not None:
                follower.written(written, total)
            if watch is not None:
                watch(total.records, total.records - plan.skip)
        if total.records == 0:
            output.discard()
        else:
            output.end(ending)
    except _OF_THE_INPUT:
        if total.records == 0:  # nothing came of it: nothing is left to be resumed
            output.discard()
        raise
    finally:
        output.close()
    return RunReport(total, total.records - plan.skip, time.monotonic() - begun)


def nothing_to_do(tally: Tally | None = None) -> RunReport:
    """The report of a run whose output was already whole, with what it holds, if that is known."""
    return RunReport(tally or Tally(), 0, 0.0, complete=True)


def closing(report: RunReport, sources: Iterable[InputSource]) -> None:
    """Raises the error a run ends with, if some or all of its records have no result."""
    expect_some(report, sources)
    tally = report.tally
    if tally.failed:
        what = "1 line was" if tally.failed == 1 else f"{tally.failed} lines were"
        raise PartialError(f"{what} set aside, each with its error record; the others are done")


def expect_some(report: RunReport, sources: Iterable[InputSource]) -> None:
    """Raises: EmptyError when no record is of a sentence."""
    tally = report.tally
    if report.complete and tally.records == 0:  # what became of them is not known any more
        return
    if tally.empty == tally.records:
        names = ", ".join(source.name for source in sources)
        raise EmptyError("no sentence, expected at least one", place=names[:200])


def _steps(
    plan: Plan, recipe: Recipe, engine: Engine, sink: Sink, done: Commit | None = None
) -> Iterator[tuple[WrittenChunk, str]]:
    """What the engine wrote, each with the digest of the texts up to there."""
    digests: dict[int, str] = {}

    def given() -> Iterator[Chunk]:
        checked = done is None
        for chunk, digest in plan.chunks():
            if not checked:
                _check_skipped(plan, done)
                checked = True
            digests[chunk.number] = digest
            yield chunk
        if not checked:
            _check_skipped(plan, done)

    for written in engine.run(recipe, given(), sink):
        yield written, digests.pop(written.number)


def _check_skipped(plan: Plan, done: Commit | None) -> None:
    if done is not None and plan.skipped != done.digest:
        raise ResumeError(
            "the input is not the one the earlier run read, expected the same",
            hints=(start_again(),),
        )


def identity_of(
    sources: Iterable[InputSource], job: dict[str, Any], version: str
) -> dict[str, Any]:
    """What makes two runs the same job: inputs, shape, vectors, options, version of attn."""
    inputs = [source.identity() for source in sources]
    return {"input": inputs, "version": version, **job}
