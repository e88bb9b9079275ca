"""Which sense of an ambiguous word: all words of CoarseWSD-20 with one fixed setting, beside peers.

    python benchmarks/coarsewsd.py FOLDER [--vectors glove] [--words bank,mole] [--seed 0]
        [--landmarks N] [--smoothing X] [--folds N] [--json]

FOLDER holds WORD.train.tsv and WORD.test.tsv for each word (columns text, target, label; target is the
number of a token between spaces) and perhaps peers.tsv with published figures. Every word is learned
with the same settings, the defaults of `attn train` with nothing held out; the test files are read
after the training only. With --folds N they are not read at all: each N-th of the training sentences
is predicted by a model of the others. CoarseWSD-20 (Loureiro et al. 2021, arXiv:2008.11608) is not part of this
project: its license is for non-commercial use.
"""

import argparse
import csv
import json
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

import attncli


def rows_of(path: Path) -> list[attncli.Row]:
    """The sentences of a file; the target is told by its first character."""
    found = []
    with path.open(encoding="utf-8", newline="") as stream:
        records = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        for number, record in enumerate(records, start=2):
            pieces = list(re.finditer(r"\S+", record["text"]))
            start = attncli.Offset(pieces[int(record["target"])].start())
            place = f"{path.name}:{number}"
            found.append(attncli.Row(record["text"], record["label"], start, place=place))
    return found


@dataclass(frozen=True)
class Variant:
    """What a run may have other than the defaults."""

    vectors: str
    seed: int
    landmarks: int | None
    smoothing: float


def learned(rows: list[attncli.Row], variant: Variant) -> Any:
    """The model of these sentences."""
    return attncli.train(
        rows,
        variant.vectors,
        landmarks=variant.landmarks,
        held_out=0.0,
        seed=variant.seed,
        smoothing=variant.smoothing,
    )


def cross_validated(rows: list[attncli.Row], folds: int, variant: Variant) -> Any:
    """The scores of all sentences, each predicted by the model of the other folds."""
    fold_of = folds_by_label([row.label for row in rows], folds, variant.seed)
    parts = []
    for fold in range(folds):
        rest = [row for row, its in zip(rows, fold_of, strict=True) if its != fold]
        aside = [row for row, its in zip(rows, fold_of, strict=True) if its == fold]
        parts.append(attncli.evaluate(aside, learned(rest, variant), variant.vectors))
    return replace(
        parts[0],
        gold=np.concatenate([part.gold for part in parts]),
        probabilities=np.concatenate([part.probabilities for part in parts]),
    )


def figures(folder: Path, word: str, folds: int, variant: Variant) -> dict[str, float]:
    """Accuracy, recall, log-loss, calibration error and seconds of one word."""
    began = time.perf_counter()
    train = rows_of(folder / f"{word}.train.tsv")
    if folds:
        scores = cross_validated(train, folds, variant)
        seconds = time.perf_counter() - began
    else:
        model = learned(train, variant)
        seconds = time.perf_counter() - began
        scores = attncli.evaluate(rows_of(folder / f"{word}.test.tsv"), model, variant.vectors)
    return {
        "n": scores.n,
        "accuracy": scores.accuracy,
        "mean_recall": scores.mean_recall,
        "log_loss": scores.log_loss,
        "calibration_error": scores.calibration_error,
        "seconds": seconds,
    }


def folds_by_label(names: list[str | None], folds: int, seed: int) -> list[int]:
    """The fold of each sentence: every label is spread over all folds."""
    labels = np.unique([str(name) for name in names], return_inverse=True)[1]
    rng = np.random.default_rng(seed)
    found = np.empty(len(labels), dtype=np.intp)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        found[members] = (np.arange(len(members)) + rng.integers(folds)) % folds
    return [int(fold) for fold in found]


def peers_of(folder: Path) -> dict[str, dict[str, str]]:
    """Published figures by word, if there are any."""
    path = folder / "peers.tsv"
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as stream:
        return {row["word"]: row for row in csv.DictReader(stream, delimiter="\t")}


def table(found: dict[str, dict[str, float]], peers: dict[str, dict[str, str]]) -> Iterator[str]:
    """The figures as lines, ours and those of the peers, with means over the words."""
    known = [word for word in found if word in peers]
    systems = [
        c.removesuffix(" accuracy")
        for c in next(iter(peers.values()), {})
        if c.endswith(" accuracy")
    ]
    yield f"{'word':<10}{'test':>6}{'ours acc':>10}{'recall':>8}  " + "  ".join(
        f"{name.split('/')[-1][:16]:>16}" for name in systems
    )
    for word, ours in found.items():
        cells = [
            f"{float(peers[word][f'{s} accuracy']):.3f} / "
            f"{float(peers[word][f'{s} mean sense recall']):.3f}"
            if word in peers
            else "–"
            for s in systems
        ]
        yield (
            f"{word:<10}{ours['n']:>6.0f}{ours['accuracy']:>10.4f}{ours['mean_recall']:>8.4f}  "
            + "  ".join(f"{cell:>16}" for cell in cells)
        )
    mean = {
        name: float(np.mean([ours[name] for ours in found.values()]))
        for name in ("accuracy", "mean_recall", "log_loss", "calibration_error")
    }
    cells = []
    for s in systems:
        pairs = [
            [float(peers[w][f"{s} {what}"]) for w in known]
            for what in ("accuracy", "mean sense recall")
        ]
        cells.append(" / ".join(f"{np.mean(column):.3f}" for column in pairs) if known else "–")
    yield (
        f"{'mean':<10}{'':>6}{mean['accuracy']:>10.4f}{mean['mean_recall']:>8.4f}  "
        + "  ".join(f"{cell:>16}" for cell in cells)
    )
    yield f"mean log-loss {mean['log_loss']:.4f}, calibration error {mean['calibration_error']:.4f}"
    yield f"trained in {sum(f['seconds'] for f in found.values()):.0f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description="CoarseWSD-20 with one fixed setting.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--vectors", default="glove")
    parser.add_argument("--words", help="some of the words, with commas")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--landmarks", type=int, help="other than the default")
    parser.add_argument("--smoothing", type=float, default=attncli.TrainingSettings().smoothing)
    parser.add_argument("--folds", type=int, default=0, help="cross-validation, without test files")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    words = sorted(path.name.split(".")[0] for path in asked.folder.glob("*.train.tsv"))
    if asked.words:
        words = asked.words.split(",")
    variant = Variant(asked.vectors, asked.seed, asked.landmarks, asked.smoothing)
    found = {}
    for word in words:
        found[word] = figures(asked.folder, word, asked.folds, variant)
        if not asked.json:
            f = found[word]
            print(
                f"{word}: {f['accuracy']:.4f} {f['mean_recall']:.4f} {f['seconds']:.0f} s",
                flush=True,
            )
    if asked.json:
        print(json.dumps(found))
    else:
        peers = {} if asked.folds else peers_of(asked.folder)
        print("\n".join(["", *table(found, peers)]))


if __name__ == "__main__":
    main()
