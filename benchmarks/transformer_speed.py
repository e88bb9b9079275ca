"""A transformer's attention against transformers + torch (and BertViz, if it is installed).

    python benchmarks/transformer_speed.py DIR [--pairs 5] [--sentences 512] [--only cold|warm]
                                               [--peer-python PYTHON]

DIR is a checkpoint folder, such as all-MiniLM-L6-v2. Cold: one sentence, whole processes in pairs,
time and peak memory; each side gives the weights of all layers and heads. Warm: sentences a second
with all weights and the last hidden states, both sides on the same cores; transformers in padded
batches of 32, as the sentences come and sorted by length. Needs pip install '.[transformers,oracle]'.

BertViz brings some thirty packages, so it may live in an environment of its own, with transformers
and torch; its Python is then named by --peer-python, and runs both peers of the cold part:

    python -m venv peers && peers/bin/pip install bertviz ipython transformers torch
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SENTENCE = "money bank grows"
WORDS = [
    "the",
    "bank",
    "of",
    "river",
    "money",
    "grows",
    "flows",
    "old",
    "stone",
    "bridge",
    "people",
    "said",
    "that",
    "water",
    "under",
    "market",
    "price",
    "stock",
    "company",
    "year",
    "new",
    "city",
    "light",
    "cold",
    "running",
    "system",
    "power",
]
COLD_GOAL, MEMORY_FACTOR, MEMORY_ROOM = 20.0, 1.3, 150.0

PEER = """
import sys, json, torch
from transformers import AutoModel, AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
model = AutoModel.from_pretrained(
    sys.argv[1], attn_implementation="eager", dtype=torch.float32
).eval()
with torch.inference_mode():
    out = model(**tokenizer(sys.argv[2], return_tensors="pt"), output_attentions=True)
"""
PRINT = "print(json.dumps(torch.stack(out.attentions)[:, 0].tolist()))"
VIEW = """
from bertviz import head_view
tokens = tokenizer.convert_ids_to_tokens(tokenizer(sys.argv[2])["input_ids"])
print(head_view(out.attentions, tokens, html_action="return").data)
"""


def run(command: list[str]) -> tuple[float, float]:
    """Wall seconds and peak MB of one process."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)[:200]} ended with {process.returncode}")
    return time.perf_counter() - started, usage.ru_maxrss * 1024 / 1e6


def can_import(python: str, name: str) -> bool:
    """Whether this Python has a package."""
    found = f"import sys, importlib.util as u; sys.exit(u.find_spec({name!r}) is None)"
    return subprocess.run([python, "-c", found], check=False).returncode == 0


def cold(folder: str, pairs: int, python: str) -> None:
    size = sum(path.stat().st_size for path in Path(folder).glob("*.safetensors")) / 1e6
    ours = [sys.executable, "-m", "attncli", "explain", SENTENCE, "--model", folder, "--json"]
    peers = {"transformers": PEER + PRINT}
    if can_import(python, "bertviz"):
        peers["BertViz head_view"] = PEER + VIEW
    else:
        print(f"cold, BertViz: {python} has no bertviz; --peer-python names one that has")
    with tempfile.TemporaryDirectory() as where:
        for number, (name, script) in enumerate(peers.items()):
            path = Path(where) / f"peer{number}.py"
            path.write_text(script)
            peer = [python, str(path), folder, SENTENCE]
            run(ours), run(peer)  # warm-up
            ratios, walls, peaks, peer_peaks = [], [], [], []
            for _ in range(pairs):
                wall, peak = run(ours)
                peer_wall, peer_peak = run(peer)
                ratios.append(peer_wall / wall)
                walls.append(wall)
                peaks.append(peak)
                peer_peaks.append(peer_peak)
            print(
                f"cold, {name}: {statistics.median(ratios):.1f} × as long (goal {COLD_GOAL:.0f}); "
                f"attn {statistics.median(walls):.2f} s; peak {max(peaks):.0f} MB, "
                f"peer {max(peer_peaks):.0f} MB "
                f"(goal {MEMORY_FACTOR * size + MEMORY_ROOM:.0f} for a file of {size:.0f} MB)"
            )


def sentences(count: int) -> list[str]:
    """Sentences of about 18 words."""
    chance = random.Random(0)
    return [
        " ".join(chance.choice(WORDS) for _ in range(max(3, int(chance.gauss(18, 7)))))
        for _ in range(count)
    ]


def our_rate(folder: str, texts: list[str]) -> float:
    """Sentences a second on one core; `attn batch` multiplies it by its workers."""
    import attncli

    analyser = attncli.analyser(folder)
    list(analyser(texts[:64]))
    started = time.perf_counter()
    found = sum(result.weights.shape[0] > 0 for result in analyser(texts))
    return found / (time.perf_counter() - started)


def peer_rate(folder: str, texts: list[str], cores: int) -> float:
    """Sentences a second of transformers in padded batches of 32."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    torch.set_num_threads(cores)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(
        folder, attn_implementation="eager", dtype=torch.float32
    ).eval()

    def keep(batch_of: list[str]) -> int:
        batch = tokenizer(batch_of, padding=True, return_tensors="pt")
        out = model(**batch, output_attentions=True)
        kept = 0
        for i, mask in enumerate(batch["attention_mask"]):
            n = int(mask.sum())
            weights = [layer[i, :, :n, :n].numpy() for layer in out.attentions]
            kept += len(weights) > 0 and out.last_hidden_state[i, :n].numpy().size > 0
        return kept

    with torch.inference_mode():
        keep(texts[:32])
        started = time.perf_counter()
        found = sum(keep(texts[at : at + 32]) for at in range(0, len(texts), 32))
    return found / (time.perf_counter() - started)


def warm(folder: str, count: int, rounds: int, cores: int) -> None:
    texts = sentences(count)
    ours, plain, ordered = [], [], []
    for _ in range(rounds):
        ours.append(our_rate(folder, texts))
        plain.append(peer_rate(folder, texts, cores))
        ordered.append(peer_rate(folder, sorted(texts, key=len), cores))
    for name, peer in (("as they come", plain), ("sorted by length", ordered)):
        ratio = statistics.median(o / p for o, p in zip(ours, peer, strict=True))
        print(
            f"warm, {cores} cores, transformers with sentences {name}: {ratio:.2f} × its rate "
            f"(goal 1.0); attn {max(ours):.0f}, transformers {max(peer):.0f} sentences/s"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="attn against transformers + torch.")
    parser.add_argument("folder")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--sentences", type=int, default=512)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--only", choices=("cold", "warm"))
    asked = parser.parse_args()
    if asked.only != "warm":
        cold(asked.folder, asked.pairs, asked.peer_python)
    if asked.only != "cold":
        warm(asked.folder, asked.sentences, 3, asked.cores)


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # both sides run compiled, as installed
    main()
