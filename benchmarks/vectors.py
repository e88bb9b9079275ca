"""What opening and converting vectors costs, each figure a ratio against a named peer of the same run.

    python benchmarks/vectors.py [--words 400000] [--dims 50,300] [--repeat 5]

Files are made in a temporary folder. gensim is the peer where it is installed. Times are of whole
processes (minimum of the repeats), peaks are of their resident memory.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SENTENCE = "money bank grows"
PEER_TEXT = """
from gensim.models import KeyedVectors
KeyedVectors.load_word2vec_format({path!r}, no_header=True)
"""
PEER_BINARY = """
from gensim.models import KeyedVectors
KeyedVectors.load_word2vec_format({path!r}, binary=True)
"""
PEER_SIMILAR = """
from gensim.models import KeyedVectors
print(KeyedVectors.load_word2vec_format({path!r}, binary=True).most_similar("bank"))
"""


def make_files(folder: Path, n_words: int, dim: int) -> tuple[Path, Path]:
    """A GloVe text and a word2vec binary of the same made-up vectors, real words among them."""
    rng = np.random.default_rng(dim)
    words = [f"word{i}" for i in range(n_words)]
    for place, word in zip((300, n_words // 2, n_words - 2), SENTENCE.split(), strict=True):
        words[place] = word
    glove, binary = folder / f"{n_words}x{dim}.txt", folder / f"{n_words}x{dim}.bin"
    with glove.open("w", encoding="utf-8") as text, binary.open("wb") as raw:
        raw.write(f"{n_words} {dim}\n".encode())
        for start in range(0, n_words, 10_000):
            block = rng.normal(scale=0.4, size=(10_000, dim)).astype(np.float32)
            for word, row in zip(words[start : start + 10_000], block, strict=False):
                text.write(word + " " + " ".join(f"{value:.5g}" for value in row.tolist()) + "\n")
                raw.write(word.encode() + b" " + row.tobytes())
    return glove, binary


def run(arguments: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Seconds and peak MiB of a process."""
    start = time.perf_counter()
    process = subprocess.Popen(
        arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{arguments} ended with {process.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def pair(
    label: str,
    ours: list[str],
    peer: list[str],
    environment: dict[str, str],
    repeat: int,
    goal: str,
) -> None:
    """Runs two commands in turn and prints their ratio."""
    times = [(run(ours, environment), run(peer, environment)) for _ in range(repeat)]
    a, b = (min(t[i][0] for t in times) for i in (0, 1))
    m, n = (max(t[i][1] for t in times) for i in (0, 1))
    print(f"{label:<44} {a:7.3f} s {m:6.0f} MiB | peer {b:7.3f} s {n:6.0f} MiB | "
          f"{a / b:5.2f} × its time, {m - n:+5.0f} MiB ({goal})", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--words", type=int, default=400_000)
    parser.add_argument("--dims", default="50,300")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {**os.environ, "ATTN_CACHE_DIR": str(folder / "cache")}
        for dim in map(int, options.dims.split(",")):
            measure(folder, options.words, dim, environment, options.repeat)


def measure(folder: Path, n_words: int, dim: int, environment: dict[str, str], repeat: int) -> None:
    """All figures of one size."""
    glove, binary = make_files(folder, n_words, dim)
    attn = [sys.executable, "-m", "attncli"]
    explain = [*attn, "explain", SENTENCE, "--json"]
    file = [*explain, "--vectors", str(glove)]
    python = [sys.executable, "-c"]
    size = f"{n_words} × {dim}"
    scan = run(file, environment)
    for kind, path, peer in (("text", glove, PEER_TEXT), ("binary", binary, PEER_BINARY)):
        convert = [*attn, "vectors", "import", str(path), "--name", f"b{dim}{kind}"]
        ours = run(convert, environment)
        try:
            theirs = run([*python, peer.format(path=str(path))], environment)
        except SystemExit:
            print("gensim is not installed: no peer")
            theirs = (float("nan"), float("nan"))
        print(f"{size} convert {kind}: {ours[0]:.2f} s {ours[1]:.0f} MiB | gensim {theirs[0]:.2f} s "
              f"{theirs[1]:.0f} MiB | {theirs[0] / ours[0]:.1f} × faster, "
              f"{ours[1] / theirs[1]:.2f} × its peak", flush=True)  # fmt: skip
    pair(f"{size} imported against built-in", file, explain, environment, repeat, "≤ 1.15, ≤ 20")
    imported = min(run(file, environment)[0] for _ in range(repeat))
    print(f"{size} first explain, not imported: {scan[0]:.3f} s, {scan[0] / imported:.2f} × the "
          f"imported one (≤ 4)")  # fmt: skip
    similar = [*attn, "vectors", "similar", "bank", "--vectors", str(binary)]
    peer = [*python, PEER_SIMILAR.format(path=str(binary))]
    pair(f"{size} similar against gensim, cold", similar, peer, environment, 1, "≤ 1")
    glove.unlink()
    binary.unlink()


if __name__ == "__main__":
    main()
