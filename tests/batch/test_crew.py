"""The coordinator of local workers: what it waits for when a worker dies at the worst moment."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from attncli.batch.chunks import Chunk
from attncli.batch.engines.local import LocalEngine
from attncli.batch.work import Recipe
from attncli.batch.writers.formats import Format, MakeWriter
from attncli.batch.writers.options import Layout
from tests.batch.conftest import corpus
from tests.batch.runs import small_analyser

WORKERS = 3
WINDOW = 4 * WORKERS  # chunks that are on their way at once
FIRST = 2  # the first chunk a worker gets; the coordinator does those before it


@dataclass(frozen=True)
class DyingParts:
    """Parts in a folder; chunk FIRST is put last of its window, by the second worker that tries.

    The first worker to put it waits until only the chunk behind it in its own hand is missing, and
    dies. Idle workers get both chunks, one each; the second waits until the other is put.
    """

    folder: Path
    in_this_process: bool = False

    def put(self, number: int, data: bytes) -> None:
        died = self.folder / "died"
        if number == FIRST and not died.exists():
            self._wait_for(WINDOW - 2)
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if number == FIRST:
            self._wait_for(WINDOW - 1)
        (self.folder / str(number)).write_bytes(data)

    def _wait_for(self, count: int) -> None:
        others = [self.folder / str(n) for n in range(FIRST + 1, FIRST + WINDOW)]
        while sum(other.exists() for other in others) < count:
            time.sleep(0.001)


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


def test_the_coordinator_never_waits_for_idle_workers(folder: Path) -> None:
    """A window whose first chunk is written last leaves no worker at work; the rest is given out."""
    texts = corpus(10).splitlines()
    chunks = [Chunk(n, 10 * n, 10 * n + 1, texts) for n in range(FIRST + WINDOW + 8)]
    recipe = Recipe(small_analyser, MakeWriter(Format(), Layout()))
    sink = PartsSink(DyingParts(folder))
    with at_most(60):
        found = list(LocalEngine(WORKERS).run(recipe, iter(chunks), sink))
    assert (folder / "died").exists()
    assert [written.number for written in found] == list(range(len(chunks)))
    writer, worker = recipe.writer(), recipe.worker()
    for chunk in chunks:
        head = writer.head if chunk.number == 0 else b""
        assert (folder / str(chunk.number)).read_bytes() == head + worker(chunk).data
