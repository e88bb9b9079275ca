"""`attn train`: a file of examples → W_q, W_k, W_v and a read-out, as a safetensors file."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from attncli.api.files_read import files_learned_from
from attncli.cli.spreading import changed, grouped
from attncli.cli.terminal import message
from attncli.cli.train import options as t
from attncli.cli.train.measuring import say_curve, say_folds, say_gradients
from attncli.cli.train.run import ENDINGS, run_training
from attncli.cli.vain_options import say_vain
from attncli.cli.vectors.access import access_to
from attncli.errors import UsageError
from attncli.files.apart import expect_apart, expect_writable, written

if TYPE_CHECKING:
    from attncli.api.training import Trial


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
    from attncli.api.training import open_words, trial_from
    from attncli.cli.progress import Encoding

    quiet, vectors, settings = report.quiet, words.vectors, learning.settings()
    _expect_files(file, vectors, learning.class_weights, report, run)
    with access_to(vectors, quiet=quiet) as access:
        opened = open_words(words, settings, access=access)
    with Encoding(quiet=quiet) as encoding:
        trial = trial_from(
            *(data.source(file), opened, layer, settings),
            epochs=learning.epochs,
            say=encoding.say,
            tick=encoding.tick,
        )
    options = asdict(layer) | asdict(learning) | asdict(report) | asdict(run)
    _say_vain(options | {"page": report.page, "measures": run.measures}, trial)
    if run.check_grad:
        say_gradients(trial, json=report.json)
        return
    if run.folds is not None:
        say_folds(trial, run.folds, json=report.json, quiet=quiet)
    elif run.learning_curve:
        say_curve(trial, json=report.json, quiet=quiet)
    if run.measures is not None and not report.output:
        return
    if not quiet:
        _say_held_out(trial)
    run_training(trial, report, resume=run.resume)


def _expect_files(
    file: str,
    vectors: str,
    class_weights: str | None,
    report: t.ReportOptions,
    run: t.TrainRunOptions,
) -> None:
    """Raises: UsageError where there is no output, or it is an input; OutputError."""
    _expect_one_task(report, run)
    if not report.output and not run.check_grad and run.measures is None:
        raise UsageError("found no file, expected -o model.safetensors", place="--output")
    if run.resume and report.model is None and not run.check_grad:
        raise UsageError("found no model, expected -o model.safetensors", place="--resume")
    if report.outnumbered and not report.quiet:
        message("warning", "--output names more than one model or page: the last one counts")
    model = [] if run.check_grad else written("output", report.model, *ENDINGS)
    model += [] if run.check_grad else written("output", report.page)
    log = [] if run.check_grad else written("log", report.log)
    expect_apart([*model, *log], files_learned_from(file, vectors, class_weights))
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


def _say_vain(values: "dict[str, object]", trial: "Trial") -> None:
    """Says which options have no effect on this training."""
    architecture = trial.sizes().architecture
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
        parts.append((("pair_temperature",), "but for pairs that belong together"))
    parts += _of_sizes(trial)
    for names, where in parts:
        say_vain(changed(train, values, names), where, quiet=quiet)


def _of_sizes(trial: "Trial") -> Iterator[tuple[Sequence[str], str]]:
    """The options that have no effect on a model of these sizes, with where that is."""
    architecture = trial.sizes().architecture
    if architecture.readout == "target":
        yield ("pooling",), "where the target words are given"
    if architecture.positions != "relative":
        yield ("reach",), "without relative positions"


def _say_held_out(trial: "Trial") -> None:
    """A warning where so few sentences have a label that none of them is held out."""
    measured, count = trial.labels_aside(), len(trial.prepared.labels)
    share = f"--held-out {trial.settings.held_out:g}"
    if measured == 0:
        message(
            "warning",
            f"{share} of so few sentences is none: the last epoch is kept and no accuracy is "
            "shown; attn evaluate measures the model on sentences of another file",
        )
    elif measured is not None and measured < count:
        message(
            "warning",
            f"{share} keeps sentences of {measured} of {count} labels aside: the accuracy shown "
            f"says nothing of the other {count - measured}",
        )
