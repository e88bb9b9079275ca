"""A batch as it is asked for: what is read, what is written; and its run, from first to last."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from attncli import __version__
from attncli import settings as chosen
from attncli.batches.journal import job_begun
from attncli.batches.part_file import ENDINGS, PartFile
from attncli.batches.plan import CHUNK_RECORDS, MOST_RECORDS, Plan
from attncli.batches.remote import RemoteOutput
from attncli.batches.run import (
    FileSink,
    Follower,
    Output,
    Sink,
    Watcher,
    identity_of,
    nothing_to_do,
    run_to_output,
    run_to_stream,
)
from attncli.batches.work import Outcomes, Recipe
from attncli.batches.writers.digits import MAX_DIGITS
from attncli.batches.writers.formats import Format, MakeWriter, ending_of, output_format
from attncli.errors import OutputError, UsageError, field_name, setting
from attncli.errors.wording import did_you_mean, quoted, visible
from attncli.files.apart import expect_apart, files_given, written
from attncli.files.paths import exists, is_file, is_folder
from attncli.files.rows.columns import column_number
from attncli.files.rows.kinds import named_kind
from attncli.files.rows.reader import Shape
from attncli.files.source import InputSource, is_url
from attncli.files.writing import check_target
from attncli.results.batch_report import RunReport, Tally
from attncli.results.effects import NO_WATCH, Watch
from attncli.results.fields import EXCLUDED_FIELDS, INCLUDED_FIELDS
from attncli.results.layout import DEFAULT_PRECISION, FULL, RecordLayout

_HUGE = 10**9  # what is above is as wrong, and shorter to say


class JobMechanism(NamedTuple):
    """What makes the results: `make` is called by every worker and can be pickled.

    facts, options: what its vectors and its model hold, and its settings, by which a later run knows
    whether it is the same. width: about how many numbers a token has beside its weights. watch: what
    workers look for in results. of_models: the fields of a model that few have and this one may.
    parts: those that results have of a decoder, or the keys of another text.
    """

    make: Callable[[], Outcomes]
    facts: dict[str, Any]
    options: dict[str, Any]
    width: int
    watch: Watch = NO_WATCH
    of_models: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchJob:
    """A batch as asked for, checked but for its mechanism; `output` None is standard output."""

    sources: list[InputSource]
    output: str | None
    settings: chosen.BatchSettings
    format: Format
    layout: RecordLayout

    @property
    def to_stream(self) -> bool:
        """Whether the output is a pipe, a terminal or a device, written as it comes."""
        return self.output is None or _is_stream(self.output)

    @property
    def is_of_tables(self) -> bool:
        """Whether all inputs are tables by what is said of them; tables have no lines to leave out."""
        if self.settings.input_format is not None:
            return self.settings.input_format != "text"
        return all(named_kind(source.path) is not None for source in self.sources)

    @property
    def paired_by(self) -> str | None:
        """The field that gives each text a second one, None where none does."""
        return None if self.settings.pair_column is None else "pair_column"

    def reading(self) -> dict[str, Any]:
        """How inputs are read, as journals have always said it."""
        pairs = self.settings.pair_column
        return {
            "input_format": self.settings.input_format,
            "column": self.settings.column,
            "id_column": self.settings.id_column,
            **({} if pairs is None else {"pair_column": pairs}),  # came after the first journals
            "comments": not (self.settings.every_line or self.is_of_tables),
        }

    def shape(self, note: Callable[[str], None] | None) -> Shape:
        """How the inputs are read; the last column is that of pairs, where there is one.

        Beside a pair, or where a column is given by its number, numbers are places from 1.
        """
        s = self.settings
        others = {"id_column": s.id_column, "pair_column": s.pair_column}
        wanted = {name: column for name, column in others.items() if column is not None}
        given = wanted if s.column is None else {"column": s.column, **wanted}
        by_number = s.pair_column is not None or any(map(column_number, given.values()))
        return Shape(
            s.input_format,
            s.column,
            tuple(wanted.values()),
            required=True,
            every_line=s.every_line,
            fields=("column", *wanted) if by_number else ("column", "id_column"),
            chosen=frozenset(given) if by_number else None,
            by_number=by_number,
            note=note,
        )

    def as_begun(self) -> "BatchJob":
        """How a run that goes on reads: each line has its record where that is how it began.

        Runs of before always did so, and no setting says it.
        """
        options = job_begun(Path(f"{self.output}{ENDINGS[1]}")).get("options")
        now = self.reading()
        as_now = {"reading": now | {"comments": False}, "format": self.format.written}
        if not (isinstance(options, dict) and now["comments"] and options | as_now == options):
            return self
        return replace(self, settings=replace(self.settings, every_line=True))

    def check(self, files_read: Iterator[str]) -> None:
        """Raises: UsageError for settings that do not go together, or an output that is also read;
        OutputError for one that cannot be written.
        """
        inputs = [*files_given(s.file or s.path for s in self.sources), *files_read]
        expect_apart(written("output", self.output, *ENDINGS), inputs)
        if not self.to_stream:
            if not is_url(str(self.output)):
                check_target(str(self.output))
            return
        for name in ("resume", "force"):
            if getattr(self.settings, name) and self.output is None:
                raise UsageError(
                    f"found no {field_name('output')}, expected both", place=field_name(name)
                )
        if self.format.needs_file:
            raise UsageError(
                f"{self.format.name} cannot be written to a pipe, expected a file",
                place=field_name("output"),
            )

    def identity(self, mechanism: JobMechanism) -> dict[str, Any]:
        """What a run is of, beside its input, as plain values."""
        return {
            "vectors": mechanism.facts,
            "options": {
                **mechanism.options,
                "reading": self.reading(),
                "format": self.format.written,
                **self.layout.described(),
            },
        }


def batch_job(
    sources: list[InputSource], output: str | None, settings: chosen.BatchSettings
) -> BatchJob:
    """A batch of these inputs. Raises: UsageError for a format, a field or digits that are none."""
    written_as = output_format(output, settings.format)
    if settings.pair_column is not None and settings.input_format == "text":
        raise UsageError(
            f"found {setting(input_format='text')} too, which has no columns; expected a table",
            place=field_name("pair_column"),
        )
    for name, allowed in (("include", INCLUDED_FIELDS), ("exclude", EXCLUDED_FIELDS)):
        for field in getattr(settings, name):
            if field not in allowed:
                expected = f"expected one of {', '.join(allowed)}{did_you_mean(field, allowed)}"
                raise UsageError(f"found {quoted(field)}, {expected}", place=field_name(name))
    layout = RecordLayout(
        include=settings.include,
        exclude=settings.exclude,
        precision=_digits(settings.precision, written_as),
        top=settings.top,
        with_file=len(sources) > 1,
        with_id=bool(settings.id_column),
    )
    return BatchJob(sources, output, settings, written_as, layout)


def run_job(
    job: BatchJob,
    mechanism: JobMechanism,
    *,
    fd: int | None = None,
    watch: Watcher | None = None,
    note: Callable[[str], None] | None = None,
    follower: Follower | None = None,
) -> RunReport:
    """Runs a batch to its end, or where it is whole says so.

    `fd` is written to where there is no output; `watch` is told the records done, `note` what there
    is to say of an input, and `follower` each chunk.
    Raises: EmptyError, ResumeError, OutputError, LockedError, and what reading and engines raise;
    BrokenPipeError when nobody reads a pipe any more.
    """
    from attncli.batches.engines.choice import engine_of
    from attncli.batches.unmarked import expect_same_beginning

    settings, identity = job.settings, job.identity(mechanism)
    layout = replace(
        job.layout,
        facts=_provenance(identity),
        of_models=mechanism.of_models,
        parts=mechanism.parts,
    )
    make_writer = MakeWriter(job.format, layout)
    size, most = settings.chunk or CHUNK_RECORDS, 0 if settings.chunk else MOST_RECORDS
    if make_writer().in_blocks:  # a chunk shows in the output
        size, most = CHUNK_RECORDS, 0
    plan = Plan(
        job.sources,
        job.shape(note),
        size,
        mechanism.width,
        most,
        paired=settings.pair_column is not None,
    )
    recipe = Recipe(mechanism.make, make_writer, mechanism.watch)
    engine = engine_of(settings)
    if job.to_stream:
        with _opened(job.output, fd) as stream:
            return run_to_stream(plan, recipe, engine, stream, watch, follower, job.output or "")
    identity = identity_of(job.sources, identity, __version__)
    target = str(job.output)
    again = {"resume": settings.resume, "force": settings.force}
    output: Output
    sink: Sink
    if is_url(target):
        remote = RemoteOutput(target, identity, **again)
        output, sink, complete = remote, remote, remote.complete
    else:
        part = PartFile(Path(target), identity, **again)
        output, sink, complete = part, FileSink(part), part.complete
    ending = ending_of(job.format, layout, sync=settings.sync)
    if complete:
        tally = _finished_tally(job, output)
        if not output.is_known:
            same, given = expect_same_beginning(target, make_writer, plan, recipe, ending, tally)
            if note is not None and same < given:
                note(_ONLY_THE_FIRST.format(same, given))
        if follower is not None:
            follower.begun(tally)
        return nothing_to_do(tally)
    return run_to_output(plan, recipe, engine, output, sink, ending, watch, follower)


_ONLY_THE_FIRST = (
    "nothing is kept beside the output of how it was made: only its first {:,} of {:,} records "
    "were compared with those of this run"
)


def _digits(asked: int | str | None, chosen_format: Format) -> int:
    """How many digits are written. Raises: UsageError."""
    if asked is None:
        return DEFAULT_PRECISION
    if not chosen_format.is_text:
        raise UsageError(
            f"found it, but {chosen_format.name} holds float32 values as they are",
            place=field_name("precision"),
        )
    if asked == "full":
        return FULL
    text = str(min(asked, _HUGE) if isinstance(asked, int) else asked)
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:4]) <= MAX_DIGITS):
        raise UsageError(
            f"found {quoted(text)}, expected full or a number from 1 to {MAX_DIGITS}",
            place=field_name("precision"),
        )
    return int(text)


def _provenance(identity: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """What binary formats keep in their metadata of where their numbers come from."""
    from attncli.results.json import plain_json

    facts = {f"attn.{name}": plain_json(value) for name, value in sorted(identity.items())}
    return (("attn.version", __version__), *facts.items())


def _finished_tally(job: BatchJob, output: Output) -> Tally:
    """What became of the records of an output that is whole: noted beside it, or read from it."""
    from attncli.batches.finished import tally_of_finished

    if output.done is not None:
        return Tally(output.done.records, output.done.failed, output.done.empty)
    return tally_of_finished(str(job.output), job.format)


def _is_stream(path: str) -> bool:
    """Whether a path names a device or a pipe."""
    target = Path(path)
    try:
        return exists(target) and not is_file(target) and not is_folder(target)
    except OSError:
        return False


@contextmanager
def _opened(output: str | None, fd: int | None) -> Iterator[int]:
    """The descriptor of a stream. Raises: OutputError, BrokenPipeError."""
    if output is None and fd is None:
        raise OutputError("cannot write to standard output: it is closed")
    opened: int | None = None
    try:
        if output is not None:
            opened = os.open(output, os.O_WRONLY | getattr(os, "O_BINARY", 0))
        yield opened if opened is not None else fd or 0
    except BrokenPipeError:
        raise
    except OSError as fault:
        place = visible(str(output))[:200]
        raise OutputError(f"cannot write: {(fault.strerror or '').lower()}", place=place) from None
    finally:
        if opened is not None:
            os.close(opened)
