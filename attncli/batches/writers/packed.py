"""A text format packed: each chunk a gzip member, a bzip2 or xz stream, or a zstd frame.

Members one behind the other are one file to every reader, so that chunks can be packed by the
workers and appended.
"""

import bz2
import gzip
import lzma
from collections.abc import Callable
from functools import partial

from attncli.batches.chunks import Chunk
from attncli.batches.work import Coming, Failures, Placed, Writer
from attncli.files.zstd import zstd_library


class PackedWriter:
    """Packs the bytes of another writer: its head, and each chunk by itself."""

    in_blocks = True

    def __init__(self, writer: Writer, packing: str) -> None:
        self._writer = writer
        self._pack = _PACKERS[packing]()
        self.head = self._pack(writer.head) if writer.head else b""

    def coming(self, chunk: Chunk, stacks: Placed, failures: Failures) -> Coming:
        """The packed bytes of a chunk."""
        return Coming.of([self._pack(self._writer.coming(chunk, stacks, failures).whole())])


def _zstd() -> Callable[[bytes], bytes]:
    zstd = zstd_library("writing .zst")
    return lambda data: bytes(zstd.compress(data, level=1))


_PACKERS: dict[str, Callable[[], Callable[[bytes], bytes]]] = {
    "gz": lambda: partial(gzip.compress, compresslevel=1, mtime=0),
    "bz2": lambda: bz2.compress,
    "xz": lambda: partial(lzma.compress, preset=1),
    "zst": _zstd,
}
