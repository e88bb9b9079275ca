"""A transformer's attention against transformers + torch (and BertViz, if it is installed).

    python benchmarks/transformer_speed.py MODEL [--pairs 5] [--sentences 512] [--only cold|warm]
                                                 [--text TEXT] [--layer N] [--peer-python PYTHON]

MODEL is a checkpoint folder, such as all-MiniLM-L6-v2, or a GGUF file. Cold: one sentence, whole
processes in pairs, time, processor time and peak memory; each side gives the weights of all layers
and heads, or of the layer that is named. Warm: sentences a second with all weights and the last
hidden states, both sides on the same cores, a process of ours on each; transformers in padded
batches of 32, as the sentences come and sorted by length. On a busy machine the processor time of
both sides says more than the clock. Needs pip install '.[transformers,oracle]', for GGUF accelerate
too, which the loader of transformers asks for.

BertViz brings some thirty packages, so it may live in an environment of its own, with transformers
and torch; its Python is then named by --peer-python, and runs both peers of the cold part:

    python -m venv peers && peers/bin/pip install bertviz ipython transformers torch
"""

import argparse
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

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

OPEN = """
import os
def opened(path):
    if not os.path.isfile(path):
        return {"pretrained_model_name_or_path": path}
    folder, name = os.path.split(os.path.abspath(path))
    return {"pretrained_model_name_or_path": folder, "gguf_file": name}
"""
PEER = (
    OPEN
    + """
import sys, json, torch
from transformers import AutoModel, AutoTokenizer
tokenizer = AutoTokenizer.from_pretrained(**opened(sys.argv[1]))
model = AutoModel.from_pretrained(
    **opened(sys.argv[1]), attn_implementation="eager", dtype=torch.float32
).eval()
with torch.inference_mode():
    out = model(**tokenizer(sys.argv[2], return_tensors="pt"), output_attentions=True)
"""
)
PRINT = """
chosen = out.attentions if len(sys.argv) < 4 else [out.attentions[int(sys.argv[3])]]
print(json.dumps(torch.stack(list(chosen))[:, 0].tolist()))
"""
VIEW = """
from bertviz import head_view
tokens = tokenizer.convert_ids_to_tokens(tokenizer(sys.argv[2])["input_ids"])
print(head_view(out.attentions, tokens, html_action="return").data)
"""


class Cost(NamedTuple):
    """What a process took: seconds by the clock, seconds of processors, MB at its peak."""

    wall: float
    cpu: float
    peak: float


def run(command: list[str]) -> Cost:
    """The cost of one process; ends this one where it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)[:200]} ended with {process.returncode}")
    wall = time.perf_counter() - started
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6)


def can_import(python: str, name: str) -> bool:
    """Whether this Python has a package."""
    found = f"import sys, importlib.util as u; sys.exit(u.find_spec({name!r}) is None)"
    return subprocess.run([python, "-c", found], check=False).returncode == 0


def cold(asked: argparse.Namespace) -> None:
    """One sentence, whole processes in pairs."""
    path = Path(asked.model)
    files = [path] if path.is_file() else path.glob("*.safetensors")
    size = sum(file.stat().st_size for file in files) / 1e6
    layer = [] if asked.layer is None else [str(asked.layer)]
    ours = [sys.executable, "-m", "attncli", "explain", asked.text, "--model", asked.model]
    ours += ["--json", *(f"--layer={number}" for number in layer)]
    python, peers = asked.peer_python, {"transformers": PEER + PRINT}
    if can_import(python, "bertviz"):
        peers["BertViz head_view"] = PEER + VIEW
    else:
        print(f"cold, BertViz: {python} has no bertviz; --peer-python names one that has")
    with tempfile.TemporaryDirectory() as where:
        for number, (name, script) in enumerate(peers.items()):
            file = Path(where) / f"peer{number}.py"
            file.write_text(script)
            peer = [python, str(file), asked.model, asked.text, *layer]
            run(ours), run(peer)  # warm-up
            pairs = [(run(ours), run(peer)) for _ in range(asked.pairs)]
            ratio = statistics.median(theirs.wall / own.wall for own, theirs in pairs)
            of_cpu = statistics.median(theirs.cpu / own.cpu for own, theirs in pairs)
            wall, cpu = (statistics.median(own[at] for own, _ in pairs) for at in (0, 1))
            print(
                f"cold, {name}: {ratio:.1f} × as long (goal {COLD_GOAL:.0f}; of processor time "
                f"{of_cpu:.1f} ×); attn {wall:.2f} s, {cpu:.2f} s of processor time; "
                f"peak {max(own.peak for own, _ in pairs):.0f} MB, "
                f"peer {max(theirs.peak for _, theirs in pairs):.0f} MB "
                f"(goal {MEMORY_FACTOR * size + MEMORY_ROOM:.0f} for a file of {size:.0f} MB)"
            )


def sentences(count: int) -> list[str]:
    """Sentences of about 18 words."""
    chance = random.Random(0)
    return [
        " ".join(chance.choice(WORDS) for _ in range(max(3, int(chance.gauss(18, 7)))))
        for _ in range(count)
    ]


_analyser: Any = None


def _start(model: str) -> None:
    """Opens the model in a process of the pool, and reads its layers once."""
    from attncli.mechanisms.transformer import open_transformer

    global _analyser
    _analyser = open_transformer(Path(model))  # as `attn batch` does: without what comes next
    list(_analyser(sentences(8)))


def _compute(texts: list[str]) -> tuple[int, float]:
    """How many sentences have weights, and the processor time they took."""
    started = time.process_time()
    done = sum(result.weights.shape[0] > 0 for result in _analyser(texts))
    return done, time.process_time() - started


def our_rate(model: str, texts: list[str], cores: int) -> tuple[float, float]:
    """Sentences a second by the clock and of processor time, a process on each core."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(cores, spawn, _start, (model,)) as pool:
        list(pool.map(_compute, [texts[:2]] * (4 * cores)))  # every process is up
        started = time.perf_counter()
        parts = list(pool.map(_compute, [texts[at::cores] for at in range(cores)]))
        wall = time.perf_counter() - started
    done = sum(count for count, _ in parts)
    return done / wall, done / sum(cpu for _, cpu in parts)


