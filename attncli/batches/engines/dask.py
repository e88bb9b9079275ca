"""A Dask cluster: the same chunks, computed by workers on any machine, committed here once each.

Workers only return bytes, or put them where all can reach; this process orders and commits. A worker
that dies takes at most its chunks' tries with it: a chunk is tried three times, the last time with
nothing else in work, so that no chunk is blamed for the end of another one's worker.
"""

import contextlib
import pickle
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from attncli.batches.checksums import checksum
from attncli.batches.chunks import Chunk
from attncli.batches.engines.connecting import TlsFiles, connected, dask_reason, within
from attncli.batches.engines.identity import package_digest
from attncli.batches.engines.local import deaths_allowed
from attncli.batches.engines.spool import Spool
from attncli.batches.engines.worker_process import TRIES
from attncli.batches.run import Sink
from attncli.batches.work import Done, Recipe, Worker
from attncli.errors import AttnError, ClusterError, names_as, setting
from attncli.results.batch_report import WrittenChunk

_PATIENCE = 60.0  # seconds without any worker
_AHEAD = 2  # chunks in hand for each thread of a worker: one in work, one waiting
_TASK_SECONDS = 0.1  # how long a task should take at least
_TASKS_A_SECOND = 200  # that this process can hand out
_MOST_AT_ONCE = 16  # chunks of a task
_COUNTED = 1.0  # seconds after which the threads of all workers are counted anew
_local = threading.local()


@dataclass(frozen=True, slots=True)
class DaskEngine:
    """The workers of a scheduler, or of a cluster on this machine when `scheduler` is None."""

    scheduler: str | None = None
    workers: int = 1
    tls: TlsFiles | None = None

    def run(self, recipe: Recipe, chunks: Iterable[Chunk], sink: Sink) -> Iterator[WrittenChunk]:
        """What was written, in order, as soon as it was.

        Raises: MissingExtraError; ClusterError (no scheduler, no workers, too many deaths, another
        attn on a worker, and whatever else a cluster can fail with).
        """
        try:
            with connected(self.scheduler, self.workers, self.tls) as (client, spool):
                yield from _Shift(client, recipe, sink, spool).run(iter(chunks))
        except (AttnError, BrokenPipeError, MemoryError):
            raise
        except Exception as fault:
            raise ClusterError(
                f"the cluster failed; finished chunks are kept: {dask_reason(fault)}",
                hints=(f"{setting(resume=True)} continues",),
            ) from fault


@dataclass(frozen=True, slots=True)
class Proof:
    """A worker's answer: a chunk's bytes, their checksum, and which attn made them."""

    done: Done
    checksum: str
    package: str


@dataclass(frozen=True, slots=True)
class Answers:
    """What a worker returns of the chunks of a task: a proof of each, and the seconds that all took."""

    proofs: list[object]
    seconds: float


@dataclass(slots=True, eq=False)
class _Task:
    """A chunk on its way."""

    chunk: Chunk
    tries: int = 0
    done: Done | None = None

    @property
    def last_try(self) -> bool:
        return self.tries == TRIES - 1


