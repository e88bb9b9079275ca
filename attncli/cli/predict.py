"""`attn predict`: the label of every row of a file, how sure it is, and the words that counted."""

from functools import partial
from typing import Annotated, Any, cast

from attncli.cli import options as opt
from attncli.cli.evaluate import ModelIn
from attncli.cli.options import INPUT, OUTPUT, option, switch
from attncli.cli.progress import SentenceProgress
from attncli.cli.spreading import grouped
from attncli.cli.terminal import message, say_written, written_stdout
from attncli.cli.train import options as t
from attncli.cli.train.options import WORDS
from attncli.cli.vain_options import say_vain
from attncli.cli.vectors.access import Saying
from attncli.files.writing import ended_by_signals
from attncli.settings import COUNTED_WORDS

PredictFile = Annotated[
    str,
    opt.argument(
        "FILE",
        "A table (TSV, CSV, JSON, Parquet), or a text with a sentence a line; - is standard input.",
    ),
]
PredictOut = Annotated[
    str | None,
    option(
        OUTPUT,
        "FILE",
        "Write a file: csv, tsv, jsonl, json or parquet by its suffix (default: CSV on standard "
        "output).",
        "--output",
        "-o",
    ),
]
TopWords = Annotated[int, option(OUTPUT, "K", "Words that counted, the K strongest.", min=1)]
Lines = Annotated[bool, switch(OUTPUT, "Print JSON lines.", "--json")]
SkipBad = Annotated[
    bool,
    switch(INPUT, "Keep rows that cannot be predicted, without a label, and go on.", "--skip-bad"),
]


@grouped
def predict(
    file: PredictFile,
    model: ModelIn,
    output: PredictOut = None,
    text_column: t.TextColumn = None,
    target_column: t.TargetColumn = None,
    pair_column: t.PairColumn = None,
    unsure: t.Unsure = None,
    top: TopWords = COUNTED_WORDS,
    skip_bad: SkipBad = False,
    vectors: opt.Vectors = WORDS.vectors,
    no_cache: opt.NoCache = WORDS.no_cache,
    json: Lines = False,
    quiet: opt.Quiet = False,
) -> None:
    """Label the rows of a file with a trained model.

    Each row is kept with its cells, in order, and gets its label, how probable it is, the words
    that counted most, each with what it adds to the logit, and those that have no vector. A model of
    pairs reads the columns text and pair, and says a score or a label of both.

    \b
    Examples:
      attn predict new.csv --model grades.safetensors --text-column Comment -o labeled.csv
      attn predict sentences.txt --model bank.safetensors --unsure 0.8
      cat new.jsonl | attn predict - --model bank.safetensors --json | head -3
    """
    from attncli.api.models import labeler
    from attncli.api.predicting import check_output, predict_file

    name = None if output in (None, "-") else output
    check_output(name, file, model, vectors)
    if name is not None and json:
        say_vain(("--json",), "beside --output", quiet=quiet)
    trained, target_column = labeler(model, target_column, Saying(quiet=quiet))
    if pair_column is not None and trained.architecture.pair is None:
        say_vain(("--pair-column",), "here: the model reads single sentences", quiet=quiet)
        pair_column = None
    progress = SentenceProgress(lambda: None, quiet=quiet or name is None)
    try:
        with ended_by_signals("SIGTERM"):
            report = predict_file(
                file,
                cast("Any", _Stdout()) if name is None else name,
                trained,
                vectors,
                text_column=text_column,
                target_column=target_column,
                pair_column=pair_column,
                unsure=unsure,
                top=top,
                skip_bad=skip_bad,
                no_cache=no_cache,
                kind=("jsonl" if json else "csv") if name is None else None,
                note=None if quiet else partial(message, "note"),
                tick=progress.update,
            )
    finally:
        progress.clear()
    if quiet:
        return
    for text in report.first:
        message("warning", text)
    if report.failed:
        message("warning", f"rows without a label: {report.failed:,} of {report.rows:,}")
    if unsure is not None:
        message("note", f"unsure rows: {report.unsure:,} of {report.rows:,}")
    if name is not None:
        say_written(name, quiet=quiet)


class _Stdout:
    """Standard output as a file that takes bytes. Raises: PipeClosed, OutputError."""

    def write(self, data: bytes) -> int:
        """Writes bytes at once."""
        with written_stdout() as stream:
            stream.buffer.write(data)
            stream.buffer.flush()
        return len(data)
