"""attn batch mode by mode: CPU time a sentence, against another checkout and against torch.

    python benchmarks/batch_modes.py [SENTENCES] [CHECKOUT]

Each mode runs in a process of its own with one worker and one BLAS thread, in turn with the same mode
of CHECKOUT (a folder that holds another attncli), three rounds; what is printed are medians, without
the time of a run of ten sentences, and whether both wrote the same bytes. The labels are also read by
torch: gensim's vectors, the same rows of the same matrices in batches of one length, orjson.
Sentences are 18 words of the Lee corpus, in one of which stands a word that the model idioms knows.
Needs gensim, torch, orjson, pyarrow.
"""

import hashlib
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve()
ROUNDS, FEW = 3, 10
LEAN = ["--exclude", "contextual,tokens"]
MODES: dict[str, tuple[str, list[str]]] = {
    "JSON lines, everything": ("out.jsonl", []),
    "three strongest keys": ("out.jsonl", ["--top", "3", *LEAN]),
    "tokens alone": ("out.jsonl", ["--exclude", "weights,contextual,warnings"]),
    "labels": ("out.jsonl", ["--model", "idioms", "--exclude", "weights,contextual,tokens"]),
    "24 heads": ("out.jsonl", ["--attention", "task", "--heads", "24"]),
    "Parquet": ("out.parquet", []),
    "Arrow": ("out.arrow", []),
    "npz": ("out.npz", []),
}


def write_sentences(path: Path, count: int) -> None:
    """Cuts of the corpus, each with a target of the model."""
    from corpus import lee_words

    from attncli.models.named import find_model

    targets = find_model("idioms").targets
    words, rng = lee_words(), random.Random(1)
    with path.open("w") as out:
        for _ in range(count):
            start = rng.randrange(len(words) - 18)
            sentence = words[start : start + 18]
            sentence[rng.randrange(18)] = rng.choice(targets)
            out.write(" ".join(sentence) + "\n")


def labels_by_torch(source: str, target: str) -> None:
    """The labels of idioms: rows of the targets in batches of sentences of one length."""
    from collections import defaultdict

    import orjson
    import torch
    from batch_peers import keyed_vectors

    from attncli.models.named import find_model

    torch.set_num_threads(1)
    vectors, model = keyed_vectors(), find_model("idioms")
    a, parameters = model.architecture, model.parameters
    W_q, W_k, W_v, table = (
        torch.from_numpy(parameters[name].astype("float32"))
        for name in ("W_q", "W_k", "W_v", "position_table")
    )
    W_out = torch.from_numpy(parameters["W_out"].astype("float32"))
    b_out = torch.from_numpy(parameters["b_out"].astype("float32"))
    words = torch.from_numpy(vectors.vectors)
    words = torch.cat([words, torch.zeros(1, words.shape[1])])
    index, unknown, reach = vectors.key_to_index, len(words) - 1, (table.shape[1] - 3) // 2
    groups: dict[int, list[tuple[int, list[str], int]]] = defaultdict(list)
    for number, line in enumerate(Path(source).read_text().splitlines()):
        cut = line.lower().split()
        at = next(i for i, word in enumerate(cut) if word in model.targets)
        groups[len(cut)].append((number, cut, at))
    with open(target, "wb") as out, torch.inference_mode():
        for n_tokens, members in groups.items():
            for begin in range(0, len(members), 256):
                some = members[begin : begin + 256]
                x = words[
                    torch.tensor([[index.get(w, unknown) for w in cut] for _, cut, _ in some])
                ]
                places = torch.tensor([at for _, _, at in some])
                query = torch.einsum("bd,hdk->bhk", x[torch.arange(len(some)), places], W_q)
                key = torch.einsum("bnd,hdk->bhnk", x, W_k)
                scores = (key @ query[..., None])[..., 0] / a.d_k**0.5
                apart = torch.arange(n_tokens)[None] - places[:, None]
                scores += table[:, apart.clamp(-reach - 1, reach + 1) + reach + 1].transpose(0, 1)
                summed = torch.softmax(scores, dim=-1)[:, :, None] @ x[:, None]
                heads = torch.einsum("bhd,hdv->bhv", summed[:, :, 0], W_v)
                read = heads.reshape(len(some), a.committee, -1)
                logits = torch.einsum("bcv,cvl->bcl", read, W_out) + b_out
                likely = torch.softmax(logits, dim=-1).mean(dim=1)
                for (number, _, _), row in zip(some, likely.tolist(), strict=True):
                    label = model.labels[row.index(max(row))]
                    told = dict(zip(model.labels, row, strict=True))
                    record = {"line": number, "label": label, "probabilities": told}
                    out.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))


def cpu_seconds(command: Sequence[str], checkout: str | None = None) -> float:
    """User and system time of a process and its children, with the attncli of a checkout or of here.

    `python -m` looks in the folder where it runs first, so that it runs in none of the two.
    """
    own = {"PYTHONPATH": str(Path(checkout).resolve() if checkout else HERE.parents[1])}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        command,
        check=True,
        cwd=HERE.root,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **own},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    if sys.argv[1:2] == ["torch"]:
        labels_by_torch(*sys.argv[2:4])
        return
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    checkouts: list[str | None] = [None, *sys.argv[2:3]]
    os.environ |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        many, few = folder / "many.txt", folder / "few.txt"
        write_sentences(many, count)
        write_sentences(few, FEW)
        for mode, (output, options) in MODES.items():
            target = str(folder / output)
            written = ["-o", target, "-q", "--force", "--workers", "1", *options]
            commands = {
                checkout: [sys.executable, "-m", "attncli", "batch", *written]
                for checkout in checkouts
            }
            times: dict[str | None, list[float]] = {checkout: [] for checkout in checkouts}
            digests = set()
            for _ in range(ROUNDS):
                for checkout, command in commands.items():
                    begun = cpu_seconds([*command, str(few)], checkout)
                    times[checkout].append(cpu_seconds([*command, str(many)], checkout) - begun)
                    digests.add(hashlib.sha256(Path(target).read_bytes()).hexdigest())
            report(mode, [statistics.median(t) for t in times.values()], count, len(digests) == 1)
            if mode == "labels":
                compare_with_torch(folder, many, few, count)


def compare_with_torch(folder: Path, many: Path, few: Path, count: int) -> None:
    """Prints the line of the peer."""
    from batch_peers import save_keyed_vectors

    os.environ["KEYED_VECTORS"] = str(folder / "builtin.kv")
    save_keyed_vectors(folder / "builtin.kv")
    peer = [sys.executable, str(HERE), "torch"]
    target = str(folder / "torch.jsonl")
    rounds = [
        cpu_seconds([*peer, str(many), target]) - cpu_seconds([*peer, str(few), target])
        for _ in range(ROUNDS)
    ]
    report("labels by gensim + torch + orjson", [statistics.median(rounds)], count, True)


def report(mode: str, seconds: Sequence[float], count: int, same: bool) -> None:
    """A line of the table."""
    line = f"{mode:36} {seconds[0] / count * 1e6:7.1f} µs a sentence"
    if len(seconds) > 1:
        line += f"   {seconds[1] / seconds[0]:5.2f} × the other checkout"
        line += "" if same else "   other bytes"
    print(line, flush=True)


if __name__ == "__main__":
    main()
