"""Files by which workers of this machine hand over the bytes of chunks.

Fifteen megabytes that travel through a cluster are packed, encrypted, sent and unpacked, which takes
longer than making them; a file is written and read at the speed of memory. Files that were taken are
written over by the next chunks: the system need not find memory for new ones.
"""

import contextlib
import os
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from attncli.batches.checksums import Checksum
from attncli.batches.journal import write_all
from attncli.batches.work import Coming, Computed, Done
from attncli.errors import ClusterError, OutputError

_PIECE = 1 << 19  # bytes that are read at once
_FREE = "free-"  # begins the names of files that were taken


@dataclass(frozen=True, slots=True)
class Spool:
    """A folder with a file for each chunk that is on its way; can be sent to a worker."""

    folder: str

    def put_computed(self, computed: Computed, head: bytes) -> Done | None:
        """Makes and puts a worker's bytes; what goes back is only what became of them.

        None where they cannot be put: the disk is full, or the folder is another machine's.
        """
        path = self._path(computed.number)
        begun = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        try:
            self._take_free_file(begun)
            summed = _written(begun, computed.coming.behind(head))
            begun.replace(path)  # a chunk that is made again has the same bytes
        except (OSError, OutputError):
            with contextlib.suppress(OSError):
                begun.unlink()
            return None
        return Done(computed.number, b"", computed.tally, put=(summed.length, summed.text()))

    def taken(self, done: Done) -> Iterator[memoryview]:
        """The bytes of a chunk, each piece as it is until the next is asked for.

        Raises: ClusterError behind the last piece, when they are not what was put.
        """
        path = self._path(done.number)
        length = done.put[0] if done.put else 0
        room, summed = memoryview(bytearray(min(_PIECE, length))), Checksum()
        with contextlib.suppress(OSError), path.open("rb", buffering=0) as file:
            while count := file.readinto(room[: length - summed.length]):
                summed.add(room[:count])
                yield room[:count]
        with contextlib.suppress(OSError):
            path.replace(path.with_name(f"{_FREE}{done.number:08d}"))
        if (summed.length, summed.text()) != done.put:
            raise ClusterError(f"a worker handed over something else than chunk {done.number}")

    def _take_free_file(self, begun: Path) -> None:
        """Gives a file that was taken a name of this worker's own, if there is one."""
        with os.scandir(self.folder) as entries:
            free = [entry.path for entry in entries if entry.name.startswith(_FREE)]
        for path in free:
            with contextlib.suppress(OSError):  # another worker was faster
                Path(path).rename(begun)
                return

    def _path(self, number: int) -> Path:
        return Path(self.folder, f"chunk-{number:08d}")


def _written(path: Path, coming: Coming) -> Checksum:
    """Writes bytes over a file, of which more may stay behind them. Raises: OSError, OutputError."""
    summed = Checksum()
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
    try:
        for piece in coming.pieces:
            summed.add(piece)
            write_all(fd, piece, str(path))
    finally:
        os.close(fd)
    return summed


@contextlib.contextmanager
def temporary_spool() -> Iterator[Spool]:
    """A spool in a folder of its own, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="attn-dask-", ignore_cleanup_errors=True) as folder:
        yield Spool(folder)