@dataclass(slots=True)
class _Shift:
    """The chunks of a run that are with the cluster."""

    client: Any
    recipe: Recipe
    sink: Sink
    spool: Spool | None
    _tasks: dict[int, _Task] = field(default_factory=dict)
    _futures: dict[Any, list[_Task]] = field(default_factory=dict)
    _again: list[_Task] = field(default_factory=list)
    _ended_now: queue.SimpleQueue[Any] = field(default_factory=queue.SimpleQueue)
    _last_tries: int = 0  # chunks in work that must have the cluster to themselves
    _deaths: int = 0
    _written: int = 0
    _at_once: int = 1  # chunks of a task
    _room: int = 0
    _counted_at: float = 0.0

    def run(self, chunks: Iterator[Chunk]) -> Iterator[WrittenChunk]:
        offset, following = self.sink.length, -1
        while True:
            while lot := self._lot(chunks):
                following = lot[0].chunk.number if following < 0 else following
                self._submit(lot)
            if not self._futures:
                return
            ready = self._ready()
            answers = self._answers(ready)
            for future in ready:
                self._ended(self._futures.pop(future), future, answers.get(future))
            while (done := self._done(following)) is not None:
                task, following = self._tasks.pop(following), following + 1
                chunk = self._delivered(done, offset)
                offset, self._written = offset + chunk.length, self._written + 1
                followed = self._done(following) is not None
                yield replace(chunk, deaths=task.tries, followed=followed)

    def _done(self, number: int) -> Done | None:
        task = self._tasks.get(number)
        return None if task is None else task.done

    def _lot(self, chunks: Iterator[Chunk]) -> list[_Task]:
        """Chunks to hand out now to one worker, if there are any and room for them.

        What has lost its worker goes alone, so that it is found out which chunk it was.
        """
        if self._last_tries:
            return []
        again = [task for task in self._again if not task.last_try]
        if again:
            self._again.remove(again[0])
            return again[:1]
        if self._again:
            return [] if self._futures else [self._again.pop(0)]
        window = self._window()
        most = window * (self._at_once + 1)  # what waits for a chunk before it takes room
        if len(self._tasks) >= most or len(self._futures) >= window:
            return []
        lot = [_Task(chunk) for chunk in islice(chunks, self._at_once)]
        self._tasks.update((task.chunk.number, task) for task in lot)
        return lot

    @property
    def _parts(self) -> Any:
        """Where workers put their bytes themselves, if all of them can reach it."""
        parts = self.sink.parts
        return self.spool if parts is None or parts.on_this_machine else parts

    def _window(self) -> int:
        """How many chunks may be in hand, counted at most once a second: asking takes milliseconds."""
        now = time.monotonic()
        if not self._room or now - self._counted_at >= _COUNTED:
            self._room, self._counted_at = max(2, _AHEAD * self._threads()), now
        return self._room

    def _threads(self) -> int:
        """The threads of all workers. Raises: ClusterError when the scheduler does not answer."""
        try:
            return sum(within(_PATIENCE, self.client.nthreads).values())
        except TimeoutError:
            raise ClusterError(
                f"the scheduler did not answer for {_PATIENCE:.0f} seconds; finished chunks are kept",
                hints=(f"{setting(resume=True)} continues",),
            ) from None

    def _submit(self, lot: list[_Task]) -> None:
        chunks = [task.chunk for task in lot]
        future = self.client.submit(
            all_processed, processed, self.recipe, chunks, self._parts, pure=False, retries=0
        )
        self._futures[future] = lot
        self._last_tries += sum(task.last_try for task in lot)
        future.add_done_callback(self._ended_now.put)

    def _ready(self) -> list[Any]:
        """The futures that ended. Raises: ClusterError when there are no workers for long.

        Each announces itself: to ask all of them would take longer, the more workers there are.
        """

        def wait() -> list[Any]:
            ready = []
            with contextlib.suppress(queue.Empty):
                ready.append(self._ended_now.get(timeout=1.0))
                while True:
                    ready.append(self._ended_now.get_nowait())
            if not ready:
                raise TimeoutError
            return ready

        ready: list[Any] = self._patiently(wait)
        return ready

    def _answers(self, ready: list[Any]) -> dict[Any, Any]:
        """What workers returned, asked for by one request; without what cannot be had at once."""
        whole = [future for future in ready if future.status == "finished"]
        if len(whole) < 2:
            return {}
        with contextlib.suppress(Exception):  # each is asked for alone, and says what is wrong
            return dict(zip(whole, self._gathered(whole), strict=True))
        return {}

    def _gathered(self, whole: list[Any]) -> list[Any]:
        return list(within(_PATIENCE, lambda: self.client.gather(whole)))

    def _patiently(self, ask: Callable[[], Any]) -> Any:
        """What `ask` returns, asked again each time it raises TimeoutError while there are workers."""
        waited = 0.0
        while True:
            with contextlib.suppress(TimeoutError):
                return ask()
            waited = 0.0 if self._threads() else waited + 1.0
            if waited > _PATIENCE:
                raise ClusterError(
                    f"no worker for {_PATIENCE:.0f} seconds; finished chunks are kept",
                    hints=(f"{setting(resume=True)} continues",),
                )

    def _ended(self, lot: list[_Task], future: Any, answer: Any = None) -> None:
        from distributed.scheduler import KilledWorker

        self._last_tries -= sum(task.last_try for task in lot)
        if answer is not None:
            self._answered(lot, answer)
            return

        def result() -> Any:  # made again, if it was lost with its worker
            return future.result(timeout=1.0)

        with contextlib.suppress(KilledWorker):
            self._answered(lot, self._patiently(result))
            return
        self._deaths += 1
        if self._deaths > deaths_allowed(self._written):
            raise ClusterError(
                f"{self._deaths} chunks lost their worker; finished chunks are kept",
                hints=(f"{setting(resume=True)} continues",),
            )
        if len(lot) > 1:
            self._again += lot
            return
        task = lot[0]
        task.tries += 1
        if task.tries < TRIES:
            self._again.append(task)
        else:
            what = f"the chunk of this line ended its worker {TRIES} times"
            task.done = self.recipe.worker().set_aside(task.chunk, ClusterError(what)).done()

    def _answered(self, lot: list[_Task], answer: Any) -> None:
        """Takes what a worker returned, and how long it took: short chunks go several at once.

        What a task costs beside its chunks, milliseconds of two processes, is then paid less often.
        """
        if not isinstance(answer, Answers) or len(answer.proofs) != len(lot):
            raise ClusterError(f"a worker returned something else than chunk {lot[0].chunk.number}")
        for task, proof in zip(lot, answer.proofs, strict=True):
            task.done = _proven(proof, task.chunk.number)
        seconds = max(_TASK_SECONDS, self._room / _AHEAD / _TASKS_A_SECOND)
        wanted = seconds * len(lot) / max(answer.seconds, 1e-9)
        if any(task.done is None or task.done.put is None for task in lot):
            wanted = 1  # their bytes come back with the answer
        self._at_once = int(max(1, min(_MOST_AT_ONCE, wanted)))

    def _delivered(self, done: Done, offset: int) -> WrittenChunk:
        """Writes what a worker returned or handed over, unless it put it in its place itself."""
        put = done.put
        if put is None:
            data = self.recipe.writer().head + done.data if offset == 0 else done.data
            put = len(data), checksum(data)
            self.sink.deliver(done.number, data, offset)
        elif self._parts is None:
            raise ClusterError(f"a worker put chunk {done.number} where nobody asked it to")
        elif self.spool is not None and self._parts is self.spool:
            self._take_over(self.spool.taken(done), done.number, offset)
        return WrittenChunk(done.number, *put, done.tally)

    def _take_over(self, pieces: Iterator[memoryview], number: int, offset: int) -> None:
        """Writes what a worker handed over; into a file piece by piece, as it is read."""
        if self.sink.parts is not None or not self.sink.seekable:  # all or nothing
            pieces = iter([memoryview(b"".join(map(bytes, pieces)))])
        for piece in pieces:
            self.sink.deliver(number, piece, offset)
            offset += len(piece)


