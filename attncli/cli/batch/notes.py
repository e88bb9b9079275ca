"""What `attn batch` says before it begins: options that do nothing here; and how far it has read."""

from pathlib import Path
from typing import TYPE_CHECKING

from attncli.cli.batch.options import BatchOptions
from attncli.cli.terminal import message
from attncli.cli.vain_options import say_vain
from attncli.files.paths import is_file
from attncli.settings import BatchSettings

if TYPE_CHECKING:
    from attncli.api.analysis import Analysis
    from attncli.api.batching import CheckedBatch
    from attncli.files.source import InputSource


def say_of_vain_reading(batch: "CheckedBatch", asked: BatchSettings, *, comments: bool) -> None:
    """Says which options of reading have no effect, and where a run goes on as it began."""
    every_line, is_of_tables = batch.job.settings.every_line, batch.job.is_of_tables
    if comments:
        message("note", "blank lines and comments are left out anyway: --comments has no effect")
    if every_line and is_of_tables:
        message("note", "tables have rows and not lines: --every-line has no effect")
    if every_line and not asked.every_line:
        message("note", "goes on as it began, with a record for every line (--every-line)")


def say_of_decoder(analysis: "Analysis") -> None:
    """A note that records hold the encoder's attention alone, where a decoder is given no text."""
    if name := analysis.analyser.idle_decoder:
        message(
            "note",
            f"{name} is an encoder with a decoder: records hold the attention of the encoder; "
            "--pair-column NAME, --pair TEXT or --complete N give those of the decoder too",
        )


def say_vain_settings(batch: "CheckedBatch", options: BatchOptions, *, quiet: bool) -> None:
    """Says which options have no effect on these inputs, this output or this engine."""
    from attncli.files.rows.kinds import named_kind

    job, settings = batch.job, batch.job.settings
    if settings.every_line and all(named_kind(s.path) is not None for s in job.sources):
        say_vain(["--every-line"], "on tables, whose rows are all read", quiet=quiet)
    fields = [name for name in ("include", "exclude") if getattr(options, name) is not None]
    if job.format.name == "csv":  # whatever the fields, it holds the weights alone
        say_vain([f"--{name}" for name in fields], "in a .csv file", quiet=quiet)
    if settings.sync and (job.to_stream or "://" in str(job.output)):
        say_vain(["--sync"], "where no file of this machine is written", quiet=quiet)
    if settings.workers is not None and settings.scheduler is not None:
        say_vain(["--workers"], "with --scheduler: its cluster has its own", quiet=quiet)


def share_read(inputs: "list[InputSource]") -> float | None:
    """How much of the inputs was read, when they are files."""
    sizes = [_size(source) for source in inputs]
    if None in sizes:
        return None
    total = sum(size or 0 for size in sizes)
    return sum(source.read for source in inputs) / total if total else None


def _size(source: "InputSource") -> int | None:
    try:
        path = Path(source.file or source.path)
        return path.stat().st_size if is_file(path) else None
    except OSError:
        return None
