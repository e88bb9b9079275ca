"""Files by which workers of this machine hand over the bytes of chunks.

Fifteen megabytes that travel through a cluster are packed, encrypted, sent and unpacked, which takes
longer than making them; a file is written and read at the speed of memory.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from attncli.batches.checksums import checksum
from attncli.batches.work import Done
from attncli.errors import ClusterError


@dataclass(frozen=True, slots=True)
class Spool:
    """A folder with a file for each chunk that is on its way; can be sent to a worker."""

    folder: str

    def put_done(self, done: Done, head: bytes) -> Done:
        """Puts a worker's bytes; what goes back is only what became of them.

        Where they cannot be put (the disk is full), they go back as they are.
        """
        data = head + done.data
        path = self._path(done.number)
        begun = path.with_suffix(f".{os.getpid()}")
        try:
            begun.write_bytes(data)
            begun.replace(path)  # a chunk that is made again has the same bytes
        except OSError:
            with contextlib.suppress(OSError):
                begun.unlink()
            return done
        return replace(done, data=b"", put=(len(data), checksum(data)))

    def taken(self, done: Done) -> bytes:
        """The bytes of a chunk, whose file is removed. Raises: ClusterError when they are others."""
        path = self._path(done.number)
        try:
            data = path.read_bytes()
            path.unlink()
        except OSError:
            data = b""
        if (len(data), checksum(data)) != done.put:
            raise ClusterError(f"a worker handed over something else than chunk {done.number}")
        return data

    def _path(self, number: int) -> Path:
        return Path(self.folder, f"chunk-{number:08d}")


@contextlib.contextmanager
def temporary_spool() -> Iterator[Spool]:
    """A spool in a folder of its own, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="attn-dask-", ignore_cleanup_errors=True) as folder:
        yield Spool(folder)
