"""The options of `attn batch`, in groups: what is read, what is written, how it runs."""

from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

import typer

from attncli import settings as batches
from attncli.cli import options as opt

Files: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILE...",
        help="Files, patterns or URLs of sentences, one a line; - is standard input.",
        show_default=False,
    ),
]
InputFormat: TypeAlias = Annotated[
    batches.InputFormat | None,
    typer.Option(
        metavar="NAME",
        help="Kind of the inputs: text, csv, tsv, jsonl, json or parquet (default: seen from the content).",
        rich_help_panel=opt.INPUT,
        show_default=False,
    ),
]
Column: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Column of a table that holds the text.", rich_help_panel=opt.INPUT
    ),
]
IdColumn: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--id", metavar="NAME", help="Column to carry through as id.", rich_help_panel=opt.INPUT
    ),
]
EveryLine: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--every-line",
        help='Make a record for every line of a text: blank ones, and those that begin "# ".',
        rich_help_panel=opt.INPUT,
    ),
]
Comments: TypeAlias = Annotated[
    bool, typer.Option("--comments", hidden=True, rich_help_panel=opt.INPUT)
]
Output: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write a file or URL, of the kind that its suffix says (default: standard output).",
        rich_help_panel=opt.OUTPUT,
    ),
]
OutputFormat: TypeAlias = Annotated[
    batches.FormatName | None,
    typer.Option(
        metavar="NAME",
        help="Format of the output: jsonl, csv, parquet, arrow or npz.",
        rich_help_panel=opt.OUTPUT,
    ),
]
Precision: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="N",
        help="Digits after the point: 1 to 9, or full, as many as float32 has (default 6).",
        rich_help_panel=opt.OUTPUT,
        show_default=False,
    ),
]
Top: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="K",
        min=1,
        help="Only the K strongest keys of each row.",
        rich_help_panel=opt.OUTPUT,
    ),
]
Force: TypeAlias = Annotated[
    bool,
    typer.Option("--force", help="Replace an existing output.", rich_help_panel=opt.OUTPUT),
]
Sync: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--sync",
        help="Wait for the disk at the end, also after more than 64 MiB.",
        rich_help_panel=opt.OUTPUT,
    ),
]
Resume: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--resume", help="Continue where an earlier run stopped.", rich_help_panel=opt.RUNNING
    ),
]
Workers: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        max=1024,
        help="Processes (default: all cores).",
        rich_help_panel=opt.RUNNING,
        show_default=False,
    ),
]
ChunkSize: TypeAlias = Annotated[
    int,
    typer.Option(
        metavar="N", min=1, max=1_000_000, help="Sentences a chunk.", rich_help_panel=opt.RUNNING
    ),
]
EngineName: TypeAlias = Annotated[
    batches.EngineName,
    typer.Option(metavar="NAME", help="Who computes: local or dask.", rich_help_panel=opt.RUNNING),
]
Scheduler: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Dask scheduler, as tcp://host:8786 (default: a cluster on this machine).",
        rich_help_panel=opt.RUNNING,
        show_default=False,
    ),
]


def _tls_file(name: str, what: str) -> Any:
    return typer.Option(
        name,
        metavar="FILE",
        help=f"For a tls:// scheduler: {what}, as PEM.",
        rich_help_panel=opt.RUNNING,
        show_default=False,
    )


TlsCa: TypeAlias = Annotated[str | None, _tls_file("--tls-ca", "the authority's certificate")]
TlsCert: TypeAlias = Annotated[str | None, _tls_file("--tls-cert", "this client's certificate")]
TlsKey: TypeAlias = Annotated[str | None, _tls_file("--tls-key", "its key")]
Quiet: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--quiet", "-q", help="No progress, warnings or summary.", rich_help_panel=opt.OUTPUT
    ),
]


@dataclass(frozen=True, slots=True)
class InputOptions:
    """How the inputs are read."""

    input_format: InputFormat = None
    column: Column = None
    id_column: IdColumn = None
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
