"""Checksums of a part's bytes, at memory speed: what a journal says that a chunk's bytes are.

The 64-bit words of all pages of 4 KiB are summed, by place over all pages and page by page in order,
then hashed by BLAKE2. Torn, zeroed, changed bytes and pages that changed places show; it is no
signature. CRC-32 would take a third of a batch.
"""

import hashlib

import numpy as np

from attncli.arrays import AnyArray
from attncli.arrays.compiled import compiled

_ROW = 512  # 64-bit words of a page
_PAGE = 8 * _ROW  # its bytes
_AT_ONCE = 64  # pages that are summed together: both sums of what the processor's cache holds
_IN_ORDER = "p"  # begins the checksums that see the order of pages


class Checksum:
    """The checksum of bytes that come piece by piece."""

    def __init__(self) -> None:
        self.length = 0  # bytes so far
        self._by_place = np.zeros(_ROW, dtype=np.uint64)
        self._by_page: list[AnyArray] = []
        self._rest = b""  # what came behind the last whole page

    def add(self, piece: bytes | memoryview) -> None:
        """Adds what comes behind the bytes so far."""
        self.length += len(piece)
        view = memoryview(piece)
        if self._rest:
            taken = _PAGE - len(self._rest)
            self._rest, view = self._rest + view[:taken], view[taken:]
            if len(self._rest) < _PAGE:
                return
            self._sum(memoryview(self._rest))
        whole = len(view) - len(view) % _PAGE
        self._sum(view[:whole])
        self._rest = bytes(view[whole:])

    def text(self, *, in_order: bool = True) -> str:
        """What a journal holds; without order as journals of before do, which sums by place alone."""
        digest = hashlib.blake2b(self._by_place.tobytes(), digest_size=8)
        for sums in self._by_page if in_order else ():
            digest.update(sums.tobytes())
        digest.update(self._rest)
        digest.update(self.length.to_bytes(8, "little"))
        return f"{_IN_ORDER if in_order else ''}{digest.hexdigest()}"

    def _sum(self, pages: memoryview) -> None:
        """Adds the words of whole pages, modulo 2⁶⁴."""
        words = np.frombuffer(pages, dtype=np.uint64).reshape(-1, _ROW)
        sums = np.empty(len(words), dtype=np.uint64)
        if (kernel := compiled()) is not None:
            kernel.sum_pages(words, self._by_place, sums)
        else:
            for begin in range(0, len(words), _AT_ONCE):
                some = words[begin : begin + _AT_ONCE]
                self._by_place += np.add.reduce(some, axis=0)
                np.add.reduce(some, axis=1, out=sums[begin : begin + _AT_ONCE])
        self._by_page.append(sums)


def checksum(data: bytes | memoryview) -> str:
    """The checksum of bytes that are all there."""
    return _summed(data).text()


def bears_out(data: bytes | memoryview, recorded: str) -> bool:
    """Whether bytes have the checksum that a journal holds, which may be one without page order."""
    return _summed(data).text(in_order=recorded.startswith(_IN_ORDER)) == recorded


def _summed(data: bytes | memoryview) -> Checksum:
    summed = Checksum()
    summed.add(data)
    return summed
