"""The options of `attn train`, with what they mean, in groups."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from attncli import settings
from attncli.cli import options as opt
from attncli.cli.options import ATTENTION, INPUT, LEARNING, MODEL, OUTPUT, RUNNING, option, switch
from attncli.errors import UsageError
from attncli.settings.frozen import dataclass

if TYPE_CHECKING:
    from attncli.api.examples import ExampleSource

WORDS = settings.WordSettings()


def _size(help_text: str, panel: str = ATTENTION, least: int = 1) -> Any:
    return option(panel, "N", help_text, min=least, max=4096)


def _share(help_text: str) -> Any:
    return option(LEARNING, "P", help_text)


DataFile = Annotated[
    str,
    opt.argument(
        "FILE",
        "A table (TSV, CSV, JSON, Parquet): text, label, and target if there is one; or text "
        "and pair, with a score, a label or alone; - is standard input.",
    ),
]
TextColumn = Annotated[
    str | None,
    option(
        INPUT,
        "NAME",
        "Column of the sentence, or its number (default: text).",
    ),
]
LabelColumn = Annotated[
    str | None, option(INPUT, "NAME", "Column of the label, likewise (default: label).")
]
TargetColumn = Annotated[
    str | None,
    option(INPUT, "NAME", "Column of the word the label is about (default: target)."),
]
PairColumn = Annotated[
    str | None,
    option(INPUT, "NAME", "Column of a second sentence, likewise (default: pair)."),
]
ScoreColumn = Annotated[
    str | None,
    option(INPUT, "NAME", "Column that says how alike the two are, a number (default: score)."),
]
Unsure = Annotated[
    float | None,
    option(OUTPUT, "P", "Labels less probable than P are unsure.", min=0, max=1),
]
Split = Annotated[
    str | None, option(INPUT, "NAME", "Only the rows whose column split has this name.")
]
SkipBad = Annotated[
    bool,
    switch(INPUT, "Go on without the rows that cannot be used, and say how many.", "--skip-bad"),
]
# The options of `LayerSettings`.
LAYER_OPTIONS: dict[str, Any] = {
    "heads": _size("Heads of each member."),
    "d_k": _size("Values of a query or key, each head."),
    "d_v": _size("Values of a new embedding, each head."),
    "landmarks": option(
        MODEL,
        "N",
        "Words of the data that others are measured by. A value sees how like them a word is, "
        "beside its embedding (default: 200; of a transformer's vectors 0).",
        min=0,
        max=1024,
    ),
    "committee": option(
        MODEL,
        "N",
        "Members learned side by side. Their probabilities are averaged (default: 4; of "
        "several vectors of a transformer 2 each).",
        min=1,
        max=4096,
    ),
    "directions": option(
        MODEL,
        "N",
        "Main directions of the vectors to learn in (default: all of them; of each of a transformer's vectors 128).",
        min=1,
        max=1_000_000,
    ),
    "positions": option(
        ATTENTION,
        "KIND",
        "How order is seen: none, sinusoidal, rope, learned or relative (the default; given "
        "weights: none).",
    ),
    "reach": _size("Relative positions: distances told apart on each side.", least=0),
    "causal": opt.MECHANISM_OPTIONS["causal"],
    "window": opt.MECHANISM_OPTIONS["window"],
    "pooling": option(MODEL, "KIND", "How a sentence without target is read: attention or mean."),
}

# The options of `TrainingSettings`.
LEARNING_OPTIONS: dict[str, Any] = {
    "epochs": option(
        LEARNING,
        "N",
        "Passes over the sentences (default 30; given weights: 3000).",
        min=1,
        max=1_000_000,
    ),
    "batch_size": _size("Sentences a step.", LEARNING),
    "learning_rate": option(LEARNING, "R", "Peak of Adam's learning rate."),
    "weight_decay": option(LEARNING, "R", "Decoupled weight decay."),
    "dropout": _share("Share of the read-out's input that is zeroed."),
    "weight_dropout": _share("Share of the attention weights zeroed."),
    "word_dropout": _share("Share of the words hidden, never a target."),
    "smoothing": _share("Share of each label spread over all labels."),
    "balance": _share("How rare labels count: 0 as they come, 1 all with the same say."),
    "held_out": _share("Share of the sentences kept aside, by label."),
    "patience": option(
        LEARNING, "N", "Stop after N epochs without a better held-out result (0: never).", min=0
    ),
    "tolerance": option(
        LEARNING, "X", "Given weights: stop when no cell is off by more than X (default 0.001)."
    ),
    "seed": option(
        LEARNING, "N", "Seed of the start, the order and dropout.", min=0, max=2**63 - 1
    ),
    "class_weights": option(
        LEARNING,
        "WEIGHTS",
        "How much each label counts, instead of --balance: balanced, or LABEL=2,OTHER=0.5 (others "
        "1), or a JSON file.",
    ),
    "pair_temperature": option(
        LEARNING,
        "T",
        "Pairs that belong together: cosines are divided by T before the softmax over a step's "
        "sentences.",
    ),
}
# What is written of a training and what is done, in groups by the names of their fields.
RUN_OPTIONS: dict[str, Any] = {
    "output": option(
        OUTPUT,
        "FILE",
        "Where the model goes (safetensors); FILE.html, besides or alone, keeps how it was "
        "learned, with a slider over the epochs.",
        "--output",
        "-o",
    ),
    "watch": switch(
        OUTPUT,
        "Show W_q, W_k and W_v, the loss and a sentence's weights change while it learns; on a "
        "terminal alone.",
        "--watch",
    ),
    "no_footer": opt.SHOWING_OPTIONS["no_footer"],
    "log": option(OUTPUT, "FILE", "Write a JSON object an epoch.", "--log"),
    "resume": switch(RUNNING, "Go on with a training that was stopped.", "--resume"),
    "check_grad": switch(
        RUNNING, "Prove the gradients by central differences, then stop.", "--check-grad"
    ),
    "folds": option(
        RUNNING,
        "K",
        "Cross-validate: K models, each measured on a Kth of the sentences; with -o then train.",
        min=2,
        max=1000,
    ),
    "learning_curve": switch(
        RUNNING,
        "Train on 10, 20, 40, 70 and 100 % of the sentences: whether more would help.",
        "--learning-curve",
    ),
}


@dataclass(frozen=True, slots=True)
class DataOptions:
    """Which rows of the file are learned from, and which columns."""

    text_column: TextColumn = None
    label_column: LabelColumn = None
    target_column: TargetColumn = None
    pair_column: PairColumn = None
    score_column: ScoreColumn = None
    split: Split = None
    skip_bad: SkipBad = False

    def source(self, file: str) -> "ExampleSource":
        """These rows of a file, as the library takes them."""
        from attncli.api.examples import ExampleSource, named_columns

        columns = named_columns(
            self.text_column,
            self.label_column,
            self.target_column,
            self.pair_column,
            self.score_column,
        )
        return ExampleSource(file, self.split, columns, self.skip_bad)


class WordOptions(settings.WordSettings):
    """Which vectors, which words."""

    OPTIONS: ClassVar = {name: opt.MECHANISM_OPTIONS[name] for name in WORDS.__slots__}


class LayerOptions(settings.LayerSettings):
    """The sizes of the model."""

    OPTIONS = LAYER_OPTIONS


@dataclass(frozen=True, slots=True)
class LearningOptions(settings.TrainingSettings):
    """How the model is learned; `epochs` and `tolerance` None are what the data ask for."""

    OPTIONS = LEARNING_OPTIONS

    epochs: int | None = None  # type: ignore[assignment]  # of the command alone
    tolerance: float | None = None  # type: ignore[assignment]  # likewise

    def settings(self) -> settings.TrainingSettings:
        """The choices as the library takes them. Raises: UsageError for a tolerance of nothing."""
        if self.tolerance == 0:
            raise UsageError("found 0, expected a number above 0", place="--tolerance")
        given = {name: value for name, value in asdict(self).items() if value is not None}
        return settings.TrainingSettings(**given)


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What is written of a training, and where."""

    OPTIONS: ClassVar = RUN_OPTIONS

    output: list[str] | None = None
    watch: bool = False
    no_footer: bool = False
    log: str | None = None
    json: bool = False
    quiet: bool = False

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


@dataclass(frozen=True, slots=True)
class TrainRunOptions:
    """What is done: go on with a training, prove its gradients, or measure how well it does."""

    OPTIONS: ClassVar = RUN_OPTIONS

    resume: bool = False
    check_grad: bool = False
    folds: int | None = None
    learning_curve: bool = False

    @property
    def measures(self) -> str | None:
        """The option that measures trainings, if one is given."""
        return "--folds" if self.folds else "--learning-curve" if self.learning_curve else None


def _is_page(name: str) -> bool:
    return name.lower().endswith((".html", ".htm"))
