"""The options of `attn train`, with what they mean, in groups."""

from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

import typer

from attncli import settings
from attncli.cli import options as opt
from attncli.cli.options import ATTENTION, INPUT, LEARNING, MODEL, OUTPUT, RUNNING

_LAYER, _TRAINING = settings.LayerSettings(), settings.TrainingSettings()


def _size(help_text: str, panel: str = ATTENTION, least: int = 1) -> Any:
    return typer.Option(metavar="N", min=least, max=4096, help=help_text, rich_help_panel=panel)


def _share(help_text: str) -> Any:
    return typer.Option(metavar="P", help=help_text, rich_help_panel=LEARNING)


DataFile: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="A table (TSV, CSV, JSON, Parquet): text, label, and target if there is one; - is "
        "standard input.",
    ),
]
ModelOut: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Where the model goes (safetensors); FILE.html, besides or alone, keeps how it was "
        "learned, with a slider over the epochs.",
        rich_help_panel=OUTPUT,
        show_default=False,
    ),
]
Split: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Only the rows whose column split has this name.",
        rich_help_panel=INPUT,
        show_default=False,
    ),
]
SkipBad: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--skip-bad",
        help="Go on without the rows that cannot be used, and say how many.",
        rich_help_panel=INPUT,
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
        help="Words of the data that others are measured by. A value sees how like them a word is, "
        "beside its embedding (default: 200; of a transformer's vectors 0).",
        rich_help_panel=MODEL,
        show_default=False,
    ),
]
Committee: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        max=4096,
        help="Members learned side by side. Their probabilities are averaged (default: 4; of "
        "several vectors of a transformer 2 each).",
        rich_help_panel=MODEL,
        show_default=False,
    ),
]
Directions: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        max=1_000_000,
        help="Main directions of the vectors to learn in (default: all of them; of each of a transformer's vectors 128).",
        rich_help_panel=MODEL,
        show_default=False,
    ),
]
PositionKind: TypeAlias = Annotated[
    settings.Positions | None,
    typer.Option(
        metavar="KIND",
        help="How order is seen: none, sinusoidal, rope, learned or relative (the default; given "
        "weights: none).",
        rich_help_panel=ATTENTION,
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
        rich_help_panel=MODEL,
    ),
]
Epochs: TypeAlias = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        max=1_000_000,
        help="Passes over the sentences (default 30; given weights: 3000).",
        rich_help_panel=LEARNING,
        show_default=False,
    ),
]
BatchSize: TypeAlias = Annotated[int, _size("Sentences a step.", LEARNING)]
LearningRate: TypeAlias = Annotated[
    float,
    typer.Option(metavar="R", help="Peak of Adam's learning rate.", rich_help_panel=LEARNING),
]
WeightDecay: TypeAlias = Annotated[
    float, typer.Option(metavar="R", help="Decoupled weight decay.", rich_help_panel=LEARNING)
]
Dropout: TypeAlias = Annotated[float, _share("Share of the read-out's input that is zeroed.")]
WeightDropout: TypeAlias = Annotated[float, _share("Share of the attention weights zeroed.")]
WordDropout: TypeAlias = Annotated[float, _share("Share of the words hidden, never a target.")]
Smoothing: TypeAlias = Annotated[float, _share("Share of each label spread over all labels.")]
Balance: TypeAlias = Annotated[
    float, _share("How rare labels count: 0 as they come, 1 all with the same say.")
]
HeldOut: TypeAlias = Annotated[float, _share("Share of the sentences kept aside, by label.")]
Patience: TypeAlias = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=0,
        help="Stop after N epochs without a better held-out result (0: never).",
        rich_help_panel=LEARNING,
    ),
]
Tolerance: TypeAlias = Annotated[
    float | None,
    typer.Option(
        metavar="X",
        help="Given weights: stop when no cell is off by more than X (default 0.001).",
        rich_help_panel=LEARNING,
        show_default=False,
    ),
]
TrainSeed: TypeAlias = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=0,
        max=2**63 - 1,
        help="Seed of the start, the order and dropout.",
        rich_help_panel=LEARNING,
    ),
]
LogFile: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--log",
        metavar="FILE",
        help="Write a JSON object an epoch.",
        rich_help_panel=OUTPUT,
        show_default=False,
    ),
]
Resume: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--resume", help="Go on with a training that was stopped.", rich_help_panel=RUNNING
    ),
]
CheckGrad: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--check-grad",
        help="Prove the gradients by central differences, then stop.",
        rich_help_panel=RUNNING,
    ),
]


