"""A worker process of this machine: chunks come, lengths go, bytes are written when told where."""

import contextlib
import os
import signal
import sys
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

from attncli.batches.checksums import Checksum
from attncli.batches.engines import children
from attncli.batches.journal import write_all
from attncli.batches.run import Sink
from attncli.batches.work import Coming, Computed, Recipe, Worker
from attncli.errors import AttnError, ClusterError, LimitError, names_as, setting
from attncli.files.writing import NO_LINK

TRIES = 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker writes: an inherited descriptor, or a path to open."""

    fd: int
    path: str
    name: str
    seekable: bool
    parts: Any

    @classmethod
    def of(cls, sink: Sink) -> "Place":
        return cls(sink.fd, sink.path, sink.name, sink.seekable, sink.parts)

    def opened(self) -> int:
        if (
            children.CAN_FORK or not self.path or self.parts is not None
        ):  # standard output is everybody's
            return self.fd
        return os.open(self.path, os.O_WRONLY | NO_LINK | getattr(os, "O_BINARY", 0))


def work(
    recipe: Worker | Recipe,
    connection: Connection,
    others: list[Connection],
    place: Place,
    naming: str,
) -> None:
    """The life of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _die_with_parent()
    for other in others:
        other.close()
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError), names_as(naming):
        worker = recipe.worker() if isinstance(recipe, Recipe) else recipe
        fd = place.opened()
        waiting: dict[int, Computed] = {}  # chunks whose place is not known yet
        given: dict[int, tuple[Any, ...]] = {}  # what is to be done, by the chunk's number
        while True:
            following = min(given, default=None)
            if following is not None and not any(number < following for number in waiting):
                connection.send(_answered(given.pop(following), worker, waiting, fd, place))
                continue
            message = connection.recv()  # bytes take memory: first they are written
            if message[0] == "write":
                connection.send(_answered(message, worker, waiting, fd, place))
            else:
                given[message[1].number] = message


def _answered(
    message: tuple[Any, ...], worker: Worker, waiting: dict[int, Computed], fd: int, place: Place
) -> tuple[Any, ...]:
    kind, given = message[0], message[1]
    try:
        if kind == "write":
            return ("written", given, _written(waiting.pop(given), message[2], fd, place))
        if kind == "aside":
            what = f"the chunk of this line ended its worker {TRIES} times"
            computed = worker.set_aside(given, ClusterError(what))
        else:
            computed = worker.computed(given)
        if not place.seekable:  # one after another writes to a stream: what can be done before, is
            computed = replace(computed, coming=Coming.of([computed.coming.whole()]))
    except (AttnError, BrokenPipeError) as error:
        return ("error", -1, error)
    except MemoryError:
        smaller = f"{setting(chunk=100)} works on fewer sentences at once"
        return ("error", -1, LimitError("there is not enough memory for a chunk", hints=(smaller,)))
    except Exception as fault:
        return ("error", -1, RuntimeError(f"{type(fault).__name__}: {fault}"))
    waiting[computed.number] = computed
    return ("made", computed.number, computed.coming.length, computed.tally)


def _written(computed: Computed, offset: int, fd: int, place: Place) -> str:
    """Writes the bytes of a chunk as they are made, or puts them as a part; returns their checksum.

    Raises: OutputError, BrokenPipeError.
    """
    coming, summed = computed.coming, Checksum()
    if place.parts is not None:
        data = coming.whole()
        summed.add(data)
        place.parts.put(computed.number, data)
        return summed.text()
    for piece in coming.pieces:
        begin = offset + summed.length
        summed.add(piece)
        write_all(fd, piece, place.name, begin if place.seekable else None)
    return summed.text()


def _die_with_parent() -> None:
    """Asks Linux to end this process with its parent; elsewhere the closed pipe ends it."""
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
