"""`attn batch`: files of sentences to records, on every core or a cluster."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from attncli.cli import options as opt
from attncli.cli import use_one_thread
from attncli.cli.batch import options as bopt
from attncli.cli.batch.closing_notes import losses_text, say_of_single_heads, say_unacted, watch_of
from attncli.cli.batch.notes import say_of_vain_reading, say_vain_settings, share_read
from attncli.cli.batch.options import EngineOptions, InputOptions, RecordOptions, WriteOptions
from attncli.cli.groups import DEFAULTS, Mechanism, analyser_of_options, grouped, part_chosen
from attncli.cli.progress import SentenceProgress, duration
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
from attncli.settings import MATRIX_FIELDS, BatchSettings

if TYPE_CHECKING:
    from attncli.batches.job import BatchJob, JobMechanism
    from attncli.batches.run import RunReport
    from attncli.cli.batch.recording import Recording
    from attncli.files.source import InputSource


@grouped
def batch(
    files: bopt.Files = None,
    mechanism: Mechanism = DEFAULTS,
    reading: InputOptions = InputOptions(),  # noqa: B008 - frozen
    writing: WriteOptions = WriteOptions(),  # noqa: B008 - frozen
    running: EngineOptions = EngineOptions(),  # noqa: B008 - frozen
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
    with _recorded(records, files, listed, mechanism, writing, running) as recording:
        if problem is not None:
            raise problem
        setup = _setup(listed, mechanism, reading, writing, running, recording)
        with _stoppable(setup):
            report = _run(setup)
        _say(setup, report)


@dataclass(frozen=True, slots=True)
class _Setup:
    """A batch as asked for, checked, and how far it is."""

    job: "BatchJob"
    options: Mechanism
    mechanism: "JobMechanism"
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
    writing: WriteOptions,
    running: EngineOptions,
) -> "Iterator[Recording | None]":
    """Keeps a log and a summary of what is done inside, where they are asked for."""
    if records.log_level is not None and records.log_file is None:
        say_vain(["--log-level"], "without --log-file", quiet=running.quiet)
    if not records:
        yield None
        return
    from attncli.api.files_read import files_read
    from attncli.batches.engines.local import cores
    from attncli.cli.batch.recording import recorded

    read = [*(files or ()), *(source.file or source.path for source in listed)]
    with suppress(AttnError):  # said again, and kept, where the mechanism is opened
        read += files_read(mechanism.vectors, mechanism.model, mechanism.matrix_texts)
    facts = {
        "engine": running.engine,
        "workers": None if running.scheduler else running.workers or cores(),
        "resume": running.resume,
    }
    with recorded(
        records,
        [source.path for source in listed] or list(files or ()),
        None if writing.output in (None, "-") else writing.output,
        read,
        running=facts,
        silent=running.quiet,
    ) as recording:
        yield recording


def _setup(
    listed: "list[InputSource]",
    mechanism: Mechanism,
    reading: InputOptions,
    writing: WriteOptions,
    running: EngineOptions,
    recording: "Recording | None",
) -> _Setup:
    from attncli.api.files_read import files_read
    from attncli.batches.job import batch_job

    quiet = running.quiet and not (recording is not None and recording.is_logged)
    output = None if writing.output in (None, "-") else writing.output
    job = batch_job(listed, output, _settings(reading, writing, running))
    if not quiet:
        say_of_vain_reading(job, comments=reading.comments)
    if running.resume:
        begun = job.as_begun()
        if begun is not job and not quiet:
            message("note", "goes on as it began, with a record for every line (--every-line)")
        job = begun
    job.check(files_read(mechanism.vectors, mechanism.model, mechanism.matrix_texts))
    say_vain_settings(job, writing, quiet=quiet)
    if job.format.name != "csv" and not quiet:
        say_of_single_heads(mechanism, job.layout.include)
    progress = SentenceProgress(partial(share_read, listed), quiet=running.quiet)
    described = _mechanism(mechanism, job, quiet)
    if recording is not None:
        described = described._replace(watch=replace(described.watch, counts=True))
    return _Setup(job, mechanism, described, progress, quiet, recording)


def _settings(
    reading: InputOptions, writing: WriteOptions, running: EngineOptions
) -> BatchSettings:
    from attncli.batches.job import FIELDS, PARTS

    given = {**asdict(reading), **asdict(writing), **asdict(running)}
    for name in ("comments", "output", "quiet"):
        del given[name]
    given["include"] = opt.listed_names(writing.include, FIELDS, "--include")
    given["exclude"] = opt.listed_names(writing.exclude, (*FIELDS, *PARTS), "--exclude")
    return BatchSettings(**given)


def _mechanism(mechanism: Mechanism, job: "BatchJob", quiet: bool) -> "JobMechanism":
    """Opens the mechanism once in this process, so that its warnings are printed once."""
    from attncli.api.files_read import source_facts
    from attncli.batches.job import JobMechanism
    from attncli.mechanisms.open import open_for_many, token_width

    include = frozenset(job.layout.include)
    opened = analyser_of_options(mechanism, include, quiet=quiet)
    options = asdict(mechanism)
    # What these hold stands among the facts, or, of a preset, among the other options.
    for name in ("vectors", "preset", "random_matrices", *MATRIX_FIELDS):
        del options[name]
    return JobMechanism(
        partial(open_for_many, mechanism.settings(), include, part_chosen(mechanism)),
        source_facts(mechanism.vectors, mechanism.model, opened),
        options,
        token_width(opened),
        watch_of(mechanism),
    )


def _run(setup: _Setup) -> "RunReport":
    from attncli.batches.job import run_job

    gc.freeze()
    note = None if setup.quiet else partial(message, "note")
    fd: int | None = None
    try:
        if setup.job.output is None and sys.stdout is not None:
            sys.stdout.flush()
            fd = sys.stdout.fileno()
        watch = setup.progress.update
        return run_job(
            *(setup.job, setup.mechanism), fd=fd, watch=watch, note=note, follower=setup.recording
        )
    except BrokenPipeError:
        if not setup.job.to_stream:
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
        if not setup.job.to_stream:
            text = "stopped; what is done is kept, --resume continues"
            message("note", text, code="stopped")
        raise
    finally:
        setup.progress.clear()


def _say(setup: _Setup, report: "RunReport") -> None:
    """The summary on stderr, then the error for lines that were set aside."""
    from attncli.batches.run import closing

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
        if not (setup.job.to_stream or report.complete or tally.records == 0):
            say_written(str(setup.job.output), quiet=False)
        say_unacted(setup.options, report, quiet=setup.quiet)
        message("note", _summary(setup, report))
    closing(report, setup.job.sources)


def _losses(setup: _Setup) -> str:
    target = "the CSV" if setup.job.to_stream else visible(str(setup.job.output))[:200]
    return losses_text(target, setup.job.format.name, setup.job.layout, setup.options)


def _summary(setup: _Setup, report: "RunReport") -> str:
    if report.complete:
        return f"{visible(str(setup.job.output))[:200]} is already whole"
    rate = report.new / report.seconds if report.seconds else 0
    records = report.tally.records
    text = "1 sentence" if records == 1 else f"{records:,} sentences"
    if report.new != report.tally.records:
        text += f", {report.new:,} of them now"
    text += f", {report.tally.failed:,} set aside" if report.tally.failed else ""
    text += f", {duration(report.seconds)}, {rate:,.0f}/s"
    return text
