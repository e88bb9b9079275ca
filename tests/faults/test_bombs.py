"""Bombs: a few kilobytes that claim to be, or unpack to, far more take 256 MiB at most, and end.

Each command runs in a process of its own, whose largest memory is measured.
"""

import gzip
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import child_environment

resource = pytest.importorskip("resource")
_MOST = 256 << 20
_MANY = 5_000_000

# Runs a command line, then prints its exit code and the most memory that it had.
_MEASURED = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def measured(folder: Path, *line: str, stdin: int | None = None) -> tuple[int, int]:
    """The exit code of a command line, and the bytes of memory it had at most."""
    attn = [sys.executable, "-m", "attncli", *line]
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED, *attn],
        cwd=folder,
        stdin=stdin,
        capture_output=True,
        env=child_environment(ATTN_CACHE_DIR=str(folder / "cache")),
        timeout=300,
        check=True,
    )
    code, kibibytes = done.stdout.split()
    return int(code), int(kibibytes) << (0 if sys.platform == "darwin" else 10)


_ROW = b'{"text": "a", "x": [' + b"[]," * _MANY + b"[]]}"
PACKED = {
    "lists.json.gz": lambda: b"[" + b"[]," * _MANY + b"[]]",
    "cells.csv.gz": lambda: b"0.5," * _MANY + b"0.5\n",
    "row.jsonl.gz": lambda: _ROW,
    "rows.json.gz": lambda: b"[" + _ROW + b"]",
    "line.txt.gz": lambda: b"a" * (1 << 28),
    "cells.tsv.gz": lambda: b"text\tid\n" + b"a\t" * _MANY + b"\n",
}
_SAVED = ("lists.json.gz", "cells.csv.gz")  # as sentences they are millions of bad rows, one by one
COMMANDS = {
    "view": ("view", "{}"),
    "batch": ("batch", "{}", "--vectors", "random", "--dim", "2", "--workers", "1", "-q"),
    "train": ("train", "{}", "-o", "m.safetensors", "--vectors", "random", "--dim", "4"),
    "vectors": ("explain", "a b", "--vectors", "{}"),
}


@pytest.mark.parametrize("name", PACKED)
def test_packed_bombs_take_little_memory(tmp_path: Path, name: str) -> None:
    """Text that unpacks to a thousand times its size, as results, sentences, examples and vectors."""
    content: Callable[[], bytes] = PACKED[name]
    (tmp_path / name).write_bytes(gzip.compress(content(), 1))
    for command, line in COMMANDS.items():
        if name in _SAVED and command != "view":
            continue
        code, most = measured(tmp_path, *(name if part == "{}" else part for part in line))
        assert code in (2, 3, 4, 5, 8), (command, code)
        assert most < _MOST, (command, most >> 20)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="a device of Unix")
@pytest.mark.parametrize(
    "line",
    [
        ("view", "/dev/zero"),
        ("batch", "/dev/zero", "-q", "--workers", "1"),
        ("explain", "-f", "/dev/zero"),
        ("train", "/dev/zero", "-o", "m.safetensors"),
        ("explain", "a b", "--vectors", "/dev/zero"),
        ("explain", "a b", "--model", "/dev/zero"),
        ("model", "info", "/dev/zero"),
        ("evaluate", "/dev/zero", "--model", "idioms"),
        ("explain", "a b", "--tokenizer", "/dev/zero"),
    ],
    ids=" ".join,
)
def test_devices_without_end_come_to_one(tmp_path: Path, line: tuple[str, ...]) -> None:
    """Zeros for ever are refused by the first of them, wherever a file is expected."""
    code, most = measured(tmp_path, *line)
    assert code in range(2, 15)
    assert most < _MOST


@pytest.mark.skipif(os.name != "posix", reason="pipes of Unix")
@pytest.mark.parametrize("text", ["a", "1", "1,2", '{"a": 1}', "[[1,"])
@pytest.mark.parametrize("is_fifo", [False, True], ids=["stdin", "FIFO"])
def test_a_stream_without_end_comes_to_one(tmp_path: Path, text: str, is_fifo: bool) -> None:
    """Lines for ever, on standard input and from a named pipe in the place of a file."""
    fifo = tmp_path / "endless"
    os.mkfifo(fifo)
    with subprocess.Popen(["yes", text], stdout=subprocess.PIPE) as endless:
        assert endless.stdout is not None
        writer = None
        try:
            if is_fifo:
                shell = ["sh", "-c", 'cat > "$1"', "sh", str(fifo)]
                writer = subprocess.Popen(shell, stdin=endless.stdout)
                code, most = measured(tmp_path, "view", str(fifo))
            else:
                code, most = measured(tmp_path, "view", "-", stdin=endless.stdout.fileno())
        finally:
            endless.kill()
            if writer is not None:
                writer.kill()
                writer.wait()
    assert code in range(2, 15)
    assert most < _MOST


@pytest.mark.skipif(not Path("/dev/stdin").exists(), reason="a device of Unix")
def test_names_without_end_come_to_one(tmp_path: Path) -> None:
    """Names of tokens for ever."""
    (tmp_path / "w.csv").write_text("1,0\n0,1\n", encoding="ascii")
    line = ("view", "w.csv", "--tokens", "@/dev/stdin")
    with subprocess.Popen(["yes", "bank"], stdout=subprocess.PIPE) as endless:
        assert endless.stdout is not None
        try:
            code, most = measured(tmp_path, *line, stdin=endless.stdout.fileno())
        finally:
            endless.kill()
    assert code == 8
    assert most < _MOST


_NEW_WORDS = """
import itertools
for start in itertools.count(0, 50):
    print(*(f"w{number}" for number in range(start, start + 50)))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems tell no limit")
def test_a_corpus_of_new_words_without_end_comes_to_one(tmp_path: Path) -> None:
    """Words are counted as long as the memory that is free holds them."""
    pytest.importorskip("gensim")
    limited = ["sh", "-c", 'ulimit -v 1000000; exec "$@"', "sh"]
    line = ["vectors", "train", "-", "--name", "endless"]
    with subprocess.Popen([sys.executable, "-c", _NEW_WORDS], stdout=subprocess.PIPE) as endless:
        try:
            done = subprocess.run(
                [*limited, sys.executable, "-m", "attncli", *line],
                stdin=endless.stdout,
                capture_output=True,
                env=child_environment(
                    ATTN_CACHE_DIR=str(tmp_path / "cache"), OPENBLAS_NUM_THREADS="1"
                ),
                timeout=300,
            )
        finally:
            endless.kill()
    assert done.returncode == 8
    assert b"different words" in done.stderr
    assert not list((tmp_path / "cache").rglob("corpus"))