class Peer:
    """transformers with its model open, in padded batches of 32."""

    def __init__(self, path: str, cores: int) -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer

        torch.set_num_threads(cores)
        names: dict[str, Any] = {}
        exec(OPEN, names)
        given = names["opened"](path)
        self.tokenizer = AutoTokenizer.from_pretrained(**given)
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        self.model = AutoModel.from_pretrained(
            **given, attn_implementation="eager", dtype=torch.float32
        ).eval()

    def keep(self, some: list[str]) -> int:
        """How many sentences of a batch have weights."""
        import torch

        with torch.inference_mode():
            batch = self.tokenizer(some, padding=True, return_tensors="pt")
            out = self.model(**batch, output_attentions=True)
            kept = 0
            for i, mask in enumerate(batch["attention_mask"].bool()):
                weights = [layer[i][:, mask][:, :, mask].numpy() for layer in out.attentions]
                kept += len(weights) > 0 and out.last_hidden_state[i, mask].numpy().size > 0
        return kept

    def rate(self, texts: list[str]) -> tuple[float, float]:
        """Sentences a second by the clock and of processor time."""
        self.keep(texts[:32])
        started, used = time.perf_counter(), time.process_time()
        done = sum(self.keep(texts[at : at + 32]) for at in range(0, len(texts), 32))
        return done / (time.perf_counter() - started), done / (time.process_time() - used)


def warm(model: str, count: int, rounds: int, cores: int) -> None:
    """Rounds of both sides in turn."""
    texts, peer = sentences(count), Peer(model, cores)
    ours, plain, ordered = [], [], []
    for _ in range(rounds):
        ours.append(our_rate(model, texts, cores))
        plain.append(peer.rate(texts))
        ordered.append(peer.rate(sorted(texts, key=len)))
    for name, theirs in (("as they come", plain), ("sorted by length", ordered)):
        by_clock, by_cpu = (
            statistics.median(o[at] / p[at] for o, p in zip(ours, theirs, strict=True))
            for at in (0, 1)
        )
        print(
            f"warm, {cores} cores, transformers with sentences {name}: {by_clock:.2f} × its rate "
            f"(of processor time {by_cpu:.2f} ×); attn {max(o[0] for o in ours):.1f}, "
            f"transformers {max(p[0] for p in theirs):.1f} sentences/s"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="attn against transformers + torch.")
    parser.add_argument("model")
    parser.add_argument("--text", default=SENTENCE)
    parser.add_argument("--layer", type=int)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--sentences", type=int, default=512)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--only", choices=("cold", "warm"))
    asked = parser.parse_args()
    if asked.only != "warm":
        cold(asked)
    if asked.only != "cold":
        warm(asked.model, asked.sentences, asked.rounds, asked.cores)


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # both sides run compiled, as installed
    main()
