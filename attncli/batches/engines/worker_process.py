"""A worker process of this machine: chunks come, lengths go, bytes are written when told where."""

import contextlib
import os
import signal
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from attncli.batches.checksums import Checksum
from attncli.batches.journal import write_all
from attncli.batches.run import Sink
from attncli.batches.work import Recipe, Worker
from attncli.errors import AttnError, ClusterError, LimitError, names_as, setting
from attncli.files.writing import NO_LINK

TRIES = 3
CAN_FORK = sys.platform == "linux"  # elsewhere a fork of a process with libraries is not safe


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
        if CAN_FORK or not self.path or self.parts is not None:  # standard output is everybody's
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
        ready: dict[int, list[bytes]] = {}
        given: dict[int, tuple[Any, ...]] = {}  # what is to be done, by the chunk's number
        while True:
            following = min(given, default=None)
            if following is not None and not any(number < following for number in ready):
                connection.send(_answered(given.pop(following), worker, ready, fd, place))
                continue
            message = connection.recv()  # bytes take memory: first they are written
            if message[0] == "write":
                connection.send(_answered(message, worker, ready, fd, place))
            else:
                given[message[1].number] = message


def _answered(
    message: tuple[Any, ...], worker: Worker, ready: dict[int, list[bytes]], fd: int, place: Place
) -> tuple[Any, ...]:
    kind, given = message[0], message[1]
    try:
        if kind == "write":
            _write(given, message[2], ready.pop(given), fd, place)
            return ("written", given)
        if kind == "aside":
            what = f"the chunk of this line ended its worker {TRIES} times"
            computed = worker.set_aside(given, ClusterError(what))
        else:
            computed = worker.computed(given)
        summed, kept = Checksum(), []
        for piece in computed.pieces:
            kept.append(bytes(piece))
            summed.add(piece)
    except (AttnError, BrokenPipeError) as error:
        return ("error", -1, error)
    except MemoryError:
        smaller = f"{setting(chunk=100)} works on fewer sentences at once"
        return ("error", -1, LimitError("there is not enough memory for a chunk", hints=(smaller,)))
    except Exception as fault:
        return ("error", -1, RuntimeError(f"{type(fault).__name__}: {fault}"))
    ready[computed.number] = kept
    return ("made", computed.number, summed.length, summed.text(), computed.tally)


def _write(number: int, offset: int, kept: list[bytes], fd: int, place: Place) -> None:
    """Writes the bytes of a chunk, or puts them as a part."""
    if place.parts is not None:
        place.parts.put(number, b"".join(kept))
        return
    for piece in kept:
        write_all(fd, piece, place.name, offset if place.seekable else None)
        offset += len(piece)


def _die_with_parent() -> None:
    """Asks Linux to end this process with its parent; elsewhere the closed pipe ends it."""
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
