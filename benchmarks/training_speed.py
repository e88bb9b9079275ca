"""Training steps a second: our closed-form gradients against PyTorch eager, the same model and batches.

    python benchmarks/training_speed.py [--rounds 9] [--steps 60]

Needs torch (pip install '.[oracle]'). One thread each, float32, batch 32, Adam, no dropout. Both
start from the same numbers and see the same padded batches; their last losses are printed, and must
agree to 1e-3. Rounds alternate, and the ratio is the median of the paired ratios: a busy machine slows
both. PyTorch's model is written as one would: three projections, masked softmax, read-out,
cross-entropy, `torch.optim.Adam`.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import torch

from attncli.attention.parameters import Architecture, Parameters, initial_parameters
from attncli.learning.gradients import forward
from attncli.learning.losses import cross_entropy
from attncli.learning.minibatches import Batch, Examples, batch_of
from attncli.learning.optimizers import Adam
from attncli.learning.slopes import Gradients

RATE = 0.002
MODELS = {
    "one head, mean pooling, d 50, 5–16 words": (
        Architecture(50, 4, n_heads=1, d_k=50, d_v=50, readout="mean"),
        (5, 17),
    ),
    "8 heads, attention pooling, d 50, 5–30 words": (
        Architecture(50, 4, n_heads=8, d_k=16, d_v=32, readout="attention"),
        (5, 31),
    ),
    "8 heads, target, d 50, 5–40 words": (
        Architecture(50, 4, n_heads=8, d_k=16, d_v=32, positions="relative"),
        (5, 41),
    ),
    "8 heads × 4 members, target, d 50, 5–40 words": (
        Architecture(50, 4, n_heads=8, d_k=16, d_v=32, committee=4, positions="relative"),
        (5, 41),
    ),
    "the same with 200 landmarks (the default)": (
        Architecture(
            50, 4, n_heads=8, d_k=16, d_v=32, committee=4, positions="relative", landmarks=200
        ),
        (5, 41),
    ),
}


def made_batches(architecture: Architecture, words: tuple[int, int], count: int) -> list[Batch]:
    """Random sentences of about one length a batch, as training has them.

    Where there are landmarks, the likeness of words to them is random too: both sides are given it.
    """
    rng = np.random.default_rng(0)
    width = architecture.d_model + architecture.landmarks
    table = rng.standard_normal((5000, width)).astype(np.float32) * 0.6
    found = []
    for _ in range(count):
        shortest = rng.integers(words[0], words[1] - 3)
        rows = [rng.integers(0, 5000, rng.integers(shortest, shortest + 4)) for _ in range(32)]
        for row in rows:
            row[0] = 7  # the target word
        targets = np.zeros(32, dtype=np.intp) if architecture.readout == "target" else None
        labels = rng.integers(0, architecture.n_labels, 32)
        found.append(batch_of(Examples(table, rows, targets, labels), np.arange(32)))
    return found


class Ours:
    """A step with our gradients."""

    def __init__(self, architecture: Architecture, start: Parameters) -> None:
        self.architecture, self.parameters = architecture, start.copy()
        self.gradients = Gradients.of(start)
        self.adam = Adam(start.flat.size, start.dtype)

    def step(self, batch: Batch) -> float:
        """One step; the loss before it."""
        found = forward(self.parameters, self.architecture, batch)
        loss, d_logits = cross_entropy(found.logits, batch.labels)
        self.gradients.zero()
        found.backward(d_logits, self.gradients)
        self.adam.step(self.parameters.flat, self.gradients.flat, RATE)
        return loss


class Theirs:
    """A step with PyTorch eager."""

    def __init__(self, architecture: Architecture, start: Parameters, batches: list[Batch]) -> None:
        self.a = architecture
        self.p = {name: torch.nn.Parameter(torch.from_numpy(start[name].copy())) for name in start}
        self.adam = torch.optim.Adam(self.p.values(), lr=RATE)
        self.tensors = {id(batch): self.as_tensors(batch) for batch in batches}

    def as_tensors(self, batch: Batch) -> tuple[torch.Tensor, ...]:
        """The batch as tensors, made once."""
        n = batch.vectors.shape[1]
        far = (
            np.arange(n)[None, :] - (0 if batch.targets is None else batch.targets)[:, None]
            if batch.targets is not None
            else np.zeros((32, n), dtype=np.int64)
        )
        reach = self.a.reach + 1
        columns = np.clip(far, -reach, reach) + reach
        targets = np.zeros(32, dtype=np.int64) if batch.targets is None else batch.targets
        parts = (batch.vectors, batch.hidden, batch.labels, targets, columns, batch.lengths)
        return tuple(torch.from_numpy(np.array(part)) for part in parts)

    def step(self, batch: Batch) -> float:
        """One step; the loss before it."""
        a, p = self.a, self.p
        x, hidden, labels, targets, columns, lengths = self.tensors[id(batch)]
        own = x[..., : a.d_model]
        rows = own[torch.arange(len(x)), targets][:, None] if a.readout == "target" else own
        query = torch.einsum("bmd,hdk->bhmk", rows, p["W_q"])
        key = torch.einsum("bnd,hdk->bhnk", own, p["W_k"])
        value = torch.einsum("bnd,hdv->bhnv", x, p["W_v"])
        scores = query @ key.transpose(-1, -2) / a.d_k**0.5
        if a.positions == "relative":
            scores = scores + p["position_table"].T[columns].permute(0, 2, 1)[:, :, None]
        scores = scores.masked_fill(hidden[:, None, None], -torch.inf)
        new = torch.softmax(scores, dim=-1) @ value  # (B, heads, m, d_v)
        inside = ~hidden
        if a.readout == "target":
            read = new[:, :, 0]
        elif a.readout == "mean":
            read = (new * inside[:, None, :, None]).sum(dim=2) / lengths[:, None, None]
        else:
            asked = (new * p["pool"][:, None]).sum(-1).masked_fill(hidden[:, None], -torch.inf)
            read = (torch.softmax(asked, dim=-1)[..., None] * new).sum(dim=2)
        joined = read.reshape(len(x), a.committee, -1).transpose(0, 1)
        logits = joined @ p["W_out"] + p["b_out"][:, None]
        each = torch.nn.functional.cross_entropy(
            logits.reshape(-1, a.n_labels), labels.repeat(a.committee), reduction="sum"
        )
        loss = each / len(x)
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
        return float(loss.detach()) / a.committee


def seconds(step: Callable[[Batch], float], batches: list[Batch]) -> float:
    """The time of a step on each batch."""
    began = time.perf_counter()
    for batch in batches:
        step(batch)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description="Training steps a second against PyTorch eager.")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=60)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    print(f"numpy {np.__version__}, torch {torch.__version__}, one thread each, batch 32")
    for name, (architecture, words) in MODELS.items():
        start = initial_parameters(architecture, np.random.default_rng(1))
        batches = made_batches(architecture, words, asked.steps)
        ours, theirs = Ours(architecture, start), Theirs(architecture, start, batches)
        ratios, rates = [], []
        for _ in range(asked.rounds):
            mine, other = seconds(ours.step, batches), seconds(theirs.step, batches)
            ratios.append(other / mine)
            rates.append((asked.steps / mine, asked.steps / other))
        last = ours.step(batches[0]), theirs.step(batches[0])
        assert abs(last[0] - last[1]) < 1e-3, last
        mine, other = (statistics.median(column) for column in zip(*rates, strict=True))
        print(
            f"{name}\n  ours {mine:7.0f} steps/s, PyTorch {other:6.0f} steps/s, "
            f"ratio {statistics.median(ratios):.2f}, last losses {last[0]:.5f} {last[1]:.5f}"
        )


if __name__ == "__main__":
    main()
