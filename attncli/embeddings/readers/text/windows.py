"""Whole lines of a stream in memory that is used again and again: no piece is copied or made anew."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from attncli.embeddings.readers.text.lines import too_long
from attncli.files.limits import Limits
from attncli.files.stream import PIECE, ByteStream


class LineWindow(NamedTuple):
    """Whole lines (of the last of a file the line feed may be missing), and what was seen of them.

    Shapes: text (n,) uint8, in memory that the next window takes; ends (lines,), places of line feeds.
    `spaces` are counted; without `letters` nothing but digits and signs follows a space.
    """

    text: npt.NDArray[np.uint8]
    ends: npt.NDArray[np.int64]
    spaces: int
    letters: bool

    @classmethod
    def of(cls, chunk: bytes) -> "LineWindow":
        """The window of these lines."""
        text = np.frombuffer(chunk, dtype=np.uint8)
        ends, spaces, letters = _seen(text, _looks(len(text)))
        return cls(text, ends, spaces, letters)


def line_windows(
    stream: ByteStream, limits: Limits, line: Callable[[], int]
) -> Iterator[LineWindow]:
    """The lines of the stream, about `PIECE` bytes at a time.

    `line` tells how many lines the caller has done. Raises: LimitError for a line that is longer
    than the limit.
    """
    buffer, looks = _memory(2 * PIECE)
    carry = 0  # bytes of a line that is not whole
    while True:
        if carry + PIECE > len(buffer):  # a long line
            before = buffer
            buffer, looks = _memory(carry + 2 * PIECE)
            buffer[:carry] = before[:carry]
        size, full = carry, carry + PIECE
        while size < full and (n_bytes := stream.take_into(buffer[size:full].data)):
            size += n_bytes
        if size == carry:
            break
        ends, spaces, letters = _seen(buffer[:size], looks)
        cut = int(ends[-1]) + 1 if len(ends) else 0
        if cut:
            _check_widths(ends, cut, stream.place, line, limits)
            spaces -= int(np.count_nonzero(buffer[cut:size] == 32))
            yield LineWindow(buffer[:cut], ends, spaces, letters)
            buffer[: size - cut] = buffer[cut:size].copy()
        elif size > limits.line:
            raise too_long(f"{stream.place}:{line() + 1}", limits)
        carry = size - cut
    if carry:
        if carry > limits.line:
            raise too_long(f"{stream.place}:{line() + 1}", limits)
        yield LineWindow.of(buffer[:carry].tobytes())


def _memory(n_bytes: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Room for a text, (n_bytes,), and for looks at it."""
    return np.empty(n_bytes, dtype=np.uint8), _looks(n_bytes)


def _looks(n_bytes: int) -> npt.NDArray[np.bool_]:
    """Room for two looks at a text, (2, whole eights of bytes)."""
    return np.empty((2, n_bytes + -n_bytes % 8), dtype=np.bool_)


def _seen(
    text: npt.NDArray[np.uint8], looks: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], int, bool]:
    """Where lines end, how many spaces there are, and whether a letter follows one."""
    spaces = np.equal(text, 32, out=looks[0, : len(text)])
    n_spaces = int(np.count_nonzero(spaces))
    letters = np.greater(text, 57, out=looks[1, : len(text)])
    follows = np.logical_and(spaces[:-1], letters[1:], out=letters[1:])
    eights = looks[0, : len(text) + -len(text) % 8].reshape(-1, 8)
    eights[-1:] = False
    np.equal(text, 10, out=spaces)
    return _places(eights), n_spaces, bool(follows.any())


def _places(eights: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Where the seldom true ones are, of (n, 8): eight are looked at together."""
    some = np.flatnonzero(eights.view(np.uint64) != 0)
    inside = np.flatnonzero(eights[some])
    places: npt.NDArray[np.int64] = some[inside >> 3] * 8 + (inside & 7)
    return places


def _check_widths(
    ends: npt.NDArray[np.int64], size: int, place: str, line: Callable[[], int], limits: Limits
) -> None:
    """Raises: LimitError when a line is longer than the limit."""
    if size > limits.line:
        widths = np.diff(ends, prepend=-1)  # (lines,) with the LF
        if widths.max() - 1 > limits.line:
            raise too_long(f"{place}:{line() + int(widths.argmax()) + 1}", limits)
