"""A Dask cluster: the same chunks, computed by workers on any machine, committed here once each.

Workers only return bytes (or put them where all can reach); this process orders and commits. A
worker that dies takes at most its chunks' tries with it: a chunk is tried three times, the last time
with nothing else in work, so that no chunk is blamed for the end of another one's worker.
"""

import contextlib
import logging
import pickle
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from attncli.batch.chunks import Chunk
from attncli.batch.engines.local import MAX_DEATHS, TRIES
from attncli.batch.journal import checksum
from attncli.batch.run import Sink, Written
from attncli.batch.work import Done, Recipe
from attncli.errors import ClusterError, MissingExtraError
from attncli.escape import visible

_PATIENCE = 60.0  # seconds without any worker
_AHEAD = 2  # chunks in hand for each thread of a worker: one in work, one waiting
_local = threading.local()


@dataclass(frozen=True, slots=True)
class DaskEngine:
    """The workers of a scheduler, or of a cluster on this machine when `scheduler` is None."""

    scheduler: str | None = None
    workers: int = 1

    def run(self, recipe: Recipe, chunks: Iterable[Chunk], sink: Sink) -> Iterator[Written]:
        """What was written, in order, as soon as it was.

        Raises: MissingExtraError, ClusterError (no scheduler, no workers, too many deaths).
        """
        with _cluster(self.scheduler, self.workers) as client:
            yield from _Shift(client, recipe, sink).run(iter(chunks))


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
    _tasks: dict[int, _Task] = field(default_factory=dict)
    _futures: dict[Any, _Task] = field(default_factory=dict)
    _again: list[_Task] = field(default_factory=list)
    _deaths: int = 0

    def run(self, chunks: Iterator[Chunk]) -> Iterator[Written]:
        offset, following = self.sink.length, -1
        while True:
            while (task := self._next(chunks)) is not None:
                following = task.chunk.number if following < 0 else following
                self._submit(task)
            if not self._futures:
                return
            for future in self._ready():
                self._ended(self._futures.pop(future), future)
            while (task := self._tasks.get(following)) is not None and task.done is not None:
                written = self._delivered(task.done, offset)
                del self._tasks[following]
                offset, following = offset + written.length, following + 1
                yield written

    def _next(self, chunks: Iterator[Chunk]) -> _Task | None:
        """A chunk to hand out now, if there is one and room for it."""
        if any(task.last_try for task in self._futures.values()):
            return None
        again = [task for task in self._again if not task.last_try]
        if again:
            self._again.remove(again[0])
            return again[0]
        if self._again:
            return None if self._futures else self._again.pop(0)
        if len(self._tasks) >= 2 * self._window() or len(self._futures) >= self._window():
            return None
        chunk = next(chunks, None)
        if chunk is None:
            return None
        task = self._tasks[chunk.number] = _Task(chunk)
        return task

    @property
    def _parts(self) -> Any:
        """Where workers put their bytes themselves, if all of them can reach it."""
        parts = self.sink.parts
        return None if parts is None or parts.on_this_machine else parts

    def _window(self) -> int:
        threads: int = sum(self.client.nthreads().values())
        return max(2, _AHEAD * threads)

    def _submit(self, task: _Task) -> None:
        future = self.client.submit(
            processed, self.recipe, task.chunk, self._parts, pure=False, retries=0
        )
        self._futures[future] = task

    def _ready(self) -> list[Any]:
        """The futures that ended. Raises: ClusterError when there are no workers for long."""
        distributed: Any = import_module("distributed")
        waited = 0.0
        while True:
            with contextlib.suppress(TimeoutError):
                return list(
                    distributed.wait(list(self._futures), 1.0, return_when="FIRST_COMPLETED").done
                )
            waited = 0.0 if self.client.nthreads() else waited + 1.0
            if waited > _PATIENCE:
                raise ClusterError(
                    f"no worker for {_PATIENCE:.0f} seconds; finished chunks are kept",
                    hints=("--resume continues",),
                )

    def _ended(self, task: _Task, future: Any) -> None:
        from distributed.scheduler import KilledWorker

        with contextlib.suppress(KilledWorker):
            task.done = future.result()  # made again, if it was lost with its worker
            return
        self._deaths += 1
        task.tries += 1
        if self._deaths > MAX_DEATHS:
            raise ClusterError(
                f"{self._deaths} chunks lost their worker; finished chunks are kept",
                hints=("--resume continues",),
            )
        if task.tries < TRIES:
            self._again.append(task)
        else:
            what = f"the chunk of this line ended its worker {TRIES} times"
            task.done = self.recipe.worker().set_aside(task.chunk, ClusterError(what))

    def _delivered(self, done: Done, offset: int) -> Written:
        """Writes what a worker returned, unless it put it in its place itself."""
        if done.put is not None:
            return Written(done.number, done.put[0], done.put[1], done.tally)
        data = self.recipe.writer().head + done.data if offset == 0 else done.data
        self.sink.deliver(done.number, data, offset)
        return Written(done.number, len(data), checksum(data), done.tally)


def processed(recipe: Recipe, chunk: Chunk, parts: Any = None) -> Done:
    """A chunk's bytes: what runs on a worker, which keeps its analyser from chunk to chunk."""
    key = pickle.dumps(recipe)
    if getattr(_local, "key", None) != key:
        _local.key, _local.worker = key, recipe.worker()
    done: Done = _local.worker(chunk)
    if parts is None:
        return done
    head = _local.worker.writer.head if chunk.first_index == 0 else b""
    return parts.put_done(done, head)  # type: ignore[no-any-return]  # the same, without bytes


@contextlib.contextmanager
def _cluster(
    scheduler: str | None, workers: int, *, patience: float = _PATIENCE / 4
) -> Iterator[Any]:
    """A client of the scheduler, or of a cluster on this machine that ends with the run."""
    try:
        dask: Any = import_module("dask")
        distributed: Any = import_module("distributed")
    except ImportError:
        raise MissingExtraError.of("distributed", "dask", "--engine dask") from None
    quiet = {
        "distributed.scheduler.allowed-failures": 0,
        "distributed.logging.distributed": "error",
    }
    with contextlib.ExitStack() as stack:
        stack.enter_context(dask.config.set(quiet))
        try:
            if scheduler is None:
                cluster = stack.enter_context(
                    distributed.LocalCluster(
                        n_workers=workers,
                        threads_per_worker=1,
                        processes=True,
                        dashboard_address=None,
                        host="127.0.0.1",
                        silence_logs=logging.CRITICAL,
                    )
                )
                client = stack.enter_context(distributed.Client(cluster))
            else:
                client = stack.enter_context(distributed.Client(scheduler, timeout=patience))
        except (OSError, ValueError, TimeoutError) as fault:
            place = visible(str(scheduler))[:100]
            raise ClusterError(f"no scheduler answers: {fault}"[:200], place=place) from None
        yield client
