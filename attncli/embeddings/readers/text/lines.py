"""The bytes of a text file in whole lines, none longer than the limit."""

from collections.abc import Callable, Iterator

import numpy as np

from attncli.errors import Blank, LimitError, command_line
from attncli.errors.wording import size_text
from attncli.files.limits import Limits
from attncli.files.stream import ByteStream

BOM = b"\xef\xbb\xbf"


def whole_lines(
    stream: ByteStream, limits: Limits, line: Callable[[], int] = lambda: 0
) -> Iterator[bytes]:
    """The bytes of the stream in pieces that end at a line's end (but for the very last).

    `line` tells how many lines the caller has done. Raises: LimitError for a line that is longer
    than the limit.
    """
    carry, place = b"", stream.place
    while piece := stream.take():
        cut = piece.rfind(b"\n") + 1
        if not cut:
            carry += piece
            if len(carry) > limits.line:
                raise too_long(f"{place}:{line() + 1}", limits)
            continue
        chunk = b"".join((carry, memoryview(piece)[:cut]))  # one copy
        carry = piece[cut:]
        _check_lines(chunk, place, line, limits)
        yield chunk
    if carry:
        _check_lines(carry, place, line, limits)
        yield carry


def _check_lines(chunk: bytes, place: str, line: Callable[[], int], limits: Limits) -> None:
    """Raises: LimitError when a line of the chunk is longer than the limit."""
    if len(chunk) <= limits.line:
        return
    ends = np.flatnonzero(np.frombuffer(chunk, dtype=np.uint8) == 10)
    widths = np.diff(ends, prepend=-1, append=len(chunk))  # (lines + 1,) with the LF
    if widths.max() - 1 > limits.line:
        raise too_long(f"{place}:{line() + int(widths.argmax()) + 1}", limits)


def too_long(place: str, limits: Limits) -> LimitError:
    """The error for a line that is longer than the limit."""
    return LimitError(
        f"a line of more than {size_text(limits.line)}",
        place=place,
        hints=(command_line("vectors import FILE", max_line=Blank("SIZE")),),
    )


def trimmed(line: bytes) -> bytes:
    """A line without CR, spaces and tabs at its end."""
    return line.removesuffix(b"\r").rstrip(b" \t")
