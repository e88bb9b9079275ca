"""One long text, and a page of very short lines, in turn with a peer in the same run.

    python benchmarks/long_text.py [TOKENS] [FOLDER]
    python benchmarks/long_text.py short [SENTENCES] [FOLDER]
    python benchmarks/long_text.py weights [TOKENS] [FOLDER]

The first prints processor time and peak memory of whole processes, reading and writing included:
attn batch and attn explain of TOKENS (20,000) without the weights, against numpy as one writes it
(all scores, softmax, weights · vectors, float32, one BLAS thread) and a line of JSON. One text is
running text of the Lee corpus, the other has every word of the built-in vocabulary once before any
comes again. The second prints sentences of three words a second of processor time, start-up
included, against gensim, torch and orjson with sentences grouped by length. The third prints what a
text of TOKENS (6,000) with all its weights takes. Needs gensim; for short lines torch and orjson.
"""

import os
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ATTN = [sys.executable, "-m", "attncli"]
LEAN = ["-q", "--exclude", "weights,tokens"]
ROUNDS = 2
SHORT_MODES = {
    "everything": ([], "everything"),
    "three strongest keys": (["--top", "3", "--exclude", "contextual,tokens"], "strongest"),
    "tokens alone": (["--exclude", "weights,contextual,warnings"], "tokens"),
}


def by_numpy(source: str, target: str) -> None:
    """The new vectors of a text, as the equation is written."""
    import json

    import numpy as np

    import attncli

    store = attncli.open_vectors("glove").store
    rows = [store.row(word) for word in Path(source).read_text().lower().split()]
    zeros = np.zeros(store.dim, dtype=np.float32)
    x = np.stack([zeros if row is None else store.vectors([row])[0] for row in rows])
    scores = x @ x.T / np.float32(store.dim**0.5)
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights = powers / powers.sum(axis=1, keepdims=True)
    Path(target).write_text(json.dumps({"contextual": (weights @ x).tolist()}))


def watch(output: str, *command: str) -> None:
    """Prints processor seconds and peak MB of a process whose standard output goes to a file."""
    with open(output, "wb") as out:
        to_file = [(os.POSIX_SPAWN_DUP2, out.fileno(), 1)]
        pid = os.posix_spawn(command[0], command, os.environ, file_actions=to_file)
        _, status, used = os.wait4(pid, 0)
    if status:
        sys.exit(f"{' '.join(command)} ended with {os.waitstatus_to_exitcode(status)}")
    print(used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6)


def measured(command: list[str], output: Path) -> tuple[float, float]:
    """Processor seconds and peak MB of a process, the least of some rounds of each.

    A small process starts it: what wait4 tells of memory holds the peak of who started it.
    """
    watched = [sys.executable, str(Path(__file__).resolve()), "watch", str(output), *command]
    ended = [subprocess.run(watched, check=True, stdout=subprocess.PIPE) for _ in range(ROUNDS)]
    seconds, most = zip(*(map(float, one.stdout.split()) for one in ended), strict=True)
    return min(seconds), min(most)


def running_text(n_tokens: int) -> list[str]:
    """The words of the corpus, from its beginning."""
    from corpus import lee_words

    words = re.findall(r"[A-Za-z]+", " ".join(lee_words()))
    return [words[i % len(words)] for i in range(n_tokens)]


def distinct_text(n_tokens: int) -> list[str]:
    """The words of the vocabulary in any order."""
    import attncli

    store = attncli.open_vectors("glove").store
    words = [word for word in map(store.word, range(store.words)) if re.fullmatch("[a-z]+", word)]
    random.Random(3).shuffle(words)
    return [words[i % len(words)] for i in range(n_tokens)]


