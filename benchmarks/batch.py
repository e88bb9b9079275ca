"""File to JSON lines with tokens, weights and new embeddings: attn batch against what a user writes.

    python benchmarks/batch.py [SENTENCES] [FOLDER]

Whole processes, start-up included, in turn, on the built-in vectors (d = 50), one BLAS thread each.
Prints sentences a second and ratios. `python benchmarks/batch.py memory [FOLDER [LINES]]` prints
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
HERE = Path(__file__).resolve()


def plain(source: str, target: str) -> None:
    """gensim KeyedVectors, torch a sentence at a time, json.dumps."""
    import json

    import numpy as np
    import torch

    torch.set_num_threads(1)
    vectors = keyed_vectors()
    zeros = np.zeros(50, dtype=np.float32)
    with open(source) as lines, open(target, "w") as out, torch.inference_mode():
        for number, line in enumerate(lines, start=1):
            words = line.lower().split()
            known = [vectors[w] if w in vectors else zeros for w in words]  # noqa: SIM401
            x = torch.from_numpy(np.stack(known))
            weights = torch.softmax(x @ x.T / 50**0.5, dim=-1)
            record = {
                "line": number,
                "tokens": words,
                "weights": weights.tolist(),
                "contextual": (weights @ x).tolist(),
            }
            out.write(json.dumps(record) + "\n")


def grouped(source: str, target: str) -> None:
    """The same by hand made fast: sentences grouped by length, orjson."""
    from collections import defaultdict
    from itertools import islice

    import numpy as np
    import orjson
    import torch

    torch.set_num_threads(1)
    vectors = keyed_vectors()
    table = torch.from_numpy(np.concatenate([vectors.vectors, np.zeros((1, 50), np.float32)]))
    index, unknown = vectors.key_to_index, len(table) - 1
    numpy = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE
    number = 0
    with open(source) as lines, open(target, "wb") as out, torch.inference_mode():
        while chunk := [line.lower().split() for line in islice(lines, 2000)]:
            groups: dict[int, list[int]] = defaultdict(list)
            for i, words in enumerate(chunk):
                groups[len(words)].append(i)
            records: list[bytes] = [b""] * len(chunk)
            for members in groups.values():
                rows = torch.tensor([[index.get(w, unknown) for w in chunk[i]] for i in members])
                x = table[rows]
                weights = torch.softmax(x @ x.transpose(1, 2) / 50**0.5, dim=-1)
                contextual = (weights @ x).numpy()
                for k, i in enumerate(members):
                    record = {
                        "line": number + i + 1,
                        "tokens": chunk[i],
                        "weights": weights[k].numpy(),
                        "contextual": contextual[k],
                    }
                    records[i] = orjson.dumps(record, option=numpy)
            number += len(chunk)
            out.write(b"".join(records))


def transformer(source: str, target: str) -> None:
    """transformers, MiniLM, output_attentions=True, a sentence at a time."""
    import json

    import torch
    from transformers import AutoModel, AutoTokenizer

    torch.set_num_threads(1)
    folder = os.environ["MINILM"]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, attn_implementation="eager")
    with open(source) as lines, open(target, "w") as out, torch.inference_mode():
        for line in lines:
            found = model(**tokenizer(line, return_tensors="pt"), output_attentions=True)
            record = {
                "weights": torch.stack(found.attentions)[:, 0].tolist(),
                "contextual": found.last_hidden_state[0].tolist(),
            }
            out.write(json.dumps(record) + "\n")


def keyed_vectors():  # type: ignore[no-untyped-def]  # gensim has no types
    """The built-in vectors as gensim's own class, from a file it reads fast."""
    from gensim.models import KeyedVectors

    return KeyedVectors.load(os.environ["KEYED_VECTORS"], mmap="r")


def save_keyed_vectors(path: Path) -> None:
    """Writes the built-in vectors for gensim."""
    import numpy as np
    from gensim.models import KeyedVectors

    import attncli

    store = attncli.open_vectors("glove").store
    vectors = KeyedVectors(store.dim)
    vectors.add_vectors([store.word(i) for i in range(store.words)], np.array(store.matrix))
    vectors.save(str(path))


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
    from corpus import sentences

    source, target, few = folder / "s.txt", folder / "out.jsonl", folder / "few.txt"
    found = sentences(count)
    source.write_text("\n".join(found) + "\n")
    few.write_text("\n".join(found[: count // 10]) + "\n")
    os.environ["KEYED_VECTORS"] = str(folder / "builtin.kv")
    save_keyed_vectors(folder / "builtin.kv")
    ours = [*ATTN, str(source), "-o", str(target), "-q"]
    peer = [sys.executable, str(HERE)]
    one = rate("attn batch, 1 worker", [*ours, "--workers", "1"], count, target)
    two = rate("attn batch, 2 workers", [*ours, "--workers", "2"], count, target)
    lean = [*ours, "--workers", "1", "--exclude", "contextual", "--precision", "4"]
    rate("attn batch, weights only, 4 digits", lean, count, target)
    by_hand = [*peer, "grouped", str(source), str(target)]
    hand = rate("gensim + torch grouped + orjson", by_hand, count, target)
    plainly = [*peer, "plain", str(few), str(target)]
    simple = rate("gensim + torch a sentence + json", plainly, count // 10, target, 1)
    print(f"against gensim + torch + json   {one / simple:6.1f}   goal 10")
    print(f"against grouping and orjson     {one / hand:6.2f}   goal 1.3")
    print(f"two workers against one         {two / one:6.2f}   goal 1.5")
    if "MINILM" in os.environ:
        few.write_text("\n".join(found[:100]) + "\n")
        command = [*peer, "transformer", str(few), str(target)]
        mini = rate("transformers, MiniLM", command, 100, target, 1)
        print(f"against transformers, MiniLM    {one / mini:6.0f}   goal 100")


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
    if asked in ("plain", "grouped", "transformer"):
        {"plain": plain, "grouped": grouped, "transformer": transformer}[asked](*sys.argv[2:4])
        return
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as name:
        if asked == "memory":
            memory(Path(name), int(sys.argv[3]) if len(sys.argv) > 3 else 1_000_000)
        else:
            compare(int(asked), Path(name))


if __name__ == "__main__":
    main()
