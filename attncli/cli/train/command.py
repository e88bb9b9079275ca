"""`attn train`: a file of examples → W_q, W_k, W_v and a read-out, as a safetensors file."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from attncli.api.files_read import vectors_read
from attncli.cli.groups import grouped
from attncli.cli.terminal import message, standard_input
from attncli.cli.train import options as t
from attncli.cli.train.check import prove
from attncli.cli.train.measuring import say_curve, say_folds
from attncli.cli.train.rows import say_of_rows, say_of_splits
from attncli.cli.train.run import ENDINGS, TrainingRun
from attncli.cli.vain_options import changed, say_vain
from attncli.cli.vectors.access import access_to
from attncli.errors import UsageError
from attncli.errors.wording import visible
from attncli.files.apart import expect_apart, expect_writable, files_given, written
from attncli.mechanisms.open import expect_dim
from attncli.settings import MechanismSettings

if TYPE_CHECKING:
    from attncli.attention.parameters import Architecture
    from attncli.settings import TrainingSettings
    from attncli.training.examples import Prepared
    from attncli.training.fit import Sizes


@grouped
def train(
    file: t.DataFile,
    data: t.DataOptions = t.DataOptions(),  # noqa: B008 - frozen
    words: t.WordOptions = t.WordOptions(),  # noqa: B008 - frozen
    layer: t.LayerOptions = t.LayerOptions(),  # noqa: B008 - frozen
    learning: t.LearningOptions = t.LearningOptions(),  # noqa: B008 - frozen
    report: t.ReportOptions = t.ReportOptions(),  # noqa: B008 - frozen
    run: t.TrainRunOptions = t.TrainRunOptions(),  # noqa: B008 - frozen
) -> None:
    """Learn task-specific attention from labeled sentences.

    What is learned is W_q, W_k, W_v and a read-out.

    A file with the column weights (a JSON matrix for each sentence) instead of label is fitted:
    W_q and W_k that give these attention weights.

    \b
    Examples:
      attn train bank.tsv -o bank.safetensors
      attn train reviews.jsonl -o reviews.safetensors --held-out 0.2 --patience 5
      attn train export.csv --text-column Comment --label-column Grade -o grades.safetensors
      attn train examples/idioms.tsv --split train -o idioms.safetensors
      attn train examples/lecture_weights.jsonl -o lecture.safetensors
      attn train examples/lecture_weights.jsonl --watch -o lecture.safetensors -o training.html
      attn train bank.tsv --folds 5
      attn train bank.tsv --learning-curve
      attn train bank.tsv --check-grad
    """
    from attncli.cli.progress import Encoding
    from attncli.reading.embedder import open_embedder
    from attncli.reading.reader import ReadingSettings
    from attncli.training.examples import expect_difference, prepare
    from attncli.training.fit import expect_vectors_for_all, fitting, sizes_of
    from attncli.training.rows import read_table
    from attncli.training.validating import Trial

    quiet, vectors = report.quiet, words.vectors
    expect_dim(MechanismSettings(vectors=vectors, dim=words.dim))
    _expect_files(file, vectors, learning.class_weights, report, run)
    expect_vectors_for_all(words.oov)
    settings = learning.settings()
    reading = ReadingSettings(tokenizer=words.tokenizer, oov=words.oov, seed=learning.seed)
    with access_to(vectors, cached=not words.no_cache, quiet=quiet) as access:
        embedder, info = open_embedder(vectors, reading, dim=words.dim, access=access)
    note = None if quiet else partial(message, "note")
    rows, bad = read_table(
        file, standard_input(), split=data.split, columns=data.columns, note=note
    )
    if not quiet and data.split is None:
        say_of_splits(rows)
    with Encoding(quiet=quiet) as encoding:
        prepared = prepare(rows, embedder, tick=encoding.tick, bad=bad)
    say_of_rows(bad, prepared, skip_bad=data.skip_bad, quiet=quiet, labels=True)
    expect_difference(prepared, visible(file)[:200])
    sizes = sizes_of(prepared, info, layer.settings())
    _say_vain(
        {**vars(layer), **vars(learning), **vars(report), "page": report.page, **vars(run)}
        | {"measures": run.measures},
        sizes,
    )
    if sizes.architecture.readout == "weights":
        settings = fitting(settings, learning.epochs)
    if run.check_grad:
        prove(prepared, sizes, settings.seed, report.json)
        return
    if run.measures is not None:
        trial = Trial(prepared, info, layer.settings(), settings, reading)
        if run.folds is not None:
            say_folds(trial, run.folds, json=report.json, quiet=quiet)
        else:
            say_curve(trial, json=report.json, quiet=quiet)
        if not report.output:
            return
    if not quiet:
        _say_held_out(prepared, settings)
    output = None if report.model is None else Path(report.model)
    training = TrainingRun(output, prepared, sizes, settings, reading, info)
    training.run(report, resume=run.resume)


def _expect_files(
    file: str,
    vectors: str,
    class_weights: str | None,
    report: t.ReportOptions,
    run: t.TrainRunOptions,
) -> None:
    """Raises: UsageError where there is no output, or it is an input; OutputError."""
    _expect_one_task(report, run)
    from attncli.training.class_weights import weights_file

    if not report.output and not run.check_grad and run.measures is None:
        raise UsageError("found no file, expected -o model.safetensors", place="--output")
    if run.resume and report.model is None and not run.check_grad:
        raise UsageError("found no model, expected -o model.safetensors", place="--resume")
    if report.outnumbered and not report.quiet:
        message("warning", "--output names more than one model or page: the last one counts")
    model = [] if run.check_grad else written("output", report.model, *ENDINGS)
    model += [] if run.check_grad else written("output", report.page)
    log = [] if run.check_grad else written("log", report.log)
    weights = weights_file(class_weights)
    expect_apart([*model, *log], [*files_given([file, weights]), *vectors_read(vectors)])
    expect_writable(model, ())  # a log may be a pipe


def _expect_one_task(report: t.ReportOptions, run: t.TrainRunOptions) -> None:
    """Raises: UsageError for options that contradict each other: what is measured is not resumed."""
    if run.measures is None:
        return
    others = {
        "--learning-curve": run.folds is not None and run.learning_curve,
        "--resume": run.resume,
        "--check-grad": run.check_grad,
        "--watch": report.watch,
    }
    for other, is_given in others.items():
        if is_given:
            raise UsageError(f"found {other} too, expected one of them", place=run.measures)


_OF_LABELS = (
    *("heads", "d_v", "landmarks", "committee", "directions", "pooling", "weight_decay"),
    *("dropout", "weight_dropout", "word_dropout", "smoothing", "balance", "held_out", "patience"),
    "class_weights",
)
_OF_LEARNING = (
    *(
        "output",
        "watch",
        "no_footer",
        "log",
        "resume",
        "epochs",
        "batch_size",
        "learning_rate",
        "weight_decay",
    ),
    *("dropout", "weight_dropout", "word_dropout", "smoothing", "balance", "held_out", "patience"),
    *("tolerance", "class_weights"),
)


def _say_vain(values: "dict[str, object]", sizes: "Sizes") -> None:
    """Says which options have no effect on this training."""
    architecture = sizes.architecture
    fitted, quiet = architecture.readout == "weights", bool(values["quiet"])
    parts: list[tuple[Sequence[str], str]] = []
    if values["check_grad"]:
        parts.append((_OF_LEARNING, "with --check-grad"))
    elif fitted:
        parts.append((_OF_LABELS, "where attention weights are given"))
    elif not values["held_out"]:
        parts.append((("patience",), "without sentences held out"))
    if values["measures"] and not values["output"]:
        vain = ("log", "patience") if values["learning_curve"] else ("log",)
        parts.append((vain, f"with {values['measures']} alone"))
    if not values["check_grad"] and values["page"] is None:
        parts.append((("no_footer",), "without a page"))
    if not fitted:
        parts.append((("tolerance",), "where no attention weights are given"))
        if not architecture.has_labels:
            parts.append((("smoothing", "balance", "class_weights"), "without labels"))
    if architecture.pair != "match":
        parts.append((("temperature",), "but for pairs that belong together"))
    parts += _of_sizes(architecture)
    for names, where in parts:
        say_vain(changed(train, values, names), where, quiet=quiet)


def _of_sizes(architecture: "Architecture") -> list[tuple[Sequence[str], str]]:
    """The options that have no effect on a model of these sizes, with where that is."""
    parts: list[tuple[Sequence[str], str]] = []
    if architecture.readout == "target":
        parts.append((("pooling",), "where the target words are given"))
    if architecture.positions != "relative":
        parts.append((("reach",), "without relative positions"))
    return parts


def _say_held_out(prepared: "Prepared", settings: "TrainingSettings") -> None:
    """A warning where so few sentences have a label that none of them is held out."""
    from attncli.training.fit import labels_aside

    if not settings.held_out or prepared.examples.labels is None:
        return
    share, count = f"--held-out {settings.held_out:g}", len(prepared.labels)
    measured = labels_aside(prepared, settings)
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