Watch: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--watch",
        help="Show W_q, W_k and W_v, the loss and a sentence's weights change while it learns; on a "
        "terminal alone.",
        rich_help_panel=OUTPUT,
    ),
]


@dataclass(frozen=True, repr=False, eq=False)
class DataOptions:
    """Which rows of the file are learned from."""

    split: Split = None
    skip_bad: SkipBad = False


@dataclass(frozen=True, repr=False, eq=False)
class WordOptions:
    """Which vectors, which words."""

    vectors: opt.Vectors = "glove"
    no_cache: opt.NoCache = False
    dim: opt.Dim = 50
    tokenizer: opt.Tokenizer = "words"
    oov: opt.Oov = "zero"


@dataclass(frozen=True, repr=False, eq=False)
class LayerOptions:
    """The sizes of the model."""

    heads: Heads = _LAYER.heads
    d_k: KeySize = _LAYER.d_k
    d_v: ValueSize = _LAYER.d_v
    landmarks: Landmarks = None
    committee: Committee = None
    directions: Directions = None
    positions: PositionKind = None
    reach: Reach = _LAYER.reach
    causal: opt.Causal = False
    window: opt.Window = None
    pooling: PoolingKind = _LAYER.pooling

    def settings(self) -> settings.LayerSettings:
        """The sizes as the library takes them."""
        return settings.LayerSettings(**vars(self))


@dataclass(frozen=True, repr=False, eq=False)
class LearningOptions:
    """How the model is learned; `epochs` and `tolerance` None are what the data ask for."""

    epochs: Epochs = None
    batch_size: BatchSize = _TRAINING.batch_size
    learning_rate: LearningRate = _TRAINING.learning_rate
    weight_decay: WeightDecay = _TRAINING.weight_decay
    dropout: Dropout = _TRAINING.dropout
    weight_dropout: WeightDropout = _TRAINING.weight_dropout
    word_dropout: WordDropout = _TRAINING.word_dropout
    smoothing: Smoothing = _TRAINING.smoothing
    balance: Balance = _TRAINING.balance
    held_out: HeldOut = _TRAINING.held_out
    patience: Patience = _TRAINING.patience
    tolerance: Tolerance = None
    seed: TrainSeed = _TRAINING.seed

    def settings(self) -> settings.TrainingSettings:
        """The choices as the library takes them. Raises: UsageError for one out of its range."""
        from attncli.checks.choices import checked_training

        asked = {"epochs": self.epochs, "tolerance": self.tolerance}
        defaults = {name: getattr(_TRAINING, name) for name in asked}
        values = {n: defaults[n] if v is None else v for n, v in asked.items()}
        chosen = settings.TrainingSettings(**{**vars(self), **values})
        return checked_training(chosen, asks_for_tolerance=self.tolerance is not None)


@dataclass(frozen=True, repr=False, eq=False)
class ReportOptions:
    """What is written of a training, and where."""

    output: ModelOut = None
    watch: Watch = False
    no_footer: opt.NoFooter = False
    log: LogFile = None
    json: opt.Json = False
    quiet: opt.Quiet = False

    @property
    def model(self) -> str | None:
        """The file of the model, the last one that is no page."""
        return next((name for name in reversed(self.output or []) if not _is_page(name)), None)

    @property
    def outnumbered(self) -> bool:
        """Whether more than one model, or more than one page, is named."""
        kinds = [_is_page(name) for name in self.output or []]
        return kinds.count(True) > 1 or kinds.count(False) > 1

    @property
    def page(self) -> str | None:
        """The page that keeps the training."""
        return next((name for name in reversed(self.output or []) if _is_page(name)), None)


@dataclass(frozen=True, repr=False, eq=False)
class TrainRunOptions:
    """What is done: go on with a training, or prove its gradients."""

    resume: Resume = False
    check_grad: CheckGrad = False


def _is_page(name: str) -> bool:
    return name.lower().endswith((".html", ".htm"))
