"""The options of `attn train`, with what they mean."""

from typing import Annotated, Any, TypeAlias

import typer

from attncli import settings

_DATA, _MODEL, _LEARNING = "Data", "Model", "Learning"


def _size(help_text: str, panel: str = _MODEL, least: int = 1) -> Any:
    return typer.Option(metavar="N", min=least, max=4096, help=help_text, rich_help_panel=panel)


def _share(help_text: str) -> Any:
    return typer.Option(metavar="P", help=help_text, rich_help_panel=_LEARNING)


DataFile: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="A table (TSV, CSV, JSON, Parquet): text, label, and target if there is one; - is "
        "standard input.",
    ),
]
ModelOut: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Where the model goes (safetensors).",
        show_default=False,
    ),
]
Split: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Only the rows whose column split has this name.",
        rich_help_panel=_DATA,
        show_default=False,
    ),
]
SkipBad: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--skip-bad",
        help="Go on without the rows that cannot be used, and say how many.",
        rich_help_panel=_DATA,
    ),
]
Heads: TypeAlias = Annotated[int, _size("Heads of each member.")]
KeySize: TypeAlias = Annotated[int, _size("Values of a query or key, each head.")]
ValueSize: TypeAlias = Annotated[int, _size("Values of a new embedding, each head.")]
Landmarks: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=0,
        max=1024,
        help="Words of the data; a value sees how like them a word is, beside its embedding "
        "(default: 200; of a transformer's vectors 0).",
        rich_help_panel=_MODEL,
        show_default=False,
    ),
]
Committee: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        max=4096,
        help="Members learned side by side; their probabilities are averaged (default: 4; of "
        "several vectors of a transformer 2 each).",
        rich_help_panel=_MODEL,
        show_default=False,
    ),
]
Directions: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        max=1_000_000,
        help="Main directions of the vectors that are learned in (default: all of them; of each "
        "of a transformer's vectors 128).",
        rich_help_panel=_MODEL,
        show_default=False,
    ),
]
PositionKind: TypeAlias = Annotated[
    settings.Positions | None,
    typer.Option(
        metavar="KIND",
        help="none, sinusoidal, rope, learned or relative (the default; given weights: none).",
        rich_help_panel=_MODEL,
        show_default=False,
    ),
]
Reach: TypeAlias = Annotated[
    int, _size("Relative positions: distances told apart on each side.", least=0)
]
PoolingKind: TypeAlias = Annotated[
    settings.Pooling,
    typer.Option(
        metavar="KIND",
        help="How a sentence without target is read: attention or mean.",
        rich_help_panel=_MODEL,
    ),
]
Epochs: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        max=1_000_000,
        help="Passes over the sentences (default 30; given weights: 3000).",
        rich_help_panel=_LEARNING,
        show_default=False,
    ),
]
BatchSize: TypeAlias = Annotated[int, _size("Sentences a step.", _LEARNING)]
LearningRate: TypeAlias = Annotated[
    float,
    typer.Option(metavar="R", help="Peak of Adam's learning rate.", rich_help_panel=_LEARNING),
]
WeightDecay: TypeAlias = Annotated[
    float, typer.Option(metavar="R", help="Decoupled weight decay.", rich_help_panel=_LEARNING)
]
Dropout: TypeAlias = Annotated[float, _share("Of the read-out's input that is zeroed.")]
WeightDropout: TypeAlias = Annotated[float, _share("Of the attention weights zeroed.")]
WordDropout: TypeAlias = Annotated[float, _share("Of the words hidden, never a target.")]
Smoothing: TypeAlias = Annotated[float, _share("Of each label spread over all labels.")]
Balance: TypeAlias = Annotated[
    float, _share("0 counts sentences alike, 1 gives each label the same say.")
]
HeldOut: TypeAlias = Annotated[float, _share("Of the sentences kept aside, by label.")]
Patience: TypeAlias = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=0,
        help="Stop after N epochs without a better held-out result (0: never).",
        rich_help_panel=_LEARNING,
    ),
]
TrainSeed: TypeAlias = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=0,
        max=2**63 - 1,
        help="Seed of the start, the order and dropout.",
        rich_help_panel=_LEARNING,
    ),
]
LogFile: TypeAlias = Annotated[
    str | None,
    typer.Option("--log", metavar="FILE", help="Write a JSON object an epoch.", show_default=False),
]
Resume: TypeAlias = Annotated[
    bool, typer.Option("--resume", help="Go on with a training that was stopped.")
]
CheckGrad: TypeAlias = Annotated[
    bool,
    typer.Option("--check-grad", help="Prove the gradients by central differences, then stop."),
]
