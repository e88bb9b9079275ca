"""Laws of the memory that is left: the smallest limit counts, and silence is no limit."""

import tracemalloc

import numpy as np
import pytest

from attncli.arrays.memory import available_memory
from attncli.errors.wording import size_text
from attncli.results.json import record_parts

MACHINE = {"proc/meminfo": "MemTotal: 9000 kB\nMemFree: 100 kB\nMemAvailable: 8000 kB\n"}
GROUP = {
    "sys/fs/cgroup/memory.max": "5000000\n",
    "sys/fs/cgroup/memory.current": "4000000\n",
    "sys/fs/cgroup/memory.stat": "anon 1\ninactive_file 1500000\n",
}
INNER = {
    "proc/self/cgroup": "0::/job/one\n",
    "sys/fs/cgroup/job/one/memory.max": "3000000",
    "sys/fs/cgroup/job/one/memory.current": "1000000",
}
FIRST = {
    "sys/fs/cgroup/memory/memory.limit_in_bytes": "2000000",
    "sys/fs/cgroup/memory/memory.usage_in_bytes": "500000",
}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        (MACHINE, 8_192_000),
        (MACHINE | GROUP, 2_500_000),
        (MACHINE | GROUP | INNER, 2_000_000),
        (MACHINE | FIRST, 1_500_000),
        (MACHINE | {"sys/fs/cgroup/memory.max": "max\n"}, 8_192_000),
        (MACHINE | {"sys/fs/cgroup/memory/memory.limit_in_bytes": str(2**63 - 4096)}, 8_192_000),
        (GROUP | {"sys/fs/cgroup/memory.current": "9000000"}, 0),
        ({"proc/meminfo": "nonsense\nMemAvailable: much\n"}, None),
        ({}, None),
    ],
)
def test_the_smallest_limit_counts(tmp_path, files, expected):
    """Machine and container, of both versions; what is not said is no limit."""
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="ascii")
    assert available_memory(tmp_path) == expected


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [
        *((0, "0 bytes"), (1023, "1023 bytes"), (1024, "1.0 KiB"), (16 * 4096**2, "256.0 MiB")),
        *((160_000_000_000, "149.0 GiB"), (2**60, "1048576.0 TiB")),
    ],
)
def test_sizes_are_in_units_people_read(n_bytes, text):
    """Powers of 1024."""
    assert size_text(n_bytes) == text


def test_a_large_record_is_never_whole_in_memory():
    """Writing 3 million weights holds a small part of their 30 MB of text at once."""
    weights = np.random.default_rng(0).random((8, 4, 300, 300), dtype=np.float32)
    list(record_parts({"weights": weights[:, :2]}))  # what writing imports is no part of it
    tracemalloc.start()
    try:
        written = sum(len(part) for part in record_parts({"text": "a", "weights": weights}))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert written > 25_000_000
    assert peak < 8_000_000
