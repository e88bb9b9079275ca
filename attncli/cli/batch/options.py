"""The options of `attn batch`, in groups: what is read, what is written, how it runs."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

import typer

from attncli import settings as batches
from attncli.cli import options as opt
from attncli.cli.options import INPUT, OUTPUT, RUNNING, option, switch

Files = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILE...",
        help="Files, patterns or URLs of sentences, one a line; - is standard input.",
        show_default=False,
    ),
]
InputFormat = Annotated[
    batches.InputFormat | None,
    option(
        INPUT,
        "NAME",
        "Kind of the inputs: text, csv, tsv, jsonl, json or parquet (default: seen from the content).",
    ),
]
Column = Annotated[str | None, option(INPUT, "NAME", "Column of a table that holds the text.")]
IdColumn = Annotated[str | None, option(INPUT, "NAME", "Column to carry through as id.", "--id")]
PairColumn = Annotated[
    str | None,
    option(
        INPUT,
        "NAME",
        "Column of a second text that a transformer reads with the first, a decoder what it wrote.",
        "--pair-column",
    ),
]
EveryLine = Annotated[
    bool,
    switch(
        INPUT,
        'Make a record for every line of a text: blank ones, and those that begin "# ".',
        "--every-line",
    ),
]
Comments = Annotated[bool, typer.Option("--comments", hidden=True, rich_help_panel=INPUT)]
Output = Annotated[
    str | None,
    option(
        OUTPUT,
        "FILE",
        "Write a file or URL, of the kind that its suffix says (default: standard output).",
        "--output",
        "-o",
    ),
]
OutputFormat = Annotated[
    batches.FormatName | None,
    option(OUTPUT, "NAME", "Format of the output: jsonl, csv, parquet, arrow or npz."),
]
Precision = Annotated[
    str | None,
    option(
        OUTPUT,
        "N",
        "Digits after the point: 1 to 9, or full, as many as float32 has (default 6).",
    ),
]
Top = Annotated[int | None, option(OUTPUT, "K", "Only the K strongest keys of each row.", min=1)]
Force = Annotated[
    bool, switch(OUTPUT, "Replace an output; with --resume go on, then replace it.", "--force")
]
Sync = Annotated[
    bool,
    switch(OUTPUT, "Wait for the disk at the end, also after more than 64 MiB.", "--sync"),
]
Resume = Annotated[bool, switch(RUNNING, "Continue where an earlier run stopped.", "--resume")]
Workers = Annotated[
    int | None, option(RUNNING, "N", "Processes (default: all cores).", min=1, max=1024)
]
ChunkSize = Annotated[int, option(RUNNING, "N", "Sentences a chunk.", min=1, max=1_000_000)]
EngineName = Annotated[batches.EngineName, option(RUNNING, "NAME", "Who computes: local or dask.")]
Scheduler = Annotated[
    str | None,
    option(
        RUNNING,
        "ADDRESS",
        "Dask scheduler, as tcp://host:8786 (default: a cluster on this machine).",
    ),
]


def _tls_file(name: str, what: str) -> Any:
    return option(RUNNING, "FILE", f"For a tls:// scheduler: {what}, as PEM.", name)


TlsCa = Annotated[str | None, _tls_file("--tls-ca", "the authority's certificate")]
TlsCert = Annotated[str | None, _tls_file("--tls-cert", "this client's certificate")]
TlsKey = Annotated[str | None, _tls_file("--tls-key", "its key")]
Quiet = Annotated[bool, switch(OUTPUT, "No progress, warnings or summary.", "--quiet", "-q")]
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


@dataclass(frozen=True, slots=True)
class InputOptions:
    """How the inputs are read."""

    input_format: InputFormat = None
    column: Column = None
    id_column: IdColumn = None
    pair_column: PairColumn = None
    every_line: EveryLine = False
    comments: Comments = False


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """What is written, and where."""

    output: Output = None
    format: OutputFormat = None
    include: opt.Include = None
    exclude: opt.Exclude = None
    precision: Precision = None
    top: Top = None
    force: Force = False
    sync: Sync = False


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How the work is done; nothing of it shows in the output."""

    resume: Resume = False
    workers: Workers = None
    chunk: ChunkSize = 1000
    engine: EngineName = "local"
    scheduler: Scheduler = None
    tls_ca: TlsCa = None
    tls_cert: TlsCert = None
    tls_key: TlsKey = None
    quiet: Quiet = False


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """What is kept of a run beside its output; a run that goes on may keep it elsewhere."""

    log_file: LogFile = None
    log_level: LogFrom = None
    summary: Summary = None

    def __bool__(self) -> bool:
        return self.log_file is not None or self.summary is not None
