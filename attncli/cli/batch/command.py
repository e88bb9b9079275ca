"""`attn batch`: files of sentences to records, on every core or a cluster."""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attncli.cli import options as opt
from attncli.cli.batch import options as bopt
from attncli.cli.batch.acts import losses_text, say_of_single_heads, say_unacted, watch_of
from attncli.cli.batch.engine import engine_of
from attncli.cli.batch.job import as_begun, job_of, provenance_of, say_of_vain_reading, share_read
from attncli.cli.batch.options import InputOptions, RunOptions, WriteOptions
from attncli.cli.groups import DEFAULTS, Mechanism, analyser_of_options, grouped
from attncli.cli.guards import say_vain
from attncli.cli.outputs import expect_apart, files_given, files_read, say_written, written
from attncli.cli.progress import SentenceProgress, duration
from attncli.cli.stopping import heeding_sigterm
from attncli.cli.terminal import PipeClosed, give_up_stdout, hint, message, standard_input
from attncli.errors import OutputError, UsageError
from attncli.escape import quoted, visible
from attncli.files.paths import exists, is_file, is_folder
from attncli.mechanisms.open import Opened

if TYPE_CHECKING:
    from attncli.batches.chunks import Tally
    from attncli.batches.run import Output, RunReport, Sink
    from attncli.batches.work import Outcomes
    from attncli.batches.writers.formats import Format
    from attncli.batches.writers.options import RecordLayout
    from attncli.files.source import InputSource

_ONE_THREAD = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
# Container objects made before the collector looks for cycles: a chunk of records has none, and to
# look through them as often as usual costs a batch one part in 25.
_GARBAGE = 100_000
_PARTS = ("index", "line", "text", "tokens", "attention", "vectors", "model", "warnings")


