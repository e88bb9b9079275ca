"""File to records, everything or less: attn batch against what a user writes (batch_peers.py).

    python benchmarks/batch.py [SENTENCES] [FOLDER]

Whole processes, start-up included, in turn, on the built-in vectors (d = 50), one BLAS thread each.
Prints sentences a second and ratios; for modes that write less, and for other formats, microseconds
of processor time a sentence without start-up (of a run of a hundred sentences). `python benchmarks/batch.py memory [FOLDER [LINES]]` prints
the peak memory of 10,000 lines and of LINES (1,000,000). FOLDER (a temporary one) holds input and
output; in memory (/dev/shm) the disk does not count. Needs gensim, torch, orjson; transformers and
a MiniLM folder in $MINILM if any.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ATTN = [sys.executable, "-m", "attncli", "batch"]
PEER = [sys.executable, str(Path(__file__).resolve().with_name("batch_peers.py"))]
BY_TORCH = [sys.executable, str(Path(__file__).resolve().with_name("batch_modes.py")), "torch"]
LEAN = ["--exclude", "contextual,tokens"]
# Less than everything: options, and what the peers call it.
MODES = {
    "three strongest keys": (["--top", "3", *LEAN], "strongest"),
    "tokens alone": (["--exclude", "weights,contextual,warnings"], "tokens"),
}
FEW = 100
LABELS = ["--model", "idioms", "--exclude", "weights,contextual,tokens"]


def timed(command: list[str]) -> float:
    """Wall seconds of a process."""
    begun = time.perf_counter()
    subprocess.run(command, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - begun


def peak(command: list[str]) -> float:
    """The peak MiB of all processes of a command together, each at its own highest.

    Asked of /proc, because what wait4 tells holds the parent's own peak too.
    """
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    peaks: dict[int, int] = {}
    while process.poll() is None:
        for pid in (process.pid, *children(process.pid)):
            with contextlib.suppress(OSError, IndexError):
                status = Path(f"/proc/{pid}/status").read_text()
                peaks[pid] = int(status.partition("VmHWM:")[2].split()[0])
        time.sleep(0.05)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return sum(peaks.values()) / 1024


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    found = []
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(child) for child in thread.read_text().split()]
    return found


def rate(name: str, command: list[str], count: int, target: Path, rounds: int = 2) -> float:
    """Sentences a second, the best of some rounds; the output is removed."""
    best = 1e9
    for _ in range(rounds):
        best = min(best, timed(command))
        size = target.stat().st_size
        target.unlink()
    print(f"{name:44} {count / best:10,.0f} sentences/s {size / count:8,.0f} bytes each")
    return count / best


def compare(count: int, folder: Path) -> None:
    """Prints the table."""
    from batch_peers import save_keyed_vectors
    from corpus import sentences

    from attncli.arrays.compiled import compiled

    source, target, few = folder / "s.txt", folder / "out.jsonl", folder / "few.txt"
    found = sentences(count)
    print("the loops are compiled" if compiled() is not None else "the loops are not compiled")
    source.write_text("\n".join(found) + "\n")
    few.write_text("\n".join(found[: count // 10]) + "\n")
    os.environ["KEYED_VECTORS"] = str(folder / "builtin.kv")
    save_keyed_vectors(folder / "builtin.kv")
    ours = [*ATTN, str(source), "-o", str(target), "-q"]
    one = rate("attn batch, 1 worker", [*ours, "--workers", "1"], count, target)
    two = rate("attn batch, 2 workers", [*ours, "--workers", "2"], count, target)
    lean = [*ours, "--workers", "1", "--exclude", "contextual", "--precision", "4"]
    rate("attn batch, weights only, 4 digits", lean, count, target)
    by_hand = [*PEER, "grouped", str(source), str(target)]
    hand = rate("gensim + torch grouped + orjson", by_hand, count, target)
    plainly = [*PEER, "plain", str(few), str(target)]
    simple = rate("gensim + torch a sentence + json", plainly, count // 10, target, 1)
    print(f"against gensim + torch + json   {one / simple:6.1f}   goal 22")
    print(f"against grouping and orjson     {one / hand:6.2f}   goal 2.5")
    print(f"two workers against one         {two / one:6.2f}   goal 1.7")
    if "MINILM" in os.environ:
        few.write_text("\n".join(found[:100]) + "\n")
        command = [*PEER, "transformer", str(few), str(target)]
        mini = rate("transformers, MiniLM", command, 100, target, 1)
        print(f"against transformers, MiniLM    {one / mini:6.0f}   goal 100")


def compare_modes(count: int, folder: Path) -> None:
    """Prints a line for each mode that writes less than everything, with its peers, and each format."""
    from batch_modes import cpu_seconds, write_sentences
    from corpus import sentences_of_rare_words

    many, few, target = folder / "labeled.txt", folder / "hundred.txt", folder / "out"
    write_sentences(many, count)
    write_sentences(few, FEW)

    def line(name: str, command: list[str], after: list[str], source: Path = many) -> float:
        times = [cpu_seconds([*command, str(one), *after]) for one in (source, few)]
        spent = (times[0] - times[1]) / (count - FEW) * 1e6
        print(f"{name:44} {spent:10.1f} µs a sentence", flush=True)
        return spent

    def ours(name: str, options: list[str], suffix: str = "jsonl", source: Path = many) -> float:
        after = ["-o", f"{target}.{suffix}", "-q", "--force", "--workers", "1", *options]
        return line(f"attn batch, {name}", ATTN, after, source)

    def peer(name: str, command: list[str], mode: list[str], own: float) -> None:
        spent = line(f"{name}, {mode[0] if mode else 'labels'}", command, [str(target), *mode])
        print(f"{'':4}{spent / own:6.2f} × attn batch")

    for name, (options, mode) in MODES.items():
        own = ours(name, options)
        peer("gensim + torch a sentence + json", [*PEER, "plain"], [mode], own)
        peer("gensim + torch grouped + orjson", [*PEER, "grouped"], [mode], own)
    peer("gensim + torch sums + orjson", BY_TORCH, [], ours("labels alone", LABELS))
    lines = ours("everything, JSON lines", [])
    rare = folder / "rare.txt"
    rare.write_text("\n".join(sentences_of_rare_words(count)) + "\n")
    ours("everything, with many rare words", [], source=rare)
    for suffix in ("arrow", "parquet", "npz"):
        print(f"{'':4}{lines / ours(f'everything, {suffix}', [], suffix):6.2f} × as fast as lines")
    commands = {
        engine: [*ATTN, str(many), "-o", f"{target}.jsonl", "-q", "--force", *options]
        for engine, options in (("local", []), ("dask", ["--engine", "dask"]))
    }
    walls = {engine: timed([*command, "--workers", "2"]) for engine, command in commands.items()}
    print(
        f"two workers of dask against two of this machine {walls['dask'] / walls['local']:6.2f} × the time"
    )


def memory(folder: Path, long: int) -> None:
    """Prints the peaks of a short and a long input, one worker and two."""
    from corpus import sentences

    block = "\n".join(sentences(10_000)) + "\n"
    source = folder / "s.txt"
    for workers in ("1", "2"):
        peaks = []
        for times in (1, long // 10_000):
            with source.open("w") as out:
                for _ in range(times):
                    out.write(block)
            command = [*ATTN, str(source), "-o", "/dev/null", "-q", "--workers", workers]
            peaks.append(peak(command))
            print(f"{workers} workers, {times * 10_000:9,} lines: peak {peaks[-1]:6.1f} MiB")
        print(f"growth {peaks[1] - peaks[0]:.1f} MiB   goal 16")


def main() -> None:
    os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    asked = sys.argv[1] if len(sys.argv) > 1 else "100000"
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as name:
        if asked == "memory":
            memory(Path(name), int(sys.argv[3]) if len(sys.argv) > 3 else 1_000_000)
        else:
            compare(int(asked), Path(name))
            compare_modes(int(asked), Path(name))


if __name__ == "__main__":
    main()
