"""What the tests of batch share: a corpus, the command, and a run from Python."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
WORDS = [
    "money",
    "bank",
    "river",
    "grows",
    "the",
    "flows",
    "a",
    "of",
    "in",
    "xqzzy",
    "said",
    "New",
    "York",
    "don't",
    "e-mail",
    "café",
]


def corpus(count: int, seed: int = 0) -> bytes:
    """Lines of known and unknown words, now and then blank, not UTF-8, or without a word."""
    rng = np.random.default_rng(seed)
    odd = [b"", b"   ", b"caf\xe9 bank", b"?!", "中文 bank 🏦".encode(), b"# note", b"bank\r"]
    lines = []
    for _ in range(count):
        if rng.random() < 0.05:
            lines.append(odd[rng.integers(len(odd))])
        else:
            lines.append(" ".join(rng.choice(WORDS, rng.integers(1, 9))).encode())
    return b"\n".join(lines) + b"\n"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder, in memory where there is such a file system: hundreds of runs sync there."""
    shared = Path("/dev/shm")
    with TemporaryDirectory(dir=shared if shared.is_dir() else tmp_path) as name:
        yield Path(name)


@pytest.fixture
def attn(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Runs `attn` with arguments in a folder of its own."""
    # Not above: workers of a cluster import this file, and have no forks.
    from forks import run_attn

    def run(
        *arguments: str, stdin: bytes | None = None, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
        return run_attn(arguments, stdin=stdin, env=environment, folder=tmp_path, timeout=600)

    return run
