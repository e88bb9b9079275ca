"""Attention alone, weights returned, one thread each: attn's stacks against PyTorch, same run.

    python benchmarks/kernels.py [SENTENCES] [DIM ...]

The peers get token rows that were looked up beforehand; so does attn. Times are processor time, the
best of three rounds in turn; what counts are the ratios. Before that: a product of 24 rows in a process
that made no larger one, and after `fill_buffers`. Needs torch and gensim.
"""

import os

for _variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ[_variable] = "1"

import math
import sys
import time
from collections import defaultdict
from collections.abc import Callable

import numpy as np
import torch
from corpus import sentences

from attncli.attention.core import attend
from attncli.attention.float32 import exact_in_float32, sentence_blocks, small_weights
from attncli.attention.products import fill_buffers, product
from attncli.attention.projections import Projections, random_projections, task_attention
from attncli.attention.word_projections import WordProjections

torch.set_num_threads(1)
ROUNDS = 3
Sentences = list[np.ndarray]


def grouped(rows: Sentences) -> list[np.ndarray]:
    """The sentences of each length as one array (B, n_tokens)."""
    by_length: dict[int, list[np.ndarray]] = defaultdict(list)
    for sentence in rows:
        by_length[len(sentence)].append(sentence)
    return [np.array(group) for group in by_length.values()]


def attn_general(rows: Sentences, table: np.ndarray) -> None:
    """What GeneralAnalyser computes for a batch: float32 where exact, else float64."""
    squares = (table * table).sum(axis=1)
    scale = 1 / math.sqrt(table.shape[1])
    for group in grouped(rows):
        small = exact_in_float32(squares.take(group).max(axis=1) * scale, table.shape[1])
        for part, exact in ((group[small], True), (group[~small], False)):
            for block in sentence_blocks(part, 2 * table.shape[1]):
                x = table.take(part[block], axis=0)
                if exact:
                    product(small_weights(x, x, scale=scale), x)
                else:
                    attend(*[x.astype(np.float64)] * 3, scale=scale)


def torch_per_sentence(rows: Sentences, table: np.ndarray) -> None:
    """softmax(q @ k.T / √d) @ v, a sentence at a time."""
    words, root = torch.from_numpy(table), table.shape[1] ** 0.5
    for sentence in rows:
        x = words[torch.from_numpy(sentence)]
        torch.softmax(x @ x.T / root, dim=-1) @ x


def torch_padded(rows: Sentences, table: np.ndarray, size: int = 256) -> None:
    """Batches in input order, padded to their longest sentence and masked."""
    words, root = torch.from_numpy(table), table.shape[1] ** 0.5
    for start in range(0, len(rows), size):
        batch = [torch.from_numpy(sentence) for sentence in rows[start : start + size]]
        padded = torch.nn.utils.rnn.pad_sequence(batch, batch_first=True, padding_value=-1)
        empty = padded < 0
        x = words[padded.clamp(min=0)]
        scores = (x @ x.transpose(1, 2) / root).masked_fill(empty[:, None], -torch.inf)
        torch.softmax(scores, dim=-1) @ x


def torch_grouped(rows: Sentences, table: np.ndarray) -> None:
    """Grouped by exact length, in blocks of attn's own size."""
    words, root = torch.from_numpy(table), table.shape[1] ** 0.5
    for group in grouped(rows):
        for block in sentence_blocks(group, 2 * table.shape[1]):
            x = words[torch.from_numpy(group[block])]
            torch.softmax(x @ x.transpose(1, 2) / root, dim=-1) @ x


def attn_task(rows: Sentences, table: np.ndarray, layer: Projections) -> None:
    """What TaskAnalyser computes for a batch: each word projected once, float32 where exact."""
    words = WordProjections(layer)
    columns = np.zeros((len(table), words.width), dtype=np.float32)
    used = np.unique(np.concatenate(rows))
    columns[used] = words.of_words(table[used])
    for group in grouped(rows):
        small = words.fits(columns, group)
        moderate, loud = group[small], group[~small]
        for block in sentence_blocks(moderate, table.shape[1] + words.width):
            words.attended(columns, moderate[block])
        for sentence in loud:
            task_attention(table[sentence].astype(np.float64), layer)


