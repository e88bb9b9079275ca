"""Runs in a process of its own: the numbers of a sentence are the same bits in every company.

    python kernel_laws.py FOLDER      OPENBLAS_CORETYPE chooses the kernels

FOLDER/bert and FOLDER/gpt2 are checkpoints with tokenizers. It prints the kernels in force, then
each fault as a line.
"""

import contextlib
import io
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from attncli.attention.products import TILE_ROWS, kernel_name, may_share_rows, shared_product
from attncli.attention.projections import random_projections
from attncli.cli.app import run
from attncli.embeddings.named_stores import open_word_vectors
from attncli.mechanisms.general import GeneralAnalyser, GeneralSettings
from attncli.mechanisms.task import TaskAnalyser
from attncli.models.forward import Inputs, Wanted, encode
from attncli.models.model import TransformerModel
from attncli.results.result import AttentionResult

WORDS = [
    "money",
    "bank",
    "grows",
    "river",
    "flows",
    "the",
    "old",
    "dog",
    "of",
    "water",
    "in",
    "stock",
]
SIZES = [(12, 12), (24, 40), (13, 7), (64, 256), (100, 36), (768, 96), (512, 768), (768, 768)]
FIELDS = ("weights", "contextual", "hidden_states", "query", "key", "value")


def sentences(count: int) -> list[str]:
    """Texts of 1 to 24 words."""
    rng = np.random.default_rng(1)
    return [" ".join(rng.choice(WORDS, 1 + at * 7 % 24)) for at in range(count)]


def differs(one: object, other: object, names: Sequence[str]) -> list[str]:
    """The names of the fields that are not bit for bit the same."""
    pairs = [(name, getattr(one, name), getattr(other, name)) for name in names]
    return [name for name, a, b in pairs if a is not None and a.tobytes() != b.tobytes()]


def of_products() -> Iterator[str]:
    """Rows of a shared product are those of the smallest one, in both layouts of the matrix."""
    rng = np.random.default_rng(0)
    for k, m in SIZES:
        rows = rng.standard_normal((384, k)).astype(np.float32)
        stored = rng.standard_normal((k, m)).astype(np.float32)
        for matrix in (stored, np.asfortranarray(stored)):
            alone = [shared_product(rows[i : i + 12], matrix) for i in range(0, 384, TILE_ROWS)]
            for start, n in [(0, 24), (12, 36), (60, 48), (24, 156), (0, 384), (36, 300)]:
                part = np.concatenate(alone)[start : start + n]
                if not np.array_equal(shared_product(rows[start : start + n], matrix), part):
                    yield f"a product of {n}×{k}×{m} from row {start}"


def of_transformers(folder: Path) -> Iterator[str]:
    """Packed sentences are those encoded alone."""
    rng = np.random.default_rng(2)
    wanted = Wanted(hidden_states=True, projections=True)
    for family in ("bert", "gpt2"):
        model = TransformerModel(folder / family)
        texts = [rng.integers(2, 16, 1 + at * 5 % 18) for at in range(25)]
        inputs = [Inputs(ids, np.zeros(len(ids), dtype=np.intp)) for ids in texts]
        for given, packed in zip(inputs, encode(model, inputs, wanted), strict=True):
            for name in differs(packed, encode(model, [given], wanted)[0], FIELDS):
                yield f"{name} of {len(given.ids)} tokens in {family}"


def of_analysers() -> Iterator[str]:
    """General and task-specific attention, in both precisions, in any order and company."""
    texts = sentences(48)
    for store in (
        open_word_vectors("glove"),
        *(open_word_vectors("random", dim=dim) for dim in (3, 300)),
    ):
        for dtype in (np.float32, np.float64):
            made = [
                GeneralAnalyser(store, settings=GeneralSettings(score=score), dtype=dtype)
                for score in ("scaled", "dot", "cosine")
            ]
            for places in ("none", "rope", "relative", "sinusoidal"):
                layer = random_projections(store.dim, n_heads=3, d_k=5, d_v=7, positions=places)
                made.append(TaskAnalyser(store, layer, dtype=dtype))
            for analyser in made:
                together = list(analyser.outcomes(texts))[::-1]
                for text, one in zip(texts[::-1], together, strict=True):
                    other = next(iter(replace(analyser).outcomes([text])))
                    assert isinstance(one, AttentionResult)
                    for name in differs(one, other, ("weights", "contextual")):
                        kind = f"{type(analyser).__name__} {dtype.__name__} {store.dim}"
                        yield f"{name} of {len(one.tokens)} tokens, {kind}"


def of_batches(folder: Path) -> Iterator[str]:
    """Any chunk and any number of workers writes the same bytes."""
    (folder / "lines.txt").write_text("\n".join(sentences(30)) + "\n")
    mechanisms = [
        ["--include", "weights,contextual", "--precision", "full"],
        ["--attention", "task", "--heads", "2", "--precision", "full"],
        ["--model", "idioms", "--precision", "full"],
        ["--model", "idioms", "--target", "0", "--exclude", "weights,contextual"],
        ["--model", str(folder / "bert"), "--precision", "full"],
    ]
    for options in mechanisms:
        outputs = set()
        for shape in (["--chunk", "1"], ["--chunk", "7", "--workers", "2"], ["--chunk", "100"]):
            output = folder / "out.jsonl"
            with contextlib.redirect_stderr(io.StringIO()):
                command = ["batch", str(folder / "lines.txt"), "-o", str(output), "--force"]
                assert run([*command, "--quiet", *options, *shape]) in (0, 3), options
            outputs.add(output.read_bytes())
        if len(outputs) > 1:
            yield f"batch {' '.join(options)}"


def main(folder: Path) -> int:
    """1 when a law does not hold."""
    shared = may_share_rows()  # a batch sets one thread, for a BLAS that is not loaded yet
    rows = "shared" if shared else "alone"
    lines = [f"kernels: {kernel_name() or 'not OpenBLAS'} {rows}"]
    faults = [*of_transformers(folder), *of_analysers()]
    faults += of_products() if shared else ()
    faults += of_batches(folder)
    sys.stdout.write("\n".join([*lines, *faults]) + "\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
