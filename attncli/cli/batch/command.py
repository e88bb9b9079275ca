"""`attn batch`: files of sentences to records, on every core or a cluster."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from attncli.cli import use_one_thread
from attncli.cli.batch import options as bopt
from attncli.cli.batch.closing_notes import (
    losses_text,
    say_of_single_heads,
    say_unacted,
    watched_effects,
)
from attncli.cli.batch.notes import (
    say_of_decoder,
    say_of_vain_reading,
    say_vain_settings,
    share_read,
)
from attncli.cli.batch.options import BatchOptions, RecordOptions
from attncli.cli.groups import (
    DEFAULTS,
    Mechanism,
    analysis_of_options,
    part_chosen,
)
from attncli.cli.progress import SentenceProgress, duration
from attncli.cli.spreading import grouped
from attncli.cli.terminal import (
    PipeClosed,
    give_up_stdout,
    hint,
    message,
    say_written,
    standard_input,
)
from attncli.cli.vain_options import say_vain
from attncli.errors import AttnError, UsageError
from attncli.errors.wording import visible
from attncli.files.writing import ended_by_signals

if TYPE_CHECKING:
    from attncli.api.batching import OpenedBatch
    from attncli.cli.batch.recording import Recording
    from attncli.files.source import InputSource
    from attncli.results.batch_report import RunReport

_TYPED = ("target", "layer", "head", "agg", "merge", "hide")  # as journals have always named them


@grouped
def batch(
    files: bopt.Files = None,
    mechanism: Mechanism = DEFAULTS,
    options: BatchOptions = BatchOptions(),  # noqa: B008 - frozen
    records: RecordOptions = RecordOptions(),  # noqa: B008 - frozen
) -> None:
    """Turn files of sentences into records, fast and in order.

    A run that was stopped goes on with --resume, to the same bytes.

    \b
    Examples:
      attn batch sentences.txt -o weights.jsonl
      attn batch sentences.txt -o weights.jsonl --resume
      attn batch reviews.csv --column text --id number -o weights.parquet
      attn batch 'part-*.txt.gz' --attention task --heads 2 -o weights.jsonl.gz
      cat sentences.txt | attn batch - --exclude contextual --top 3 | head -1
    """
    use_one_thread(always=True)
    listed, problem = _listed(files)
    with _recorded(records, files, listed, mechanism, options) as recording:
        if problem is not None:
            raise problem
        setup = _setup(listed, mechanism, options, recording)
        with _stoppable(setup):
            report = _run(setup)
        _say(setup, report)


@dataclass(frozen=True, slots=True)
class _Setup:
    """A batch as asked for, ready to run, and how far it is."""

    batch: "OpenedBatch"
    options: Mechanism
    progress: SentenceProgress
    quiet: bool
    recording: "Recording | None"


def _listed(files: list[str] | None) -> tuple["list[InputSource]", AttnError | None]:
    """The inputs, or why there are none: an error that a log is to have."""
    from attncli.files.source import sources

    try:
        return sources(_given(files), standard_input), None
    except AttnError as error:
        return [], error


@contextmanager
def _recorded(
    records: RecordOptions,
    files: list[str] | None,
    listed: "list[InputSource]",
    mechanism: Mechanism,
    options: BatchOptions,
) -> "Iterator[Recording | None]":
    """Keeps a log and a summary of what is done inside, where they are asked for."""
    if records.log_level is not None and records.log_file is None:
        say_vain(["--log-level"], "without --log-file", quiet=options.quiet)
    if not records:
        yield None
        return
    from attncli.api.batching import files_of_output, workers_of
    from attncli.api.files_read import files_read
    from attncli.cli.batch.recording import recorded

    read = [*(files or ()), *(source.file or source.path for source in listed)]
    with suppress(AttnError):  # said again, and kept, where the mechanism is opened
        read += files_read(mechanism.settings())
    facts = {
        "engine": options.engine,
        "workers": workers_of(options.workers, options.scheduler),
        "resume": options.resume,
    }
    with recorded(
        records,
        [source.path for source in listed] or list(files or ()),
        files_of_output(options.output),
        read,
        running=facts,
        silent=options.quiet,
    ) as recording:
        yield recording


def _setup(
    listed: "list[InputSource]",
    mechanism: Mechanism,
    options: BatchOptions,
    recording: "Recording | None",
) -> _Setup:
    from attncli.api.batching import checked_batch
    from attncli.results.effects import Watch

    quiet = options.quiet and not (recording is not None and recording.is_logged)
    output = None if options.output in (None, "-") else options.output
    settings = options.settings()
    batch = checked_batch(listed, output, settings, mechanism.settings())
    if not quiet:
        say_of_vain_reading(batch, settings, comments=options.comments)
    say_vain_settings(batch, options, quiet=quiet)
    if batch.job.format.name != "csv" and not quiet:
        say_of_single_heads(mechanism, settings.include)
    analysis = analysis_of_options(
        mechanism, frozenset(settings.include), quiet=quiet, paired_by=batch.job.paired_by
    )
    if not quiet:
        say_of_decoder(analysis)
    acts = frozenset(watched_effects(mechanism, batch).acts)
    opened = batch.opened(
        analysis,
        part_chosen(mechanism),
        typed={name: getattr(mechanism, name) for name in _TYPED},
        looks_for=Watch(frozenset(mechanism.hide or ()), acts, recording is not None),
    )
    progress = SentenceProgress(partial(share_read, listed), quiet=options.quiet)
    return _Setup(opened, mechanism, progress, quiet, recording)


def _run(setup: _Setup) -> "RunReport":
    gc.freeze()
    note = None if setup.quiet else partial(message, "note")
    fd: int | None = None
    try:
        if setup.batch.job.output is None and sys.stdout is not None:
            sys.stdout.flush()
            fd = sys.stdout.fileno()
        watch = setup.progress.update
        return setup.batch.run(fd=fd, watch=watch, note=note, follower=setup.recording)
    except BrokenPipeError:
        if not setup.batch.job.to_stream:
            raise
        give_up_stdout()
        raise PipeClosed from None


def _given(files: list[str] | None) -> list[str]:
    if files:
        return files
    if not standard_input().isatty():
        return ["-"]
    raise UsageError(
        "found no file, expected FILE or - for standard input",
        hints=("attn batch sentences.txt -o weights.jsonl", "attn batch --help"),
    )


@contextmanager
def _stoppable(setup: _Setup) -> Iterator[None]:
    """Ends a run that is stopped by a signal with its code, and says what is kept."""
    try:
        with ended_by_signals("SIGTERM"):
            yield
    except (KeyboardInterrupt, SystemExit):
        setup.progress.clear()
        if not setup.batch.job.to_stream:
            text = "stopped; what is done is kept, --resume continues"
            message("note", text, code="stopped")
        raise
    finally:
        setup.progress.clear()


def _say(setup: _Setup, report: "RunReport") -> None:
    """The summary on stderr, then the error for lines that were set aside."""
    tally = report.tally
    if not setup.quiet:
        for text in tally.first_failures:
            message("warning", text)
        rest = tally.failed - len(tally.first_failures)
        if tally.first_failures and rest > 0:
            message("note", f"… and {rest:,} more; each has its error record")
        for way in tally.ways:
            hint(way)
        if tally.records and (lost := _losses(setup)):
            message("note", lost)
        if not (setup.batch.job.to_stream or report.complete or tally.records == 0):
            say_written(str(setup.batch.job.output), quiet=False)
        say_unacted(setup.options, setup.batch, report, quiet=setup.quiet)
        message("note", _summary(setup, report))
    setup.batch.expect_all(report)


def _losses(setup: _Setup) -> str:
    target = "the CSV" if setup.batch.job.to_stream else visible(str(setup.batch.job.output))[:200]
    return losses_text(target, setup.batch, setup.options)


def _summary(setup: _Setup, report: "RunReport") -> str:
    if report.complete:
        return f"{visible(str(setup.batch.job.output))[:200]} is already whole"
    rate = report.new / report.seconds if report.seconds else 0
    records = report.tally.records
    text = "1 sentence" if records == 1 else f"{records:,} sentences"
    if report.new != report.tally.records:
        text += f", {report.new:,} of them now"
    text += f", {report.tally.failed:,} set aside" if report.tally.failed else ""
    text += f", {duration(report.seconds)}, {rate:,.0f}/s"
    return text
