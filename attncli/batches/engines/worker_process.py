"""A worker process of this machine: chunks come, lengths go, bytes are written when told where."""

import contextlib
import os
import signal
import sys
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from attncli.batches.checksums import Checksum
from attncli.batches.journal import write_all
from attncli.batches.run import Sink
from attncli.batches.work import Pieces, Recipe, Worker
from attncli.errors import AttnError, ClusterError, LimitError, names_as, setting
from attncli.files.writing import NO_LINK

TRIES = 3
CAN_FORK = sys.platform == "linux"  # elsewhere a fork of a process with libraries is not safe
_MOST_ROOM = 64 << 20  # bytes of a chunk whose memory is used again


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


@dataclass(slots=True)
class _Waiting:
    """Chunks whose bytes wait to be written, in memory that is used again: fresh pages cost more."""

    _rooms: list[bytearray] = field(default_factory=list)
    _filled: dict[int, tuple[bytearray, int]] = field(default_factory=dict)

    def put(self, number: int, pieces: Pieces) -> Checksum:
        """Keeps the bytes of a chunk; says how many they are, and their checksum."""
        room = self._rooms.pop() if self._rooms else bytearray()
        summed = Checksum()
        for piece in pieces:
            begin = summed.length
            summed.add(piece)
            if summed.length <= len(room):
                room[begin : summed.length] = piece
            else:
                room[begin:] = piece
        self._filled[number] = room, summed.length
        return summed

    def write(self, number: int, offset: int, fd: int, place: Place) -> None:
        """Writes the bytes of a chunk, or puts them as a part. Raises: OutputError, BrokenPipeError."""
        room, length = self._filled.pop(number)
        with memoryview(room)[:length] as data:
            if place.parts is not None:
                place.parts.put(number, bytes(data))
            else:
                write_all(fd, data, place.name, offset if place.seekable else None)
        if len(room) <= _MOST_ROOM:
            self._rooms.append(room)

    def has_before(self, number: int) -> bool:
        """Whether a chunk before this one waits."""
        return any(other < number for other in self._filled)


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
        waiting = _Waiting()
        given: dict[int, tuple[Any, ...]] = {}  # what is to be done, by the chunk's number
        while True:
            following = min(given, default=None)
            if following is not None and not waiting.has_before(following):
                connection.send(_answered(given.pop(following), worker, waiting, fd, place))
                continue
            message = connection.recv()  # bytes take memory: first they are written
            if message[0] == "write":
                connection.send(_answered(message, worker, waiting, fd, place))
            else:
                given[message[1].number] = message


def _answered(
    message: tuple[Any, ...], worker: Worker, waiting: _Waiting, fd: int, place: Place
) -> tuple[Any, ...]:
    kind, given = message[0], message[1]
    try:
        if kind == "write":
            waiting.write(given, message[2], fd, place)
            return ("written", given)
        if kind == "aside":
            what = f"the chunk of this line ended its worker {TRIES} times"
            computed = worker.set_aside(given, ClusterError(what))
        else:
            computed = worker.computed(given)
        summed = waiting.put(computed.number, computed.pieces)
    except (AttnError, BrokenPipeError) as error:
        return ("error", -1, error)
    except MemoryError:
        smaller = f"{setting(chunk=100)} works on fewer sentences at once"
        return ("error", -1, LimitError("there is not enough memory for a chunk", hints=(smaller,)))
    except Exception as fault:
        return ("error", -1, RuntimeError(f"{type(fault).__name__}: {fault}"))
    return ("made", computed.number, summed.length, summed.text(), computed.tally)


def _die_with_parent() -> None:
    """Asks Linux to end this process with its parent; elsewhere the closed pipe ends it."""
    if sys.platform == "linux":
        import ctypes

        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