def torch_task(rows: Sentences, table: np.ndarray, layer: Projections) -> None:
    """Three products and an attention, a sentence at a time."""
    words = torch.from_numpy(table)
    w_q, w_k, w_v = (
        torch.from_numpy(w[0].astype(np.float32)) for w in (layer.W_q, layer.W_k, layer.W_v)
    )
    root = w_q.shape[1] ** 0.5
    for sentence in rows:
        x = words[torch.from_numpy(sentence)]
        torch.softmax((x @ w_q) @ (x @ w_k).T / root, dim=-1) @ (x @ w_v)


def best(act: Callable[[], None]) -> float:
    """Processor seconds of one round."""
    begun = time.process_time()
    act()
    return time.process_time() - begun


def few_rows(d_in: int, d_out: int) -> float:
    """Thousand millions of operations a second in products of 24 rows with a matrix."""
    rows, matrix = np.ones((24, d_in), np.float32), np.ones((d_out, d_in), np.float32).T

    def act() -> None:
        for _ in range(40):
            product(rows, matrix)

    rounds = [best(act) for _ in range(5)]
    return 40 * 2 * rows.size * d_out / min(rounds) / 1e9


def compare_buffers() -> None:
    """Prints products of few rows before and after the memory of OpenBLAS is filled."""
    sizes = [(384, 384), (576, 576), (576, 1536), (1536, 576), (2048, 2048)]
    before = [few_rows(*size) for size in sizes]
    fill_buffers()
    for (d_in, d_out), slow in zip(sizes, before, strict=True):
        fast = few_rows(d_in, d_out)
        print(
            f"24 rows · {d_in} × {d_out}: {slow:.1f} then {fast:.1f} GFLOP/s   × {fast / slow:.1f}"
        )


def main() -> None:
    compare_buffers()
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    dims = [int(d) for d in sys.argv[2:]] or [50, 300]
    texts = [text.split() for text in sentences(count)]
    rank = {word: i for i, word in enumerate(dict.fromkeys(w for text in texts for w in text))}
    rows = [np.array([rank[word] for word in text]) for text in texts]
    print(f"{count:,} sentences, {sum(map(len, rows)):,} words, {len(rank):,} distinct")
    with torch.inference_mode():
        for dim in dims:
            spread = math.sqrt(2 / math.sqrt(dim))  # as attn's own random vectors
            table = np.random.default_rng(0).normal(size=(len(rank), dim)).astype(np.float32)
            table *= np.float32(spread)
            layer = random_projections(dim, seed=0)
            general = {
                f.__name__: f
                for f in (attn_general, torch_grouped, torch_per_sentence, torch_padded)
            }
            task = {f.__name__: f for f in (attn_task, torch_task)}
            times: dict[str, float] = {}
            for _ in range(ROUNDS):
                for name, act in general.items():
                    times[name] = min(times.get(name, 1e9), best(lambda act=act: act(rows, table)))
                for name, act in task.items():
                    times[name] = min(
                        times.get(name, 1e9), best(lambda act=act: act(rows, table, layer))
                    )
            for ours, peer, goal in (
                ("attn_general", "torch_per_sentence", 3.0),
                ("attn_general", "torch_padded", 8.0),
                ("attn_general", "torch_grouped", 1.1),
                ("attn_task", "torch_task", 6.0 if dim >= 300 else 3.0),
            ):
                ratio = times[peer] / times[ours]
                print(
                    f"d = {dim:3}  {ours:13} {count / times[ours]:9,.0f}/s   {peer:19}"
                    f" {count / times[peer]:9,.0f}/s   ratio {ratio:5.2f}   goal {goal}"
                )


if __name__ == "__main__":
    main()
