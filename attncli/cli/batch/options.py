"""The options of `attn batch`: what is read, what is written, how it runs, and what is kept of a run."""

from typing import Annotated, Any, Literal, TypeAlias

from attncli import settings
from attncli.cli import options as opt
from attncli.cli.options import INPUT, OUTPUT, RUNNING, option, switch
from attncli.cli.parameters import CommandParameter
from attncli.settings.frozen import dataclass

Files = Annotated[
    list[str] | None,
    opt.argument(
        "FILE...",
        "Files, patterns or URLs of sentences, one a line; - is standard input.",
        show_default=False,
    ),
]


def _tls_file(name: str, what: str) -> Any:
    return option(RUNNING, "FILE", f"For a tls:// scheduler: {what}, as PEM.", name)


# The options of `BatchSettings`, and those of the command alone.
BATCH_OPTIONS: dict[str, Any] = {
    "input_format": option(
        INPUT,
        "NAME",
        "Kind of the inputs: text, csv, tsv, jsonl, json or parquet (default: seen from the content).",
    ),
    "column": option(
        INPUT, "NAME", "Column of a table that holds the text; a number is its place, from 1."
    ),
    "id_column": option(INPUT, "NAME", "Column to carry through as id.", "--id"),
    "pair_column": option(
        INPUT,
        "NAME",
        "Column of a second text that a transformer reads with the first, a decoder what it wrote.",
        "--pair-column",
    ),
    "every_line": switch(
        INPUT,
        'Make a record for every line of a text: blank ones, and those that begin "# ".',
        "--every-line",
    ),
    "comments": CommandParameter("--comments", hidden=True, rich_help_panel=INPUT),
    "output": option(
        OUTPUT,
        "FILE",
        "Write a file or URL, of the kind that its suffix says (default: standard output).",
        "--output",
        "-o",
    ),
    "format": option(OUTPUT, "NAME", "Format of the output: jsonl, csv, parquet, arrow or npz."),
    "include": opt.SHOWING_OPTIONS["include"],
    "exclude": opt.SHOWING_OPTIONS["exclude"],
    "precision": option(
        OUTPUT,
        "N",
        "Digits after the point: 1 to 9, or full, as many as float32 has (default 6).",
    ),
    "top": option(OUTPUT, "K", "Only the K strongest keys of each row.", min=1),
    "force": switch(OUTPUT, "Replace an output; with --resume go on, then replace it.", "--force"),
    "sync": switch(OUTPUT, "Wait for the disk at the end, also after more than 64 MiB.", "--sync"),
    "resume": switch(RUNNING, "Continue where an earlier run stopped.", "--resume"),
    "workers": option(RUNNING, "N", "Processes (default: all cores).", min=1, max=1024),
    "chunk": option(
        RUNNING,
        "N",
        "Sentences a chunk (default: 1000, of short ones up to 2000).",
        min=1,
        max=1_000_000,
    ),
    "engine": option(RUNNING, "NAME", "Who computes: local or dask."),
    "scheduler": option(
        RUNNING,
        "ADDRESS",
        "Dask scheduler, as tcp://host:8786 (default: a cluster on this machine).",
    ),
    "tls_ca": _tls_file("--tls-ca", "the authority's certificate"),
    "tls_cert": _tls_file("--tls-cert", "this client's certificate"),
    "tls_key": _tls_file("--tls-key", "its key"),
    "quiet": switch(OUTPUT, "No progress, warnings or summary.", "--quiet", "-q"),
}
LogLevel: TypeAlias = Literal["debug", "info", "warning", "error"]
LogFile = Annotated[
    str | None,
    option(RUNNING, "FILE", "Append to a log, a JSON object a line; it has what -q silences too."),
]
LogFrom = Annotated[
    LogLevel | None,
    option(
        RUNNING,
        "NAME",
        "Least that the log has: debug (every chunk), info, warning or error (default info).",
        "--log-level",
    ),
]
Summary = Annotated[
    str | None,
    option(
        RUNNING,
        "FILE",
        "Write counts, warnings and the exit code at the end, as JSON, however it ends.",
    ),
]


Column = Annotated[str | None, BATCH_OPTIONS["column"]]
InputFormat = Annotated[settings.InputFormat | None, BATCH_OPTIONS["input_format"]]


@dataclass(frozen=True, slots=True)
class BatchOptions(settings.BatchSettings):
    """How the inputs are read, what is written and where, and how the work is done."""

    OPTIONS = BATCH_OPTIONS

    include: str | None = None  # type: ignore[assignment]  # names parted by commas
    exclude: str | None = None  # type: ignore[assignment]  # likewise
    precision: str | None = None
    comments: bool = False
    output: str | None = None
    quiet: bool = False

    def settings(self) -> settings.BatchSettings:
        """The choices as the library takes them. Raises: UsageError for an unknown field."""
        values = {name: getattr(self, name) for name in settings.BatchSettings.__slots__}
        values["include"], values["exclude"] = opt.chosen_fields(self.include, self.exclude)
        return settings.BatchSettings(**values)


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """What is kept of a run beside its output; a run that goes on may keep it elsewhere."""

    log_file: LogFile = None
    log_level: LogFrom = None
    summary: Summary = None

    def __bool__(self) -> bool:
        return self.log_file is not None or self.summary is not None
