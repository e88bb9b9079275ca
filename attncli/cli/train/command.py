"""`attn train`: a file of examples → W_q, W_k, W_v and a read-out, as a safetensors file."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from attncli.cli import options as opt
from attncli.cli.guards import changed, say_vain
from attncli.cli.outputs import expect_apart, expect_writable, files_given, vectors_read, written
from attncli.cli.terminal import message, standard_input
from attncli.cli.train import options as t
from attncli.cli.train.check import prove
from attncli.cli.train.rows import say_of_rows, say_of_splits
from attncli.cli.train.run import ENDINGS, TrainingRun
from attncli.cli.vectors.access import access_to
from attncli.errors import DataError, UsageError
from attncli.escape import visible
from attncli.mechanisms.open import expect_dim
from attncli.settings import LayerSettings, MechanismSettings, TrainingSettings

if TYPE_CHECKING:
    from attncli.learning.parameters import Architecture
    from attncli.training.examples import Prepared

LAYER, TRAINING = LayerSettings(), TrainingSettings()


def train(
    file: t.DataFile,
    output: t.ModelOut = None,
    split: t.Split = None,
    skip_bad: t.SkipBad = False,
    vectors: opt.Vectors = "glove",
    no_cache: opt.NoCache = False,
    dim: opt.Dim = 50,
    tokenizer: opt.Tokenizer = "words",
    oov: opt.Oov = "zero",
    heads: t.Heads = LAYER.heads,
    d_k: t.KeySize = LAYER.d_k,
    d_v: t.ValueSize = LAYER.d_v,
    landmarks: t.Landmarks = None,
    committee: t.Committee = None,
    directions: t.Directions = None,
    positions: t.PositionKind = None,
    reach: t.Reach = LAYER.reach,
    causal: opt.Causal = False,
    window: opt.Window = None,
    pooling: t.PoolingKind = LAYER.pooling,
    epochs: t.Epochs = None,
    batch_size: t.BatchSize = TRAINING.batch_size,
    learning_rate: t.LearningRate = TRAINING.learning_rate,
    weight_decay: t.WeightDecay = TRAINING.weight_decay,
    dropout: t.Dropout = TRAINING.dropout,
    weight_dropout: t.WeightDropout = TRAINING.weight_dropout,
    word_dropout: t.WordDropout = TRAINING.word_dropout,
    smoothing: t.Smoothing = TRAINING.smoothing,
    balance: t.Balance = TRAINING.balance,
    held_out: t.HeldOut = TRAINING.held_out,
    patience: t.Patience = TRAINING.patience,
    seed: t.TrainSeed = TRAINING.seed,
    log: t.LogFile = None,
    resume: t.Resume = False,
    check_grad: t.CheckGrad = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Learn task-specific attention: W_q, W_k, W_v and a read-out, from labelled sentences.

    A file with the column weights (a JSON matrix for each sentence) instead of label is fitted:
    W_q and W_k that give these attention weights.

    \b
    Examples:
      attn train bank.tsv -o bank.safetensors
      attn train reviews.jsonl -o reviews.safetensors --held-out 0.2 --patience 5
      attn train examples/idioms.tsv --split train -o idioms.safetensors
      attn train examples/lecture_weights.jsonl -o lecture.safetensors
      attn train bank.tsv --check-grad
    """
    values = dict(locals())
    from attncli.cli.progress import Encoding
    from attncli.reading.reader import ReadingSettings
    from attncli.training.examples import open_embedder, prepare
    from attncli.training.fit import fitting, sizes_of
    from attncli.training.rows import read_table

    expect_dim(MechanismSettings(vectors=vectors, dim=dim))
    if output is None and not check_grad:
        raise UsageError("found no file, expected -o model.safetensors", place="--output")
    model = [] if check_grad else written("--output", output, *ENDINGS)
    inputs = [*files_given([file]), *vectors_read(vectors)]
    expect_apart([*model, *([] if check_grad else written("--log", log))], inputs)
    expect_writable(model, ())  # a log may be a pipe
    if oov == "skip":
        raise UsageError(
            "found skip, expected zero, random, mean, error, subword or nearest", place="--oov"
        )
    settings = TrainingSettings(
        epochs=epochs or TRAINING.epochs,
        batch_size=batch_size,
        learning_rate=opt.positive(learning_rate, "--learning-rate"),
        weight_decay=_rate(weight_decay, "--weight-decay", below=1e6),
        dropout=_rate(dropout, "--dropout"),
        weight_dropout=_rate(weight_dropout, "--weight-dropout"),
        word_dropout=_rate(word_dropout, "--word-dropout"),
        smoothing=_rate(smoothing, "--smoothing"),
        balance=_rate(balance, "--balance", below=10.0),
        held_out=_rate(held_out, "--held-out"),
        patience=patience,
        seed=seed,
    )
    reading = ReadingSettings(tokenizer=tokenizer, oov=oov, seed=seed)
    with access_to(vectors, cached=not no_cache, quiet=quiet) as access:
        embedder, info = open_embedder(vectors, reading, dim=dim, access=access)
    rows, bad = read_table(file, standard_input(), split=split)
    if not quiet and split is None:
        say_of_splits(rows)
    with Encoding(quiet=quiet) as encoding:
        prepared = prepare(rows, embedder, tick=encoding.tick, bad=bad)
    say_of_rows(bad, prepared, skip_bad=skip_bad, quiet=quiet, labels=True)
    if prepared.examples.weights is None and len(prepared.labels) < 2:
        only = f'every sentence has the label "{visible(prepared.labels[0][:40])}"'
        raise DataError(f"{only}, expected at least two", place=visible(file)[:200])
    layer = LayerSettings(
        heads,
        d_k,
        d_v,
        landmarks,
        committee,
        directions,
        positions,
        reach,
        causal,
        window,
        pooling,
    )
    sizes = sizes_of(prepared, info, layer)
    architecture = sizes.architecture
    _say_vain(values, architecture)
    if architecture.readout == "weights":
        settings = fitting(settings, epochs)
    if check_grad:
        prove(prepared, architecture, settings, json)
        return
    if not quiet:
        _say_held_out(prepared, settings)
    run = TrainingRun(Path(output or ""), prepared, sizes, settings, reading, info)
    run.run(log=log, resume=resume, json=json, quiet=quiet)