def long_texts(n_tokens: int, folder: Path) -> None:
    """Prints a line for each text and command, with its ratios to numpy."""
    source, target = folder / "long.txt", folder / "out.jsonl"
    limit = ["--max-tokens", str(n_tokens)]
    to_file = ["-o", str(target), "--force", "--workers", "1"]
    ours = {
        "attn batch": [*ATTN, "batch", str(source), *to_file, *LEAN, *limit],
        "attn explain": [*ATTN, "explain", "--file", str(source), "--json", *LEAN, *limit],
    }
    numpy = [sys.executable, str(Path(__file__).resolve()), "numpy", str(source), str(target)]
    for name, words in (("running", running_text(n_tokens)), ("distinct", distinct_text(n_tokens))):
        source.write_text(" ".join(words) + "\n")
        title = f"{n_tokens:,} tokens, {len(set(map(str.lower, words))):,} of them distinct"
        print(f"{title} ({name})")
        taken, held = measured(numpy, folder / "printed")
        print(f"  {'numpy as written':20} {taken:7.2f} s {held:8.0f} MB", flush=True)
        for command, arguments in ours.items():
            seconds, most = measured(arguments, folder / "printed")
            ratios = f"{taken / seconds:6.1f} × as fast, 1/{held / most:.0f} of the memory"
            print(f"  {command:20} {seconds:7.2f} s {most:8.0f} MB {ratios}", flush=True)
    print("goals: 5 × as fast, 1/50 of the memory")


def all_weights(n_tokens: int, folder: Path) -> None:
    """Prints time and memory of a text with all its weights, and the size of its JSON."""
    source, target = folder / "long.txt", folder / "out.jsonl"
    source.write_text(" ".join(distinct_text(n_tokens)) + "\n")
    to_file = ["-o", str(target), "--force", "-q", "--workers", "1"]
    command = [*ATTN, "batch", str(source), *to_file, "--max-tokens", str(n_tokens)]
    seconds, most = measured(command, folder / "printed")
    size = target.stat().st_size / 1e6
    print(f"{n_tokens:,} tokens: {size:.0f} MB of JSON, {seconds:.2f} s, {most:.0f} MB of memory")


def short_lines(count: int, folder: Path) -> None:
    """Prints sentences a second of each mode, and its ratio to the peer."""
    from batch_peers import save_keyed_vectors
    from corpus import lee_words

    source, target = folder / "three.txt", folder / "out.jsonl"
    words, rng = re.findall(r"[A-Za-z]+", " ".join(lee_words())), random.Random(5)
    starts = (rng.randrange(len(words) - 3) for _ in range(count))
    source.write_text("".join(" ".join(words[at : at + 3]) + "\n" for at in starts))
    os.environ["KEYED_VECTORS"] = str(folder / "builtin.kv")
    save_keyed_vectors(folder / "builtin.kv")
    peers = str(Path(__file__).resolve().with_name("batch_peers.py"))
    for name, (options, mode) in SHORT_MODES.items():
        command = [*ATTN, "batch", str(source), "-o", str(target), "-q", "--force", *options]
        own, _ = measured([*command, "--workers", "1"], folder / "printed")
        peer = [sys.executable, peers, "grouped", str(source), str(target), mode]
        other, _ = measured(peer, folder / "printed")
        print(
            f"{name:22} attn batch {count / own:9,.0f} sentences/s, gensim + torch grouped + orjson "
            f"{count / other:9,.0f}: {other / own:5.2f} ×",
            flush=True,
        )
    print("goal: 60,000 sentences a second")


def main() -> None:
    os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    given = sys.argv[1:]
    if given[:1] == ["numpy"]:
        by_numpy(*given[1:])
        return
    if given[:1] == ["watch"]:
        watch(*given[1:])
        return
    modes = {"short": (short_lines, 1_000_000), "weights": (all_weights, 6_000)}
    run, count = modes.get(given[0] if given else "", (long_texts, 20_000))
    given = given[1:] if run is not long_texts else given
    count = int(given[0]) if given else count
    with tempfile.TemporaryDirectory(dir=given[1] if len(given) > 1 else None) as name:
        run(count, Path(name))


if __name__ == "__main__":
    main()
