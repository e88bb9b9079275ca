"""How much memory this process may still take: the machine's, the container's, the shell's limit.

Only Linux tells; elsewhere the answer is None and nothing is refused beforehand.
"""

from pathlib import Path

import numpy as np

_LARGEST_KEPT = 31 << 20  # bytes: just below the largest block that glibc keeps when it is freed
_NO_LIMIT = 1 << 60  # version 1 of cgroups writes "none" as a number near 2^63


def available_memory(root: Path = Path("/")) -> int | None:
    """The bytes this process may still take, the smallest of all limits; None when unknown.

    `root` is where /proc and /sys are.
    """
    limits = (_machine(root), _control_group(root), _address_space(root))
    known = [limit for limit in limits if limit is not None]
    return max(min(known), 0) if known else None


def keep_freed_memory() -> None:
    """Lets the C library keep what is freed, up to twice `_LARGEST_KEPT`, for the next array.

    Layers of a model come and go. Given back to the system, each would cost a page fault for every
    4 KiB that is unpacked into it, a third of the time of a text. glibc keeps twice as much as the
    largest block that was ever freed (mallopt(3), M_MMAP_THRESHOLD); elsewhere nothing happens.
    """
    np.empty(_LARGEST_KEPT, dtype=np.uint8)  # freed at once, and never touched


def _machine(root: Path) -> int | None:
    """MemAvailable: what can be had without swapping."""
    kib = _fields(root / "proc/meminfo").get("MemAvailable:")
    return None if kib is None else kib * 1024


def _control_group(root: Path) -> int | None:
    """What the container leaves: its limit less what it holds and cannot give back."""
    for folder, limit, used in _groups(root):
        allowed = _number(folder / limit)
        if allowed is not None and allowed < _NO_LIMIT:
            cache = _fields(folder / "memory.stat").get("inactive_file", 0)
            return allowed - max((_number(folder / used) or 0) - cache, 0)
    return None


def _groups(root: Path) -> list[tuple[Path, str, str]]:
    top = root / "sys/fs/cgroup"
    own = _read(root / "proc/self/cgroup").rpartition("0::")[2].strip().lstrip("/")
    second, first = ("memory.max", "memory.current"), ("limit_in_bytes", "usage_in_bytes")
    return [
        (top / own, *second),
        (top, *second),
        (top / "memory", f"memory.{first[0]}", f"memory.{first[1]}"),
    ]


def _address_space(root: Path) -> int | None:
    """What `ulimit -v` leaves."""
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return None
    pages = _read(root / "proc/self/statm").split()
    return limit - (int(pages[0]) * resource.getpagesize() if pages else 0)


def _fields(path: Path) -> dict[str, int]:
    rows = (line.split() for line in _read(path).splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) > 1 and row[1].isdigit()}


def _number(path: Path) -> int | None:
    text = _read(path).strip()
    return int(text) if text.isdigit() else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