@grouped
def batch(
    files: bopt.Files = None,
    mechanism: Mechanism = DEFAULTS,
    reading: InputOptions = InputOptions(),  # noqa: B008 - frozen
    writing: WriteOptions = WriteOptions(),  # noqa: B008 - frozen
    running: RunOptions = RunOptions(),  # noqa: B008 - frozen
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
    for variable in _ONE_THREAD:  # bytes must not depend on the threads of a product
        os.environ[variable] = "1"
    setup = _setup(files, mechanism, reading, writing, running)
    with _stoppable(setup):
        report = _run(setup)
    _say(setup, report)


@dataclass(frozen=True, slots=True)
class _Setup:
    """A batch as asked for, checked."""

    sources: "list[InputSource]"
    mechanism: Mechanism
    reading: InputOptions
    writing: WriteOptions
    running: RunOptions
    format: "Format"
    layout: "RecordLayout"
    job: dict[str, Any]
    width: int
    progress: SentenceProgress

    @property
    def to_stream(self) -> bool:
        """Whether the output is a pipe, a terminal or a device, written as it comes."""
        target = self.writing.output
        return target in (None, "-") or _is_stream(str(target))


def make_analyser(mechanism: Mechanism, include: frozenset[str]) -> "Outcomes":
    """The Analyser of the options as a batch uses it; what a worker calls."""
    opened = analyser_of_options(
        mechanism, include, asked=include, quiet=True
    )  # said once, by the run
    return _quick(opened.analyser)


def _quick(analyser: "Outcomes") -> "Outcomes":
    """The analyser without what only one reader of one sentence wants, in float32 where exact."""
    import numpy as np

    from attncli.mechanisms.general import GeneralAnalyser
    from attncli.mechanisms.part import PartAnalyser
    from attncli.mechanisms.task import TaskAnalyser

    if isinstance(analyser, PartAnalyser):
        return replace(analyser, analyser=_quick(analyser.analyser))
    if isinstance(analyser, GeneralAnalyser):
        return replace(analyser, dtype=np.float32, advise=False)
    if isinstance(analyser, TaskAnalyser):
        return replace(analyser, dtype=np.float32)
    return analyser


def _setup(
    files: list[str] | None,
    mechanism: Mechanism,
    reading: InputOptions,
    writing: WriteOptions,
    running: RunOptions,
) -> _Setup:
    from attncli.batches.writers.formats import output_format
    from attncli.files.source import sources

    found = sources(_given(files), standard_input)
    chosen = output_format(writing.output, writing.format)
    layout = _layout(writing, chosen, with_file=len(found) > 1, with_id=bool(reading.id_column))
    if not running.quiet:
        say_of_vain_reading(reading, found)
    if running.resume:
        begun = as_begun(reading, writing, chosen, found)
        if begun != reading and not running.quiet:
            message("note", "goes on as it began, with a record for every line (--every-line)")
        reading = begun
    _check(found, mechanism, writing, running, chosen)
    _say_vain(found, chosen, reading, writing, running)
    if chosen.name != "csv" and not running.quiet:
        say_of_single_heads(mechanism, layout.include)
    opened = analyser_of_options(mechanism, frozenset(layout.include), quiet=running.quiet)
    job = job_of(mechanism, reading, chosen, layout, opened, found)
    layout = replace(layout, facts=provenance_of(job))
    progress = SentenceProgress(partial(share_read, found), quiet=running.quiet)
    return _Setup(
        found, mechanism, reading, writing, running, chosen, layout, job, _width(opened), progress
    )


def _run(setup: _Setup) -> "RunReport":
    from attncli import __version__
    from attncli.batches.part import PartFile
    from attncli.batches.plan import CHUNK_RECORDS, Plan
    from attncli.batches.remote import RemoteOutput
    from attncli.batches.run import (
        FileSink,
        identity_of,
        nothing_to_do,
        run_to_output,
        run_to_stream,
    )
    from attncli.batches.work import Recipe
    from attncli.batches.writers.formats import MakeWriter, ending_of
    from attncli.files.rows.tables import Shape
    from attncli.files.source import is_url

    gc.freeze()
    gc.set_threshold(_GARBAGE)
    writing, running, reading = setup.writing, setup.running, setup.reading
    make_writer = MakeWriter(setup.format, setup.layout)
    shape = Shape(
        reading.input_format,
        reading.column,
        () if reading.id_column is None else (reading.id_column,),
        required=True,
        every_line=reading.every_line,
        options=("--column", "--id"),
        note=None if running.quiet else partial(message, "note"),
    )
    size = CHUNK_RECORDS if make_writer().in_blocks else running.chunk
    plan = Plan(setup.sources, shape, size, setup.width)
    recipe = Recipe(
        partial(make_analyser, setup.mechanism, frozenset(setup.layout.include)),
        make_writer,
        watch_of(setup.mechanism),
    )
    engine = engine_of(running)
    watch = setup.progress.update
    if setup.to_stream:
        with _stream(writing.output) as fd:
            return run_to_stream(plan, recipe, engine, fd, watch)
    identity = identity_of(setup.sources, setup.job, __version__)
    target = str(writing.output)
    again = {"resume": running.resume, "force": writing.force}
    output: Output
    sink: Sink
    if is_url(target):
        remote = RemoteOutput(target, identity, **again)
        output, sink, complete = remote, remote, remote.complete
    else:
        part = PartFile(Path(target), identity, **again)
        output, sink, complete = part, FileSink(part), part.complete
    if complete:
        return nothing_to_do(_finished_tally(setup, output))
    ending = ending_of(setup.format, setup.layout, sync=writing.sync)
    return run_to_output(plan, recipe, engine, output, sink, ending, watch)


def _finished_tally(setup: _Setup, output: "Output") -> "Tally":
    """What became of the records of an output that is whole: noted beside it, or read from it."""
    from attncli.batches.chunks import Tally
    from attncli.batches.finished import tally_of_finished

    if output.done is not None:
        return Tally(output.done.records, output.done.failed, output.done.empty)
    return tally_of_finished(str(setup.writing.output), setup.format)


def _given(files: list[str] | None) -> list[str]:
    if files:
        return files
    if not standard_input().isatty():
        return ["-"]
    raise UsageError(
        "found no file, expected FILE or - for standard input",
        hints=("attn batch sentences.txt -o weights.jsonl", "attn batch --help"),
    )


def _layout(
    writing: WriteOptions, chosen: "Format", *, with_file: bool, with_id: bool
) -> "RecordLayout":
    from attncli.batches.writers.digits import FULL, MAX_DIGITS
    from attncli.batches.writers.options import DEFAULT_PRECISION, RecordLayout
    from attncli.results.result import DEFAULT_FIELDS, OPTIONAL_FIELDS

    optional = (*OPTIONAL_FIELDS, *DEFAULT_FIELDS)
    digits = DEFAULT_PRECISION
    if writing.precision is not None:
        if not chosen.is_text:
            raise UsageError(
                f"found it, but {chosen.name} holds float32 values as they are", place="--precision"
            )
        digits = FULL if writing.precision == "full" else _digits(writing.precision, MAX_DIGITS)
    return RecordLayout(
        include=opt.listed_names(writing.include, optional, "--include"),
        exclude=opt.listed_names(writing.exclude, (*optional, *_PARTS), "--exclude"),
        precision=digits,
        top=writing.top,
        with_file=with_file,
        with_id=with_id,
    )


def _digits(text: str, most: int) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:4]) <= most):
        raise UsageError(
            f"found {quoted(text)}, expected full or a number from 1 to {most}",
            place="--precision",
        )
    return int(text)