def _proven(answer: object, number: int) -> Done:
    """The chunk that a worker returned. Raises: ClusterError when it cannot be what was asked for."""
    if not isinstance(answer, Proof) or answer.package != package_digest():
        raise ClusterError(
            "a worker runs another version of attn, and would give other bytes",
            hints=("install the same attncli on every machine of the cluster",),
        )
    done = answer.done
    if done.number != number or (done.put is None and checksum(done.data) != answer.checksum):
        raise ClusterError(f"a worker returned something else than chunk {number}")
    return done


def all_processed(
    process: Callable[..., object], recipe: Recipe, chunks: Sequence[Chunk], parts: Any = None
) -> Answers:
    """What `process` makes of each chunk of a task."""
    begun = time.perf_counter()
    proofs = [process(recipe, chunk, parts) for chunk in chunks]
    return Answers(proofs, time.perf_counter() - begun)


def processed(recipe: Recipe, chunk: Chunk, parts: Any = None) -> Proof:
    """A chunk's bytes: what runs on a worker, which keeps its analyser from chunk to chunk."""
    key = pickle.dumps(recipe)
    with names_as(recipe.naming):
        if getattr(_local, "key", None) != key:
            _local.key, _local.worker = key, recipe.worker()
        worker: Worker = _local.worker
        done: Done | None = None
        if parts is not None:
            head = worker.writer.head if chunk.first_index == 0 else b""
            done = parts.put_computed(worker.computed(chunk), head)
        done = done or worker(chunk)
    return Proof(done, checksum(done.data), package_digest())
