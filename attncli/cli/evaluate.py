"""`attn evaluate`: how well a trained model predicts the labels of a file."""

from typing import TYPE_CHECKING, Annotated

from attncli.api.files_read import files_measured_with
from attncli.cli import options as opt
from attncli.cli.looks import COLORED, Colored
from attncli.cli.options import MODEL, option
from attncli.cli.running import hand_over
from attncli.cli.spreading import grouped
from attncli.cli.terminal import write, write_json
from attncli.cli.train import options as t
from attncli.cli.train.options import WORDS
from attncli.cli.vain_options import say_vain
from attncli.cli.vectors.access import access_to
from attncli.files.apart import expect_apart

if TYPE_CHECKING:
    from attncli.api.evaluating import PairEvaluation

ModelIn = Annotated[
    str,
    option(
        MODEL,
        "MODEL",
        "A file that attn train wrote, or idioms.",
        "--model",
        "-m",
        complete="models",
    ),
]


@grouped
def evaluate(
    file: t.DataFile,
    model: ModelIn,
    data: t.DataOptions = t.DataOptions(),  # noqa: B008 - frozen
    unsure: t.Unsure = None,
    vectors: opt.Vectors = WORDS.vectors,
    no_cache: opt.NoCache = WORDS.no_cache,
    looks: Colored = COLORED,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """Measure how well a trained model predicts the labels of a file.

    Shown are accuracy, precision, recall and F1 of each label, and what was taken for what.
    Log-loss and calibration error tell whether the probabilities can be trusted.

    Of pairs of sentences with a score it shows Pearson's and Spearman's correlation; of pairs that
    belong together how often the right sentence comes first, both ways. Beside them stand general
    attention and the mean of the words, where nothing was learned.

    \b
    Examples:
      attn evaluate test.tsv --model bank.safetensors
      attn evaluate examples/idioms.tsv --split test --model idioms
      attn evaluate test.tsv --model bank.safetensors --unsure 0.8
      attn evaluate test.tsv --model bank.safetensors --json
    """
    from attncli.api.evaluating import embedder_of, evaluated
    from attncli.api.models import labeler
    from attncli.cli.progress import Encoding

    expect_apart([], files_measured_with(file, model, vectors))
    if json:
        looks.say_vain("with --json", quiet=quiet)
    with Encoding(quiet=quiet) as encoding:
        trained, _ = labeler(model, data.target_column, encoding.say)
        if trained.architecture.pair is None:
            named = {"--pair-column": data.pair_column, "--score-column": data.score_column}
            vain = [name for name, column in named.items() if column is not None]
            say_vain(vain, "here: the model reads single sentences", quiet=quiet)
        with access_to(vectors, cached=not no_cache, quiet=quiet) as access:
            embedder = embedder_of(trained, vectors, access)
        source, tick = data.source(file), encoding.tick
        evaluation = evaluated(source, trained, embedder, say=encoding.say, tick=tick)
    seen = evaluation.trained_on
    if not evaluation.has_labels:
        say_vain(["--unsure"] if unsure is not None else [], "without labels", quiet=quiet)
        _show_pairs(evaluation.pairs, seen, looks, json)
        return
    scores = evaluation.scores
    if json:
        from attncli.cli.train.report import json_line

        record = {**scores.to_dict(), "trained_on": seen}
        record |= {} if unsure is None else {"sure": scores.sure(unsure)._asdict()}
        write_json(json_line(record))
        return
    if hand_over(scores):
        return
    from attncli.views.confusion import confusion_lines, figure_lines, report_lines

    ink, figures = looks.ink, scores.figures()
    if unsure is not None:
        sure = scores.sure(unsure)
        figures |= {"sure": sure.coverage}
        figures |= {} if sure.accuracy is None else {"accuracy of the sure": sure.accuracy}
    lines = figure_lines(figures, ink)
    averages = {"mean of labels": scores.macro, "mean of sentences": scores.weighted}
    lines += [[], *report_lines(scores.report, averages, ink)]
    lines += [[], *confusion_lines(scores.confusion, scores.recall, ink, width=looks.columns)]
    write(ink.rendered(lines))


def _show_pairs(evaluation: "PairEvaluation", seen: int | None, looks: Colored, json: bool) -> None:
    """Prints how well pairs are scored or found, beside no training."""
    if json:
        from attncli.cli.train.report import json_line

        write_json(json_line({**evaluation.to_dict(), "trained_on": seen}))
        return
    if hand_over(evaluation):
        return
    from attncli.views.pairs import beside_lines

    columns = {"trained": evaluation.scores, **evaluation.baselines}
    figures = {name: scores.figures() for name, scores in columns.items()}
    write(looks.ink.rendered(beside_lines(figures, looks.ink)))
