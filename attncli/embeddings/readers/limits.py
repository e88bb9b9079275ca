"""What a file may ask for before it is told no. Sizes in a file are claims until the bytes come."""

import os
from dataclasses import dataclass
from pathlib import Path

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, but `dim` (values of a vector) and `ratio` (unpacked : packed)."""

    line: int = 4 * MIB
    word: int = 64 * KIB
    dim: int = 65_536
    memory: int | None = None  # None: three quarters of what is free
    unpacker: int = 256 * MIB  # memory of the unpacker itself (xz dictionary)
    ratio: int = 200  # beyond 32 MiB unpacked, more than this is taken for a bomb
    blank_lines: int = 1_000
    bad_lines: int = 1_000


def memory_budget(limits: Limits) -> int:
    """The bytes a plan may take: the limit given, or three quarters of what is free."""
    if limits.memory is not None:
        return limits.memory
    return int(0.75 * min(_free_memory(), _cgroup_memory()))


def _free_memory() -> int:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * KIB
    except (OSError, ValueError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, ValueError, OSError):
        return 2 * GIB


def _cgroup_memory() -> int:
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text(encoding="ascii").strip()
        used = Path("/sys/fs/cgroup/memory.current").read_text(encoding="ascii").strip()
        return max(int(limit) - int(used), 0)
    except (OSError, ValueError):
        return 1 << 62


def size_text(n_bytes: int) -> str:
    """A number of bytes in units people read.

    >>> size_text(1_207_959_552)
    '1.1 GiB'
    """
    amount = float(n_bytes)
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB"):
        if amount < 1024 or unit == "PiB":
            return f"{n_bytes} bytes" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{n_bytes} bytes"
