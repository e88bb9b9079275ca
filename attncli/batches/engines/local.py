"""The cores of this machine: worker processes that compute and write, a coordinator that orders.

Bytes do not travel between processes. A worker says how long its chunk's bytes are, before they are
made; as soon as all chunks before it have said so, the coordinator tells it the offset, and it writes
there itself what it makes. To a stream, workers write one after another. Chunks are committed in order.
"""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from multiprocessing.connection import Connection, wait
from typing import Any

from attncli.batches.checksums import Checksum
from attncli.batches.chunks import Chunk
from attncli.batches.engines import children
from attncli.batches.engines.sending import send_patiently
from attncli.batches.engines.worker_process import TRIES, Place, work
from attncli.batches.run import Sink
from attncli.batches.work import Coming, Computed, Recipe, Worker
from attncli.errors import ClusterError, LimitError, setting
from attncli.results.batch_report import Tally, WrittenChunk

MAX_DEATHS = 20
_CHUNKS_A_DEATH = 50  # chunks that were written after which one more worker may die
_AHEAD = 2  # chunks a worker has in hand: one in work, one waiting to be worked on or written
_SILENCE = 5.0  # seconds without a word from any worker
_ALONE_UP_TO = 2  # chunks the coordinator does itself before it starts workers


def cores() -> int:
    """The cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def deaths_allowed(written: int) -> int:
    """How many workers may die in a run that wrote so many chunks.

    A thousand machines lose some every hour; where nothing gets done any more, all die in vain.
    """
    return MAX_DEATHS + written // _CHUNKS_A_DEATH


@dataclass(frozen=True, slots=True)
class LocalEngine:
    """Worker processes on this machine; one worker is this process itself."""

    workers: int = 1

    def run(self, recipe: Recipe, chunks: Iterable[Chunk], sink: Sink) -> Iterator[WrittenChunk]:
        """What was written, in order, as soon as it was."""
        worker = recipe.worker()
        remaining = iter(chunks)
        offset = sink.length
        head = worker.writer.head if offset == 0 else b""
        count = 0
        several = self.workers > 1 and not (sink.parts and sink.parts.in_this_process)
        for chunk in remaining:
            if several and count >= _ALONE_UP_TO:
                remaining = chain([chunk], remaining)
                break
            written = _written(worker.computed(chunk), head, sink, offset)
            head, offset, count = b"", offset + written.length, count + 1
            yield written
        else:
            return
        crew = _Crew(recipe, worker, self.workers, sink, offset)
        try:
            yield from crew.run(remaining)
        finally:
            crew.stop()


@dataclass(slots=True)
class _Task:
    """A chunk on its way: who has it, how long its bytes are, where they go."""

    chunk: Chunk
    tries: int = 0
    length: int | None = None
    offset: int | None = None
    checksum: str = ""
    tally: Tally = field(default_factory=Tally)
    written: bool = False
    worker: int | None = None


@dataclass(slots=True, eq=False)
class _Member:
    """A worker process and what it has in hand."""

    process: Any
    connection: Connection
    tasks: dict[int, _Task] = field(default_factory=dict)

    @property
    def busy(self) -> int:
        """Chunks it has in hand, those included whose bytes wait for their turn: they take memory."""
        return len(self.tasks)


class _Crew:
    """The worker processes of a run."""

    def __init__(self, recipe: Recipe, own: Worker, count: int, sink: Sink, offset: int) -> None:
        self._recipe = recipe
        self._own = own
        self._sink = sink
        self._offset = offset
        self._count = count
        self._deaths = 0
        self._members: list[_Member] = []
        self._again: list[_Task] = []
        self._tasks: dict[int, _Task] = {}
        self._next_placed: int | None = None
        self._next_done = 0

    def run(self, chunks: Iterator[Chunk]) -> Iterator[WrittenChunk]:
        for _ in range(self._count):
            self._members.append(self._hired())
        while True:
            yield from self._finished()
            self._hand_out(chunks)
            if not self._tasks:
                return
            self._listen()  # the lowest chunk is not written yet: whoever has it will answer

    def stop(self) -> None:
        """Ends all workers, wherever they are."""
        for member in self._members:
            with contextlib.suppress(OSError, ValueError):
                member.connection.close()
            if member.process.is_alive():
                member.process.kill()
        for member in self._members:
            member.process.join()
        self._members = []

    def _hand_out(self, chunks: Iterator[Chunk]) -> None:
        while (member := self._free()) is not None:
            task = self._next_task(chunks)
            if task is None:
                return
            self._give(member, task)

    def _free(self) -> _Member | None:
        """The worker with the least in hand, if any can take more."""
        window = 2 * _AHEAD * self._count
        if not self._again and len(self._tasks) >= window:
            return None
        member = min(self._members, key=lambda m: m.busy)
        return member if member.busy < _AHEAD else None

    def _next_task(self, chunks: Iterator[Chunk]) -> _Task | None:
        if self._again:
            return self._again.pop(0)
        chunk = next(chunks, None)
        if chunk is None:
            return None
        task = self._tasks[chunk.number] = _Task(chunk)
        if self._next_placed is None:
            self._next_placed = self._next_done = chunk.number
        return task

    def _give(self, member: _Member, task: _Task) -> None:
        member.tasks[task.chunk.number] = task
        self._send(member, ("aside" if task.tries >= TRIES else "work", task.chunk))

    def _listen(self) -> None:
        """Takes what workers have to say; one that died is replaced, one that was stopped goes on."""
        by_connection = {member.connection: member for member in self._members}
        while not (answers := wait(list(by_connection), _SILENCE)):
            self._wake()
        for ready in answers:
            member = by_connection[ready]  # type: ignore[index]  # only connections were waited for
            try:
                message = member.connection.recv()
            except (EOFError, OSError):
                self._buried(member)
                continue
            self._heard(member, message)

    def _wake(self) -> None:
        """Lets workers that somebody stopped go on; the others do not notice."""
        for member in self._members:
            with contextlib.suppress(OSError, AttributeError):  # Windows has no such signal
                os.kill(member.process.pid, signal.SIGCONT)

    def _heard(self, member: _Member, message: tuple[Any, ...]) -> None:
        kind, number = message[0], message[1]
        if kind == "error":
            raise message[2]
        task = self._tasks[number]
        if kind == "made":
            task.length, task.tally = message[2:]
            if task.offset is not None:  # made again after its worker died
                self._send(member, ("write", number, task.offset))
            else:
                self._place()
        else:
            task.written, task.worker, task.checksum = True, member.process.pid, message[2]
            del member.tasks[number]
            if not self._sink.seekable:
                self._place()

    def _place(self) -> None:
        """Tells workers where to write, as far as the lengths are known."""
        while self._next_placed is not None:
            task = self._tasks.get(self._next_placed)
            if task is None or task.length is None or task.offset is not None:
                return
            before = self._tasks.get(self._next_placed - 1)
            if not self._sink.seekable and before is not None and not before.written:
                return
            task.offset = self._offset
            self._offset += task.length
            self._next_placed += 1
            for member in self._members:
                if task.chunk.number in member.tasks:
                    self._send(member, ("write", task.chunk.number, task.offset))

    def _finished(self) -> Iterator[WrittenChunk]:
        while self._is_written(self._next_done):
            task = self._tasks.pop(self._next_done)
            self._next_done += 1
            yield WrittenChunk(
                task.chunk.number,
                task.length or 0,
                task.checksum,
                task.tally,
                task.worker,
                task.tries,
                followed=self._is_written(self._next_done),
            )

    def _is_written(self, number: int) -> bool:
        task = self._tasks.get(number)
        return task is not None and task.written

    def _send(self, member: _Member, message: tuple[Any, ...]) -> None:
        with contextlib.suppress(OSError):  # a dead worker is noticed when it is listened to
            send_patiently(member.connection, message, _SILENCE, self._wake)

    def _buried(self, member: _Member) -> None:
        """A worker died: another takes its place, and its chunks are done again."""
        self._deaths += 1
        member.process.join()
        member.connection.close()
        self._members.remove(member)
        if self._deaths > deaths_allowed(self._next_done):
            raise ClusterError(
                f"{self._deaths} workers died; finished chunks are kept",
                hints=(
                    f"{setting(resume=True)} continues",
                    f"{setting(workers=1)} shows what kills them",
                ),
            )
        self._members.append(self._hired())
        unmade = True
        for number in sorted(member.tasks):
            task = member.tasks[number]
            if task.offset is not None and not self._sink.seekable:
                raise ClusterError(f"a worker died while it wrote to {self._sink.name}")
            if task.length is None and unmade:  # the one it was at
                task.tries += 1
                unmade = False
            if task.offset is None:
                task.length = None
            self._again.append(task)

    def _hired(self) -> _Member:
        """A new worker. Raises: LimitError when the system allows no more processes or files."""
        try:
            return self._started()
        except OSError as fault:
            raise LimitError(
                f"cannot start {self._count} workers: {(fault.strerror or str(fault)).lower()}",
                hints=(f"{setting(workers=max(1, len(self._members) // 2))} needs fewer",),
            ) from None

    def _started(self) -> _Member:
        context = multiprocessing.get_context("fork" if children.CAN_FORK else "spawn")
        ours, theirs = context.Pipe()
        others = [member.connection for member in self._members]
        process = context.Process(  # type: ignore[attr-defined]  # every context has it
            target=work,
            args=(
                self._own if children.CAN_FORK else self._recipe,
                theirs,
                [ours, *others] if children.CAN_FORK else [],
                Place.of(self._sink),
                self._recipe.naming,
            ),
            daemon=True,
        )
        with children.safe_path():
            process.start()
        theirs.close()
        return _Member(process, ours)


def _written(computed: Computed, head: bytes, sink: Sink, offset: int) -> WrittenChunk:
    """Writes a chunk piece by piece from this process, or puts it as a whole where that is asked for."""
    coming = computed.coming.behind(head)
    if sink.parts is not None:
        coming = Coming.of([coming.whole()])
    summed = Checksum()
    for piece in coming.pieces:
        begin = offset + summed.length
        summed.add(piece)
        sink.deliver(computed.number, piece, begin)
    return WrittenChunk(computed.number, summed.length, summed.text(), computed.tally, os.getpid())