_OF_LABELS = (
    *("heads", "d_v", "landmarks", "committee", "directions", "pooling", "weight_decay"),
    *("dropout", "weight_dropout", "word_dropout", "smoothing", "balance", "held_out", "patience"),
)
_OF_LEARNING = (
    *("output", "log", "resume", "epochs", "batch_size", "learning_rate", "weight_decay"),
    *("dropout", "weight_dropout", "word_dropout", "smoothing", "balance", "held_out", "patience"),
)


def _say_vain(values: "dict[str, object]", architecture: "Architecture") -> None:
    """Says which options have no effect on this training."""
    fitted, quiet = architecture.readout == "weights", bool(values["quiet"])
    parts: list[tuple[Sequence[str], str]] = []
    if values["check_grad"]:
        parts.append((_OF_LEARNING, "with --check-grad"))
    elif fitted:
        parts.append((_OF_LABELS, "where attention weights are given"))
    elif not values["held_out"]:
        parts.append((("patience",), "without sentences held out"))
    if architecture.readout == "target":
        parts.append((("pooling",), "where the target words are given"))
    if architecture.positions != "relative":
        parts.append((("reach",), "without relative positions"))
    for names, where in parts:
        say_vain(changed(train, values, names), where, quiet=quiet)


def _say_held_out(prepared: "Prepared", settings: "TrainingSettings") -> None:
    """A warning where so few sentences have a label that none of them is held out."""
    import numpy as np

    from attncli.learning.trainer import split_off

    labels = prepared.examples.labels
    if not settings.held_out or labels is None:
        return
    _, aside = split_off(prepared.examples, settings.held_out, settings.seed)
    share, count = f"--held-out {settings.held_out:g}", len(prepared.labels)
    measured = len(np.unique(labels[aside]))
    if not measured:
        message(
            "warning",
            f"{share} of so few sentences is none: the last epoch is kept and no accuracy is "
            "shown; attn evaluate measures the model on sentences of another file",
        )
    elif measured < count:
        message(
            "warning",
            f"{share} keeps sentences of {measured} of {count} labels aside: the accuracy shown "
            f"says nothing of the other {count - measured}",
        )


def _rate(value: float, option: str, *, below: float = 1.0) -> float:
    if not 0 <= value < below:
        raise UsageError(f"found {value:g}, expected 0 or more, below {below:g}", place=option)
    return value