def _check(
    found: "list[InputSource]",
    mechanism: Mechanism,
    writing: WriteOptions,
    running: RunOptions,
    chosen: "Format",
) -> None:
    """Raises: UsageError for options that do not go together, or an output that is an input;
    OutputError for one that cannot be written.
    """
    from attncli.batches.part import ENDINGS
    from attncli.files.source import is_url
    from attncli.files.writing import check_target

    target = writing.output
    inputs = [*files_given(source.file or source.path for source in found), *files_read(mechanism)]
    expect_apart(written("--output", target, *ENDINGS), inputs)
    if target in (None, "-") or _is_stream(str(target)):
        for option, given in (("--resume", running.resume), ("--force", writing.force)):
            if given and target in (None, "-"):
                raise UsageError("found no --output, expected both", place=option)
        if chosen.needs_file:
            raise UsageError(
                f"{chosen.name} cannot be written to a pipe, expected a file", place="--output"
            )
        return
    if not is_url(str(target)):
        check_target(str(target))


def _say_vain(
    found: "list[InputSource]",
    chosen: "Format",
    reading: InputOptions,
    writing: WriteOptions,
    running: RunOptions,
) -> None:
    """Says which options have no effect on these inputs, this output or this engine."""
    if reading.every_line and _are_tables(found):
        say_vain(["--every-line"], "on tables, whose rows are all read", quiet=running.quiet)
    quiet, target = running.quiet, str(writing.output or "-")
    fields = [name for name in ("include", "exclude") if getattr(writing, name) is not None]
    if chosen.name == "csv":  # whatever the fields, it holds the weights alone
        say_vain([f"--{name}" for name in fields], "in a .csv file", quiet=quiet)
    if writing.sync and (target == "-" or "://" in target or _is_stream(target)):
        say_vain(["--sync"], "where no file of this machine is written", quiet=quiet)
    if running.workers is not None and running.scheduler is not None:
        say_vain(["--workers"], "with --scheduler: its cluster has its own", quiet=quiet)


def _width(opened: "Opened") -> int:
    """About how many numbers a token's row has, beside its weights; decides how chunks are cut."""
    return 4096 if opened.store is None else opened.store.dim


def _are_tables(found: "list[InputSource]") -> bool:
    from attncli.files.rows.kinds import named_kind

    return all(named_kind(source.path) is not None for source in found)


def _is_stream(path: str) -> bool:
    """Whether a path names a device or a pipe."""
    target = Path(path)
    try:
        return exists(target) and not is_file(target) and not is_folder(target)
    except OSError:
        return False


@contextmanager
def _stream(target: str | None) -> Iterator[int]:
    """The descriptor to write to. Raises: PipeClosed, OutputError."""
    try:
        if target not in (None, "-"):
            fd = os.open(str(target), os.O_WRONLY)
            try:
                yield fd
            finally:
                os.close(fd)
            return
        if sys.stdout is None:
            raise OutputError("cannot write to standard output: it is closed")
        sys.stdout.flush()
        yield sys.stdout.fileno()
    except BrokenPipeError:
        give_up_stdout()
        raise PipeClosed from None
    except OSError as fault:
        place = visible(str(target))[:200]
        raise OutputError(f"cannot write: {(fault.strerror or '').lower()}", place=place) from None


@contextmanager
def _stoppable(setup: _Setup) -> Iterator[None]:
    """Ends a run that is stopped by a signal with its code, and says what is kept."""
    try:
        with heeding_sigterm():
            yield
    except (KeyboardInterrupt, SystemExit):
        setup.progress.clear()
        if not setup.to_stream:
            message("note", "stopped; what is done is kept, --resume continues")
        raise
    finally:
        setup.progress.clear()


def _say(setup: _Setup, report: "RunReport") -> None:
    """The summary on stderr, then the error for lines that were set aside."""
    from attncli.batches.run import closing

    tally = report.tally
    if not setup.running.quiet:
        for text in tally.first_failures:
            message("warning", text)
        rest = tally.failed - len(tally.first_failures)
        if tally.first_failures and rest > 0:
            message("note", f"… and {rest:,} more; each has its error record")
        for way in tally.ways:
            hint(way)
        if tally.records and (lost := _losses(setup)):
            message("note", lost)
        if not (setup.to_stream or report.complete or tally.records == 0):
            say_written(str(setup.writing.output), quiet=False)
        say_unacted(setup.mechanism, report, quiet=setup.running.quiet)
        message("note", _summary(setup, report))
    closing(report, setup.sources)


def _losses(setup: _Setup) -> str:
    target = "the CSV" if setup.to_stream else visible(str(setup.writing.output))[:200]
    return losses_text(target, setup.format.name, setup.layout, setup.mechanism)


def _summary(setup: _Setup, report: "RunReport") -> str:
    if report.complete:
        return f"{visible(str(setup.writing.output))[:200]} is already whole"
    rate = report.new / report.seconds if report.seconds else 0
    records = report.tally.records
    text = "1 sentence" if records == 1 else f"{records:,} sentences"
    if report.new != report.tally.records:
        text += f", {report.new:,} of them now"
    text += f", {report.tally.failed:,} set aside" if report.tally.failed else ""
    text += f", {duration(report.seconds)}, {rate:,.0f}/s"
    return text
