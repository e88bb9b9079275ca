"""Local workers that wait for one another, and die at the worst moment."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import pytest

from attncli.batches.chunks import Chunk
from attncli.batches.engines.local import LocalEngine, _Crew, _Task
from attncli.batches.work import Recipe
from attncli.batches.writers.formats import Format, MakeWriter
from attncli.results.layout import RecordLayout
from tests.batch.conftest import corpus
from tests.batch.runs import small_analyser

WORKERS = 3
WINDOW = 4 * WORKERS  # chunks that are on their way at once
FIRST = 2  # the first chunk a worker gets; the coordinator does those before it


@dataclass(frozen=True)
class DyingParts:
    """Parts in a folder; the worker that puts chunk FIRST dies, `deaths` times, before it does.

    Its chunk has its place by then, so that others go on behind it.
    """

    folder: Path
    deaths: int
    in_this_process: bool = False

    def put(self, number: int, data: bytes) -> None:
        died = len(list(self.folder.glob("died*")))
        if number == FIRST and died < self.deaths:
            (self.folder / f"died{died}").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if number == FIRST:
            time.sleep(0.5)  # the others are done with all they may do
        (self.folder / str(number)).write_bytes(data)


@dataclass(frozen=True)
class PartsSink:
    """Parts as a sink."""

    parts: DyingParts
    fd: int = -1
    seekable: bool = True
    name: str = "parts"
    path: str = ""
    length: int = 0

    def deliver(self, number: int, data: bytes, offset: int) -> None:
        (self.parts.folder / str(number)).write_bytes(data)


def chunk(number: int) -> Chunk:
    """Ten lines."""
    return Chunk(number, 10 * number, 10 * number + 1, corpus(10).splitlines())


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Raises: TimeoutError when what is inside takes longer."""

    def late(number: int, frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("deaths", [0, 1, 2])
def test_workers_that_wait_for_one_another_always_go_on(folder: Path, deaths: int) -> None:
    """A chunk that is written last of all on their way, by another worker, holds nobody for ever."""
    chunks = [chunk(n) for n in range(FIRST + WINDOW + 8)]
    recipe = Recipe(small_analyser, MakeWriter(Format(), RecordLayout()))
    sink = PartsSink(DyingParts(folder, deaths))
    with at_most(60):
        found = list(LocalEngine(WORKERS).run(recipe, iter(chunks), sink))
    assert len(list(folder.glob("died*"))) == deaths
    assert [written.number for written in found] == list(range(len(chunks)))
    writer, worker = recipe.writer(), recipe.worker()
    for given in chunks:
        head = writer.head if given.number == 0 else b""
        assert (folder / str(given.number)).read_bytes() == head + worker(given).data


def crew_of(folder: Path) -> _Crew:
    """A crew that puts parts into the folder, without workers yet."""
    recipe = Recipe(small_analyser, MakeWriter(Format(), RecordLayout()))
    return _Crew(recipe, recipe.worker(), WORKERS, PartsSink(DyingParts(folder, deaths=0)), 0)


def test_a_worker_makes_what_comes_before_its_own_and_writes_before_it_makes_more(
    folder: Path,
) -> None:
    """With chunk 9 made and unwritten it makes 4, for which 9 has to wait, but not 12."""
    crew = crew_of(folder)
    crew._members = [crew._hired()]
    worker = crew._members[0].connection
    heard = []
    try:
        with at_most(60):
            worker.send(("work", chunk(9)))
            heard.append(worker.recv())
            worker.send(("work", chunk(12)))
            worker.send(("work", chunk(4)))
            heard.append(worker.recv())
            worker.send(("write", 4, 0))
            worker.send(("write", 9, 100))
            heard += [worker.recv() for _ in range(3)]
    finally:
        crew.stop()
    order = [("made", 9), ("made", 4), ("written", 4), ("written", 9), ("made", 12)]
    assert [message[:2] for message in heard] == order


def test_a_window_full_of_written_chunks_holds_nobody(folder: Path) -> None:
    """When the last answer fills the window and all workers are idle, the next chunks are handed out.

    Two deaths at the lowest chunk can bring that about.
    """
    crew = crew_of(folder)
    crew._tasks = {n: _Task(chunk(n), length=1, offset=n, written=True) for n in range(WINDOW)}
    crew._next_placed = WINDOW
    try:
        with at_most(60):
            found = list(crew.run(chunk(n) for n in range(WINDOW, WINDOW + 8)))
    finally:
        crew.stop()
    assert [written.number for written in found] == list(range(WINDOW + 8))
    assert {path.name for path in folder.iterdir()} == {str(n) for n in range(WINDOW, WINDOW + 8)}
