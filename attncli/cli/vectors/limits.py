"""The options that say how much a file of vectors may ask for."""

import re
from typing import TYPE_CHECKING, Annotated

from attncli.cli.options import LIMITS, option
from attncli.errors import UsageError
from attncli.errors.wording import quoted
from attncli.settings.frozen import dataclass

if TYPE_CHECKING:
    from attncli.files.limits import Limits

_SIZE = r"([0-9]{1,15}(?:\.[0-9]{1,9})?) ?([KMGT]?)(?:i?B)?"

MaxMemory = Annotated[
    str | None,
    option(
        LIMITS,
        "SIZE",
        "Memory the reader may plan to use, such as 2G (default: three quarters of what is "
        "free; 256M for unpacking).",
    ),
]
MaxLine = Annotated[str, option(LIMITS, "SIZE", "Longest line of a text file.")]
MaxDim = Annotated[int, option(LIMITS, "N", "Most values of a vector.", min=1)]


@dataclass(frozen=True, slots=True)
class LimitOptions:
    """What the readers stop at."""

    max_memory: MaxMemory = None
    max_line: MaxLine = "4M"
    max_dim: MaxDim = 65_536


def limits_of(given: LimitOptions) -> "Limits":
    """The limits of the readers. Raises: UsageError for a text that does not say a size."""
    from attncli.files.limits import Limits

    limits = Limits(line=_size(given.max_line, "--max-line"), dim=given.max_dim)
    if given.max_memory is None:
        return limits
    memory = _size(given.max_memory, "--max-memory")
    return Limits(line=limits.line, dim=limits.dim, memory=memory, unpacker=memory)


def _size(text: str, place: str) -> int:
    try:
        size = bytes_of(text)
    except ValueError:
        size = 0
    if size < 1:
        raise UsageError(
            f"found {quoted(text)}, expected a size such as 64K, 4M or 2G", place=place
        )
    return size


def bytes_of(text: str) -> int:
    """The bytes that a size as people write it means. Raises: ValueError.

    >>> bytes_of("512"), bytes_of("64 KiB"), bytes_of("1.5G")
    (512, 65536, 1610612736)
    """
    match = re.fullmatch(_SIZE, text.strip(), re.IGNORECASE)
    if match is None:
        raise ValueError(text)
    return int(float(match.group(1)) * 1024 ** " KMGT".index(match.group(2).upper() or " "))
